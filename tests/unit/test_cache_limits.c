/* Caches of what is too large for memory or for a number, and the rest of what the analysis tells of caches: rules, inputs, threads,
 * what may be added up. Calls are given to the part of the analysis by hand. */
#include "../../analysis/cache.h"
#include "../../analysis/cache_rules.h"
#include "../../analysis/model.h"
#include "../../analysis/part.h"
#include "fixed_keys.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

extern const struct analysis_part part_cache;

/* A model with the questions 0 … count - 1, in turn of each function, and one signature each. */
struct model {
    struct analysis analysis;
    void *state;
};

static void open_model(struct model *model, uint32_t functions, uint32_t questions, size_t memory_max) {
    *model = (struct model){.state = calloc(1, part_cache.state_bytes)};
    struct analysis *analysis = &model->analysis;
    analysis->budget.max = memory_max;
    analysis->input_count = 1;
    analysis->function_count = functions;
    analysis->question_count = analysis->signature_count = questions;
    analysis->functions = calloc(functions + 1, sizeof *analysis->functions);
    analysis->questions = calloc(questions + 1, sizeof *analysis->questions);
    analysis->signatures = calloc(questions + 1, sizeof *analysis->signatures);
    assert_true(model->state != NULL && analysis->functions != NULL && analysis->questions != NULL &&
                analysis->signatures != NULL);
    static const char letters[] = "abcdefghijklmnopqrstuvwxyz";
    for (uint32_t i = 0; i < functions; i++)
        analysis->functions[i].name = (struct perftrace_text){&letters[i % 26], 1};
    for (uint32_t i = 0; i < questions; i++) {
        analysis->questions[i] =
            (struct analysis_question){.function = i % functions, .first_signature = i, .parameter_count = 1};
        analysis->signatures[i] = (struct analysis_signature){.question = i, .next = INTERN_NONE};
    }
    analysis->parts[ANALYSIS_PART_cache] = model->state;
    assert_int_equal(part_cache.open(analysis, model->state), 0);
}

/* Questions have hashes, by which some are followed. */
static void open_hashed_model(struct model *model, uint32_t functions, uint32_t questions,
                              size_t memory_max) {
    open_model(model, functions, questions, memory_max);
    struct analysis_state *state = model->analysis.state = calloc(1, sizeof *state);
    assert_non_null(state);
    state->rounds = calloc(1, sizeof *state->rounds);
    assert_non_null(state->rounds);
    for (uint32_t i = 0; i < questions; i++)
        assert_int_equal(text_table_add(&state->parameters, i % functions, (const char *)&i, sizeof i), i);
}

static void close_model(struct model *model) {
    if (model->analysis.state != NULL) {
        text_table_free(&model->analysis.state->parameters);
        free(model->analysis.state->rounds);
        free(model->analysis.state);
    }
    part_cache.close(model->state);
    free(model->state);
    free(model->analysis.functions);
    free(model->analysis.questions);
    free(model->analysis.signatures);
}

/* The next call of a question, which is counted. */
static struct analysis_call next_call(struct analysis *analysis, uint32_t question, uint64_t elapsed_ns,
                                      uint32_t track, uint64_t parent, bool async) {
    const struct analysis_call call = {.id = {++analysis->calls, analysis->input_count},
                                       .asks = true,
                                       .first_asked = analysis->questions[question].calls == 0,
                                       .function = analysis->questions[question].function,
                                       .question = question,
                                       .signature = question,
                                       .track = track,
                                       .parent = parent,
                                       .async = async,
                                       .elapsed_ns = elapsed_ns};
    if (analysis->questions[question].calls++ == 0)
        analysis->questions[question].first = call.id;
    analysis->signatures[question].total_ns += elapsed_ns;
    return call;
}

static void ask_on(struct model *model, uint32_t question, uint64_t elapsed_ns, uint32_t track,
                   uint64_t parent, bool async) {
    struct analysis *analysis = &model->analysis;
    const struct analysis_call call = next_call(analysis, question, elapsed_ns, track, parent, async);
    assert_int_equal(part_cache.add(analysis, model->state, &call, 1), 0);
}

static void ask(struct model *model, uint32_t question, uint64_t elapsed_ns) {
    ask_on(model, question, elapsed_ns, 1, 1, false);
}

static const struct analysis_cache *finish(struct model *model) {
    assert_int_equal(part_cache.finish(&model->analysis, model->state), 0);
    return analysis_cache(&model->analysis);
}

static bool approximates(const struct model *model, const char *words) {
    struct perftrace_buffer text = {0};
    part_cache.approximated(&model->analysis, model->state, &text);
    perftrace_buffer_add(&text, "", 1);
    bool found = words == NULL ? text.length == 1 : strstr(text.bytes, words) != NULL;
    free(text.bytes);
    return found;
}

/* ---- numbers -------------------------------------------------------------------------------------------------------- */

static void times_that_do_not_fit(void **state) {
    (void)state;
    struct model model;
    open_model(&model, 1, 40, SIZE_MAX);
    for (uint32_t round = 0; round < 3; round++)
        for (uint32_t i = 0; i < 40; i++) {
            ask(&model, i, UINT64_MAX - i);
            ask(&model, i, UINT64_MAX / 2);
            ask(&model, i, UINT64_MAX / 2);
        }
    const struct analysis_cache *cache = finish(&model);
    assert_int_equal(cache->count, 1);
    assert_int_equal(cache->functions[0].all.saved_ns, UINT64_MAX);
    assert_int_equal(cache->functions[0].most.size, 1);
    assert_int_equal(cache->apart_ns, UINT64_MAX);
    struct analysis_cache_point point = {0};
    assert_true(analysis_cache_step(&cache->functions[0], &point));
    assert_int_equal(point.hits, 240);
    assert_int_equal(point.saved_ns, UINT64_MAX);
    assert_true(analysis_cache_step(&cache->functions[0], &point));
    assert_int_equal(point.size, 40);
    assert_int_equal(point.hits, 320);
    close_model(&model);
}

/* However often a few questions are asked: the memory is that of the questions. */
static void asked_very_often(void **state) {
    (void)state;
    struct model model;
    open_model(&model, 1, 100, SIZE_MAX);
    size_t used = 0;
    for (uint32_t i = 0; i < 300000; i++) {
        ask(&model, i % 3 == 0 ? i / 3 % 100 : 7, 1);
        if (i == 1000)
            used = model.analysis.budget.used;
    }
    assert_int_equal(model.analysis.budget.used, used);
    assert_int_equal(finish(&model)->functions[0].all.hits, 300000 - 100);
    close_model(&model);
}

/* ---- memory --------------------------------------------------------------------------------------------------------- */

#ifdef PERFTRACE_SANITIZED
enum { MANY = 1000000 };
#else
enum { MANY = 10000000 };
#endif

static void questions_without_number(void **state) {
    (void)state;
    struct model model;
    open_model(&model, 1, MANY, SIZE_MAX);
    for (uint32_t i = 0; i < MANY; i++)
        ask(&model, i, 1);
    assert_true(model.analysis.budget.used <= (size_t)32 * MANY);
    assert_true(approximates(&model, NULL));
    assert_int_equal(finish(&model)->count, 0);
    close_model(&model);
}

/* A trace with questions of all kinds: some that are asked often, some in a round, some once. */
static uint32_t pick(uint32_t i, uint32_t questions) {
    uint64_t mixed = (i + 1) * UINT64_C(0x9e3779b97f4a7c15);
    mixed = (mixed ^ mixed >> 31) * UINT64_C(0xbf58476d1ce4e5b9) >> 32;
    return i % 2 == 0 ? (uint32_t)(mixed * questions >> 32) : i / 2 % (questions / 4);
}

static struct analysis_cache_point at_size(const struct analysis_cache_function *function, uint64_t size) {
    struct analysis_cache_point point = {0}, last = {0};
    while (analysis_cache_step(function, &point) && point.size <= size)
        last = point;
    return last;
}

static void compare_with_exact(const struct analysis_cache_function *sampled,
                               const struct analysis_cache_function *exact) {
    assert_int_equal(sampled->calls, exact->calls);
    assert_int_equal(sampled->questions, exact->questions);
    assert_int_equal(sampled->all.hits, exact->all.hits);
    assert_int_equal(sampled->all.saved_ns, exact->all.saved_ns);
    /* What is shown of a size is true of nearly that size, but for a few calls: where a loop just fits, the difference of two sizes is
     * all calls of the loop. */
    uint64_t few = exact->calls / 32;
    for (uint64_t size = exact->questions / 16; size <= exact->questions; size += exact->questions / 16) {
        uint64_t hits = at_size(sampled, size).hits;
        assert_true(hits + few >= at_size(exact, size - size / 8).hits);
        assert_true(hits <= at_size(exact, size + size / 8).hits + few);
    }
}

static void a_sample_where_memory_is_short(void **state) {
    (void)state;
    enum { QUESTIONS = 40000, CALLS = 400000 };
    struct model exact, sampled;
    open_model(&exact, 1, QUESTIONS, SIZE_MAX);
    open_hashed_model(&sampled, 1, QUESTIONS, 700000);
    for (uint32_t i = 0; i < CALLS; i++) {
        ask(&exact, pick(i, QUESTIONS), 1000);
        ask(&sampled, pick(i, QUESTIONS), 1000);
        assert_true(sampled.analysis.budget.used <= sampled.analysis.budget.max);
    }
    const struct analysis_cache *cache = finish(&sampled);
    assert_true(cache->sampled_one_in > 1 && cache->functions[0].sampled);
    assert_in_range(cache->sampled, 1000, QUESTIONS * 3 / 4);
    assert_true(approximates(&sampled, "estimated, of all calls, from one question in "));
    compare_with_exact(&cache->functions[0], &finish(&exact)->functions[0]);
    close_model(&sampled);
    close_model(&exact);
}

/* The question at a place of an LRU list, which it leaves for the top. */
static uint32_t take_from(uint32_t *order, uint32_t place) {
    uint32_t question = order[place - 1];
    memmove(order + 1, order, (place - 1) * sizeof *order);
    return order[0] = question;
}

/* Memory runs out for the last of some calls, given at once or one by one. Returns how many points the curve has. */
enum { POINTS_MAX = 200 };
static uint32_t points_without_memory(bool at_once, struct analysis_cache_point points[POINTS_MAX]) {
    enum { QUESTIONS = 8000, DEEP = 3009, BEFORE = 64, WAITING = 40 };
    struct model model;
    open_hashed_model(&model, 1, QUESTIONS, SIZE_MAX);
    uint32_t order[QUESTIONS], count = 0;
    for (uint32_t i = 0; i < QUESTIONS; i++) {
        ask(&model, i, 1);
        order[QUESTIONS - 1 - i] = i;
    }
    for (uint32_t i = 0; i < BEFORE; i++)
        ask(&model, take_from(order, DEEP + i), 1);
    struct analysis *analysis = &model.analysis;
    analysis->budget.max = analysis->budget.used;
    struct analysis_call calls[WAITING];
    for (uint32_t i = 0; i < WAITING; i++) {
        uint32_t place = i == WAITING - 1 ? QUESTIONS - 1 : DEEP + 16 + i;
        calls[i] = next_call(analysis, take_from(order, place), 1 + i, 1, 1, false);
    }
    for (uint32_t i = 0; i < WAITING; i += at_once ? WAITING : 1)
        assert_int_equal(part_cache.add(analysis, model.state, &calls[i], at_once ? WAITING : 1), 0);
    const struct analysis_cache_function *function = &finish(&model)->functions[0];
    assert_int_equal(function->all.hits, BEFORE + WAITING);
    assert_true(approximates(&model, "from one question in 2"));
    struct analysis_cache_point point = {0};
    while (analysis_cache_step(function, &point)) {
        assert_true(count < POINTS_MAX);
        points[count++] = point;
    }
    close_model(&model);
    return count;
}

/* The bins of calls that wait to be counted move when another one finds no memory for its own. */
static void hits_that_wait_when_memory_runs_out(void **state) {
    (void)state;
    struct analysis_cache_point points[POINTS_MAX], others[POINTS_MAX];
    uint32_t count = points_without_memory(true, points);
    assert_int_equal(count, points_without_memory(false, others));
    for (uint32_t i = 0; i < count; i++)
        assert_true(points[i].size == others[i].size && points[i].hits == others[i].hits &&
                    points[i].saved_ns == others[i].saved_ns);
}

static void without_any_memory(void **state) {
    (void)state;
    for (size_t bytes = 0; bytes < 20000; bytes += 1999) {
        struct model model;
        open_hashed_model(&model, 50, 5000, bytes);
        for (uint32_t i = 0; i < 20000; i++)
            ask(&model, pick(i, 5000), 1);
        const struct analysis_cache *cache = finish(&model);
        assert_int_equal(cache->sampled_one_in, 0);
        assert_int_equal(cache->count, 0);
        assert_int_equal(model.analysis.budget.used, 0);
        assert_true(approximates(&model, "not known"));
        close_model(&model);
    }
}

/* ---- threads and inputs --------------------------------------------------------------------------------------------- */

static void inputs_start_with_empty_caches(void **state) {
    (void)state;
    struct model model;
    open_model(&model, 1, 2, SIZE_MAX);
    for (uint32_t input = 0; input < 3; input++) {
        for (uint32_t i = 0; i < 4; i++)
            ask(&model, i % 2, 5);
        assert_int_equal(part_cache.end_input(&model.analysis, model.state), 0);
        model.analysis.input_count++;
    }
    const struct analysis_cache *cache = finish(&model);
    assert_int_equal(cache->functions[0].all.hits, 6);
    assert_int_equal(cache->functions[0].all.size, 2);
    assert_int_equal(cache->functions[0].root_hits, 6);
    close_model(&model);
}

/* More root calls at once than are followed: those that are go on, and the others hit nothing. */
static void very_many_threads(void **state) {
    (void)state;
    enum { THREADS = 3000 };
    struct model model;
    open_model(&model, 1, 1, SIZE_MAX);
    for (uint32_t round = 0; round < 3; round++)
        for (uint32_t thread = 0; thread < THREADS; thread++)
            ask_on(&model, 0, 1, thread, round == 2 ? 0 : 9, false);
    for (uint32_t thread = 0; thread < THREADS; thread++) /* all have ended: these can be followed again */
        for (uint32_t i = 0; i < 2; i++)
            ask_on(&model, 0, 1, thread, i == 1 ? 0 : 9, false);
    const struct analysis_cache *cache = finish(&model);
    assert_in_range(cache->functions[0].root_hits, THREADS + 1000, THREADS + 2 * THREADS - 1);
    assert_int_equal(cache->root_calls, 2 * THREADS);
    close_model(&model);
}

/* Each new thread may move what is known of the others, whose root calls are open. */
static void threads_that_come_one_by_one(void **state) {
    (void)state;
    enum { THREADS = 60 };
    struct model model;
    open_model(&model, 1, THREADS, SIZE_MAX);
    for (uint32_t thread = 0; thread < THREADS; thread++)
        for (uint32_t asked = 0; asked <= thread; asked++)
            ask_on(&model, asked, 1, asked, 9, false);
    const struct analysis_cache *cache = finish(&model);
    assert_int_equal(cache->functions[0].root_hits, THREADS * (THREADS - 1) / 2);
    assert_int_equal(cache->root_calls, THREADS - 1);
    close_model(&model);
}

static void calls_that_overlap_are_in_no_root_call(void **state) {
    (void)state;
    struct model model;
    open_model(&model, 1, 1, SIZE_MAX);
    ask_on(&model, 0, 1, 1, 7, false);
    ask_on(&model, 0, 1, 1, 0, true); /* nor does it end one */
    ask_on(&model, 0, 1, 1, 7, false);
    const struct analysis_cache *cache = finish(&model);
    assert_int_equal(cache->functions[0].all.hits, 2);
    assert_int_equal(cache->functions[0].root_hits, 1);
    close_model(&model);
}

/* ---- what may be added up ------------------------------------------------------------------------------------------- */

static void savings_are_added_of_what_is_apart(void **state) {
    (void)state;
    /* a calls b and c, which call d; e calls itself through f; g is alone. */
    struct analysis_edge edges[] = {{.caller = 0, .function = 1}, {.caller = 0, .function = 2},
                                    {.caller = 1, .function = 3}, {.caller = 2, .function = 3},
                                    {.caller = 4, .function = 5}, {.caller = 5, .function = 4}};
    const uint64_t ns[7] = {100, 60, 70, 50, 900, 800, 5};
    struct model model;
    open_model(&model, 7, 7, SIZE_MAX);
    model.analysis.edges = edges;
    model.analysis.edge_count = sizeof edges / sizeof *edges;
    for (uint32_t i = 0; i < 7; i++) {
        ask(&model, i, 1);
        ask(&model, i, ns[i]);
    }
    const struct analysis_cache *cache = finish(&model);
    assert_int_equal(cache->count, 7);
    assert_int_equal(cache->apart_ns, 60 + 70 + 5); /* rather than 100 + 5 */
    static const uint32_t order[7] = {4, 5, 0, 2, 1, 3, 6};
    for (uint32_t i = 0; i < 7; i++) {
        const struct analysis_cache_function *function = &cache->functions[i];
        assert_int_equal(function->function, order[i]);
        assert_int_equal(function->recursive, order[i] == 4 || order[i] == 5);
        assert_int_equal(function->apart, order[i] == 1 || order[i] == 2 || order[i] == 6);
        assert_int_equal(function->hottest_count, 1);
        assert_int_equal(function->hottest[0].saved_ns, ns[order[i]]);
    }
    close_model(&model);
}

/* ---- rules ---------------------------------------------------------------------------------------------------------- */

static bool is(struct cache_rule_name name, const char *text) {
    return name.length == strlen(text) && memcmp(name.bytes, text, name.length) == 0;
}

static void rules_as_they_are_typed(void **state) {
    (void)state;
    struct cache_rule rule;
    assert_null(cache_rule_parse("update", &rule));
    assert_true(is(rule.writer, "update") && rule.key_count == 0 && rule.function.length == 0);
    assert_null(cache_rule_parse("ns::T::update:part_id,node->ns::load", &rule));
    assert_true(is(rule.writer, "ns::T::update") && is(rule.function, "ns::load") && rule.key_count == 2);
    assert_true(is(rule.keys[0], "part_id") && is(rule.keys[1], "node"));
    assert_null(cache_rule_parse("ns::update", &rule));
    assert_true(is(rule.writer, "ns::update") && rule.key_count == 0);
    assert_null(cache_rule_parse("a::operator->:k->b", &rule));
    assert_true(is(rule.writer, "a::operator->") && is(rule.function, "b") && is(rule.keys[0], "k"));
    assert_null(cache_rule_parse("a:1,2,3,4,5,6,7,8", &rule));
    static const char *const wrong[] = {
        "", ":", ":a", "a:", "a:,b", "a:b,", "a->", "->b", "a:1,2,3,4,5,6,7,8,9"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_non_null(cache_rule_parse(wrong[i], &rule));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(times_that_do_not_fit),
        cmocka_unit_test(asked_very_often),
        cmocka_unit_test(questions_without_number),
        cmocka_unit_test(a_sample_where_memory_is_short),
        cmocka_unit_test(hits_that_wait_when_memory_runs_out),
        cmocka_unit_test(without_any_memory),
        cmocka_unit_test(inputs_start_with_empty_caches),
        cmocka_unit_test(very_many_threads),
        cmocka_unit_test(threads_that_come_one_by_one),
        cmocka_unit_test(calls_that_overlap_are_in_no_root_call),
        cmocka_unit_test(savings_are_added_of_what_is_apart),
        cmocka_unit_test(rules_as_they_are_typed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
