/* The columns of the world, and how they are shared out. */
#include "world.h"

#include <string.h>

/* One line a column: name and what it holds. world_bytes and world_init must agree, so both are made of this list. */
#define COLUMNS(column)                                                                                      \
    column(place) column(turn) column(scale) column(parent) column(below) column(components) column(dirty)   \
        column(mesh) column(lod) column(spin_y) column(spin_w) column(matrix) column(bound_x)                \
            column(bound_y) column(bound_z) column(bound_radius) column(next_free)

size_t world_bytes(uint32_t capacity) {
    const struct world *world = NULL; /* only for sizeof */
    size_t bytes = 0;
#define ADD(name) bytes += pool_rounded(capacity * sizeof *world->name);
    COLUMNS(ADD)
#undef ADD
    return bytes;
}

int world_init(struct world *world, struct pool *pool, uint32_t capacity) {
    *world = (struct world){.capacity = capacity};
#define TAKE(name)                                                                                           \
    if ((world->name = pool_take(pool, capacity * sizeof *world->name)) == NULL)                             \
        return -1;
    COLUMNS(TAKE)
#undef TAKE
    return 0;
}

void world_moved(struct world *world, uint32_t entity) {
    memset(world->dirty + entity, 1, 1 + (size_t)world->below[entity]);
}

/* The first root from `at` on. */
static uint32_t family_from(const struct world *world, uint32_t at) {
    while (at < world->count && world->parent[at] != ENTITY_NONE)
        at++;
    return at;
}

void world_part(const struct world *world, unsigned part, unsigned parts, uint32_t *first, uint32_t *end) {
    *first = family_from(world, (uint32_t)((uint64_t)world->count * part / parts));
    *end = family_from(world, (uint32_t)((uint64_t)world->count * (part + 1) / parts));
}

uint64_t world_checksum(const struct world *world) {
    uint64_t sum = 14695981039346656037U; /* FNV-1a, by words */
    for (uint32_t i = 0; i < world->count; i++) {
        if (!(world->components[i] & COMPONENT_ALIVE))
            continue;
        uint32_t words[12];
        memcpy(words, &world->matrix[i], sizeof words);
        for (int k = 0; k < 12; k++)
            sum = (sum ^ words[k]) * 1099511628211U;
    }
    return sum;
}
