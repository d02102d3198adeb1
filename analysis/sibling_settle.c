/* A parent has ended: its calls are judged, and what was no finding goes up to its own parent. */
#include "../core/hash.h"
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

/* ---- up to the parent's parent
 * ---------------------------------------------------------------------- */

/* The call as one of `above`, whose call `number` of `function` is: the path gets longer, up to where `above` calls
 * itself. */
static void hoist(struct siblings_state *state, struct open_parent *above, uint32_t function, uint64_t number,
                  const struct sibling *call) {
    uint32_t path[SIBLINGS_THROUGH_MAX + 1] = {function};
    unsigned length = 1 + call->path_length, from = 0;
    memcpy(path + 1, call->path, sizeof call->path);
    for (unsigned i = 0; i < length; i++)
        if (path[i] == above->function)
            from = i + 1;
    length -= from;
    struct sibling *moved = length <= SIBLINGS_THROUGH_MAX ? siblings_room(state, above) : NULL;
    if (moved == NULL)
        return;
    *moved = *call;
    above->mixed |= call->async || call->track != above->calls[0].track;
    moved->adopted |= from > 0;
    moved->within = from > 0 ? 0 : number;
    moved->path_length = (uint8_t)length;
    moved->path_key = length == 0 ? 0 : state->shapes.key;
    for (unsigned i = 0; i < SIBLINGS_THROUGH_MAX; i++) {
        moved->path[i] = i < length ? path[from + i] : 0;
        if (i < length)
            moved->path_key = perftrace_hash_number(moved->path_key, moved->path[i]);
    }
}

static void hoist_all(struct siblings_state *state, struct open_parent *above,
                      const struct analysis_call *own, const struct open_parent *parent) {
    for (uint32_t i = 0; i < parent->count; i++)
        if (parent->calls[i].shape != SIBLING_SHAPE_NONE)
            hoist(state, above, own->function, own->id.number, &parent->calls[i]);
}

/* All go up together when a function calls itself, so that the outermost call has them all. */
static void adopt(struct siblings_state *state, struct open_parent *above, struct open_parent *parent) {
    if (above->count == 0 && above->all == NULL) {
        struct sibling *calls = above->calls;
        uint32_t capacity = above->capacity;
        above->calls = parent->calls;
        above->capacity = parent->capacity;
        above->count = parent->count;
        above->all = parent->all;
        above->mixed |= parent->mixed;
        parent->calls = calls;
        parent->capacity = capacity;
        parent->count = 0;
        parent->all = NULL;
        for (uint32_t i = 0; i < above->count; i++)
            above->calls[i].adopted = true;
        return;
    }
    for (uint32_t i = 0; i < parent->count; i++) {
        parent->calls[i].adopted = true;
        struct sibling *moved = siblings_room(state, above);
        if (moved != NULL)
            *moved = parent->calls[i];
        above->mixed |= parent->mixed;
    }
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
    return call->path_length == 0 && state->analysis->questions[call->question].function == parent->function;
}

/* A parent's few calls by shape and path, and by what was asked, as chains of their indices. */
#define FEW_NONE UINT8_MAX
#define FEW_SLOTS 256u
struct few {
    uint8_t group[PARENT_CALLS_MAX]; /* of each call; FEW_NONE: none */
    uint8_t next[PARENT_CALLS_MAX];  /* in its group */
    uint8_t first[PARENT_CALLS_MAX], last[PARENT_CALLS_MAX], count[PARENT_CALLS_MAX]; /* of each group */
    uint32_t groups;
    uint8_t asked[FEW_SLOTS];         /* by question: the last call with such a one */
    uint8_t before[PARENT_CALLS_MAX]; /* another such call */
    uint8_t asker[PARENT_CALLS_MAX];  /* the call that asked the same first, or had to ask again */
    bool known[PARENT_CALLS_MAX];     /* it did not ask first */
};

static void add_to_few(struct few *few, const struct sibling *calls, uint32_t at) {
    uint32_t group = few->groups;
    for (uint32_t i = few->groups; i-- > 0 && group == few->groups;)
        if (calls[few->first[i]].shape == calls[at].shape &&
            calls[few->first[i]].path_key == calls[at].path_key)
            group = i;
    few->group[at] = (uint8_t)group;
    few->next[at] = FEW_NONE;
    if (group == few->groups) {
        few->first[few->groups] = (uint8_t)at;
        few->count[few->groups++] = 0;
    } else
        few->next[few->last[group]] = (uint8_t)at;
    few->last[group] = (uint8_t)at;
    few->count[group]++;
}

/* Whether the question was asked before; if it need not have been asked again, that is told. */
static void ask_few(struct siblings_state *state, const struct open_parent *parent, struct few *few,
                    uint32_t at) {
    const struct sibling *calls = parent->calls, *call = &calls[at];
    uint8_t *slot = &few->asked[call->question % FEW_SLOTS], same = *slot;
    while (same != FEW_NONE && calls[same].question != call->question)
        same = few->before[same];
    few->known[at] = same != FEW_NONE;
    if (same == FEW_NONE) {
        few->asker[at] = (uint8_t)at;
        few->before[at] = *slot;
        *slot = (uint8_t)at;
        return;
    }
    const struct sibling *first = &calls[few->asker[same]];
    if (first->answer.failed ||
        (first->signature == call->signature && first->answer.hash != call->answer.hash)) {
        few->asker[same] = (uint8_t)at; /* it had to be asked again */
        return;
    }
    const struct sibling_asked asked = {.number = first->number,
                                        .answer = first->answer.hash,
                                        .question = first->question + 1,
                                        .caller = first->caller,
                                        .signature = first->signature};
    siblings_tell_again(state, parent, &asked, call);
}

/* The calls of a group that may be a loop, into the collection. */
static void collect_few(struct siblings_state *state, struct sibling_collection *all,
                        const struct open_parent *parent, const struct few *few, uint32_t number) {
    const struct sibling *first = &parent->calls[few->first[number]];
    uint32_t place = collection_group(all, state->analysis, first);
    if (place == COLLECTION_GROUPS_MAX)
        return;
    struct sibling_group *group = all->groups[place];
    for (uint8_t at = few->first[number]; at != FEW_NONE; at = few->next[at])
        sibling_group_compare(state->analysis, &state->shapes, group, &parent->calls[at]);
    if (sibling_differing(&state->shapes, group) < 0) {
        all->group_count--; /* it is none */
        return;
    }
    group->pattern =
        sibling_pattern_of(&state->patterns, state->analysis, &state->shapes, parent->function, first);
    group->closely = sibling_pattern_is_open(&state->patterns, group->pattern);
    for (uint8_t at = few->first[number]; at != FEW_NONE; at = few->next[at])
        sibling_group_add(state->analysis, &state->shapes, group, &parent->calls[at], !few->known[at]);
}

static void judge_few(struct siblings_state *state, struct open_parent *parent,
                      const struct analysis_call *own, struct open_parent *above, bool recursive) {
    struct sibling_collection *all = &state->scratch;
    struct few few;
    collection_clear(all);
    few.groups = 0;
    memset(few.asked, FEW_NONE, sizeof few.asked);
    if (parent->mixed)
        by_number(parent->calls, parent->count);
    for (uint32_t i = 0; i < parent->count; i++) {
        struct sibling *call = &parent->calls[i];
        few.group[i] = FEW_NONE;
        few.known[i] = false;
        if (recursive && is_step(state, parent, call))
            call->adopted = true;
        if (recursive && call->adopted)
            continue;
        collection_list(all, call);
        if (call->shape == SIBLING_SHAPE_NONE)
            continue;
        add_to_few(&few, parent->calls, i);
        ask_few(state, parent, &few, i);
    }
    for (uint32_t i = 0; i < few.groups; i++)
        if (few.count[i] >= SIBLING_N_MIN)
            collect_few(state, all, parent, &few, i);
    if (all->group_count > 0)
        tell(state, all, parent, own);
    if (above == NULL)
        return;
    /* First of all: what goes up may make another parent end, whose calls are then in `scratch`. */
    uint32_t kept = 0;
    for (uint32_t i = 0; i < parent->count; i++) {
        const struct sibling *call = &parent->calls[i];
        bool goes = call->adopted && recursive;
        goes |= call->shape != SIBLING_SHAPE_NONE && few.group[i] != FEW_NONE && !few.known[i] &&
                few.count[few.group[i]] <= HOISTED_MAX;
        if (goes && kept != i)
            parent->calls[kept] = *call;
        kept += goes;
    }
    parent->count = kept;
    if (recursive)
        adopt(state, above, parent);
    else
        hoist_all(state, above, own, parent);
}

static void flush(struct siblings_state *state, struct open_parent *parent) {
    enum sibling_novelty novelty;
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
        adopt(state, above, parent);
        return;
    }
    flush(state, parent);
    tell(state, parent->all, parent, own);
    for (uint32_t i = 0; above != NULL && i < parent->all->group_count; i++) {
        if (!goes_up(parent->all, i))
            continue;
        struct sibling_group *group = parent->all->groups[i];
        hoist(state, above, own->function, own->id.number, &group->first);
        if (group->distinct > 1)
            hoist(state, above, own->function, own->id.number, group->last);
    }
}

uint64_t siblings_settle(struct siblings_state *state, struct open_parent *parent,
                         const struct analysis_call *own, struct open_parent *above) {
    siblings_settle_run(state, parent, own);
    for (uint32_t i = 0; own == NULL && i < parent->pair_count; i++)
        siblings_tell_again(state, parent, &parent->pairs[i].first, &parent->pairs[i].again);
    bool recursive = above != NULL && above->function == own->function;
    if (parent->kind == PARENT_NOBODY)
        ;
    else if (parent->all != NULL)
        judge_many(state, parent, own, above, recursive);
    else if (is_suspicious(parent))
        judge_few(state, parent, own, above, recursive);
    else if (recursive)
        adopt(state, above, parent);
    else if (above != NULL)
        hoist_all(state, above, own, parent);
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

struct sibling *siblings_room(struct siblings_state *state, struct open_parent *parent) {
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
    if (!parents_reserve(&state->parents, state->analysis, parent)) {
        siblings_make_room(state, parent);
        if (!parents_reserve(&state->parents, state->analysis, parent)) {
            state->left_out++;
            return NULL;
        }
    }
    return &parent->calls[parent->count++];
}
