/* A hash map from (group, id) to a pointer. Its order never shows, so that its hashes may be keyed: ids come
 * from untrusted input and must not be able to make it slow. */
#ifndef PERFTRACE_CORE_MAP_H
#define PERFTRACE_CORE_MAP_H

#include "budget.h"

#include <stdint.h>

struct perftrace_map_slot {
    uint64_t id;
    void *value; /* NULL: empty */
    uint32_t group;
};

/* Zero-initialised is empty. */
struct perftrace_map {
    struct perftrace_map_slot *slots;
    size_t size; /* zero or a power of two, at least twice the count */
    size_t count;
    uint64_t key;                    /* of the hashes */
    struct perftrace_budget *budget; /* NULL: none */
};

void *perftrace_map_find(const struct perftrace_map *map, uint32_t group, uint64_t id);
/* The key must not be there yet. False without memory, or where the budget is used up. */
bool perftrace_map_put(struct perftrace_map *map, uint32_t group, uint64_t id, void *value);
/* Takes the key out and returns its value, or NULL. */
void *perftrace_map_remove(struct perftrace_map *map, uint32_t group, uint64_t id);
void perftrace_map_free(struct perftrace_map *map);

#endif
