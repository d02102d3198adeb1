/* Spinning, the synchronisation of transforms, spawning. */
#define PERF_TARGET "amp_gameplay"
#include <perftrace.h>

#include "gameplay.h"
#include "hitches.h"

#include <string.h>

int gameplay_spawn(struct engine *engine, const char *name, const struct placement *placements,
                   uint32_t count, uint32_t *roots) {
    struct prefab *prefab = factory_find(&engine->bundle, name);
    if (prefab == NULL)
        return engine_fail(engine, "%s: there is no prefab '%s'", engine->settings.prefabs, name);
    PERF_SPAN("spawn_entities", "prefab", name, "entities", count * prefab->count);
    if (factory_spawn(&engine->bundle, &engine->world, prefab, placements, count, roots) < count)
        return engine_fail(engine, "no room for %u more of '%s' among %u entities", count, name,
                           engine->world.capacity);
    return 0;
}

/* ---- systems ---- */

static void spin(struct engine *engine, unsigned part) {
    struct world *world = &engine->world;
    uint32_t first, end, spinning = 0;
    world_part(world, part, schedule_parts(engine->schedule), &first, &end);
    PERF_SPAN("spin", "entities", end - first);
    hitches_at(engine, "spin");
    for (uint32_t i = first; i < end; i++) {
        if (!(world->components[i] & COMPONENT_SPIN))
            continue;
        struct quat turn = {0, world->spin_y[i], 0, world->spin_w[i]};
        world->turn[i] = quat_nearer_unit(quat_mul(world->turn[i], turn));
        world_moved(world, i);
        spinning++;
    }
    PERF_METRIC("spinning", spinning);
    engine->tally[part].spun += spinning;
}

/* Where the entity is in the world; its parent's matrix is done already. */
static void sync_one(struct world *world, uint32_t i) {
    struct matrix own = matrix_of(world->place[i], world->turn[i], world->scale[i]);
    uint32_t parent = world->parent[i];
    world->matrix[i] = parent == ENTITY_NONE ? own : matrix_mul(&world->matrix[parent], &own);
    if (!(world->components[i] & COMPONENT_MESH))
        return;
    const struct mesh *mesh = &world->meshes[world->mesh[i]];
    struct vec3 centre = matrix_place(&world->matrix[i], (struct vec3){0, mesh->size.y / 2, 0});
    world->bound_x[i] = centre.x;
    world->bound_y[i] = centre.y;
    world->bound_z[i] = centre.z;
    world->bound_radius[i] = mesh->radius * matrix_scale(&world->matrix[i]);
}

uint32_t gameplay_sync(struct world *world, uint32_t first, uint32_t end) {
    uint32_t synced = 0;
    uint8_t *dirty = world->dirty;
    for (uint32_t i = first; i < end;) {
        uint64_t eight = 1;
        if (end - i >= 8)
            memcpy(&eight, dirty + i, 8);
        if (eight == 0) { /* most have not moved */
            i += 8;
            continue;
        }
        for (uint32_t stop = end - i >= 8 ? i + 8 : end; i < stop; i++)
            if (dirty[i]) {
                sync_one(world, i);
                dirty[i] = 0;
                synced++;
            }
    }
    return synced;
}

static void sync_transforms(struct engine *engine, unsigned part) {
    uint32_t first, end;
    world_part(&engine->world, part, schedule_parts(engine->schedule), &first, &end);
    PERF_SPAN("sync_transforms", "entities", end - first);
    hitches_at(engine, "sync_transforms");
    uint32_t synced = gameplay_sync(&engine->world, first, end);
    PERF_METRIC("dirty", synced);
    engine->tally[part].synced += synced;
}

static int start(struct engine *engine) {
    const struct system systems[] = {{"spin", spin, 0, {"churn"}},
                                     {"sync_transforms", sync_transforms, 0, {"spin", "move_vehicles"}}};
    for (size_t i = 0; i < sizeof systems / sizeof systems[0]; i++)
        if (schedule_add(engine->schedule, &systems[i]) != 0)
            return engine_fail(engine, "too many systems");
    return 0;
}

const struct plugin plugin_gameplay = {"gameplay", STAGE_GAMEPLAY, start, NULL};
