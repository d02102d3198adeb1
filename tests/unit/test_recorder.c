/* The recording API, end to end: each macro and function is used in a process of its own, and what it left
 * behind is read back with the reading API. */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#define PERF_TRACE 1
#define PERF_TARGET "recorder_test"
#include "perftrace.h"
#include "recorded.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

enum color { RED, GREEN = 7 };
struct packed {
    unsigned three : 3;
    int five : 5;
};

static void start_quietly(void) {
    struct perftrace_config config = PERFTRACE_CONFIG_DEFAULT;
    config.chrome_output = false;
    if (perftrace_init(&config) != 0)
        _exit(98);
}

/* ---- values ---- */

static void record_values(void *argument) {
    (void)argument;
    start_quietly();
    struct packed packed = {5, -3};
    char array[] = "array", long_text[700];
    memset(long_text, 'x', sizeof long_text - 1);
    long_text[sizeof long_text - 1] = '\0';
    const char *null_text = NULL;
    PERF_SPAN("numbers", "int", -5, "unsigned", 4000000000u, "double", 2.5, "float", 0.5f, "bool", (bool)true,
              "enum", GREEN, "bits", packed.three, "signed_bits", packed.five, "pointer", (void *)16, "i64",
              INT64_MIN, "char", (char)'a', "u64", UINT64_MAX);
    PERF_METRIC("rows", 3, "share", 0.25);
    PERF_METRIC("later", "text");
    {
        PERF_SPAN("texts", "literal", "lit", "array", array, "long", long_text, "null", null_text, "empty",
                  "");
    }
    for (int length = 0; length < 40; length++) {
        PERF_SPAN("length", "text", long_text + sizeof long_text - 1 - length);
    }
}

static void test_values(void **state) {
    (void)state;
    assert_int_equal(run_scenario(record_values, NULL), 0);
    struct recorded trace = read_recorded(NULL);
    const struct recorded_item *span = find_item(&trace, PERFTRACE_ITEM_SPAN_END, "numbers", 0);
    assert_non_null(span);
    assert_string_equal(span->target, "recorder_test");
    assert_int_equal(span->level, PERF_INFO);
    assert_int_equal(span->parameter_count, 12);
    /* an enumerator is an int, and a bit-field is promoted to one where that holds all its values */
    const int64_t integers[12] = {-5, 4000000000, 0, 0, 1, 7, 5, -3, 16, INT64_MIN, 'a', -1};
    const uint8_t types[12] = {1, 2, 3, 3, 4, 1, 1, 1, 6, 1, 1, 2};
    for (int i = 0; i < 12; i++) {
        assert_int_equal(span->parameters[i].type, types[i]);
        if (types[i] != PERFTRACE_TYPE_DOUBLE)
            assert_int_equal(span->parameters[i].i, integers[i]);
    }
    assert_true(span->parameters[2].d == 2.5 && span->parameters[3].d == 0.5);
    assert_string_equal(span->parameters[7].key, "signed_bits");
    assert_int_equal(span->metric_count, 3);
    assert_string_equal(span->metrics[0].key, "rows");
    assert_true(span->metrics[1].d == 0.25);
    assert_string_equal(span->metrics[2].text, "text");
    const struct recorded_item *texts = find_item(&trace, PERFTRACE_ITEM_SPAN_END, "texts", 0);
    assert_string_equal(texts->caller, "numbers");
    assert_string_equal(texts->parameters[0].text, "lit");
    assert_string_equal(texts->parameters[1].text, "array");
    assert_int_equal(texts->parameters[2].length, 512);
    assert_true(texts->parameters[2].cut && !texts->parameters[1].cut);
    assert_true(texts->parameters[3].null);
    assert_int_equal(texts->parameters[4].length, 0);
    for (size_t length = 0; length < 40; length++) {
        const struct recorded_item *item = find_item(&trace, PERFTRACE_ITEM_SPAN_END, "length", length);
        assert_int_equal(item->parameters[0].length, length);
        assert_int_equal(strspn(item->parameters[0].text, "x"), length);
    }
    free_recorded(&trace);
}

/* ---- every kind of record ---- */

static int answer(void) {
    return 42;
}

static void record_kinds(void *argument) {
    (void)argument;
    start_quietly();
    perftrace_thread_name("the main thread");
    PERF_EVENT("started", "entities", 1000);
    PERF_EVENT_LEVEL(PERF_DEBUG, "detail");
    PERF_COUNTER("alive", 17);
    PERF_COUNTER("ratio", 0.5);
    for (int i = 0; i < 3; i++)
        PERF_FRAME();
    PERF_FRAME_NAMED("physics");
    if (PERF_TIME("timed", answer()) != 42)
        _exit(97);
    PERF_TIME("timed_void", (void)answer());
    PERF_BLOCK("block", "n", 1) {
        PERF_METRIC("inside", 2);
    }
    { PERF_SPAN_LEVEL(PERF_DEBUG, "debug_span"); }
    for (int i = 0; i < 4; i++) {
        PERF_SPAN_DYNAMIC(i % 2 == 0 ? "even" : "odd", "i", i);
    }
    struct perftrace_handle first = PERF_SPAN_BEGIN("load", "file", "a");
    struct perftrace_handle second = PERF_SPAN_BEGIN("load", "file", "b");
    PERF_SPAN_END(first, "bytes", 10);
    PERF_SPAN_END(second);
    PERF_ASYNC_BEGIN("request", 7, "method", "GET");
    PERF_ASYNC_END("request", 7, "status", 200);
    PERF_FLOW_BEGIN("job", 5);
    PERF_FLOW_STEP("job", 5);
    PERF_FLOW_END("job", 5);
    PERF_ALLOC("pool", (void *)0x1000, 64);
    PERF_FREE("pool", (void *)0x1000);
    uint32_t gpu = perftrace_track_create(PERFTRACE_TRACK_KIND_GPU, "queue 0");
    uint64_t now = perftrace_now_ns();
    PERF_TRACK_SPAN(gpu, "dispatch", now, now + 500, "groups", 8);
    PERF_TRACK_EVENT(gpu, "fence", now + 100);
    PERF_TRACK_COUNTER(gpu, "occupancy", now + 200, 0.75);
}

static void test_kinds(void **state) {
    (void)state;
    assert_int_equal(run_scenario(record_kinds, NULL), 0);
    struct recorded trace = read_recorded(NULL);
    assert_true(trace.info.native && trace.info.finished && trace.info.crash_safe && !trace.info.live);
    assert_int_equal(trace.lost, 0);
    const struct recorded_item *event = find_item(&trace, PERFTRACE_ITEM_EVENT, "started", 0);
    assert_string_equal(event->thread, "the main thread");
    assert_int_equal(event->parameters[0].i, 1000);
    assert_int_equal(find_item(&trace, PERFTRACE_ITEM_EVENT, "detail", 0)->level, PERF_DEBUG);
    assert_int_equal(find_item(&trace, PERFTRACE_ITEM_COUNTER, "alive", 0)->parameters[0].i, 17);
    assert_true(find_item(&trace, PERFTRACE_ITEM_COUNTER, "ratio", 0)->parameters[0].d == 0.5);
    assert_int_equal(count_items(&trace, PERFTRACE_ITEM_FRAME, "frame"), 3);
    assert_int_equal(count_items(&trace, PERFTRACE_ITEM_FRAME, "physics"), 1);
    assert_int_equal(count_items(&trace, PERFTRACE_ITEM_SPAN_END, "timed"), 1);
    assert_int_equal(count_items(&trace, PERFTRACE_ITEM_SPAN_END, "timed_void"), 1);
    const struct recorded_item *block = find_item(&trace, PERFTRACE_ITEM_SPAN_END, "block", 0);
    assert_int_equal(block->parameters[0].i, 1);
    assert_int_equal(block->metrics[0].i, 2);
    assert_int_equal(find_item(&trace, PERFTRACE_ITEM_SPAN_END, "debug_span", 0)->level, PERF_DEBUG);
    assert_int_equal(count_items(&trace, PERFTRACE_ITEM_SPAN_END, "even"), 2);
    assert_int_equal(find_item(&trace, PERFTRACE_ITEM_SPAN_END, "odd", 1)->parameters[0].i, 3);
    const struct recorded_item *first = find_item(&trace, PERFTRACE_ITEM_ASYNC_END, "load", 0);
    assert_string_equal(first->parameters[0].text, "a");
    assert_int_equal(first->metrics[0].i, 10);
    assert_string_equal(find_item(&trace, PERFTRACE_ITEM_ASYNC_END, "load", 1)->parameters[0].text, "b");
    const struct recorded_item *request = find_item(&trace, PERFTRACE_ITEM_ASYNC_END, "request", 0);
    assert_int_equal(request->id, 7);
    assert_int_equal(request->metrics[0].i, 200);
    assert_int_equal(find_item(&trace, PERFTRACE_ITEM_FLOW_STEP, "job", 0)->id, 5);
    assert_non_null(find_item(&trace, PERFTRACE_ITEM_FLOW_BEGIN, "job", 0));
    assert_non_null(find_item(&trace, PERFTRACE_ITEM_FLOW_END, "job", 0));
    assert_int_equal(find_item(&trace, PERFTRACE_ITEM_ALLOCATE, "pool", 0)->bytes, 64);
    assert_int_equal(find_item(&trace, PERFTRACE_ITEM_FREE, "pool", 0)->id, 0x1000);
    const struct recorded_item *dispatch = find_item(&trace, PERFTRACE_ITEM_SPAN_END, "dispatch", 0);
    assert_string_equal(dispatch->thread, "queue 0");
    assert_int_equal(dispatch->elapsed_ns, 500);
    assert_int_equal(dispatch->parameters[0].i, 8);
    assert_non_null(find_item(&trace, PERFTRACE_ITEM_EVENT, "fence", 0));
    assert_non_null(find_item(&trace, PERFTRACE_ITEM_COUNTER, "occupancy", 0));
    free_recorded(&trace);
}

/* ---- spans that are left in unusual ways ---- */

static jmp_buf jump;

static void dive(int depth) {
    PERF_SPAN("dive", "depth", depth);
    if (depth == 3)
        longjmp(jump, 1);
    if (depth < 10)
        dive(depth + 1);
}

static void dive_and_come_back(void) {
    if (setjmp(jump) == 0)
        dive(0);
}

static int leaves_early(int how) {
    PERF_SPAN("leaves_early", "how", how);
    for (;;) {
        PERF_SPAN("loop");
        if (how == 0)
            return 1;
        if (how == 1)
            break;
        if (how == 2)
            goto out;
        how--;
    }
out:
    return 0;
}

static void record_jumps(void *argument) {
    (void)argument;
    start_quietly();
    for (int how = 0; how < 4; how++)
        leaves_early(how);
    for (int i = 0; i < 300; i++) {
        PERF_SPAN("catches");
        dive_and_come_back();
    }
    PERF_SPAN("afterwards");
}

static void test_jumps(void **state) {
    (void)state;
    assert_int_equal(run_scenario(record_jumps, NULL), 0);
    struct recorded trace = read_recorded(NULL);
    assert_int_equal(count_items(&trace, PERFTRACE_ITEM_SPAN_END, "leaves_early"), 4);
    assert_int_equal(count_items(&trace, PERFTRACE_ITEM_SPAN_END, "loop"), 5);
    assert_int_equal(count_items(&trace, PERFTRACE_ITEM_SPAN_END, "catches"), 300);
    for (size_t i = 0; i < 300; i++) {
        const struct recorded_item *catches = find_item(&trace, PERFTRACE_ITEM_SPAN_END, "catches", i);
        assert_false(catches->unfinished);
        assert_int_equal(catches->depth, 0);
        const struct recorded_item *dive_item = find_item(&trace, PERFTRACE_ITEM_SPAN_END, "dive", 4 * i);
        assert_true(dive_item->unfinished);
        assert_int_equal(dive_item->depth, 4);
    }
    assert_int_equal(find_item(&trace, PERFTRACE_ITEM_SPAN_END, "afterwards", 0)->depth, 0);
    free_recorded(&trace);
}

static void recurse(int depth) {
    PERF_SPAN("recurse");
    if (depth > 0)
        recurse(depth - 1);
}

static void record_deep(void *argument) {
    (void)argument;
    start_quietly();
    recurse(5000); /* the depth in a record counts modulo 256 */
}

static void test_deep(void **state) {
    (void)state;
    assert_int_equal(run_scenario(record_deep, NULL), 0);
    struct recorded trace = read_recorded(NULL);
    assert_int_equal(count_items(&trace, PERFTRACE_ITEM_SPAN_END, "recurse"), 5001);
    for (size_t i = 0; i < 5001; i++)
        assert_int_equal(find_item(&trace, PERFTRACE_ITEM_SPAN_END, "recurse", i)->depth, 5000 - i);
    free_recorded(&trace);
}

/* ---- threads ---- */

static void *work(void *argument) {
    for (int i = 0; i < 1000; i++) {
        PERF_SPAN("work", "i", i, "who", (char *)argument);
        PERF_METRIC("square", i * i);
        PERF_SPAN_END(PERF_SPAN_BEGIN("async"));
    }
    return NULL;
}

static void record_threads(void *argument) {
    (void)argument;
    struct perftrace_config config =
        PERFTRACE_CONFIG_DEFAULT; /* with a Chrome file: all of perftrace's threads */
    config.when_full = PERFTRACE_FULL_WAIT;
    if (perftrace_init(&config) != 0)
        _exit(98);
    char names[4][2] = {"a", "b", "c", "d"};
    pthread_t threads[4];
    for (int i = 0; i < 4; i++)
        pthread_create(&threads[i], NULL, work, names[i]);
    for (int i = 0; i < 20; i++) {
        struct perftrace_statistics statistics;
        perftrace_statistics(&statistics);
        perftrace_set_filter(i % 2 == 0 ? "recorder_test" : NULL);
        perftrace_flush();
    }
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
}

static void test_threads(void **state) {
    (void)state;
    assert_int_equal(run_scenario(record_threads, NULL), 0);
    struct recorded trace = read_recorded(NULL);
    int next[256] = {0};
    size_t seen = 0;
    for (size_t i = 0; i < trace.count; i++) {
        const struct recorded_item *item = &trace.items[i];
        if (item->kind != PERFTRACE_ITEM_SPAN_END)
            continue;
        assert_int_equal(item->parameters[0].i, next[(unsigned char)item->parameters[1].text[0]]++);
        assert_int_equal(item->metrics[0].i, item->parameters[0].i * item->parameters[0].i);
        seen++;
    }
    assert_int_equal(seen, 4000);
    assert_int_equal(count_items(&trace, PERFTRACE_ITEM_ASYNC_END, "async"), 4000);
    free_recorded(&trace);
}

/* ---- filters ---- */

static int evaluated;

static int count_evaluation(void) {
    return ++evaluated;
}

static void noisy(void) {
    PERF_SPAN_LEVEL(PERF_DEBUG, "noisy", "evaluated", count_evaluation());
    PERF_METRIC("m", count_evaluation());
}

static void record_filtered(void *argument) {
    (void)argument;
    setenv("PERF_TRACE_FILTER", "recorder_test=info", 1);
    noisy(); /* before init: nothing */
    start_quietly();
    PERF_SPAN("outer");
    noisy();
    if (evaluated != 0 || perftrace_set_filter("recorder_test=debug,no such=thing=at all") != 1)
        _exit(97);
    noisy();
    if (evaluated != 2)
        _exit(96);
    perftrace_set_filter("off");
    noisy();
}

static void test_filters(void **state) {
    (void)state;
    assert_int_equal(run_scenario(record_filtered, NULL), 0);
    struct recorded trace = read_recorded(NULL);
    assert_int_equal(count_items(&trace, PERFTRACE_ITEM_SPAN_END, "noisy"), 1);
    const struct recorded_item *outer = find_item(&trace, PERFTRACE_ITEM_SPAN_END, "outer", 0);
    assert_int_equal(outer->metric_count,
                     0);             /* noisy's metric is left out with it, not given to its caller */
    assert_false(outer->unfinished); /* it was on when it began */
    free_recorded(&trace);
}

/* ---- without memory ---- */

static void record_without_memory(void *argument) {
    (void)argument;
    start_quietly();
    { PERF_SPAN("before"); }
    setrlimit(RLIMIT_AS, &(struct rlimit){0, RLIM_INFINITY});
    errno = EDOM;
    for (int i = 0; i < 3; i++) {
        PERF_SPAN_DYNAMIC("dynamic");
    }
    int seen = errno;
    setrlimit(RLIMIT_AS, &(struct rlimit){RLIM_INFINITY, RLIM_INFINITY});
    struct perftrace_statistics statistics;
    perftrace_statistics(&statistics);
    if (seen != EDOM)
        _exit(97);
    if (statistics.lost[PERFTRACE_LOST_NO_SITE] != 3)
        _exit(96);
}

/* A name that there is no memory for: its spans are counted as lost, and errno is the program's. */
static void test_without_memory(void **state) {
    (void)state;
#if defined PERFTRACE_SANITIZED ||                                                                           \
    defined PERFTRACE_EMULATED /* they need memory of their own, or know no such limit */
    skip();
#endif
    assert_int_equal(run_scenario(record_without_memory, NULL), 0);
    struct recorded trace = read_recorded(NULL);
    assert_int_equal(count_items(&trace, PERFTRACE_ITEM_SPAN_END, NULL), 1);
    free_recorded(&trace);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_values),         cmocka_unit_test(test_kinds),   cmocka_unit_test(test_jumps),
        cmocka_unit_test(test_deep),           cmocka_unit_test(test_threads), cmocka_unit_test(test_filters),
        cmocka_unit_test(test_without_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
