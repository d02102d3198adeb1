/* What comes at once again: the same call by the same caller, or its question by another. */
#include "sibling_state.h"

/* ---- the same at once ----------------------------------------------------------------------------- */

static const struct sibling *last_call(const struct open_parent *parent) {
    return parent->run.last == RUN_ASIDE ? &parent->run.aside : &parent->calls[parent->run.last];
}

void siblings_settle_run(struct siblings_state *state, const struct open_parent *parent,
                         const struct analysis_call *own) {
    const struct sibling_run *run = &parent->run;
    const struct sibling *last = last_call(parent);
    if (run->same == 0)
        return;
    bool otherwise = run->same_until_last && run->last_answer != run->first_answer;
    bool waits = run->calls > 2 && last->call->start_ns == 0 && own != NULL &&
                 own->elapsed_ns > SIBLING_PAUSE_MIN_NS && own->elapsed_ns / 3 > parent->children_ns;
    if (waits || run->pauses * 2 >= run->calls - 1 || run->failed_until_last || (otherwise && run->calls > 2))
        return; /* by a clock, or until it worked */
    uint32_t count = run->calls < SIBLINGS_EXAMPLES_MAX ? run->calls : SIBLINGS_EXAMPLES_MAX;
    results_sequential(&state->results, state->analysis, last->signature, run->same + 1, run->again_ns,
                       run->numbers, count);
}

static uint64_t end_of(const struct analysis_call *call) {
    return call->start_ns != 0 ? call->start_ns + call->elapsed_ns : 0;
}

/* Whether the call, whose signature is that of the last one, came at once after it, and not beside it. */
static bool follows(const struct open_parent *parent, const struct analysis_call *last,
                    const struct analysis_call *call) {
    return last->track == call->track && call->id.number > last->id.number &&
           last->validity == call->validity &&
           (parent->kind == PARENT_BY_NUMBER || call->id.number == last->id.number + 1) &&
           (call->start_ns == 0 || call->start_ns >= end_of(last));
}

static void extend_run(struct sibling_shapes *shapes, struct sibling_run *run, const struct sibling *before,
                       const struct sibling *after) {
    const struct analysis_call *last = before->call, *call = after->call;
    struct sibling_answer answer;
    if (run->calls == 1) {
        sibling_answer_of(shapes, before, &answer);
        run->same_until_last = run->failed_until_last = true;
        run->same = run->again_ns = run->pauses = 0;
        run->first_answer = run->last_answer = answer.hash;
        run->last_failed = answer.failed;
        run->numbers[0] = last->id.number;
    }
    uint64_t end_ns = end_of(last);
    uint64_t pause_ns = call->start_ns > end_ns && end_ns > 0 ? call->start_ns - end_ns : 0;
    run->pauses += pause_ns >= SIBLING_PAUSE_MIN_NS && pause_ns > 2 * last->elapsed_ns;
    run->same_until_last &= run->last_answer == run->first_answer;
    run->failed_until_last &= run->last_failed;
    sibling_answer_of(shapes, after, &answer);
    if (answer.hash == run->last_answer && !run->last_failed) {
        run->same++;
        run->again_ns += call->elapsed_ns;
    }
    run->last_answer = answer.hash;
    run->last_failed = answer.failed;
    if (run->calls < SIBLINGS_EXAMPLES_MAX)
        run->numbers[run->calls] = call->id.number;
    run->calls += run->calls < UINT32_MAX;
}

void siblings_follow(struct siblings_state *state, struct open_parent *parent, const struct sibling *call) {
    struct sibling_run *run = &parent->run;
    const struct sibling *last = last_call(parent);
    if (run->signature == call->signature && follows(parent, last->call, call->call)) {
        extend_run(&state->shapes, run, last, call);
        return;
    }
    if (run->calls > 1)
        siblings_settle_run(state, parent, NULL);
    run->calls = 1;
}

/* ---- the same by somebody else at once ------------------------------------------------------------ */

void siblings_tell_again(struct siblings_state *state, const struct open_parent *parent,
                         const struct sibling_asked *first, const struct analysis_call *again) {
    const struct sibling_origin origin = {
        .function = parent->function,
        .id = {parent->kind == PARENT_BY_NUMBER ? parent->number : 0, state->analysis->input_count},
        .serial = parent->serial,
        .by_name = parent->kind != PARENT_BY_NUMBER};
    results_asked_again(&state->results, state->analysis, &origin, first, again);
}

void siblings_compare_neighbours(struct siblings_state *state, struct open_parent *parent,
                                 const struct sibling *sibling) {
    const struct analysis_call *call = sibling->call;
    for (uint32_t i = 0; i < NEIGHBOURS; i++) {
        const struct sibling_call *neighbour = &state->neighbours[i];
        const struct analysis_call *before = &neighbour->call;
        if (before->id.number == 0 || before->question != call->question || before->caller == call->caller ||
            before->track != call->track || call->id.number - before->id.number > NEIGHBOURS ||
            before->validity != call->validity || neighbour->answer.failed)
            continue;
        const struct sibling_pair pair = {sibling_asked_of(before, &neighbour->answer), *call};
        if (!parents_add_pair(state->analysis, parent, &pair))
            state->left_out++;
        break;
    }
    struct sibling next = *sibling;
    sibling_keep(&state->shapes, &next, &state->neighbours[state->next_neighbour++ % NEIGHBOURS]);
}
