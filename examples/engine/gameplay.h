/* Gameplay: what moves, and where that puts everything. */
#ifndef ENGINE_GAMEPLAY_H
#define ENGINE_GAMEPLAY_H

#include "engine.h"

/* Systems: `spin` turns what spins; `sync_transforms` computes the matrices and bounds of what has moved. */
extern const struct plugin plugin_gameplay;

/* The work of sync_transforms for entities [first, end), which are whole families. Returns how many were dirty. */
uint32_t gameplay_sync(struct world *world, uint32_t first, uint32_t end);

/* Spawns `count` families of the prefab of that name; roots as in factory_spawn. -1: there is no such prefab or no
 * room for all of them, see engine->problem. */
int gameplay_spawn(struct engine *engine, const char *prefab, const struct placement *placements,
                   uint32_t count, uint32_t *roots);

#endif
