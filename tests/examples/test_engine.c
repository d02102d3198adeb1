/* examples/engine: culling three ways, hierarchies against the obvious computation, the order of jobs, and what the parser of
 * prefabs says of bad ones. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "gameplay.h"
#include "gpu.h"
#include "program.h"
#include "render.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- prefabs ---- */

static void expect_error(const char *text, unsigned line, unsigned column, const char *message) {
    struct bundle *bundle = calloc(1, sizeof *bundle);
    struct prefab_error error = {0, 0, ""};
    int result = prefab_parse(bundle, text, strlen(text), &error);
    if (result == 0)
        result = factory_compile(bundle, &error);
    if (result != -1 || error.line != line || error.column != column || strcmp(error.message, message) != 0)
        fail_msg("%s\n  gives %d, %u:%u: %s", text, result, error.line, error.column, error.message);
    free(bundle);
}

static void test_bad_prefabs(void **state) {
    (void)state;
    expect_error("prefabs x", 1, 1, "no statement begins with 'prefabs'");
    expect_error("# fine\n  node a", 2, 3, "'node' belongs to a prefab, and there is none before it");
    expect_error("mesh m\n  draw m", 2, 3, "'draw' belongs to a node, and there is none before it");
    expect_error("mesh m\n  size 1 2", 2, 11, "'size' takes 3 values, not 2");
    expect_error("mesh m\n  size 1 2 3 4", 2, 14, "'size' takes 3 values, not 4");
    expect_error("mesh m\n  size 1 2x 3", 2, 10, "'2x' is not a number up to a million");
    expect_error("mesh m\n  size 1 nan 3", 2, 10, "'nan' is not a number up to a million");
    expect_error("mesh m\n  size 1 1e9 3", 2, 10, "'1e9' is not a number up to a million");
    expect_error("mesh m\n  size 1 -2 3", 2, 10, "-2 is less than 0");
    expect_error("mesh m\n  lods 3 2 9", 2, 10, "distances of levels of detail grow");
    expect_error("mesh m\n  colour 12345g", 2, 10, "'12345g' is not a colour: six hexadecimal digits");
    expect_error("mesh m\nmesh m", 2, 6, "there is a mesh 'm' already");
    expect_error("prefab p", 1, 1, "the prefab 'p' has no node");
    expect_error("prefab p\nnode a\nprefab p", 3, 8, "there is a prefab 'p' already");
    expect_error("prefab p\nnode a\nnode b", 3, 6,
                 "only the first node is a root; of this one say: under NAME");
    expect_error("prefab p\nnode a\nnode b under c", 3, 14, "no node 'c' before this one");
    expect_error("prefab p\nnode a\nnode b below a", 3, 8, "after the name comes nothing, or: under NAME");
    expect_error("prefab p\nnode a\nnode a under a", 3, 6, "there is a node 'a' in this prefab already");
    expect_error("prefab p\nnode a\n\tdraw   m", 3, 9, "there is no mesh 'm'");
    expect_error("prefab 01234567890123456789012345678901", 1, 8, "a name has at most 31 letters");
    expect_error("a b c d e f g h i", 1, 17, "more than 8 words in a line");
    expect_error("prefab p\nnode \001", 2, 6, "a control character (1)");
}

/* Every shortening of a good file is either good or an error with a place in it. */
static void test_cut_prefabs(void **state) {
    (void)state;
    const char text[] =
        "mesh m\n size 1 2 3\n lods 1 2 3\n colour 00ff00\nprefab p\n node a\n  draw m\n  turn 90\n"
        " node b under a\n  position 1 -2 3.5\n  scale 2\n  spin 3\n  vehicle # end\n";
    struct bundle *bundle = calloc(1, sizeof *bundle);
    for (size_t length = 0; length < sizeof text; length++) {
        char *copy = malloc(length + 1); /* so that a sanitizer sees a byte too many being read */
        memcpy(copy, text, length);
        struct prefab_error error = {0, 0, ""};
        if (prefab_parse(bundle, copy, length, &error) != 0) {
            assert_in_range(error.line, 1, 13);
            assert_in_range(error.column, 1, 40);
        }
        free(copy);
    }
    struct prefab_error error;
    assert_int_equal(prefab_parse(bundle, text, strlen(text), &error), 0);
    assert_int_equal(factory_compile(bundle, &error), 0);
    assert_int_equal(bundle->prefab[0].count, 2);
    assert_int_equal(bundle->node[0].below, 1);
    assert_int_equal(bundle->node[1].components, COMPONENT_ALIVE | COMPONENT_SPIN | COMPONENT_VEHICLE);
    assert_true(bundle->node[1].place.y == -2 && bundle->node[1].place.z == 3.5F &&
                bundle->node[1].scale == 2);
    assert_int_equal(bundle->mesh[0].colour, 0x00ff00);
    free(bundle);
}

/* ---- a world to try things on ---- */

static const char forest[] =
    "mesh m\n size 2 4 2\n"
    "prefab deep\n node a\n draw m\n node x under a\n position 9 0 0\n draw m\n"
    " node b under a\n position 1 2 3\n turn 30\n node c under b\n scale 0.5\n position 0 4 0\n"
    " draw m\n spin 7\n node d under x\n position 0 1 0\n draw m\n"
    "prefab flat\n node a\n draw m\n";

struct scene {
    struct pool pool;
    struct bundle bundle;
    struct world world;
};

static struct scene *make_scene(uint32_t families) {
    struct scene *scene = calloc(1, sizeof *scene);
    struct prefab_error error;
    assert_int_equal(prefab_parse(&scene->bundle, forest, strlen(forest), &error), 0);
    assert_int_equal(factory_compile(&scene->bundle, &error), 0);
    assert_int_equal(pool_reserve(&scene->pool, "test", world_bytes(families * 6)), 0);
    assert_int_equal(world_init(&scene->world, &scene->pool, families * 6), 0);
    scene->world.meshes = scene->bundle.mesh;
    struct placement *placements = calloc(families, sizeof *placements);
    uint64_t random = 7;
    for (uint32_t i = 0; i < families; i++)
        placements[i] = (struct placement){{program_random(&random) * 400 - 200, program_random(&random) * 9,
                                            program_random(&random) * 400 - 200},
                                           0.6F,
                                           0.8F};
    struct prefab *deep = factory_find(&scene->bundle, "deep"), *flat = factory_find(&scene->bundle, "flat");
    assert_int_equal(factory_spawn(&scene->bundle, &scene->world, deep, placements, families, NULL),
                     families);
    assert_int_equal(factory_spawn(&scene->bundle, &scene->world, flat, placements, families, NULL),
                     families);
    free(placements);
    return scene;
}

static void free_scene(struct scene *scene) {
    pool_release(&scene->pool);
    free(scene);
}

/* ---- hierarchies ---- */

/* A point on its way up: from parent to parent, by the definition of a rotation by a quaternion. */
static struct vec3 naive_place(const struct world *world, uint32_t entity, struct vec3 v) {
    for (; entity != ENTITY_NONE; entity = world->parent[entity]) {
        struct quat q = world->turn[entity], conjugate = {-q.x, -q.y, -q.z, q.w};
        struct quat turned = quat_mul(quat_mul(q, (struct quat){v.x, v.y, v.z, 0}), conjugate);
        float scale = world->scale[entity];
        v = (struct vec3){turned.x * scale + world->place[entity].x,
                          turned.y * scale + world->place[entity].y,
                          turned.z * scale + world->place[entity].z};
    }
    return v;
}

static void expect_synced(const struct world *world) {
    const struct vec3 points[] = {{0, 0, 0}, {1, 0, 0}, {0, 1, 0}, {0, 0, 1}};
    for (uint32_t i = 0; i < world->count; i++)
        for (int k = 0; k < 4; k++) {
            struct vec3 off =
                vec3_sub(naive_place(world, i, points[k]), matrix_place(&world->matrix[i], points[k]));
            assert_true(vec3_dot(off, off) < 1e-6F);
        }
}

static void test_hierarchy(void **state) {
    (void)state;
    struct scene *scene = make_scene(50);
    struct world *world = &scene->world;
    assert_int_equal(gameplay_sync(world, 0, world->count), world->count);
    expect_synced(world);
    assert_int_equal(gameplay_sync(world, 0, world->count), 0);

    /* Only what has moved, and what hangs below it, is computed anew; the family is a, x, d, b, c. */
    assert_int_equal(world->parent[10 + 2], 10 + 1);
    world->place[10 + 3].y += 5;
    world_moved(world, 10 + 3);
    assert_int_equal(gameplay_sync(world, 0, world->count), 2);
    world->turn[20] = quat_about_y(1);
    world_moved(world, 20);
    world_moved(world, 21);
    assert_int_equal(gameplay_sync(world, 0, world->count), 5);
    expect_synced(world);

    /* The parts are all of it, cut between families. */
    for (unsigned parts = 1; parts < 9; parts++)
        for (uint32_t part = 0, at = 0; part < parts; part++) {
            uint32_t first, end;
            world_part(world, part, parts, &first, &end);
            assert_int_equal(first, at);
            assert_true(end == world->count || world->parent[end] == ENTITY_NONE);
            at = end;
            assert_true(part + 1 < parts || at == world->count);
        }
    free_scene(scene);
}

static void test_despawn(void **state) {
    (void)state;
    struct scene *scene = make_scene(50);
    struct world *world = &scene->world;
    struct prefab *deep = factory_find(&scene->bundle, "deep");
    struct placement there = {{1, 2, 3}, 0, 1};
    uint32_t root, count = world->count;
    assert_int_equal(factory_spawn(&scene->bundle, world, deep, &there, 1, &root), 0); /* the world is full */
    factory_despawn(world, deep, 10);
    factory_despawn(world, deep, 35);
    assert_int_equal(world->alive, count - 10);
    gameplay_sync(world, 0, world->count);
    assert_true(world->bound_radius[36] == NEVER_VISIBLE);
    assert_int_equal(factory_spawn(&scene->bundle, world, deep, &there, 1, &root), 1);
    assert_int_equal(root, 35);
    gameplay_sync(world, 0, world->count);
    assert_true(world->bound_radius[36] > 0);
    struct vec3 at = matrix_place(&world->matrix[35], (struct vec3){0, 0, 0});
    assert_true(at.x == 1 && at.y == 2 && at.z == 3);
    assert_int_equal(world->alive, count - 5);
    free_scene(scene);
}

/* ---- culling ---- */

/* By the definition, in doubles: -1 outside, 1 inside, 0 too near to a plane to tell. */
static int naive_inside(const struct world *world, const struct frustum *frustum, uint32_t i) {
    double least = 1;
    for (int p = 0; p < 6; p++) {
        double distance = (double)world->bound_x[i] * (double)frustum->x[p] +
                          (double)world->bound_y[i] * (double)frustum->y[p] +
                          (double)world->bound_z[i] * (double)frustum->z[p] + (double)frustum->d[p] +
                          (double)world->bound_radius[i];
        least = distance < least ? distance : least;
    }
    return least > 1e-3 ? 1 : least < -1e-3 ? -1 : 0;
}

static void test_culling(void **state) {
    (void)state;
    struct scene *scene = make_scene(500);
    struct world *world = &scene->world;
    gameplay_sync(world, 0, world->count);
    uint32_t *scalar = calloc(world->count + 1, sizeof *scalar),
             *simd = calloc(world->count + 1, sizeof *simd);
    struct gpu *gpu = gpu_start(world->count); /* NULL in many a place where tests run */
    uint32_t all = 0;
    for (int view = 0; view < 40; view++) {
        float angle = (float)view * 0.37F;
        struct camera camera = {{10, 5, -3}, {10 + cosf(angle), 4.9F, -3 + sinf(angle)}, 0.9F, 1.5F, 1, 150};
        struct frustum frustum = frustum_of(&camera);
        uint32_t first = (uint32_t)view % 9; /* the number is seldom a multiple of eight */
        uint32_t count = cull_scalar(world, &frustum, first, world->count - first, scalar);
        all += count;
        for (uint32_t i = first, at = 0; i < world->count - first; i++) {
            int seen = at < count && scalar[at] == i;
            at += (uint32_t)seen;
            int inside = naive_inside(world, &frustum, i);
            assert_true(inside == 0 || inside == (seen ? 1 : -1));
        }
        if (cull_simd() != NULL) {
            assert_int_equal(cull_simd()(world, &frustum, first, world->count - first, simd), count);
            assert_memory_equal(simd, scalar, count * sizeof *scalar);
        }
        count = cull_scalar(world, &frustum, 0, world->count, scalar);
        if (gpu != NULL) {
            assert_int_equal(gpu_cull(gpu, world, &frustum), count);
            for (uint32_t i = 0, at = 0; i < world->count; i++) {
                int seen = at < count && scalar[at] == i;
                at += (uint32_t)seen;
                assert_int_equal(gpu_saw(gpu, i), seen);
            }
        }
    }
    assert_in_range(all, 1000, 40 * world->count / 2); /* some of each */
    gpu_stop(gpu);
    free(scalar);
    free(simd);
    free_scene(scene);
}

/* ---- frames of a whole engine ---- */

static void run_frames(struct engine *engine, unsigned frames) {
    uint64_t elapsed_ns;
    for (unsigned i = 0; i < frames; i++)
        engine_frame(engine, &elapsed_ns);
}

/* What the camera sees is extracted, each entity once, those of one batch in one piece. */
static void expect_instances(const struct engine *engine) {
    const struct renderer *renderer = engine->renderer;
    const struct world *world = &engine->world;
    uint32_t *seen = calloc(world->count, sizeof *seen), batches = 0;
    uint32_t count = cull_scalar(world, &renderer->frustum, 0, world->count, seen);
    bool *extracted = calloc(world->count, sizeof *extracted);
    assert_int_equal(renderer->instances_count, count);
    for (uint32_t i = 0; i < count; i++) {
        const struct instance *instance = &renderer->instances[i];
        assert_in_range(instance->entity, 0, world->count - 1);
        assert_false(extracted[instance->entity]);
        extracted[instance->entity] = true;
        assert_memory_equal(&instance->matrix, &world->matrix[instance->entity], sizeof instance->matrix);
        assert_int_equal(instance->batch,
                         (uint32_t)world->mesh[instance->entity] * LODS + world->lod[instance->entity]);
        assert_true(i == 0 || instance->batch >= instance[-1].batch);
        batches += i == 0 || instance->batch != instance[-1].batch;
    }
    for (uint32_t i = 0; i < count; i++)
        assert_true(extracted[seen[i]]);
    assert_int_equal(renderer->batches_count, batches);
    assert_in_range(batches, 4, 16);
    free(seen);
    free(extracted);
}

static void test_frames(void **state) {
    (void)state;
    static const struct plugin *const plugins[] = {&plugin_core, &plugin_content, &plugin_gameplay,
                                                   &plugin_render, NULL};
    struct engine_settings settings = {
        .prefabs = ENGINE_SOURCE "/perf_100k.prefabs", .entities_max = 900, .threads = 3};
    struct engine *engine = calloc(1, sizeof *engine);
    if (engine_start(engine, &settings, plugins) != 0)
        fail_msg("%s", engine->problem);
    struct placement placements[100];
    for (int i = 0; i < 100; i++)
        placements[i] = (struct placement){{(float)(i % 10) * 20 - 90, 0, (float)i * 5}, 0, 1};
    assert_int_equal(gameplay_spawn(engine, "windmill", placements, 100, NULL), 0);
    assert_int_equal(gameplay_spawn(engine, "tree", placements, 100, NULL), 0);
    assert_int_equal(gameplay_spawn(engine, "castle", placements, 1, NULL), -1);
    assert_int_equal(gameplay_spawn(engine, "tree", placements, 100, NULL), 0);
    assert_int_equal(gameplay_spawn(engine, "tree", placements, 100, NULL),
                     -1); /* there is no room for all */
    engine->renderer->camera = (struct camera){{0, 20, -10}, {0, 10, 100}, 1, 1, 1, 400};
    run_frames(engine, 1);
    expect_instances(engine);
    run_frames(engine, 2000);
    expect_instances(engine);
    expect_synced(&engine->world);
    uint32_t spinning = 0;
    for (uint32_t i = 0; i < engine->world.count;
         i++) { /* rotations are still rotations, and the right ones */
        const struct quat q = engine->world.turn[i];
        assert_true(fabsf(q.x * q.x + q.y * q.y + q.z * q.z + q.w * q.w - 1) < 2e-6F);
        if (!(engine->world.components[i] & COMPONENT_SPIN))
            continue;
        const double half = 2001 * 4.0 / 2 * 3.14159265358979 / 180;
        assert_true(fabs(fabs((double)q.w) - fabs(cos(half))) < 0.01);
        spinning++;
    }
    assert_int_equal(spinning, 100);
    assert_int_equal(engine->tally[0].spun + engine->tally[1].spun + engine->tally[2].spun +
                         engine->tally[3].spun + engine->tally[4].spun + engine->tally[5].spun,
                     2001 * 100);
    engine_stop(engine);
    free(engine);
}

/* ---- jobs ---- */

/* Each system says when it began and ended, on one counter. */
static atomic_uint clock_now, begun[4][8], ended[4][8], runs;

static void note(unsigned system, unsigned part) {
    begun[system][part] = ++clock_now;
    for (volatile int i = 0; i < 2000; i++) {
    }
    runs++;
    ended[system][part] = ++clock_now;
}

static void run_a(struct engine *engine, unsigned part) {
    (void)engine;
    note(0, part);
}
static void run_b(struct engine *engine, unsigned part) {
    (void)engine;
    note(1, part);
}
static void run_c(struct engine *engine, unsigned part) {
    (void)engine;
    note(2, part);
}
static void run_d(struct engine *engine, unsigned part) {
    (void)engine;
    note(3, part);
}

static void test_jobs(void **state) {
    (void)state;
    /* d comes after b and c, these after a; c says that it comes after somebody who is not there, too. */
    const struct system systems[] = {{"d", run_d, 3, {"b", "c"}},
                                     {"c", run_c, 8, {"nobody", "a"}},
                                     {"a", run_a, 5, {NULL}},
                                     {"b", run_b, 1, {"a"}}};
    const unsigned parts[] = {5, 1, 8, 3}, before[][2] = {{0, 1}, {0, 2}, {1, 3}, {2, 3}};
    for (unsigned threads = 1; threads <= 4; threads++) {
        struct schedule *schedule = schedule_start(NULL, threads);
        assert_non_null(schedule);
        for (int i = 0; i < 4; i++)
            assert_int_equal(schedule_add(schedule, &systems[i]), 0);
        assert_int_equal(schedule_add(schedule, &systems[0]), -1); /* twice */
        assert_null(schedule_link(schedule));
        for (unsigned frame = 0; frame < 50; frame++) {
            runs = 0;
            schedule_run(schedule);
            assert_int_equal(runs, 5 + 1 + 8 + 3);
            for (int i = 0; i < 4; i++)
                for (unsigned x = 0; x < parts[before[i][0]]; x++)
                    for (unsigned y = 0; y < parts[before[i][1]]; y++)
                        assert_true(ended[before[i][0]][x] < begun[before[i][1]][y]);
        }
        schedule_stop(schedule);
    }
}

static void test_ring_of_jobs(void **state) {
    (void)state;
    const struct system systems[] = {
        {"a", run_a, 1, {"c"}}, {"b", run_b, 1, {"a"}}, {"c", run_c, 1, {"b"}}, {"d", run_d, 1, {NULL}}};
    struct schedule *schedule = schedule_start(NULL, 2);
    for (int i = 0; i < 4; i++)
        assert_int_equal(schedule_add(schedule, &systems[i]), 0);
    assert_string_equal(schedule_link(schedule), "a");
    schedule_stop(schedule);
}

/* ---- pools ---- */

static void test_pools(void **state) {
    (void)state;
    struct pool pool;
    assert_int_equal(pool_reserve(&pool, "test", 1000), 0);
    uint8_t *first = pool_take(&pool, 1), *second = pool_take(&pool, 64);
    assert_int_equal(second - first, 64);
    assert_null(pool_take(&pool, pool.capacity));
    assert_null(pool_take(&pool, SIZE_MAX));
    assert_int_equal(pool.used, 128);
    pool_reset(&pool);
    struct slots slots = {.pool = &pool, .slot_bytes = 100};
    void *a = slots_take(&slots), *b = slots_take(&slots);
    assert_ptr_equal(a, first);
    slots_give(&slots, a);
    assert_ptr_equal(slots_take(&slots), a);
    slots_give(&slots, b);
    slots_give(&slots, a);
    assert_int_equal(slots.in_use, 0);
    assert_int_equal(pool.used, 256);
    pool_release(&pool);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bad_prefabs),  cmocka_unit_test(test_cut_prefabs),
        cmocka_unit_test(test_hierarchy),    cmocka_unit_test(test_despawn),
        cmocka_unit_test(test_culling),      cmocka_unit_test(test_jobs),
        cmocka_unit_test(test_ring_of_jobs), cmocka_unit_test(test_pools),
        cmocka_unit_test(test_frames),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
