/* What is known of calls by their keys (perftrace_reader_calls): the short way from a call to its signature. One input's. */
#ifndef PERFTRACE_ANALYSIS_KNOWN_H
#define PERFTRACE_ANALYSIS_KNOWN_H

#include "../core/budget.h"
#include "../include/perftrace_items.h"
#include "intern.h"

/* 96 bits of a key, which is made with a secret, say which it is: the bytes that it stands for are not kept. */
struct known_slot {
    uint64_t key;
    uint32_t more;      /* of it */
    uint32_t signature; /* its number + 1; 0: free */
};

/* Zero-initialised is empty. It is a short cut only: where there is no memory for more, it forgets. */
struct known {
    struct known_slot *slots;
    uint32_t slot_count, count;
    struct perftrace_budget *budget; /* NULL: none */
};

/* The signature, or INTERN_NONE, as for a key of zeros, which stands for none. */
static inline uint32_t known_find(const struct known *known, const uint64_t key[2]) {
    if (known->slot_count == 0)
        return INTERN_NONE;
    uint32_t mask = known->slot_count - 1;
    for (uint32_t at = (uint32_t)key[0] & mask;; at = (at + 1) & mask) {
        const struct known_slot *slot = &known->slots[at];
        if (slot->key == key[0] && slot->more == (uint32_t)key[1])
            return slot->signature - 1;
        if (slot->signature == 0)
            return INTERN_NONE;
    }
}

/* Has the place of a key brought near that is looked for soon. */
static inline void known_prefetch(const struct known *known, const uint64_t key[2]) {
    if (known->slot_count != 0)
        __builtin_prefetch(&known->slots[(uint32_t)key[0] & (known->slot_count - 1)]);
}

void known_add(struct known *known, const uint64_t key[2], uint32_t signature); /* it must not be there */
void known_clear(struct known *known);
void known_free(struct known *known);

#endif
