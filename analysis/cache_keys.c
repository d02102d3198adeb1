/* The array of keys, and the table of those that are followed by hash. */
#include "cache_keys.h"

#include <stdlib.h>
#include <string.h>

/* What one takes in `followed`, whose arrays are doubled. */
#define FOLLOWED_BYTES (3 * sizeof(uint64_t))

static size_t key_bytes(const struct cache_keys *keys) {
    return sizeof *keys->keys + (keys->hashed ? sizeof *keys->missed : 0);
}

bool cache_keys_grow(struct cache_keys *keys, uint32_t number, struct perftrace_budget *budget) {
    if (number >= keys->capacity) {
        uint64_t wanted = (uint64_t)keys->capacity * 3 / 2 + 64;
        wanted = wanted > number ? wanted : (uint64_t)number + 1;
        uint32_t missed = keys->capacity;
        if (wanted >= CACHE_KEY_NONE ||
            (keys->hashed &&
             !array_grow_zeros(budget, (void **)&keys->missed, &missed, wanted, sizeof *keys->missed)))
            return false;
        if (!array_grow_zeros(budget, (void **)&keys->keys, &keys->capacity, wanted, sizeof *keys->keys)) {
            perftrace_budget_give(budget, (missed - keys->capacity) * sizeof *keys->missed);
            return false;
        }
    }
    keys->count = number >= keys->count ? number + 1 : keys->count;
    return true;
}

uint32_t cache_keys_add(struct cache_keys *keys, uint64_t hash, struct perftrace_budget *budget) {
    if (!cache_keys_reserve(keys, keys->followed.count, budget) ||
        !perftrace_budget_take(budget, FOLLOWED_BYTES))
        return CACHE_KEY_NONE;
    uint32_t number = pair_table_add(&keys->followed, hash);
    if (number == INTERN_NONE)
        perftrace_budget_give(budget, FOLLOWED_BYTES);
    return number;
}

/* A key may have been made room for that there was no memory to follow. */
static uint32_t count_of(const struct cache_keys *keys) {
    return keys->hashed ? keys->followed.count : keys->count;
}

/* The table of those that stay, in the order in which they are. */
static bool choose(const struct cache_keys *keys, unsigned shift, const struct cache_keys_change *change,
                   struct pair_table *chosen) {
    for (uint32_t number = 0; number < count_of(keys); number++) {
        uint64_t hash = change->hash_of(change->context, number);
        if (cache_keys_follow(shift, hash) && pair_table_add(chosen, hash) == INTERN_NONE)
            return false;
    }
    return true;
}

bool cache_keys_thin(struct cache_keys *keys, unsigned shift, const struct cache_keys_change *change,
                     struct perftrace_budget *budget) {
    struct pair_table chosen = {0}, before = keys->followed;
    uint32_t *missed = keys->hashed ? keys->missed : calloc((size_t)keys->capacity + 1, sizeof *missed);
    if (missed == NULL || !choose(keys, shift, change, &chosen)) {
        if (!keys->hashed)
            free(missed);
        pair_table_free(&chosen);
        return false;
    }
    size_t taken = keys->capacity * key_bytes(keys) + before.count * FOLLOWED_BYTES;
    for (uint32_t number = 0; number < count_of(keys); number++) {
        uint64_t hash = change->hash_of(change->context, number);
        uint32_t to = cache_keys_follow(shift, hash) ? pair_table_find(&chosen, hash) : CACHE_KEY_NONE;
        if (to == CACHE_KEY_NONE)
            continue;
        keys->keys[to] = keys->keys[number];
        missed[to] = missed[number];
    }
    keys->missed = missed;
    keys->shift = shift;
    keys->hashed = true;
    keys->followed = chosen;
    change->moved(change->context);
    pair_table_free(&before);
    keys->count = keys->capacity = chosen.count;
    struct lru_key *shrunk = realloc(keys->keys, (size_t)chosen.count * sizeof *shrunk + 1);
    keys->keys = shrunk != NULL ? shrunk : keys->keys;
    missed = realloc(keys->missed, (size_t)chosen.count * sizeof *missed + 1);
    keys->missed = missed != NULL ? missed : keys->missed;
    /* It may be more than before, and than there is: others can't know that, so that it is up to the owner to thin again. */
    perftrace_budget_give(budget, taken - chosen.count * (key_bytes(keys) + FOLLOWED_BYTES));
    return true;
}

void cache_keys_free(struct cache_keys *keys, struct perftrace_budget *budget) {
    perftrace_budget_give(budget, keys->capacity * key_bytes(keys) + keys->followed.count * FOLLOWED_BYTES);
    pair_table_free(&keys->followed);
    free(keys->keys);
    free(keys->missed);
    keys->keys = NULL;
    keys->missed = NULL;
    keys->count = keys->capacity = 0;
}
