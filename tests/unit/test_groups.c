/* Groups of calls by values: exact while there is memory; past that the largest are there, and what is said of their error is true. */
#include "../../analysis/groups.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const struct perftrace_site_info site = {.id = 1, .kind = 1, .name = {"f", 1}};
static const struct perftrace_track_info track = {.id = 1, .kind = PERFTRACE_ON_THREAD};
static const struct perftrace_argument_info arguments[] = {
    {.name = {"a", 1}, .type = PERFTRACE_TYPE_UNSIGNED},
    {.name = {"b", 1}, .type = PERFTRACE_TYPE_STRING},
    {.name = {"m", 1}, .type = PERFTRACE_TYPE_UNSIGNED, .metric = true},
};

static struct analysis *open_with(const char *const *keys, size_t count, size_t memory_max) {
    struct analysis *analysis =
        analysis_open(&(struct analysis_options){.group_by = {keys, count}, .memory_max = memory_max});
    assert_non_null(analysis);
    assert_int_equal(analysis_begin_input(analysis, "test"), 0);
    return analysis;
}

/* A call with the parameter a, with b where it is not NULL, and with the metric m where it is not 0. */
static void feed(struct analysis *analysis, uint64_t a, const char *b, uint64_t m, uint64_t elapsed_ns) {
    static uint64_t number;
    struct perftrace_value values[3] = {{.argument = &arguments[0], .type = PERFTRACE_TYPE_UNSIGNED, .u = a}};
    size_t parameters = 1;
    if (b != NULL)
        values[parameters++] = (struct perftrace_value){
            .argument = &arguments[1], .type = PERFTRACE_TYPE_STRING, .text = {b, strlen(b)}};
    values[parameters] =
        (struct perftrace_value){.argument = &arguments[2], .type = PERFTRACE_TYPE_UNSIGNED, .u = m};
    const struct perftrace_call call = {.number = ++number,
                                        .site = &site,
                                        .caller = {"unknown", 7},
                                        .track = &track,
                                        .elapsed_ns = elapsed_ns,
                                        .children_ns = elapsed_ns / 4,
                                        .parameter_count = parameters,
                                        .parameters = values,
                                        .metric_count = m != 0,
                                        .metrics = values + parameters};
    const struct perftrace_item item = {
        .kind = PERFTRACE_ITEM_SPAN_END, .site = &site, .track = &track, .call = &call};
    assert_int_equal(analysis_item(analysis, &item), 0);
}

static void parameters_and_metrics_make_groups(void **state) {
    (void)state;
    static const char *const keys[] = {"m", "b"};
    struct analysis *analysis = open_with(keys, 2, 0);
    feed(analysis, 1, "x", 7, 100);
    feed(analysis, 2, "x", 7, 300);
    feed(analysis, 3, "x", 0, 1000);
    feed(analysis, 4, NULL, 7, 8);
    feed(analysis, 5, NULL, 0, 16);
    feed(analysis, 6, "y|z", 0, 1);
    assert_int_equal(analysis_finish(analysis), 0);
    static const struct analysis_group expected[] = {
        {{"b=x", 3}, 1, 1000, 750, 1000, 0},
        {{"m=7|b=x", 7}, 2, 400, 300, 300, 0},
        {{"m=7", 3}, 1, 8, 6, 8, 0},
        {{"b=y\\x7cz", 8}, 1, 1, 1, 1, 0},
    };
    size_t count;
    const struct analysis_group **groups = analysis_groups(analysis, RANK_TOTAL, &count);
    assert_int_equal(count, 4);
    for (size_t i = 0; i < count; i++) {
        assert_string_equal(groups[i]->text.bytes, expected[i].text.bytes);
        assert_int_equal(groups[i]->calls, expected[i].calls);
        assert_int_equal(groups[i]->total_ns, expected[i].total_ns);
        assert_int_equal(groups[i]->self_ns, expected[i].self_ns);
        assert_int_equal(groups[i]->max_ns, expected[i].max_ns);
        assert_int_equal(groups[i]->missed_ns, 0);
    }
    free(groups);
    static const struct {
        enum rank_order order;
        const char *first, *last;
    } orders[] = {{RANK_CALLS, "m=7|b=x", "m=7"},
                  {RANK_MAX, "b=x", "b=y\\x7cz"},
                  {RANK_SELF, "b=x", "b=y\\x7cz"},
                  {RANK_P99, "b=x", "b=y\\x7cz"},
                  {RANK_NAME, "b=x", "m=7|b=x"}};
    for (size_t i = 0; i < sizeof orders / sizeof *orders; i++) {
        groups = analysis_groups(analysis, orders[i].order, &count);
        assert_string_equal(groups[0]->text.bytes, orders[i].first);
        assert_string_equal(groups[3]->text.bytes, orders[i].last);
        free(groups);
    }
    assert_int_equal(analysis_groups_total(analysis).without_calls, 1);
    assert_int_equal(analysis_groups_total(analysis).least_ns, 0);
    assert_int_equal(analysis_key_count(analysis), 3);
    assert_string_equal(analysis_key(analysis, 0).bytes, "a");
    assert_string_equal(analysis_key(analysis, 2).bytes, "m");
    analysis_close(analysis);
}

static uint64_t next(uint64_t *random) {
    *random ^= *random << 13;
    *random ^= *random >> 7;
    *random ^= *random << 17;
    return *random;
}

enum { VALUES = 20000, CALLS = 200000, HEAVY = 50 };

/* Many groups, of which a few take most of the time; they go on from the beginning to the end, as the light ones do. */
static void feed_many(struct analysis *analysis, uint64_t calls[VALUES], uint64_t total_ns[VALUES]) {
    uint64_t random = 88172645463325252u;
    for (unsigned i = 0; i < CALLS; i++) {
        bool heavy = next(&random) % 4 == 0;
        uint64_t a = heavy ? next(&random) % HEAVY : next(&random) % VALUES;
        uint64_t elapsed_ns = heavy ? 5000 + next(&random) % 5000 : next(&random) % 300;
        feed(analysis, a, NULL, 0, elapsed_ns);
        calls[a]++;
        total_ns[a] += elapsed_ns;
    }
}

/* What is found of each group is what was counted by itself, within what is said of the error. The number of groups. */
static size_t check(const struct analysis *analysis, const uint64_t calls[VALUES],
                    const uint64_t total_ns[VALUES], bool exact) {
    struct analysis_groups_total total = analysis_groups_total(analysis);
    bool there[VALUES] = {false};
    uint64_t sum_calls = total.dropped_calls, sum_ns = total.dropped_ns, all_ns = 0;
    size_t count;
    const struct analysis_group **groups = analysis_groups(analysis, RANK_TOTAL, &count);
    for (size_t i = 0; i < count; i++) {
        uint64_t a = strtoull(groups[i]->text.bytes + 2, NULL, 10);
        assert_true(a < VALUES && !there[a]);
        there[a] = true;
        sum_calls += groups[i]->calls;
        sum_ns += groups[i]->total_ns;
        assert_true(groups[i]->total_ns <= total_ns[a]);
        assert_true(total_ns[a] - groups[i]->total_ns <= groups[i]->missed_ns);
        assert_true(groups[i]->calls <= calls[a]);
        if (exact)
            assert_int_equal(groups[i]->calls, calls[a]);
    }
    for (unsigned a = 0; a < VALUES; a++) {
        all_ns += total_ns[a];
        if (!there[a])
            assert_true(total_ns[a] <= total.least_ns);
        if (a < HEAVY)
            assert_true(there[a]);
    }
    assert_int_equal(sum_calls, CALLS);
    assert_int_equal(sum_ns, all_ns);
    free(groups);
    return count;
}

static void many_groups(void **state) {
    (void)state;
    static const char *const keys[] = {"a"};
    static const size_t budgets[] = {0, 1 << 20, 1};
    for (unsigned i = 0; i < 3; i++) {
        uint64_t *calls = calloc(VALUES, sizeof *calls), *total_ns = calloc(VALUES, sizeof *total_ns);
        struct analysis *analysis = open_with(keys, 1, budgets[i]);
        feed_many(analysis, calls, total_ns);
        assert_int_equal(analysis_finish(analysis), 0);
        size_t count = check(analysis, calls, total_ns, i == 0);
        struct perftrace_buffer text = {0};
        analysis_approximations(analysis, &text);
        perftrace_buffer_add(&text, "", 1);
        bool told = strstr(text.bytes, "Groups: only the") != NULL;
        assert_int_equal(told, i > 0);
        if (i == 2)
            assert_int_equal(count, ANALYSIS_GROUPS_MIN);
        free(text.bytes);
        free(calls);
        free(total_ns);
        analysis_close(analysis);
    }
}

/* Texts that are longer than what is kept of them are still told apart, and cut between characters. */
static void long_values(void **state) {
    (void)state;
    static const char *const keys[] = {"b"};
    struct analysis *analysis = open_with(keys, 1, 0);
    char value[4000];
    value[0] = 'x';
    for (unsigned i = 1; i < sizeof value - 3; i += 2)
        memcpy(value + i, "\xc3\xa4", 2);
    value[sizeof value - 3] = value[sizeof value - 2] = '1';
    value[sizeof value - 1] = '\0';
    feed(analysis, 1, value, 0, 10);
    feed(analysis, 1, value, 0, 10);
    value[sizeof value - 2] = '2';
    feed(analysis, 1, value, 0, 10);
    assert_int_equal(analysis_finish(analysis), 0);
    size_t count;
    const struct analysis_group **groups = analysis_groups(analysis, RANK_CALLS, &count);
    assert_int_equal(count, 2);
    assert_int_equal(groups[0]->calls, 2);
    assert_true(groups[0]->text.length <= ANALYSIS_GROUP_TEXT_MAX);
    assert_true(groups[0]->text.length > ANALYSIS_GROUP_TEXT_MAX - 4);
    assert_int_equal(groups[0]->text.length % 2, 1); /* "b=x" and whole characters */
    free(groups);
    analysis_close(analysis);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parameters_and_metrics_make_groups),
        cmocka_unit_test(many_groups),
        cmocka_unit_test(long_values),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
