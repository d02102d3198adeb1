/* The reader's half for Chrome JSON by anybody: Google's Trace Event Format -> items. Called by reader.c only; the same shape as
 * log.h. The format: "Trace Event Format", Google, 2016 (Nat Duca, Dean Sinclair).
 *
 * What becomes what: B with E, and X: spans. b with e, S with F: async spans. i, I, R, n, T, p: events. C: a counter for each of
 * its series. s, t, f: flows. M: names of processes and threads. args of B, X, b, S are parameters, those of E, e, F metrics. What
 * perftrace wrote itself tells with X how many of the last args are metrics. P, N, O, D and other kinds are counted in
 * perftrace_trace_info.skipped.
 *
 * Order. The events of such a file may stand in any order: by the begin of spans, by their end, each thread's together. Which
 * span lies within which, and the number of each, is only certain when no event before it can follow, which nothing in the
 * file tells. So events wait, packed (about 80 bytes and their args), until the file ends, and are then sorted by time: exact
 * whatever the order. When PERFTRACE_JSON_HELD_BYTES_MAX (less where options.bytes_max says so) are waiting, the earliest eighth of
 * them is handed out; a seventh of that memory is enough where all spans so far stood before those that they hold. A file that is in
 * order by the begin of its spans, or that departs from that by less than seven eighths of what waits, is still read exactly, and in
 * that memory. Of any other file
 * the events that come too late are told of, with their number: those spans are given without a place among the others (as
 * async spans), and what lies within them has no caller.
 */
#ifndef PERFTRACE_READER_CHROME_JSON_H
#define PERFTRACE_READER_CHROME_JSON_H

#include "../include/perftrace_reader.h"

#define PERFTRACE_JSON_HELD_BYTES_MAX ((size_t)192 << 20)
#define PERFTRACE_JSON_IN_ORDER_PART 7
#define PERFTRACE_JSON_HANDED_OUT_PART 8

struct perftrace_chrome_json;

/* Takes over `fd`, of which `first_length` bytes (they are copied) have been read already, and at most `bytes` more are to be
 * read. `options` may be NULL, and is copied. NULL and *error filled on failure; `fd` is then closed too. */
struct perftrace_chrome_json *perftrace_chrome_json_open(int fd, const char *first_bytes, size_t first_length,
                                                         uint64_t bytes,
                                                         const struct perftrace_reader_options *options,
                                                         struct perftrace_error_info *error);
const struct perftrace_item *perftrace_chrome_json_next(struct perftrace_chrome_json *json);
/* As perftrace_reader_calls and perftrace_reader_fill. */
size_t perftrace_chrome_json_calls(struct perftrace_chrome_json *json, struct perftrace_call **calls);
bool perftrace_chrome_json_fill(struct perftrace_chrome_json *json, struct perftrace_call *call,
                                const struct perftrace_site_info *site);
const struct perftrace_error_info *perftrace_chrome_json_error(const struct perftrace_chrome_json *json);
struct perftrace_trace_info *perftrace_chrome_json_info(struct perftrace_chrome_json *json);
size_t perftrace_chrome_json_site_count(const struct perftrace_chrome_json *json);
const struct perftrace_site_info *perftrace_chrome_json_site(const struct perftrace_chrome_json *json,
                                                             size_t index);
size_t perftrace_chrome_json_track_count(const struct perftrace_chrome_json *json);
const struct perftrace_track_info *perftrace_chrome_json_track(const struct perftrace_chrome_json *json,
                                                               size_t index);
void perftrace_chrome_json_close(struct perftrace_chrome_json *json); /* NULL: nothing happens */

/* For tests: with how many bytes waiting an eighth of it is handed out. */
void perftrace_chrome_json_hold(struct perftrace_chrome_json *json, size_t bytes_max);

#endif
