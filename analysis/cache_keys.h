/* Which questions are followed: all, by their own numbers, as long as memory allows that and all are kept. Then those whose hashes are below
 * a threshold, kept or not, which is halved whenever memory is used up: one of 2, of 4, of 8 …, chosen by chance, as every
 * question is as likely to be chosen as any other (C. A. Waldspurger, N. Park, A. Garthwaite, I. Ahmad: Efficient MRC construction
 * with SHARDS, FAST 2015). Their places in a stack of their own, times 2, 4, 8 …, stand for those among all. */
#ifndef PERFTRACE_ANALYSIS_CACHE_KEYS_H
#define PERFTRACE_ANALYSIS_CACHE_KEYS_H

#include "intern.h"
#include "lru_stack.h"

#define CACHE_KEY_NONE UINT32_MAX
#define CACHE_SHIFT_MAX 20u /* one of a million is followed at least */

/* Zero-initialised is empty. */
struct cache_keys {
    struct lru_key *keys;
    uint32_t count, capacity; /* those below `count` have been asked for */
    unsigned shift;           /* one of 1 << shift is followed */
    /* The number of a key is that of its question's hash in `followed`, not the question's own. */
    bool hashed;
    struct pair_table followed;
    /* Hashed: how often a call of the key was not among the topmost places; as many as `keys`. */
    uint32_t *missed;
};

/* Whether the question of that hash is followed, hashed. */
static inline bool cache_keys_follow(unsigned shift, uint64_t hash) {
    return (hash & ~(UINT64_MAX >> shift)) == 0;
}

/* Where a question's key is, or CACHE_KEY_NONE: it is not followed, or has not been asked. Hashed. */
static inline uint32_t cache_keys_find(const struct cache_keys *keys, uint64_t hash) {
    return cache_keys_follow(keys->shift, hash) ? pair_table_find(&keys->followed, hash) : CACHE_KEY_NONE;
}

/* Makes sure that key `number` is there. False without memory, within the budget. */
bool cache_keys_grow(struct cache_keys *keys, uint32_t number, struct perftrace_budget *budget);
static inline bool cache_keys_reserve(struct cache_keys *keys, uint32_t number,
                                      struct perftrace_budget *budget) {
    return number < keys->count || cache_keys_grow(keys, number, budget);
}
/* Hashed: the key of a question that is to be followed and has none. CACHE_KEY_NONE without memory, as above. */
uint32_t cache_keys_add(struct cache_keys *keys, uint64_t hash, struct perftrace_budget *budget);

/* Goes on hashed, with one of 1 << shift. `hash_of` gives the hashes of the keys that are there, by their numbers; keys that stay move to
 * other numbers, none to a larger one, which `moved` is told to be asked for by hash in keys->followed, before any memory is
 * given back. More than there was may be taken, and than the budget allows. False without memory: it can't go on. */
struct cache_keys_change {
    uint64_t (*hash_of)(const void *context, uint32_t number); /* as they were numbered before */
    void (*moved)(void *context);
    void *context;
};
bool cache_keys_thin(struct cache_keys *keys, unsigned shift, const struct cache_keys_change *change,
                     struct perftrace_budget *budget);
void cache_keys_free(struct cache_keys *keys, struct perftrace_budget *budget);

#endif
