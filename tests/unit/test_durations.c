/* Percentiles by counting, against sorting. */
#include "../../analysis/durations.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static uint64_t random_state = 1;
static uint64_t random_number(void) {
    random_state = random_state * 6364136223846793005u + 1442695040888963407u;
    uint64_t x = random_state ^ random_state >> 33;
    return x * 0xff51afd7ed558ccdu >> 1;
}

/* As many zeros in front as any other number of them: durations of every magnitude. */
static uint64_t any_magnitude(void) {
    return random_number() >> random_number() % 63;
}
static uint64_t below_a_millisecond(void) {
    return random_number() % 1000 * (random_number() % 1000);
}
static uint64_t whole_microseconds(void) {
    return random_number() % 900 * 1000;
}
static uint64_t whole_milliseconds(void) {
    return random_number() % 50 * 1000000;
}
static uint64_t units_of_all_kinds(void) {
    static const uint64_t units[] = {1, 1000, 1000000};
    return random_number() % 5000 * units[random_number() % 3];
}
static uint64_t always_the_same(void) {
    return 41;
}

static int compare(const void *left, const void *right) {
    uint64_t a = *(const uint64_t *)left, b = *(const uint64_t *)right;
    return (a > b) - (a < b);
}

/* By its definition: the smallest value with at least `percent` percent of all at or below it. */
static uint64_t sorted_percentile(const uint64_t *sorted, size_t count, unsigned percent) {
    size_t at = 0;
    while ((at + 1) * 100 < count * percent)
        at++;
    return sorted[at];
}

static const struct perftrace_track_info track = {.id = 1, .kind = PERFTRACE_ON_THREAD};
static struct perftrace_site_info sites[600];
static char names[600][8];

static void feed(struct analysis *analysis, unsigned function, uint64_t number, uint64_t elapsed_ns) {
    snprintf(names[function], sizeof names[function], "f%u", function);
    sites[function] = (struct perftrace_site_info){
        .id = function + 1, .kind = 1, .name = {names[function], strlen(names[function])}};
    const struct perftrace_call call = {.number = number,
                                        .site = &sites[function],
                                        .caller = {"unknown", 7},
                                        .track = &track,
                                        .elapsed_ns = elapsed_ns};
    const struct perftrace_item item = {
        .kind = PERFTRACE_ITEM_SPAN_END, .site = call.site, .track = call.track, .call = &call};
    assert_int_equal(analysis_item(analysis, &item), 0);
}

static uint32_t number_of(const struct analysis *analysis, unsigned function) {
    for (uint32_t i = 0; i < analysis->function_count; i++)
        if (strcmp(analysis->functions[i].name.bytes, names[function]) == 0)
            return i;
    fail();
    return 0;
}

static void assert_near(uint64_t found, uint64_t expected, double error) {
    double difference = found > expected ? (double)(found - expected) : (double)(expected - found);
    if (difference > error * (double)expected + (error > 0))
        fail_msg("%llu instead of %llu, off by more than %g", (unsigned long long)found,
                 (unsigned long long)expected, error);
}

static uint64_t (*const makers[])(void) = {any_magnitude,      below_a_millisecond, whole_microseconds,
                                           whole_milliseconds, units_of_all_kinds,  always_the_same};
enum { MAKERS = sizeof makers / sizeof *makers, CALLS_MAX = 60000 };
static uint64_t values[MAKERS][CALLS_MAX];

static char *approximations(const struct analysis *analysis) {
    struct perftrace_buffer text = {0};
    analysis_approximations(analysis, &text);
    perftrace_buffer_add(&text, "", 1);
    assert_false(text.failed);
    return text.bytes;
}

/* All makers at once, so that functions share the table. Returns the largest error that is stated. */
static double compare_with_sorting(size_t count, size_t memory_max) {
    struct analysis *analysis = analysis_open(&(struct analysis_options){.memory_max = memory_max});
    assert_int_equal(analysis_begin_input(analysis, "test"), 0);
    for (size_t i = 0; i < count; i++) {
        for (unsigned function = 0; function < MAKERS; function++) {
            values[function][i] = makers[function]();
            feed(analysis, function, i * MAKERS + function + 1, values[function][i]);
        }
    }
    assert_int_equal(analysis_finish(analysis), 0);
    double error = 0;
    for (unsigned function = 0; function < MAKERS; function++) {
        qsort(values[function], count, sizeof **values, compare);
        struct analysis_percentiles found = analysis_percentiles(analysis, number_of(analysis, function));
        assert_int_equal(found.ignored, 0);
        assert_near(found.p50_ns, sorted_percentile(values[function], count, 50), found.error);
        assert_near(found.p90_ns, sorted_percentile(values[function], count, 90), found.error);
        assert_near(found.p99_ns, sorted_percentile(values[function], count, 99), found.error);
        error = found.error > error ? found.error : error;
    }
    char *text = approximations(analysis);
    assert_int_equal(error > 0, strstr(text, "Percentiles") != NULL);
    free(text);
    analysis_close(analysis);
    return error;
}

static void as_exact_as_sorting(void **state) {
    (void)state;
    const size_t counts[] = {1, 2, 3, 9, 10, 11, 99, 100, 101, 199, 200, 201, 1000, 4097, CALLS_MAX};
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++)
        assert_true(compare_with_sorting(counts[i], 0) == 0);
}

/* So many that their numbers have two bytes, and of each so few values that all of them are in the table. */
static void exact_for_many_functions(void **state) {
    (void)state;
    enum { FUNCTIONS = 600 };
    struct analysis *analysis = analysis_open(&(struct analysis_options){0});
    assert_int_equal(analysis_begin_input(analysis, "test"), 0);
    static uint64_t least[FUNCTIONS];
    for (unsigned i = 0; i < 3 * FUNCTIONS; i++) {
        unsigned function = i * 7 % FUNCTIONS;
        if (i < FUNCTIONS)
            least[function] = any_magnitude() / 4;
        feed(analysis, function, i + 1, least[function] + (i / FUNCTIONS + function) % 3 * 10);
    }
    assert_int_equal(analysis_finish(analysis), 0);
    for (unsigned function = 0; function < FUNCTIONS; function++) {
        struct analysis_percentiles found = analysis_percentiles(analysis, number_of(analysis, function));
        assert_int_equal(found.p50_ns, least[function] + 10);
        assert_int_equal(found.p90_ns, least[function] + 20);
    }
    analysis_close(analysis);
}

/* An eighth of it is for the counts: room for 8192, 2048 and 256 of them. */
static void within_the_stated_error_where_memory_is_short(void **state) {
    (void)state;
    double last = 0;
    for (size_t shared = 2u << 20; shared >= 64u << 10; shared /= 4) {
        double error = compare_with_sorting(CALLS_MAX, shared);
        assert_true(error > 0 && error <= 0.25 && error >= last);
        last = error;
    }
    assert_true(last > 1.0 / 256);
}

static void what_there_is_no_memory_for_is_counted(void **state) {
    (void)state;
    enum { FUNCTIONS = 600, EACH = 20 };
    struct analysis *analysis = analysis_open(&(struct analysis_options){.memory_max = 32768});
    assert_int_equal(analysis_begin_input(analysis, "test"), 0);
    for (unsigned i = 0; i < FUNCTIONS * EACH; i++)
        feed(analysis, i % FUNCTIONS, i + 1, any_magnitude());
    assert_int_equal(analysis_finish(analysis), 0);
    uint64_t ignored = 0;
    for (unsigned function = 0; function < FUNCTIONS; function++) {
        struct analysis_percentiles found = analysis_percentiles(analysis, number_of(analysis, function));
        assert_true(found.ignored <= EACH);
        assert_true(found.p50_ns <= found.p90_ns && found.p90_ns <= found.p99_ns);
        ignored += found.ignored;
    }
    assert_true(ignored > FUNCTIONS && ignored < FUNCTIONS * EACH);
    char *text = approximations(analysis), expected[64];
    snprintf(expected, sizeof expected, "Percentiles leave out %llu calls.\n", (unsigned long long)ignored);
    assert_non_null(strstr(text, expected));
    free(text);
    analysis_close(analysis);
}

static void a_caller_that_was_not_called_has_none(void **state) {
    (void)state;
    struct analysis *analysis = analysis_open(&(struct analysis_options){0});
    assert_int_equal(analysis_begin_input(analysis, "test"), 0);
    feed(analysis, 0, 1, 5);
    assert_int_equal(analysis_finish(analysis), 0);
    for (uint32_t i = 0; i < analysis->function_count; i++)
        assert_int_equal(analysis_percentiles(analysis, i).p99_ns, analysis->functions[i].calls * 5);
    analysis_close(analysis);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(as_exact_as_sorting),
        cmocka_unit_test(exact_for_many_functions),
        cmocka_unit_test(within_the_stated_error_where_memory_is_short),
        cmocka_unit_test(what_there_is_no_memory_for_is_counted),
        cmocka_unit_test(a_caller_that_was_not_called_has_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
