/* Calls go to their parents; when a parent ends, its calls are judged, and what was no finding goes up to its own parent. */
#include "siblings.h"

#include "../core/hash.h"
#include "part.h"
#include "sibling_parents.h"
#include "sibling_results.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define PAUSE_MIN_NS 1000000 /* nobody waits for less */
#define HOISTED_MAX 2u       /* calls of one shape that go up, where they are no loop */

#define NEIGHBOURS 8u

struct siblings_state {
    struct sibling_results results;
    struct sibling_shapes shapes;
    struct open_parents parents;
    struct sibling_collection scratch;     /* for parents whose calls are still kept one by one */
    struct analysis *analysis;             /* since the first call */
    uint64_t cut_short;                    /* parents that ended for want of room */
    uint64_t left_out;                     /* calls */
    uint64_t forgotten;                    /* questions */
    uint64_t key;                          /* of hashes of answers */
    struct sibling neighbours[NEIGHBOURS]; /* the last calls of callers that are known by name only */
    uint32_t next_neighbour;
};

static const char *const confidences[] = {"certain", "likely", "possible"};
const char *analysis_confidence_name(enum analysis_confidence confidence) {
    return confidences[confidence];
}

static const char *const look_alikes[] = {"batches", "pages", "retries", "polling", "cache use"};
const char *analysis_look_alike_name(enum analysis_look_alike what) {
    return look_alikes[what];
}

/* ---- the same at once ----------------------------------------------------------------------------- */

/* `own`: the parent's call, when it has ended. */
static void settle_run(struct siblings_state *state, struct open_parent *parent,
                       const struct analysis_call *own) {
    struct sibling_run *run = &parent->run;
    uint64_t calls = run->calls;
    run->calls = 0;
    if (calls < 2 || run->same == 0)
        return;
    bool otherwise = run->same_until_last && run->answer != run->first_answer;
    bool waits = calls > 2 && run->end_ns == 0 && own != NULL && own->elapsed_ns > PAUSE_MIN_NS &&
                 own->elapsed_ns / 3 > parent->children_ns;
    if (waits || run->pauses * 2 >= calls - 1 || run->failed_until_last || (otherwise && calls > 2))
        return; /* by a clock, or until it worked */
    struct analysis_sequential found = {.signature = run->signature,
                                        .runs = 1,
                                        .calls = run->same + 1,
                                        .longest = run->same + 1,
                                        .saved_ns = run->again_ns};
    for (uint32_t i = 0; i < calls && i < SIBLINGS_EXAMPLES_MAX; i++)
        found.numbers[found.number_count++] =
            (struct analysis_call_id){run->numbers[i], state->analysis->input_count};
    results_sequential(&state->results, state->analysis, &found);
}

static void extend_run(struct sibling_run *run, const struct analysis_call *call,
                       const struct sibling_answer *answer) {
    uint64_t pause_ns = call->start_ns > run->end_ns && run->end_ns > 0 ? call->start_ns - run->end_ns : 0;
    run->pauses += pause_ns >= PAUSE_MIN_NS && pause_ns > 2 * run->elapsed_ns;
    run->same_until_last &= run->answer == run->first_answer;
    run->failed_until_last &= run->failed;
    if (answer->hash == run->answer && !run->failed) {
        run->same++;
        run->again_ns += call->elapsed_ns;
    }
}

/* A direct call of the parent. */
static void add_to_run(struct siblings_state *state, struct open_parent *parent,
                       const struct analysis_call *call, const struct sibling_answer *answer) {
    struct sibling_run *run = &parent->run;
    bool follows = run->calls > 0 && run->signature == call->signature && run->track == call->track &&
                   run->position + 1 == parent->position && call->id.number > run->number &&
                   (parent->kind == PARENT_BY_NUMBER || call->id.number == run->number + 1);
    if (follows && call->start_ns != 0 && call->start_ns < run->end_ns)
        follows = false; /* beside it */
    if (follows)
        extend_run(run, call, answer);
    else {
        settle_run(state, parent, NULL);
        *run = (struct sibling_run){.signature = call->signature,
                                    .track = call->track,
                                    .first_answer = answer->hash,
                                    .same_until_last = true,
                                    .failed_until_last = true};
    }
    if (run->calls < SIBLINGS_EXAMPLES_MAX)
        run->numbers[run->calls] = call->id.number;
    run->calls++;
    run->answer = answer->hash;
    run->failed = answer->failed;
    run->number = call->id.number;
    run->position = parent->position;
    run->elapsed_ns = call->elapsed_ns;
    run->end_ns = call->start_ns != 0 ? call->start_ns + call->elapsed_ns : 0;
}

/* ---- the same by somebody else at once -------------------------------------------------------------- */

static void tell_again(struct siblings_state *state, const struct open_parent *parent,
                       const struct sibling_asked *first, const struct sibling *again) {
    const struct sibling_origin origin = {
        .function = parent->function,
        .id = {parent->kind == PARENT_BY_NUMBER ? parent->number : 0, state->analysis->input_count},
        .serial = parent->serial,
        .by_name = parent->kind != PARENT_BY_NUMBER};
    results_asked_again(&state->results, state->analysis, &origin, first, again);
}

/* Of callers that never stand in the log, two that ask the same within a few calls are taken for one parent's. */
static void compare_neighbours(struct siblings_state *state, struct open_parent *parent,
                               const struct sibling *call) {
    for (uint32_t i = 0; i < NEIGHBOURS; i++) {
        const struct sibling *before = &state->neighbours[i];
        if (before->number == 0 || before->question != call->question || before->caller == call->caller ||
            before->track != call->track || call->number - before->number > NEIGHBOURS ||
            before->answer.failed)
            continue;
        const struct sibling_pair pair = {.first = {.number = before->number,
                                                    .answer = before->answer.hash,
                                                    .question = before->question + 1,
                                                    .caller = before->caller,
                                                    .signature = before->signature},
                                          .again = *call};
        if (!parents_add_pair(state->analysis, parent, &pair))
            state->left_out++;
        break;
    }
    state->neighbours[state->next_neighbour++ % NEIGHBOURS] = *call;
}

/* ---- judging a parent's calls ----------------------------------------------------------------------- */

static uint32_t collect(struct siblings_state *state, struct sibling_collection *all,
                        const struct open_parent *parent, const struct sibling *call,
                        enum sibling_novelty *novelty) {
    struct sibling_asked first;
    uint32_t group = collection_add(all, state->analysis, &state->shapes, call, novelty, &first);
    if (*novelty != SIBLING_NEW && first.question != 0)
        tell_again(state, parent, &first, call);
    return group;
}

static void tell(struct siblings_state *state, struct sibling_collection *all,
                 const struct open_parent *parent, const struct analysis_call *own) {
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
    collection_judge(all, state->analysis, &state->shapes, &view);
    for (uint32_t i = 0; i < all->group_count; i++) {
        const struct sibling_judgement *judgement = &all->judgements[i];
        if (judgement->verdict == SIBLING_NOTHING || all->groups[i]->suppressed)
            continue;
        if (judgement->verdict == SIBLING_LOOK_ALIKE)
            state->results.found.look_alikes[judgement->what]++;
        else
            results_n_plus_one(&state->results, state->analysis, &state->shapes, &origin, all->groups[i],
                               judgement);
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

/* ---- up to the parent's parent ---------------------------------------------------------------------- */

static void append(struct siblings_state *state, struct open_parent *parent, const struct sibling *call);

/* The call as one of `above`, whose call `number` of `function` is: the path gets longer, up to where `above` calls itself. */
static void hoist(struct siblings_state *state, struct open_parent *above, uint32_t function, uint64_t number,
                  const struct sibling *call) {
    struct sibling moved = *call;
    uint32_t path[SIBLINGS_THROUGH_MAX + 1] = {function};
    unsigned length = 1 + call->path_length, from = 0;
    memcpy(path + 1, call->path, call->path_length * sizeof *path);
    for (unsigned i = 0; i < length; i++)
        if (path[i] == above->function)
            from = i + 1;
    length -= from;
    if (length > SIBLINGS_THROUGH_MAX)
        return;
    moved.adopted |= from > 0;
    moved.within = from > 0 ? 0 : number;
    moved.path_length = (uint8_t)length;
    memset(moved.path, 0, sizeof moved.path);
    memcpy(moved.path, path + from, length * sizeof *path);
    append(state, above, &moved);
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
        append(state, above, &parent->calls[i]);
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

static void judge_few(struct siblings_state *state, struct open_parent *parent,
                      const struct analysis_call *own, struct open_parent *above, bool recursive) {
    struct sibling_collection *all = &state->scratch;
    uint32_t groups[PARENT_CALLS_MAX];
    enum sibling_novelty novelty[PARENT_CALLS_MAX];
    collection_clear(all);
    by_number(parent->calls, parent->count);
    for (uint32_t i = 0; i < parent->count; i++) {
        groups[i] = COLLECTION_GROUPS_MAX;
        novelty[i] = SIBLING_NEW;
        if (recursive && is_step(state, parent, &parent->calls[i]))
            parent->calls[i].adopted = true;
        if (!recursive || !parent->calls[i].adopted)
            groups[i] = collect(state, all, parent, &parent->calls[i], &novelty[i]);
    }
    tell(state, all, parent, own);
    if (above == NULL)
        return;
    /* First of all: what goes up may make another parent end, whose calls are then in `scratch`. */
    uint32_t kept = 0;
    for (uint32_t i = 0; i < parent->count; i++) {
        bool adopted = recursive && parent->calls[i].adopted;
        if (adopted || (novelty[i] == SIBLING_NEW && goes_up(all, groups[i]) &&
                        parent->calls[i].shape != SIBLING_SHAPE_NONE))
            parent->calls[kept++] = parent->calls[i];
    }
    parent->count = kept;
    if (recursive)
        adopt(state, above, parent);
    else
        hoist_all(state, above, own, parent);
}

static void flush(struct siblings_state *state, struct open_parent *parent) {
    enum sibling_novelty novelty;
    by_number(parent->calls, parent->count);
    for (uint32_t i = 0; i < parent->count; i++)
        collect(state, parent->all, parent, &parent->calls[i], &novelty);
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
            hoist(state, above, own->function, own->id.number, &group->last);
    }
}

/* `own`: the parent's own call, NULL if it was not seen to end; `above`: its parent, or NULL. Returns how much of its time went
 * into findings. */
static uint64_t settle(struct siblings_state *state, struct open_parent *parent,
                       const struct analysis_call *own, struct open_parent *above) {
    settle_run(state, parent, own);
    for (uint32_t i = 0; own == NULL && i < parent->pair_count; i++)
        tell_again(state, parent, &parent->pairs[i].first, &parent->pairs[i].again);
    bool recursive = above != NULL && above->function == own->function;
    if (parent->kind == PARENT_NOBODY)
        ;
    else if (parent->all != NULL)
        judge_many(state, parent, own, above, recursive);
    else if (is_suspicious(parent))
        judge_few(state, parent, own, above, recursive);
    else if (above != NULL) {
        by_number(parent->calls, parent->count);
        if (recursive)
            adopt(state, above, parent);
        else
            hoist_all(state, above, own, parent);
    }
    uint64_t told_ns = parent->told_ns;
    parents_release(&state->parents, state->analysis, parent);
    return told_ns;
}

static void end_parent(struct siblings_state *state, struct open_parent *parent) {
    parents_close(&state->parents, parent);
    settle(state, parent, NULL, NULL);
}

static void make_room(struct siblings_state *state, const struct open_parent *but) {
    struct open_parent *oldest = state->parents.oldest;
    if (oldest == NULL || oldest == but)
        return;
    state->cut_short += !oldest->ended;
    end_parent(state, oldest);
}

/* The call is kept by its parent. */
static void append(struct siblings_state *state, struct open_parent *parent, const struct sibling *call) {
    if (parent->count == PARENT_CALLS_MAX) {
        if (parent->all == NULL && perftrace_budget_take(&state->analysis->budget, sizeof *parent->all))
            parent->all = calloc(1, sizeof *parent->all);
        if (parent->all == NULL) {
            state->left_out++;
            return;
        }
        flush(state, parent);
    }
    if (!parents_reserve(&state->parents, state->analysis, parent)) {
        make_room(state, parent);
        if (!parents_reserve(&state->parents, state->analysis, parent)) {
            state->left_out++;
            return;
        }
    }
    parent->calls[parent->count++] = *call;
}

/* ---- the part ------------------------------------------------------------------------------------- */

static bool is_unknown(struct perftrace_text caller) {
    return caller.length == 7 && memcmp(caller.bytes, "unknown", 7) == 0;
}

/* The parent of a call, opened if need be; NULL: it has none, or there is no room. */
static struct open_parent *parent_of(struct siblings_state *state, const struct analysis_call *call) {
    struct open_parents *parents = &state->parents;
    bool by_name = call->parent == 0;
    uint64_t number = by_name ? pair_key(call->track, call->caller) : call->parent;
    enum parent_kind kind = by_name ? PARENT_BY_NAME : PARENT_BY_NUMBER;
    if (by_name && is_unknown(state->analysis->functions[call->caller].name))
        kind = PARENT_NOBODY;
    struct open_parent *parent = parents_find(parents, kind, number);
    if (parent != NULL && kind == PARENT_BY_NAME &&
        call->id.number > parent->last_number + SIBLINGS_GAP_MAX) {
        end_parent(state, parent);
        parent = NULL;
    }
    if (parent != NULL) {
        parents_touch(parents, parent);
        return parent;
    }
    while (parents->count > 0 && (parents->count >= PARENTS_MAX || parents->calls > PARENTS_CALLS_MAX)) {
        uint32_t before = parents->count;
        make_room(state, NULL);
        if (parents->count == before)
            break;
    }
    parent = parents_open(parents, state->analysis, kind, number, call->caller);
    if (parent == NULL) {
        make_room(state, NULL);
        parent = parents_open(parents, state->analysis, kind, number, call->caller);
    }
    return parent;
}

/* What is open because it is the call's own. A log's walk by name only: what began before this call is its sibling. */
static struct open_parent *own_children(struct siblings_state *state, const struct analysis_call *call) {
    struct open_parent *children = parents_find(&state->parents, PARENT_BY_NUMBER, call->id.number);
    if (children != NULL || state->parents.counts[PARENT_BY_NAME] == 0)
        return children;
    children = parents_find(&state->parents, PARENT_BY_NAME, pair_key(call->track, call->function));
    bool sibling =
        children != NULL && call->caller == call->function && children->first_number < call->id.number;
    return sibling ? NULL : children;
}

/* Some of its calls run beside it, and more may still end: it is judged later, and its calls do not go up. */
static bool stays_open(struct open_parent *parent, const struct analysis_call *own) {
    bool beside = false;
    for (uint32_t i = 0; i < parent->count && !beside; i++)
        beside = parent->calls[i].async || parent->calls[i].track != own->track;
    if (!beside || parent->ended || parent->count < SIBLING_N_MIN || parent->kind != PARENT_BY_NUMBER)
        return false;
    parent->ended = true;
    parent->elapsed_ns = own->elapsed_ns;
    return true;
}

static void add_call(struct siblings_state *state, struct open_parent *parent,
                     const struct analysis_call *call, uint32_t shape, const struct sibling_answer *answer,
                     uint64_t told_ns) {
    if (parent->position++ == 0)
        parent->first_number = call->id.number;
    parent->last_number = call->id.number;
    parent->children_ns += call->async ? 0 : call->elapsed_ns;
    parent->told_ns += told_ns;
    if (shape != SIBLING_SHAPE_NONE)
        add_to_run(state, parent, call, answer);
    if (parent->kind == PARENT_NOBODY || (shape == SIBLING_SHAPE_NONE && answer->count_count == 0))
        return;
    const struct sibling kept = {.number = call->id.number,
                                 .start_ns = call->start_ns,
                                 .elapsed_ns = call->elapsed_ns,
                                 .self_ns = call->self_ns,
                                 .told_ns = told_ns < call->elapsed_ns ? told_ns : call->elapsed_ns,
                                 .answer = *answer,
                                 .question = call->question,
                                 .signature = call->signature,
                                 .caller = call->caller,
                                 .shape = shape,
                                 .track = call->track,
                                 .async = call->async};
    if (parent->kind == PARENT_BY_NAME)
        compare_neighbours(state, parent, &kept);
    append(state, parent, &kept);
}

static int siblings_add(struct analysis *analysis, void *part, const struct analysis_call *call) {
    struct siblings_state *state = part;
    if (state->analysis == NULL) {
        state->analysis = analysis;
        state->key = state->results.key = perftrace_hash_key() | 1;
    }
    struct open_parent *children = own_children(state, call);
    if (children != NULL && stays_open(children, call))
        children = NULL;
    if (children != NULL)
        parents_close(&state->parents, children);
    struct sibling_answer answer = {0};
    if (call->metric_count > 0)
        answer = sibling_answer_of(call->metrics, call->metric_count, state->key);
    uint32_t shape = sibling_shape_of(&state->shapes, analysis, call->question);
    if (state->results.watching > 0 && shape != SIBLING_SHAPE_NONE)
        results_watch(&state->results, analysis, call, &answer);
    struct open_parent *parent = parent_of(state, call);
    uint64_t told_ns = 0;
    if (children != NULL)
        told_ns =
            settle(state, children, call, parent != NULL && parent->kind != PARENT_NOBODY ? parent : NULL);
    if (parent != NULL)
        add_call(state, parent, call, shape, &answer, told_ns);
    return 0;
}

static int siblings_end_input(struct analysis *analysis, void *part) {
    (void)analysis;
    struct siblings_state *state = part;
    while (state->parents.newest != NULL)
        end_parent(state, state->parents.newest);
    memset(state->neighbours, 0, sizeof state->neighbours); /* another input counts its calls anew */
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
        perftrace_buffer_text(text, " questions were forgotten: if they were asked again, it was not seen\n");
    }
}

static void siblings_close(void *part) {
    struct siblings_state *state = part;
    if (state->analysis != NULL) {
        parents_free(&state->parents, state->analysis);
        collection_free(&state->scratch, state->analysis);
    }
    sibling_shapes_free(&state->shapes);
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
    .end_input = siblings_end_input,
    .finish = siblings_finish,
    .approximated = siblings_approximated,
    .close = siblings_close,
};
