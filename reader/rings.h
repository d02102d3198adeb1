/* What a killed or running program left in its rings, as blocks for the stream. */
#ifndef PERFTRACE_READER_RINGS_H
#define PERFTRACE_READER_RINGS_H

#include "../core/stream.h"
#include "../include/perftrace_reader.h"

struct perftrace_rings;

/* The path in a RING block's payload, to be freed, and the recorder's thread; NULL when it makes no sense, or without
 * memory. */
char *perftrace_rings_path(const void *payload, size_t bytes, uint32_t *recorder_thread);

/* Opens the ring file if it is that of the trace with this uuid; NULL otherwise. With `live` what the rings
 * hold is copied at once: what has moved to the trace since is then found there. With `trace_damaged` the trace may
 * lack records that it once had. */
struct perftrace_rings *perftrace_rings_open(const char *path, const uint8_t uuid[16], bool live,
                                             bool trace_damaged,
                                             const struct perftrace_reader_options *options);

/* The next block to give to `stream`, which by now has been given all of the trace; false when there are no
 * more. *payload is valid until the next call; *offset is a byte of the ring file. */
bool perftrace_rings_next(struct perftrace_rings *rings, const struct perftrace_stream *stream,
                          struct perftrace_block_header *header, const void **payload, uint64_t *offset);
/* The ring file that was opened; borrowed. */
int perftrace_rings_file(const struct perftrace_rings *rings);
uint64_t perftrace_rings_damaged_bytes(const struct perftrace_rings *rings);
void perftrace_rings_close(struct perftrace_rings *rings); /* NULL: nothing happens */

#endif
