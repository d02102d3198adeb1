/* Counting what is not kept, in a table in which whatever comes often drives out whatever does not: in a line that is full, the
 * one seen least is counted down by each other hash that comes to it, and at last gives way (as in J. Misra and D. Gries,
 * "Finding repeated elements", 1982). */
#include "admission.h"

#include <stdlib.h>

enum {
    SHARE = 32,    /* of the budget: what the table takes of it */
    LEFT_MIN = 64, /* when no more than this share is left, nothing is admitted */
    SLOTS_MIN = 1024,
    LINE = 8, /* slots in which a hash may be */
};

/* How often it has to have come, by how much of the budget is left. 0: that does not matter. */
static uint32_t seen_min(const struct perftrace_budget *budget) {
    size_t left = budget->max - budget->used, of = budget->max / 4;
    uint32_t wanted = 0;
    for (; left < of; of /= 2)
        wanted = wanted == 0 ? 2 : wanted * 2;
    return wanted;
}

static bool make_slots(struct admission *admission, struct perftrace_budget *budget) {
    uint32_t count = SLOTS_MIN;
    while (count < UINT32_MAX / 2 && count * 2 * sizeof *admission->slots <= budget->max / SHARE)
        count *= 2;
    size_t bytes = count * sizeof *admission->slots;
    if (!perftrace_budget_take(budget, bytes))
        return false;
    admission->slots = calloc(count, sizeof *admission->slots);
    if (admission->slots == NULL) {
        perftrace_budget_give(budget, bytes);
        return false;
    }
    admission->slot_count = count;
    return true;
}

/* The slot of a hash, counted up, or NULL while it has none. */
static struct admission_slot *see(struct admission *admission, uint64_t hash) {
    struct admission_slot *line =
        &admission->slots[hash >> 32 & (admission->slot_count - 1) & ~(uint32_t)(LINE - 1)];
    struct admission_slot *least =
        &line[admission->turn++ % LINE]; /* among equal ones another one each time */
    for (unsigned i = 0; i < LINE; i++) {
        if (line[i].seen > 0 && line[i].hash == (uint32_t)hash) {
            line[i].seen++;
            return &line[i];
        }
        if (line[i].seen < least->seen)
            least = &line[i];
    }
    if (least->seen > 1) {
        least->seen--;
        return NULL;
    }
    *least = (struct admission_slot){(uint32_t)hash, 1};
    return least;
}

bool admission_ask(struct admission *admission, struct perftrace_budget *budget, uint64_t hash) {
    uint32_t wanted = seen_min(budget);
    if (wanted == 0)
        return true;
    if (admission->slots == NULL && !make_slots(admission, budget))
        return false;
    struct admission_slot *slot = see(admission, hash);
    if (slot == NULL || slot->seen < wanted || budget->max - budget->used < budget->max / LEFT_MIN)
        return false;
    slot->seen = 0;
    return true;
}

void admission_free(struct admission *admission, struct perftrace_budget *budget) {
    perftrace_budget_give(budget, admission->slot_count * sizeof *admission->slots);
    free(admission->slots);
    *admission = (struct admission){0};
}
