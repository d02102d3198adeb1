/* Runs side by side, and what has changed between two sides of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "../../analysis/changes.h"
#include "feed_calls.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Calls of one function by one caller, that are played once; children stand before their callers. */
struct played {
    const char *function, *caller; /* caller NULL: none */
    unsigned calls;
    uint64_t self_ns;   /* of each */
    unsigned different; /* so many different parameters; 0: it has none */
};

static const struct played *find(const struct played *all, const char *function) {
    while (strcmp(all->function, function) != 0)
        all++;
    return all;
}

/* What the first call of `caller` spends in others. */
static uint64_t children_ns(const struct played *all, const struct played *caller) {
    uint64_t ns = 0;
    for (const struct played *child = all; child->function != NULL; child++)
        if (child->caller != NULL && strcmp(child->caller, caller->function) == 0)
            ns += child->calls * child->self_ns + children_ns(all, child);
    return ns;
}

static void play(struct fed *fed, const struct played *all) {
    for (const struct played *it = all; it->function != NULL; it++) {
        uint64_t parent = it->caller != NULL ? (uint64_t)(find(all, it->caller) - all + 1) * 100000 : 0;
        for (unsigned i = 0; i < it->calls; i++) {
            uint64_t elapsed_ns = it->self_ns + (i == 0 ? children_ns(all, it) : 0);
            char parameter[32] = "";
            if (it->different > 0)
                snprintf(parameter, sizeof parameter, "id=%u", i % it->different);
            feed_call(fed, elapsed_ns, "%llu %llu %s %s %s", (unsigned long long)(it - all + 1) * 100000 + i,
                      (unsigned long long)parent, it->function, it->caller != NULL ? it->caller : "unknown",
                      parameter);
        }
    }
}

static void add_run(struct runs *runs, size_t run, struct runs_about about, const struct played *all) {
    struct fed fed = feed_open(0);
    play(&fed, all);
    feed_finish(&fed);
    assert_int_equal(runs_add(runs, run, fed.analysis, &about), 0);
    feed_close(&fed);
}

static uint32_t number_of(const struct runs *runs, const char *name) {
    for (uint32_t i = 0; i < runs->names.count; i++)
        if (strcmp(runs_name(runs, i).bytes, name) == 0)
            return i;
    return INTERN_NONE;
}

static const struct change *change_of(const struct changes *changes, const struct runs *runs,
                                      const char *name) {
    for (size_t i = 0; i < changes->count; i++)
        if (changes->spans[i].function == number_of(runs, name))
            return &changes->spans[i];
    fail_msg("no change of %s", name);
    return NULL;
}

static struct changes find_changes(const struct runs *runs) {
    const struct changes_options options = {.threshold = 0.02, .alpha = 0.05};
    struct changes changes;
    assert_int_equal(changes_find(&changes, runs, &options), 0);
    return changes;
}

static uint32_t path_of(const struct runs *runs, const char *const *names) {
    uint32_t path = 0;
    for (; *names != NULL; names++) {
        uint32_t child = runs->paths[path].first_child;
        while (child != INTERN_NONE && runs->paths[child].function != number_of(runs, *names))
            child = runs->paths[child].next;
        assert_true(child != INTERN_NONE);
        assert_int_equal(runs->paths[child].parent, path);
        path = child;
    }
    return path;
}

static const struct runs_about in_base = {.side = RUNS_BASE, .complete = true},
                               in_head = {.side = RUNS_HEAD, .complete = true};

/* ---- runs ---------------------------------------------------------------------------------------------- */

static void runs_share_their_numbers(void **state) {
    (void)state;
    static const struct played one[] = {
        {"query", "load", 5, 10, 2}, {"load", NULL, 1, 100, 0}, {NULL, NULL, 0, 0, 0}};
    static const struct played other[] = {{"query", "save", 3, 20, 3},
                                          {"save", NULL, 1, 50, 0},
                                          {"load", NULL, 2, 7, 0},
                                          {NULL, NULL, 0, 0, 0}};
    struct runs runs;
    assert_int_equal(runs_open(&runs, 2), 0);
    add_run(&runs, 1, in_head, other); /* in any order */
    add_run(&runs, 0, in_base, one);
    uint32_t query = number_of(&runs, "query"), load = number_of(&runs, "load");
    assert_int_equal(runs_function(&runs, query, 0)->calls, 5);
    assert_int_equal(runs_function(&runs, query, 0)->self_ns, 50);
    assert_int_equal(runs_function(&runs, query, 0)->repeated, 3); /* five calls, two parameters */
    assert_int_equal(runs_function(&runs, query, 1)->calls, 3);
    assert_int_equal(runs_function(&runs, query, 1)->repeated, 0);
    assert_int_equal(runs_function(&runs, load, 0)->self_ns, 100);
    assert_int_equal(runs_function(&runs, load, 0)->total_ns, 150);
    assert_int_equal(runs_function(&runs, load, 1)->calls, 2);
    uint32_t under_load = path_of(&runs, (const char *const[]){"load", "query", NULL});
    uint32_t under_save = path_of(&runs, (const char *const[]){"save", "query", NULL});
    assert_int_equal(runs_path(&runs, under_load, 0)->self_ns, 50);
    assert_int_equal(runs_path(&runs, under_load, 1)->calls, 0);
    assert_int_equal(runs_path(&runs, under_save, 0)->calls, 0);
    assert_int_equal(runs_path(&runs, under_save, 1)->total_ns, 60);
    assert_int_equal(runs.path_count, 5); /* with the root */
    runs_free(&runs);
}

static void what_has_no_room_is_counted(void **state) {
    (void)state;
    enum { RUNS = RUNS_CELLS_MAX / 4 }; /* room for four functions and four paths, the root too */
    static const struct played many[] = {{"e", "d", 2, 10, 0}, {"d", "c", 1, 10, 0},   {"c", "b", 3, 10, 0},
                                         {"b", "a", 1, 10, 0}, {"a", NULL, 1, 100, 0}, {NULL, NULL, 0, 0, 0}};
    struct runs runs;
    assert_int_equal(runs_open(&runs, RUNS), 0);
    add_run(&runs, 7, in_base, many);
    assert_int_equal(runs.names.count, 4);
    assert_int_equal(runs.path_count, 4);
    assert_int_not_equal(runs.calls_left_out + runs.calls_cut, 0);
    uint64_t self_ns = 0;
    for (uint32_t path = 0; path < runs.path_count; path++)
        self_ns += runs_path(&runs, path, 7)->self_ns;
    assert_int_equal(self_ns, 20 + 10 + 30 + 10 + 100); /* no time is */
    runs_free(&runs);
}

/* ---- changes ------------------------------------------------------------------------------------------- */

static void counts_and_callers_are_exact(void **state) {
    (void)state;
    static const struct played base[] = {{"query", "load", 3, 10, 1}, {"log", "load", 1, 5, 0},
                                         {"flush", "save", 1, 5, 0},  {"load", NULL, 1, 100, 0},
                                         {"save", NULL, 1, 100, 0},   {"old", NULL, 1, 1, 0},
                                         {NULL, NULL, 0, 0, 0}};
    static const struct played head[] = {{"query", "load", 4, 10, 2}, {"log", "save", 1, 5, 0},
                                         {"flush", "save", 1, 5, 0},  {"flush", "load", 2, 5, 0},
                                         {"load", NULL, 1, 100, 0},   {"save", NULL, 1, 100, 0},
                                         {"new", NULL, 2, 1, 0},      {NULL, NULL, 0, 0, 0}};
    struct runs runs;
    assert_int_equal(runs_open(&runs, 2), 0);
    add_run(&runs, 0, in_base, base);
    add_run(&runs, 1, in_head, head);
    struct changes changes = find_changes(&runs);
    const struct change *query = change_of(&changes, &runs, "query");
    assert_true(changes_differs(query->calls));
    assert_true(query->calls[RUNS_BASE].least == 3 && query->calls[RUNS_HEAD].most == 4);
    assert_true(query->repeated[RUNS_BASE].least == 2 && query->repeated[RUNS_HEAD].least == 2);
    assert_false(changes_differs(query->repeated));
    assert_int_equal(query->unit, CHANGES_PER_RUN);
    assert_true(query->ns[RUNS_BASE] == 30 && query->ns[RUNS_HEAD] == 40);
    assert_int_equal(query->time.answer, COMPARE_TOO_FEW);
    assert_true(changes.runs_needed > 1);
    assert_int_equal(change_of(&changes, &runs, "new")->presence, CHANGES_NEW);
    assert_int_equal(change_of(&changes, &runs, "old")->presence, CHANGES_GONE);
    assert_false(change_of(&changes, &runs, "old")->judged);
    /* log has moved, and flush is called by load as well. */
    uint32_t log = number_of(&runs, "log"), flush = number_of(&runs, "flush");
    assert_int_equal(changes.caller_count, 3);
    for (size_t i = 0; i < changes.caller_count; i++) {
        const struct changes_caller *caller = &changes.callers[i];
        assert_true(caller->function == log || caller->function == flush);
        assert_int_equal(caller->come,
                         caller->caller == number_of(&runs, caller->function == log ? "save" : "load"));
    }
    assert_true(changes.together.judged);
    assert_true(changes.together.ns[RUNS_BASE] == 241 && changes.together.ns[RUNS_HEAD] == 262);
    changes_free(&changes);
    runs_free(&runs);
}

/* Six runs of each side, whose numbers of steps, and frames, are these; a step takes `ns`, and there is one load. */
static void add_runs(struct runs *runs, const unsigned steps[RUNS_SIDES][6], const uint64_t ns[RUNS_SIDES],
                     bool frames) {
    assert_int_equal(runs_open(runs, 12), 0);
    for (unsigned run = 0; run < 12; run++) {
        unsigned side = run / 6, count = steps[side][run % 6];
        const struct played all[] = {{"step", NULL, count, ns[side] + run % 6, 0},
                                     {"load", NULL, 1, 5000 + 10 * (run % 6), 0},
                                     {NULL, NULL, 0, 0, 0}};
        add_run(
            runs, run,
            (struct runs_about){.side = (enum runs_side)side, .complete = true, .frames = frames ? count : 0},
            all);
    }
}

static void the_unit_is_one_that_can_be_compared(void **state) {
    (void)state;
    static const unsigned as_many[2][6] = {{10, 10, 10, 10, 10, 10}, {12, 12, 12, 12, 12, 12}};
    static const unsigned varying[2][6] = {{100, 101, 102, 103, 104, 105}, {80, 81, 82, 83, 84, 85}};
    static const uint64_t slower[2] = {1000, 1100}, same[2] = {1000, 1000};
    struct runs runs;
    /* As many in all runs of a side: more calls are more time. */
    add_runs(&runs, as_many, same, false);
    struct changes changes = find_changes(&runs);
    const struct change *step = change_of(&changes, &runs, "step");
    assert_int_equal(step->unit, CHANGES_PER_RUN);
    assert_int_equal(step->time.answer, COMPARE_SLOWER);
    assert_true(step->time.lower > 0.19 && step->time.upper < 0.21);
    assert_false(changes.together.judged); /* not the same work */
    changes_free(&changes);
    runs_free(&runs);
    /* Only time has decided how many: fewer that take longer are slower. */
    add_runs(&runs, varying, slower, false);
    changes = find_changes(&runs);
    step = change_of(&changes, &runs, "step");
    assert_int_equal(step->unit, CHANGES_PER_CALL);
    assert_int_equal(step->time.answer, COMPARE_SLOWER);
    assert_true(changes_varies(step->calls) && !changes_differs(step->calls));
    assert_int_equal(change_of(&changes, &runs, "load")->unit, CHANGES_PER_RUN);
    assert_false(changes.together.judged);
    changes_free(&changes);
    runs_free(&runs);
    /* With frames it is a frame's, and calls are as many in each. */
    add_runs(&runs, varying, slower, true);
    changes = find_changes(&runs);
    step = change_of(&changes, &runs, "step");
    assert_int_equal(step->unit, CHANGES_PER_FRAME);
    assert_int_equal(step->time.answer, COMPARE_SLOWER);
    assert_true(!changes_varies(step->calls) && !changes_differs(step->calls));
    assert_true(step->calls[RUNS_BASE].least == 1);
    assert_int_equal(change_of(&changes, &runs, "load")->unit, CHANGES_PER_RUN);
    assert_true(changes.together.judged);
    assert_int_equal(changes.together.unit, CHANGES_PER_FRAME);
    changes_free(&changes);
    runs_free(&runs);
}

static void the_unit_may_be_chosen(void **state) {
    (void)state;
    static const unsigned as_many[2][6] = {{10, 10, 10, 10, 10, 10}, {12, 12, 12, 12, 12, 12}};
    static const uint64_t same[2] = {1000, 1000};
    const struct changes_options options = {
        .threshold = 0.02, .alpha = 0.05, .unit_is_chosen = true, .unit = CHANGES_PER_CALL};
    struct changes changes;
    struct runs runs;
    add_runs(&runs, as_many, same, false);
    assert_int_equal(changes_find(&changes, &runs, &options), 0);
    assert_int_equal(change_of(&changes, &runs, "step")->time.answer, COMPARE_SAME);
    changes_free(&changes);
    runs_free(&runs);
}

/* ---- which runs ---------------------------------------------------------------------------------------- */

/* Runs that take 1000 ns, or 9000 ns where something is missing in them: the second of base, the third of head. */
static void add_incomplete(struct runs *runs, size_t base, size_t head, bool all) {
    assert_int_equal(runs_open(runs, base + head), 0);
    for (size_t run = 0; run < base + head; run++) {
        struct runs_about about = {.side = run < base ? RUNS_BASE : RUNS_HEAD};
        about.complete = !all && run != 1 && run != base + 2;
        const struct played played[] = {{"step", NULL, 1, about.complete ? 1000 : 9000, 0},
                                        {NULL, NULL, 0, 0, 0}};
        add_run(runs, run, about, played);
    }
}

static void incomplete_runs_are_left_out(void **state) {
    (void)state;
    struct runs runs;
    add_incomplete(&runs, 5, 5, false); /* with their partners */
    struct changes changes = find_changes(&runs);
    assert_true(changes.pairs && !changes.incomplete);
    assert_int_equal(changes.runs[RUNS_BASE], 3);
    assert_int_equal(changes.runs[RUNS_HEAD], 3);
    assert_true(change_of(&changes, &runs, "step")->ns[RUNS_BASE] == 1000);
    assert_true(change_of(&changes, &runs, "step")->time.weight == 6000);
    changes_free(&changes);
    runs_free(&runs);
    add_incomplete(&runs, 5, 6, false);
    changes = find_changes(&runs);
    assert_false(changes.pairs);
    assert_int_equal(changes.runs[RUNS_BASE], 4);
    assert_int_equal(changes.runs[RUNS_HEAD], 5);
    changes_free(&changes);
    runs_free(&runs);
    add_incomplete(&runs, 2, 2, true); /* there are no others */
    changes = find_changes(&runs);
    assert_true(changes.incomplete);
    assert_int_equal(changes.runs[RUNS_BASE], 2);
    changes_free(&changes);
    runs_free(&runs);
}

static void pairs_are_no_pairs_where_none_is_complete(void **state) {
    (void)state;
    static const struct played played[] = {{"step", NULL, 1, 1000, 0}, {NULL, NULL, 0, 0, 0}};
    struct runs runs;
    assert_int_equal(runs_open(&runs, 4), 0);
    for (size_t run = 0; run < 4; run++)
        add_run(
            &runs, run,
            (struct runs_about){.side = run < 2 ? RUNS_BASE : RUNS_HEAD, .complete = run == 0 || run == 3},
            played);
    struct changes changes = find_changes(&runs);
    assert_true(!changes.pairs && !changes.incomplete);
    assert_int_equal(changes.runs[RUNS_BASE], 1);
    assert_int_equal(changes.runs[RUNS_HEAD], 1);
    changes_free(&changes);
    runs_free(&runs);
}

static void spans_of_some_runs_are_not_judged(void **state) {
    (void)state;
    struct runs runs;
    assert_int_equal(runs_open(&runs, 4), 0);
    for (size_t run = 0; run < 4; run++) {
        const struct played played[] = {{run == 2 ? "other" : "collect", NULL, 1, 1000, 0},
                                        {"step", NULL, 1, 1000, 0},
                                        {NULL, NULL, 0, 0, 0}};
        add_run(&runs, run, run < 2 ? in_base : in_head, played);
    }
    struct changes changes = find_changes(&runs);
    const struct change *collect = change_of(&changes, &runs, "collect");
    assert_int_equal(collect->presence, CHANGES_SOMETIMES);
    assert_int_equal(collect->runs_with[RUNS_BASE], 2);
    assert_int_equal(collect->runs_with[RUNS_HEAD], 1);
    assert_false(collect->judged);
    assert_int_equal(change_of(&changes, &runs, "other")->presence, CHANGES_NEW);
    assert_int_equal(change_of(&changes, &runs, "other")->runs_with[RUNS_HEAD], 1);
    changes_free(&changes);
    runs_free(&runs);
}

/* What is twice as slow does not hide what is a tenth slower, nor what has become faster. */
static void a_large_change_hides_no_small_one(void **state) {
    (void)state;
    static const struct {
        const char *name;
        uint64_t base_ns, head_ns;
        enum compare_answer answer;
    } spans[] = {{"parse", 200000, 400000, COMPARE_SLOWER}, {"draw", 400000, 250000, COMPARE_FASTER},
                 {"walk", 300000, 330000, COMPARE_SLOWER},  {"steady", 300000, 300000, COMPARE_SAME},
                 {"load", 50000, 50000, COMPARE_SAME},      {"frame", 70000, 70000, COMPARE_SAME},
                 {"main", 10000, 10000, COMPARE_SAME}};
    enum { SPANS = sizeof spans / sizeof *spans, RUNS = 6 };
    struct runs runs;
    assert_int_equal(runs_open(&runs, 2 * RUNS), 0);
    for (size_t run = 0; run < 2 * RUNS; run++) {
        struct played played[SPANS + 1] = {{NULL, NULL, 0, 0, 0}};
        for (size_t i = 0; i < SPANS; i++) {
            uint64_t ns = run < RUNS ? spans[i].base_ns : spans[i].head_ns;
            played[i] = (struct played){spans[i].name, NULL, 1, ns + ns * ((run * 7 + i * 3) % 5) / 1000, 0};
        }
        add_run(&runs, run, run < RUNS ? in_base : in_head, played);
    }
    struct changes changes = find_changes(&runs);
    for (size_t i = 0; i < SPANS; i++)
        assert_int_equal(change_of(&changes, &runs, spans[i].name)->time.answer, spans[i].answer);
    changes_free(&changes);
    runs_free(&runs);
}

/* A span whose time is nothing at all has no logarithm, and is compared all the same. */
static void no_time_is_no_trouble(void **state) {
    (void)state;
    struct runs runs;
    assert_int_equal(runs_open(&runs, 12), 0);
    for (size_t run = 0; run < 12; run++) {
        const struct played played[] = {{"never", NULL, 1, 0, 0},
                                        {"later", NULL, 1, run < 6 ? 0 : 5000, 0},
                                        {"step", NULL, 1, 1000, 0},
                                        {NULL, NULL, 0, 0, 0}};
        add_run(&runs, run, run < 6 ? in_base : in_head, played);
    }
    struct changes changes = find_changes(&runs);
    assert_int_equal(change_of(&changes, &runs, "never")->time.answer, COMPARE_SAME);
    assert_int_equal(change_of(&changes, &runs, "later")->time.answer, COMPARE_SLOWER);
    assert_true(changes.spans[0].share <= 1);
    changes_free(&changes);
    runs_free(&runs);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(runs_share_their_numbers),
        cmocka_unit_test(what_has_no_room_is_counted),
        cmocka_unit_test(counts_and_callers_are_exact),
        cmocka_unit_test(the_unit_is_one_that_can_be_compared),
        cmocka_unit_test(the_unit_may_be_chosen),
        cmocka_unit_test(incomplete_runs_are_left_out),
        cmocka_unit_test(pairs_are_no_pairs_where_none_is_complete),
        cmocka_unit_test(spans_of_some_runs_are_not_judged),
        cmocka_unit_test(a_large_change_hides_no_small_one),
        cmocka_unit_test(no_time_is_no_trouble),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
