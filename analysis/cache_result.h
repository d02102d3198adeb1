/* From what was counted at the caches to what analysis_cache tells: the order, the sizes that matter, what may be added up. */
#ifndef PERFTRACE_ANALYSIS_CACHE_RESULT_H
#define PERFTRACE_ANALYSIS_CACHE_RESULT_H

#include "cache.h"
#include "cache_curve.h"
#include "cache_keys.h"

/* What is known of a function beside its curve. Numbers are exact as long as all questions are followed, and else estimates, but for those
 * that are said to be of all. An unlimited cache is expected to hit all calls whose questions are kept but the first of each. */
struct cache_tally {
    uint64_t first_ns; /* of all questions that are kept, followed or not: what their first calls took */
    uint64_t misses,
        misses_ns;          /* of those that were expected to be hit: their input's first, or after a write */
    uint64_t hits, hits_ns; /* of others */
    uint64_t unkept_calls, unkept_ns; /* of all calls whose questions are not kept */
    int64_t unkept_questions;
    uint64_t root_hits, root_ns;
    double
        squares; /* the sum, over all questions, of the square of how many calls missed where there were CACHE_EXACT_FROM << shift
                     * entries: what the variance of an estimate comes from */
};
#define CACHE_EXACT_FROM UINT64_C(64)

/* One function, after all calls. */
struct cache_measured {
    uint32_t function;
    bool writes;
    const struct cache_tally *tally;
    struct analysis_cache_curve *curve;
};

struct cache_results {
    struct cache_measured *caches; /* in any order */
    size_t count;
    const struct cache_keys *keys;
};

/* Fills in found->functions (to be freed), count, apart_ns, sampled and how far off that is. 0, or -PERFTRACE_ERROR_MEMORY. */
int cache_results_make(const struct analysis *analysis, const struct cache_results *results,
                       struct analysis_cache *found);

/* ns << shift, or the largest number. */
static inline uint64_t cache_times(uint64_t ns, unsigned shift) {
    return ns > UINT64_MAX >> shift ? UINT64_MAX : ns << shift;
}

#endif
