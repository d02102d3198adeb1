/* A parent has ended: its calls are judged, and what was no finding goes up to its own parent. */
#include "sibling_state.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define HOISTED_MAX 2u /* calls of one shape that go up, where they are no loop */

/* ---- judging a parent's calls
 * ----------------------------------------------------------------------- */

static uint32_t collect(struct siblings_state *state, struct sibling_collection *all,
                        const struct open_parent *parent, const struct sibling *call,
                        enum sibling_novelty *novelty) {
    struct sibling_asked first;
    uint32_t group = collection_add(all, state->analysis, &state->shapes, &state->patterns, parent->function,
                                    call, novelty, &first);
    if (*novelty != SIBLING_NEW && first.question != 0)
        siblings_tell_again(state, parent, &first, call);
    return group;
}

static void tell(struct siblings_state *state, struct sibling_collection *all, struct open_parent *parent,
                 const struct analysis_call *own) {
    const struct sibling_parent view = {
        .function = parent->function,
        .elapsed_ns = own != NULL ? own->elapsed_ns : parent->elapsed_ns,
        .children_ns = parent->children_ns,
        .lists = all->lists,
        .list_count = all->list_count,
        .by_name = parent->kind == PARENT_BY_NAME,
    };
    const struct sibling_origin origin = {.function = parent->function,
                                          .id = {own != NULL                        ? own->id.number
                                                 : parent->kind == PARENT_BY_NUMBER ? parent->number
                                                                                    : 0,
                                                 state->analysis->input_count},
                                          .serial = parent->serial,
                                          .by_name = parent->kind == PARENT_BY_NAME};
    collection_judge(all, state->analysis, &state->shapes, &state->patterns, &view);
    for (uint32_t i = 0; i < all->group_count; i++) {
        const struct sibling_judgement *judgement = &all->judgements[i];
        if (judgement->verdict == SIBLING_NOTHING || all->groups[i]->suppressed)
            continue;
        if (judgement->verdict == SIBLING_LOOK_ALIKE)
            state->results.found.look_alikes[judgement->what]++;
        else
            results_n_plus_one(&state->results, state->analysis, &state->shapes, &state->patterns, &origin,
                               all->groups[i], judgement);
        parent->told_ns += all->groups[i]->total_ns;
    }
    state->left_out += all->left_out;
    state->forgotten += all->forgotten;
    all->left_out = all->forgotten = 0;
}

/* Whether there may be a question asked again, or as many calls of one shape as make a loop: without, nothing can be found. */
static bool is_suspicious(const struct open_parent *parent) {
    if (parent->count == 2) {
        const struct sibling *calls = parent->calls;
        return ((calls[0].question ^ calls[1].question) & 255) == 0 && calls[0].shape != SIBLING_SHAPE_NONE &&
               calls[1].shape != SIBLING_SHAPE_NONE;
    }
    uint64_t once = 0, twice = 0, asked[4] = {0};
    static_assert(SIBLING_N_MIN == 3, "a third call of a shape is what counts");
    for (uint32_t i = 0; i < parent->count; i++) {
        const struct sibling *call = &parent->calls[i];
        if (call->shape == SIBLING_SHAPE_NONE)
            continue;
        uint64_t shape = UINT64_C(1) << (call->shape & 63), question = UINT64_C(1) << (call->question & 63);
        uint64_t *part = &asked[call->question >> 6 & 3];
        if ((*part & question) != 0 || (twice & shape) != 0)
            return true;
        *part |= question;
        twice |= once & shape;
        once |= shape;
    }
    return false;
}

/* As they end, calls of one kind are in order on one thread. Of several threads they are put in order. */
static void by_number(struct sibling *calls, uint32_t count) {
    for (uint32_t i = 1; i < count; i++) {
        if (calls[i].number >= calls[i - 1].number)
            continue;
        struct sibling moving = calls[i];
        uint32_t at = i;
        for (; at > 0 && calls[at - 1].number > moving.number; at--)
            calls[at] = calls[at - 1];
        calls[at] = moving;
    }
}

/* ---- up to the parent's parent -------------------------------------------------------------------- */

static __attribute__((noinline)) bool lengthen_path(struct sibling *call, uint32_t above, uint32_t function) {
    const struct sibling_path path = call->path;
    uint32_t length = 1 + path.length, from = function == above;
    for (uint32_t i = 0; i < path.length; i++)
        if (path.functions[i] == above)
            from = i + 2;
    length -= from;
    if (length > SIBLINGS_THROUGH_MAX)
        return false;
    call->path = (struct sibling_path){.length = length};
    if (from > 0) {
        call->adopted = true;
        call->within = 0;
        memcpy(call->path.functions, path.functions + from - 1, length * sizeof *path.functions);
    } else {
        call->path.functions[0] = function;
        memcpy(call->path.functions + 1, path.functions, path.length * sizeof *path.functions);
    }
    return true;
}

/* Makes a call below the call `number` of `function` one of that one's parent, of `above`: the path gets longer, up to
 * where `above` calls itself. False: it lies too deep. */
static inline bool lengthen(struct sibling *call, uint32_t above, uint32_t function, uint64_t number) {
    call->within = number;
    if (call->path.length > 0 || function == above)
        return lengthen_path(call, above, function);
    call->path.functions[0] = function;
    call->path.length = 1;
    return true;
}

/* The same where a function calls itself: calls go up as they are, so that the outermost call has them all. False: as well where there is
 * nothing to go up. */
static inline bool climb(struct sibling *call, const struct open_parent *above,
                         const struct analysis_call *own, bool recursive) {
    if (!recursive)
        return call->shape != SIBLING_SHAPE_NONE &&
               lengthen(call, above->function, own->function, own->id.number);
    call->adopted = true;
    return true;
}

static inline void mix(struct open_parent *above, const struct sibling *call) {
    above->mixed |= call->async | (call->track ^ above->calls[0].track);
}

/* False: it does not go up, or there is no room. */
static bool hoist(struct siblings_state *state, struct open_parent *above, const struct analysis_call *own,
                  const struct sibling *call, bool recursive) {
    struct sibling longer = *call;
    struct sibling *moved = climb(&longer, above, own, recursive) ? siblings_room(state, above) : NULL;
    if (moved == NULL)
        return false;
    *moved = longer;
    if (!recursive)
        mix(above, moved);
    return true;
}

/* Takes the parent's calls over, as the first ones. */
static void swap_calls(struct open_parent *above, struct open_parent *parent) {
    struct sibling *calls = parent->calls;
    uint32_t capacity = parent->capacity;
    parent->calls = above->calls;
    parent->capacity = above->capacity;
    above->calls = calls;
    above->capacity = capacity;
}

/* All of the parent's calls. */
static void hoist_all(struct siblings_state *state, struct open_parent *above,
                      const struct analysis_call *own, struct open_parent *parent, bool recursive) {
    const struct sibling *calls = parent->calls, *end = calls + parent->count;
    bool fits = true;
    if (above->count == 0)
        swap_calls(above, parent);
    else
        fits = parent->count <= PARENT_CALLS_MAX - above->count &&
               parents_reserve(&state->parents, state->analysis, above, parent->count);
    bool some = false;
    for (const struct sibling *call = calls; call < end; call++) {
        if (!fits) {
            some |= hoist(state, above, own, call, recursive);
            continue;
        }
        struct sibling *moved = &above->calls[above->count];
        if (moved != call)
            *moved = *call; /* first: what has just been written in parts would have to be waited for */
        if (!climb(moved, above, own, recursive))
            continue;
        above->count++;
        some = true;
        if (!recursive)
            mix(above, moved);
    }
    if (recursive && some)
        above->mixed |= parent->mixed;
    above->adopts |= recursive;
    parent->count = 0;
}

/* What becomes of the calls, by group: told, or up. */
static bool goes_up(const struct sibling_collection *all, uint32_t group) {
    return group == COLLECTION_GROUPS_MAX ||
           (all->judgements[group].verdict == SIBLING_NOTHING && !all->groups[group]->suppressed &&
            all->groups[group]->calls <= HOISTED_MAX);
}

/* A walk's call of itself, which counts for the outermost one. */
static bool is_step(const struct siblings_state *state, const struct open_parent *parent,
                    const struct sibling *call) {
    return call->path.length == 0 && state->analysis->questions[call->question].function == parent->function;
}

/* A parent's few calls by shape and path, and by what was asked, as chains of their indices. */
#define FEW_NONE UINT8_MAX
#define FEW_SLOTS 256u
struct few {
    uint8_t group[PARENT_CALLS_MAX];  /* of each call; FEW_NONE: none */
    uint8_t next[PARENT_CALLS_MAX];   /* in its group */
    uint8_t before[PARENT_CALLS_MAX]; /* another call in the same place of `asked` */
    uint8_t asker[PARENT_CALLS_MAX];  /* that asked the same first, or had to again */
    bool known[PARENT_CALLS_MAX];     /* it did not ask first */
    uint8_t first[PARENT_CALLS_MAX], last[PARENT_CALLS_MAX], count[PARENT_CALLS_MAX]; /* of each group */
    uint32_t shape[PARENT_CALLS_MAX];
    uint32_t groups, mask;    /* the latter: of the places in `asked` that are used */
    uint8_t asked[FEW_SLOTS]; /* by question: the last call with such a one */
};

static inline void add_to_few(struct few *few, const struct sibling *calls, uint32_t at) {
    const struct sibling *call = &calls[at];
    uint32_t group = few->groups;
    while (group > 0 && (few->shape[group - 1] != call->shape ||
                         !sibling_path_is(&calls[few->first[group - 1]].path, &call->path)))
        group--;
    if (group == 0) {
        group = ++few->groups;
        few->shape[group - 1] = call->shape;
        few->first[group - 1] = (uint8_t)at;
        few->count[group - 1] = 0;
    } else
        few->next[few->last[group - 1]] = (uint8_t)at;
    few->next[at] = FEW_NONE;
    few->group[at] = (uint8_t)(group - 1);
    few->last[group - 1] = (uint8_t)at;
    few->count[group - 1]++;
}

/* The call was asked what call `same` was: if it need not have been, that is told. */
static __attribute__((noinline)) void ask_again(struct siblings_state *state,
                                                const struct open_parent *parent, struct few *few,
                                                uint8_t same, uint32_t at) {
    const struct sibling *first = &parent->calls[few->asker[same]], *call = &parent->calls[at];
    if (first->answer.failed ||
        (first->signature == call->signature && first->answer.hash != call->answer.hash)) {
        few->asker[same] = (uint8_t)at; /* it had to be asked again */
        return;
    }
    const struct sibling_asked asked = sibling_asked_of(first);
    siblings_tell_again(state, parent, &asked, call);
}

/* Whether the question was asked before. */
static inline void ask_few(struct siblings_state *state, const struct open_parent *parent, struct few *few,
                           const struct sibling *calls, uint32_t at) {
    uint32_t question = calls[at].question;
    uint8_t *slot = &few->asked[question & few->mask], same = *slot;
    while (same != FEW_NONE && calls[same].question != question)
        same = few->before[same];
    few->known[at] = same != FEW_NONE;
    if (same != FEW_NONE) {
        ask_again(state, parent, few, same, at);
        return;
    }
    few->asker[at] = (uint8_t)at;
    few->before[at] = *slot;
    *slot = (uint8_t)at;
}

/* In which parameters the calls of a group differ from its first, or some of them where these are too many for a loop. */
static uint64_t differing_few(const struct siblings_state *state, const struct sibling *calls,
                              const struct few *few, uint32_t number) {
    const struct sibling_shape *shape = &state->shapes.shapes[few->shape[number]];
    uint64_t differing = 0,
             all = shape->parameter_count < 64 ? (UINT64_C(1) << shape->parameter_count) - 1 : UINT64_MAX;
    uint32_t question = calls[few->first[number]].question;
    for (uint8_t at = few->next[few->first[number]]; at != FEW_NONE && differing != all; at = few->next[at]) {
        differing |= sibling_differences(state->analysis, shape, question, calls[at].question);
        uint64_t plain = differing & ~shape->statements;
        if ((plain & (plain - 1)) != 0)
            break;
    }
    return differing;
}

/* The calls of a group that may be a loop, into the collection. */
static void collect_few(struct siblings_state *state, struct sibling_collection *all,
                        const struct open_parent *parent, const struct few *few, uint32_t number) {
    const struct sibling *first = &parent->calls[few->first[number]];
    uint64_t differing = differing_few(state, parent->calls, few, number);
    if (sibling_only_one(&state->shapes.shapes[first->shape], differing) < 0)
        return;
    uint32_t place = collection_group(all, state->analysis, first);
    if (place == COLLECTION_GROUPS_MAX)
        return;
    struct sibling_group *group = all->groups[place];
    group->differing = differing;
    group->pattern =
        sibling_pattern_of(&state->patterns, state->analysis, &state->shapes, parent->function, first);
    group->closely = sibling_pattern_is_open(&state->patterns, group->pattern);
    for (uint8_t at = few->first[number]; at != FEW_NONE; at = few->next[at])
        sibling_group_add(state->analysis, &state->shapes, group, &parent->calls[at], !few->known[at]);
}

/* Leaves those that go up: what was no loop, once each, and all of a walk's. */
static void keep_few(struct open_parent *parent, const struct few *few, bool recursive) {
    bool some = recursive;
    for (uint32_t i = 0; i < few->groups; i++)
        some |= few->count[i] <= HOISTED_MAX;
    uint32_t kept = 0;
    for (uint32_t i = 0; some && i < parent->count; i++) {
        bool goes = recursive && parent->calls[i].adopted;
        goes |= few->group[i] != FEW_NONE && !few->known[i] && few->count[few->group[i]] <= HOISTED_MAX;
        if (goes && kept != i)
            parent->calls[kept] = parent->calls[i];
        kept += goes;
    }
    parent->count = kept;
}

static void judge_few(struct siblings_state *state, struct open_parent *parent,
                      const struct analysis_call *own, struct open_parent *above, bool recursive) {
    struct sibling_collection *all = &state->scratch;
    struct few few;
    struct sibling *calls = parent->calls;
    uint32_t count = parent->count;
    few.groups = 0;
    few.mask = count <= 8 ? 31 : FEW_SLOTS - 1;
    memset(few.asked, FEW_NONE, few.mask + 1);
    if (parent->mixed)
        by_number(calls, count);
    for (uint32_t i = 0; i < count; i++) {
        if (recursive && is_step(state, parent, &calls[i]))
            calls[i].adopted = true;
        if (calls[i].shape == SIBLING_SHAPE_NONE || (recursive && calls[i].adopted)) {
            few.group[i] = FEW_NONE;
            continue;
        }
        add_to_few(&few, calls, i);
        ask_few(state, parent, &few, calls, i);
    }
    collection_clear(all);
    for (uint32_t i = 0; i < few.groups; i++)
        if (few.count[i] >= SIBLING_N_MIN)
            collect_few(state, all, parent, &few, i);
    bool closely = false;
    for (uint32_t i = 0; i < all->group_count; i++)
        closely |= all->groups[i]->closely;
    for (uint32_t i = 0; i < count && closely; i++)
        if (!recursive || !calls[i].adopted)
            collection_list(all, &calls[i]);
    if (all->group_count > 0)
        tell(state, all, parent, own);
    if (above == NULL)
        return;
    /* Now: what goes up may make another parent end, whose calls are then in `scratch`. */
    keep_few(parent, &few, recursive);
    hoist_all(state, above, own, parent, recursive);
}

static void flush(struct siblings_state *state, struct open_parent *parent) {
    enum sibling_novelty novelty;
    if (parent->run.last != RUN_ASIDE) {
        parent->run.aside = parent->calls[parent->run.last];
        parent->run.last = RUN_ASIDE;
    }
    if (parent->mixed)
        by_number(parent->calls, parent->count);
    for (uint32_t i = 0; i < parent->count; i++)
        collect(state, parent->all, parent, &parent->calls[i], &novelty);
    collection_keep(parent->all);
    parent->count = 0;
}

static void judge_many(struct siblings_state *state, struct open_parent *parent,
                       const struct analysis_call *own, struct open_parent *above, bool recursive) {
    if (recursive && above->count == 0 && above->all == NULL) {
        above->all = parent->all;
        parent->all = NULL;
        above->mixed |= parent->mixed;
        hoist_all(state, above, own, parent, true);
        return;
    }
    flush(state, parent);
    tell(state, parent->all, parent, own);
    for (uint32_t i = 0; above != NULL && i < parent->all->group_count; i++) {
        const struct sibling_group *group = parent->all->groups[i];
        if (!goes_up(parent->all, i))
            continue;
        hoist(state, above, own, &group->first, false);
        if (group->distinct > 1)
            hoist(state, above, own, group->last, false);
    }
}

uint64_t siblings_settle(struct siblings_state *state, struct open_parent *parent,
                         const struct analysis_call *own, struct open_parent *above) {
    if (parent->run.calls > 1)
        siblings_settle_run(state, parent, own);
    for (uint32_t i = 0; parent->pairs != NULL && own == NULL && i < parent->pair_count; i++)
        siblings_tell_again(state, parent, &parent->pairs[i].first, &parent->pairs[i].again);
    bool recursive = above != NULL && above->function == own->function;
    if (parent->all != NULL)
        judge_many(state, parent, own, above, recursive);
    else if (parent->count > 1 && is_suspicious(parent))
        judge_few(state, parent, own, above, recursive);
    else if (parent->count > 0 && above != NULL)
        hoist_all(state, above, own, parent, recursive);
    uint64_t told_ns = parent->told_ns;
    parents_release(&state->parents, state->analysis, parent);
    return told_ns;
}

void siblings_end_parent(struct siblings_state *state, struct open_parent *parent) {
    parents_close(&state->parents, parent);
    siblings_settle(state, parent, NULL, NULL);
}

void siblings_make_room(struct siblings_state *state, const struct open_parent *but) {
    struct open_parent *oldest = state->parents.oldest;
    if (oldest == NULL || oldest == but)
        return;
    state->cut_short += !oldest->ended;
    siblings_end_parent(state, oldest);
}

struct sibling *siblings_more_room(struct siblings_state *state, struct open_parent *parent) {
    if (parent->count == PARENT_CALLS_MAX) {
        if (parent->all == NULL && perftrace_budget_take(&state->analysis->budget, sizeof *parent->all)) {
            parent->all = calloc(1, sizeof *parent->all);
            if (parent->all == NULL)
                perftrace_budget_give(&state->analysis->budget, sizeof *parent->all);
        }
        if (parent->all == NULL) {
            state->left_out++;
            return NULL;
        }
        flush(state, parent);
    }
    if (!parents_reserve(&state->parents, state->analysis, parent, 1)) {
        siblings_make_room(state, parent);
        if (!parents_reserve(&state->parents, state->analysis, parent, 1)) {
            state->left_out++;
            return NULL;
        }
    }
    return &parent->calls[parent->count++];
}
