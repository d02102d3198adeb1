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
        siblings_tell_again(state, parent, &first, call->call);
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
    for (uint32_t i = 0; i < all->group_count; i++)
        if (all->groups[i]->closely) /* not the last one, perhaps */
            sibling_answer_of(&state->shapes, all->groups[i]->last, &all->groups[i]->last_answer);
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

static uint64_t number_of(const struct sibling *call) {
    return call->call->id.number;
}

/* As they end, calls of one kind are in order on one thread. Of several threads they are put in order. */
static void by_number(struct sibling *calls, uint32_t count) {
    for (uint32_t i = 1; i < count; i++) {
        if (number_of(&calls[i]) >= number_of(&calls[i - 1]))
            continue;
        struct sibling moving = calls[i];
        uint32_t at = i;
        for (; at > 0 && number_of(&calls[at - 1]) > number_of(&moving); at--)
            calls[at] = calls[at - 1];
        calls[at] = moving;
    }
}

/* ---- up to the parent's parent -------------------------------------------------------------------- */

static __attribute__((noinline)) bool lengthen_path(struct siblings_state *state, struct sibling *call,
                                                    uint32_t above, uint32_t function) {
    uint32_t functions[1 + SIBLINGS_THROUGH_MAX] = {function}, from = 0;
    uint32_t length = 1 + sibling_path_functions(&state->shapes.paths, call->path, functions + 1);
    for (uint32_t i = 0; i < length; i++)
        if (functions[i] == above)
            from = i + 1;
    if (length - from > SIBLINGS_THROUGH_MAX)
        return false;
    if (from > 0) {
        call->adopted = true;
        call->within = 0;
    }
    call->path = SIBLING_PATH_DIRECT;
    for (uint32_t i = length; i > from && call->path != SIBLING_PATH_NONE; i--)
        call->path =
            sibling_path_add(&state->shapes.paths, &state->analysis->budget, functions[i - 1], call->path);
    state->left_out += call->path == SIBLING_PATH_NONE;
    return call->path != SIBLING_PATH_NONE;
}

/* Makes a call below the call `own` one of that one's parent, `above`: the path gets longer, up to where `above` calls itself. False:
 * it lies too deep, or there is nothing to go up. */
static inline bool lengthen(struct siblings_state *state, struct sibling *call,
                            const struct open_parent *above, const struct analysis_call *own) {
    call->within = own->id.number;
    if (call->shape == SIBLING_SHAPE_NONE)
        return false;
    if (call->path != SIBLING_PATH_DIRECT || own->function == above->function)
        return lengthen_path(state, call, above->function, own->function);
    call->path = sibling_path_of(own->function);
    return call->path != SIBLING_PATH_NONE;
}

/* The same where a function calls itself: calls go up as they are, so that the outermost call has them all. */
static inline bool climb(struct siblings_state *state, struct sibling *call, const struct open_parent *above,
                         const struct analysis_call *own, bool recursive) {
    if (!recursive)
        return lengthen(state, call, above, own);
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
    struct sibling *moved = climb(state, &longer, above, own, recursive) ? siblings_room(state, above) : NULL;
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

/* There is room for the parent's calls. */
static inline bool goes_up_at_once(const struct open_parent *above, const struct open_parent *parent) {
    return above->count == 0 || above->capacity - above->count >= parent->count;
}

/* All of the parent's calls: those are its own in whose place they come, if it is the first one. */
static inline void hoist_fitting(struct siblings_state *state, struct open_parent *above,
                                 const struct analysis_call *own, struct open_parent *parent,
                                 bool recursive) {
    const struct sibling *calls = parent->calls, *end = calls + parent->count;
    if (above->count == 0)
        swap_calls(above, parent);
    struct sibling *moved = above->calls + above->count;
    uint32_t mixed = 0;
    for (const struct sibling *call = calls; call < end; call++) {
        if (moved != call)
            *moved = *call; /* first: what has just been written in parts would have to be waited for */
        if (!climb(state, moved, above, own, recursive))
            continue;
        mixed |= moved->async | (moved->track ^ above->calls->track);
        moved++;
    }
    above->count = (uint32_t)(moved - above->calls);
    above->mixed |= recursive ? 0 : mixed;
}

/* All of the parent's calls. */
static __attribute__((noinline)) void hoist_all(struct siblings_state *state, struct open_parent *above,
                                                const struct analysis_call *own, struct open_parent *parent,
                                                bool recursive) {
    if (parent->count == 0)
        return;
    if (goes_up_at_once(above, parent) ||
        (parent->count <= PARENT_CALLS_MAX - above->count &&
         parents_reserve(&state->parents, state->analysis, above, parent->count)))
        hoist_fitting(state, above, own, parent, recursive);
    else
        for (uint32_t i = 0; i < parent->count; i++)
            hoist(state, above, own, &parent->calls[i], recursive);
    if (recursive)
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
    return call->path == SIBLING_PATH_DIRECT &&
           state->analysis->questions[call->question].function == parent->function;
}

/* A parent's few calls by shape and path, and by what was asked. Of sets of calls each has a bit, by its index. */
static_assert(PARENT_CALLS_MAX == 64, "a set of calls is a word");
#define FEW_NONE UINT8_MAX
#define FEW_SLOTS 256u
#define FEW_SHAPES 32u
struct few {
    uint32_t groups, mask;              /* the latter: of the places in `asked` that are used */
    uint64_t members[PARENT_CALLS_MAX]; /* of each group */
    uint64_t alike[PARENT_CALLS_MAX];   /* what these have in common */
    uint8_t by_shape[FEW_SHAPES];       /* a group of such ones, where there may be others */
    uint64_t known;                     /* those that did not ask first */
    uint8_t asked[FEW_SLOTS];           /* by question: the last call that was new with such a one */
    uint8_t before[PARENT_CALLS_MAX];   /* of such a call: another one in the same place of `asked` */
    uint8_t asker[PARENT_CALLS_MAX];    /* of such a call: who asked the same first, or had to again */
};

/* A group's members are more than HOISTED_MAX: a loop may be made of them. */
static inline bool has_loop(uint64_t members) {
    static_assert(HOISTED_MAX == 2 && SIBLING_N_MIN == 3, "it has a third one");
    members &= members - 1;
    return (members & (members - 1)) != 0;
}

static inline void add_to_few(struct few *few, const struct sibling *call, uint64_t bit) {
    uint64_t alike = sibling_likeness(call);
    uint8_t *slot = &few->by_shape[(call->shape + 7 * call->path) % FEW_SHAPES];
    uint32_t group = *slot;
    if (group >= few->groups || few->alike[group] != alike) {
        for (group = 0; group < few->groups && few->alike[group] != alike;)
            group++;
        if (group == few->groups) {
            few->members[group] = 0;
            few->alike[group] = alike;
            few->groups++;
        }
        *slot = (uint8_t)group;
    }
    few->members[group] |= bit;
}

/* The call was asked what call `same` was: if it need not have been, that is told. */
static __attribute__((noinline)) void ask_again(struct siblings_state *state,
                                                const struct open_parent *parent, struct few *few,
                                                uint8_t same, uint32_t at) {
    const struct sibling *first = &parent->calls[few->asker[same]], *call = &parent->calls[at];
    struct sibling_answer answer, again = {0};
    few->known |= UINT64_C(1) << at;
    sibling_answer_of(&state->shapes, first, &answer);
    if (first->signature == call->signature)
        sibling_answer_of(&state->shapes, call, &again);
    const struct sibling_asked asked = sibling_asked_of(first->call, &answer);
    if (sibling_answers(&asked, answer.failed, call->call, again.hash))
        siblings_tell_again(state, parent, &asked, call->call);
    else
        few->asker[same] = (uint8_t)at;
}

/* Whether the question was asked before. */
static inline void ask_few(struct siblings_state *state, const struct open_parent *parent, struct few *few,
                           const struct sibling *calls, uint32_t at) {
    uint32_t question = calls[at].question;
    uint8_t *slot = &few->asked[question & few->mask], same = *slot;
    while (same != FEW_NONE && calls[same].question != question)
        same = few->before[same];
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
                              uint64_t members) {
    const struct sibling *first = &calls[__builtin_ctzll(members)];
    const struct sibling_shape *shape = &state->shapes.shapes[first->shape];
    uint64_t differing = 0,
             all = shape->parameter_count < 64 ? (UINT64_C(1) << shape->parameter_count) - 1 : UINT64_MAX;
    for (members &= members - 1; members != 0 && differing != all; members &= members - 1) {
        differing |= sibling_differences(state->analysis, shape, first->question,
                                         calls[__builtin_ctzll(members)].question);
        uint64_t plain = differing & ~shape->statements;
        if ((plain & (plain - 1)) != 0)
            break;
    }
    return differing;
}

/* The calls of a group that may be a loop, into the collection. */
static void collect_few(struct siblings_state *state, struct sibling_collection *all,
                        const struct open_parent *parent, uint64_t members, uint64_t known) {
    const struct sibling *first = &parent->calls[__builtin_ctzll(members)];
    uint64_t differing = differing_few(state, parent->calls, members);
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
    for (; members != 0; members &= members - 1)
        sibling_group_add(state->analysis, &state->shapes, group, &parent->calls[__builtin_ctzll(members)],
                          (members & -members & known) == 0);
}

/* Leaves those that go up: what was no loop, once each, and all of a walk's (`adopted`). */
static void keep_few(struct open_parent *parent, const struct few *few, uint64_t adopted) {
    uint64_t going = 0;
    for (uint32_t i = 0; i < few->groups; i++)
        going |= has_loop(few->members[i]) ? 0 : few->members[i];
    going = (going & ~few->known) | adopted;
    uint32_t kept = 0;
    for (; going != 0; going &= going - 1, kept++)
        if (kept != (uint32_t)__builtin_ctzll(going))
            parent->calls[kept] = parent->calls[__builtin_ctzll(going)];
    parent->count = kept;
}

/* A walk's calls that count for the outermost one; elsewhere there are none. */
static uint64_t adopt_few(const struct siblings_state *state, struct open_parent *parent) {
    uint64_t adopted = 0;
    for (uint32_t i = 0; i < parent->count; i++) {
        parent->calls[i].adopted |= is_step(state, parent, &parent->calls[i]);
        adopted |= (uint64_t)parent->calls[i].adopted << i;
    }
    return adopted;
}

static __attribute__((noinline)) void judge_few(struct siblings_state *state, struct open_parent *parent,
                                                const struct analysis_call *own, struct open_parent *above,
                                                bool recursive) {
    struct sibling_collection *all = &state->scratch;
    struct few few;
    struct sibling *calls = parent->calls;
    uint32_t count = parent->count;
    few.groups = 0;
    few.known = 0;
    memset(few.by_shape, FEW_NONE, sizeof few.by_shape);
    few.mask = count <= 8 ? 31 : FEW_SLOTS - 1;
    memset(few.asked, FEW_NONE, few.mask + 1);
    if (parent->mixed)
        by_number(calls, count);
    uint64_t adopted = recursive ? adopt_few(state, parent) : 0;
    uint64_t bit = 1;
    for (uint32_t i = 0; i < count; i++, bit <<= 1) {
        if (calls[i].shape == SIBLING_SHAPE_NONE || (adopted & bit) != 0)
            continue;
        add_to_few(&few, &calls[i], bit);
        ask_few(state, parent, &few, calls, i);
    }
    collection_clear(all);
    for (uint32_t i = 0; i < few.groups; i++)
        if (has_loop(few.members[i]))
            collect_few(state, all, parent, few.members[i], few.known);
    bool closely = false;
    for (uint32_t i = 0; i < all->group_count; i++)
        closely |= all->groups[i]->closely;
    for (uint32_t i = 0; i < count && closely; i++)
        if ((adopted >> i & 1) == 0) {
            struct sibling_answer answer;
            sibling_answer_of(&state->shapes, &calls[i], &answer);
            collection_list(all, &calls[i], &answer);
        }
    if (all->group_count > 0)
        tell(state, all, parent, own);
    if (above == NULL)
        return;
    /* Now: what goes up may make another parent end, whose calls are then in `scratch`. */
    keep_few(parent, &few, adopted);
    hoist_all(state, above, own, parent, recursive);
}

static void flush(struct siblings_state *state, struct open_parent *parent) {
    enum sibling_novelty novelty;
    if (parent->run.last != RUN_ASIDE) {
        parent->run.aside = parent->calls[parent->run.last];
        parent->run.last = RUN_ASIDE;
        sibling_keep(&state->shapes, &parent->run.aside, &parent->run.aside_call);
    }
    if (parent->mixed)
        by_number(parent->calls, parent->count);
    for (uint32_t i = 0; i < parent->count; i++)
        collect(state, parent->all, parent, &parent->calls[i], &novelty);
    collection_keep(parent->all, &state->shapes);
    parent->count = parent->kept = 0;
}

/* A group's call, whose place goes with the group. */
static void hoist_out(struct siblings_state *state, struct open_parent *above,
                      const struct analysis_call *own, const struct sibling *call) {
    struct sibling moving = *call;
    if (sibling_kept_add(&state->kept, state->analysis, &state->shapes, &state->parents, &moving))
        hoist(state, above, own, &moving, false);
    else
        state->left_out++;
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
        hoist_out(state, above, own, &group->first);
        if (group->distinct > 1)
            hoist_out(state, above, own, group->last);
    }
}

/* What is told even of few calls of which none is like another. */
static __attribute__((noinline)) void settle_runs(struct siblings_state *state, struct open_parent *parent,
                                                  const struct analysis_call *own) {
    if (parent->run.calls > 1)
        siblings_settle_run(state, parent, own);
    for (uint32_t i = 0; parent->pairs != NULL && own == NULL && i < parent->pair_count; i++)
        siblings_tell_again(state, parent, &parent->pairs[i].first, &parent->pairs[i].again);
}

uint64_t siblings_settle(struct siblings_state *state, struct open_parent *parent,
                         const struct analysis_call *own, struct open_parent *above) {
    bool recursive = above != NULL && above->function == own->function;
    if (parent->run.calls > 1 || parent->pairs != NULL)
        settle_runs(state, parent, own);
    if (parent->all != NULL)
        judge_many(state, parent, own, above, recursive);
    else if (parent->count > 1 && is_suspicious(parent))
        judge_few(state, parent, own, above, recursive);
    else if (above != NULL && parent->count > 0) {
        if (!recursive && goes_up_at_once(above, parent))
            hoist_fitting(state, above, own, parent, false);
        else
            hoist_all(state, above, own, parent, recursive);
    }
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
