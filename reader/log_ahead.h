/* Reading a log ahead: pieces of it, each read and indexed while the one before is made use of, by a thread of their own where
 * there can be one. What comes out does not depend on which thread did it, or when. */
#ifndef PERFTRACE_READER_LOG_AHEAD_H
#define PERFTRACE_READER_LOG_AHEAD_H

#include "log_index.h"

struct perftrace_log_piece {
    char *bytes; /* may be written to; PERFTRACE_LOG_INDEX_PADDING bytes after them are there too */
    uint32_t length;
    uint64_t offset, line; /* of the first byte, in the input; lines from 1 */
    /* Whole lines, of which `index` tells. Else a part of a line that is longer than a piece, … */
    bool indexed;
    bool ends_line; /* … and perhaps more lines after its end: the last byte is a newline */
    struct perftrace_log_index index;
};

/* What is to be read: `first_length` bytes that were read already (and are copied), then at most `bytes` more from `fd`. */
struct perftrace_log_source {
    int fd;
    const char *first;
    size_t first_length;
    uint64_t bytes;
    uint64_t offset, line; /* of the first byte */
};

struct perftrace_log_ahead;

/* NULL without memory. The descriptor stays the caller's, and must stay open until perftrace_log_ahead_close. */
struct perftrace_log_ahead *perftrace_log_ahead_open(const struct perftrace_log_source *source);
/* The next piece, in order, which is valid until the next is taken. NULL at the end, */
struct perftrace_log_piece *perftrace_log_ahead_take(struct perftrace_log_ahead *ahead);
/* which was the input's, or an error: then its errno. */
int perftrace_log_ahead_errno(const struct perftrace_log_ahead *ahead);
void perftrace_log_ahead_close(struct perftrace_log_ahead *ahead); /* NULL: nothing happens */

#endif
