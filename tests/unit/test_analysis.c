/* The analysis, fed with items by hand: what is counted, what is one signature, and which comes first. */
#include "../../analysis/collect.h"
#include "../../analysis/log_times.h"
#include "../../analysis/overview.h"
#include "../../analysis/rank.h"
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

/* Sites by name, as a reader would hand them out. */
static struct perftrace_site_info sites[64];

static const struct perftrace_site_info *site(const char *name) {
    unsigned i = 0;
    for (; sites[i].id != 0; i++)
        if (strcmp(sites[i].name.bytes, name) == 0)
            return &sites[i];
    sites[i] = (struct perftrace_site_info){.id = i + 1, .kind = 1, .name = text(name)};
    return &sites[i];
}

static const struct perftrace_track_info tracks[] = {{.id = 1, .kind = PERFTRACE_ON_THREAD},
                                                     {.id = 2, .kind = PERFTRACE_ON_THREAD}};

/* A finished call without parameters; what a test wants otherwise it changes. */
static struct perftrace_call call(uint64_t number, const char *name, const char *caller,
                                  uint64_t elapsed_ns) {
    return (struct perftrace_call){
        .number = number,
        .site = site(name),
        .caller = text(caller),
        .track = &tracks[0],
        .elapsed_ns = elapsed_ns,
    };
}

static void feed(struct analysis *analysis, const struct perftrace_call *one) {
    const struct perftrace_item item = {
        .kind = PERFTRACE_ITEM_SPAN_END, .site = one->site, .track = one->track, .call = one};
    assert_int_equal(analysis_item(analysis, &item), 0);
}

static void feed_simple(struct analysis *analysis, uint64_t number, const char *name, const char *caller,
                        uint64_t elapsed_ns) {
    struct perftrace_call one = call(number, name, caller, elapsed_ns);
    feed(analysis, &one);
}

static void feed_with_text(struct analysis *analysis, uint64_t number, const char *name, const char *caller,
                           const char *key, const char *value) {
    struct perftrace_call one = call(number, name, caller, 1000);
    const struct perftrace_argument_info argument = {.name = text(key), .type = PERFTRACE_TYPE_STRING};
    const struct perftrace_value parameter = {
        .argument = &argument, .type = PERFTRACE_TYPE_STRING, .text = text(value)};
    one.parameters = &parameter;
    one.parameter_count = 1;
    feed(analysis, &one);
}

static struct analysis *open_analysis(uint32_t slowest_max) {
    struct analysis *analysis = analysis_open(&(struct analysis_options){.slowest_max = slowest_max});
    assert_non_null(analysis);
    assert_int_equal(analysis_begin_input(analysis, "test"), 0);
    return analysis;
}

static void assert_signature(const struct analysis *analysis, const struct analysis_signature *signature,
                             const char *expected) {
    struct perftrace_buffer buffer = {0};
    analysis_signature_text(analysis, signature, &buffer);
    perftrace_buffer_add(&buffer, "", 1);
    assert_string_equal(buffer.bytes, expected);
    free(buffer.bytes);
}

static void functions_by_calls_then_name(void **state) {
    (void)state;
    struct analysis *analysis = open_analysis(3);
    feed_simple(analysis, 1, "zeta", "unknown", 10);
    feed_simple(analysis, 2, "beta", "zeta", 10);
    feed_simple(analysis, 3, "alpha", "zeta", 10);
    feed_simple(analysis, 4, "zeta", "only_caller", 30);
    analysis_finish(analysis);
    size_t count;
    const struct analysis_function **ranked = rank_functions(analysis, RANK_CALLS, &count);
    assert_int_equal(count, 3); /* only_caller was never called */
    assert_string_equal(ranked[0]->name.bytes, "zeta");
    assert_string_equal(ranked[1]->name.bytes, "alpha");
    assert_string_equal(ranked[2]->name.bytes, "beta");
    assert_int_equal(ranked[0]->calls, 2);
    assert_int_equal(ranked[0]->total_ns, 40);
    assert_int_equal(ranked[0]->min_ns, 10);
    assert_int_equal(ranked[0]->max_ns, 30);
    free(ranked);
    analysis_close(analysis);
}

static void a_site_as_parent_and_a_caller_by_name_are_one(void **state) {
    (void)state;
    struct analysis *analysis = open_analysis(3);
    struct perftrace_call by_site = call(2, "child", "parent", 1);
    by_site.parent_site = site("parent");
    feed(analysis, &by_site);
    feed_simple(analysis, 3, "child", "parent", 1);
    assert_int_equal(analysis_finish(analysis), 0);
    size_t count;
    const struct analysis_edge **edges = rank_edges(analysis, &count);
    assert_int_equal(count, 1);
    assert_int_equal(edges[0]->calls, 2);
    free(edges);
    analysis_close(analysis);
}

static void slowest_first_and_ties_by_number(void **state) {
    (void)state;
    struct analysis *analysis = open_analysis(3);
    for (uint64_t number = 20; number > 0; number--) /* in no good order */
        feed_simple(analysis, number, "f", "unknown", number == 7 ? 900 : 500 + number % 2);
    analysis_finish(analysis);
    assert_int_equal(analysis_slowest(analysis)->count, 3);
    const uint64_t expected[] = {7, 1, 3};
    for (unsigned i = 0; i < 3; i++)
        assert_int_equal(analysis_slowest(analysis)->calls[i].id.number, expected[i]);
    assert_signature(analysis, &analysis->signatures[analysis_slowest(analysis)->calls[0].signature],
                     "f|caller=unknown");
    analysis_close(analysis);
}

static void no_slowest_wanted(void **state) {
    (void)state;
    struct analysis *analysis = open_analysis(0);
    feed_simple(analysis, 1, "f", "unknown", 5);
    analysis_finish(analysis);
    assert_int_equal(analysis_slowest(analysis)->count, 0);
    assert_int_equal(analysis->calls, 1);
    analysis_close(analysis);
}

static void repeated_most_first_then_first_call(void **state) {
    (void)state;
    struct analysis *analysis = open_analysis(3);
    feed_with_text(analysis, 9, "query", "load", "id", "a");
    feed_with_text(analysis, 3, "query", "load", "id", "b");
    feed_with_text(analysis, 8, "query", "load", "id", "b");
    feed_with_text(analysis, 5, "query", "load", "id", "a");
    feed_with_text(analysis, 7, "query", "load", "id", "once");
    feed_with_text(analysis, 6, "query", "store", "id", "once");
    size_t count;
    const struct analysis_signature **repeated = rank_repeated(analysis, 2, 0, &count);
    assert_int_equal(count, 2);
    assert_signature(analysis, repeated[0], "query|caller=load|id=b"); /* #3 is before #5 */
    assert_signature(analysis, repeated[1], "query|caller=load|id=a");
    assert_int_equal(repeated[1]->first.number, 5);
    assert_int_equal(repeated[1]->number_count, 1);
    assert_int_equal(repeated[1]->numbers[0].number, 9);
    free(repeated);
    analysis_close(analysis);
}

/* As many as are shown are those that would be first if all were in order, and none is lost. */
static void only_what_is_shown_is_put_in_order(void **state) {
    (void)state;
    enum { SIGNATURES = 400 };
    struct analysis *analysis = open_analysis(1);
    char id[16];
    for (unsigned i = 0, number = 1; i < SIGNATURES; i++)
        for (unsigned calls = 0; calls < 1 + i * 37 % 11; calls++) {
            snprintf(id, sizeof id, "%u", i);
            feed_with_text(analysis, number++, "query", "load", "id", id);
        }
    size_t count;
    const struct analysis_signature **all = rank_repeated(analysis, 2, 0, &count);
    const size_t shown[] = {1, 2, 10, 256, 257, count - 1, count, count + 1};
    for (size_t i = 0; i < sizeof shown / sizeof *shown; i++) {
        size_t same_count;
        uint64_t calls = 0;
        const struct analysis_signature **some = rank_repeated(analysis, 2, shown[i], &same_count);
        assert_int_equal(same_count, count);
        for (size_t j = 0; j < shown[i] && j < count; j++)
            assert_ptr_equal(some[j], all[j]);
        for (size_t j = 0; j < count; j++)
            calls += some[j]->calls;
        for (size_t j = 0; j < count; j++)
            calls -= all[j]->calls;
        assert_int_equal(calls, 0);
        free(some);
    }
    free(all);
    analysis_close(analysis);
}

static void the_smallest_numbers_are_remembered(void **state) {
    (void)state;
    struct analysis *analysis = open_analysis(1);
    for (uint64_t number = 100; number > 0; number--)
        feed_simple(analysis, number, "f", "unknown", 1);
    const struct analysis_signature *signature = &analysis->signatures[0];
    assert_int_equal(analysis->signature_count, 1);
    assert_int_equal(signature->calls, 100);
    assert_int_equal(signature->first.number, 1);
    assert_int_equal(signature->number_count, ANALYSIS_NUMBERS_MAX - 1);
    for (uint32_t i = 0; i < signature->number_count; i++)
        assert_int_equal(signature->numbers[i].number, i + 2);
    analysis_close(analysis);
}

static void one_question_of_two_callers(void **state) {
    (void)state;
    struct analysis *analysis = open_analysis(1);
    feed_with_text(analysis, 43, "query", "load_node", "entry", "data");
    feed_with_text(analysis, 42, "query", "exists_node", "entry", "data");
    feed_with_text(analysis, 44, "query", "exists_node", "entry", "other");
    feed_simple(analysis, 45, "lock", "exists_node", 1); /* without parameters: asks nothing */
    feed_simple(analysis, 46, "lock", "load_node", 1);
    assert_int_equal(analysis_finish(analysis), 0);
    size_t count, askers;
    const struct analysis_question **shared = rank_shared_questions(analysis, &count);
    assert_int_equal(count, 1);
    assert_int_equal(shared[0]->calls, 2);
    assert_int_equal(shared[0]->first.number, 42);
    const struct analysis_signature **asked = rank_askers(analysis, shared[0], &askers);
    assert_int_equal(askers, 2);
    assert_signature(analysis, asked[0], "query|caller=exists_node|entry=data");
    assert_signature(analysis, asked[1], "query|caller=load_node|entry=data");
    free(asked);
    free(shared);
    analysis_close(analysis);
}

/* A value that looks like two parameters is not the signature of a call that has two. */
static void signatures_cannot_be_forged(void **state) {
    (void)state;
    struct analysis *analysis = open_analysis(1);
    feed_with_text(analysis, 1, "f", "c", "a", "1|b=2");
    struct perftrace_call two = call(2, "f", "c", 1);
    const struct perftrace_argument_info names[] = {{.name = text("a"), .type = PERFTRACE_TYPE_SIGNED},
                                                    {.name = text("b"), .type = PERFTRACE_TYPE_SIGNED}};
    const struct perftrace_value values[] = {
        {.argument = &names[0], .type = PERFTRACE_TYPE_SIGNED, .i = 1},
        {.argument = &names[1], .type = PERFTRACE_TYPE_SIGNED, .i = 2},
    };
    two.parameters = values;
    two.parameter_count = 2;
    feed(analysis, &two);
    assert_int_equal(analysis->signature_count, 2);
    assert_signature(analysis, &analysis->signatures[0], "f|caller=c|a=1\\x7cb=2");
    assert_signature(analysis, &analysis->signatures[1], "f|caller=c|a=1|b=2");
    analysis_close(analysis);
}

static void a_number_and_its_text_are_one_signature(void **state) {
    (void)state;
    struct analysis *analysis = open_analysis(1);
    feed_with_text(analysis, 1, "f", "c", "id", "7");
    struct perftrace_call typed = call(2, "f", "c", 1);
    const struct perftrace_argument_info name = {.name = text("id"), .type = PERFTRACE_TYPE_UNSIGNED};
    const struct perftrace_value value = {.argument = &name, .type = PERFTRACE_TYPE_UNSIGNED, .u = 7};
    typed.parameters = &value;
    typed.parameter_count = 1;
    feed(analysis, &typed);
    assert_int_equal(analysis->signature_count, 1);
    analysis_close(analysis);
}

static void unfinished_calls_are_only_counted(void **state) {
    (void)state;
    struct analysis *analysis = open_analysis(5);
    struct perftrace_call open = call(1, "f", "unknown", 1000000);
    open.unfinished = true;
    feed(analysis, &open);
    feed_simple(analysis, 2, "f", "unknown", 5);
    analysis_finish(analysis);
    assert_int_equal(analysis->calls, 1);
    assert_int_equal(analysis->unfinished, 1);
    assert_int_equal(analysis->functions[0].calls, 1);
    assert_int_equal(analysis->functions[0].unfinished, 1);
    assert_int_equal(analysis_slowest(analysis)->count, 1);
    assert_int_equal(analysis_slowest(analysis)->calls[0].id.number, 2);
    analysis_close(analysis);
}

static void inputs_are_kept_apart_by_number(void **state) {
    (void)state;
    struct analysis *analysis = open_analysis(5);
    feed_simple(analysis, 7, "f", "unknown", 5);
    const struct perftrace_trace_info first = {.native = true, .lost = {3}};
    analysis_end_input(analysis, &first, 2);
    assert_int_equal(analysis_begin_input(analysis, "second"), 0);
    feed_simple(analysis, 2, "f", "unknown", 5);
    const struct perftrace_trace_info second = {.native = false, .lost = {4}};
    analysis_end_input(analysis, &second, 1);
    analysis_finish(analysis);
    assert_int_equal(analysis->signatures[0].first.input, 1);
    assert_int_equal(analysis->signatures[0].numbers[0].input, 2);
    assert_int_equal(analysis_slowest(analysis)->calls[0].id.input, 1);
    assert_false(analysis->inputs[0].finished);
    assert_true(analysis->inputs[1].finished);
    assert_int_equal(analysis->inputs[0].threads, 2);
    assert_int_equal(analysis->lost[0], 7);
    analysis_close(analysis);
}

/* An argument lives as long as its reader: in the next input another one may lie where it was. */
static void arguments_are_of_one_input(void **state) {
    (void)state;
    struct analysis *analysis = open_analysis(5);
    struct perftrace_argument_info argument = {.name = text("first|name"), .type = PERFTRACE_TYPE_SIGNED};
    struct perftrace_value parameter = {.argument = &argument, .type = PERFTRACE_TYPE_SIGNED};
    struct perftrace_call one = call(1, "f", "unknown", 5);
    one.parameters = &parameter;
    one.parameter_count = 1;
    for (; parameter.i < 3; parameter.i++)
        feed(analysis, &one);
    analysis_end_input(analysis, &(struct perftrace_trace_info){.native = true}, 1);
    assert_int_equal(analysis_begin_input(analysis, "second"), 0);
    argument.name = text("other");
    feed(analysis, &one);
    analysis_finish(analysis);
    assert_int_equal(analysis->question_count, 4);
    assert_string_equal(analysis->questions[0].parameters.bytes, "|first\\x7cname=0");
    assert_string_equal(analysis->questions[2].parameters.bytes, "|first\\x7cname=2");
    assert_string_equal(analysis->questions[3].parameters.bytes, "|other=3");
    assert_int_equal(analysis->parameters[0].name, analysis->parameters[2].name);
    assert_string_equal(analysis_text(analysis, analysis->parameters[3].name).bytes, "other");
    analysis_close(analysis);
}

static void many_distinct_signatures(void **state) {
    (void)state;
    enum { DISTINCT = 20000 };
    struct analysis *analysis = open_analysis(1);
    for (unsigned round = 0; round < 2; round++) {
        for (unsigned i = 0; i < DISTINCT; i++) {
            char value[16];
            snprintf(value, sizeof value, "%u", i);
            feed_with_text(analysis, round * DISTINCT + i + 1, "f", "c", "id", value);
        }
    }
    assert_int_equal(analysis->signature_count, DISTINCT);
    for (unsigned i = 0; i < DISTINCT; i++)
        assert_int_equal(analysis->signatures[i].calls, 2);
    analysis_close(analysis);
}

static uint64_t self_of(const struct analysis *analysis, const char *name) {
    for (uint32_t i = 0; i < analysis->function_count; i++)
        if (strcmp(analysis->functions[i].name.bytes, name) == 0)
            return analysis->functions[i].self_ns;
    return UINT64_MAX;
}

static void feed_child(struct analysis *analysis, uint64_t parent, uint64_t elapsed_ns) {
    struct perftrace_call one = call(9, "child", "parent", elapsed_ns);
    one.parent_number = parent;
    feed(analysis, &one);
}

/* What can't be one call's children is the next one's of that number, on that thread and in that input; what may be rounding is not. */
static void processes_with_the_same_numbers(void **state) {
    (void)state;
    struct analysis *analysis = open_analysis(3);
    for (int process = 0; process < 3; process++)
        feed_child(analysis, 1, 50000);
    for (int process = 0; process < 3; process++)
        feed_simple(analysis, 1, "parent", "unknown", 60000);
    assert_int_equal(self_of(analysis, "parent"), 3 * 10000);
    assert_int_equal(analysis->open.exceeded, 2);
    feed_child(analysis, 2, 50000);
    feed_simple(analysis, 2, "rounded", "unknown", 46000);
    feed_simple(analysis, 2, "rounded", "unknown", 46000);
    assert_int_equal(self_of(analysis, "rounded"), 46000);
    feed_child(analysis, 3, 500);
    feed_simple(analysis, 3, "short", "unknown", 0);
    assert_int_equal(analysis->open.exceeded, 2);
    feed_child(analysis, 4, 50000);
    feed_simple(analysis, 4, "elsewhere", "unknown", 1000);
    struct perftrace_call other = call(4, "elsewhere", "unknown", 60000);
    other.track = &tracks[1];
    feed(analysis, &other);
    assert_int_equal(self_of(analysis, "elsewhere"), 60000);
    assert_int_equal(analysis_end_input(analysis, &(struct perftrace_trace_info){0}, 1), 0);
    assert_int_equal(analysis_begin_input(analysis, "another"), 0);
    feed_child(analysis, 5, 50000);
    feed_simple(analysis, 5, "short", "unknown", 0);
    feed_simple(analysis, 4, "elsewhere", "unknown", 60000);
    assert_int_equal(self_of(analysis, "elsewhere"), 120000);
    analysis_finish(analysis);
    struct perftrace_buffer text = {0};
    analysis_approximations(analysis, &text);
    perftrace_buffer_add(&text, "", 1);
    assert_non_null(strstr(text.bytes, "4 times a call took less"));
    free(text.bytes);
    analysis_close(analysis);
}

/* A trace has measured what children took, so that they are not added up. */
static void a_trace_is_not_taken_for_two(void **state) {
    (void)state;
    struct analysis *analysis = open_analysis(3);
    feed_child(analysis, 1, 50000);
    struct perftrace_call parent = call(1, "parent", "unknown", 10000);
    parent.start_ns = 5;
    feed(analysis, &parent);
    assert_int_equal(analysis->open.exceeded, 0);
    analysis_finish(analysis);
    analysis_close(analysis);
}

static void log_children_fill_their_parent(void **state) {
    (void)state;
    struct log_times times = {0};
    struct perftrace_call first = call(2, "child", "parent", 30), second = call(3, "child", "parent", 20);
    struct perftrace_call elsewhere = call(4, "child", "parent", 500),
                          parent = call(1, "parent", "unknown", 100);
    first.parent_number = second.parent_number = elsewhere.parent_number = 1;
    elsewhere.track = &tracks[1];
    struct log_time time = log_times_add(&times, &first);
    assert_int_equal(time.start_ns, 0);
    time = log_times_add(&times, &second);
    assert_int_equal(time.start_ns, 30);
    log_times_add(&times, &elsewhere);
    time = log_times_add(&times, &parent);
    assert_int_equal(time.start_ns, 0);
    assert_int_equal(time.span_ns, 100);
    assert_int_equal(time.children_ns, 50); /* not what happened on the other track */
    struct perftrace_call next = call(5, "next", "unknown", 10);
    assert_int_equal(log_times_add(&times, &next).start_ns, 100);
    log_times_free(&times);
}

/* Rounding to milliseconds can make children longer than their parent: on the timeline it grows. */
static void log_parent_holds_its_children(void **state) {
    (void)state;
    struct log_times times = {0};
    struct perftrace_call child = call(2, "child", "parent", 30), parent = call(1, "parent", "unknown", 10);
    child.parent_number = 1;
    log_times_add(&times, &child);
    struct log_time time = log_times_add(&times, &parent);
    assert_int_equal(time.start_ns, 0);
    assert_int_equal(time.span_ns, 30);
    log_times_free(&times);
}

static void overview_counts_and_keeps_open_spans(void **state) {
    (void)state;
    struct overview overview = {0};
    struct perftrace_call open = call(1, "f", "unknown", 400);
    open.start_ns = 100;
    open.unfinished = open.at_end = true;
    struct perftrace_call jumped_out_of = call(2, "f", "unknown", 10);
    jumped_out_of.unfinished = true;
    jumped_out_of.start_ns = 200;
    const struct perftrace_item items[] = {
        {.kind = PERFTRACE_ITEM_TRACK, .track = &tracks[0]},
        {.kind = PERFTRACE_ITEM_SPAN_BEGIN,
         .time_ns = 100,
         .site = open.site,
         .track = &tracks[0],
         .call = &open},
        {.kind = PERFTRACE_ITEM_SPAN_END,
         .time_ns = 210,
         .site = open.site,
         .track = &tracks[0],
         .call = &jumped_out_of},
        {.kind = PERFTRACE_ITEM_EVENT, .time_ns = 250, .site = site("e"), .track = &tracks[1]},
        {.kind = PERFTRACE_ITEM_SPAN_END,
         .time_ns = 500,
         .site = open.site,
         .track = &tracks[0],
         .call = &open},
    };
    for (size_t i = 0; i < sizeof items / sizeof *items; i++)
        assert_int_equal(overview_item(&overview, &items[i]), 0);
    overview_finish(&overview);
    assert_int_equal(overview.spans, 2);
    assert_int_equal(overview.unfinished, 2);
    assert_int_equal(overview.open_at_end, 1);
    assert_int_equal(overview.open_count, 1);
    assert_int_equal(overview.open[0].number, 1);
    assert_int_equal(overview.first_ns, 100);
    assert_int_equal(overview.last_ns, 500);
    assert_int_equal(overview_track(&overview, &tracks[0])->spans, 2);
    assert_int_equal(overview_track(&overview, &tracks[1])->others, 1);
    assert_int_equal(overview_site_items(&overview, open.site->id), 2);
    overview_free(&overview);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(functions_by_calls_then_name),
        cmocka_unit_test(a_site_as_parent_and_a_caller_by_name_are_one),
        cmocka_unit_test(slowest_first_and_ties_by_number),
        cmocka_unit_test(no_slowest_wanted),
        cmocka_unit_test(repeated_most_first_then_first_call),
        cmocka_unit_test(only_what_is_shown_is_put_in_order),
        cmocka_unit_test(the_smallest_numbers_are_remembered),
        cmocka_unit_test(one_question_of_two_callers),
        cmocka_unit_test(signatures_cannot_be_forged),
        cmocka_unit_test(a_number_and_its_text_are_one_signature),
        cmocka_unit_test(unfinished_calls_are_only_counted),
        cmocka_unit_test(inputs_are_kept_apart_by_number),
        cmocka_unit_test(arguments_are_of_one_input),
        cmocka_unit_test(many_distinct_signatures),
        cmocka_unit_test(processes_with_the_same_numbers),
        cmocka_unit_test(a_trace_is_not_taken_for_two),
        cmocka_unit_test(log_children_fill_their_parent),
        cmocka_unit_test(log_parent_holds_its_children),
        cmocka_unit_test(overview_counts_and_keeps_open_spans),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
