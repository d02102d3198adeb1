/* A histogram of places in the LRU stack: how many calls were found at each, and what they took. Its sums up to a size are what
 * a cache of that size hits and saves. */
#ifndef PERFTRACE_ANALYSIS_CACHE_CURVE_H
#define PERFTRACE_ANALYSIS_CACHE_CURVE_H

#include "../core/budget.h"

#include <stdint.h>

struct cache_bin {
    uint64_t hits, ns;
};
#define CACHE_PAGE_BINS 16u

/* Zero-initialised is empty. Sums that don't fit stay at the largest number. */
struct analysis_cache_curve {
    struct cache_bin **pages; /* NULL where all bins are empty */
    uint32_t page_count;
    bool coarse; /* places are rounded up, by less than a thousandth */
};

/* False without memory, within the budget: nothing is added. `place` is from 1. */
bool cache_curve_add(struct analysis_cache_curve *curve, uint64_t place, uint64_t hits, uint64_t ns,
                     struct perftrace_budget *budget);
/* Takes so many hits and so much time out again, at the smallest places first. */
void cache_curve_take(struct analysis_cache_curve *curve, uint64_t hits, uint64_t ns);
/* From now on with few bins however far the places. False without memory: as it was. */
bool cache_curve_coarsen(struct analysis_cache_curve *curve, struct perftrace_budget *budget);
/* The bin of the first place beyond *place that is not empty, and moves *place there; NULL: none. */
const struct cache_bin *cache_curve_next(const struct analysis_cache_curve *curve, uint64_t *place);
void cache_curve_free(struct analysis_cache_curve *curve, struct perftrace_budget *budget);

static inline uint64_t cache_sum(uint64_t a, uint64_t b) {
    uint64_t sum;
    return __builtin_add_overflow(a, b, &sum) ? UINT64_MAX : sum;
}

#endif
