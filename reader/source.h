/* Blocks out of bytes: from a trace, or from the metadata of a ring file. Checks each block's checksum,
 * and finds the next intact one after damage. Works on files that grow, that were cut, and on pipes. */
#ifndef PERFTRACE_READER_SOURCE_H
#define PERFTRACE_READER_SOURCE_H

#include "../format/format.h"
#include "../include/perftrace_reader.h"
#include "sums.h"

struct perftrace_source {
    int fd;
    int fifo_wait_ms; /* how long somebody is waited for who opens the other end of a FIFO; 0: not (any more) */
    uint64_t offset; /* of buffer[start] in the input */
    uint64_t unread; /* bytes that may still be read from fd; UINT64_MAX: as many as there are */
    unsigned char *buffer;
    size_t start, length, capacity;
    bool damage_seen; /* by now; from then on checksums are made with `sums` */
    struct perftrace_sums sums;
    unsigned pieces_again;          /* blocks read again since their first part was read on its own */
    uint64_t skipped, skipped_from; /* of the damage being stepped over */
    uint64_t damaged_bytes;
    const struct perftrace_reader_options *options; /* for on_damage; borrowed, may be NULL */
    struct perftrace_error_info error;              /* of reading */
};

/* Reads from fd (borrowed) at its position, which is byte `offset` of the input, at most `bytes`. */
void perftrace_source_init(struct perftrace_source *source, int fd, uint64_t offset, uint64_t bytes,
                           const struct perftrace_reader_options *options);
/* Makes `bytes` bytes available at buffer + start, if the input has them. False without (look at `error`,
 * whose code is 0 when the input merely ended). */
bool perftrace_source_fill(struct perftrace_source *source, size_t bytes);
void perftrace_source_skip(struct perftrace_source *source, size_t bytes); /* at most `length` */

/* Whether an intact block begins within the first bytes of what is there, and whether one stands at that place. */
bool perftrace_source_has_block(struct perftrace_source *source, size_t bytes);
bool perftrace_source_block_at(struct perftrace_source *source, size_t at);

/* The next intact block: 1 (*payload is valid until the next call), 0 at the end of the input as it is
 * now (more may come: call again), or a negative enum perftrace_error. */
int perftrace_source_next(struct perftrace_source *source, struct perftrace_block_header *header,
                          const void **payload, uint64_t *offset);
/* Makes what stands behind the last intact block be read again, up to where the file ends now: it may have been replaced, and have
 * grown. False: it can't. */
bool perftrace_source_again(struct perftrace_source *source);
/* Whether the file is longer than what has been read of it. */
bool perftrace_source_has_grown(const struct perftrace_source *source);
void perftrace_source_free(struct perftrace_source *source);

/* Whether this block of a trace, when it is the last, says that the rings hold nothing more: END, or a SYNC with
 * the greatest tick. */
bool perftrace_block_completes(const struct perftrace_block_header *header, const void *payload);

#endif
