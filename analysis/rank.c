/* Selecting and sorting; every order is total, so that equal inputs give equal reports. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* qsort_r */
#endif
#include "rank.h"

#include "durations.h"

#include <stdlib.h>
#include <string.h>

int rank_texts(struct perftrace_text a, struct perftrace_text b) {
    int order = memcmp(a.bytes, b.bytes, a.length < b.length ? a.length : b.length);
    return order != 0 ? order : (a.length > b.length) - (a.length < b.length);
}

static int most_first(uint64_t a, uint64_t b) {
    return (a < b) - (a > b);
}

static int compare_ids(struct analysis_call_id a, struct analysis_call_id b) {
    return analysis_call_before(b, a) - analysis_call_before(a, b);
}

static uint64_t weight(const struct analysis *analysis, uint32_t number, enum rank_order order) {
    const struct analysis_function *function = &analysis->functions[number];
    switch (order) {
    case RANK_TOTAL:
        return function->outermost_ns;
    case RANK_SELF:
        return function->self_ns;
    case RANK_MAX:
        return function->max_ns;
    case RANK_P99:
        return analysis_percentiles(analysis, number).p99_ns;
    case RANK_NAME:
        return 0;
    default:
        return function->calls;
    }
}

/* What functions are compared by, by their numbers. */
struct function_weights {
    const struct analysis_function *functions;
    const uint64_t *weights;
};

static int compare_functions(const void *left, const void *right, void *context) {
    const struct analysis_function *a = *(const struct analysis_function *const *)left;
    const struct analysis_function *b = *(const struct analysis_function *const *)right;
    const struct function_weights *by = context;
    int most = most_first(by->weights[a - by->functions], by->weights[b - by->functions]);
    return most != 0 ? most : rank_texts(a->name, b->name);
}

const struct analysis_function **rank_functions(const struct analysis *analysis, enum rank_order order,
                                                size_t *count) {
    const struct analysis_function **ranked = malloc((analysis->function_count + 1) * sizeof(*ranked));
    uint64_t *weights = malloc((analysis->function_count + 1) * sizeof *weights);
    *count = 0;
    if (ranked == NULL || weights == NULL) {
        free(ranked);
        free(weights);
        return NULL;
    }
    for (uint32_t i = 0; i < analysis->function_count; i++)
        if (analysis->functions[i].calls > 0) {
            weights[i] = weight(analysis, i, order);
            ranked[(*count)++] = &analysis->functions[i];
        }
    qsort_r(ranked, *count, sizeof(*ranked), compare_functions,
            &(struct function_weights){analysis->functions, weights});
    free(weights);
    return ranked;
}

static int compare_edges(const void *left, const void *right, void *context) {
    const struct analysis_function *functions = context;
    const struct analysis_edge *a = *(const struct analysis_edge *const *)left;
    const struct analysis_edge *b = *(const struct analysis_edge *const *)right;
    if (a->calls != b->calls)
        return most_first(a->calls, b->calls);
    int order = rank_texts(functions[a->caller].name, functions[b->caller].name);
    return order != 0 ? order : rank_texts(functions[a->function].name, functions[b->function].name);
}

const struct analysis_edge **rank_edges(const struct analysis *analysis, size_t *count) {
    const struct analysis_edge **ranked = malloc((analysis->edge_count + 1) * sizeof(*ranked));
    *count = analysis->edge_count;
    if (ranked == NULL)
        return NULL;
    for (uint32_t i = 0; i < analysis->edge_count; i++)
        ranked[i] = &analysis->edges[i];
    qsort_r(ranked, *count, sizeof(*ranked), compare_edges, analysis->functions);
    return ranked;
}

/* Puts the first `shown` of them in order (0: all), the others behind these. */
static void sort_shown(const void **ranked, size_t count, size_t shown,
                       int (*compare)(const void *left, const void *right)) {
    enum { MOVED_MAX = 256 };
    if (shown == 0 || shown > MOVED_MAX || shown >= count) {
        qsort(ranked, count, sizeof *ranked, compare);
        return;
    }
    qsort(ranked, shown, sizeof *ranked, compare);
    for (size_t i = shown; i < count; i++) {
        const void *next = ranked[i];
        if (compare(&next, &ranked[shown - 1]) >= 0)
            continue;
        ranked[i] = ranked[shown - 1];
        size_t at = shown - 1;
        for (; at > 0 && compare(&next, &ranked[at - 1]) < 0; at--)
            ranked[at] = ranked[at - 1];
        ranked[at] = next;
    }
}

static int compare_signatures(const void *left, const void *right) {
    const struct analysis_signature *a = *(const struct analysis_signature *const *)left;
    const struct analysis_signature *b = *(const struct analysis_signature *const *)right;
    return a->calls != b->calls ? most_first(a->calls, b->calls) : compare_ids(a->first, b->first);
}

static bool is_repeated(const struct analysis *analysis, const struct analysis_signature *signature,
                        uint64_t calls_min) {
    return signature->calls >= calls_min && analysis_repeats(analysis, signature) + 1 >= calls_min;
}

const struct analysis_signature **rank_repeated(const struct analysis *analysis, uint64_t calls_min,
                                                size_t shown, size_t *count) {
    *count = 0;
    for (uint32_t i = 0; i < analysis->signature_count; i++)
        *count += is_repeated(analysis, &analysis->signatures[i], calls_min);
    const struct analysis_signature **ranked = malloc((*count + 1) * sizeof(*ranked));
    if (ranked == NULL)
        return NULL;
    size_t at = 0;
    for (uint32_t i = 0; i < analysis->signature_count; i++)
        if (is_repeated(analysis, &analysis->signatures[i], calls_min))
            ranked[at++] = &analysis->signatures[i];
    sort_shown((const void **)ranked, *count, shown, compare_signatures);
    return ranked;
}

static int compare_questions(const void *left, const void *right) {
    const struct analysis_question *a = *(const struct analysis_question *const *)left;
    const struct analysis_question *b = *(const struct analysis_question *const *)right;
    return a->calls != b->calls ? most_first(a->calls, b->calls) : compare_ids(a->first, b->first);
}

/* Without parameters nothing is asked: any helper called from two places would be here. */
static bool is_shared(const struct analysis *analysis, const struct analysis_question *question) {
    return question->signatures > 1 && question->parameters.length > 0 &&
           analysis_repeats_of_others(analysis, question) > 0;
}

const struct analysis_question **rank_shared_questions(const struct analysis *analysis, size_t *count) {
    *count = 0;
    for (uint32_t i = 0; i < analysis->question_count; i++)
        *count += is_shared(analysis, &analysis->questions[i]);
    const struct analysis_question **ranked = malloc((*count + 1) * sizeof(*ranked));
    if (ranked == NULL)
        return NULL;
    size_t at = 0;
    for (uint32_t i = 0; i < analysis->question_count; i++)
        if (is_shared(analysis, &analysis->questions[i]))
            ranked[at++] = &analysis->questions[i];
    qsort(ranked, *count, sizeof(*ranked), compare_questions);
    return ranked;
}

static int compare_askers(const void *left, const void *right) {
    const struct analysis_signature *a = *(const struct analysis_signature *const *)left;
    const struct analysis_signature *b = *(const struct analysis_signature *const *)right;
    return compare_ids(a->first, b->first);
}

const struct analysis_signature **rank_askers(const struct analysis *analysis,
                                              const struct analysis_question *question, size_t *count) {
    const struct analysis_signature **ranked = malloc((question->signatures + 1) * sizeof(*ranked));
    *count = 0;
    if (ranked == NULL)
        return NULL;
    for (uint32_t i = question->first_signature; i != INTERN_NONE; i = analysis->signatures[i].next)
        ranked[(*count)++] = &analysis->signatures[i];
    qsort(ranked, *count, sizeof(*ranked), compare_askers);
    return ranked;
}
