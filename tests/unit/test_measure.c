/* Samples out of items, and what a stretch of time was spent on: runs made by hand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "../../analysis/explain.h"
#include "../../analysis/measure.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct perftrace_text text(const char *bytes) {
    return (struct perftrace_text){bytes, strlen(bytes)};
}

/* Sites by name, with numbers of their own. */
static const struct perftrace_site_info *site(const char *name) {
    static struct perftrace_site_info sites[16];
    static uint32_t count;
    for (uint32_t i = 0; i < count; i++)
        if (strcmp(sites[i].name.bytes, name) == 0)
            return &sites[i];
    sites[count] = (struct perftrace_site_info){
        .id = count + 1, .kind = 1, .line = 7, .name = text(name), .target = text(""), .file = text("a.c")};
    return &sites[count++];
}

static const struct perftrace_track_info main_track = {
    .id = 1, .kind = PERFTRACE_ON_THREAD, .name = {"main", 4}};
static const struct perftrace_track_info other_track = {
    .id = 2, .kind = PERFTRACE_ON_THREAD, .name = {"other", 5}};
static const struct perftrace_track_info gpu_track = {
    .id = 3, .kind = PERFTRACE_ON_GPU, .name = {"queue", 5}};

/* Who gets the items: one of both. */
static struct measure *measuring;
static struct explain *explaining;

static void give(struct perftrace_item item) {
    if (measuring != NULL)
        assert_int_equal(measure_item(measuring, &item), 0);
    if (explaining != NULL)
        assert_int_equal(explain_item(explaining, &item), 0);
}

static void begin(const char *name, uint64_t number, uint64_t start,
                  const struct perftrace_track_info *track) {
    struct perftrace_call call = {.number = number, .site = site(name), .track = track, .start_ns = start};
    give((struct perftrace_item){.kind = PERFTRACE_ITEM_SPAN_BEGIN,
                                 .time_ns = start,
                                 .site = call.site,
                                 .track = track,
                                 .call = &call});
}

static void end(const char *name, uint64_t number, uint64_t parent, uint64_t start, uint64_t finish,
                const struct perftrace_track_info *track) {
    static const struct perftrace_argument_info rows = {.name = {"rows", 4}, .metric = true};
    const struct perftrace_value metric = {
        .argument = &rows, .type = PERFTRACE_TYPE_UNSIGNED, .u = number * 10};
    struct perftrace_call call = {.number = number,
                                  .parent_number = parent,
                                  .site = site(name),
                                  .caller = text("unknown"),
                                  .track = track,
                                  .start_ns = start,
                                  .elapsed_ns = finish - start,
                                  .children_ns = (finish - start) / 4,
                                  .metric_count = 1,
                                  .metrics = &metric};
    give((struct perftrace_item){.kind = PERFTRACE_ITEM_SPAN_END,
                                 .time_ns = finish,
                                 .site = call.site,
                                 .track = track,
                                 .call = &call});
}

static void mark(uint64_t at) {
    give((struct perftrace_item){
        .kind = PERFTRACE_ITEM_FRAME, .time_ns = at, .site = site("tick"), .track = &main_track});
}

static void memory(enum perftrace_item_kind kind, uint64_t at, uint64_t address, uint64_t bytes) {
    give((struct perftrace_item){.kind = kind,
                                 .time_ns = at,
                                 .site = site("pool"),
                                 .track = &main_track,
                                 .id = address,
                                 .bytes = bytes});
}

/* The kept values, as one text. */
static const char *values(size_t promise) {
    static char line[512];
    const struct samples *samples = &measure_result(measuring, promise)->samples;
    line[0] = '\0';
    for (uint32_t i = 0; i < samples->kept_count; i++)
        snprintf(line + strlen(line), sizeof line - strlen(line), "%s%g", i > 0 ? " " : "",
                 samples->kept[i].value);
    return line;
}

/* Frames from 1000, 2000, 3000 to 4000; load within outer, query within load. */
static void a_run(void) {
    assert_int_equal(measure_begin_run(measuring), 0);
    end("query", 1, 0, 500, 600, &main_track); /* before the first frame */
    mark(1000);
    end("query", 4, 3, 1100, 1200, &main_track);
    end("query", 5, 3, 1300, 1400, &main_track);
    end("load", 3, 2, 1050, 1500, &main_track);
    mark(2000);
    end("query", 6, 2, 2100, 2300, &main_track);
    end("load", 7, 2, 2400, 2500, &main_track); /* nothing in it */
    end("outer", 2, 0, 1010, 2600, &main_track);
    mark(3000);
    end("query", 8, 0, 1900, 3100, &other_track); /* began in the first frame */
    end("query", 9, 0, 3500, 3600, &gpu_track);
    mark(4000);
    end("query", 10, 0, 4100, 4200, &main_track); /* its frame never ends */
    assert_int_equal(measure_end_run(measuring), 0);
}

static void samples_are_added_up_as_promised(void **state) {
    (void)state;
    static const struct promise promises[] = {
        {.name = "query", .scope = PROMISE_PER_CALL, .limit = 150},
        {.name = "query", .scope = PROMISE_PER_FRAME},
        {.name = "query", .scope = PROMISE_PER_FRAME, .measure = PROMISE_CALLS},
        {.name = "query", .scope = PROMISE_PER_SPAN, .scope_name = "load", .measure = PROMISE_CALLS},
        {.name = "query", .scope = PROMISE_PER_SPAN, .scope_name = "outer", .measure = PROMISE_CALLS},
        {.name = "query", .scope = PROMISE_PER_RUN},
        {.name = "query", .scope = PROMISE_PER_CALL, .measure = PROMISE_SELF, .warmup_samples = 5},
        {.name = "query", .scope = PROMISE_PER_CALL, .track = "gpu"},
        {.name = "query", .scope = PROMISE_PER_CALL, .track = "oth*"},
        {.name = "query",
         .scope = PROMISE_PER_CALL,
         .measure = PROMISE_METRIC,
         .metric = "rows",
         .warmup_ns = 3000},
        {.subject = PROMISE_FRAME},
        {.subject = PROMISE_FRAME, .name = "tock"},
        {.name = "querry", .scope = PROMISE_PER_CALL},
        {.name = "query", .scope = PROMISE_PER_FRAME, .scope_name = "tick", .warmup_samples = 1},
    };
    measuring = measure_open(promises, sizeof promises / sizeof *promises, 0);
    assert_non_null(measuring);
    a_run();
    assert_string_equal(values(0), "100 100 100 200 1200 100 100");
    assert_int_equal(measure_result(measuring, 0)->samples.passed, 2);
    assert_string_equal(values(1), "1400 200 100");
    assert_string_equal(values(2), "3 1 1");
    assert_string_equal(values(3), "2 0");
    assert_string_equal(values(4), "3");
    assert_string_equal(values(5), "1900");
    assert_string_equal(values(6), "75 75");
    assert_string_equal(values(7), "100");
    assert_string_equal(values(8), "1200");
    assert_string_equal(values(9), "90 100");
    assert_string_equal(values(10), "1000 1000 1000");
    assert_string_equal(values(11), "");
    assert_int_equal(measure_result(measuring, 12)->seen, 0);
    assert_string_equal(values(13), "200 100");
    const struct samples *calls = &measure_result(measuring, 0)->samples;
    assert_int_equal(calls->worst[0].number, 8);
    assert_int_equal(calls->worst[1].number, 6);
    assert_string_equal(measure_result(measuring, 0)->file, "a.c");
    a_run(); /* another run has frames and warm-up of its own */
    assert_string_equal(values(13), "200 100 200 100");
    assert_string_equal(values(6), "75 75 75 75");
    assert_int_equal(measure_result(measuring, 0)->samples.run_count, 2);
    measure_close(measuring);
    measuring = NULL;
}

static void memory_in_use(void **state) {
    (void)state;
    static const struct promise promises[] = {
        {.subject = PROMISE_MEMORY, .measure = PROMISE_VALUE, .name = "pool"}};
    measuring = measure_open(promises, 1, 0);
    assert_int_equal(measure_begin_run(measuring), 0);
    memory(PERFTRACE_ITEM_ALLOCATE, 10, 1, 100);
    memory(PERFTRACE_ITEM_ALLOCATE, 20, 2, 50);
    memory(PERFTRACE_ITEM_FREE, 30, 1, 0);
    memory(PERFTRACE_ITEM_FREE, 40, 9, 0);      /* was there before */
    memory(PERFTRACE_ITEM_ALLOCATE, 50, 2, 70); /* freed without anybody saying so */
    assert_int_equal(measure_end_run(measuring), 0);
    assert_string_equal(values(0), "100 150 50 50 70");
    measure_close(measuring);
    measuring = NULL;
}

static void many_samples_are_thinned_out(void **state) {
    (void)state;
    static const struct promise promise = {.name = "query", .limit = 10};
    struct samples samples = {0};
    enum { MANY = 200000 };
    assert_int_equal(samples_begin_run(&samples), 0);
    for (unsigned i = 0; i < MANY; i++) {
        struct sample sample = {.value = i == 77777 ? 1000 : i % 10, .number = i};
        assert_int_equal(samples_add(&samples, &promise, &sample), 0);
    }
    assert_int_equal(samples.count, MANY);
    assert_int_equal(samples.passed, 1);
    assert_true(samples.max >= 1000 && samples.kept_count <= SAMPLES_KEPT_MAX && samples.stride == 4);
    for (uint32_t i = 1; i < samples.kept_count; i++)
        assert_int_equal(samples.kept[i].number - samples.kept[i - 1].number, 4);
    samples_free(&samples);
}

/* So much of what promises are about that there is no memory for all of it. */
static void a_long_run(unsigned times) {
    assert_int_equal(measure_begin_run(measuring), 0);
    for (unsigned i = 0; i < times; i++) {
        uint64_t at = 1 + i * UINT64_C(1000000000);
        mark(at);
        memory(PERFTRACE_ITEM_ALLOCATE, at, i, 1);
        end("query", 2 * i + 1, 2 * i + 2, at, at + 10, &main_track); /* within one that does not end */
    }
    assert_int_equal(measure_end_run(measuring), 0);
}

static void what_there_is_no_memory_for_is_counted(void **state) {
    (void)state;
    enum { TIMES = 20000, BYTES = 256 << 10 };
    static const struct promise large[] = {
        {.name = "query", .scope = PROMISE_PER_SECOND, .measure = PROMISE_CALLS},
        {.name = "query", .scope = PROMISE_PER_FRAME, .measure = PROMISE_CALLS},
        {.name = "query", .scope = PROMISE_PER_SPAN, .scope_name = "load", .measure = PROMISE_CALLS},
        {.subject = PROMISE_FRAME},
        {.subject = PROMISE_MEMORY, .measure = PROMISE_VALUE, .name = "pool"},
    };
    for (size_t i = 0; i < sizeof large / sizeof *large; i++) {
        const struct promise promises[] = {large[i], {.name = "query", .scope = PROMISE_PER_RUN}};
        measuring = measure_open(promises, 2, BYTES);
        assert_non_null(measuring);
        a_long_run(TIMES);
        uint64_t lost = measure_result(measuring, 0)->lost;
        assert_true(lost > 1000 && lost < TIMES * 2);
        assert_int_equal(measure_result(measuring, 1)->lost, 0);
        assert_string_equal(values(1), "200000");
        a_long_run(TIMES); /* a run gives back what it took */
        assert_int_equal(measure_result(measuring, 0)->lost, 2 * lost);
        assert_string_equal(values(1), "200000 200000");
        measure_close(measuring);
        measuring = measure_open(promises, 2, 0);
        a_long_run(TIMES);
        assert_int_equal(measure_result(measuring, 0)->lost, 0);
        measure_close(measuring);
        measuring = NULL;
    }
}

/* Fewer of each promise, where there are many promises; what is counted is all of them. */
static void samples_share_the_memory(void **state) {
    (void)state;
    enum { PROMISES = 20, TIMES = 50000, BYTES = 2 << 20 };
    struct promise promises[PROMISES];
    for (unsigned i = 0; i < PROMISES; i++)
        promises[i] = (struct promise){.name = "query", .scope = PROMISE_PER_CALL};
    measuring = measure_open(promises, PROMISES, BYTES);
    assert_int_equal(measure_begin_run(measuring), 0);
    for (unsigned i = 0; i < TIMES; i++)
        end("query", i + 1, 0, i, i + 10, &main_track);
    assert_int_equal(measure_end_run(measuring), 0);
    size_t bytes = 0;
    for (unsigned i = 0; i < PROMISES; i++) {
        const struct samples *samples = &measure_result(measuring, i)->samples;
        assert_int_equal(samples->count, TIMES);
        assert_true(samples->kept_count >= 256);
        bytes += samples->kept_capacity * sizeof *samples->kept;
    }
    assert_true(bytes <= BYTES);
    measure_close(measuring);
    measuring = NULL;
}

/* Each nanosecond once: what is open innermost has it, or nobody. */
static void stretches_add_up(void **state) {
    (void)state;
    struct explain explain = {.stretches = calloc(2, sizeof(struct explain_stretch)), .count = 2};
    explain.stretches[0] = (struct explain_stretch){.track = 1, .start_ns = 2000, .end_ns = 3000};
    explain.stretches[1] = (struct explain_stretch){.track = 1, .start_ns = 1000, .end_ns = 1500};
    explaining = &explain;
    begin("outer", 1, 900, &main_track);
    begin("query", 2, 1100, &main_track);
    end("query", 2, 1, 1100, 1300, &main_track);
    end("outer", 1, 0, 900, 1400, &main_track);
    begin("outer", 3, 1900, &main_track);
    begin("query", 4, 2000, &main_track);
    begin("load", 5, 2100, &other_track);
    end("query", 4, 3, 2000, 2250, &main_track);
    begin("query", 6, 2300, &main_track);
    end("load", 5, 0, 2100, 2400, &other_track);
    end("query", 6, 3, 2300, 2800, &main_track);
    end("outer", 3, 0, 1900, 2900, &main_track);
    explain_end_input(&explain);
    explaining = NULL;
    size_t count;
    struct explain_difference *differences =
        explain_compare(&explain, &explain.stretches[0], &explain.stretches[1], false, &count);
    int64_t sum = 0;
    for (size_t i = 0; i < count; i++)
        sum += differences[i].ns;
    assert_int_equal(sum, 1000 - 500);
    assert_int_equal(count, 2); /* and `outer`, 150 instead of 200 */
    assert_string_equal(differences[0].name.bytes, "query");
    assert_int_equal(differences[0].ns, 750 - 200);
    assert_int_equal(differences[0].first.calls, 2);
    assert_int_equal(differences[0].second.calls, 1);
    free(differences);
    assert_int_equal(explain.stretches[0].gap_ns, 100);
    assert_int_equal(explain.stretches[1].gap_ns, 100);
    differences = explain_compare(&explain, &explain.stretches[0], &explain.stretches[1], true, &count);
    assert_int_equal(count, 1);
    assert_string_equal(differences[0].name.bytes, "load");
    assert_int_equal(differences[0].ns, 300);
    free(differences);
    explain_free(&explain);
}

/* Of threads without number the first are told of, and the stretches' own track, wherever it comes; what the rest did is counted. */
static void further_tracks_are_counted(void **state) {
    (void)state;
    enum { FURTHER = 1000, THREADS = EXPLAIN_TRACKS_MAX + FURTHER, OWN = THREADS + 10, EACH = 3 };
    struct explain explain = {.stretches = calloc(2, sizeof(struct explain_stretch)), .count = 2};
    explain.stretches[0] = (struct explain_stretch){.track = OWN, .start_ns = 1000, .end_ns = 2000};
    explain.stretches[1] = (struct explain_stretch){.track = OWN, .start_ns = 5000, .end_ns = 5500};
    explaining = &explain;
    struct perftrace_track_info *threads = calloc(THREADS, sizeof *threads);
    for (unsigned i = 0; i < THREADS; i++) {
        threads[i] = (struct perftrace_track_info){.id = 10 + i, .kind = PERFTRACE_ON_THREAD};
        begin("work", i + 1, 900, &threads[i]);
    }
    const struct perftrace_track_info own = {.id = OWN, .kind = PERFTRACE_ON_THREAD};
    const struct perftrace_track_info queue = {.id = OWN + 1, .kind = PERFTRACE_ON_GPU};
    begin("query", OWN, 1000, &own);
    begin("draw", OWN + 1, 1000, &queue);
    for (unsigned i = 0; i < THREADS; i++)
        end("work", i + 1, 0, 900, 1000 + EACH, &threads[i]);
    end("draw", OWN + 1, 0, 1000, 1100, &queue);
    end("query", OWN, 0, 1000, 1600, &own);
    begin("work", OWN + 2, 2000, &threads[THREADS - 1]); /* between the stretches */
    end("work", OWN + 2, 0, 2000, 5000, &threads[THREADS - 1]);
    assert_int_equal(explain.lane_count, EXPLAIN_TRACKS_MAX + 1);
    explain_end_input(&explain);
    explaining = NULL;
    assert_int_equal(explain.stretches[0].left_out, FURTHER);
    assert_int_equal(explain.stretches[1].left_out, 0);
    assert_int_equal(explain.stretches[0].gap_ns, 400);
    size_t count;
    struct explain_difference *differences =
        explain_compare(&explain, &explain.stretches[0], &explain.stretches[1], true, &count);
    assert_int_equal(count, 1);
    assert_int_equal(differences[0].ns, EACH * EXPLAIN_TRACKS_MAX);
    free(differences);
    explain_free(&explain);
    free(threads);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(further_tracks_are_counted),
        cmocka_unit_test(samples_are_added_up_as_promised),
        cmocka_unit_test(memory_in_use),
        cmocka_unit_test(many_samples_are_thinned_out),
        cmocka_unit_test(what_there_is_no_memory_for_is_counted),
        cmocka_unit_test(samples_share_the_memory),
        cmocka_unit_test(stretches_add_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
