/* Candidates from all findings, the largest savings first; each may keep what those before it have not claimed. */
#include "advice.h"

#include "call_graph.h"
#include "call_tree.h"
#include "durations.h"
#include "rank.h"
#include "slowest.h"
#include "time_span.h"

#include <stdlib.h>
#include <string.h>

enum {
    OF_EACH_MAX = 50,       /* findings of one kind that are looked at: they are sorted already */
    STEPS_MAX = 20000000,   /* in the call graph */
    WANTED = 3,             /* smaller findings are told, too, while there are fewer */
    OUTLIER_CALLS_MIN = 10, /* fewer calls have no usual time */
    NEAR_MAX = 16,          /* between the numbers of calls, one after the other */
    AGAIN_MIN = 3,          /* what was asked again less often is told only where it saves something */
    CANDIDATES_MAX = 4 * OF_EACH_MAX + 2,
    OUTLIER_TIMES = 10, /* the median, at least */
};
/* Shares of the whole. */
static const double worth_telling = 0.01, worth_telling_few = 0.0005, much = 0.25,
                    at_most_worth_telling = 0.05;
static const double self_worth_telling = 0.3; /* of all self time */

/* Groups in which findings are told. */
enum { MUCH, SIMPLE, FURTHER, KEPT, AT_MOST };

struct candidates {
    struct analysis_advice *items; /* CANDIDATES_MAX */
    uint32_t count;
    /* By function: it makes calls with parameters, by which it does more than one thing. */
    bool *is_operation;
    uint64_t whole_ns;
    double wall; /* what of a thread's time is the user's, at most 1 */
};

const char *analysis_advice_name(enum analysis_advice_kind kind) {
    static const char *const names[ADVICE_KINDS] = {
        [ADVICE_BATCH] = "batch",   [ADVICE_ASK_ONCE] = "ask_once", [ADVICE_CACHE] = "cache",
        [ADVICE_FASTER] = "faster", [ADVICE_AROUND] = "around",     [ADVICE_OUTLIER] = "outlier",
    };
    return kind < ADVICE_KINDS ? names[kind] : NULL;
}

/* ---- candidates ----------------------------------------------------------------------------------- */

static void add_evidence(struct analysis_advice *advice, struct analysis_call_id id) {
    if (id.number == 0 || advice->evidence_count == ADVICE_EVIDENCE_MAX)
        return;
    for (uint32_t i = 0; i < advice->evidence_count; i++)
        if (advice->evidence[i].number == id.number && advice->evidence[i].input == id.input)
            return;
    advice->evidence[advice->evidence_count++] = id;
}

static struct analysis_advice *add(struct candidates *candidates, enum analysis_advice_kind kind,
                                   uint32_t function, uint64_t saved_ns) {
    struct analysis_advice *advice = &candidates->items[candidates->count++];
    *advice = (struct analysis_advice){.kind = kind,
                                       .saving_ns = (uint64_t)((double)saved_ns * candidates->wall),
                                       .function = function,
                                       .caller = INTERN_NONE,
                                       .first_caller = INTERN_NONE,
                                       .question = INTERN_NONE};
    return advice;
}

static void add_siblings(struct candidates *candidates, const struct analysis_siblings *siblings) {
    for (uint32_t i = 0; i < siblings->n_plus_one_count && i < OF_EACH_MAX; i++) {
        const struct analysis_n_plus_one *found = &siblings->n_plus_one[i];
        /* What does many things is not made one by one less of. */
        if (found->confidence == ANALYSIS_POSSIBLE || candidates->is_operation[found->function])
            continue;
        struct analysis_advice *advice = add(candidates, ADVICE_BATCH, found->function, found->saved_ns);
        advice->caller = found->caller;
        advice->question = found->question;
        advice->calls = found->calls - found->parents;
        advice->n_plus_one = found;
        for (uint32_t at = 0; at < found->example_count; at++)
            add_evidence(advice, found->examples[at]);
    }
    for (uint32_t i = 0; i < siblings->asked_again_count && i < OF_EACH_MAX; i++) {
        const struct analysis_asked_again *found = &siblings->asked_again[i];
        if (found->again < AGAIN_MIN &&
            (double)found->saved_ns < at_most_worth_telling * (double)candidates->whole_ns)
            continue;
        struct analysis_advice *advice = add(candidates, ADVICE_ASK_ONCE, found->function, found->saved_ns);
        advice->caller = found->again_caller;
        advice->first_caller = found->first_caller;
        advice->question = found->question;
        advice->calls = found->again;
        advice->asked = found;
        add_evidence(advice, found->first);
        add_evidence(advice, found->second);
    }
}

/* The first calls of the question whose repetition costs most. */
static int add_askers(const struct analysis *analysis, struct analysis_advice *advice) {
    size_t count;
    const struct analysis_signature **askers =
        rank_askers(analysis, &analysis->questions[advice->question], &count);
    if (askers == NULL)
        return -PERFTRACE_ERROR_MEMORY;
    for (size_t i = 0; i < count; i++) {
        add_evidence(advice, askers[i]->first);
        for (uint32_t at = 0; at < askers[i]->number_count; at++)
            add_evidence(advice, askers[i]->numbers[at]);
    }
    free(askers);
    return 0;
}

static int add_caches(const struct analysis *analysis, struct candidates *candidates,
                      const struct analysis_cache *cache) {
    int result = 0;
    for (size_t i = 0; i < cache->count && i < OF_EACH_MAX && result == 0; i++) {
        const struct analysis_cache_function *found = &cache->functions[i];
        uint64_t saved_ns = found->most.saved_ns,
                 total_ns = analysis->functions[found->function].outermost_ns;
        if (found->recursive && saved_ns > total_ns)
            saved_ns = total_ns;
        struct analysis_advice *advice = add(candidates, ADVICE_CACHE, found->function, saved_ns);
        advice->calls = found->most.hits;
        advice->cache = found;
        if (found->hottest_count > 0) {
            advice->question = found->hottest[0].question;
            result = add_askers(analysis, advice);
        }
    }
    return result;
}

/* The slowest call of a function, if it is among the slowest of all. */
static void add_slowest(const struct analysis *analysis, struct analysis_advice *advice) {
    const struct analysis_slowest *slowest = analysis_slowest(analysis);
    for (uint32_t i = 0; i < slowest->count; i++) {
        const struct analysis_signature *signature = &analysis->signatures[slowest->calls[i].signature];
        if (analysis->questions[signature->question].function != advice->function)
            continue;
        if (advice->question == INTERN_NONE)
            advice->question = signature->question;
        add_evidence(advice, slowest->calls[i].id);
    }
}

static int add_slow_function(const struct analysis *analysis, struct candidates *candidates) {
    size_t count;
    const struct analysis_function **functions = rank_functions(analysis, RANK_SELF, &count);
    if (functions == NULL)
        return -PERFTRACE_ERROR_MEMORY;
    uint64_t all_ns = 0;
    for (size_t i = 0; i < count; i++)
        all_ns += functions[i]->self_ns;
    if (count > 1 && (double)functions[0]->self_ns >= self_worth_telling * (double)all_ns) {
        uint32_t number = (uint32_t)(functions[0] - analysis->functions);
        struct analysis_advice *advice = add(candidates, ADVICE_FASTER, number, functions[0]->self_ns);
        advice->at_most = true;
        advice->calls = functions[0]->calls;
        advice->time_ns = functions[0]->self_ns;
        advice->of_ns = all_ns;
        add_slowest(analysis, advice);
    }
    free(functions);
    return 0;
}

static void add_around_queries(const struct analysis *analysis, struct candidates *candidates,
                               const struct analysis_findings *findings) {
    for (uint32_t i = 0; i < findings->breakdown_count && i < OF_EACH_MAX; i++) {
        const struct analysis_breakdown *found = &findings->breakdowns[i];
        if (found->calls == 0 || found->left_ns <= found->elapsed_ns / 2)
            continue;
        struct analysis_advice *advice = add(candidates, ADVICE_AROUND, found->function, found->left_ns);
        advice->at_most = true;
        advice->calls = found->calls;
        advice->time_ns = found->left_ns;
        advice->of_ns = found->elapsed_ns;
        advice->breakdown = found;
        add_slowest(analysis, advice);
    }
}

static void add_outlier(const struct analysis *analysis, struct candidates *candidates) {
    const struct analysis_slowest *slowest = analysis_slowest(analysis);
    for (uint32_t i = 0; i < slowest->count && i < OF_EACH_MAX; i++) {
        const struct analysis_slow_call *call = &slowest->calls[i];
        const struct analysis_signature *signature = &analysis->signatures[call->signature];
        uint32_t function = analysis->questions[signature->question].function;
        uint64_t usual_ns = analysis_percentiles(analysis, function).p50_ns;
        if (analysis->functions[function].calls < OUTLIER_CALLS_MIN ||
            call->elapsed_ns / OUTLIER_TIMES < usual_ns)
            continue;
        struct analysis_advice *advice =
            add(candidates, ADVICE_OUTLIER, function, call->elapsed_ns - usual_ns);
        advice->at_most = true;
        advice->calls = 1;
        advice->question = signature->question;
        advice->time_ns = call->elapsed_ns;
        advice->of_ns = usual_ns;
        add_evidence(advice, call->id);
        return; /* one is enough: the list of slowest calls has the others */
    }
}

static int open_candidates(const struct analysis *analysis, uint64_t whole_ns,
                           struct candidates *candidates) {
    uint64_t busy_ns = analysis_call_tree(analysis).nodes[0].total_ns;
    *candidates = (struct candidates){
        .items = calloc(CANDIDATES_MAX, sizeof *candidates->items),
        .is_operation = calloc((size_t)analysis->function_count + 1, sizeof *candidates->is_operation),
        .whole_ns = whole_ns,
        .wall = busy_ns > whole_ns ? (double)whole_ns / (double)busy_ns : 1,
    };
    if (candidates->items == NULL || candidates->is_operation == NULL)
        return -PERFTRACE_ERROR_MEMORY;
    for (uint32_t i = 0; i < analysis->signature_count; i++) {
        const struct analysis_signature *signature = &analysis->signatures[i];
        const struct analysis_question *question = &analysis->questions[signature->question];
        if (question->parameters.length > 0 && question->function != signature->caller)
            candidates->is_operation[signature->caller] = true;
    }
    return 0;
}

static int find_candidates(const struct analysis *analysis, const struct analysis_findings *findings,
                           struct candidates *candidates) {
    if (findings->siblings != NULL)
        add_siblings(candidates, findings->siblings);
    int result = findings->cache != NULL ? add_caches(analysis, candidates, findings->cache) : 0;
    if (result == 0)
        result = add_slow_function(analysis, candidates);
    add_around_queries(analysis, candidates, findings);
    add_outlier(analysis, candidates);
    return result;
}

/* ---- choosing ------------------------------------------------------------------------------------- */

/* Whether a finding is about calls within those of another one. */
static int is_within(struct call_graph *graph, const struct analysis_advice *inner,
                     const struct analysis_advice *outer) {
    if (inner->function == outer->function)
        return false;
    if (!call_graph_search(graph, outer->function))
        return true; /* not known: rather too little */
    /* Calls by a certain caller are within if that is. */
    return inner->caller != INTERN_NONE
               ? inner->caller == outer->function || call_graph_calls(graph, inner->caller)
               : call_graph_calls(graph, inner->function);
}

/* The function that makes the calls which a finding is about. */
static uint32_t direct_caller(const struct analysis_advice *advice) {
    const struct analysis_n_plus_one *found = advice->n_plus_one;
    return found != NULL && found->through_count > 0 ? found->through[found->through_count - 1]
                                                     : advice->caller;
}

/* Whether two findings are about the same calls, as far as is known. */
static bool is_same(const struct analysis_advice *a, const struct analysis_advice *b) {
    if (a->function != b->function)
        return false;
    uint32_t a_caller = direct_caller(a), b_caller = direct_caller(b);
    /* Of what two callers ask, either may be left out. */
    return a_caller == INTERN_NONE || b_caller == INTERN_NONE || a_caller == b_caller ||
           a->first_caller == b_caller || b->first_caller == a_caller;
}

/* Whether what a candidate saves is, in part, what a chosen one saves already. */
static bool overlap(struct call_graph *graph, const struct analysis_advice *chosen,
                    const struct analysis_advice *candidate) {
    if (is_same(chosen, candidate) || is_within(graph, candidate, chosen))
        return true;
    /* What a function does itself is not what it calls. */
    bool itself = candidate->kind == ADVICE_FASTER || candidate->kind == ADVICE_AROUND;
    return !itself && is_within(graph, chosen, candidate);
}

/* Calls that are near each other: who looks at one sees the other. */
static bool is_near(struct analysis_call_id a, struct analysis_call_id b) {
    uint64_t distance = a.number > b.number ? a.number - b.number : b.number - a.number;
    return a.input == b.input && distance <= NEAR_MAX;
}

/* The order in which findings may claim savings, and are told. What saves much by asking less comes first; then what is simplest to
 * mend: what two callers ask one after the other, what could be asked at once. Then what needs a cache, here or there, or is about
 * functions that do many things; and last, where nobody knows how much can be saved. */
static unsigned order_of(const struct candidates *candidates, const struct analysis_advice *advice) {
    if (advice->at_most)
        return AT_MOST;
    if (advice->kind == ADVICE_CACHE || candidates->is_operation[advice->function])
        return KEPT;
    if ((double)advice->saving_ns >= much * (double)candidates->whole_ns)
        return MUCH;
    bool simple = advice->kind == ADVICE_ASK_ONCE ? advice->caller != advice->first_caller &&
                                                        is_near(advice->asked->first, advice->asked->second)
                                                  : advice->n_plus_one->through_count == 0;
    return simple ? SIMPLE : FURTHER;
}

static int compare(const void *left, const void *right) {
    const struct analysis_advice *a = left, *b = right;
    if (a->order != b->order)
        return a->order < b->order ? -1 : 1;
    if (a->saving_ns != b->saving_ns)
        return a->saving_ns > b->saving_ns ? -1 : 1;
    if (a->kind != b->kind)
        return a->kind < b->kind ? -1 : 1;
    if (a->function != b->function)
        return a->function < b->function ? -1 : 1;
    return (a->caller > b->caller) - (a->caller < b->caller);
}

static void sort(struct candidates *candidates) {
    for (uint32_t i = 0; i < candidates->count; i++)
        candidates->items[i].order = order_of(candidates, &candidates->items[i]);
    qsort(candidates->items, candidates->count, sizeof *candidates->items, compare);
}

/* What a finding saves beside those that were chosen already. */
static uint64_t saving_beside(struct call_graph *graph, const struct candidates *chosen,
                              const struct analysis_advice *candidate) {
    uint64_t claimed_ns = 0, all_ns = 0;
    for (uint32_t i = 0; i < chosen->count; i++) {
        const struct analysis_advice *other = &chosen->items[i];
        if (overlap(graph, other, candidate)) {
            /* Beside one that is only possible there is nothing to say. */
            if (other->at_most || candidate->at_most)
                return 0;
            claimed_ns += other->saving_ns;
        }
        all_ns += other->at_most ? 0 : other->saving_ns;
    }
    uint64_t left_ns = candidate->saving_ns > claimed_ns ? candidate->saving_ns - claimed_ns : 0;
    uint64_t rest_ns = chosen->whole_ns > all_ns ? chosen->whole_ns - all_ns : 0;
    return left_ns < rest_ns ? left_ns : rest_ns;
}

static bool is_worth_telling(const struct analysis_advice *advice, uint64_t whole_ns, uint32_t before) {
    double share = (double)advice->saving_ns / (double)whole_ns;
    if (advice->at_most)
        return share >= at_most_worth_telling;
    return share >= (before < WANTED ? worth_telling_few : worth_telling);
}

/* Gives up those of the chosen that are other fixes for the same calls, where one that they leave too little to saves more. A cache is
 * never the simpler fix, so that it does not take their place. */
static bool take_instead(struct candidates *chosen, struct call_graph *graph,
                         struct analysis_advice *candidate) {
    if (candidate->at_most || candidate->kind == ADVICE_CACHE)
        return false;
    struct candidates kept = *chosen;
    uint64_t given_up_ns = 0;
    kept.items = malloc((chosen->count + (size_t)1) * sizeof *kept.items);
    if (kept.items == NULL)
        return false;
    kept.count = 0;
    for (uint32_t i = 0; i < chosen->count; i++)
        if (is_same(&chosen->items[i], candidate))
            given_up_ns += chosen->items[i].saving_ns;
        else
            kept.items[kept.count++] = chosen->items[i];
    uint64_t left_ns = saving_beside(graph, &kept, candidate);
    bool better = left_ns > given_up_ns && left_ns >= candidate->saving_ns - candidate->saving_ns / 2;
    if (better) {
        candidate->saving_ns = left_ns;
        memcpy(chosen->items, kept.items, kept.count * sizeof *kept.items);
        chosen->count = kept.count;
    }
    free(kept.items);
    return better;
}

/* Takes those that are left with most of their savings out of the candidates, which are sorted; *chosen has room for all. */
static int choose(const struct analysis *analysis, const struct candidates *candidates,
                  struct candidates *chosen) {
    struct call_graph graph;
    if (call_graph_make(&graph, analysis, STEPS_MAX) != 0)
        return -PERFTRACE_ERROR_MEMORY;
    for (uint32_t i = 0; i < candidates->count; i++) {
        struct analysis_advice candidate = candidates->items[i];
        if (!is_worth_telling(&candidate, chosen->whole_ns, 0))
            continue;
        uint64_t left_ns = saving_beside(&graph, chosen, &candidate);
        if (left_ns >= candidate.saving_ns - candidate.saving_ns / 2)
            candidate.saving_ns = left_ns;
        else if (!take_instead(chosen, &graph, &candidate))
            continue;
        chosen->items[chosen->count++] = candidate;
    }
    call_graph_free(&graph);
    return 0;
}

static int compare_savings(const void *left, const void *right) {
    const struct analysis_advice *a = left, *b = right;
    if (a->at_most != b->at_most)
        return a->at_most ? 1 : -1;
    if (a->saving_ns != b->saving_ns)
        return a->saving_ns > b->saving_ns ? -1 : 1;
    return compare(left, right);
}

/* Of the chosen, which are sorted, those that save most, in the same order; one place is kept for what can only be looked at, where there
 * is such a thing. */
static void list_largest(struct candidates *chosen, struct analysis_advice_list *list) {
    uint32_t worth = 0, known = 0;
    for (uint32_t i = 0; i < chosen->count; i++) {
        if (!is_worth_telling(&chosen->items[i], list->whole_ns, worth))
            continue;
        known += !chosen->items[i].at_most;
        chosen->items[worth++] = chosen->items[i];
    }
    qsort(chosen->items, worth, sizeof *chosen->items, compare_savings);
    uint32_t known_max = ADVICE_MAX - (worth > known);
    for (uint32_t i = 0; i < worth && list->count < ADVICE_MAX; i++)
        if (i < known_max || i >= known)
            list->items[list->count++] = chosen->items[i];
    qsort(list->items, list->count, sizeof *list->items, compare);
}

int analysis_advise(const struct analysis *analysis, const struct analysis_findings *findings,
                    struct analysis_advice_list *list) {
    *list = (struct analysis_advice_list){.whole_ns = analysis_whole_ns(analysis)};
    if (list->whole_ns == 0)
        return 0;
    struct candidates candidates, chosen = {0};
    int result = open_candidates(analysis, list->whole_ns, &candidates);
    chosen.items = calloc(CANDIDATES_MAX, sizeof *chosen.items);
    if (chosen.items == NULL)
        result = -PERFTRACE_ERROR_MEMORY;
    if (result == 0)
        result = find_candidates(analysis, findings, &candidates);
    if (result == 0) {
        sort(&candidates);
        chosen.is_operation = candidates.is_operation;
        chosen.whole_ns = candidates.whole_ns;
        result = choose(analysis, &candidates, &chosen);
    }
    if (result == 0) {
        sort(&chosen); /* some have lost a part to others */
        list_largest(&chosen, list);
    }
    free(candidates.items);
    free(candidates.is_operation);
    free(chosen.items);
    return result;
}
