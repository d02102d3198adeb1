/* Calls added up by the values of options.group_by, and the names of parameters and metrics that there are. Within the memory allowed
 * all groups are exact; past it the largest by total time are kept (the Space-Saving algorithm of Metwally, Agrawal and El Abbadi,
 * "Efficient Computation of Frequent and Top-k Elements in Data Streams", 2005, with times for counts): a new group takes the
 * place of the smallest, and by how much its sums may be too small is known. */
#ifndef PERFTRACE_ANALYSIS_GROUPS_H
#define PERFTRACE_ANALYSIS_GROUPS_H

#include "rank.h"

#define ANALYSIS_GROUP_TEXT_MAX                                                                              \
    1024u /* of the values, as they are kept for showing; further ones still tell groups apart */
#define ANALYSIS_GROUPS_MIN 1024u /* so many are kept whatever memory is allowed */
#define ANALYSIS_KEYS_MAX 1024u   /* names that are known */

struct analysis_group {
    /* "key=value|key=value", of those keys that the calls have; escaped, safe to show. */
    struct perftrace_text text;
    uint64_t calls, total_ns, self_ns, max_ns;
    /* total_ns may be too small by so much at most, and the rest accordingly; 0: all is exact. */
    uint64_t missed_ns;
};

/* The groups, what `order` says first (p99: by total time), ties by text; to be freed with free(). *count of them. NULL without memory. */
const struct analysis_group **analysis_groups(const struct analysis *analysis, enum rank_order order,
                                              size_t *count);

struct analysis_groups_total {
    uint64_t without_calls;             /* of calls that have none of the keys */
    uint64_t dropped_calls, dropped_ns; /* of groups that gave way to others */
    uint64_t least_ns;                  /* no group that is not there took more than that; 0: all are there */
};
struct analysis_groups_total analysis_groups_total(const struct analysis *analysis);

/* The names of parameters and metrics of the calls that count, in order of appearance; only where something is grouped or ignored. */
uint32_t analysis_key_count(const struct analysis *analysis);
struct perftrace_text analysis_key(const struct analysis *analysis, uint32_t number);

#endif
