/* Calls that no program makes: how much is kept of them is bounded, and what can't be kept is said. */
#include "feed_siblings.h"

#include <malloc.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#ifdef PERFTRACE_SANITIZED
enum { MANY = 20000 };
#else
enum { MANY = 200000 };
#endif

static const struct perftrace_argument_info id = {.name = {"id", 2}, .type = PERFTRACE_TYPE_SIGNED};
static const struct perftrace_site_info query = {.id = 200, .kind = 1, .name = {"query", 5}};
static const struct perftrace_track_info track = {.id = 1, .kind = PERFTRACE_ON_THREAD};

static void feed_one(const struct perftrace_call *call) {
    const struct perftrace_item item = {
        .kind = PERFTRACE_ITEM_SPAN_END, .site = call->site, .track = call->track, .call = call};
    assert_int_equal(analysis_item(fed.analysis, &item), 0);
}

/* Much faster than feed_call. */
static void feed_fast(uint64_t number, uint64_t parent, const char *caller, int64_t value) {
    const struct perftrace_value parameter = {.argument = &id, .type = PERFTRACE_TYPE_SIGNED, .i = value};
    struct perftrace_call call = {
        .number = number,
        .parent_number = parent,
        .site = &query,
        .caller = {caller, strlen(caller)},
        .track = &track,
        .elapsed_ns = 100,
        .parameters = &parameter,
        .parameter_count = 1,
    };
    feed_one(&call);
}

static size_t allocated(void) {
    return mallinfo2().uordblks + mallinfo2().hblkhd;
}

static const struct analysis_n_plus_one *only_finding(void) {
    feed_finish(&fed);
    assert_int_equal(found()->n_plus_one_count, 1);
    return found()->n_plus_one;
}

/* Each has one call, and none is seen to end: the oldest make room. Questions are the same few, so that what grows are parents. */
static void parents_that_never_end(void **state) {
    (void)state;
    for (uint64_t i = 1; i <= 1000; i++)
        feed_fast(i, 10 * (uint64_t)MANY + i, "list", (int64_t)i % 100);
    size_t before = allocated();
    for (uint64_t i = 1; i <= MANY; i++)
        feed_fast(i + 1000, 20 * (uint64_t)MANY + i, "list", (int64_t)i % 100);
#ifndef PERFTRACE_SANITIZED /* whose malloc counts otherwise */
    assert_true(allocated() - before < (size_t)48 << 20);
#else
    (void)before;
#endif
    feed_finish(&fed);
    assert_int_equal(is_approximated("another parent's"), MANY > 16384);
    assert_int_equal(found()->n_plus_one_count, 0);
}

static void one_parent_of_all(void **state) {
    (void)state;
    for (uint64_t i = 1; i <= MANY; i++)
        feed_fast(i + 1, 1, "list", (int64_t)((i * 2654435761u) % 1000003));
    feed_call(&fed, 1000, "1 0 list unknown");
    const struct analysis_n_plus_one *finding = only_finding();
    assert_int_equal(finding->calls, MANY);
    assert_int_equal(finding->parents, 1);
    assert_int_equal(finding->largest_n, MANY);
    assert_int_equal(finding->saved_ns, (MANY - 1) * UINT64_C(100));
}

/* With next to no memory: it goes on, and says what it left out. */
static void without_memory(void **state) {
    (void)state;
    feed_close(&fed);
    fed = feed_open(100000);
    for (uint64_t i = 1; i <= 20000; i++) {
        feed_fast(3 * i, 1 + i % 977, "list", (int64_t)i);
        feed_fast(3 * i + 1, 1 + i % 13, "list", (int64_t)i);
    }
    feed_finish(&fed);
    assert_true(is_approximated("Calls of one parent: "));
}

/* Everybody's parent is somebody's child: each call comes once, and so does all that is made of it. */
static void cycles(void **state) {
    (void)state;
    for (unsigned round = 0; round < 200; round++) {
        feed_call(&fed, 100, "1 2 a b id=%u", round);
        feed_call(&fed, 100, "2 1 b a id=%u", round);
        feed_call(&fed, 100, "3 3 c c id=%u", round);
        feed_call(&fed, 100, "4 6 a c id=%u", round);
        feed_call(&fed, 100, "5 4 b a id=%u", round);
        feed_call(&fed, 100, "6 5 c b id=%u", round);
    }
    feed_finish(&fed);
    assert_true(calls_in_loops() <= fed.analysis->calls);
}

static void the_same_number_twice(void **state) {
    (void)state;
    for (unsigned round = 0; round < 2; round++) {
        for (unsigned i = 0; i < 4; i++)
            feed_call(&fed, 100, "%u 1 query list id=k%u", 10 + i, i);
        feed_call(&fed, 1000, "1 0 list unknown");
        feed_call(&fed, 1000, "1 0 list unknown");
    }
    const struct analysis_n_plus_one *finding = only_finding();
    assert_int_equal(finding->calls, 8);
    assert_int_equal(finding->parents, 2);
}

/* There is no memory to know more calls by what they have called; and then a program begins to count anew in the same log. What the first call
 * of a number has called is not the second's, though nothing but its number tells that it has called anything. */
static void the_same_number_twice_without_memory(void **state) {
    (void)state;
    feed_close(&fed);
    fed = feed_open(4 << 20);
    uint64_t parent = 1000;
    for (; fed.analysis->open.refused == 0; parent++) {
        assert_int_not_equal(parent, 1000000);
        feed_fast(2 * parent, parent, "list", (int64_t)parent % 4);
    }
    for (unsigned i = 0; i < 4; i++) {
        feed_fast(2 + i, 1, "list", i);
        if (i % 2 != 0)
            feed_call(&fed, 1000, "1 0 list unknown");
    }
    feed_finish(&fed);
    expect_n_plus_one("");
}

/* A walk as deep as can be: what each level asks counts for the outermost, without being moved from level to level. */
static void endless_walk(void **state) {
    (void)state;
    for (uint64_t depth = MANY; depth >= 1; depth--) {
        feed_fast(MANY + depth, depth, "walk", (int64_t)depth);
        static const struct perftrace_site_info walk = {.id = 201, .kind = 1, .name = {"walk", 4}};
        struct perftrace_call call = {.number = depth,
                                      .parent_number = depth - 1,
                                      .site = &walk,
                                      .caller = {depth == 1 ? "unknown" : "walk", depth == 1 ? 7 : 4},
                                      .track = &track,
                                      .elapsed_ns = 120};
        feed_one(&call);
    }
    const struct analysis_n_plus_one *finding = only_finding();
    assert_int_equal(finding->calls, MANY);
    assert_int_equal(finding->largest.number, 1);
}

/* a calls b calls a calls b …, with a query in each. */
static void endless_pair(void **state) {
    (void)state;
    enum { DEEP = 20000 };
    for (unsigned depth = DEEP; depth >= 1; depth--) {
        feed_fast(DEEP + depth, depth, depth % 2 == 0 ? "a" : "b", (int64_t)depth);
        feed_call(&fed, 120, "%u %u %s %s", depth, depth - 1, depth % 2 == 0 ? "a" : "b",
                  depth == 1       ? "unknown"
                  : depth % 2 == 0 ? "b"
                                   : "a");
    }
    feed_finish(&fed);
    assert_true(found()->n_plus_one_count >= 1);
    assert_true(calls_in_loops() <= DEEP);
}

/* Of one parent, more kinds of calls than are kept apart. */
static void too_many_kinds(void **state) {
    (void)state;
    for (unsigned i = 0; i < 2000; i++)
        feed_call(&fed, 10, "%u 1 run list sql=SELECT_c%u_FROM_t%u", i + 2, i, i);
    feed_call(&fed, 100000, "1 0 list unknown");
    feed_finish(&fed);
    assert_true(is_approximated("not looked at"));
    assert_int_equal(found()->n_plus_one_count, 0);
}

static void ask_with_result(struct perftrace_argument_info *result, uint64_t number) {
    const struct perftrace_value parameter = {.argument = &id, .type = PERFTRACE_TYPE_SIGNED, .i = 7};
    const struct perftrace_value metric = {.argument = result, .type = PERFTRACE_TYPE_SIGNED, .i = 1};
    struct perftrace_call call = {
        .number = number,
        .parent_number = 1,
        .site = &query,
        .caller = {"list", 4},
        .track = &track,
        .elapsed_ns = 100,
        .parameters = &parameter,
        .parameter_count = 1,
        .metrics = &metric,
        .metric_count = 1,
    };
    feed_one(&call);
}

/* An argument of another input may lie where one of the last input lay. What failed has to be asked again; what found one
 * record need not be. */
static void another_input_has_other_arguments(void **state) {
    (void)state;
    struct perftrace_argument_info result = {.name = {"error", 5}, .type = PERFTRACE_TYPE_SIGNED};
    const struct perftrace_trace_info info = {.finished = true};
    ask_with_result(&result, 2);
    ask_with_result(&result, 3);
    assert_int_equal(analysis_end_input(fed.analysis, &info, 1), 0);
    assert_int_equal(analysis_begin_input(fed.analysis, "another"), 0);
    result.name = (struct perftrace_text){"found", 5};
    ask_with_result(&result, 2);
    ask_with_result(&result, 3);
    feed_finish(&fed);
    assert_int_equal(found()->asked_again_count, 1);
    assert_int_equal(found()->asked_again->again, 1);
    assert_int_equal(found()->asked_again->first.input, 2);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        SIBLINGS_TEST(parents_that_never_end), SIBLINGS_TEST(one_parent_of_all),
        SIBLINGS_TEST(without_memory),         SIBLINGS_TEST(cycles),
        SIBLINGS_TEST(the_same_number_twice),  SIBLINGS_TEST(the_same_number_twice_without_memory),
        SIBLINGS_TEST(endless_walk),           SIBLINGS_TEST(endless_pair),
        SIBLINGS_TEST(too_many_kinds),         SIBLINGS_TEST(another_input_has_other_arguments),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
