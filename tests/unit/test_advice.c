/* What to do: from findings made up here, on calls fed by hand. */
#include "../../analysis/advice.h"
#include "../../analysis/time_span.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const struct perftrace_track_info tracks[] = {{.id = 1, .kind = PERFTRACE_ON_THREAD},
                                                     {.id = 2, .kind = PERFTRACE_ON_THREAD}};
static struct perftrace_site_info sites[64];
static uint64_t number;

static struct perftrace_text text(const char *bytes) {
    return (struct perftrace_text){bytes, strlen(bytes)};
}

static const struct perftrace_site_info *site(const char *name) {
    unsigned i = 0;
    for (; sites[i].id != 0; i++)
        if (strcmp(sites[i].name.bytes, name) == 0)
            return &sites[i];
    sites[i] = (struct perftrace_site_info){.id = i + 1, .kind = 1, .name = text(name)};
    return &sites[i];
}

static struct analysis *open_analysis(void) {
    struct analysis *analysis = analysis_open(&(struct analysis_options){.slowest_max = 10});
    assert_non_null(analysis);
    assert_int_equal(analysis_begin_input(analysis, "test"), 0);
    number = 0;
    return analysis;
}

/* A call that ends; without numbers of parents, callers are told by their names. start_ns 0: a log's. */
static void feed(struct analysis *analysis, const char *name, const char *caller, uint64_t elapsed_ns,
                 unsigned track, uint64_t start_ns) {
    const struct perftrace_argument_info argument = {.name = text("id"), .type = PERFTRACE_TYPE_UNSIGNED};
    const struct perftrace_value parameter = {
        .argument = &argument, .type = PERFTRACE_TYPE_UNSIGNED, .u = number};
    const struct perftrace_call call = {
        .number = ++number,
        .site = site(name),
        .caller = text(caller),
        .parent_site = strcmp(caller, "unknown") != 0 ? site(caller) : NULL,
        .track = &tracks[track],
        .elapsed_ns = elapsed_ns,
        .start_ns = start_ns,
        .parameter_count = 1,
        .parameters = &parameter,
    };
    const struct perftrace_item item = {
        .kind = PERFTRACE_ITEM_SPAN_END, .site = call.site, .track = call.track, .call = &call};
    assert_int_equal(analysis_item(analysis, &item), 0);
}

static uint32_t function(const struct analysis *analysis, const char *name) {
    for (uint32_t i = 0; i < analysis->function_count; i++)
        if (strcmp(analysis->functions[i].name.bytes, name) == 0)
            return i;
    fail_msg("there is no function %s", name);
    return 0;
}

static void end(struct analysis *analysis) {
    const struct perftrace_trace_info info = {0};
    assert_int_equal(analysis_end_input(analysis, &info, 2), 0);
    assert_int_equal(analysis_finish(analysis), 0);
}

/* list -> exists, load -> query; 1,000,000 ns in all. Times are even, so that no function stands out. */
static struct analysis *a_program(void) {
    struct analysis *analysis = open_analysis();
    for (unsigned i = 0; i < 10; i++) {
        feed(analysis, "query", "exists", 14000, 0, 0);
        feed(analysis, "exists", "list", 40000, 0, 0);
        feed(analysis, "query", "load", 14000, 0, 0);
        feed(analysis, "load", "list", 40000, 0, 0);
    }
    feed(analysis, "list", "unknown", 1000000, 0, 0);
    end(analysis);
    return analysis;
}

static struct analysis_asked_again pair(const struct analysis *analysis, uint64_t saved_ns) {
    return (struct analysis_asked_again){.function = function(analysis, "query"),
                                         .first_caller = function(analysis, "exists"),
                                         .again_caller = function(analysis, "load"),
                                         .parents = 1,
                                         .again = 10,
                                         .saved_ns = saved_ns,
                                         .first = {1, 1},
                                         .second = {3, 1}};
}

static struct analysis_n_plus_one batch(const struct analysis *analysis, const char *caller,
                                        const char *through, uint64_t saved_ns) {
    struct analysis_n_plus_one found = {.caller = function(analysis, caller),
                                        .function = function(analysis, "query"),
                                        .parents = 1,
                                        .calls = 10,
                                        .saved_ns = saved_ns,
                                        .examples = {{1, 1}, {5, 1}},
                                        .example_count = 2};
    if (through != NULL) {
        found.through[0] = function(analysis, through);
        found.through_count = 1;
    }
    return found;
}

static struct analysis_advice_list advise(const struct analysis *analysis,
                                          struct analysis_findings findings) {
    struct analysis_advice_list list;
    static const struct analysis_siblings no_siblings;
    if (findings.siblings == NULL)
        findings.siblings = &no_siblings;
    assert_int_equal(analysis_advise(analysis, &findings, &list), 0);
    uint64_t sum_ns = 0;
    for (uint32_t i = 0; i < list.count; i++)
        sum_ns += list.items[i].at_most ? 0 : list.items[i].saving_ns;
    assert_true(sum_ns <= list.whole_ns);
    return list;
}

static void nothing_to_mend(void **state) {
    (void)state;
    struct analysis *analysis = a_program();
    struct analysis_advice_list list = advise(analysis, (struct analysis_findings){0});
    assert_int_equal(list.whole_ns, 1000000);
    assert_int_equal(list.count, 0);
    analysis_close(analysis);
}

static void the_pair_and_then_the_listing(void **state) {
    (void)state;
    struct analysis *analysis = a_program();
    struct analysis_n_plus_one listing = batch(analysis, "list", NULL, 20000);
    struct analysis_asked_again asked = pair(analysis, 50000);
    struct analysis_siblings siblings = {
        .n_plus_one = &listing, .n_plus_one_count = 1, .asked_again = &asked, .asked_again_count = 1};
    struct analysis_advice_list list = advise(analysis, (struct analysis_findings){.siblings = &siblings});
    assert_int_equal(list.count, 2);
    assert_int_equal(list.items[0].kind, ADVICE_ASK_ONCE);
    assert_int_equal(list.items[0].saving_ns, 50000);
    assert_int_equal(list.items[0].evidence_count, 2);
    assert_int_equal(list.items[0].evidence[1].number, 3);
    assert_int_equal(list.items[1].kind, ADVICE_BATCH);
    assert_int_equal(list.items[1].saving_ns, 20000);
    analysis_close(analysis);
}

/* Two that ask the same far from each other are not as simple to mend as a listing. */
static void a_pair_far_apart_comes_later(void **state) {
    (void)state;
    struct analysis *analysis = a_program();
    struct analysis_n_plus_one listing = batch(analysis, "list", NULL, 20000);
    struct analysis_asked_again asked = pair(analysis, 50000);
    asked.second.number = 300;
    struct analysis_siblings siblings = {
        .n_plus_one = &listing, .n_plus_one_count = 1, .asked_again = &asked, .asked_again_count = 1};
    struct analysis_advice_list list = advise(analysis, (struct analysis_findings){.siblings = &siblings});
    assert_int_equal(list.count, 2);
    assert_int_equal(list.items[0].kind, ADVICE_BATCH);
    analysis_close(analysis);
}

/* Were what exists asks left out, it would not be asked one by one either. */
static void the_same_calls_are_told_once(void **state) {
    (void)state;
    struct analysis *analysis = a_program();
    struct analysis_n_plus_one found[] = {batch(analysis, "list", "exists", 45000)};
    struct analysis_asked_again asked = pair(analysis, 50000);
    struct analysis_siblings siblings = {
        .n_plus_one = found, .n_plus_one_count = 1, .asked_again = &asked, .asked_again_count = 1};
    struct analysis_advice_list list = advise(analysis, (struct analysis_findings){.siblings = &siblings});
    assert_int_equal(list.count, 1);
    assert_int_equal(list.items[0].kind, ADVICE_ASK_ONCE);
    analysis_close(analysis);
}

static struct analysis_cache_function cache(const struct analysis *analysis, const char *name,
                                            uint64_t saved_ns) {
    struct analysis_cache_function found = {.function = function(analysis, name), .calls = 20};
    found.all = found.most = (struct analysis_cache_point){.size = 4, .hits = 9, .saved_ns = saved_ns};
    return found;
}

static void a_cache_has_what_is_left(void **state) {
    (void)state;
    struct analysis *analysis = a_program();
    struct analysis_asked_again asked = pair(analysis, 50000);
    struct analysis_siblings siblings = {.asked_again = &asked, .asked_again_count = 1};
    struct analysis_cache_function larger = cache(analysis, "query", 150000),
                                   smaller = cache(analysis, "query", 90000);
    struct analysis_cache found = {.functions = &larger, .count = 1};
    struct analysis_advice_list list =
        advise(analysis, (struct analysis_findings){.siblings = &siblings, .cache = &found});
    assert_int_equal(list.count, 2);
    assert_int_equal(list.items[1].kind, ADVICE_CACHE);
    assert_int_equal(list.items[1].saving_ns, 100000);
    found.functions = &smaller; /* most of it is the pair's */
    list = advise(analysis, (struct analysis_findings){.siblings = &siblings, .cache = &found});
    assert_int_equal(list.count, 1);
    assert_int_equal(list.items[0].kind, ADVICE_ASK_ONCE);
    analysis_close(analysis);
}

/* Of two fixes for the same calls that which saves more is told, unless what it would replace saves as much together. */
static void the_larger_of_two_fixes(void **state) {
    (void)state;
    struct analysis *analysis = a_program();
    struct analysis_n_plus_one listings[] = {batch(analysis, "exists", NULL, 20000),
                                             batch(analysis, "load", NULL, 19000)};
    struct analysis_asked_again asked = pair(analysis, 39500);
    asked.second.number = 300; /* not as simple as they are */
    struct analysis_siblings siblings = {
        .n_plus_one = listings, .n_plus_one_count = 1, .asked_again = &asked, .asked_again_count = 1};
    const struct analysis_findings findings = {.siblings = &siblings};
    for (siblings.n_plus_one_count = 1; siblings.n_plus_one_count <= 2; siblings.n_plus_one_count++) {
        struct analysis_advice_list list = advise(analysis, findings);
        assert_int_equal(list.count, 1);
        assert_int_equal(list.items[0].kind, ADVICE_ASK_ONCE);
        assert_int_equal(list.items[0].saving_ns, 39500);
    }
    siblings.n_plus_one_count = 2;
    asked.saved_ns = 38500;
    struct analysis_advice_list list = advise(analysis, findings);
    assert_int_equal(list.count, 2);
    assert_int_equal(list.items[0].kind, ADVICE_BATCH);
    assert_int_equal(list.items[1].kind, ADVICE_BATCH);
    analysis_close(analysis);
}

#define LISTINGS 8u
/* main -> list0 -> load0, list1 -> load1 …, and setting; 1,000,000 ns in all. Each listing saves 10,000 ns less than the one before. */
static struct analysis *several_listings(struct analysis_n_plus_one found[LISTINGS]) {
    struct analysis *analysis = open_analysis();
    static char lists[LISTINGS][8] = {"list0", "list1", "list2", "list3", "list4", "list5", "list6", "list7"},
                loads[LISTINGS][8] = {"load0", "load1", "load2", "load3", "load4", "load5", "load6", "load7"};
    for (unsigned i = 0; i < LISTINGS; i++) {
        for (unsigned call = 0; call < 5; call++)
            feed(analysis, loads[i], lists[i], 22000, 0, 0);
        feed(analysis, lists[i], "main", 110000, 0, 0);
    }
    for (unsigned i = 0; i < 8; i++)
        feed(analysis, "setting", "main", 10000, 0, 0);
    feed(analysis, "main", "unknown", 1000000, 0, 0);
    end(analysis);
    for (unsigned i = 0; i < LISTINGS; i++)
        found[i] = (struct analysis_n_plus_one){.caller = function(analysis, lists[i]),
                                                .function = function(analysis, loads[i]),
                                                .parents = 1,
                                                .calls = 5,
                                                .saved_ns = 100000 - 10000 * i};
    return analysis;
}

/* As many as there are places for, whatever their sort. */
static void places_are_for_the_largest_savings(void **state) {
    (void)state;
    struct analysis_n_plus_one listings[LISTINGS];
    struct analysis *analysis = several_listings(listings);
    struct analysis_siblings siblings = {.n_plus_one = listings, .n_plus_one_count = 6};
    struct analysis_cache_function setting = cache(analysis, "setting", 16000);
    struct analysis_cache found = {.functions = &setting, .count = 1};
    struct analysis_advice_list list =
        advise(analysis, (struct analysis_findings){.siblings = &siblings, .cache = &found});
    assert_int_equal(list.count, 7);
    for (unsigned i = 0; i < 6; i++) {
        assert_ptr_equal(list.items[i].n_plus_one, &listings[i]);
        assert_int_equal(list.items[i].saving_ns, 100000 - 10000 * i);
    }
    assert_int_equal(list.items[6].kind, ADVICE_CACHE);
    analysis_close(analysis);
}

/* But one is for what can only be looked at. */
static void a_place_for_what_nobody_knows(void **state) {
    (void)state;
    struct analysis_n_plus_one listings[LISTINGS];
    struct analysis *analysis = several_listings(listings);
    struct analysis_siblings siblings = {.n_plus_one = listings, .n_plus_one_count = LISTINGS};
    struct analysis_breakdown around = {.function = function(analysis, "main"),
                                        .calls = 1,
                                        .elapsed_ns = 1000000,
                                        .left_ns = 600000,
                                        .part_count = 1};
    struct analysis_findings findings = {.siblings = &siblings};
    struct analysis_advice_list list = advise(analysis, findings);
    assert_int_equal(list.count, 7);
    assert_ptr_equal(list.items[6].n_plus_one, &listings[6]);
    findings.breakdowns = &around;
    findings.breakdown_count = 1;
    list = advise(analysis, findings);
    assert_int_equal(list.count, 7);
    assert_ptr_equal(list.items[5].n_plus_one, &listings[5]);
    assert_int_equal(list.items[6].kind, ADVICE_AROUND);
    analysis_close(analysis);
}

static void caches_of_caller_and_callee_share(void **state) {
    (void)state;
    struct analysis *analysis = a_program();
    struct analysis_cache_function both[] = {cache(analysis, "load", 300000),
                                             cache(analysis, "query", 200000)};
    struct analysis_cache found = {.functions = both, .count = 2};
    struct analysis_advice_list list = advise(analysis, (struct analysis_findings){.cache = &found});
    assert_int_equal(list.count, 1);
    assert_int_equal(list.items[0].function, function(analysis, "load"));
    analysis_close(analysis);
}

static void never_more_than_the_whole(void **state) {
    (void)state;
    struct analysis *analysis = a_program();
    struct analysis_asked_again asked = pair(analysis, 5000000);
    struct analysis_siblings siblings = {.asked_again = &asked, .asked_again_count = 1};
    struct analysis_advice_list list = advise(analysis, (struct analysis_findings){.siblings = &siblings});
    assert_true(list.count <= 1);
    for (uint32_t i = 0; i < list.count; i++)
        assert_true(list.items[i].saving_ns <= list.whole_ns);
    analysis_close(analysis);
}

/* What saves a quarter comes first, whatever it takes to mend; less than that, what is simplest. */
static void much_before_simple(void **state) {
    (void)state;
    struct analysis *analysis = a_program();
    struct analysis_n_plus_one found[] = {batch(analysis, "list", "list", 0)};
    struct analysis_asked_again asked = pair(analysis, 20000);
    struct analysis_siblings siblings = {
        .n_plus_one = found, .n_plus_one_count = 1, .asked_again = &asked, .asked_again_count = 1};
    found[0].saved_ns = 60000;
    struct analysis_advice_list list = advise(analysis, (struct analysis_findings){.siblings = &siblings});
    assert_int_equal(list.count, 2);
    assert_int_equal(list.items[0].kind, ADVICE_ASK_ONCE);
    found[0].saved_ns = 260000;
    list = advise(analysis, (struct analysis_findings){.siblings = &siblings});
    assert_int_equal(list.count, 2);
    assert_int_equal(list.items[0].kind, ADVICE_BATCH);
    analysis_close(analysis);
}

/* Two threads at work all the time: half of what they need not do is what one waits less. */
static void savings_of_threads_side_by_side(void **state) {
    (void)state;
    struct analysis *analysis = open_analysis();
    for (unsigned track = 0; track < 2; track++) {
        for (unsigned i = 0; i < 10; i++) {
            feed(analysis, "query", "exists", 20000, track, 1000 + i * 100000);
            feed(analysis, "query", "load", 20000, track, 1000 + i * 100000 + 40000);
        }
        feed(analysis, "exists", "unknown", 500000, track, 1000);
        feed(analysis, "load", "unknown", 500000, track, 501000);
    }
    end(analysis);
    assert_int_equal(analysis_time_span(analysis), 1000000);
    struct analysis_asked_again asked = pair(analysis, 300000);
    struct analysis_siblings siblings = {.asked_again = &asked, .asked_again_count = 1};
    struct analysis_advice_list list = advise(analysis, (struct analysis_findings){.siblings = &siblings});
    assert_true(list.count >= 1);
    assert_int_equal(list.items[0].kind, ADVICE_ASK_ONCE);
    assert_int_equal(list.items[0].saving_ns, 150000);
    assert_int_equal(list.whole_ns, 1000000);
    analysis_close(analysis);
}

static void a_slow_function_and_a_slow_call(void **state) {
    (void)state;
    struct analysis *analysis = open_analysis();
    for (unsigned i = 0; i < 20; i++)
        feed(analysis, "work", "main", i == 7 ? 400000 : 30000, 0, 0);
    feed(analysis, "main", "unknown", 1000000, 0, 0);
    end(analysis);
    struct analysis_advice_list list = advise(analysis, (struct analysis_findings){0});
    assert_int_equal(list.count, 1); /* the slow call is of the slow function */
    assert_int_equal(list.items[0].kind, ADVICE_FASTER);
    assert_true(list.items[0].at_most);
    assert_int_equal(list.items[0].time_ns, 970000);
    assert_int_equal(list.items[0].of_ns, 1000000);
    assert_int_equal(list.items[0].evidence[0].number, 8); /* the slowest */
    struct analysis_cache_function work = cache(analysis, "work", 400000);
    struct analysis_cache found = {.functions = &work, .count = 1};
    list = advise(analysis, (struct analysis_findings){.cache = &found});
    assert_int_equal(list.count, 1); /* one thing about it is enough */
    assert_int_equal(list.items[0].kind, ADVICE_CACHE);
    analysis_close(analysis);
}

static void one_call_that_took_long(void **state) {
    (void)state;
    struct analysis *analysis = open_analysis();
    for (unsigned i = 0; i < 60; i++) {
        const char *const names[] = {"a", "b", "c", "d", "e", "f"};
        feed(analysis, names[i % 6], "main", i == 13 ? 120000 : 10000, 0, 0);
    }
    feed(analysis, "main", "unknown", 800000, 0, 0);
    end(analysis);
    struct analysis_advice_list list = advise(analysis, (struct analysis_findings){0});
    assert_int_equal(list.count, 1);
    assert_int_equal(list.items[0].kind, ADVICE_OUTLIER);
    assert_int_equal(list.items[0].saving_ns, 110000);
    assert_int_equal(list.items[0].evidence[0].number, 14);
    analysis_close(analysis);
}

static void time_around_queries(void **state) {
    (void)state;
    struct analysis *analysis = a_program();
    struct analysis_breakdown around = {.function = function(analysis, "load"),
                                        .calls = 10,
                                        .elapsed_ns = 400000,
                                        .left_ns = 250000,
                                        .part_count = 1};
    struct analysis_advice_list list =
        advise(analysis, (struct analysis_findings){.breakdowns = &around, .breakdown_count = 1});
    assert_int_equal(list.count, 1);
    assert_int_equal(list.items[0].kind, ADVICE_AROUND);
    assert_true(list.items[0].at_most);
    assert_int_equal(list.items[0].saving_ns, 250000);
    around.left_ns = 150000; /* most of it is the query's */
    list = advise(analysis, (struct analysis_findings){.breakdowns = &around, .breakdown_count = 1});
    assert_int_equal(list.count, 0);
    analysis_close(analysis);
}

/* ---- the whole -------------------------------------------------------------------------------------------------- */

static void add_input(struct analysis *analysis, uint8_t boot, uint64_t first_ns, uint64_t last_ns) {
    feed(analysis, "f", "unknown", last_ns - first_ns, 0, first_ns);
    struct perftrace_trace_info info = {.boot_id = {boot}};
    assert_int_equal(analysis_end_input(analysis, &info, 1), 0);
}

static void time_spans_of_several_inputs(void **state) {
    (void)state;
    struct analysis *analysis = open_analysis();
    add_input(analysis, 1, 100, 200);
    const struct {
        uint8_t boot;
        uint64_t first_ns, last_ns, expected_ns;
    } more[] = {
        {1, 150, 250, 150}, /* beside it */
        {2, 150, 250, 250}, /* on another clock */
        {1, 120, 130, 250}, /* within */
        {1, 900, 950, 300}, /* later */
        {1, 50, 60, 310},   /* before */
        {1, 10, 1000, 1090},
    };
    for (size_t i = 0; i < sizeof more / sizeof *more; i++) {
        assert_int_equal(analysis_begin_input(analysis, "more"), 0);
        add_input(analysis, more[i].boot, more[i].first_ns, more[i].last_ns);
        assert_int_equal(analysis_time_span(analysis), more[i].expected_ns);
    }
    analysis_close(analysis);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_to_mend),
        cmocka_unit_test(the_pair_and_then_the_listing),
        cmocka_unit_test(a_pair_far_apart_comes_later),
        cmocka_unit_test(the_same_calls_are_told_once),
        cmocka_unit_test(a_cache_has_what_is_left),
        cmocka_unit_test(the_larger_of_two_fixes),
        cmocka_unit_test(places_are_for_the_largest_savings),
        cmocka_unit_test(a_place_for_what_nobody_knows),
        cmocka_unit_test(caches_of_caller_and_callee_share),
        cmocka_unit_test(never_more_than_the_whole),
        cmocka_unit_test(much_before_simple),
        cmocka_unit_test(savings_of_threads_side_by_side),
        cmocka_unit_test(a_slow_function_and_a_slow_call),
        cmocka_unit_test(one_call_that_took_long),
        cmocka_unit_test(time_around_queries),
        cmocka_unit_test(time_spans_of_several_inputs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
