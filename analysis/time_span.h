/* How long all that was recorded took: the whole that parts are shares of. */
#ifndef PERFTRACE_ANALYSIS_TIME_SPAN_H
#define PERFTRACE_ANALYSIS_TIME_SPAN_H

#include "collect.h"

/* The time in which something was recorded: from each input's first call to its last one's end; inputs of one boot, which have one
 * clock, count together where they overlap. Calls that do not count are not looked at. 0: not known, as of a log. Without memory: the
 * sum of all. */
uint64_t analysis_time_span(const struct analysis *analysis);

/* What a program's user waits for: that time, or, where it is not known, the time in outermost calls of all threads. */
uint64_t analysis_whole_ns(const struct analysis *analysis);

#endif
