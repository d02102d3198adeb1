/* The analysis with little memory: what it says it does not know, and that all else is right. */
#include "../../analysis/cache.h"
#include "../../analysis/collect.h"
#include "../../analysis/slowest.h"
#include "fixed_keys.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const struct perftrace_site_info site = {.id = 1, .kind = 1, .name = {"ask", 3}};
static const struct perftrace_track_info track = {.id = 1, .kind = PERFTRACE_ON_THREAD};
static const struct perftrace_argument_info argument = {.name = {"id", 2}, .type = PERFTRACE_TYPE_UNSIGNED};

static uint64_t fed;

static void feed(struct analysis *analysis, uint64_t id, uint64_t elapsed_ns) {
    const struct perftrace_value value = {.argument = &argument, .type = PERFTRACE_TYPE_UNSIGNED, .u = id};
    const struct perftrace_call call = {
        .number = ++fed,
        .site = &site,
        .caller = {id % 2 == 0 ? "even" : "odd", id % 2 == 0 ? 4 : 3},
        .track = &track,
        .elapsed_ns = elapsed_ns,
        .parameter_count = 1,
        .parameters = &value,
    };
    const struct perftrace_item item = {
        .kind = PERFTRACE_ITEM_SPAN_END, .site = &site, .track = &track, .call = &call};
    assert_int_equal(analysis_item(analysis, &item), 0);
}

static struct analysis *open_analysis(size_t memory_max) {
    struct analysis *analysis =
        analysis_open(&(struct analysis_options){.slowest_max = 3, .memory_max = memory_max});
    assert_non_null(analysis);
    assert_int_equal(analysis_begin_input(analysis, "test"), 0);
    fed = 0;
    return analysis;
}

/* Calls that are in signatures; none may have more than it had. */
static uint64_t kept_calls(const struct analysis *analysis) {
    uint64_t calls = 0;
    for (uint32_t i = 0; i < analysis->signature_count; i++)
        calls += analysis->signatures[i].calls;
    return calls;
}

static uint64_t calls_of(const struct analysis *analysis, const char *parameters) {
    for (uint32_t i = 0; i < analysis->question_count; i++)
        if (strcmp(analysis->questions[i].parameters.bytes, parameters) == 0)
            return analysis->questions[i].calls;
    return 0;
}

static void finish(struct analysis *analysis, uint64_t calls_lost) {
    const struct perftrace_trace_info info = {.finished = true};
    assert_int_equal(analysis_end_input(analysis, &info, 1), 0);
    assert_int_equal(analysis_finish(analysis), 0);
    struct perftrace_buffer text = {0};
    char expected[40];
    analysis_approximations(analysis, &text);
    perftrace_buffer_add(&text, "", 1);
    snprintf(expected, sizeof expected, "%llu call", (unsigned long long)calls_lost);
    if (calls_lost == 0)
        assert_string_equal(text.bytes, "");
    else
        assert_memory_equal(text.bytes, expected, strlen(expected));
    assert_int_equal(analysis->calls, fed);
    assert_int_equal(analysis->functions[0].calls, fed);
    assert_int_equal(analysis->edges[0].calls + analysis->edges[1].calls, fed);
    assert_int_equal(kept_calls(analysis), fed - calls_lost);
    free(text.bytes);
}

static void all_is_exact_while_there_is_room(void **state) {
    (void)state;
    struct analysis *analysis = open_analysis((size_t)64 << 20);
    for (uint64_t i = 0; i < 20000; i++)
        feed(analysis, i % 10000, 10);
    finish(analysis, 0);
    assert_int_equal(analysis->question_count, 10000);
    analysis_close(analysis);
}

/* Half of the calls ask what nobody asks again; of the rest, some questions come first when the memory is gone. */
static void what_is_repeated_is_kept(void **state) {
    (void)state;
    enum { CALLS = 400000, OFTEN = 50 };
    const size_t memory_max = (size_t)2 << 20;
    struct analysis *analysis = open_analysis(memory_max);
    for (uint64_t i = 0; i < CALLS; i++) {
        feed(analysis, 1000000 + i, 10 + i % 7);
        feed(analysis, i < CALLS / 2 ? i % OFTEN : 500 + i % OFTEN, 10);
    }
    feed(analysis, 77777777, 1000000); /* the slowest, at the very end */
    assert_true(analysis->budget.used <= memory_max);
    finish(analysis, fed - kept_calls(analysis));
    assert_true(analysis->question_count < CALLS / 10);
    const struct analysis_slowest *slowest = analysis_slowest(analysis);
    assert_int_equal(slowest->calls[0].id.number, fed);
    assert_string_equal(
        analysis->questions[analysis->signatures[slowest->calls[0].signature].question].parameters.bytes,
        "|id=77777777");
    for (uint64_t i = 0; i < OFTEN; i++) {
        char parameters[32];
        snprintf(parameters, sizeof parameters, "|id=%llu", (unsigned long long)i);
        assert_int_equal(calls_of(analysis, parameters), CALLS / 2 / OFTEN);
        snprintf(parameters, sizeof parameters, "|id=%llu", (unsigned long long)(500 + i));
        uint64_t calls = calls_of(analysis, parameters);
        assert_true(calls > CALLS / 2 / OFTEN / 2 && calls < CALLS / 2 / OFTEN);
    }
    analysis_close(analysis);
}

static struct analysis_cache_point at_size(const struct analysis_cache_function *function, double size) {
    struct analysis_cache_point point = {0}, last = {0};
    while (analysis_cache_step(function, &point) && (double)point.size <= size)
        last = point;
    return last;
}

/* Every third call asks one of some keys, the others what nobody asks again; at half of the calls the keys become others, which come
 * when there is no memory to keep them. Numbers of the calls are small enough that all of `late` come after that. */
static struct analysis *ask_of_caches(size_t memory_max, uint64_t calls, uint64_t keys, uint64_t late) {
    struct analysis *analysis = open_analysis(memory_max);
    uint64_t random = 1;
    for (uint64_t i = 0; i < calls; i++) {
        random = random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        uint64_t key = (random >> 33) % keys + (i >= calls - late ? keys : 0);
        feed(analysis, i % 3 == 0 ? key : 1000000 + i, 1000000 + key % 50);
    }
    const struct perftrace_trace_info info = {.finished = true};
    assert_int_equal(analysis_end_input(analysis, &info, 1), 0);
    assert_int_equal(analysis_finish(analysis), 0);
    return analysis;
}

/* Calls whose parameters are not kept are part of what caches would do: all figures are as near to the exact ones as is said. */
static void caches_are_of_all_calls(void **state) {
    (void)state;
    enum { CALLS = 200000, KEYS = 1000 };
    static const size_t memories[] = {(size_t)1 << 21, (size_t)1 << 23};
    for (unsigned i = 0; i < 4; i++) {
        uint64_t late = i % 2 == 0 ? 0 : CALLS / 2;
        struct analysis *exact = ask_of_caches(0, CALLS, KEYS, late),
                        *sampled = ask_of_caches(memories[i / 2], CALLS, KEYS, late);
        const struct analysis_cache *is = analysis_cache(exact), *cache = analysis_cache(sampled);
        assert_true(kept_calls(sampled) < CALLS * 3 / 4 && kept_calls(exact) == CALLS);
        assert_true(is->count == 1 && is->sampled_one_in == 1 && cache->count == 1);
        const struct analysis_cache_function *right = is->functions, *about = cache->functions;
        assert_int_equal(about->calls, CALLS);
        assert_int_equal(about->total_ns, right->total_ns);
        assert_true(cache->hits_off < 0.12 && cache->entries_off < 0.2);
        /* What is said are two standard deviations; a figure that is beyond three is wrong. */
        double few = 1.5 * cache->hits_off * CALLS + CALLS / 500, wide = 1 + 1.5 * cache->entries_off;
        assert_true(fabs((double)about->all.hits - (double)right->all.hits) <= few);
        assert_true(fabs((double)about->questions - (double)right->questions) <= few);
        assert_true(fabs((double)about->all.saved_ns / (double)right->all.saved_ns - 1) <=
                    few / (double)right->all.hits);
        for (uint64_t size = cache->exact_from; size < right->questions; size += size / 4 + 1) {
            double hits = (double)at_size(about, (double)size).hits;
            assert_true(hits <= (double)at_size(right, (double)size * wide).hits + few);
            assert_true(hits >= (double)at_size(right, (double)size / wide).hits - few);
        }
        analysis_close(exact);
        analysis_close(sampled);
    }
}

/* Whatever the budget: nothing fails, the sums are right, and it is kept to. */
static void any_budget_is_kept_to(void **state) {
    (void)state;
    for (size_t memory_max = 1; memory_max < (size_t)1 << 20; memory_max = memory_max * 3 + 1) {
        struct analysis *analysis = open_analysis(memory_max);
        for (uint64_t i = 0; i < 30000; i++)
            feed(analysis, i % 3 == 0 ? i : i % 100, i);
        assert_true(analysis->budget.used <= memory_max);
        assert_int_equal(analysis_finish(analysis), 0);
        uint64_t edges = 0;
        for (uint32_t i = 0; i < analysis->edge_count; i++)
            edges += analysis->edges[i].calls;
        assert_int_equal(analysis->functions[0].calls, fed);
        assert_true(edges == fed || memory_max < 4096);
        assert_true(kept_calls(analysis) <= fed);
        assert_int_equal(analysis_slowest(analysis)->calls[0].elapsed_ns, 29999);
        analysis_close(analysis);
    }
}

/* Calls that take longer and longer are known by their signatures even where there is no memory for who called whom. */
static void slow_calls_without_an_edge(void **state) {
    (void)state;
    char path[] = "/tmp/perftrace-test-XXXXXX";
    int fd = mkstemp(path);
    FILE *log = fd >= 0 ? fdopen(fd, "w") : NULL;
    assert_non_null(log);
    for (unsigned i = 1; i <= 4000; i++)
        fprintf(log, "PERF_TRACE|%u|f%u|caller=g%u|id=%u|elapsed_ms=%u\n", i, i % 300, i % 700, i % 20, i);
    assert_int_equal(fclose(log), 0);
    struct analysis *analysis = open_analysis((size_t)1 << 15);
    struct perftrace_reader *reader = perftrace_reader_open(path, NULL, NULL);
    assert_non_null(reader);
    struct perftrace_call *calls;
    for (size_t count; (count = perftrace_reader_calls(reader, &calls)) > 0;)
        assert_int_equal(analysis_calls(analysis, reader, calls, count), 0);
    const struct perftrace_trace_info info = {.finished = true};
    assert_int_equal(analysis_end_input(analysis, &info, 1), 0);
    assert_int_equal(analysis_finish(analysis), 0);
    assert_int_equal(analysis->calls, 4000);
    assert_true(analysis->edge_count < 700); /* of 2100 */
    const struct analysis_slowest *slowest = analysis_slowest(analysis);
    assert_int_equal(slowest->calls[0].elapsed_ns, UINT64_C(4000) * 1000000);
    const struct analysis_signature *signature = &analysis->signatures[slowest->calls[0].signature];
    assert_int_equal(signature->edge, INTERN_NONE);
    assert_string_equal(analysis->questions[signature->question].parameters.bytes, "|id=0");
    perftrace_reader_close(reader);
    analysis_close(analysis);
    remove(path);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_is_exact_while_there_is_room), cmocka_unit_test(what_is_repeated_is_kept),
        cmocka_unit_test(caches_are_of_all_calls),          cmocka_unit_test(any_budget_is_kept_to),
        cmocka_unit_test(slow_calls_without_an_edge),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
