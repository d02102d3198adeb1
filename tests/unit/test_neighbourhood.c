/* Which calls are kept around those that may be looked at: what was before, within, around and after them, and of what length. */
#include "../../analysis/neighbourhood.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define MANY 5000u /* more than are kept as the first ones, or in a ring */

static struct perftrace_text text(const char *bytes) {
    return (struct perftrace_text){bytes, strlen(bytes)};
}

static struct analysis *open_analysis(uint32_t neighbours_max, size_t memory_max) {
    struct analysis *analysis =
        analysis_open(&(struct analysis_options){.neighbours_max = neighbours_max, .memory_max = memory_max});
    assert_non_null(analysis);
    assert_int_equal(analysis_begin_input(analysis, "test"), 0);
    return analysis;
}

static void feed(struct analysis *analysis, uint64_t number, uint64_t parent, uint32_t thread,
                 uint64_t start_ns, uint64_t elapsed_ns) {
    static const struct perftrace_site_info site = {.id = 1, .kind = 1, .name = {"work", 4}};
    static struct perftrace_track_info tracks[8];
    tracks[thread] = (struct perftrace_track_info){.id = thread, .kind = PERFTRACE_ON_THREAD};
    const struct perftrace_call call = {
        .number = number,
        .parent_number = parent,
        .site = &site,
        .caller = text("main"),
        .track = &tracks[thread],
        .start_ns = start_ns,
        .elapsed_ns = elapsed_ns,
    };
    const struct perftrace_item item = {
        .kind = PERFTRACE_ITEM_SPAN_END, .site = &site, .track = call.track, .call = &call};
    assert_int_equal(analysis_item(analysis, &item), 0);
}

/* So many calls of a microsecond each, one after the other. Returns when the last has ended. */
static uint64_t feed_short(struct analysis *analysis, uint64_t first, uint64_t start_ns) {
    for (uint64_t i = 0; i < MANY; i++)
        feed(analysis, first + i, 0, 1, start_ns + i * 1000, 1000);
    return start_ns + MANY * 1000;
}

static const struct analysis_neighbour *kept(const struct analysis *analysis, uint64_t number) {
    const struct analysis_neighbourhood *found = analysis_neighbourhood(analysis);
    for (uint32_t i = 0; i < found->call_count; i++)
        if (found->calls[i].id.number == number)
            return &found->calls[i];
    return NULL;
}

static void nothing_unless_asked_for(void **state) {
    (void)state;
    struct analysis *analysis = open_analysis(0, 0);
    feed(analysis, 1, 0, 1, 1000, 1000);
    assert_int_equal(analysis_finish(analysis), 0);
    assert_int_equal(analysis_neighbourhood(analysis)->call_count, 0);
    analysis_close(analysis);
}

static void the_first_calls(void **state) {
    (void)state;
    struct analysis *analysis = open_analysis(1, 0);
    feed_short(analysis, 1, 1000);
    assert_int_equal(analysis_finish(analysis), 0);
    for (uint64_t number = 1; number <= 2500; number++)
        assert_non_null(kept(analysis, number));
    assert_null(kept(analysis, MANY - 500));
    analysis_close(analysis);
}

static void what_is_around_a_slow_call(void **state) {
    (void)state;
    struct analysis *analysis = open_analysis(1, 0);
    uint64_t at = feed_short(analysis, 1, 1000);
    feed(analysis, 10001, 0, 2, at, 50000);              /* before, on another thread */
    feed(analysis, 10002, 10000, 1, at + 40000, 20000);  /* before, beside it */
    feed(analysis, 10004, 10003, 1, at + 70000, 30000);  /* within */
    feed(analysis, 10003, 10000, 1, at + 60000, 100000); /* the one */
    feed(analysis, 10005, 10000, 1, at + 170000, 20000); /* after */
    feed(analysis, 10006, 0, 3, at + 30000, 150000);     /* around, on another thread, ending later */
    feed(analysis, 10000, 0, 1, at, 200000);             /* around */
    feed_short(analysis, 20000, at + 400000);
    assert_int_equal(analysis_finish(analysis), 0);
    for (uint64_t number = 10000; number <= 10006; number++)
        assert_non_null(kept(analysis, number));
    assert_int_equal(kept(analysis, 10004)->parent, 10003);
    assert_int_equal(kept(analysis, 10006)->start_ns, at + 30000);
    assert_null(kept(analysis, 20000 + MANY - 500));
    analysis_close(analysis);
}

static void what_comes_after_a_slow_call(void **state) {
    (void)state;
    struct analysis *analysis = open_analysis(1, 0);
    uint64_t at = feed_short(analysis, 1, 1000);
    feed(analysis, 10000, 0, 1, at, 100000);
    feed(analysis, 10001, 0, 1, at + 100000, 20000);  /* right after */
    feed(analysis, 10002, 0, 1, at + 120000, 10);     /* too short to be seen beside it */
    feed(analysis, 10003, 0, 2, at + 140000, 20000);  /* on another thread */
    feed(analysis, 10004, 0, 1, at + 1000000, 20000); /* much later */
    assert_int_equal(analysis_finish(analysis), 0);
    assert_non_null(kept(analysis, 10001));
    assert_null(kept(analysis, 10002));
    assert_non_null(kept(analysis, 10003));
    assert_null(kept(analysis, 10004));
    analysis_close(analysis);
}

static void another_input_is_not_around_a_call(void **state) {
    (void)state;
    struct analysis *analysis = open_analysis(1, 0);
    feed(analysis, 1, 0, 1, 1000, 1 << 30);
    assert_int_equal(analysis_end_input(analysis, &(struct perftrace_trace_info){.native = true}, 1), 0);
    assert_int_equal(analysis_begin_input(analysis, "second"), 0);
    feed_short(analysis, 1, 1000);
    feed(analysis, 10000, 0, 1, 10000000, 10000000);
    feed(analysis, 10001, 0, 1, 100000000, 5000000);
    assert_int_equal(analysis_finish(analysis), 0);
    assert_non_null(kept(analysis, 10000)); /* the slowest but one */
    assert_null(kept(analysis, 10001));
    analysis_close(analysis);
}

static void short_calls_do_not_push_out_long_ones(void **state) {
    (void)state;
    struct analysis *analysis = open_analysis(1, 0);
    uint64_t at = feed_short(analysis, 1, 1000);
    feed(analysis, 10001, 10000, 1, at, 1000000); /* a long child, and then thousands of short ones */
    uint64_t end = feed_short(analysis, 20000, at + 1000000);
    feed(analysis, 10000, 0, 1, at, end - at);
    assert_int_equal(analysis_finish(analysis), 0);
    assert_non_null(kept(analysis, 10000));
    assert_non_null(kept(analysis, 10001));
    assert_true(analysis_neighbourhood(analysis)->call_count < 4000);
    analysis_close(analysis);
}

static void in_order_and_none_twice(void **state) {
    (void)state;
    struct analysis *analysis = open_analysis(20, 0);
    uint64_t at = 1000;
    for (uint64_t number = 1; number < 3000; number += 2) {
        uint64_t elapsed_ns = 1000 + number * 7919 % 1000 * 100;
        feed(analysis, number + 1, number, 1, at, elapsed_ns / 2);
        feed(analysis, number, 0, 1, at, elapsed_ns);
        at += elapsed_ns;
    }
    assert_int_equal(analysis_finish(analysis), 0);
    const struct analysis_neighbourhood *found = analysis_neighbourhood(analysis);
    for (uint32_t i = 1; i < found->call_count; i++) {
        const struct analysis_neighbour *before = &found->calls[i - 1], *after = &found->calls[i];
        assert_true(before->start_ns <= after->start_ns);
        assert_true(before->start_ns < after->start_ns || before->elapsed_ns > after->elapsed_ns);
    }
    analysis_close(analysis);
}

static void a_log_has_made_up_times(void **state) {
    (void)state;
    struct analysis *analysis = open_analysis(1, 0);
    feed(analysis, 1, 0, 1, 0, 5000);
    feed(analysis, 3, 2, 1, 0, 2000);
    feed(analysis, 2, 0, 1, 0, 3000);
    assert_int_equal(analysis_finish(analysis), 0);
    assert_true(kept(analysis, 2)->made_up);
    assert_int_equal(kept(analysis, 1)->start_ns, 0);
    assert_int_equal(kept(analysis, 2)->start_ns, 5000);
    assert_int_equal(kept(analysis, 3)->start_ns, 5000);
    analysis_close(analysis);
}

static void inputs_are_apart(void **state) {
    (void)state;
    struct analysis *analysis = open_analysis(1, 0);
    feed(analysis, 1, 0, 1, 1000, 100000);
    assert_int_equal(analysis_end_input(analysis, &(struct perftrace_trace_info){.native = true}, 1), 0);
    assert_int_equal(analysis_begin_input(analysis, "second"), 0);
    feed(analysis, 1, 0, 1, 2000, 50000);
    assert_int_equal(analysis_finish(analysis), 0);
    const struct analysis_neighbourhood *found = analysis_neighbourhood(analysis);
    assert_int_equal(found->call_count, 2);
    assert_int_equal(found->track_count, 2);
    assert_int_equal(found->calls[1].id.input, 2);
    assert_int_not_equal(found->calls[0].track, found->calls[1].track);
    analysis_close(analysis);
}

static void without_room_it_says_so(void **state) {
    (void)state;
    struct analysis *analysis = open_analysis(100, 4096);
    feed_short(analysis, 1, 1000);
    assert_int_equal(analysis_finish(analysis), 0);
    struct perftrace_buffer told = {0};
    analysis_approximations(analysis, &told);
    perftrace_buffer_add(&told, "", 1);
    assert_non_null(strstr(told.bytes, "Timelines: "));
    assert_true(analysis->budget.used <= 4096);
    free(told.bytes);
    analysis_close(analysis);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_unless_asked_for),
        cmocka_unit_test(the_first_calls),
        cmocka_unit_test(what_comes_after_a_slow_call),
        cmocka_unit_test(another_input_is_not_around_a_call),
        cmocka_unit_test(what_is_around_a_slow_call),
        cmocka_unit_test(short_calls_do_not_push_out_long_ones),
        cmocka_unit_test(in_order_and_none_twice),
        cmocka_unit_test(a_log_has_made_up_times),
        cmocka_unit_test(inputs_are_apart),
        cmocka_unit_test(without_room_it_says_so),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
