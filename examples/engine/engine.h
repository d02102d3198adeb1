/* The engine: a world, the plugins that work on it, and the schedule of their systems. Read this first, then world.h, jobs.h,
 * prefab.h; gameplay.h, render.h and (in the city) vehicles.h are what runs each frame. */
#ifndef ENGINE_H
#define ENGINE_H

#include "factory.h"
#include "jobs.h"
#include "pool.h"
#include "world.h"

#include <stdbool.h>

struct renderer;
struct gpu;
struct traffic;
struct hitches;

struct engine_settings {
    const char *prefabs; /* the file */
    uint32_t entities_max;
    unsigned threads;
    bool cull_scalar; /* without SIMD */
    bool cull_gpu;    /* on the GPU, too, where there is one */
};

/* Plugins are started stage by stage, within a stage in the order of their list, and stopped the other way round. */
enum stage { STAGE_CORE, STAGE_CONTENT, STAGE_GAMEPLAY, STAGE_RENDER, STAGES };

struct plugin {
    const char *name;
    enum stage stage;
    int (*start)(
        struct engine *engine); /* 0, or -1 with engine->problem; adds the plugin's systems to the schedule */
    void (*stop)(struct engine *engine); /* NULL: nothing to do. Called only after a start that went well */
};

/* What the systems' parts have done in all frames together. */
struct tally {
    uint64_t spun, synced, lods_changed;
};

struct engine {
    struct engine_settings settings;
    const struct plugin *const *plugins; /* NULL-terminated */
    unsigned started;                    /* how many of them, in the order of their stages */
    struct pool world_pool, frame_pool;  /* the latter is taken back at the end of each frame */
    struct bundle bundle;
    struct world world;
    struct schedule *schedule;
    struct renderer *renderer;
    struct gpu *gpu;               /* NULL: none */
    struct traffic *traffic;       /* NULL: none */
    struct hitches *hitches;       /* NULL: none */
    struct tally tally[PARTS_MAX]; /* by part */
    uint64_t frame;
    char problem[256]; /* why engine_start failed */
};

/* Starts all plugins. 0, or -1 with engine->problem; engine_stop is due in either case. */
int engine_start(struct engine *engine, const struct engine_settings *settings,
                 const struct plugin *const *plugins);
void engine_stop(struct engine *engine);

/* Runs one frame; *elapsed_ns is how long it took. */
void engine_frame(struct engine *engine, uint64_t *elapsed_ns);

/* Says in engine->problem what is wrong; returns -1. */
int engine_fail(struct engine *engine, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* What every program has: pools and threads; the prefabs. */
extern const struct plugin plugin_core, plugin_content;

#endif
