/* The slowest calls: options.slowest_max of them, with their metrics. */
#ifndef PERFTRACE_ANALYSIS_SLOWEST_H
#define PERFTRACE_ANALYSIS_SLOWEST_H

#include "collect.h"

struct analysis_slow_call {
    struct analysis_call_id id;
    uint64_t elapsed_ns;
    uint32_t signature;
    bool milliseconds; /* known to the millisecond only */
    /* "key=value|…", safe to show, with "…" for what is too long; may be empty. */
    struct perftrace_buffer metrics;
};

struct analysis_slowest {
    struct analysis_slow_call *calls; /* after analysis_finish: slowest first, ties by call */
    uint32_t count;
};

/* Whether a call would be one of them, as far as is known. */
bool analysis_slowest_keeps(const struct analysis *analysis, struct analysis_call_id id, uint64_t elapsed_ns);

const struct analysis_slowest *analysis_slowest(const struct analysis *analysis);

#endif
