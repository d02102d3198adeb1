/* The reader's half for traces: blocks from the file and from the rings -> items. Called by reader.c only;
 * the same shape as log.h. */
#ifndef PERFTRACE_READER_NATIVE_H
#define PERFTRACE_READER_NATIVE_H

#include "../include/perftrace_reader.h"
#include "source.h"

struct perftrace_native_reader;

/* Takes over source->fd and the buffer; what was read of the trace is still in it. `options` may be NULL,
 * and is copied. NULL and *error filled on failure; the source is then freed and its fd closed too. */
struct perftrace_native_reader *perftrace_native_open(struct perftrace_source *source,
                                                      const struct perftrace_reader_options *options,
                                                      struct perftrace_error_info *error);
const struct perftrace_item *perftrace_native_next(struct perftrace_native_reader *native);
size_t perftrace_native_calls(struct perftrace_native_reader *native, struct perftrace_call **calls);
bool perftrace_native_fill(struct perftrace_native_reader *native, struct perftrace_call *call, bool all);
const struct perftrace_error_info *perftrace_native_error(const struct perftrace_native_reader *native);
struct perftrace_trace_info *perftrace_native_info(struct perftrace_native_reader *native);
size_t perftrace_native_site_count(const struct perftrace_native_reader *native);
const struct perftrace_site_info *perftrace_native_site(const struct perftrace_native_reader *native,
                                                        size_t index);
size_t perftrace_native_track_count(const struct perftrace_native_reader *native);
const struct perftrace_track_info *perftrace_native_track(const struct perftrace_native_reader *native,
                                                          size_t index);
void perftrace_native_close(struct perftrace_native_reader *native); /* NULL: nothing happens */

#endif
