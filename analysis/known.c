/* Keys to signatures: open addressing, at most half full, so that most are found at once. */
#include "known.h"

#include "large.h"

#include <string.h>

enum { SLOTS_MIN = 4096 };
#define SLOTS_MAX (1u << 28)

static void put(struct known *known, struct known_slot slot) {
    uint32_t at = (uint32_t)slot.key & (known->slot_count - 1);
    while (known->slots[at].signature != 0)
        at = (at + 1) & (known->slot_count - 1);
    known->slots[at] = slot;
    known->count++;
}

static bool grow(struct known *known) {
    struct known grown = {.slot_count = known->slot_count == 0 ? SLOTS_MIN : known->slot_count * 2,
                          .budget = known->budget};
    size_t bytes = grown.slot_count * sizeof *grown.slots;
    if (known->slot_count >= SLOTS_MAX || !perftrace_budget_take(grown.budget, bytes))
        return false;
    grown.slots = large_new(grown.slot_count, sizeof *grown.slots);
    if (grown.slots == NULL) {
        perftrace_budget_give(grown.budget, bytes);
        return false;
    }
    for (uint32_t i = 0; i < known->slot_count; i++)
        if (known->slots[i].signature != 0)
            put(&grown, known->slots[i]);
    known_free(known);
    *known = grown;
    return true;
}

void known_add(struct known *known, const uint64_t key[2], uint32_t signature) {
    if (known->count >= known->slot_count / 2 && !grow(known))
        known_clear(known); /* those that come often are soon there again */
    if (known->slot_count != 0)
        put(known, (struct known_slot){key[0], (uint32_t)key[1], signature + 1});
}

void known_clear(struct known *known) {
    if (known->slot_count != 0)
        memset(known->slots, 0, known->slot_count * sizeof *known->slots);
    known->count = 0;
}

void known_free(struct known *known) {
    perftrace_budget_give(known->budget, known->slot_count * sizeof *known->slots);
    large_free(known->slots, known->slot_count, sizeof *known->slots);
    *known = (struct known){.budget = known->budget};
}
