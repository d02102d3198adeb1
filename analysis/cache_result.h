/* From what was counted at the caches to what analysis_cache tells: the order, the sizes that matter, what may be added up. */
#ifndef PERFTRACE_ANALYSIS_CACHE_RESULT_H
#define PERFTRACE_ANALYSIS_CACHE_RESULT_H

#include "cache.h"
#include "cache_curve.h"
#include "cache_keys.h"

/* One function, after all calls. */
struct cache_measured {
    uint32_t function;
    uint64_t first_ns; /* of all its questions, followed or not: what their first calls took */
    uint64_t root_hits, root_ns;
    struct analysis_cache_curve *curve;
};

struct cache_results {
    struct cache_measured *caches; /* in any order */
    size_t count;
    const struct cache_keys *keys;
    bool
        exact_totals; /* what is asked again is hit by an unlimited cache: so much is known also where the curves are estimates */
};

/* Fills in found->functions (to be freed), count, apart_ns and sampled. 0, or -PERFTRACE_ERROR_MEMORY. */
int cache_results_make(const struct analysis *analysis, const struct cache_results *results,
                       struct analysis_cache *found);

/* ns << shift, or the largest number. */
static inline uint64_t cache_times(uint64_t ns, unsigned shift) {
    return ns > UINT64_MAX >> shift ? UINT64_MAX : ns << shift;
}

#endif
