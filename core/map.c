/* A hash map from (group, id) to a pointer: open addressing, linear probing, no tombstones. */
#include "map.h"

#include "hash.h"

#include <stdlib.h>

/* The group has its own way in: beside the id, one could be made to undo the other. */
static size_t home(const struct perftrace_map *map, uint32_t group, uint64_t id) {
    uint64_t key = map->key + group * UINT64_C(0x9e3779b97f4a7c15);
    return (size_t)perftrace_hash_number(key, id) & (map->size - 1);
}

/* The slot with the key, or the empty one where it would go. */
static size_t place(const struct perftrace_map *map, uint32_t group, uint64_t id) {
    size_t at = home(map, group, id);
    while (map->slots[at].value != NULL && (map->slots[at].id != id || map->slots[at].group != group))
        at = (at + 1) & (map->size - 1);
    return at;
}

void *perftrace_map_find(const struct perftrace_map *map, uint32_t group, uint64_t id) {
    return map->size == 0 ? NULL : map->slots[place(map, group, id)].value;
}

static bool grow(struct perftrace_map *map) {
    struct perftrace_map bigger = {.size = map->size == 0 ? 64 : map->size * 2,
                                   .count = map->count,
                                   .key = map->size == 0 ? perftrace_hash_key() : map->key,
                                   .budget = map->budget};
    if (!perftrace_budget_take(map->budget, bigger.size * sizeof *bigger.slots))
        return false;
    bigger.slots = calloc(bigger.size, sizeof *bigger.slots);
    if (bigger.slots == NULL) {
        perftrace_budget_give(map->budget, bigger.size * sizeof *bigger.slots);
        return false;
    }
    for (size_t i = 0; i < map->size; i++)
        if (map->slots[i].value != NULL)
            bigger.slots[place(&bigger, map->slots[i].group, map->slots[i].id)] = map->slots[i];
    perftrace_budget_give(map->budget, map->size * sizeof *map->slots);
    free(map->slots);
    *map = bigger;
    return true;
}

bool perftrace_map_put(struct perftrace_map *map, uint32_t group, uint64_t id, void *value) {
    if (map->count * 2 >= map->size && !grow(map))
        return false;
    map->slots[place(map, group, id)] = (struct perftrace_map_slot){.id = id, .group = group, .value = value};
    map->count++;
    return true;
}

void *perftrace_map_remove(struct perftrace_map *map, uint32_t group, uint64_t id) {
    if (map->size == 0)
        return NULL;
    size_t mask = map->size - 1, hole = place(map, group, id);
    void *value = map->slots[hole].value;
    if (value == NULL)
        return NULL;
    /* Move back whatever would no longer be found across the hole. */
    for (size_t at = (hole + 1) & mask; map->slots[at].value != NULL; at = (at + 1) & mask) {
        size_t wanted = home(map, map->slots[at].group, map->slots[at].id);
        if (((at - wanted) & mask) < ((at - hole) & mask))
            continue;
        map->slots[hole] = map->slots[at];
        hole = at;
    }
    map->slots[hole].value = NULL;
    map->count--;
    return value;
}

void perftrace_map_free(struct perftrace_map *map) {
    perftrace_budget_give(map->budget, map->size * sizeof *map->slots);
    free(map->slots);
    *map = (struct perftrace_map){.budget = map->budget};
}
