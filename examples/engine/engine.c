/* The engine's life: plugins by stages, frames, the end. */
#define PERF_TARGET "amp_engine"
#include <perftrace.h>

#include "engine.h"
#include "measure.h"

#include <stdarg.h>
#include <stdio.h>

int engine_fail(struct engine *engine, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(engine->problem, sizeof engine->problem, format, arguments);
    va_end(arguments);
    return -1;
}

/* ---- plugins ---- */

static int start_plugin(struct engine *engine, const struct plugin *plugin) {
    PERF_SPAN("start_plugin", "plugin", plugin->name);
    if (plugin->start(engine) != 0)
        return -1;
    engine->started++;
    return 0;
}

static int start_stage(struct engine *engine, enum stage stage) {
    static const char *const names[STAGES] = {"core", "content", "gameplay", "render"};
    PERF_SPAN("start_stage", "stage", names[stage]);
    for (const struct plugin *const *plugin = engine->plugins; *plugin != NULL; plugin++)
        if ((*plugin)->stage == stage && start_plugin(engine, *plugin) != 0)
            return -1;
    PERF_METRIC("plugins", engine->started);
    return 0;
}

int engine_start(struct engine *engine, const struct engine_settings *settings,
                 const struct plugin *const *plugins) {
    PERF_SPAN("start_engine", "threads", settings->threads);
    *engine = (struct engine){.settings = *settings, .plugins = plugins};
    for (enum stage stage = 0; stage < STAGES; stage++)
        if (start_stage(engine, stage) != 0)
            return -1;
    const char *ring = schedule_link(engine->schedule);
    return ring == NULL ? 0 : engine_fail(engine, "the system '%s' comes after itself", ring);
}

/* Stops the plugin that was the number-th to be started. */
static void stop_plugin(struct engine *engine, unsigned number) {
    for (enum stage stage = 0; stage < STAGES; stage++)
        for (const struct plugin *const *plugin = engine->plugins; *plugin != NULL; plugin++)
            if ((*plugin)->stage == stage && number-- == 0) {
                if ((*plugin)->stop != NULL)
                    (*plugin)->stop(engine);
                return;
            }
}

void engine_stop(struct engine *engine) {
    PERF_SPAN("stop_engine", "frames", engine->frame);
    while (engine->started > 0)
        stop_plugin(engine, --engine->started);
}

/* ---- what every program has ---- */

/* What a frame needs for one entity at most: see render.c. */
#define FRAME_BYTES_EACH 80
#define FRAME_BYTES_MORE 262144

static int start_core(struct engine *engine) {
    uint32_t entities = engine->settings.entities_max;
    if (pool_reserve(&engine->world_pool, "world", world_bytes(entities)) != 0 ||
        pool_reserve(&engine->frame_pool, "frame", (size_t)entities * FRAME_BYTES_EACH + FRAME_BYTES_MORE) !=
            0 ||
        world_init(&engine->world, &engine->world_pool, entities) != 0) {
        pool_release(&engine->world_pool);
        pool_release(&engine->frame_pool);
        return engine_fail(engine, "no memory for %u entities", entities);
    }
    engine->schedule = schedule_start(engine, engine->settings.threads);
    if (engine->schedule == NULL) {
        pool_release(&engine->world_pool);
        pool_release(&engine->frame_pool);
        return engine_fail(engine, "could not start %u threads", engine->settings.threads);
    }
    return 0;
}

static void stop_core(struct engine *engine) {
    schedule_stop(engine->schedule);
    pool_release(&engine->frame_pool);
    pool_release(&engine->world_pool);
}

static int start_content(struct engine *engine) {
    struct prefab_error error;
    const char *file = engine->settings.prefabs;
    if (factory_prepare(&engine->bundle, file, &error) == 0) {
        engine->world.meshes = engine->bundle.mesh;
        return 0;
    }
    if (error.line == 0)
        return engine_fail(engine, "%s: %s", file, error.message);
    return engine_fail(engine, "%s:%u:%u: %s", file, error.line, error.column, error.message);
}

const struct plugin plugin_core = {"core", STAGE_CORE, start_core, stop_core};
const struct plugin plugin_content = {"content", STAGE_CONTENT, start_content, NULL};

/* ---- frames ---- */

void engine_frame(struct engine *engine, uint64_t *elapsed_ns) {
    uint64_t begin = measure_now_ns();
    PERF_BLOCK("update_frame", "frame", engine->frame, "entities", engine->world.alive) {
        schedule_run(engine->schedule);
        PERF_COUNTER("entities_alive", engine->world.alive);
        PERF_COUNTER("frame_pool_bytes", engine->frame_pool.used);
        PERF_COUNTER("world_pool_bytes", engine->world_pool.used);
        pool_reset(&engine->frame_pool);
        engine->frame++;
    }
    PERF_FRAME();
    *elapsed_ns = measure_now_ns() - begin;
}
