/* city_demo_baseline: a city of about 5,000 buildings, and vehicles that drive through it. It is a baseline: the first version that
 * works. What is slow in it, its trace shows (docs/engine.md). */
#define PERF_TARGET "amp_gameplay"
#include <perftrace.h>

#include "gameplay.h"
#include "picture.h"
#include "program.h"
#include "render.h"
#include "traffic.h"

#include <stdlib.h>
#include <string.h>

#define STREET_WIDTH 12.0F
#define PITCH 72.0F /* metres from street to street */
#define LOTS_X 4    /* of a block, side by side, */
#define LOTS_Z 3    /* and one behind the other */
#define LOTS (LOTS_X * LOTS_Z)
#define WHEELED                                                                                              \
    "car" /* the prefab of vehicles: its last four nodes are the wheels, front ones first, left ones first */

#define KINDS 4
static const char *const kinds[KINDS] = {"house", "flats", "hall", "office"}; /* of buildings */

static struct program program = {.name = "city_demo_baseline",
                                 .about = "a city with driving vehicles",
                                 .seconds = 30,
                                 .buildings = 5000,
                                 .vehicles = 100,
                                 .cull = "both",
                                 .broadphase = "simple",
                                 .city = true};
static uint64_t random_state = 3;

/* The fewest streets that have room for all buildings between them. */
static struct streets plan_streets(void) {
    uint32_t blocks = 1;
    while ((uint64_t)blocks * blocks * LOTS < program.buildings)
        blocks++;
    return (struct streets){.crossings = blocks + 1, .pitch = PITCH, .width = STREET_WIDTH};
}

/* The middle of a lot: lots are numbered block by block. */
static struct vec3 lot_place(const struct streets *streets, uint32_t lot) {
    uint32_t block = lot / LOTS, in_block = lot % LOTS, blocks = streets->crossings - 1;
    struct vec3 corner = streets_crossing(streets, block % blocks, block / blocks);
    uint32_t row = in_block / LOTS_X;
    float inner = PITCH - STREET_WIDTH;
    return (struct vec3){corner.x + STREET_WIDTH / 2 + inner * ((float)(in_block % LOTS_X) + 0.5F) / LOTS_X,
                         0, corner.z + STREET_WIDTH / 2 + inner * ((float)row + 0.5F) / LOTS_Z};
}

/* One building after the other is of a kind by lot; they are spawned kind by kind. */
static int build(struct engine *engine) {
    struct traffic *traffic = engine->traffic;
    uint32_t buildings = (uint32_t)program.buildings;
    struct placement *placements[KINDS] = {NULL};
    uint32_t counts[KINDS] = {0};
    int result = 0;
    for (size_t kind = 0; kind < KINDS; kind++)
        if ((placements[kind] = malloc(buildings * sizeof *placements[kind])) == NULL)
            result = engine_fail(engine, "no memory for %u buildings", buildings);
    PERF_SPAN("build_city", "buildings", buildings);
    for (uint32_t lot = 0; result == 0 && lot < buildings; lot++) {
        size_t kind = (size_t)(program_random(&random_state) * KINDS);
        placements[kind][counts[kind]++] = (struct placement){lot_place(&traffic->streets, lot), 0, 1};
    }
    for (size_t kind = 0; result == 0 && kind < KINDS; kind++) {
        result = gameplay_spawn(engine, kinds[kind], placements[kind], counts[kind], NULL);
        if (result != 0)
            break;
        const struct prefab *prefab = factory_find(&engine->bundle, kinds[kind]);
        const struct mesh *mesh = &engine->bundle.mesh[engine->bundle.node[prefab->first].mesh];
        for (uint32_t i = 0; i < counts[kind]; i++)
            traffic_add_building(traffic, placements[kind][i].place, (struct quat){0, 0, 0, 1}, mesh->size);
    }
    for (size_t kind = 0; kind < KINDS; kind++)
        free(placements[kind]);
    return result;
}

/* Vehicles begin in the middle of streets, each in a lane of its own as long as there are enough. */
static struct route route_of(const struct streets *streets, uint32_t number) {
    uint32_t inner = streets->crossings - 1;
    uint32_t lane = (uint32_t)((uint64_t)number * 7919 % ((uint64_t)inner * inner * 2));
    uint32_t x = lane / 2 % inner, z = lane / 2 / inner;
    struct route route = {x + 1, z, 0, TRAFFIC_NOBODY}; /* eastwards */
    if (lane % 2 == 1)
        route = (struct route){x, z + 1, 1, TRAFFIC_NOBODY}; /* northwards */
    return route;
}

static int add_traffic(struct engine *engine) {
    uint32_t vehicles = (uint32_t)program.vehicles;
    struct prefab *prefab = factory_find(&engine->bundle, WHEELED);
    if (prefab == NULL || prefab->count <= WHEELS || !(prefab->components & COMPONENT_VEHICLE))
        return engine_fail(engine, "%s: there is no prefab '%s' with four wheels", program.prefabs, WHEELED);
    struct placement *placements = calloc(vehicles, sizeof *placements); /* the physics will place them */
    uint32_t *roots = calloc(vehicles, sizeof *roots);
    int result = placements != NULL && roots != NULL ? 0 : engine_fail(engine, "no memory");
    if (result == 0)
        result = gameplay_spawn(engine, WHEELED, placements, vehicles, roots);
    for (uint32_t i = 0; result == 0 && i < vehicles; i++) {
        struct route route = route_of(&engine->traffic->streets, i);
        result = traffic_add_vehicle(engine, roots[i], prefab->count - WHEELS, &route, PITCH / 2);
    }
    free(placements);
    free(roots);
    return result;
}

static int start_city(struct engine *engine) {
    struct streets streets = plan_streets();
    if (traffic_start(engine, &streets, (uint32_t)program.vehicles,
                      strcmp(program.broadphase, "quadtree") == 0) != 0)
        return -1;
    if (build(engine) == 0 && add_traffic(engine) == 0)
        return 0;
    traffic_stop(engine);
    return -1;
}

/* The camera flies over the streets from one side to the other. */
static void look(struct engine *engine) {
    float way = sinf((float)engine->frame * 0.004F) * PITCH * 5;
    engine->renderer->camera = (struct camera){.eye = {way, 60, -150},
                                               .target = {way + 40, 0, 100},
                                               .height_angle = 1.0F,
                                               .aspect = 16.0F / 9,
                                               .near = 0.5F,
                                               .far = 900};
}

int main(int argc, char **argv) {
    int options = program_options(&program, argc, argv);
    if (options != 0)
        return options > 0 ? 0 : 2;
    int traced = perftrace_init_default();
    if (traced != 0)
        fprintf(stderr, "city_demo_baseline: not traced: %s\n", perftrace_error_text(traced));
    perftrace_thread_name("main");

    static const struct plugin city = {"city", STAGE_GAMEPLAY, start_city, traffic_stop};
    static const struct plugin *const plugins[] = {&plugin_core,     &plugin_content, &city,
                                                   &plugin_gameplay, &plugin_render,  NULL};
    static struct engine engine;
    /* A building has at most 3 nodes, a vehicle 7; more, where the prefabs say otherwise, are refused. */
    uint64_t entities = program.buildings * 3 + program.vehicles * 8;
    struct engine_settings settings = program_settings(&program, (uint32_t)entities);
    int code = engine_start(&engine, &settings, plugins);
    if (code != 0)
        fprintf(stderr, "city_demo_baseline: %s\n", engine.problem);
    else
        code = program_run(&program, &engine, look);
    if (code == 0) {
        printf("traffic: %u vehicles, %u of them moving; %.1f km driven\n", engine.traffic->vehicles_count,
               engine.traffic->moving, engine.traffic->metres / 1000);
        if (program.picture != NULL)
            code = picture_write(&engine.world, PITCH * 5, program.picture);
    }
    engine_stop(&engine);
    perftrace_shutdown();
    return code == 0 ? 0 : 1;
}
