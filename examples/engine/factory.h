/* The factory: prefabs to entities, many at once. */
#ifndef ENGINE_FACTORY_H
#define ENGINE_FACTORY_H

#include "prefab.h"

/* Where an entity is to stand: its place, and half of the angle by which it is turned about the vertical. */
struct placement {
    struct vec3 place;
    float half_sin, half_cos;
};

/* Reads and compiles the prefabs of a file. 0, or -1 with *error (line 0: it could not be read). */
int factory_prepare(struct bundle *bundle, const char *path, struct prefab_error *error);

/* Makes what was parsed fit for spawning: meshes by number, nodes in the order of a family. 0, or -1 with *error. */
int factory_compile(struct bundle *bundle, struct prefab_error *error);

/* NULL: there is none of that name. */
struct prefab *factory_find(struct bundle *bundle, const char *name);

/* Makes `count` families of a prefab, and stores the numbers of their roots unless `roots` is NULL. Numbers of families that
 * were taken away are used again. Returns how many were made: fewer when the world is full. */
uint32_t factory_spawn(struct bundle *bundle, struct world *world, struct prefab *prefab,
                       const struct placement *placements, uint32_t count, uint32_t *roots);

/* Takes a family away. */
void factory_despawn(struct world *world, struct prefab *prefab, uint32_t root);

#endif
