/* examples/engine's vehicles: they keep to the streets, upright and in motion, stand on their springs, and stop at a wall. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "gameplay.h"
#include "render.h"
#include "traffic.h"

#include <stdio.h>
#include <stdlib.h>

#define VEHICLES 12
#define PITCH 72.0F
#define WIDTH 12.0F

static bool quadtree, walled;

static int start_streets(struct engine *engine) {
    const struct streets streets = {.crossings = 4, .pitch = PITCH, .width = WIDTH};
    struct placement placements[VEHICLES] = {{{0, 0, 0}, 0, 1}};
    uint32_t roots[VEHICLES];
    uint32_t vehicles = walled ? 2 : VEHICLES;
    assert_int_equal(traffic_start(engine, &streets, vehicles, quadtree), 0);
    if (walled) { /* between the first two crossings of the southern street, in the way */
        struct vec3 at = streets_crossing(&streets, 1, 0);
        at.x -= 20;
        traffic_add_building(engine->traffic, at, (struct quat){0, 0, 0, 1}, (struct vec3){4, 10, 40});
    }
    assert_int_equal(gameplay_spawn(engine, "car", placements, vehicles, roots), 0);
    for (uint32_t i = 0; i < vehicles; i++) {
        struct route route = {1 + i % 3, i / 3, 0, TRAFFIC_NOBODY};
        float away = PITCH / 2;
        if (walled) { /* one behind the other */
            route = (struct route){1, 0, 0, TRAFFIC_NOBODY};
            away += 20 * (float)i;
        }
        assert_int_equal(traffic_add_vehicle(engine, roots[i], 3, &route, away), 0);
    }
    const struct route route = {1, 1, 0, TRAFFIC_NOBODY};
    assert_int_equal(traffic_add_vehicle(engine, 0, 3, &route, 9),
                     -1); /* they are as many as there is room for */
    return 0;
}

static struct engine *make_engine(void) {
    static const struct plugin plugin = {"streets", STAGE_GAMEPLAY, start_streets, traffic_stop};
    static const struct plugin *const plugins[] = {&plugin_core, &plugin_content, &plugin, &plugin_gameplay,
                                                   NULL};
    struct engine_settings settings = {
        .prefabs = ENGINE_SOURCE "/city_demo_baseline.prefabs", .entities_max = VEHICLES * 8, .threads = 2};
    struct engine *engine = calloc(1, sizeof *engine);
    if (engine_start(engine, &settings, plugins) != 0)
        fail_msg("%s", engine->problem);
    return engine;
}

static void run_frames(struct engine *engine, unsigned frames) {
    uint64_t elapsed_ns;
    for (unsigned i = 0; i < frames; i++)
        engine_frame(engine, &elapsed_ns);
}

/* How far it is from the middle of the nearest street in one direction. */
static float off_street(float at) {
    float place = at / PITCH + 1.5F; /* crossings are at whole numbers */
    return fabsf(place - roundf(place)) * PITCH;
}

/* The way between the two that are nearest to each other. */
static float nearest(const struct traffic *traffic) {
    float squared = 1e9F;
    for (uint32_t i = 0; i < traffic->vehicles_count; i++)
        for (uint32_t k = 0; k < i; k++) {
            struct vec3 way = vec3_sub(traffic->vehicles[i]->place, traffic->vehicles[k]->place);
            squared = fminf(squared, vec3_dot(way, way));
        }
    return sqrtf(squared);
}

static void test_driving(void **state) {
    quadtree = *state != NULL;
    walled = false;
    struct engine *engine = make_engine();
    const struct world *world = &engine->world;
    float driven[VEHICLES] = {0};
    for (int second = 0; second < 40; second++) {
        for (int tenth = 0; tenth < 10; tenth++) {
            run_frames(engine, 6);
            assert_true(nearest(engine->traffic) > 3); /* not even at crossings */
        }
        for (uint32_t i = 0; i < VEHICLES; i++) {
            const struct vehicle *vehicle = engine->traffic->vehicles[i];
            assert_true(fminf(off_street(vehicle->place.x), off_street(vehicle->place.z)) < WIDTH / 2);
            assert_true(fabsf(vehicle->ahead.y) < 0.2F);
            assert_true(vehicle->place.y > 0.45F && vehicle->place.y < 0.8F); /* on its springs */
            assert_true(vehicle->speed > -0.5F && vehicle->speed < 16);
            driven[i] += vehicle->speed;
            /* The entities are where the physics says. */
            struct vec3 at = matrix_place(&world->matrix[vehicle->root], (struct vec3){0, 0, 0});
            struct vec3 off = vec3_sub(at, vehicle->place);
            assert_true(vec3_dot(off, off) < 1e-6F);
            for (uint32_t wheel = 0; wheel < WHEELS; wheel++) {
                at = matrix_place(&world->matrix[vehicle->root + vehicle->wheel_node + wheel],
                                  (struct vec3){0, 0, 0});
                off = vec3_sub(at, vehicle->place);
                assert_true(at.y > 0.25F && at.y < 0.5F && vec3_dot(off, off) > 1.9F &&
                            vec3_dot(off, off) < 3);
            }
        }
    }
    for (int i = 0; i < VEHICLES; i++)
        assert_true(driven[i] > 100); /* metres: none is stuck */
    engine_stop(engine);
    free(engine);
}

static void test_wall(void **state) {
    quadtree = *state != NULL;
    walled = true;
    struct engine *engine = make_engine();
    run_frames(engine, 300);
    const struct vehicle *vehicle = engine->traffic->vehicles[0];
    struct vec3 crossing = streets_crossing(&engine->traffic->streets, 1, 0);
    float front = crossing.x - vehicle->place.x - 2.1F; /* half of its length */
    assert_true(front > 21 && front < 23);              /* the wall's side is 22 metres before the crossing */
    assert_true(nearest(engine->traffic) > 7 &&
                nearest(engine->traffic) < 12); /* the second keeps its distance */
    engine_stop(engine);
    free(engine);
}

int main(void) {
    static int with_quadtree = 1;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_driving),
        cmocka_unit_test(test_wall),
        cmocka_unit_test_prestate(test_driving, &with_quadtree),
        cmocka_unit_test_prestate(test_wall, &with_quadtree),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
