/* Items -> Chrome's Trace Event Format (JSON), event by event. The format: "Trace Event Format", Google,
 * 2016 (Nat Duca, Dean Sinclair). Spans become X, complete events, with parameters and metrics, async spans b and e
 * (parameters on b, metrics on e), events i, counters C, flows s/t/f, names M; times are microseconds with three decimals.
 *
 * Each event is one write() to the output, without comma, newline or enclosing array: framing those is
 * the output's affair. Bytes that are not UTF-8 are written as U+FFFD; doubles that JSON can't hold
 * (NaN, infinities) and integers beyond 2^53 are written as strings. */
#ifndef PERFTRACE_CORE_CHROME_H
#define PERFTRACE_CORE_CHROME_H

#include "../include/perftrace_items.h"
#include "output.h"

struct perftrace_chrome;

struct perftrace_chrome_options {
    struct perftrace_output *output;         /* borrowed */
    const struct perftrace_trace_info *info; /* borrowed: pid and process name are taken from here */
    /* Strings are cut (and end in "…"), and in the end arguments left out, so that no event is longer; less than
     * 1024 counts as 1024, and 0 is no limit. */
    size_t event_bytes_max;
    uint32_t pid; /* where another process has the same; 0: as in info */
};

/* NULL without memory. */
struct perftrace_chrome *perftrace_chrome_open(const struct perftrace_chrome_options *options);
/* 0 or what the output's write returned. */
int perftrace_chrome_item(struct perftrace_chrome *chrome, const struct perftrace_item *item);
/* Writes to another output what an item of perftrace_stream_open_span is to look like as long as it is open. 0 or what the
 * output's write returned. */
int perftrace_chrome_open_span(struct perftrace_chrome *chrome, const struct perftrace_item *item,
                               struct perftrace_output *output);
void perftrace_chrome_close(struct perftrace_chrome *chrome);

#endif
