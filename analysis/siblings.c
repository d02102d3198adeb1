/* Calls go to their parents; when a parent ends, its calls are judged, and what was no finding goes up to its own
 * parent. */
#include "siblings.h"

#include "../core/hash.h"
#include "large.h"
#include "part.h"
#include "sibling_state.h"

#include <string.h>

#define AHEAD 16 /* so many calls before it is one's turn, memory is brought near for it */

static const char *const confidences[] = {"certain", "likely", "possible"};
const char *analysis_confidence_name(enum analysis_confidence confidence) {
    return confidences[confidence];
}

static const char *const look_alikes[] = {"batches", "pages", "retries", "polling", "cache use"};
const char *analysis_look_alike_name(enum analysis_look_alike what) {
    return look_alikes[what];
}

static __attribute__((noinline)) void limit_parents(struct siblings_state *state) {
    struct open_parents *parents = &state->parents;
    while (parents->count > 0 && (parents->count >= PARENTS_MAX || parents->calls > PARENTS_CALLS_MAX)) {
        uint32_t before = parents->count;
        siblings_make_room(state, NULL);
        if (parents->count == before)
            break;
    }
}

static struct open_parent *begin_parent(struct siblings_state *state, enum parent_kind kind, uint64_t number,
                                        const struct analysis_call *call) {
    struct open_parents *parents = &state->parents;
    if (parents->count >= PARENTS_MAX || parents->calls > PARENTS_CALLS_MAX)
        limit_parents(state);
    struct open_parent *parent = parents_open(parents, state->analysis, kind, number, call);
    if (parent == NULL) {
        siblings_make_room(state, NULL);
        parent = parents_open(parents, state->analysis, kind, number, call);
    }
    return parent;
}

/* The parent of a call, opened if need be; NULL: it has none, or there is no room. */
static struct open_parent *parent_of(struct siblings_state *state, const struct analysis_call *call) {
    enum parent_kind kind = PARENT_BY_NUMBER;
    uint64_t number = call->parent;
    uint32_t slot = call->parent_slot;
    if (number == 0) {
        kind = state->analysis->functions[call->caller].unknown ? PARENT_NOBODY : PARENT_BY_NAME;
        number = pair_key(call->track, call->caller);
        slot = OPEN_CALLS_NONE;
    }
    struct open_parent *parent = parents_find(&state->parents, kind, number, slot);
    if (parent == NULL && kind == PARENT_NOBODY && !call->asks)
        return NULL; /* it can't come at once again */
    if (parent != NULL && kind == PARENT_BY_NAME &&
        call->id.number > parent->last_number + SIBLINGS_GAP_MAX) {
        siblings_end_parent(state, parent);
        parent = NULL;
    }
    if (parent == NULL)
        return begin_parent(state, kind, number, call);
    parents_touch(&state->parents, parent);
    return parent;
}

/* What is open because it is the call's own. A log's walk by name only: what began before this call is its sibling. */
static struct open_parent *own_children(struct siblings_state *state, const struct analysis_call *call) {
    struct open_parent *children =
        parents_find(&state->parents, PARENT_BY_NUMBER, call->id.number, call->slot);
    if (children != NULL || state->parents.mapped[PARENT_BY_NAME] == 0)
        return children;
    children =
        parents_find(&state->parents, PARENT_BY_NAME, pair_key(call->track, call->function), OPEN_CALLS_NONE);
    bool sibling =
        children != NULL && call->caller == call->function && children->first_number < call->id.number;
    return sibling ? NULL : children;
}

/* Some of its calls run beside it, and more may still end: it is judged later, and its calls do not go up. */
static bool stays_open(struct open_parents *parents, struct open_parent *parent,
                       const struct analysis_call *own) {
    if (parent->count < SIBLING_N_MIN || parent->ended || parent->kind != PARENT_BY_NUMBER)
        return false;
    if (parent->calls[0].track == own->track && !parent->mixed && !parent->adopts)
        return false;
    bool beside = false;
    for (uint32_t i = 0; i < parent->count && !beside; i++)
        beside = parent->calls[i].async || parent->calls[i].track != own->track;
    if (!beside || !parents_lose_slot(parents, parent))
        return false;
    parent->ended = true;
    parent->elapsed_ns = own->elapsed_ns;
    return true;
}

/* Field by field: to clear them all first would take as long again. */
static inline void fill_in(struct sibling *kept, const struct analysis_call *call, uint32_t shape,
                           uint64_t told_ns) {
    kept->call = call;
    kept->told_ns = told_ns < call->elapsed_ns ? told_ns : call->elapsed_ns;
    kept->within = 0;
    kept->question = call->question;
    kept->signature = call->signature;
    kept->shape = shape;
    kept->path = SIBLING_PATH_DIRECT;
    kept->track = call->track;
    kept->async = call->async;
    kept->adopted = kept->kept = false;
}

/* A direct call with parameters is the parent's last one from now on. */
static inline void go_on_run(struct siblings_state *state, struct open_parent *parent,
                             const struct sibling *call) {
    struct sibling_run *run = &parent->run;
    if (run->signature == call->signature || run->calls > 1)
        siblings_follow(state, parent, call);
    run->signature = call->signature;
    run->last = parent->count - 1;
}

/* What is called without parameters may at least list what others then ask for. */
static bool may_list(struct siblings_state *state, const struct analysis_call *call) {
    struct sibling_answer answer;
    sibling_answer_of_call(&state->shapes, call, &answer);
    return answer.count_count > 0;
}

/* Of a caller that nobody knows, or there is no room: it may still be the same as the last one. */
static __attribute__((noinline)) void pass_by(struct siblings_state *state, struct open_parent *parent,
                                              const struct analysis_call *call, uint32_t shape) {
    struct sibling_run *run = &parent->run;
    struct sibling passing;
    fill_in(&passing, call, shape, 0);
    if (run->signature == call->signature || run->calls > 1)
        siblings_follow(state, parent, &passing);
    run->signature = call->signature;
    run->last = RUN_ASIDE;
    run->aside = passing;
    sibling_keep(&state->shapes, &run->aside, &run->aside_call);
}

/* Its parent is not known by a number, it has no parameters, or there is no room yet. */
static __attribute__((noinline)) void add_call_slowly(struct siblings_state *state,
                                                      struct open_parent *parent,
                                                      const struct analysis_call *call, uint32_t shape,
                                                      uint64_t told_ns) {
    if (parent->kind == PARENT_BY_NAME) {
        parent->first_number = parent->has_calls ? parent->first_number : call->id.number;
        parent->last_number = call->id.number;
        parent->has_calls = true;
    }
    bool nobody = parent->kind == PARENT_NOBODY;
    if (shape == SIBLING_SHAPE_NONE) {
        parent->run.signature = INTERN_NONE; /* nothing comes at once after the last one */
        if (nobody || call->metric_count == 0 || !may_list(state, call))
            return;
    }
    struct sibling *kept = nobody ? NULL : siblings_room(state, parent);
    if (kept == NULL) {
        if (shape != SIBLING_SHAPE_NONE)
            pass_by(state, parent, call, shape);
        return;
    }
    fill_in(kept, call, shape, told_ns);
    parent->mixed |= kept->async | (kept->track ^ parent->calls[0].track);
    if (shape != SIBLING_SHAPE_NONE)
        go_on_run(state, parent, kept);
    if (parent->kind == PARENT_BY_NAME)
        siblings_compare_neighbours(state, parent, kept);
}

static inline void add_call(struct siblings_state *state, struct open_parent *parent,
                            const struct analysis_call *call, uint32_t shape, uint64_t told_ns) {
    /* What a parent's time was spent in, at most. */
    uint64_t spent_ns = call->elapsed_ns;
    if (call->async || call->milliseconds)
        spent_ns = call->async ? 0 : spent_ns + 999999;
    parent->children_ns += spent_ns;
    parent->told_ns += told_ns;
    if (parent->kind != PARENT_BY_NUMBER || shape == SIBLING_SHAPE_NONE ||
        parent->count == parent->capacity) {
        add_call_slowly(state, parent, call, shape, told_ns);
        return;
    }
    struct sibling *kept = &parent->calls[parent->count++];
    fill_in(kept, call, shape, told_ns);
    parent->mixed |= call->async | (call->track ^ parent->calls[0].track);
    go_on_run(state, parent, kept);
}

static inline void take_call(struct analysis *analysis, struct siblings_state *state,
                             const struct analysis_call *call) {
    struct open_parent *children = NULL;
    if (call->slot != OPEN_CALLS_NONE || state->parents.map.count > 0)
        children = own_children(state, call);
    if (children != NULL && stays_open(&state->parents, children, call))
        children = NULL;
    if (children != NULL)
        parents_close(&state->parents, children);
    uint32_t shape =
        call->asks ? sibling_shape_of(&state->shapes, analysis, call->question) : SIBLING_SHAPE_NONE;
    if (state->results.open_fills > 0 && shape != SIBLING_SHAPE_NONE) {
        struct sibling_answer answer;
        sibling_answer_of_call(&state->shapes, call, &answer);
        results_watch(&state->results, analysis, call, answer.hit);
    }
    struct open_parent *parent = parents_newest(&state->parents, call->parent);
    if (parent == NULL)
        parent = parent_of(state, call);
    uint64_t told_ns = 0;
    if (children != NULL)
        told_ns = siblings_settle(state, children, call,
                                  parent != NULL && parent->kind != PARENT_NOBODY ? parent : NULL);
    if (parent != NULL)
        add_call(state, parent, call, shape, told_ns);
}

/* Whether a call without parameters says nothing of others, nor others of it, as things are: it has no parent, and no children. */
static inline bool is_alone(const struct open_parents *parents, const struct analysis_call *call) {
    return call->parent == 0 && call->caller_unknown && call->slot == OPEN_CALLS_NONE &&
           parents->map.count == 0;
}

/* Its shape will be wanted soon. */
static PREFETCHES void expect(const struct sibling_shapes *shapes, const struct analysis_call *call) {
    if (call->asks && call->question < shapes->questions)
        __builtin_prefetch(&shapes->of_question[call->question]);
}

/* The round is over: what open parents have of it is kept. They are the newest ones. False: there is no room. */
static bool keep_calls(struct siblings_state *state) {
    const struct open_parents *parents = &state->parents;
    for (struct open_parent *parent = parents->newest; parent != NULL && parent->round == parents->round;
         parent = parent->older)
        for (; parent->kept < parent->count; parent->kept++) {
            struct sibling *call = &parent->calls[parent->kept];
            if (!call->kept &&
                !sibling_kept_add(&state->kept, state->analysis, &state->shapes, parents, call))
                return false;
        }
    return true;
}

static int siblings_add(struct analysis *analysis, void *part, const struct analysis_call *calls,
                        size_t count) {
    struct siblings_state *state = part;
    if (state->analysis == NULL) {
        state->analysis = analysis;
        state->shapes.key = state->results.key = perftrace_hash_key() | 1;
    }
    const struct analysis_call *end = calls + count;
    for (const struct analysis_call *call = calls; call < end; call++) {
        if (end - call > AHEAD)
            expect(&state->shapes, call + AHEAD);
        if (call->asks || !is_alone(&state->parents, call))
            take_call(analysis, state, call);
    }
    while (!keep_calls(state))
        siblings_make_room(state, NULL);
    state->parents.round++;
    return 0;
}

/* More of their calls may come. */
static int siblings_left_out(struct analysis *analysis, void *part, const struct analysis_call *calls,
                             size_t count) {
    (void)analysis;
    struct siblings_state *state = part;
    for (uint32_t i = 0; i < count; i++) {
        struct open_parent *children =
            calls[i].slot != OPEN_CALLS_NONE
                ? parents_find(&state->parents, PARENT_BY_NUMBER, calls[i].id.number, calls[i].slot)
                : NULL;
        if (children != NULL && !parents_lose_slot(&state->parents, children))
            siblings_end_parent(state, children);
    }
    return 0;
}

static int siblings_end_input(struct analysis *analysis, void *part) {
    struct siblings_state *state = part;
    while (state->parents.newest != NULL)
        siblings_end_parent(state, state->parents.newest);
    memset(state->neighbours, 0, sizeof state->neighbours);      /* another input counts its calls anew … */
    memset(&state->shapes.kinds, 0, sizeof state->shapes.kinds); /* … and has arguments of its own */
    sibling_kept_free(&state->kept, analysis);
    return 0;
}

static int siblings_finish(struct analysis *analysis, void *part) {
    struct siblings_state *state = part;
    results_finish(&state->results, analysis);
    return 0;
}

static void siblings_approximated(const struct analysis *analysis, const void *part,
                                  struct perftrace_buffer *text) {
    (void)analysis;
    const struct siblings_state *state = part;
    uint64_t left_out = state->left_out + state->shapes.refused + state->results.refused;
    if (state->cut_short > 0) {
        perftrace_buffer_text(text, "Calls of one parent: of ");
        perftrace_buffer_unsigned(text, state->cut_short);
        perftrace_buffer_text(text, " parents what was called later was counted as another parent's\n");
    }
    if (left_out > 0) {
        perftrace_buffer_text(text, "Calls of one parent: ");
        perftrace_buffer_unsigned(text, left_out);
        perftrace_buffer_text(text, " calls were not looked at\n");
    }
    if (state->forgotten > 0) {
        perftrace_buffer_text(text, "Calls of one parent: ");
        perftrace_buffer_unsigned(text, state->forgotten);
        perftrace_buffer_text(text,
                              " questions were forgotten: if they were asked "
                              "again, it was not seen\n");
    }
}

static void siblings_close(void *part) {
    struct siblings_state *state = part;
    if (state->analysis != NULL) {
        parents_free(&state->parents, state->analysis);
        sibling_kept_free(&state->kept, state->analysis);
        collection_free(&state->scratch, state->analysis);
    }
    sibling_shapes_free(&state->shapes);
    sibling_patterns_free(&state->patterns);
    results_free(&state->results);
}

const struct analysis_siblings *analysis_siblings(const struct analysis *analysis) {
    const struct siblings_state *state = analysis->parts[ANALYSIS_PART_siblings];
    return &state->results.found;
}

const struct analysis_within *analysis_within_signature(const struct analysis *analysis, uint32_t signature) {
    const struct siblings_state *state = analysis->parts[ANALYSIS_PART_siblings];
    uint32_t index = pair_table_find(&state->results.within_signatures, signature);
    return index != INTERN_NONE ? &state->results.signatures[index] : NULL;
}

const struct analysis_within *analysis_within_question(const struct analysis *analysis, uint32_t question) {
    const struct siblings_state *state = analysis->parts[ANALYSIS_PART_siblings];
    uint32_t index = pair_table_find(&state->results.within_questions, question);
    return index != INTERN_NONE ? &state->results.questions[index] : NULL;
}

const struct analysis_part part_siblings = {
    .state_bytes = sizeof(struct siblings_state),
    .add = siblings_add,
    .left_out = siblings_left_out,
    .end_input = siblings_end_input,
    .finish = siblings_finish,
    .approximated = siblings_approximated,
    .close = siblings_close,
};
