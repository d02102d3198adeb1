/* What a group of calls is: N + 1, or one of the things that look like it. What the calls do decides, and names only
 * where that says little: each sign has a weight, and three of them together are enough to leave a group out. */
#include "sibling_group.h"

#include <string.h>

#define PAGE_MIN 5           /* a page of fewer records may be anything */
#define PAUSE_MIN_NS 1000000 /* nobody waits for less */
#define ENOUGH 3

/* A group with what its judges need to know of it. */
struct group_view {
    const struct analysis *analysis;
    const struct sibling_group *group;
    const struct sibling_parent *parent;
    uint32_t parameter;
    uint32_t hints;  /* of names */
    bool statement;  /* it is a query's text */
    bool numbers;    /* all values are whole numbers */
    bool steady;     /* and each is by the same step from the one before */
    bool from_start; /* the first is 0 or 1 */
    bool answers;    /* every call answered something that can be counted */
};

static bool most(uint64_t some, uint64_t all) {
    return all > 0 && some * 5 >= all * 4;
}

static struct group_view view_of(const struct analysis *analysis, struct sibling_shapes *shapes,
                                 const struct sibling_group *group, const struct sibling_parent *parent,
                                 uint32_t parameter) {
    struct group_view view = {.analysis = analysis, .group = group, .parent = parent, .parameter = parameter};
    view.statement = (shapes->shapes[group->shape].statements >> parameter & 1) != 0;
    view.hints = sibling_hints(shapes, analysis, group->first.question, group->shape, parameter);
    view.numbers = group->changes > 0 && group->numbers == group->changes + 1;
    view.steady = view.numbers && group->steps_same == group->changes && group->step != 0;
    view.from_start = view.numbers && (group->first_value == 0 || group->first_value == 1);
    view.answers = group->first_answer.count_count > 0 && group->answered == group->followed;
    return view;
}

/* ---- batches -------------------------------------------------------------------------------------- */

static bool is_batches(const struct group_view *view) {
    return view->group->lists * 2 > view->group->changes + 1;
}

/* ---- pages ---------------------------------------------------------------------------------------- */

/* Full answers until the last, which has less. */
static bool full_until_last(const struct group_view *view, int64_t least) {
    const struct sibling_group *group = view->group;
    return view->answers && group->same_counts_until_last && group->first_answer.counts[0] >= least &&
           group->last_answer.count_count > 0 && group->last_answer.counts[0] < group->first_answer.counts[0];
}

/* `size` records were asked for, and that many came, or the value moves on by it. */
static bool is_page_size(const struct group_view *view, int64_t size) {
    const struct sibling_group *group = view->group;
    if (size < 2)
        return false;
    const struct sibling_answer *first = &group->first_answer;
    bool came = view->answers && group->same_counts_until_last &&
                (first->counts[0] == size || (first->count_count > 1 && first->counts[1] == size));
    bool moved = view->steady && group->step == size &&
                 (size >= PAGE_MIN || view->from_start || (view->hints & SIBLING_HINT_PAGE) != 0);
    return came || moved;
}

/* Another parameter, or the query's text, says how many records a page has. */
static bool has_page_size(const struct group_view *view) {
    const struct sibling_group *group = view->group;
    const struct analysis_question *question = &view->analysis->questions[group->first.question];
    for (uint32_t i = 0; i < question->parameter_count; i++) {
        int64_t size, end;
        struct perftrace_text text = sibling_value(view->analysis, group->first.question, i);
        if (i == view->parameter
                ? view->statement && is_page_size(view, sibling_limit(text))
                : sibling_number(text, &size, &end) && end == size && is_page_size(view, size))
            return true;
    }
    return false;
}

/* The value moves on by something else than what each call answered: not by what a page holds. */
static bool moves_past_answers(const struct group_view *view) {
    const struct sibling_answer *answer = &view->group->first_answer;
    if (!view->answers)
        return false;
    for (unsigned i = 0; i < answer->count_count; i++)
        if (answer->counts[i] == view->group->step)
            return false;
    return true;
}

static bool is_pages(const struct group_view *view) {
    const struct sibling_group *group = view->group;
    bool page_name = (view->hints & SIBLING_HINT_PAGE) != 0;
    bool contradicted =
        group->answered == group->followed && view->answers && group->at_most_one == group->followed;
    if (most(group->answered_before, group->changes) || most(group->by_answer, group->changes) ||
        most(group->onward, group->changes) || has_page_size(view))
        return true;
    if (contradicted)
        return false;
    int signs = 0;
    if (view->steady && group->step > 0) {
        bool big_steps = group->step >= PAGE_MIN;
        signs += 1;
        signs += view->from_start || group->first_value == group->step;
        signs += big_steps;
        signs += view->answers && group->same_counts_until_last && group->first_answer.counts[0] >= PAGE_MIN;
        signs += group->answered == 0 && big_steps && group->first_value == 0;
        signs -= big_steps && moves_past_answers(view);
        signs -= group->answered == 0 && !page_name && group->first_value != 0;
        signs -= view->answers && !group->same_counts_until_last;
    } else if (!view->numbers) {
        signs += view->answers && group->same_counts_until_last && group->first_answer.counts[0] >= PAGE_MIN;
    } else
        signs -= 1;
    signs += full_until_last(view, 2);
    signs += full_until_last(view, PAGE_MIN);
    signs += page_name ? 2 : 0;
    signs -= group->own * 2 < group->calls ? 2 : 0; /* no pages are read by a walk */
    return signs >= ENOUGH + (view->steady ? 1 : 0);
}

/* ---- waiting: retries and polling
 * ------------------------------------------------------------------- */

/* The parent spent most of its time in nothing that was recorded. */
static bool parent_waits(const struct group_view *view) {
    const struct sibling_parent *parent = view->parent;
    return parent->elapsed_ns > PAUSE_MIN_NS && parent->elapsed_ns / 3 > parent->children_ns;
}

/* The calls are far apart, and what lies between is not other calls. */
static bool long_pauses(const struct group_view *view) {
    const struct sibling_group *group = view->group;
    const struct sibling_parent *parent = view->parent;
    bool idle = parent->elapsed_ns == 0 || (parent->elapsed_ns > parent->children_ns &&
                                            parent->elapsed_ns - parent->children_ns > group->pause_ns / 2);
    return idle && group->pauses > 0 && group->pauses + 1 >= group->followed &&
           group->pause_ns_min >= PAUSE_MIN_NS &&
           group->pause_ns / group->pauses > group->total_ns / group->calls;
}

/* All answers but the last are the same. */
static bool ends_otherwise(const struct sibling_group *group) {
    return group->answered == group->followed && group->same_until_last &&
           group->last_answer.hash != group->first_answer.hash;
}

static bool is_retries(const struct group_view *view) {
    const struct sibling_group *group = view->group;
    if (view->numbers && group->changes >= 2 && group->doubled == group->changes &&
        (group->changes >= 3 || group->failed_until_last || parent_waits(view)))
        return true; /* the pause itself, or the time allowed */
    if (!(view->steady && group->step == 1))
        return false;
    int signs = 0;
    signs += (view->hints & SIBLING_HINT_ATTEMPT) != 0 ? 2 : 0;
    signs += long_pauses(view) && group->grown + 1 >= group->pauses ? 2 : 0;
    signs += group->failed_until_last ? 2 : 0;
    signs += ends_otherwise(group) && group->failed_until_last && !group->last_answer.failed;
    signs += parent_waits(view);
    signs += group->calls <= 8;
    signs += view->from_start ? 0 : -2;
    return signs >= ENOUGH;
}

static bool is_polling(const struct group_view *view) {
    const struct sibling_group *group = view->group;
    if (long_pauses(view) && group->calls > 3 &&
        group->period_ns_max - group->period_ns_min <= group->period_ns_min / 4 &&
        group->pause_ns / group->pauses > 3 * (group->total_ns / group->calls))
        return true; /* by a clock */
    if (!view->numbers || (group->steps_same != group->changes && (view->hints & SIBLING_HINT_TIME) == 0))
        return false;
    int signs = 0;
    signs += (view->hints & (SIBLING_HINT_TICK | SIBLING_HINT_TIME)) != 0;
    signs += (view->hints & SIBLING_HINT_POLL) != 0 ? 2 : (view->hints & SIBLING_HINT_CHECK) != 0;
    signs += long_pauses(view);
    signs += parent_waits(view);
    signs += group->failed_until_last;
    signs += ends_otherwise(group) && !full_until_last(view, 2);
    return signs >= ENOUGH;
}

/* ---- N + 1 ---------------------------------------------------------------------------------------- */

static bool counted(const struct sibling_list *list, uint64_t calls) {
    for (unsigned i = 0; i < list->count_count; i++)
        if (list->counts[i] > 1 && (uint64_t)list->counts[i] == calls)
            return true;
    return false;
}

/* A call before them answered as many as were then asked for. */
static bool listed_before(const struct group_view *view) {
    const struct sibling_group *group = view->group;
    for (size_t i = 0; i < view->parent->list_count; i++) {
        const struct sibling_list *list = &view->parent->lists[i];
        if (list->shape == group->shape || list->number >= group->first.call->id.number)
            continue;
        if (counted(list, group->distinct) || counted(list, group->calls))
            return true;
    }
    return false;
}

static enum analysis_confidence confidence_of(const struct group_view *view) {
    const struct sibling_group *group = view->group;
    bool one_thing = group->answered > 0 && group->at_most_one == group->followed;
    bool is_query = group->timed > 0 || one_thing || view->statement;
    int signs = listed_before(view) ? 2 : 0;
    signs += group->calls >= 5;
    signs += one_thing;
    signs += is_query;
    signs += !view->numbers || (!view->steady && group->changes > 2) ? 1 : 0; /* keys, not a counter */
    signs -= view->parent->by_name ? 1 : 0;
    signs -= group->self_ns < group->total_ns / 2 ? 2 : 0; /* a task, made of several calls */
    signs -= group->distinct * 4 < group->calls;
    return signs >= 3 && is_query ? ANALYSIS_CERTAIN : signs >= 1 ? ANALYSIS_LIKELY : ANALYSIS_POSSIBLE;
}

static struct sibling_judgement look_alike(enum analysis_look_alike what) {
    return (struct sibling_judgement){.verdict = SIBLING_LOOK_ALIKE, .what = what};
}

struct sibling_judgement sibling_judge(const struct analysis *analysis, struct sibling_shapes *shapes,
                                       const struct sibling_group *group,
                                       const struct sibling_parent *parent) {
    struct sibling_judgement nothing = {.verdict = SIBLING_NOTHING};
    if (!sibling_group_is_loop(group) || group->chained + 1 == group->calls)
        return nothing; /* the latter: each within another, as fact(3) within fact(4), and none beside it */
    int parameter = sibling_differing(shapes, group);
    if (parameter < 0)
        return nothing;
    struct group_view view = view_of(analysis, shapes, group, parent, (uint32_t)parameter);
    if (is_batches(&view))
        return look_alike(ANALYSIS_BATCHES);
    if (group->hits * 2 > group->followed)
        return look_alike(ANALYSIS_CACHE_USE); /* that is what costs little each time */
    if (is_retries(&view))
        return look_alike(ANALYSIS_RETRIES);
    if (is_pages(&view))
        return look_alike(ANALYSIS_PAGES);
    if (is_polling(&view))
        return look_alike(ANALYSIS_POLLING);
    return (struct sibling_judgement){
        .verdict = SIBLING_FINDING, .confidence = confidence_of(&view), .parameter = (uint32_t)parameter};
}
