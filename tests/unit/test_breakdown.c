/* Times and numbers that calls give as metrics, added up. */
#include "../../analysis/breakdown.h"
#include "../../analysis/slowest.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct perftrace_text text(const char *bytes) {
    return (struct perftrace_text){bytes, strlen(bytes)};
}

static const struct perftrace_track_info track = {.id = 1, .kind = PERFTRACE_ON_THREAD};
static const struct perftrace_site_info sites[] = {{.id = 1, .kind = 1, .name = {"query", 5}},
                                                   {.id = 2, .kind = 1, .name = {"parse", 5}}};
static uint64_t number;
static bool milliseconds; /* how well calls are known */
enum { ARGUMENTS = 80 };
static struct perftrace_argument_info arguments[ARGUMENTS];
static char names[ARGUMENTS][24];
static size_t argument_count;

static struct analysis *open_analysis(size_t memory_max) {
    struct analysis *analysis =
        analysis_open(&(struct analysis_options){.slowest_max = 3, .memory_max = memory_max});
    assert_non_null(analysis);
    assert_int_equal(analysis_begin_input(analysis, "test"), 0);
    number = argument_count = 0;
    return analysis;
}

/* By name, for as long as there is the input, as those of a reader; those of the next one may be at the same places. */
static const struct perftrace_argument_info *argument(const char *name) {
    size_t i = 0;
    while (i < argument_count && strcmp(names[i], name) != 0)
        i++;
    if (i == argument_count) {
        assert_true(argument_count++ < ARGUMENTS);
        snprintf(names[i], sizeof names[i], "%s", name);
        arguments[i] = (struct perftrace_argument_info){.name = text(names[i]), .metric = true};
    }
    return &arguments[i];
}

static void feed(struct analysis *analysis, unsigned site, uint64_t elapsed_ns, size_t count,
                 const struct perftrace_value *metrics) {
    const struct perftrace_call call = {.number = ++number,
                                        .site = &sites[site],
                                        .caller = {"unknown", 7},
                                        .track = &track,
                                        .elapsed_ns = elapsed_ns,
                                        .milliseconds = milliseconds,
                                        .metric_count = count,
                                        .metrics = metrics};
    const struct perftrace_item item = {
        .kind = PERFTRACE_ITEM_SPAN_END, .site = call.site, .track = call.track, .call = &call};
    assert_int_equal(analysis_item(analysis, &item), 0);
}

/* A pair as a log would give it: "key=12", "key=1.5", "key=text". */
static void feed_pairs(struct analysis *analysis, unsigned site, uint64_t elapsed_ns, const char *pairs) {
    char copy[256], *rest = copy, *pair;
    struct perftrace_value values[8];
    size_t count = 0;
    snprintf(copy, sizeof copy, "%s", pairs);
    while ((pair = strtok_r(rest, " ", &rest)) != NULL) {
        char *value = strchr(pair, '=');
        *value++ = '\0';
        char *end;
        long long whole = strtoll(value, &end, 10);
        bool is_whole = *end == '\0', is_text = value[strcspn(value, "abcdefghijklmnopqrstuvwxyz")] != '\0';
        bool trailing_zero = !is_whole && value[strlen(value) - 1] == '0';
        values[count] = (struct perftrace_value){.argument = argument(pair)};
        if (is_whole) {
            values[count].type = PERFTRACE_TYPE_SIGNED;
            values[count].i = whole;
        } else if (is_text || trailing_zero) {
            values[count].type = PERFTRACE_TYPE_STRING;
            values[count].text = text(value);
        } else {
            values[count].type = PERFTRACE_TYPE_DOUBLE;
            values[count].d = strtod(value, NULL);
        }
        count++;
    }
    feed(analysis, site, elapsed_ns, count, values);
}

static const struct analysis_breakdown *only_breakdown(const struct analysis *analysis) {
    uint32_t count;
    const struct analysis_breakdown *breakdowns = analysis_breakdowns(analysis, &count);
    assert_int_equal(count, 1);
    return breakdowns;
}

static const struct analysis_time_part *part(const struct analysis_breakdown *breakdown, const char *name) {
    for (uint32_t i = 0; i < breakdown->part_count; i++)
        if (breakdown->parts[i].name.length == strlen(name) &&
            memcmp(breakdown->parts[i].name.bytes, name, strlen(name)) == 0)
            return &breakdown->parts[i];
    fail_msg("there is no part %s", name);
    return NULL;
}

static void parts_and_what_is_left(void **state) {
    (void)state;
    struct analysis *analysis = open_analysis(0);
    feed_pairs(analysis, 0, 10000000, "query_ms=6 parse_us=1500 wait_ns=250000 records=3");
    feed_pairs(analysis, 0, 5000000, "query_ms=2 records=1");
    feed_pairs(analysis, 0, 7000000, "records=2"); /* says nothing of its time */
    assert_int_equal(analysis_finish(analysis), 0);
    const struct analysis_breakdown *found = only_breakdown(analysis);
    assert_int_equal(found->calls, 2);
    assert_int_equal(found->elapsed_ns, 15000000);
    assert_int_equal(found->part_count, 3);
    assert_int_equal(found->parts[0].total_ns, 8000000); /* the largest first */
    assert_int_equal(part(found, "query")->total_ns, 8000000);
    assert_int_equal(part(found, "query")->max_ns, 6000000);
    assert_int_equal(part(found, "query")->calls, 2);
    assert_int_equal(part(found, "parse")->total_ns, 1500000);
    assert_int_equal(part(found, "wait")->total_ns, 250000);
    assert_int_equal(found->left_ns, 15000000 - 9750000);
    assert_int_equal(found->over_calls, 0);
    assert_int_equal(found->amount_count, 1);
    assert_int_equal(found->amounts[0].calls, 3);
    analysis_close(analysis);
}

static void one_time_in_two_units_is_one_part(void **state) {
    (void)state;
    struct analysis *analysis = open_analysis(0);
    feed_pairs(analysis, 0, 4000000, "query_ms=2 query_us=2345");
    feed_pairs(analysis, 0, 4000000, "query_us=1999 query_ms=1");
    feed_pairs(analysis, 0, 4000000, "query_ms=3"); /* the coarse one alone */
    feed_pairs(analysis, 0, 4000000, "query_ms=1 query_us=1111"); /* as the first time */
    assert_int_equal(analysis_finish(analysis), 0);
    const struct analysis_breakdown *found = only_breakdown(analysis);
    assert_int_equal(found->part_count, 1);
    assert_int_equal(part(found, "query")->total_ns, 2345000 + 1999000 + 3000000 + 1111000);
    assert_int_equal(part(found, "query")->calls, 4);
    assert_int_equal(found->left_ns, 16000000 - 8455000);
    analysis_close(analysis);
}

static void parts_that_are_more_than_the_whole_are_told(void **state) {
    (void)state;
    struct analysis *analysis = open_analysis(0);
    feed_pairs(analysis, 0, 1000, "a_us=2 b_us=1");
    feed_pairs(analysis, 0, 9000, "a_us=2 b_us=1");
    assert_int_equal(analysis_finish(analysis), 0);
    const struct analysis_breakdown *found = only_breakdown(analysis);
    assert_int_equal(found->over_calls, 1);
    assert_int_equal(found->over_ns, 2000);
    assert_int_equal(found->left_ns, 6000);
    assert_int_equal(part(found, "a")->total_ns + part(found, "b")->total_ns + found->left_ns -
                         found->over_ns,
                     found->elapsed_ns);
    analysis_close(analysis);
}

/* 4 ms may be anything up to 5. */
static void what_is_known_to_the_millisecond(void **state) {
    (void)state;
    struct analysis *analysis = open_analysis(0);
    milliseconds = true;
    feed_pairs(analysis, 0, 4000000, "query_us=4999");
    feed_pairs(analysis, 0, 4000000, "query_us=5000");
    feed_pairs(analysis, 0, 4000000, "query_us=1000");
    milliseconds = false;
    assert_int_equal(analysis_finish(analysis), 0);
    const struct analysis_breakdown *found = only_breakdown(analysis);
    assert_int_equal(found->elapsed_ns, 4999000 + 4000000 + 4000000);
    assert_int_equal(found->over_calls, 1);
    assert_int_equal(found->over_ns, 1000000);
    assert_int_equal(found->left_ns, 3000000);
    analysis_close(analysis);
}

static void times_of_every_form(void **state) {
    (void)state;
    struct analysis *analysis = open_analysis(0);
    feed_pairs(analysis, 0, 100000000, "a_ms=1.5 b_ms=2.50 c_ms=-3 d_ms=soon e_ms=99999999999999999");
    assert_int_equal(analysis_finish(analysis), 0);
    const struct analysis_breakdown *found = only_breakdown(analysis);
    assert_int_equal(found->part_count, 3);
    assert_int_equal(part(found, "a")->total_ns, 1500000);
    assert_int_equal(part(found, "b")->total_ns, 2500000);
    assert_true(part(found, "e")->total_ns == UINT64_MAX); /* no more fits */
    analysis_close(analysis);
}

static void numbers_by_ranges(void **state) {
    (void)state;
    struct analysis *analysis = open_analysis(0);
    const char *const pairs[] = {"records=0",    "records=1", "records=2",  "records=3",
                                 "records=4",    "records=7", "records=-5", "records=128",
                                 "name=ignored", "share=0.5", "records=255"};
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++)
        feed_pairs(analysis, 0, 1000, pairs[i]);
    assert_int_equal(analysis_finish(analysis), 0);
    const struct analysis_breakdown *found = only_breakdown(analysis);
    assert_int_equal(found->calls, 0);
    assert_int_equal(found->amount_count, 1);
    const struct analysis_amount *records = &found->amounts[0];
    assert_int_equal(records->calls, 9);
    assert_int_equal(records->min, -5);
    assert_int_equal(records->max, 255);
    assert_true(records->sum == 0 + 1 + 2 + 3 + 4 + 7 - 5 + 128 + 255);
    const uint64_t expected[] = {1, 1, 1, 2, 2, 0, 0, 0, 0, 2};
    for (unsigned i = 0; i < BREAKDOWN_RANGES; i++)
        assert_int_equal(records->ranges[i], i < sizeof expected / sizeof *expected ? expected[i] : 0);
    analysis_close(analysis);
}

static void ranges_follow_each_other(void **state) {
    (void)state;
    int64_t last = INT64_MIN, from, to;
    for (unsigned range = 0; range < BREAKDOWN_RANGES - 1; range++) {
        breakdown_range(range, &from, &to);
        assert_true(range == 0 ? from == INT64_MIN : from == last + 1);
        assert_true(to >= from);
        last = to;
    }
    assert_true(last == INT64_MAX);
}

static void a_text_at_first_may_be_a_number_later(void **state) {
    (void)state;
    struct analysis *analysis = open_analysis(0);
    feed_pairs(analysis, 0, 1000, "found=none");
    feed_pairs(analysis, 0, 1000, "found=1");
    feed_pairs(analysis, 0, 1000, "other=1 found=1");
    assert_int_equal(analysis_finish(analysis), 0);
    const struct analysis_breakdown *found = only_breakdown(analysis);
    assert_int_equal(found->amount_count, 2);
    assert_int_equal(found->amounts[0].calls, 2);
    assert_int_equal(found->amounts[0].ranges[2], 2);
    analysis_close(analysis);
}

static void functions_with_most_time_first(void **state) {
    (void)state;
    struct analysis *analysis = open_analysis(0);
    feed_pairs(analysis, 0, 1000, "query_us=1");
    feed_pairs(analysis, 1, 5000, "query_us=1");
    assert_int_equal(analysis_finish(analysis), 0);
    uint32_t count;
    const struct analysis_breakdown *found = analysis_breakdowns(analysis, &count);
    assert_int_equal(count, 2);
    assert_string_equal(analysis->functions[found[0].function].name.bytes, "parse");
    analysis_close(analysis);
}

/* Another input's metrics may be where those of the one before were. */
static void metrics_of_several_inputs(void **state) {
    (void)state;
    struct analysis *analysis = open_analysis(0);
    feed_pairs(analysis, 0, 10000000, "query_ms=6 records=3");
    feed_pairs(analysis, 0, 10000000, "query_ms=2 records=5");
    assert_int_equal(analysis_end_input(analysis, &(struct perftrace_trace_info){.finished = true}, 1), 0);
    argument_count = 0;
    assert_int_equal(analysis_begin_input(analysis, "another"), 0);
    feed_pairs(analysis, 0, 10000000, "records=100 query_ms=1");
    assert_int_equal(analysis_finish(analysis), 0);
    const struct analysis_breakdown *found = only_breakdown(analysis);
    assert_int_equal(part(found, "query")->total_ns, 9000000);
    assert_int_equal(found->amount_count, 1);
    assert_int_equal(found->amounts[0].max, 100);
    assert_int_equal((int64_t)found->amounts[0].sum, 108);
    analysis_close(analysis);
}

static void what_there_is_no_room_for_is_told(void **state) {
    (void)state;
    struct analysis *analysis = open_analysis(0);
    for (unsigned i = 0; i < BREAKDOWN_METRICS_MAX + 3; i++) {
        char pair[16];
        snprintf(pair, sizeof pair, "m%u=1", i);
        feed_pairs(analysis, 0, 1000, pair);
    }
    assert_int_equal(analysis_finish(analysis), 0);
    assert_int_equal(only_breakdown(analysis)->amount_count, BREAKDOWN_METRICS_MAX);
    struct perftrace_buffer text = {0};
    analysis_approximations(analysis, &text);
    perftrace_buffer_add(&text, "", 1);
    assert_non_null(strstr(text.bytes, "Query breakdown: 3 metrics are left out.\n"));
    free(text.bytes);
    analysis_close(analysis);
}

/* ---- metrics of the slowest calls ------------------------------------------------------------------------------- */

static void assert_metrics(const struct analysis_slow_call *call, uint64_t expected_number,
                           const char *expected) {
    assert_int_equal(call->id.number, expected_number);
    assert_int_equal(call->metrics.length, strlen(expected));
    assert_memory_equal(call->metrics.length > 0 ? call->metrics.bytes : "", expected, strlen(expected));
}

static void the_slowest_keep_their_metrics(void **state) {
    (void)state;
    struct analysis *analysis = open_analysis(0);
    for (unsigned i = 0; i < 100; i++) { /* in no order; each says which it is */
        char pairs[64];
        snprintf(pairs, sizeof pairs, "n=%u kind=%s", i,
                 i % 2 == 0 ? "a|b" : "a_much_longer_text_than_before");
        feed_pairs(analysis, 0, 1000 + i * 37 % 100, pairs);
    }
    feed(analysis, 1, 5000, 0, NULL);
    assert_int_equal(analysis_finish(analysis), 0);
    const struct analysis_slowest *slowest = analysis_slowest(analysis);
    assert_int_equal(slowest->count, 3);
    assert_metrics(&slowest->calls[0], 101, "");
    assert_metrics(&slowest->calls[1], 28,
                   "n=27|kind=a_much_longer_text_than_before");  /* 27 * 37 % 100 = 99 */
    assert_metrics(&slowest->calls[2], 55, "n=54|kind=a\\x7cb"); /* 98 */
    analysis_close(analysis);
}

static void very_long_metrics_are_cut_between_two(void **state) {
    (void)state;
    static char longer[200000];
    memset(longer, 'x', sizeof longer - 1);
    struct analysis *analysis = open_analysis(0);
    const struct perftrace_value values[] = {
        {.argument = argument("n"), .type = PERFTRACE_TYPE_SIGNED, .i = 7},
        {.argument = argument("long"), .type = PERFTRACE_TYPE_STRING, .text = text(longer)}};
    feed(analysis, 0, 50, 2, values);
    feed(analysis, 0, 40, 1, &values[1]);
    assert_int_equal(analysis_finish(analysis), 0);
    assert_metrics(&analysis_slowest(analysis)->calls[0], 1, "n=7|…");
    assert_metrics(&analysis_slowest(analysis)->calls[1], 2, "…");
    analysis_close(analysis);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parts_and_what_is_left),
        cmocka_unit_test(one_time_in_two_units_is_one_part),
        cmocka_unit_test(parts_that_are_more_than_the_whole_are_told),
        cmocka_unit_test(what_is_known_to_the_millisecond),
        cmocka_unit_test(times_of_every_form),
        cmocka_unit_test(numbers_by_ranges),
        cmocka_unit_test(ranges_follow_each_other),
        cmocka_unit_test(a_text_at_first_may_be_a_number_later),
        cmocka_unit_test(functions_with_most_time_first),
        cmocka_unit_test(metrics_of_several_inputs),
        cmocka_unit_test(what_there_is_no_room_for_is_told),
        cmocka_unit_test(the_slowest_keep_their_metrics),
        cmocka_unit_test(very_long_metrics_are_cut_between_two),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
