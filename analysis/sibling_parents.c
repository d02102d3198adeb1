/* Open parents: a map to find them, and a list by when they last got a call. */
#include "sibling_parents.h"

#include <stdlib.h>

struct open_parent *parents_find_mapped(struct open_parents *parents, enum parent_kind kind,
                                        uint64_t number) {
    if (parents->mapped[kind] == 0)
        return NULL;
    struct open_parent *recent = parents->recent[kind];
    if (recent != NULL && recent->number == number)
        return recent;
    struct open_parent *parent = perftrace_map_find(&parents->map, kind, number);
    if (parent != NULL)
        parents->recent[kind] = parent;
    return parent;
}

static bool grow_slots(struct open_parents *parents, struct analysis *analysis, uint32_t slot) {
    return slot != OPEN_CALLS_NONE &&
           array_grow_zeros(&analysis->budget, (void **)&parents->slots, &parents->slot_capacity,
                            slot < 64 ? 64 : slot * 2, sizeof(*parents->slots));
}

bool parents_lose_slot(struct open_parents *parents, struct open_parent *parent) {
    if (parent->slot != OPEN_CALLS_NONE &&
        perftrace_map_put(&parents->map, parent->kind, parent->number, parent)) {
        parents->slots[parent->slot] = NULL;
        parent->slot = OPEN_CALLS_NONE;
        parents->mapped[parent->kind]++;
    }
    return parent->slot == OPEN_CALLS_NONE;
}

/* Has one in `unused`. */
static bool make_parent(struct open_parents *parents, struct analysis *analysis) {
    if (!perftrace_budget_take(&analysis->budget, sizeof(struct open_parent)))
        return false;
    parents->unused = calloc(1, sizeof *parents->unused);
    if (parents->unused == NULL)
        perftrace_budget_give(&analysis->budget, sizeof(struct open_parent));
    return parents->unused != NULL;
}

static bool put_into_map(struct open_parents *parents, struct analysis *analysis, enum parent_kind kind,
                         uint64_t number) {
    parents->map.budget = &analysis->budget;
    if (!perftrace_map_put(&parents->map, kind, number, parents->unused))
        return false;
    parents->mapped[kind]++;
    parents->recent[kind] = parents->unused;
    return true;
}

bool parents_prepare(struct open_parents *parents, struct analysis *analysis, enum parent_kind kind,
                     uint64_t number, uint32_t *slot) {
    if (parents->unused == NULL && !make_parent(parents, analysis))
        return false;
    if (*slot < parents->slot_capacity || grow_slots(parents, analysis, *slot))
        return true;
    *slot = OPEN_CALLS_NONE;
    return put_into_map(parents, analysis, kind, number);
}

void parents_unmap(struct open_parents *parents, struct open_parent *parent) {
    perftrace_map_remove(&parents->map, parent->kind, parent->number);
    parents->mapped[parent->kind]--;
    if (parents->recent[parent->kind] == parent)
        parents->recent[parent->kind] = NULL;
}

static void give_calls(struct open_parents *parents, struct analysis *analysis, struct open_parent *parent) {
    perftrace_budget_give(&analysis->budget, parent->capacity * sizeof *parent->calls);
    parents->calls -= parent->capacity;
    free(parent->calls);
    parent->calls = NULL;
    parent->capacity = 0;
}

void parents_give_rest(struct open_parents *parents, struct analysis *analysis, struct open_parent *parent) {
    if (parent->all != NULL) {
        collection_free(parent->all, analysis);
        perftrace_budget_give(&analysis->budget, sizeof *parent->all);
        free(parent->all);
        parent->all = NULL;
    }
    if (parent->pairs != NULL) {
        perftrace_budget_give(&analysis->budget, PARENT_PAIRS_MAX * sizeof *parent->pairs);
        free(parent->pairs);
        parent->pairs = NULL;
    }
    if (parents->spare + parent->capacity > PARENTS_SPARE_CALLS_MAX)
        give_calls(parents, analysis, parent);
}

bool parents_add_pair(struct analysis *analysis, struct open_parent *parent,
                      const struct sibling_pair *pair) {
    size_t bytes = PARENT_PAIRS_MAX * sizeof *parent->pairs;
    if (parent->pairs == NULL && perftrace_budget_take(&analysis->budget, bytes)) {
        parent->pairs = malloc(bytes);
        if (parent->pairs == NULL)
            perftrace_budget_give(&analysis->budget, bytes);
        parent->pair_count = 0;
    }
    if (parent->pairs == NULL || parent->pair_count == PARENT_PAIRS_MAX)
        return false;
    parent->pairs[parent->pair_count++] = *pair;
    return true;
}

bool parents_grow(struct open_parents *parents, struct analysis *analysis, struct open_parent *parent,
                  uint32_t more) {
    uint32_t capacity = parent->capacity == 0 ? 2 : parent->capacity;
    while (capacity - parent->count < more)
        capacity *= 2;
    more = capacity - parent->capacity;
    if (capacity > PARENT_CALLS_MAX ||
        !perftrace_budget_take(&analysis->budget, more * sizeof *parent->calls))
        return false;
    struct sibling *calls = realloc(parent->calls, capacity * sizeof *calls);
    if (calls == NULL) {
        perftrace_budget_give(&analysis->budget, more * sizeof *calls);
        return false;
    }
    parent->calls = calls;
    parent->capacity = capacity;
    parents->calls += more;
    return true;
}

void parents_free(struct open_parents *parents, struct analysis *analysis) {
    while (parents->newest != NULL) {
        struct open_parent *parent = parents->newest;
        parents_close(parents, parent);
        parents_release(parents, analysis, parent);
    }
    while (parents->unused != NULL) {
        struct open_parent *parent = parents->unused;
        parents->unused = parent->older;
        give_calls(parents, analysis, parent);
        free(parent);
    }
    perftrace_budget_give(&analysis->budget, parents->slot_capacity * sizeof(*parents->slots));
    free(parents->slots);
    perftrace_map_free(&parents->map);
}
