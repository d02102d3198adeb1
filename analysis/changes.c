/* Figures of runs to changes: which runs count, in what unit a span is compared, and who calls it. */
#include "changes.h"

#include "statistics/shift.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct work {
    struct changes *changes;
    const struct runs *runs;
    const struct changes_options *options;
    size_t *order;            /* the runs that are compared: those of base, then those of head */
    size_t first[RUNS_SIDES]; /* of each side, in `order` */
    double *sorted;           /* scratch, for the figures of one side */
    bool frames;              /* all runs have frames */
    bool frames_differ;       /* not all as many */
};

/* The runs of a side that are compared. */
static const size_t *runs_of(const struct work *work, int side) {
    return work->order + work->first[side];
}

/* ---- which runs ----------------------------------------------------------------------------------------- */

static size_t runs_on(const struct runs *runs, enum runs_side side, bool complete) {
    size_t count = 0;
    for (size_t i = 0; i < runs->count; i++)
        count += runs->about[i].side == side && (runs->about[i].complete || !complete);
    return count;
}

/* The run that is the `nth` of its side. */
static size_t nth_run(const struct runs *runs, int side, size_t nth) {
    for (size_t i = 0; i < runs->count; i++)
        if ((int)runs->about[i].side == side && nth-- == 0)
            return i;
    return SIZE_MAX;
}

/* Whether there are two that belong together and are complete. */
static bool any_pair(const struct runs *runs, size_t pairs) {
    for (size_t nth = 0; nth < pairs; nth++)
        if (runs->about[nth_run(runs, RUNS_BASE, nth)].complete &&
            runs->about[nth_run(runs, RUNS_HEAD, nth)].complete)
            return true;
    return false;
}

static void take_runs(struct work *work) {
    const struct runs *runs = work->runs;
    struct changes *changes = work->changes;
    size_t all[] = {runs_on(runs, RUNS_BASE, false), runs_on(runs, RUNS_HEAD, false)};
    bool complete = runs_on(runs, RUNS_BASE, true) > 0 && runs_on(runs, RUNS_HEAD, true) > 0;
    changes->pairs = work->options->pairs != CHANGES_PAIRS_NO && all[RUNS_BASE] == all[RUNS_HEAD] &&
                     (!complete || any_pair(runs, all[RUNS_BASE]));
    changes->incomplete = !complete;
    size_t taken = 0;
    for (int side = 0; side < RUNS_SIDES; side++) {
        work->first[side] = taken;
        for (size_t nth = 0; nth < all[side]; nth++) {
            size_t run = nth_run(runs, side, nth), other = nth_run(runs, !side, nth);
            bool counts = runs->about[run].complete && (!changes->pairs || runs->about[other].complete);
            if (counts || !complete)
                work->order[taken++] = run;
        }
        changes->runs[side] = taken - work->first[side];
    }
}

static void look_at_frames(struct work *work) {
    size_t count = work->changes->runs[RUNS_BASE] + work->changes->runs[RUNS_HEAD];
    uint64_t first = count > 0 ? work->runs->about[work->order[0]].frames : 0;
    work->frames = first > 0;
    for (size_t i = 0; i < count; i++) {
        uint64_t frames = work->runs->about[work->order[i]].frames;
        work->frames &= frames > 0;
        work->frames_differ |= frames != first;
    }
}

/* ---- counts ---------------------------------------------------------------------------------------------- */

static double in_unit(const struct work *work, uint64_t number, size_t run, bool per_frame) {
    return per_frame ? (double)number / (double)work->runs->about[run].frames : (double)number;
}

static void add_to_count(struct changes_count *count, double value, bool first) {
    count->least = first || value < count->least ? value : count->least;
    count->most = first || value > count->most ? value : count->most;
}

static void count_calls(const struct work *work, struct change *change) {
    for (int side = 0; side < RUNS_SIDES; side++) {
        const size_t *order = runs_of(work, side);
        change->runs_with[side] = 0;
        for (size_t i = 0; i < work->changes->runs[side]; i++) {
            const struct runs_function_figures *figures =
                runs_function(work->runs, change->function, order[i]);
            change->runs_with[side] += figures->calls > 0;
            add_to_count(&change->calls[side], in_unit(work, figures->calls, order[i], change->per_frame),
                         i == 0);
            add_to_count(&change->repeated[side],
                         in_unit(work, figures->repeated, order[i], change->per_frame), i == 0);
        }
    }
}

/* Frames as a unit serve where runs differ in them, and calls with them. */
static void choose_unit(const struct work *work, struct change *change) {
    const struct changes_options *options = work->options;
    change->per_frame = false;
    count_calls(work, change);
    bool varies = changes_varies(change->calls);
    bool constant = !varies && !changes_differs(change->calls);
    change->per_frame = work->frames && work->frames_differ && !constant;
    if (options->unit_is_chosen)
        change->per_frame = options->unit == CHANGES_PER_FRAME;
    if (change->per_frame)
        count_calls(work, change);
    change->unit = options->unit_is_chosen   ? options->unit
                   : change->per_frame       ? CHANGES_PER_FRAME
                   : varies && !work->frames ? CHANGES_PER_CALL
                                             : CHANGES_PER_RUN;
}

static enum changes_presence presence_of(const struct work *work, const struct change *change) {
    const size_t *all = work->changes->runs;
    if (change->runs_with[RUNS_BASE] == 0)
        return CHANGES_NEW;
    if (change->runs_with[RUNS_HEAD] == 0)
        return CHANGES_GONE;
    return change->runs_with[RUNS_BASE] == all[RUNS_BASE] && change->runs_with[RUNS_HEAD] == all[RUNS_HEAD]
               ? CHANGES_BOTH
               : CHANGES_SOMETIMES;
}

static int find_spans(struct work *work) {
    struct changes *changes = work->changes;
    changes->spans = calloc((size_t)work->runs->names.count + 1, sizeof *changes->spans);
    if (changes->spans == NULL)
        return -PERFTRACE_ERROR_MEMORY;
    for (uint32_t function = 0; function < work->runs->names.count; function++) {
        struct change *change = &changes->spans[changes->count];
        *change = (struct change){.function = function};
        choose_unit(work, change);
        if (change->runs_with[RUNS_BASE] + change->runs_with[RUNS_HEAD] == 0)
            continue; /* a name of callers that are not there themselves */
        change->presence = presence_of(work, change);
        changes->count++;
    }
    return 0;
}

/* ---- times ----------------------------------------------------------------------------------------------- */

static double self_of_all(const struct work *work, size_t run) {
    double self_ns = 0;
    for (size_t i = 0; i < work->changes->count; i++)
        self_ns += (double)runs_function(work->runs, work->changes->spans[i].function, run)->self_ns;
    return self_ns;
}

static double figure_of(const struct work *work, const struct change *change, size_t run) {
    if (change->function == INTERN_NONE)
        return in_unit(work, 1, run, change->per_frame) * self_of_all(work, run);
    const struct runs_function_figures *figures = runs_function(work->runs, change->function, run);
    if (change->unit == CHANGES_PER_CALL)
        return figures->calls > 0 ? (double)figures->self_ns / (double)figures->calls : 0;
    return in_unit(work, 1, run, change->unit == CHANGES_PER_FRAME) * (double)figures->self_ns;
}

/* What all runs of a side took in the middle. */
static double median_of(const struct work *work, const double *figures, size_t count) {
    if (count == 0)
        return 0;
    memcpy(work->sorted, figures, count * sizeof *figures);
    qsort(work->sorted, count, sizeof *work->sorted, statistics_compare);
    return statistics_median(work->sorted, count);
}

/* Times have a logarithm: none is less than this. */
#define LEAST_NS 1e-3

/* Fills in figures, one for each run that is compared, and what is made of them. */
static void measure(const struct work *work, struct change *change, double *figures) {
    const size_t *runs = work->changes->runs;
    change->time.base = figures;
    change->time.head = figures + runs[RUNS_BASE];
    change->time.weight = 0;
    for (size_t i = 0; i < runs[RUNS_BASE] + runs[RUNS_HEAD]; i++) {
        size_t run = work->order[i];
        double ns = figure_of(work, change, run);
        figures[i] = ns > LEAST_NS ? ns : LEAST_NS;
        change->time.weight += change->function == INTERN_NONE
                                   ? self_of_all(work, run)
                                   : (double)runs_function(work->runs, change->function, run)->self_ns;
    }
    change->ns[RUNS_BASE] = median_of(work, change->time.base, runs[RUNS_BASE]);
    change->ns[RUNS_HEAD] = median_of(work, change->time.head, runs[RUNS_HEAD]);
}

static void find_share(const struct work *work, struct change *change, const double *all) {
    change->share = 0;
    for (int side = 0; side < RUNS_SIDES; side++) {
        double self_ns = 0;
        for (size_t i = 0; i < work->changes->runs[side]; i++)
            self_ns += (double)runs_function(work->runs, change->function, runs_of(work, side)[i])->self_ns;
        double share = all[side] > 0 ? self_ns / all[side] : 0;
        change->share = share > change->share ? share : change->share;
    }
}

/* ---- all spans together ---------------------------------------------------------------------------------- */

static void count_path(const struct work *work, uint32_t path, struct changes_count calls[RUNS_SIDES]) {
    for (int side = 0; side < RUNS_SIDES; side++)
        for (size_t i = 0; i < work->changes->runs[side]; i++)
            add_to_count(&calls[side], (double)runs_path(work->runs, path, runs_of(work, side)[i])->calls,
                         i == 0);
}

/* Whether the outermost spans below a path are called as often in all runs; new and gone ones may be there. */
static bool same_work_below(const struct work *work, uint32_t path) {
    bool same = true;
    for (uint32_t child = work->runs->paths[path].first_child; child != INTERN_NONE && same;
         child = work->runs->paths[child].next) {
        struct changes_count calls[RUNS_SIDES] = {{0, 0}, {0, 0}};
        count_path(work, child, calls);
        bool in_base = calls[RUNS_BASE].most > 0, in_head = calls[RUNS_HEAD].most > 0;
        if (!in_base && !in_head) /* known as a caller only */
            same = same_work_below(work, child);
        else
            same = !changes_varies(calls) && !(in_base && in_head && changes_differs(calls));
    }
    return same;
}

static void take_together(struct work *work) {
    struct change *together = &work->changes->together;
    const struct changes_options *options = work->options;
    *together =
        (struct change){.function = INTERN_NONE, .presence = CHANGES_BOTH, .share = 1, .path = INTERN_NONE};
    together->per_frame =
        options->unit_is_chosen ? options->unit == CHANGES_PER_FRAME : work->frames && work->frames_differ;
    together->unit = together->per_frame ? CHANGES_PER_FRAME : CHANGES_PER_RUN;
    together->judged = together->per_frame || work->frames || same_work_below(work, 0);
}

/* ---- judging ---------------------------------------------------------------------------------------------- */

static int by_weight(const void *left, const void *right) {
    const struct change *a = *(const struct change *const *)left, *b = *(const struct change *const *)right;
    if (a->time.weight < b->time.weight || a->time.weight > b->time.weight)
        return a->time.weight > b->time.weight ? -1 : 1;
    return (a > b) - (a < b);
}

/* Those that are on both sides, the heaviest. */
static size_t choose(struct work *work, struct change **chosen) {
    struct changes *changes = work->changes;
    size_t count = 0;
    for (size_t i = 0; i < changes->count; i++)
        if (changes->spans[i].presence == CHANGES_BOTH)
            chosen[count++] = &changes->spans[i];
    qsort(chosen, count, sizeof *chosen, by_weight);
    count = count < CHANGES_JUDGED_MAX ? count : CHANGES_JUDGED_MAX;
    for (size_t i = 0; i < count; i++)
        chosen[i]->judged = true;
    return count;
}

/* All spans together are a question of its own, and not one of the spans among which compare() looks for what they share: of
 * alpha this is its part. */
#define OF_TOGETHER 0.2

/* By a part of alpha; probabilities as if it were all of it. */
static int compare_with(struct compare_span *spans, size_t count, struct compare_options options,
                        double part) {
    options.alpha *= part;
    if (compare(spans, count, &options) != 0)
        return -PERFTRACE_ERROR_MEMORY;
    for (size_t i = 0; i < count; i++) {
        spans[i].p_slower = fmin(spans[i].p_slower / part, 1);
        spans[i].p_faster = fmin(spans[i].p_faster / part, 1);
    }
    return 0;
}

static int judge_spans(struct work *work, struct change **chosen, struct compare_span *spans,
                       const struct compare_options *options) {
    struct changes *changes = work->changes;
    size_t count = choose(work, chosen);
    for (size_t i = 0; i < count; i++)
        spans[i] = chosen[i]->time;
    double part = changes->together.judged ? 1 - OF_TOGETHER : 1;
    struct compare_options for_needed = *options;
    for_needed.alpha *= part;
    changes->runs_needed = compare_runs_needed(&for_needed);
    if (compare_with(spans, count, *options, part) != 0 ||
        (changes->together.judged && compare_with(&changes->together.time, 1, *options, OF_TOGETHER) != 0))
        return -PERFTRACE_ERROR_MEMORY;
    for (size_t i = 0; i < count; i++)
        chosen[i]->time = spans[i];
    return 0;
}

static int judge_times(struct work *work) {
    struct changes *changes = work->changes;
    const struct compare_options options = {.threshold = work->options->threshold,
                                            .alpha = work->options->alpha,
                                            .pairs = changes->pairs,
                                            .base_count = changes->runs[RUNS_BASE],
                                            .head_count = changes->runs[RUNS_HEAD]};
    struct change **chosen = malloc((changes->count + 1) * sizeof *chosen);
    struct compare_span *spans = malloc((changes->count + 1) * sizeof *spans);
    int status = chosen != NULL && spans != NULL ? judge_spans(work, chosen, spans, &options)
                                                 : -PERFTRACE_ERROR_MEMORY;
    free(chosen);
    free(spans);
    return status;
}

static int find_times(struct work *work) {
    struct changes *changes = work->changes;
    size_t runs = changes->runs[RUNS_BASE] + changes->runs[RUNS_HEAD];
    double all[RUNS_SIDES] = {0, 0};
    changes->figures = malloc((changes->count + 1) * (runs + 1) * sizeof *changes->figures);
    if (changes->figures == NULL)
        return -PERFTRACE_ERROR_MEMORY;
    for (int side = 0; side < RUNS_SIDES; side++)
        for (size_t i = 0; i < changes->runs[side]; i++)
            all[side] += self_of_all(work, runs_of(work, side)[i]);
    for (size_t i = 0; i < changes->count; i++) {
        measure(work, &changes->spans[i], changes->figures + i * runs);
        find_share(work, &changes->spans[i], all);
    }
    take_together(work);
    measure(work, &changes->together, changes->figures + changes->count * runs);
    return changes->runs[RUNS_BASE] > 0 && changes->runs[RUNS_HEAD] > 0 ? judge_times(work) : 0;
}

/* ---- where ------------------------------------------------------------------------------------------------- */

/* The spans by function; NULL: it has none. */
static struct change **by_number(const struct work *work) {
    struct change **spans = calloc((size_t)work->runs->names.count + 1, sizeof *spans);
    for (size_t i = 0; spans != NULL && i < work->changes->count; i++)
        spans[work->changes->spans[i].function] = &work->changes->spans[i];
    return spans;
}

static void average_path(const struct work *work, uint32_t path, double ns[RUNS_SIDES]) {
    for (int side = 0; side < RUNS_SIDES; side++) {
        size_t count = work->changes->runs[side];
        ns[side] = 0;
        for (size_t i = 0; i < count; i++)
            ns[side] += (double)runs_path(work->runs, path, runs_of(work, side)[i])->self_ns / (double)count;
    }
}

/* Whether the difference is larger than another, in the direction of the span's. */
static bool tells_more(const struct change *change, const double ns[RUNS_SIDES]) {
    double more = ns[RUNS_HEAD] - ns[RUNS_BASE],
           so_far = change->path_ns[RUNS_HEAD] - change->path_ns[RUNS_BASE];
    return change->time.change < 0 ? more < so_far : more > so_far;
}

static int find_paths(struct work *work) {
    const struct runs *runs = work->runs;
    struct change **spans = by_number(work);
    uint32_t *counts = calloc((size_t)runs->names.count + 1, sizeof *counts);
    int status = spans != NULL && counts != NULL ? 0 : -PERFTRACE_ERROR_MEMORY;
    for (uint32_t path = 1; path < runs->path_count && status == 0; path++) {
        struct change *change = spans[runs->paths[path].function];
        double ns[RUNS_SIDES];
        if (change == NULL || !change->judged)
            continue;
        average_path(work, path, ns);
        if (counts[change->function]++ == 0 || tells_more(change, ns)) {
            change->path = path;
            memcpy(change->path_ns, ns, sizeof ns);
        }
    }
    for (uint32_t function = 0; function < runs->names.count && status == 0; function++)
        if (spans[function] != NULL && counts[function] < 2)
            spans[function]->path = INTERN_NONE;
    free(spans);
    free(counts);
    return status;
}

/* ---- callers ----------------------------------------------------------------------------------------------- */

/* In how many runs of each side a function has calls by a caller. */
struct edges {
    struct pair_table table; /* (function, caller + 1) */
    uint64_t *calls;         /* by edge and run that is compared */
    uint32_t capacity;
    size_t runs;
};

static int count_edges(const struct work *work, struct edges *edges) {
    const struct runs *runs = work->runs;
    for (uint32_t path = 1; path < runs->path_count; path++) {
        uint32_t above = runs->paths[runs->paths[path].parent].function;
        uint32_t had = edges->capacity;
        uint32_t edge = pair_table_add(&edges->table, pair_key(runs->paths[path].function, above + 1));
        if (edge == INTERN_NONE || array_reserve((void **)&edges->calls, edge, &edges->capacity,
                                                 edges->runs * sizeof *edges->calls) != 0)
            return -PERFTRACE_ERROR_MEMORY;
        memset(edges->calls + had * edges->runs, 0,
               (edges->capacity - had) * edges->runs * sizeof *edges->calls);
        for (size_t i = 0; i < edges->runs; i++)
            edges->calls[edge * edges->runs + i] += runs_path(runs, path, work->order[i])->calls;
    }
    return 0;
}

static size_t runs_with(const uint64_t *calls, size_t count) {
    size_t with = 0;
    for (size_t i = 0; i < count; i++)
        with += calls[i] > 0;
    return with;
}

static int by_function(const void *left, const void *right) {
    const struct changes_caller *a = left, *b = right;
    if (a->function != b->function)
        return a->function < b->function ? -1 : 1;
    return a->come != b->come ? a->come - b->come : (a->caller > b->caller) - (a->caller < b->caller);
}

static int take_callers(struct work *work, const struct edges *edges, const bool *on_both) {
    struct changes *changes = work->changes;
    const size_t *all = changes->runs;
    changes->callers = calloc((size_t)edges->table.count + 1, sizeof *changes->callers);
    if (changes->callers == NULL)
        return -PERFTRACE_ERROR_MEMORY;
    for (uint32_t edge = 0; edge < edges->table.count; edge++) {
        const uint64_t *calls = edges->calls + edge * edges->runs;
        size_t base = runs_with(calls, all[RUNS_BASE]),
               head = runs_with(calls + all[RUNS_BASE], all[RUNS_HEAD]);
        uint32_t function = (uint32_t)(edges->table.keys[edge] >> 32);
        bool come = base == 0 && head == all[RUNS_HEAD], gone = head == 0 && base == all[RUNS_BASE];
        if (on_both[function] && (come || gone))
            changes->callers[changes->caller_count++] =
                (struct changes_caller){function, (uint32_t)edges->table.keys[edge] - 1, come};
    }
    qsort(changes->callers, changes->caller_count, sizeof *changes->callers, by_function);
    return 0;
}

static int find_callers(struct work *work) {
    const struct changes *changes = work->changes;
    struct edges edges = {.runs = changes->runs[RUNS_BASE] + changes->runs[RUNS_HEAD]};
    bool *on_both = calloc((size_t)work->runs->names.count + 1, sizeof *on_both);
    int status = on_both != NULL ? count_edges(work, &edges) : -PERFTRACE_ERROR_MEMORY;
    for (size_t i = 0; i < changes->count && status == 0; i++)
        on_both[changes->spans[i].function] = changes->spans[i].presence == CHANGES_BOTH;
    if (status == 0)
        status = take_callers(work, &edges, on_both);
    pair_table_free(&edges.table);
    free(edges.calls);
    free(on_both);
    return status;
}

/* ---- all of it ----------------------------------------------------------------------------------------------- */

int changes_find(struct changes *changes, const struct runs *runs, const struct changes_options *options) {
    struct work work = {.changes = changes, .runs = runs, .options = options};
    *changes = (struct changes){0};
    changes->compared = work.order = malloc((runs->count + 1) * sizeof *work.order);
    work.sorted = malloc((runs->count + 1) * sizeof *work.sorted);
    int status = work.order != NULL && work.sorted != NULL ? 0 : -PERFTRACE_ERROR_MEMORY;
    if (status == 0) {
        take_runs(&work);
        look_at_frames(&work);
        status = find_spans(&work);
    }
    if (status == 0)
        status = find_times(&work);
    if (status == 0)
        status = find_paths(&work);
    if (status == 0)
        status = find_callers(&work);
    free(work.sorted);
    return status;
}

void changes_free(struct changes *changes) {
    free(changes->spans);
    free(changes->callers);
    free(changes->figures);
    free(changes->compared);
    *changes = (struct changes){0};
}
