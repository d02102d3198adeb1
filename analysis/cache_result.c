/* What analysis_cache tells. */
#define _GNU_SOURCE /* qsort_r */
#include "cache_result.h"

#include "call_graph.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define GRAPH_STEPS_MAX (UINT64_C(1) << 26)
#define APART_MAX 64u /* functions that are looked at for the sum */

bool analysis_cache_step(const struct analysis_cache_function *function, struct analysis_cache_point *point) {
    const struct cache_bin *bin = cache_curve_next(function->curve, &point->size);
    if (bin == NULL)
        return false;
    point->hits = cache_sum(point->hits, bin->hits);
    point->saved_ns = cache_sum(point->saved_ns, bin->ns);
    return true;
}

static uint64_t less(uint64_t a, uint64_t b) {
    return a > b ? a - b : 0;
}

/* Where questions were sampled, a few that are asked very often are over- or underrepresented, and with them the small places: there the
 * curve gets the difference to what is known of all. */
static int correct(const struct analysis_cache_function *function, const struct cache_measured *cache) {
    struct analysis_cache_point estimated = {0};
    while (analysis_cache_step(function, &estimated))
        continue;
    const struct cache_tally *tally = cache->tally;
    uint64_t hits = less(function->calls - function->questions + tally->hits, tally->misses);
    uint64_t ns =
        less(cache_sum(less(function->total_ns, tally->first_ns), tally->hits_ns), tally->misses_ns);
    if (!cache_curve_add(cache->curve, 1, hits > estimated.hits ? hits - estimated.hits : 0,
                         ns > estimated.saved_ns ? ns - estimated.saved_ns : 0, NULL))
        return -PERFTRACE_ERROR_MEMORY;
    cache_curve_take(cache->curve, estimated.hits > hits ? estimated.hits - hits : 0,
                     estimated.saved_ns > ns ? estimated.saved_ns - ns : 0);
    return 0;
}

/* The sizes that matter. */
static void measure(struct analysis_cache_function *function) {
    struct analysis_cache_point point = {0};
    while (analysis_cache_step(function, &point))
        if (point.saved_ns > function->all.saved_ns || function->all.size == 0 ||
            (point.saved_ns == function->all.saved_ns && point.hits > function->all.hits))
            function->all = point;
    uint64_t enough_ns = function->all.saved_ns - function->all.saved_ns / 10;
    uint64_t enough_hits = function->all.hits - function->all.hits / 10;
    point = (struct analysis_cache_point){0};
    while (analysis_cache_step(function, &point))
        if (function->all.saved_ns > 0 ? point.saved_ns >= enough_ns : point.hits >= enough_hits)
            break;
    function->most = point;
}

/* `function` is known, of the calls that are kept, but for what its curve says. */
static int make_function(struct analysis_cache_function *function, const struct cache_measured *cache,
                         const struct cache_results *results) {
    const struct cache_tally *tally = cache->tally;
    function->root_hits = tally->root_hits;
    function->root_saved_ns = tally->root_ns;
    function->sampled = results->keys->shift > 0;
    function->curve = cache->curve;
    if (function->sampled && !cache->writes && correct(function, cache) != 0)
        return -PERFTRACE_ERROR_MEMORY;
    function->calls += tally->unkept_calls;
    function->total_ns = cache_sum(function->total_ns, tally->unkept_ns);
    if (tally->unkept_questions > 0)
        function->questions += (uint64_t)tally->unkept_questions;
    measure(function);
    return 0;
}

static bool hotter(const struct analysis *analysis, const struct analysis_cache_key *a,
                   const struct analysis_cache_key *b) {
    return a->saved_ns != b->saved_ns ? a->saved_ns > b->saved_ns
                                      : analysis_call_before(analysis->questions[a->question].first,
                                                             analysis->questions[b->question].first);
}

static void look_at_key(const struct analysis *analysis, struct analysis_cache_function *function,
                        const struct analysis_cache_key *key) {
    struct analysis_cache_key *hottest = function->hottest;
    uint32_t at = function->hottest_count;
    if (at == ANALYSIS_CACHE_HOTTEST) {
        if (!hotter(analysis, key, &hottest[at - 1]))
            return;
        at--;
    } else {
        function->hottest_count++;
    }
    for (; at > 0 && hotter(analysis, key, &hottest[at - 1]); at--)
        hottest[at] = hottest[at - 1];
    hottest[at] = *key;
}

/* The hottest keys of each function, in one walk over all. `places` is by function: where its cache is, + 1. */
static void look_at_keys(const struct analysis *analysis, const struct cache_keys *keys,
                         struct analysis_cache_function *functions, const uint32_t *places) {
    for (uint32_t question = 0; question < analysis->question_count; question++) {
        uint32_t number =
            keys->hashed ? cache_keys_find(keys, analysis_question_hash(analysis, question)) : question;
        if (number >= keys->count) /* and those that are not followed */
            continue;
        uint32_t place = places[analysis->questions[question].function];
        if (place != 0 && keys->keys[number].saved_ns > 0)
            look_at_key(analysis, &functions[place - 1],
                        &(struct analysis_cache_key){question, keys->keys[number].saved_ns});
    }
}

static int compare(const void *left, const void *right, void *context) {
    const struct analysis_cache_function *a = left, *b = right;
    const struct analysis *analysis = context;
    if (a->all.saved_ns != b->all.saved_ns)
        return a->all.saved_ns < b->all.saved_ns ? 1 : -1;
    if (a->all.hits != b->all.hits)
        return a->all.hits < b->all.hits ? 1 : -1;
    struct perftrace_text first = analysis->functions[a->function].name,
                          second = analysis->functions[b->function].name;
    int order =
        memcmp(first.bytes, second.bytes, first.length < second.length ? first.length : second.length);
    return order != 0 ? order : (first.length > second.length) - (first.length < second.length);
}

/* Of the functions that save most, as bits: which of them each calls, itself where it is recursive. */
static void look_at_graph(const struct analysis_cache_function *functions, size_t count,
                          struct call_graph *graph, uint64_t *calls) {
    for (size_t i = 0; i < count; i++) {
        calls[i] = 0;
        /* Where it takes too long to find out, the worse is assumed. */
        bool known = call_graph_search(graph, functions[i].function);
        for (size_t other = 0; other < count; other++)
            if (!known || call_graph_calls(graph, functions[other].function))
                calls[i] |= UINT64_C(1) << other;
    }
}

/* Those that can stand beside `first`, by falling savings, and what they save together. */
static uint64_t choose(const struct analysis_cache_function *functions, size_t count, const uint64_t *clash,
                       size_t first, uint64_t *chosen) {
    uint64_t ns = functions[first].all.saved_ns;
    *chosen = UINT64_C(1) << first;
    for (size_t i = 0; i < count; i++)
        if (i != first && (clash[i] & (*chosen | UINT64_C(1) << i)) == 0) {
            *chosen |= UINT64_C(1) << i;
            ns = cache_sum(ns, functions[i].all.saved_ns);
        }
    return ns;
}

/* Which functions can have caches side by side, none of them below another, so that more is saved than by other choices that are
 * easily found. */
static int find_apart(const struct analysis *analysis, struct analysis_cache_function *functions,
                      struct analysis_cache *found) {
    struct call_graph graph;
    if (call_graph_make(&graph, analysis, GRAPH_STEPS_MAX) != 0)
        return -PERFTRACE_ERROR_MEMORY;
    uint64_t calls[APART_MAX], clash[APART_MAX], best = 0;
    size_t count = found->count < APART_MAX ? found->count : APART_MAX;
    look_at_graph(functions, count, &graph, calls);
    for (size_t i = 0; i < count; i++) {
        clash[i] = calls[i];
        for (size_t other = 0; other < count; other++)
            clash[i] |= (calls[other] >> i & 1) << other;
        functions[i].recursive = (calls[i] >> i & 1) != 0;
    }
    for (size_t first = 0; first < count; first++) {
        uint64_t chosen, ns;
        if (!functions[first].recursive &&
            (ns = choose(functions, count, clash, first, &chosen)) > found->apart_ns) {
            found->apart_ns = ns;
            best = chosen;
        }
    }
    for (size_t i = 0; i < count; i++)
        functions[i].apart = (best >> i & 1) != 0;
    for (size_t i = count; i < found->count; i++)
        functions[i].recursive = !call_graph_search(&graph, functions[i].function) ||
                                 call_graph_calls(&graph, functions[i].function);
    call_graph_free(&graph);
    return 0;
}

/* Calls, questions and time of each function, `places` being where it is. */
static void count_questions(const struct analysis *analysis, struct analysis_cache_function *functions,
                            const uint32_t *places) {
    for (uint32_t i = 0; i < analysis->question_count; i++) {
        const struct analysis_question *question = &analysis->questions[i];
        if (question->calls == 0 || question->parameter_count == 0 || places[question->function] == 0)
            continue;
        struct analysis_cache_function *function = &functions[places[question->function] - 1];
        function->questions++;
        function->calls += question->calls;
        for (uint32_t at = question->first_signature; at != INTERN_NONE; at = analysis->signatures[at].next)
            function->total_ns = cache_sum(function->total_ns, analysis->signatures[at].total_ns);
    }
}

static int make_functions(const struct analysis *analysis, const struct cache_results *results,
                          struct analysis_cache_function *functions, uint32_t *places, size_t *count) {
    for (size_t i = 0; i < results->count; i++) {
        functions[i] = (struct analysis_cache_function){.function = results->caches[i].function};
        places[functions[i].function] = (uint32_t)i + 1;
    }
    count_questions(analysis, functions, places);
    for (size_t i = 0; i < results->count; i++) {
        places[functions[i].function] = 0;
        functions[*count] = functions[i];
        if (make_function(&functions[*count], &results->caches[i], results) != 0)
            return -PERFTRACE_ERROR_MEMORY;
        *count += functions[*count].all.hits > 0;
    }
    return 0;
}

/* How far off estimates are: twice their standard deviations, of the largest functions the worst. Each question is followed or is not, by
 * itself, so that the variance of a number of misses is that of a sum of as many parts, one of 1 << shift of which are known; hits
 * are what is left of all calls, whose number is known. And the place of a question is the number of those before it. */
#define OFF_PART 64u /* functions of fewer calls than this part of all are left aside */
static void find_off(const struct cache_results *results, const struct analysis_cache_function *functions,
                     const uint32_t *places, struct analysis_cache *found) {
    double unknown = (double)((UINT64_C(1) << results->keys->shift) - 1);
    uint64_t calls = 0;
    found->sampled = results->keys->hashed ? results->keys->followed.count : 0;
    found->exact_from = CACHE_EXACT_FROM << results->keys->shift;
    for (size_t i = 0; i < found->count; i++)
        calls += functions[i].calls;
    for (size_t i = 0; i < results->count; i++) {
        uint32_t place = places[results->caches[i].function];
        const struct analysis_cache_function *function = place != 0 ? &functions[place - 1] : NULL;
        if (function == NULL || function->calls < calls / OFF_PART)
            continue;
        uint64_t size = function->most.size < found->exact_from ? found->exact_from : function->most.size;
        double hits_off = 2 * sqrt(unknown * results->caches[i].tally->squares) / (double)function->calls;
        double entries_off = 2 * sqrt(unknown / (double)size);
        found->hits_off = fmax(found->hits_off, hits_off);
        found->entries_off = fmax(found->entries_off, entries_off);
    }
}

int cache_results_make(const struct analysis *analysis, const struct cache_results *results,
                       struct analysis_cache *found) {
    struct analysis_cache_function *functions = malloc((results->count + 1) * sizeof *functions);
    uint32_t *places = calloc((size_t)analysis->function_count + 1, sizeof *places);
    int result = functions != NULL && places != NULL
                     ? make_functions(analysis, results, functions, places, &found->count)
                     : -PERFTRACE_ERROR_MEMORY;
    if (result == 0) {
        qsort_r(functions, found->count, sizeof *functions, compare, (void *)(uintptr_t)analysis);
        for (size_t i = 0; i < found->count; i++)
            places[functions[i].function] = (uint32_t)i + 1;
        find_off(results, functions, places, found);
        look_at_keys(analysis, results->keys, functions, places);
        result = find_apart(analysis, functions, found);
    }
    free(places);
    if (result != 0) {
        free(functions);
        found->count = 0;
        return result;
    }
    found->functions = functions;
    return 0;
}
