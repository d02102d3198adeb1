/* The renderer's systems. Each part of a system looks at the same families in every system of a frame, so that what one has
 * found lies ready for the next. */
#define PERF_TARGET "amp_render"
#include <perftrace.h>

#include "gpu.h"
#include "hitches.h"
#include "render.h"

#include <stdlib.h>
#include <string.h>

/* ---- culling ---- */

static uint32_t cull_by(cull_function *cull, const struct engine *engine, uint32_t first, uint32_t end,
                        uint32_t *seen) {
    if (cull != NULL && !engine->settings.cull_scalar) {
        PERF_SPAN_LEVEL(PERF_DEBUG, "cull_simd", "entities", end - first);
        return cull(&engine->world, &engine->renderer->frustum, first, end, seen);
    }
    PERF_SPAN_LEVEL(PERF_DEBUG, "cull_scalar", "entities", end - first);
    return cull_scalar(&engine->world, &engine->renderer->frustum, first, end, seen);
}

static void cull_cpu(struct engine *engine, unsigned part) {
    struct seen *seen = &engine->renderer->seen[part];
    uint32_t first, end;
    world_part(&engine->world, part, schedule_parts(engine->schedule), &first, &end);
    PERF_SPAN("cull_cpu", "entities", end - first);
    hitches_at(engine, "cull_cpu");
    seen->count = cull_by(cull_simd(), engine, first, end, seen->entities);
    PERF_METRIC("visible", seen->count);
}

static void cull_gpu(struct engine *engine, unsigned part) {
    (void)part; /* the only one */
    PERF_SPAN("cull_gpu", "entities", engine->world.count);
    engine->renderer->gpu_seen = gpu_cull(engine->gpu, &engine->world, &engine->renderer->frustum);
    PERF_METRIC("visible", engine->renderer->gpu_seen);
}

/* ---- levels of detail, batches, instances ---- */

static uint32_t batch_of(const struct world *world, uint32_t entity) {
    return (uint32_t)world->mesh[entity] * LODS + world->lod[entity];
}

static uint32_t lod_of(const struct world *world, uint32_t entity, struct vec3 eye) {
    const float *distance = world->meshes[world->mesh[entity]].lod_distance;
    struct vec3 bound = {world->bound_x[entity], world->bound_y[entity], world->bound_z[entity]};
    struct vec3 to = vec3_sub(bound, eye);
    float squared = vec3_dot(to, to);
    uint32_t lod = 0;
    for (int i = 0; i < LODS - 1; i++)
        lod += squared >= distance[i] * distance[i];
    return lod;
}

static void update_lods(struct engine *engine, unsigned part) {
    struct renderer *renderer = engine->renderer;
    struct world *world = &engine->world;
    struct seen *seen = &renderer->seen[part];
    PERF_SPAN("update_lods", "entities", seen->count);
    hitches_at(engine, "update_lods");
    uint32_t changed = 0;
    memset(seen->batch, 0, sizeof seen->batch);
    for (uint32_t i = 0; i < seen->count; i++) {
        uint32_t entity = seen->entities[i], lod = lod_of(world, entity, renderer->camera.eye);
        changed += world->lod[entity] != lod;
        world->lod[entity] = (uint8_t)lod;
        seen->batch[batch_of(world, entity)]++;
    }
    PERF_METRIC("changed", changed);
    engine->tally[part].lods_changed += changed;
}

/* Gives each batch its place among the instances, and within it each part its own. */
static void build_batches(struct engine *engine, unsigned part) {
    (void)part;
    struct renderer *renderer = engine->renderer;
    unsigned parts = schedule_parts(engine->schedule);
    PERF_SPAN("build_batches", "parts", parts);
    hitches_at(engine, "build_batches");
    uint32_t next = 0, batches = 0;
    for (unsigned batch = 0; batch < engine->bundle.meshes * LODS; batch++) {
        uint32_t first = next;
        for (unsigned i = 0; i < parts; i++) {
            uint32_t count = renderer->seen[i].batch[batch];
            renderer->seen[i].batch[batch] = next;
            next += count;
        }
        batches += next > first;
        renderer->seen_checksum = renderer->seen_checksum * 6364136223846793005U + (next - first);
    }
    renderer->instances_count = next;
    renderer->batches_count = batches;
    renderer->seen_total += next;
    renderer->instances = pool_take(&engine->frame_pool, next * sizeof *renderer->instances);
    PERF_METRIC("entities", next, "batches", batches);
}

static void extract_instances(struct engine *engine, unsigned part) {
    struct renderer *renderer = engine->renderer;
    const struct world *world = &engine->world;
    struct seen *seen = &renderer->seen[part];
    PERF_SPAN("extract_instances", "entities", seen->count);
    hitches_at(engine, "extract_instances");
    for (uint32_t i = 0; i < seen->count; i++) {
        uint32_t entity = seen->entities[i], batch = batch_of(world, entity);
        struct instance *instance = &renderer->instances[seen->batch[batch]++];
        instance->matrix = world->matrix[entity];
        instance->entity = entity;
        instance->batch = batch;
    }
    PERF_METRIC("bytes", seen->count * sizeof(struct instance));
}

/* The first and the last of a frame. */
static void begin_render(struct engine *engine, unsigned part) {
    (void)part;
    struct renderer *renderer = engine->renderer;
    unsigned parts = schedule_parts(engine->schedule);
    PERF_SPAN("begin_render", "parts", parts);
    hitches_at(engine, "begin_render");
    renderer->frustum = frustum_of(&renderer->camera);
    for (unsigned i = 0; i < parts; i++) {
        uint32_t first, end;
        world_part(&engine->world, i, parts, &first, &end);
        renderer->seen[i].entities = pool_take(&engine->frame_pool, (end - first) * sizeof(uint32_t));
    }
}

static void end_render(struct engine *engine, unsigned part) {
    (void)part;
    struct renderer *renderer = engine->renderer;
    PERF_SPAN("end_render", "entities", renderer->instances_count, "batches", renderer->batches_count);
    hitches_at(engine, "end_render");
    if (engine->gpu != NULL && renderer->gpu_seen != renderer->instances_count)
        renderer->gpu_differs++;
    PERF_COUNTER("entities_visible", renderer->instances_count);
    PERF_COUNTER("batches", renderer->batches_count);
}

/* ---- the plugin ---- */

static void stop(struct engine *engine) {
    gpu_stop(engine->gpu);
    free(engine->renderer);
}

static int start(struct engine *engine) {
    engine->renderer = calloc(1, sizeof *engine->renderer);
    if (engine->renderer == NULL)
        return engine_fail(engine, "no memory for the renderer");
    engine->gpu = engine->settings.cull_gpu ? gpu_start(engine->settings.entities_max) : NULL;
    const struct system systems[] = {{"begin_render", begin_render, 1, {"churn"}},
                                     {"cull_cpu", cull_cpu, 0, {"begin_render", "sync_transforms"}},
                                     {"update_lods", update_lods, 0, {"cull_cpu"}},
                                     {"build_batches", build_batches, 1, {"update_lods"}},
                                     {"extract_instances", extract_instances, 0, {"build_batches"}},
                                     {"end_render", end_render, 1, {"extract_instances", "cull_gpu"}},
                                     {"cull_gpu", cull_gpu, 1, {"begin_render", "sync_transforms"}}};
    size_t count = sizeof systems / sizeof systems[0] - (engine->gpu == NULL);
    for (size_t i = 0; i < count; i++)
        if (schedule_add(engine->schedule, &systems[i]) != 0) {
            stop(engine);
            return engine_fail(engine, "too many systems");
        }
    return 0;
}

const struct plugin plugin_render = {"render", STAGE_RENDER, start, stop};
