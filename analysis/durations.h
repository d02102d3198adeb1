/* How long the calls of each function took: counted by value, so that percentiles are those of all calls, exactly. */
#ifndef PERFTRACE_ANALYSIS_DURATIONS_H
#define PERFTRACE_ANALYSIS_DURATIONS_H

#include "collect.h"

/* By nearest rank: the smallest time that so many percent of the calls did not exceed. Exact where error is 0. */
struct analysis_percentiles {
    uint64_t p50_ns, p90_ns, p99_ns;
    double error; /* at most so much of the value, up or down: 0, or 1/256 and more where memory was short */
    uint64_t ignored; /* calls that there was no memory for at all */
};

/* After analysis_finish. Zeros for a function without calls. */
struct analysis_percentiles analysis_percentiles(const struct analysis *analysis, uint32_t function);

#endif
