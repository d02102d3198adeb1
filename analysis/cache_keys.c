/* The array of keys. */
#include "cache_keys.h"

#include "intern.h"

#include <stdlib.h>
#include <string.h>

bool cache_keys_grow(struct cache_keys *keys, uint32_t number, struct perftrace_budget *budget) {
    if (number >= keys->capacity) {
        uint64_t wanted = (uint64_t)keys->capacity * 3 / 2 + 64;
        wanted = wanted > number ? wanted : (uint64_t)number + 1;
        if (wanted >= CACHE_KEY_NONE ||
            !array_grow_zeros(budget, (void **)&keys->keys, &keys->capacity, wanted, sizeof *keys->keys))
            return false;
    }
    keys->count = number >= keys->count ? number + 1 : keys->count;
    return true;
}

/* From questions, in their own order, to those of each block that the permutation brings to the front. */
static bool choose(struct cache_keys *keys, struct perftrace_budget *budget) {
    enum { FOLLOWED = CACHE_KEY_BLOCK / 2 };
    struct lru_key chosen[FOLLOWED];
    uint32_t blocks = (keys->count + CACHE_KEY_BLOCK - 1) / CACHE_KEY_BLOCK, count = keys->count;
    if (blocks > 0 && !cache_keys_reserve(keys, blocks * FOLLOWED - 1, budget))
        return false;
    keys->shift = 1;
    for (uint32_t block = 0; block < blocks; block++) {
        memset(chosen, 0, sizeof chosen);
        for (uint32_t i = block * CACHE_KEY_BLOCK; i < (block + 1) * CACHE_KEY_BLOCK && i < count; i++) {
            uint32_t number = cache_key_of(keys, i);
            if (number != CACHE_KEY_NONE)
                chosen[number - block * FOLLOWED] = keys->keys[i];
        }
        memcpy(keys->keys + block * FOLLOWED, chosen, sizeof chosen);
    }
    keys->count = blocks * FOLLOWED;
    return true;
}

static void halve_again(struct cache_keys *keys) {
    keys->shift++;
    uint32_t kept = 0; /* numbers rise in the new order as in the old one, and none gets larger */
    for (uint32_t old = 0; old < keys->count; old++) {
        uint32_t number = cache_keys_halved(keys, old);
        if (number == CACHE_KEY_NONE)
            continue;
        keys->keys[number] = keys->keys[old];
        kept = number + 1;
    }
    keys->count = kept;
}

bool cache_keys_halve(struct cache_keys *keys, struct perftrace_budget *budget) {
    if (keys->shift > 0)
        halve_again(keys);
    else if (!choose(keys, budget))
        return false;
    struct lru_key *shrunk = realloc(keys->keys, (size_t)keys->count * sizeof *shrunk + 1);
    if (shrunk != NULL) {
        keys->keys = shrunk;
        perftrace_budget_give(budget, (keys->capacity - keys->count) * sizeof *shrunk);
        keys->capacity = keys->count;
    } else if (keys->capacity > keys->count) {
        memset(keys->keys + keys->count, 0, (keys->capacity - keys->count) * sizeof *keys->keys);
    }
    return true;
}

void cache_keys_free(struct cache_keys *keys, struct perftrace_budget *budget) {
    perftrace_budget_give(budget, keys->capacity * sizeof *keys->keys);
    free(keys->keys);
    keys->keys = NULL;
    keys->count = keys->capacity = 0;
}
