/* perf_100k: a hundred thousand entities, of which a tenth turn, and some are taken away and spawned anew each frame. */
#define PERF_TARGET "amp_gameplay"
#include <perftrace.h>

#include "gameplay.h"
#include "hitches.h"
#include "program.h"
#include "render.h"

#include <stdlib.h>
#include <string.h>

#define FIELD 2000.0F /* metres from side to side */
#define CHURN 100     /* families that are taken away and spawned anew each frame */

/* Which prefabs, and how many percent of the entities each. The first fills up what is left by rounding. */
static const struct share {
    const char *prefab;
    unsigned percent;
} shares[] = {{"crate", 20}, {"tree", 40}, {"tower", 20}, {"windmill", 20}};
#define CHURNED 1 /* the trees */

static uint64_t random_state = 1;
static uint32_t *churned, churned_count, churned_next; /* roots of trees, as a ring */

static struct placement somewhere(void) {
    static const float half_sin[] = {0, 0.38268343F, 0.70710678F, 0.92387953F};
    float x = program_random(&random_state), z = program_random(&random_state);
    unsigned turn = (unsigned)(program_random(&random_state) * 4);
    return (struct placement){
        {(x - 0.5F) * FIELD, 0, (z - 0.5F) * FIELD}, half_sin[turn], half_sin[3 - turn]};
}

/* ---- the scene ---- */

/* How many families of each prefab make up the entities. */
static int count_families(struct engine *engine, uint32_t entities, uint32_t *counts) {
    uint32_t left = entities;
    for (size_t i = sizeof shares / sizeof shares[0]; i-- > 0;) {
        const struct prefab *prefab = factory_find(&engine->bundle, shares[i].prefab);
        if (prefab == NULL)
            return engine_fail(engine, "%s: there is no prefab '%s'", engine->settings.prefabs,
                               shares[i].prefab);
        counts[i] =
            (i == 0 ? left : (uint32_t)((uint64_t)entities * shares[i].percent / 100)) / prefab->count;
        left -= counts[i] * prefab->count;
    }
    return 0;
}

static int spawn_scene(struct engine *engine, uint32_t entities) {
    uint32_t counts[sizeof shares / sizeof shares[0]], total = 0;
    if (count_families(engine, entities, counts) != 0)
        return -1;
    for (size_t i = 0; i < sizeof shares / sizeof shares[0]; i++)
        total += counts[i];
    struct placement *placements = malloc((total + 1) * sizeof *placements), *next = placements;
    churned_count = counts[CHURNED];
    churned = malloc((churned_count + 1) * sizeof *churned);
    int result = placements != NULL && churned != NULL ? 0 : engine_fail(engine, "no memory");
    for (uint32_t i = 0; result == 0 && i < total; i++)
        placements[i] = somewhere();
    PERF_BLOCK("spawn_scene", "entities", entities) {
        for (size_t i = 0; result == 0 && i < sizeof shares / sizeof shares[0]; next += counts[i++])
            result = gameplay_spawn(engine, shares[i].prefab, next, counts[i], i == CHURNED ? churned : NULL);
    }
    free(placements);
    return result;
}

/* Takes some trees away and plants as many elsewhere. */
static void churn(struct engine *engine, unsigned part) {
    (void)part;
    struct prefab *prefab = factory_find(&engine->bundle, shares[CHURNED].prefab);
    uint32_t count = churned_count < CHURN ? churned_count : CHURN, roots[CHURN];
    struct placement placements[CHURN];
    PERF_SPAN("churn", "entities", count * prefab->count);
    hitches_at(engine, "churn");
    for (uint32_t i = 0; i < count; i++) {
        factory_despawn(&engine->world, prefab, churned[(churned_next + i) % churned_count]);
        placements[i] = somewhere();
    }
    if (gameplay_spawn(engine, prefab->name, placements, count, roots) != 0)
        return; /* it has just made room for them */
    for (uint32_t i = 0; i < count; i++)
        churned[(churned_next + i) % churned_count] = roots[i];
    if (churned_count > 0)
        churned_next = (churned_next + count) % churned_count;
}

static int start_scene(struct engine *engine) {
    const struct system system = {"churn", churn, 1, {NULL}};
    if (schedule_add(engine->schedule, &system) != 0)
        return engine_fail(engine, "too many systems");
    return spawn_scene(engine, engine->settings.entities_max);
}

static void stop_scene(struct engine *engine) {
    (void)engine;
    free(churned);
}

/* The camera walks a circle, looking outwards. */
static void look(struct engine *engine) {
    float angle = (float)engine->frame * 0.005F, x = cosf(angle), z = sinf(angle);
    engine->renderer->camera = (struct camera){.eye = {x * FIELD / 4, 30, z * FIELD / 4},
                                               .target = {x * FIELD / 2, 0, z * FIELD / 2},
                                               .height_angle = 1.0F,
                                               .aspect = 16.0F / 9,
                                               .near = 0.1F,
                                               .far = FIELD / 2};
}

int main(int argc, char **argv) {
    struct program program = {.name = "perf_100k",
                              .about = "100,000 entities, headless",
                              .frames = 300,
                              .entities = 100000,
                              .cull = "both"};
    int options = program_options(&program, argc, argv);
    if (options != 0)
        return options > 0 ? 0 : 2;
    int traced = perftrace_init_default();
    if (traced != 0)
        fprintf(stderr, "perf_100k: not traced: %s\n", perftrace_error_text(traced));
    perftrace_thread_name("main");

    static const struct plugin scene = {"scene", STAGE_GAMEPLAY, start_scene, stop_scene};
    static const struct plugin *const plugins[] = {&plugin_core,     &plugin_content, &scene,
                                                   &plugin_gameplay, &plugin_render,  NULL};
    static struct engine engine;
    struct engine_settings settings = program_settings(&program, (uint32_t)program.entities);
    int code = engine_start(&engine, &settings, plugins);
    if (code != 0)
        fprintf(stderr, "perf_100k: %s\n", engine.problem);
    else
        code = program_run(&program, &engine, look);
    engine_stop(&engine);
    perftrace_shutdown();
    return code == 0 ? 0 : 1;
}
