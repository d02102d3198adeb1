/* The reader's half for logs: text with PERF_TRACE| lines -> items. Called by reader.c only, which has
 * read the first bytes to tell a log from a trace. */
#ifndef PERFTRACE_READER_LOG_H
#define PERFTRACE_READER_LOG_H

#include "../include/perftrace_reader.h"

struct perftrace_log_reader;

/* Takes over `fd`, of which `first_length` bytes (they may be 0, and are copied) have been read already, and at most
 * `bytes` more are to be read.
 * `options` may be NULL, and is copied. NULL and *error (if not NULL) filled on failure; `fd` is then
 * closed too. */
struct perftrace_log_reader *perftrace_log_open(int fd, const char *first_bytes, size_t first_length,
                                                uint64_t bytes,
                                                const struct perftrace_reader_options *options,
                                                struct perftrace_error_info *error);

/* SPAN_END items only, in the order of the lines; NULL at the end. */
const struct perftrace_item *perftrace_log_next(struct perftrace_log_reader *log);

/* As perftrace_reader_calls and perftrace_reader_fill. */
size_t perftrace_log_calls(struct perftrace_log_reader *log, struct perftrace_call **calls);
bool perftrace_log_fill(struct perftrace_log_reader *log, struct perftrace_call *call,
                        const struct perftrace_site_info *site);

/* NULL, or why reading ended before the end of the input. */
const struct perftrace_error_info *perftrace_log_error(const struct perftrace_log_reader *log);

/* What is known so far; lives as long as the reader. */
struct perftrace_trace_info *perftrace_log_info(struct perftrace_log_reader *log);

/* Sites and tracks known so far, in order of first appearance; NULL past the last. */
size_t perftrace_log_site_count(const struct perftrace_log_reader *log);
const struct perftrace_site_info *perftrace_log_site(const struct perftrace_log_reader *log, size_t index);
size_t perftrace_log_track_count(const struct perftrace_log_reader *log);
const struct perftrace_track_info *perftrace_log_track(const struct perftrace_log_reader *log, size_t index);

void perftrace_log_close(struct perftrace_log_reader *log); /* NULL: nothing happens */

#endif
