/* What a cache in front of each function would give: for every number of entries, the hits and the time that they save.
 *
 * The cache is keyed by the parameters, holds the results used last (LRU), starts empty with each input, and is asked in the
 * order in which calls end. A hit saves that call's whole elapsed time, with all that it calls; so savings of a function and
 * of what it calls must not be added up, and of a function that calls itself they are an upper limit (`recursive`).
 *
 * Sizes are not simulated one by one: whoever is at place d of the LRU stack is found by all caches of d entries and more
 * (R. L. Mattson, J. Gecsei, D. R. Slutz, I. L. Traiger: Evaluation techniques for storage hierarchies, IBM Systems Journal 9,
 * 1970), so that one pass and a histogram of d are enough.
 *
 * Writes take what they make invalid out of the cache (cache_rules.h): the next call is a miss, and meanwhile the place is free
 * for another. */
#ifndef PERFTRACE_ANALYSIS_CACHE_H
#define PERFTRACE_ANALYSIS_CACHE_H

#include "collect.h"

/* What a cache of `size` entries does. */
struct analysis_cache_point {
    uint64_t size, hits, saved_ns;
};

/* A question whose repeated calls take time. */
#define ANALYSIS_CACHE_HOTTEST 5u
struct analysis_cache_key {
    uint32_t question; /* rank_askers gives its signatures, and those the calls' numbers */
    uint64_t saved_ns; /* by an unlimited cache */
};

struct analysis_cache_curve;

struct analysis_cache_function {
    uint32_t function;
    uint64_t calls, total_ns; /* of those with parameters, kept or not */
    uint64_t questions; /* different ones among them; an estimate where some are not kept and it is sampled */
    struct analysis_cache_point all;  /* the smallest cache that saves all that can be saved */
    struct analysis_cache_point most; /* the smallest that saves 90 % of it */
    uint64_t root_hits,
        root_saved_ns; /* by a cache that starts empty for each root call (cache_roots.h), without a limit */
    /* It calls itself, directly or through others: the time of nested calls counts more than once. */
    bool recursive;
    bool apart;   /* among those of which analysis_cache.apart_ns is the sum */
    bool sampled; /* numbers are estimates: see analysis_cache.sampled_one_in */
    uint32_t hottest_count;
    struct analysis_cache_key hottest[ANALYSIS_CACHE_HOTTEST]; /* most time first, ties by first call */
    const struct analysis_cache_curve *curve;
};

/* What became of a rule (cache_rules.h) of options.invalidations. */
struct analysis_cache_rule_result {
    uint64_t writes;  /* calls of its function */
    uint64_t removed; /* results that they took out of the unlimited caches */
};

struct analysis_cache {
    /* After analysis_finish: those where a cache would hit at all; most saved first, ties by hits and name. */
    const struct analysis_cache_function *functions;
    size_t count;
    /* What can be saved together: the sum of all.saved_ns over functions none of which calls another, directly or not. */
    uint64_t apart_ns;
    uint64_t root_calls; /* outermost calls with more than one call in them that a cache could be asked for */
    /* 1: all questions were followed; else one in so many, for want of memory; 0: none could be. */
    uint32_t sampled_one_in;
    uint64_t sampled; /* questions that were followed then */
    /* How far off most estimates are then, as parts of one: hits, of all calls of a function, and numbers of entries, of
     * themselves; both of caches with exact_from entries and more. */
    double hits_off, entries_off;
    uint64_t exact_from;
    const struct analysis_cache_rule_result *rules; /* options.invalidation_count of them */
};

const struct analysis_cache *analysis_cache(const struct analysis *analysis);

/* From one size to the next at which more is hit: moves *point, which is all zeros at first, and returns true; false after the
 * last. Between two, caches of all sizes do as the smaller one does. */
bool analysis_cache_step(const struct analysis_cache_function *function, struct analysis_cache_point *point);

#endif
