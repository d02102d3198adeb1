/* What caches would give, held against caches that are simulated one by one, at random traces with writes and several threads. */
#include "../../analysis/cache.h"
#include "../../analysis/cache_rules.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static uint64_t random_state;
static uint32_t random_below(uint32_t end) { /* xorshift64*: a seed makes a trace, everywhere the same */
    random_state ^= random_state >> 12;
    random_state ^= random_state << 25;
    random_state ^= random_state >> 27;
    return (uint32_t)((random_state * UINT64_C(0x2545f4914f6cdd1d) >> 32) * end >> 32);
}

/* ---- the trace ------------------------------------------------------------------------------------------------------ */

enum { FUNCTIONS = 4, WRITER = 3, TRACKS = 3 };
static const char *const names[FUNCTIONS] = {"load_node", "query_records", "exists_node", "update_node"};

/* One call. The last function is the writer. */
struct event {
    uint32_t function, part, node, track;
    uint64_t elapsed_ns;
    bool root, with_node;
};

struct trace {
    struct event *events;
    uint32_t count;
};

struct shape {
    uint32_t calls, parts, nodes; /* how many, and of how many different parameters */
    uint32_t writes;              /* one call of so many, or 0 */
    uint32_t tracks, root;        /* one call of so many is the end of a root call */
    bool some_without_node;       /* of the writes */
};

/* Some parameters are asked for often, and some again after all others. */
static struct trace make_trace(const struct shape *shape, uint64_t seed) {
    random_state = seed * 2 + 1;
    struct trace trace = {malloc(shape->calls * sizeof *trace.events), shape->calls};
    assert_non_null(trace.events);
    uint32_t walk = 0;
    for (uint32_t i = 0; i < shape->calls; i++) {
        struct event *event = &trace.events[i];
        uint32_t kind = random_below(4), total = shape->parts * shape->nodes;
        uint32_t key = kind == 0   ? random_below(total)
                       : kind == 1 ? random_below(total / 8 + 1)
                                   : walk++ % total;
        if (kind == 3)
            key = i > 0 ? trace.events[i - 1].part * shape->nodes + trace.events[i - 1].node : 0;
        *event = (struct event){.function = random_below(WRITER),
                                .part = key / shape->nodes,
                                .node = key % shape->nodes,
                                .track = random_below(shape->tracks),
                                .elapsed_ns = random_below(1000000),
                                .root = random_below(shape->root) == 0,
                                .with_node = true};
        if (shape->writes != 0 && random_below(shape->writes) == 0) {
            event->function = WRITER;
            event->with_node = !shape->some_without_node || random_below(4) != 0;
        }
    }
    return trace;
}

static const struct perftrace_argument_info arguments[2] = {
    {.name = {"part_id", 7}, .type = PERFTRACE_TYPE_UNSIGNED},
    {.name = {"node_id", 7}, .type = PERFTRACE_TYPE_UNSIGNED}};
static const struct perftrace_track_info tracks[TRACKS] = {
    {.id = 0, .kind = PERFTRACE_ON_THREAD}, {.id = 1, .kind = PERFTRACE_ON_THREAD}, {.id = UINT32_MAX}};

static void feed(struct analysis *analysis, const struct event *event, uint64_t number) {
    static struct perftrace_site_info sites[FUNCTIONS];
    struct perftrace_site_info *site = &sites[event->function];
    *site = (struct perftrace_site_info){.id = event->function + 1, .kind = 1};
    site->name = (struct perftrace_text){names[event->function], strlen(names[event->function])};
    const struct perftrace_value values[2] = {
        {.argument = &arguments[0], .type = PERFTRACE_TYPE_UNSIGNED, .u = event->part},
        {.argument = &arguments[1], .type = PERFTRACE_TYPE_UNSIGNED, .u = event->node}};
    const struct perftrace_call call = {
        .number = number,
        .parent_number = event->root ? 0 : number + 1000000000,
        .site = site,
        .caller = {"unknown", 7},
        .track = &tracks[event->track],
        .elapsed_ns = event->elapsed_ns,
        .parameter_count = event->with_node ? 2 : 1,
        .parameters = values,
    };
    const struct perftrace_item item = {
        .kind = PERFTRACE_ITEM_SPAN_END, .site = site, .track = call.track, .call = &call};
    assert_int_equal(analysis_item(analysis, &item), 0);
}

static struct analysis *analyze(const struct trace *trace, const char *const *rules, size_t rule_count,
                                size_t memory_max) {
    struct analysis *analysis = analysis_open(
        &(struct analysis_options){.invalidations = {rules, rule_count}, .memory_max = memory_max});
    assert_non_null(analysis);
    assert_int_equal(analysis_begin_input(analysis, "test"), 0);
    for (uint32_t i = 0; i < trace->count; i++)
        feed(analysis, &trace->events[i], i + 1);
    const struct perftrace_trace_info info = {.native = true, .finished = true};
    assert_int_equal(analysis_end_input(analysis, &info, 1), 0);
    assert_int_equal(analysis_finish(analysis), 0);
    return analysis;
}

/* ---- one cache, simulated ------------------------------------------------------------------------------------------- */

/* What a rule does, said otherwise than by its text. */
struct meaning {
    bool part, node;
    int function; /* -1: all */
};

struct simulated {
    uint32_t *keys; /* part * 2^16 + node; used last first */
    uint32_t count, size;
    uint64_t hits, saved_ns, removed;
};

static void take_out(struct simulated *cache, uint32_t at) {
    memmove(cache->keys + at, cache->keys + at + 1, (cache->count - at - 1) * sizeof *cache->keys);
    cache->count--;
}

static void simulate_write(struct simulated *cache, const struct meaning *meaning,
                           const struct event *event) {
    bool all = meaning->node && !event->with_node; /* it does not say which */
    for (uint32_t at = cache->count; at-- > 0;)
        if (all || ((!meaning->part || cache->keys[at] >> 16 == event->part) &&
                    (!meaning->node || (cache->keys[at] & 0xffff) == event->node))) {
            take_out(cache, at);
            cache->removed++;
        }
}

static void simulate_call(struct simulated *cache, const struct event *event) {
    uint32_t key = event->part << 16 | event->node, at = 0;
    while (at < cache->count && cache->keys[at] != key)
        at++;
    if (at < cache->count) {
        cache->hits++;
        cache->saved_ns += event->elapsed_ns;
        take_out(cache, at);
    } else if (cache->count == cache->size) {
        cache->count--;
    }
    memmove(cache->keys + 1, cache->keys, cache->count * sizeof *cache->keys);
    cache->keys[0] = key;
    cache->count++;
}

static struct simulated simulate(const struct trace *trace, uint32_t function, uint32_t size,
                                 const struct meaning *meanings, size_t meaning_count) {
    struct simulated cache = {.keys = malloc(((size_t)size + 1) * sizeof *cache.keys), .size = size};
    assert_non_null(cache.keys);
    for (uint32_t i = 0; i < trace->count; i++) {
        const struct event *event = &trace->events[i];
        if (event->function == function)
            simulate_call(&cache, event);
        for (size_t rule = 0; rule < meaning_count && event->function == WRITER; rule++)
            if (meanings[rule].function < 0 || meanings[rule].function == (int)function)
                simulate_write(&cache, &meanings[rule], event);
    }
    free(cache.keys);
    return cache;
}

/* Unlimited caches, one for each track's root call. */
static struct simulated simulate_roots(const struct trace *trace, uint32_t function,
                                       const struct meaning *meanings, size_t meaning_count) {
    struct simulated caches[TRACKS] = {{0}}, sum = {0};
    for (uint32_t track = 0; track < TRACKS; track++)
        caches[track] =
            (struct simulated){.keys = malloc((trace->count + 1) * sizeof(uint32_t)), .size = UINT32_MAX};
    for (uint32_t i = 0; i < trace->count; i++) {
        const struct event *event = &trace->events[i];
        if (event->function == function)
            simulate_call(&caches[event->track], event);
        for (size_t rule = 0; rule < meaning_count && event->function == WRITER; rule++)
            for (uint32_t track = 0; track < TRACKS; track++)
                if (meanings[rule].function < 0 || meanings[rule].function == (int)function)
                    simulate_write(&caches[track], &meanings[rule], event);
        if (event->root)
            caches[event->track].count = 0;
    }
    for (uint32_t track = 0; track < TRACKS; track++) {
        sum.hits += caches[track].hits;
        sum.saved_ns += caches[track].saved_ns;
        free(caches[track].keys);
    }
    return sum;
}

/* ---- both ----------------------------------------------------------------------------------------------------------- */

static const struct analysis_cache_function *function_named(const struct analysis *analysis,
                                                            const char *name) {
    const struct analysis_cache *cache = analysis_cache(analysis);
    for (size_t i = 0; i < cache->count; i++)
        if (strcmp(analysis->functions[cache->functions[i].function].name.bytes, name) == 0)
            return &cache->functions[i];
    return NULL;
}

/* What the curve says of a size. */
static struct analysis_cache_point at_size(const struct analysis_cache_function *function, uint64_t size) {
    struct analysis_cache_point point = {0}, last = {0};
    while (analysis_cache_step(function, &point) && point.size <= size)
        last = point;
    return last;
}

static void assert_equal_at(const struct trace *trace, const struct analysis_cache_function *function,
                            uint32_t number, uint32_t size, const struct meaning *meanings, size_t count) {
    struct simulated expected = simulate(trace, number, size, meanings, count);
    struct analysis_cache_point point =
        function == NULL ? (struct analysis_cache_point){0} : at_size(function, size);
    if (point.hits != expected.hits || point.saved_ns != expected.saved_ns)
        print_message("%s, %u entries:\n", names[number], size);
    assert_int_equal(point.hits, expected.hits);
    assert_int_equal(point.saved_ns, expected.saved_ns);
}

/* What belongs together, whatever the trace. */
static void assert_in_order(const struct analysis_cache_function *function) {
    struct analysis_cache_point point = {0}, before = {0};
    bool seen_all = false, seen_most = false;
    while (analysis_cache_step(function, &point)) {
        assert_true(point.size > before.size && point.hits >= before.hits &&
                    point.saved_ns >= before.saved_ns);
        seen_all |= memcmp(&point, &function->all, sizeof point) == 0;
        if (point.size == function->most.size) {
            seen_most = true;
            assert_int_equal(point.saved_ns, function->most.saved_ns);
            assert_true(before.saved_ns < function->all.saved_ns - function->all.saved_ns / 10);
            assert_true(point.saved_ns >= function->all.saved_ns - function->all.saved_ns / 10);
        }
        before = point;
    }
    assert_true(seen_all && seen_most);
    assert_int_equal(before.hits, function->all.hits);
    assert_true(function->all.size <= function->questions);
    assert_true(function->all.hits <= function->calls - function->questions);
    assert_true(function->root_hits <= function->all.hits);
    uint64_t hottest_ns = 0;
    for (uint32_t i = 0; i < function->hottest_count; i++)
        hottest_ns += function->hottest[i].saved_ns;
    assert_true(hottest_ns <= function->all.saved_ns);
    assert_true(function->questions > ANALYSIS_CACHE_HOTTEST || hottest_ns == function->all.saved_ns);
}

static void check(const struct shape *shape, uint64_t seed, const char *const *rules,
                  const struct meaning *meanings, size_t count, const uint32_t *sizes, size_t size_count) {
    struct trace trace = make_trace(shape, seed);
    struct analysis *analysis = analyze(&trace, rules, count, 0);
    assert_int_equal(analysis_cache(analysis)->sampled_one_in, 1);
    for (uint32_t number = 0; number < WRITER; number++) {
        const struct analysis_cache_function *function = function_named(analysis, names[number]);
        for (size_t i = 0; i < size_count; i++)
            assert_equal_at(&trace, function, number, sizes[i], meanings, count);
        struct simulated roots = simulate_roots(&trace, number, meanings, count);
        if (function == NULL)
            continue;
        assert_int_equal(function->root_hits, roots.hits);
        assert_int_equal(function->root_saved_ns, roots.saved_ns);
        assert_in_order(function);
    }
    assert_true(count == 0 || function_named(analysis, names[WRITER]) == NULL);
    analysis_close(analysis);
    free(trace.events);
}

static const char *const rule_texts[] = {"update_node:part_id", "update_node:part_id,node_id->query_records",
                                         "update_node:node_id->exists_node", "update_node->load_node"};
static const struct meaning rule_meanings[] = {
    {.part = true, .function = -1}, {true, true, 1}, {.node = true, .function = 2}, {.function = 0}};

/* All sizes that can differ, and one more. */
static void small_traces(void **state) {
    (void)state;
    uint32_t sizes[66];
    for (uint32_t i = 0; i < 66; i++)
        sizes[i] = i + 1;
    for (uint64_t seed = 1; seed <= 20; seed++) {
        struct shape shape = {
            .calls = 1500, .parts = 8, .nodes = 8, .tracks = 1 + (uint32_t)seed % 3, .root = 30};
        check(&shape, seed, NULL, NULL, 0, sizes, 66);
        shape.writes = 4 + (uint32_t)seed * 3;
        shape.some_without_node = seed % 2 == 0;
        check(&shape, seed, rule_texts, rule_meanings, 1, sizes, 66);
        check(&shape, seed, rule_texts + 1, rule_meanings + 1, 2, sizes, 66);
        check(&shape, seed, rule_texts, rule_meanings, 4, sizes, 66);
    }
}

/* Stacks of several blocks, moved together many times. */
static void large_traces(void **state) {
    (void)state;
    static const uint32_t sizes[] = {1,   2,   3,    31,   64,   255,  511,  512,
                                     513, 700, 1023, 1025, 1500, 1999, 2000, 3000};
    struct shape shape = {.calls = 30000, .parts = 100, .nodes = 20, .tracks = 2, .root = 500};
    check(&shape, 77, NULL, NULL, 0, sizes, 16);
    shape.writes = 50;
    check(&shape, 78, rule_texts, rule_meanings, 1, sizes, 16);
    check(&shape, 79, rule_texts + 1, rule_meanings + 1, 2, sizes, 16);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(small_traces),
        cmocka_unit_test(large_traces),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
