/* A group grows: each call is compared with the first and with the one before. */
#include "sibling_group.h"

#include "../core/hash.h"

#include <string.h>

void sibling_group_begin(struct sibling_group *group, const struct sibling *first) {
    memset(group, 0, offsetof(struct sibling_group, first));
    group->shape = first->shape;
    group->path = first->path;
    group->first = *first;
    group->last = &group->first;
    group->pattern = INTERN_NONE;
    group->closely = true;
    group->min_ns = group->pause_ns_min = group->period_ns_min = UINT64_MAX;
    group->same_until_last = group->same_counts_until_last = group->failed_until_last = true;
}

bool sibling_group_is_loop(const struct sibling_group *group) {
    return group->calls >= SIBLING_N_MIN && group->branches >= SIBLING_N_MIN &&
           group->distinct >= SIBLING_N_MIN && group->differing != 0 && group->told_ns <= group->total_ns / 2;
}

void sibling_group_keep(struct sibling_shapes *shapes, struct sibling_group *group) {
    if (group->first.call != &group->first_call.call)
        sibling_keep(shapes, &group->first, &group->first_call);
    if (group->last != &group->kept) {
        group->kept = *group->last;
        group->last = &group->kept;
        sibling_keep(shapes, &group->kept, &group->last_call);
    }
}

static bool in_answer(const struct sibling_answer *answer, int64_t number) {
    for (unsigned i = 0; i < answer->count_count; i++)
        if (answer->counts[i] == number)
            return true;
    return false;
}

static void add_number(struct sibling_group *group, int64_t value, int64_t end, bool begins) {
    if (!begins) {
        int64_t step;
        if (__builtin_sub_overflow(value, group->value, &step))
            step = INT64_MAX;
        group->steps_same += group->changes == 1 || step == group->step;
        group->by_answer += step > 1 && in_answer(&group->last_answer, step);
        group->onward += group->value_end > group->value && end > value &&
                         (value == group->value_end || value == group->value_end + 1);
        group->doubled += value != 0 && (group->value == value / 2 && value % 2 == 0);
        group->answered_before += in_answer(&group->last_answer, value) && value > 1;
        group->step = step;
    } else
        group->first_value = value;
    group->value = value;
    group->value_end = end;
}

/* The value of the only parameter that differs. `begins`: of the group's first call, which is looked at when the
 * second is there. */
static void add_value(const struct analysis *analysis, const struct sibling_shape *shape,
                      struct sibling_group *group, uint32_t question, unsigned parameter, bool begins,
                      uint32_t against, uint64_t key) {
    struct perftrace_text text = sibling_value(analysis, question, parameter);
    bool statement = (shape->statements >> parameter & 1) != 0;
    int64_t value = 0, end = 0;
    bool is_number = false;
    if (statement) {
        uint32_t other = begins ? against : group->first.question;
        is_number =
            other != question && sibling_number_in(text, sibling_value(analysis, other, parameter), &value);
        end = value;
    } else
        is_number = sibling_number(text, &value, &end);
    if (is_number)
        add_number(group, value, end, begins);
    else if (!begins && group->last_answer.text != 0)
        group->answered_before +=
            (perftrace_hash_text(key, text.bytes, text.length) | 1) == group->last_answer.text;
    group->numbers += is_number;
    group->lists += (statement || !is_number) && sibling_is_list(text, statement);
}

static void add_pause(struct sibling_group *group, const struct analysis_call *call) {
    const struct analysis_call *last = group->last->call;
    if (call->start_ns == 0 || last->start_ns == 0 || call->track != last->track || call->async ||
        last->async)
        return;
    if (call->start_ns < last->start_ns + last->elapsed_ns) {
        group->overlaps++;
        return;
    }
    uint64_t pause_ns = call->start_ns - last->start_ns - last->elapsed_ns;
    uint64_t period_ns = call->start_ns - last->start_ns;
    group->grown += group->pauses > 0 && pause_ns > group->pause_ns_last + group->pause_ns_last / 4;
    group->pauses++;
    group->pause_ns += pause_ns;
    group->pause_ns_last = pause_ns;
    group->pause_ns_min = pause_ns < group->pause_ns_min ? pause_ns : group->pause_ns_min;
    group->pause_ns_max = pause_ns > group->pause_ns_max ? pause_ns : group->pause_ns_max;
    group->period_ns_min = period_ns < group->period_ns_min ? period_ns : group->period_ns_min;
    group->period_ns_max = period_ns > group->period_ns_max ? period_ns : group->period_ns_max;
}

/* What was the last one is compared with the first. */
static void add_answer(struct sibling_group *group) {
    const struct sibling_answer *first = &group->first_answer, *answer = &group->last_answer;
    group->same_until_last &= answer->hash == first->hash;
    group->same_counts_until_last &=
        answer->count_count == first->count_count && answer->counts[0] == first->counts[0];
    group->failed_until_last &= answer->failed;
}

void sibling_group_follow(const struct analysis *analysis, struct sibling_shapes *shapes,
                          struct sibling_group *group, const struct sibling *call) {
    const struct sibling_shape *shape = &shapes->shapes[group->shape];
    struct sibling_answer answer;
    sibling_answer_of(shapes, call, &answer);
    if (group->calls > 0) {
        add_answer(group);
        add_pause(group, call->call);
        int parameter = call->question != group->last->question ? sibling_differing(shapes, group) : -1;
        if (parameter >= 0) {
            if (group->changes == 0)
                add_value(analysis, shape, group, group->first.question, (unsigned)parameter, true,
                          call->question, shapes->key);
            group->changes++;
            add_value(analysis, shape, group, call->question, (unsigned)parameter, false, 0, shapes->key);
        }
    } else
        group->first_answer = answer;
    group->last_answer = answer;
    group->followed++;
    group->answered += answer.hash != 0;
    group->failed += answer.failed;
    group->hits += answer.hit;
    group->timed += answer.timed;
    group->at_most_one += answer.count_count == 0 ||
                          (answer.counts[0] <= 1 && (answer.count_count < 2 || answer.counts[1] <= 1));
}
