/* Which questions are followed: all, or, where memory does not allow that, one of 2, of 4, of 8 …, chosen by chance, as every
 * question is as likely to be chosen as any other (C. A. Waldspurger, N. Park, A. Garthwaite, I. Ahmad: Efficient MRC construction
 * with SHARDS, FAST 2015). Their places in a stack of their own, times 2, 4, 8 …, stand for those among all.
 *
 * Questions are numbered densely, and so are those that are followed: of each block of 4096 numbers the same share is, those that
 * a permutation, of its own for each block, brings to the front. */
#ifndef PERFTRACE_ANALYSIS_CACHE_KEYS_H
#define PERFTRACE_ANALYSIS_CACHE_KEYS_H

#include "../core/hash.h"
#include "lru_stack.h"

#define CACHE_KEY_NONE UINT32_MAX
#define CACHE_KEY_BLOCK 4096u
#define CACHE_SHIFT_MAX 10u /* one of 1024 is followed at least */

/* Zero-initialised but for the seed is empty. */
struct cache_keys {
    struct lru_key *keys;
    uint32_t count, capacity; /* those below `count` have been asked for */
    unsigned shift;           /* one of 1 << shift is followed */
    uint64_t seed;
};

/* Where a question's key is, or CACHE_KEY_NONE. */
static inline uint32_t cache_key_of(const struct cache_keys *keys, uint32_t question) {
    if (keys->shift == 0)
        return question;
    uint64_t hash = perftrace_hash_number(keys->seed, question / CACHE_KEY_BLOCK);
    const uint32_t mask = CACHE_KEY_BLOCK - 1;
    uint32_t at = ((question + (uint32_t)hash) & mask) * ((uint32_t)(hash >> 12) | 1) & mask;
    at ^= at >> 6;
    at = (at * ((uint32_t)(hash >> 24) | 1) + (uint32_t)(hash >> 36)) & mask;
    at ^= at >> 5;
    uint32_t followed = CACHE_KEY_BLOCK >> keys->shift;
    return at < followed ? (question / CACHE_KEY_BLOCK) * followed + at : CACHE_KEY_NONE;
}

/* Makes sure that key `number` is there. False without memory, within the budget. */
bool cache_keys_grow(struct cache_keys *keys, uint32_t number, struct perftrace_budget *budget);
static inline bool cache_keys_reserve(struct cache_keys *keys, uint32_t number,
                                      struct perftrace_budget *budget) {
    return number < keys->count || cache_keys_grow(keys, number, budget);
}
/* Half as many are followed from now on: what stays moves to its new number, which cache_keys_halved tells of an old one. False
 * without memory: as it was. */
bool cache_keys_halve(struct cache_keys *keys, struct perftrace_budget *budget);
static inline uint32_t cache_keys_halved(const struct cache_keys *keys, uint32_t number) {
    if (keys->shift == 1)
        return cache_key_of(keys, number);
    uint32_t followed = CACHE_KEY_BLOCK >> keys->shift;
    uint32_t block = number / (2 * followed), at = number % (2 * followed);
    return at < followed ? block * followed + at : CACHE_KEY_NONE;
}
void cache_keys_free(struct cache_keys *keys, struct perftrace_budget *budget);

#endif
