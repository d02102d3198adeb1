/* Which calls a selection takes: patterns against an independent definition of them, and what the analysis does with the rest. */
#include "../../analysis/collect.h"
#include "../../analysis/select.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct perftrace_text text(const char *bytes) {
    return (struct perftrace_text){bytes, strlen(bytes)};
}

/* The definition, in exponential time. */
static bool matches(const char *pattern, const char *bytes, size_t length) {
    if (*pattern == '*')
        return matches(pattern + 1, bytes, length) || (length > 0 && matches(pattern, bytes + 1, length - 1));
    if (length == 0 || *pattern == '\0')
        return length == 0 && *pattern == '\0';
    return (*pattern == '?' || *pattern == *bytes) && matches(pattern + 1, bytes + 1, length - 1);
}

/* All patterns of up to five of these characters, on all texts of up to four. */
static void patterns_are_as_defined(void **state) {
    (void)state;
    static const char in_patterns[] = "ab*?", in_texts[] = "ab?*";
    enum { LONGEST = 5, TEXT_LONGEST = 4 };
    unsigned matched = 0;
    for (unsigned p = 0; p < 1u << (2 * LONGEST); p++) {
        for (unsigned pattern_length = 0; pattern_length <= LONGEST; pattern_length++) {
            char pattern[LONGEST + 1] = "", bytes[LONGEST + 1] = "";
            if (p >> (2 * pattern_length) != 0)
                continue;
            for (unsigned i = 0; i < pattern_length; i++)
                pattern[i] = in_patterns[p >> (2 * i) & 3];
            for (unsigned t = 0; t < 4 << (2 * TEXT_LONGEST); t++) {
                unsigned length = t / (1u << (2 * TEXT_LONGEST)) + 1, digits = t % (1u << (2 * TEXT_LONGEST));
                if (digits >> (2 * length) != 0)
                    continue;
                for (unsigned i = 0; i < length; i++)
                    bytes[i] = in_texts[digits >> (2 * i) & 3];
                bool expected = matches(pattern, bytes, length);
                matched += expected;
                if (analysis_pattern_matches(pattern, (struct perftrace_text){bytes, length}) != expected)
                    fail_msg("\"%s\" on \"%.*s\" should be %d", pattern, (int)length, bytes, expected);
            }
            assert_int_equal(analysis_pattern_matches(pattern, text("")), matches(pattern, "", 0));
        }
    }
    assert_true(matched > 1000);
}

/* A name as long as a log line may be, and a pattern that is tried at every byte of it. */
static void a_long_name_takes_no_long_time(void **state) {
    (void)state;
    enum { LENGTH = 1 << 20 };
    char *name = malloc(LENGTH + 1);
    assert_non_null(name);
    memset(name, 'a', LENGTH);
    name[LENGTH] = '\0';
    assert_false(analysis_pattern_matches("*a*aa*aaa*aaaa*aaaaab", (struct perftrace_text){name, LENGTH}));
    assert_true(analysis_pattern_matches("a*a*a", (struct perftrace_text){name, LENGTH}));
    free(name);
}

static const struct perftrace_site_info sites[] = {
    {.id = 1, .kind = 1, .name = {"outer", 5}},
    {.id = 2, .kind = 1, .name = {"inner", 5}},
};
static const struct perftrace_track_info tracks[] = {
    {.id = 1, .kind = PERFTRACE_ON_THREAD, .os_id = 4711, .name = {"worker-1", 8}},
    {.id = 2, .kind = PERFTRACE_ON_THREAD, .os_id = 4712, .name = {"", 0}},
};

/* On the first track outer, from 1000 ns of the clock on, for 100 ns, and within it inner, from 1010 on for 60; on the second the same 50 ns
 * later, the inner one unfinished. */
static struct analysis *analyse(const struct analysis_selection *selection) {
    struct analysis *analysis =
        analysis_open(&(struct analysis_options){.slowest_max = 10, .selection = *selection});
    assert_non_null(analysis);
    assert_int_equal(analysis_begin_input(analysis, "test"), 0);
    for (unsigned track = 0; track < 2; track++) {
        const struct perftrace_call outer = {.number = 1 + 2 * track,
                                             .site = &sites[0],
                                             .caller = text("unknown"),
                                             .track = &tracks[track],
                                             .start_ns = 1000 + 50 * track,
                                             .elapsed_ns = 100,
                                             .children_ns = 60};
        const struct perftrace_call inner = {.number = 2 + 2 * track,
                                             .parent_number = outer.number,
                                             .site = &sites[1],
                                             .parent_site = &sites[0],
                                             .caller = text("outer"),
                                             .track = &tracks[track],
                                             .start_ns = outer.start_ns + 10,
                                             .elapsed_ns = 60,
                                             .unfinished = track == 1};
        const struct perftrace_item items[] = {
            {.kind = PERFTRACE_ITEM_SPAN_BEGIN,
             .time_ns = outer.start_ns,
             .site = &sites[0],
             .track = &tracks[track],
             .call = &outer},
            {.kind = PERFTRACE_ITEM_SPAN_END,
             .time_ns = outer.start_ns + 70,
             .site = &sites[1],
             .track = &tracks[track],
             .call = &inner},
            {.kind = PERFTRACE_ITEM_SPAN_END,
             .time_ns = outer.start_ns + 100,
             .site = &sites[0],
             .track = &tracks[track],
             .call = &outer},
        };
        for (unsigned i = 0; i < 3; i++)
            assert_int_equal(analysis_item(analysis, &items[i]), 0);
    }
    assert_int_equal(analysis_finish(analysis), 0);
    return analysis;
}

/* What each of the filters leaves of the four calls. */
static void each_filter_by_itself(void **state) {
    (void)state;
    static const char *const inner[] = {"inn*"}, *const nobody[] = {"nobody"},
                             *const unknown[] = {"x", "unkn?wn"};
    static const char *const by_name[] = {"work*"}, *const by_os_id[] = {"4712"}, *const by_id[] = {"1", "2"};
    static const char *const both[] = {"4711", "4712"};
    static const struct {
        struct analysis_selection selection;
        unsigned calls, unfinished;
    } cases[] = {
        {{.min_ns = 1}, 3, 1},
        {{.min_ns = 61}, 2, 0},
        {{.min_ns = 101}, 0, 0},
        {{.functions = {inner, 1}}, 1, 1},
        {{.functions = {nobody, 1}}, 0, 0},
        {{.callers = {unknown, 2}}, 2, 0},
        {{.callers = {inner, 1}}, 0, 0},
        {{.threads = {by_name, 1}}, 2, 0},
        {{.threads = {by_os_id, 1}}, 1, 1},
        {{.threads = {by_id, 2}}, 3, 1},
        {{.threads = {both, 2}}, 3, 1},
        {{.threads = {nobody, 1}}, 0, 0},
        {{.since_ns = 1}, 2, 1},
        {{.since_ns = 10}, 2, 1},
        {{.since_ns = 11}, 1, 1},
        {{.since_ns = 50}, 1, 1},
        {{.since_ns = 51}, 0, 1},
        {{.until_ns = 10}, 1, 0},
        {{.until_ns = 11}, 2, 0},
        {{.until_ns = 51}, 3, 0},
        {{.functions = {inner, 1}, .threads = {by_name, 1}, .until_ns = 11, .since_ns = 10, .min_ns = 60},
         1,
         0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct analysis *analysis = analyse(&cases[i].selection);
        if (analysis->calls != cases[i].calls || analysis->unfinished != cases[i].unfinished)
            fail_msg("case %zu: %u calls and %u unfinished", i, (unsigned)analysis->calls,
                     (unsigned)analysis->unfinished);
        assert_int_equal(analysis->calls + analysis->unfinished + analysis->left_out, 4);
        analysis_close(analysis);
    }
}

static void what_is_left_keeps_its_times(void **state) {
    (void)state;
    static const char *const outer[] = {"outer"};
    struct analysis *analysis = analyse(&(struct analysis_selection){.functions = {outer, 1}});
    assert_int_equal(analysis->functions[1].calls, 2);
    assert_int_equal(analysis->functions[1].total_ns, 200);
    assert_int_equal(analysis->functions[1].self_ns, 80);
    assert_int_equal(analysis->signature_count, 1);
    analysis_close(analysis);
}

/* A log has no times: the caller tells, and the first moment is 0. */
static void a_log_is_placed(void **state) {
    (void)state;
    struct analysis *analysis =
        analysis_open(&(struct analysis_options){.selection = {.since_ns = 100, .until_ns = 200}});
    assert_non_null(analysis);
    assert_int_equal(analysis_begin_input(analysis, "test"), 0);
    for (unsigned i = 0; i < 5; i++) {
        const struct perftrace_call call = {.number = i + 1,
                                            .site = &sites[0],
                                            .caller = text("unknown"),
                                            .track = &tracks[0],
                                            .elapsed_ns = 50};
        const struct perftrace_item item = {
            .kind = PERFTRACE_ITEM_SPAN_END, .site = &sites[0], .track = &tracks[0], .call = &call};
        analysis_place(analysis, 50 * i);
        assert_int_equal(analysis_item(analysis, &item), 0);
    }
    assert_int_equal(analysis->calls, 2);
    assert_int_equal(analysis->left_out, 3);
    assert_int_equal(analysis->signatures[0].first.number, 3);
    analysis_close(analysis);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(patterns_are_as_defined), cmocka_unit_test(a_long_name_takes_no_long_time),
        cmocka_unit_test(each_filter_by_itself),   cmocka_unit_test(what_is_left_keeps_its_times),
        cmocka_unit_test(a_log_is_placed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
