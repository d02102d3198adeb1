/* Findings by what they are about: caller, path, shape and parameter. */
#include "sibling_results.h"

#include "../core/hash.h"

#include <stdlib.h>
#include <string.h>

static struct analysis_call_id id_of(const struct analysis *analysis, uint64_t number) {
    return (struct analysis_call_id){number, analysis->input_count};
}

/* The place of `key` in *array, made if need be (*added): an index, or INTERN_NONE without room. */
static uint32_t entry_of(struct sibling_results *results, struct analysis *analysis, struct pair_table *table,
                         uint64_t key, void **array, uint32_t *capacity, size_t bytes, bool *added) {
    uint32_t index = pair_table_find(table, key);
    *added = index == INTERN_NONE;
    if (!*added)
        return index;
    /* About what the tables grow by for one entry. */
    if (!perftrace_budget_take(&analysis->budget, 2 * (bytes + sizeof(uint64_t) + sizeof(uint32_t)))) {
        results->refused++;
        return INTERN_NONE;
    }
    if (array_reserve(array, table->count, capacity, bytes) != 0)
        return INTERN_NONE;
    return pair_table_add(table, key);
}

/* ---- N + 1 ---------------------------------------------------------------------------------------- */

static void watch_values(struct sibling_results *results, const struct analysis *analysis, uint32_t finding,
                         const struct sibling_group *group, uint32_t parameter) {
    struct sibling_fill *fill = &results->fills[finding];
    if (results->watching >= SIBLING_FILLS_MAX)
        return;
    for (uint32_t i = 0; i < group->sample_count; i++) {
        const struct analysis_question *question = &analysis->questions[group->samples[i]];
        uint32_t value = analysis->parameters[question->first_parameter + parameter].value;
        uint32_t known = results->watched.count;
        if (array_reserve((void **)&results->watched_fill, known, &results->watched_capacity,
                          sizeof *results->watched_fill) != 0)
            return;
        if (pair_table_add(&results->watched, value) == known) {
            results->watched_fill[known] = finding << 5 | i;
            fill->sample_count++;
        } else
            fill->like = results->watched_fill[pair_table_find(&results->watched, value)] >> 5;
    }
    if (fill->sample_count * 2 >= group->sample_count)
        fill->like = finding;
    if (fill->sample_count > 0)
        results->watched_fills[results->watching++] = finding, results->open_fills++;
    else
        fill->closed = true;
}

/* It was none: there was another such loop, or what it fetched was fetched again. */
static void close_fill(struct sibling_results *results, struct sibling_fill *fill) {
    fill->only = false;
    results->open_fills -= !fill->closed;
    fill->closed = true;
}

static bool named_as_fill(const struct analysis *analysis, uint32_t function) {
    return sibling_name_has(analysis->functions[function].name,
                            "warm warmup preload prefetch prime prefill populate fill cache");
}

static void begin_finding(struct sibling_results *results, const struct analysis *analysis,
                          const struct sibling_shapes *shapes, const struct sibling_origin *origin,
                          const struct sibling_group *group, uint32_t index,
                          const struct sibling_judgement *judgement) {
    const struct analysis_question *question = &analysis->questions[group->first.question];
    struct analysis_n_plus_one *finding = &results->found.n_plus_one[index];
    *finding = (struct analysis_n_plus_one){
        .caller = origin->function,
        .function = question->function,
        .parameter = analysis->parameters[question->first_parameter + judgement->parameter].name,
        .confidence = judgement->confidence,
        .by_name = origin->by_name,
    };
    finding->through_count = sibling_path_functions(&shapes->paths, group->path, finding->through);
    results->fills[index] = (struct sibling_fill){
        .last_number = group->last->call->id.number,
        .average_ns = group->total_ns / group->calls,
        .min_ns = group->min_ns,
        .input = analysis->input_count,
        .like = index,
        .only = true,
        .named = named_as_fill(analysis, origin->function) || named_as_fill(analysis, question->function),
    };
    watch_values(results, analysis, index, group, judgement->parameter);
}

static bool is_before(const struct sibling_group *group, const struct analysis_n_plus_one *finding) {
    return finding->example_count == 0 || group->calls > finding->largest_n;
}

/* The finding that the group adds to, made if need be. */
static uint32_t finding_of(struct sibling_results *results, struct analysis *analysis,
                           const struct sibling_shapes *shapes, const struct sibling_origin *origin,
                           const struct sibling_group *group, const struct sibling_judgement *judgement) {
    uint64_t key = sibling_pattern_key(shapes->key, origin->function, group->shape, group->path);
    key = perftrace_hash_number(key, judgement->parameter);
    if (array_reserve((void **)&results->fills, results->findings.count, &results->fill_capacity,
                      sizeof *results->fills) != 0)
        return INTERN_NONE;
    bool added;
    uint32_t index = entry_of(results, analysis, &results->findings, key, (void **)&results->found.n_plus_one,
                              &results->finding_capacity, sizeof *results->found.n_plus_one, &added);
    if (index != INTERN_NONE && added)
        begin_finding(results, analysis, shapes, origin, group, index, judgement);
    return index;
}

void results_n_plus_one(struct sibling_results *results, struct analysis *analysis,
                        const struct sibling_shapes *shapes, struct sibling_patterns *patterns,
                        const struct sibling_origin *origin, const struct sibling_group *group,
                        const struct sibling_judgement *judgement) {
    struct sibling_pattern *pattern =
        group->pattern != INTERN_NONE ? &patterns->patterns[group->pattern] : NULL;
    uint32_t index = pattern != NULL ? pattern->finding : INTERN_NONE;
    if (index == INTERN_NONE)
        index = finding_of(results, analysis, shapes, origin, group, judgement);
    if (index == INTERN_NONE)
        return;
    if (pattern != NULL)
        pattern->finding = index;
    if (results->found.n_plus_one[index].parents > 0)
        close_fill(results, &results->fills[index]);
    struct analysis_n_plus_one *finding = &results->found.n_plus_one[index];
    finding->parents++;
    finding->calls += group->calls;
    finding->total_ns += group->total_ns;
    finding->saved_ns += (group->calls - 1) * group->min_ns;
    if (judgement->confidence < finding->confidence)
        finding->confidence = judgement->confidence;
    if (!is_before(group, finding))
        return;
    finding->largest_n = group->calls;
    finding->largest = origin->id;
    finding->example_count = group->example_count;
    memcpy(finding->examples, group->examples, sizeof finding->examples);
    finding->question = group->first.question;
}

/* ---- filling a cache ------------------------------------------------------------------------------ */

static void watch_value(struct sibling_results *results, const struct analysis *analysis, uint32_t watched,
                        uint32_t function, const struct analysis_call *call, bool hit) {
    struct sibling_fill *fill = &results->fills[results->watched_fill[watched] >> 5];
    const struct analysis_n_plus_one *finding =
        &results->found.n_plus_one[results->watched_fill[watched] >> 5];
    if (fill->closed || fill->input != analysis->input_count || call->id.number <= fill->last_number)
        return;
    /* An average may be that of a few calls that had to wait. */
    bool cheap = call->elapsed_ns * 2 < fill->average_ns && call->elapsed_ns <= fill->min_ns;
    if (cheap || hit) {
        fill->asker = fill->cheap == 0 || fill->asker == function ? function : INTERN_NONE;
        fill->cheap++;
        fill->hits += hit;
        fill->seen |= 1u << (results->watched_fill[watched] & 31);
    } else if (function == finding->function)
        close_fill(results, fill);
    else if (++fill->dear > 64 && fill->dear > fill->cheap)
        close_fill(results, fill);
}

void results_watch(struct sibling_results *results, const struct analysis *analysis,
                   const struct analysis_call *call, bool hit) {
    const struct analysis_question *question = &analysis->questions[call->question];
    for (uint32_t i = 0; i < question->parameter_count; i++) {
        uint32_t watched =
            pair_table_find(&results->watched, analysis->parameters[question->first_parameter + i].value);
        if (watched != INTERN_NONE)
            watch_value(results, analysis, watched, question->function, call, hit);
    }
}

/* One loop, in the first third of its input, of whose values most were asked for later, each more than once or from
 * what says that it is a cache, and never fetched again. */
static bool was_fill(const struct sibling_results *results, uint32_t finding,
                     const struct analysis *analysis) {
    const struct sibling_fill *fill = &results->fills[finding];
    if (!fill->only)
        return false;
    fill = &results->fills[fill->like];
    if (!fill->only || fill->sample_count == 0)
        return false;
    uint64_t calls = analysis->inputs[fill->input - 1].calls;
    unsigned seen = (unsigned)__builtin_popcount(fill->seen);
    if (fill->named && fill->last_number <= calls / 2 + 8)
        return true;
    return fill->last_number <= calls / 3 * 2 && seen * 2 >= fill->sample_count &&
           fill->cheap > fill->dear * 4 && (fill->hits * 2 >= fill->cheap || fill->cheap * 2 >= 3 * seen);
}

/* ---- asked again ---------------------------------------------------------------------------------- */

static void add_within(struct sibling_results *results, struct analysis *analysis, bool other,
                       const struct sibling_origin *origin, const struct sibling_asked *first,
                       const struct analysis_call *call) {
    struct pair_table *table = other ? &results->within_questions : &results->within_signatures;
    struct analysis_within **array = other ? &results->questions : &results->signatures;
    uint32_t *capacity = other ? &results->question_capacity : &results->signature_capacity;
    bool added;
    uint32_t index = entry_of(results, analysis, table, other ? call->question : call->signature,
                              (void **)array, capacity, sizeof **array, &added);
    if (index == INTERN_NONE)
        return;
    struct analysis_within *within = &(*array)[index];
    if (added)
        *within = (struct analysis_within){
            .parent = origin->id, .first = id_of(analysis, first->number), .second = call->id};
    within->parents += within->last_parent != origin->serial;
    within->last_parent = origin->serial;
    within->again++;
    within->again_ns += call->elapsed_ns;
}

void results_asked_again(struct sibling_results *results, struct analysis *analysis,
                         const struct sibling_origin *origin, const struct sibling_asked *first,
                         const struct analysis_call *call) {
    add_within(results, analysis, first->signature != call->signature, origin, first, call);
    uint32_t function = analysis->questions[call->question].function;
    uint32_t first_caller = analysis->signatures[first->signature].caller, index = results->last_again;
    bool added = false;
    if (index >= results->again.count || results->found.asked_again[index].function != function ||
        results->found.asked_again[index].first_caller != first_caller ||
        results->found.asked_again[index].again_caller != call->caller) {
        uint64_t key = perftrace_hash_number(results->key, pair_key(first_caller, call->caller));
        key = perftrace_hash_number(key, function);
        index = entry_of(results, analysis, &results->again, key, (void **)&results->found.asked_again,
                         &results->again_capacity, sizeof *results->found.asked_again, &added);
        if (index == INTERN_NONE)
            return;
        results->last_again = index;
    }
    struct analysis_asked_again *again = &results->found.asked_again[index];
    if (added)
        *again = (struct analysis_asked_again){.function = function,
                                               .first_caller = first_caller,
                                               .again_caller = call->caller,
                                               .first = id_of(analysis, first->number),
                                               .second = call->id,
                                               .question = call->question,
                                               .by_name = origin->by_name};
    again->parents += again->last_parent != origin->serial;
    again->last_parent = origin->serial;
    again->again++;
    again->saved_ns += call->elapsed_ns;
}

/* ---- at once -------------------------------------------------------------------------------------- */

void results_sequential(struct sibling_results *results, struct analysis *analysis, uint32_t signature,
                        uint64_t calls, uint64_t saved_ns, const uint64_t *numbers, uint32_t number_count) {
    bool added;
    uint32_t index =
        entry_of(results, analysis, &results->sequential, signature, (void **)&results->found.sequential,
                 &results->sequential_capacity, sizeof *results->found.sequential, &added);
    if (index == INTERN_NONE)
        return;
    struct analysis_sequential *all = &results->found.sequential[index];
    if (added)
        *all = (struct analysis_sequential){.signature = signature};
    all->runs++;
    all->calls += calls;
    all->saved_ns += saved_ns;
    if (calls <= all->longest)
        return;
    all->longest = calls;
    all->number_count = number_count;
    for (uint32_t i = 0; i < number_count; i++)
        all->numbers[i] = id_of(analysis, numbers[i]);
}

/* ---- order ---------------------------------------------------------------------------------------- */

static int by_number(uint64_t a, uint64_t b) {
    return (a > b) - (a < b);
}

static int by_call(struct analysis_call_id a, struct analysis_call_id b) {
    return analysis_call_before(b, a) - analysis_call_before(a, b);
}

static int compare_findings(const void *left, const void *right) {
    const struct analysis_n_plus_one *a = left, *b = right;
    int order = (int)a->confidence - (int)b->confidence;
    if (order == 0)
        order = by_number(b->saved_ns, a->saved_ns);
    return order != 0 ? order : by_call(a->examples[0], b->examples[0]);
}

static int compare_again(const void *left, const void *right) {
    const struct analysis_asked_again *a = left, *b = right;
    int order = by_number(b->saved_ns, a->saved_ns);
    return order != 0 ? order : by_call(a->first, b->first);
}

static int compare_sequential(const void *left, const void *right) {
    const struct analysis_sequential *a = left, *b = right;
    int order = by_number(b->saved_ns, a->saved_ns);
    return order != 0 ? order : by_call(a->numbers[0], b->numbers[0]);
}

/* Calls of a function that is itself called again with the same parameters as often are no finding of their own. */
static bool is_implied(const struct analysis_siblings *found, const struct analysis_asked_again *again) {
    if (again->first_caller != again->again_caller)
        return false;
    uint64_t above = 0;
    for (uint32_t i = 0; i < found->asked_again_count; i++)
        if (found->asked_again[i].function == again->first_caller && &found->asked_again[i] != again)
            above += found->asked_again[i].again;
    return above >= again->again;
}

#define IMPLIED_MAX 1000u /* more are shown by nobody, and each is compared with all */

static void leave_out_implied(struct analysis_siblings *found) {
    uint32_t kept = 0, count = found->asked_again_count;
    if (count > IMPLIED_MAX)
        return;
    bool implied[IMPLIED_MAX];
    for (uint32_t i = 0; i < count; i++)
        implied[i] = is_implied(found, &found->asked_again[i]);
    for (uint32_t i = 0; i < count; i++)
        if (!implied[i])
            found->asked_again[kept++] = found->asked_again[i];
    found->asked_again_count = kept;
}

/* What asks for what was filled in. */
static bool is_cache_use(const struct sibling_results *results, const bool *fills, uint32_t finding) {
    for (uint32_t i = 0; i < results->watching; i++) {
        const struct sibling_fill *fill = &results->fills[results->watched_fills[i]];
        if (fills[results->watched_fills[i]] && results->watched_fills[i] != finding && fill->cheap > 0 &&
            fill->asker == results->found.n_plus_one[finding].function)
            return true;
    }
    return false;
}

void results_finish(struct sibling_results *results, const struct analysis *analysis) {
    struct analysis_siblings *found = &results->found;
    uint32_t kept = 0, count = results->findings.count;
    bool *fills = calloc((size_t)count + 1, sizeof *fills);
    for (uint32_t i = 0; fills != NULL && i < count; i++)
        fills[i] = was_fill(results, i, analysis);
    for (uint32_t i = 0; i < count; i++) {
        if (fills != NULL && (fills[i] || is_cache_use(results, fills, i)))
            found->look_alikes[ANALYSIS_CACHE_USE]++;
        else
            found->n_plus_one[kept++] = found->n_plus_one[i];
    }
    found->n_plus_one_count = kept;
    free(fills);
    found->asked_again_count = results->again.count;
    found->sequential_count = results->sequential.count;
    leave_out_implied(found);
    if (found->n_plus_one_count > 0)
        qsort(found->n_plus_one, found->n_plus_one_count, sizeof *found->n_plus_one, compare_findings);
    if (found->asked_again_count > 0)
        qsort(found->asked_again, found->asked_again_count, sizeof *found->asked_again, compare_again);
    if (found->sequential_count > 0)
        qsort(found->sequential, found->sequential_count, sizeof *found->sequential, compare_sequential);
}

void results_free(struct sibling_results *results) {
    struct pair_table *tables[] = {&results->findings,         &results->again,
                                   &results->sequential,       &results->within_signatures,
                                   &results->within_questions, &results->watched};
    for (size_t i = 0; i < sizeof tables / sizeof *tables; i++)
        pair_table_free(tables[i]);
    free(results->found.n_plus_one);
    free(results->found.asked_again);
    free(results->found.sequential);
    free(results->signatures);
    free(results->questions);
    free(results->fills);
    free(results->watched_fill);
}
