/* What calls say of themselves by metrics: how much of their time each part took (`query_ms`, `parse_us`, `wait_ns`), and how
 * many there were of something (`records`, `found`, any other whole number). */
#ifndef PERFTRACE_ANALYSIS_BREAKDOWN_H
#define PERFTRACE_ANALYSIS_BREAKDOWN_H

#include "collect.h"

#define BREAKDOWN_METRICS_MAX 64u /* of one function; further ones are left out */

/* A part of the time. One that a call gives in several units (query_ms and query_us) is one part, of the finest unit. */
struct analysis_time_part {
    struct perftrace_text name; /* without its unit */
    uint64_t calls;             /* that give it */
    uint64_t total_ns, max_ns;
};

/* A number. Its ranges: below 0; 0; 1; 2 to 3; 4 to 7; … */
enum { BREAKDOWN_RANGES = 66 };
struct analysis_amount {
    struct perftrace_text name;
    uint64_t calls;
    int64_t min, max; /* of an unsigned number beyond INT64_MAX: INT64_MAX */
    double sum;
    uint64_t ranges[BREAKDOWN_RANGES];
};
/* The smallest and the largest number of a range. */
void breakdown_range(unsigned range, int64_t *from, int64_t *to);

/* A function whose calls have such metrics. */
struct analysis_breakdown {
    uint32_t function;
    uint64_t calls; /* with at least one part of the time */
    /* Of these calls = parts + left_ns - over_ns. One that is known to the millisecond only is taken to be as long as its parts where
     * these are longer by less than that. */
    uint64_t elapsed_ns;
    uint64_t left_ns;    /* what no part says, of the calls that took longer than their parts together */
    uint64_t over_calls; /* whose parts together are longer than they took */
    uint64_t over_ns;    /* by so much */
    uint32_t part_count, amount_count;
    const struct analysis_time_part *parts; /* the largest total first */
    const struct analysis_amount *amounts;  /* as they came */
};

/* After analysis_finish: those with most time first, then those with most calls, then by name. */
const struct analysis_breakdown *analysis_breakdowns(const struct analysis *analysis, uint32_t *count);

#endif
