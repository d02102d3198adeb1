/* A histogram of places in the LRU stack: how many calls were found at each, and what they took. Its sums up to a size are what
 * a cache of that size hits and saves. */
#ifndef PERFTRACE_ANALYSIS_CACHE_CURVE_H
#define PERFTRACE_ANALYSIS_CACHE_CURVE_H

#include "../core/budget.h"

#include "large.h"

#include <stdint.h>

struct cache_bin {
    uint64_t hits, ns;
};
#define CACHE_PAGE_BINS 16u

/* Zero-initialised is empty. Sums that don't fit stay at the largest number. */
struct analysis_cache_curve {
    struct cache_bin first[CACHE_PAGE_BINS]; /* of the places on top, which are wanted most */
    struct cache_bin **pages; /* of the others, from pages[1] on; NULL where all bins are empty */
    uint32_t page_count;
    bool coarse; /* places are rounded up, by less than a thousandth */
};

static inline uint64_t cache_sum(uint64_t a, uint64_t b) {
    uint64_t sum;
    return __builtin_add_overflow(a, b, &sum) ? UINT64_MAX : sum;
}

static inline void cache_bin_add(struct cache_bin *bin, uint64_t hits, uint64_t ns) {
    bin->hits = cache_sum(bin->hits, hits);
    bin->ns = cache_sum(bin->ns, ns);
}
/* `place` is from 1 to CACHE_PAGE_BINS. */
static inline void cache_curve_add_near(struct analysis_cache_curve *curve, uint64_t place, uint64_t hits,
                                        uint64_t ns) {
    cache_bin_add(&curve->first[place - 1], hits, ns);
}
/* Coarse bins: as many places as stand alone, and then half as many bins for each doubling. */
#define CACHE_ALONE_BITS 11u
#define CACHE_ALONE (1u << CACHE_ALONE_BITS)
static inline uint64_t cache_curve_bin(const struct analysis_cache_curve *curve, uint64_t place) {
    uint64_t depth = place - 1;
    if (!curve->coarse || depth < CACHE_ALONE)
        return depth;
    unsigned shift = 63u - (unsigned)__builtin_clzll(depth) - (CACHE_ALONE_BITS - 1);
    return ((uint64_t)shift << (CACHE_ALONE_BITS - 1)) + (depth >> shift);
}

/* The bin of a place beyond CACHE_PAGE_BINS, until the curve is made coarse; NULL: it is not there yet. */
static inline struct cache_bin *cache_curve_find(const struct analysis_cache_curve *curve, uint64_t place) {
    uint64_t number = cache_curve_bin(curve, place), page = number / CACHE_PAGE_BINS;
    return page < curve->page_count && curve->pages[page] != NULL
               ? &curve->pages[page][number % CACHE_PAGE_BINS]
               : NULL;
}

bool cache_curve_add_new(struct analysis_cache_curve *curve, uint64_t place, uint64_t hits, uint64_t ns,
                         struct perftrace_budget *budget);
/* From 1. False without memory, within the budget: nothing is added. */
static inline bool cache_curve_add(struct analysis_cache_curve *curve, uint64_t place, uint64_t hits,
                                   uint64_t ns, struct perftrace_budget *budget) {
    struct cache_bin *bin = cache_curve_find(curve, place);
    if (bin == NULL)
        return cache_curve_add_new(curve, place, hits, ns, budget);
    cache_bin_add(bin, hits, ns);
    return true;
}
/* Takes so many hits and so much time out again, at the smallest places first. */
void cache_curve_take(struct analysis_cache_curve *curve, uint64_t hits, uint64_t ns);
/* From now on with few bins however far the places. False without memory: as it was. */
bool cache_curve_coarsen(struct analysis_cache_curve *curve, struct perftrace_budget *budget);
/* The bin of the first place beyond *place that is not empty, and moves *place there; NULL: none. */
const struct cache_bin *cache_curve_next(const struct analysis_cache_curve *curve, uint64_t *place);
void cache_curve_free(struct analysis_cache_curve *curve, struct perftrace_budget *budget);

#endif
