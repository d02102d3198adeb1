/* Comparing runs: logarithms of figures, so that changes are ratios, and rank tests on them. */
#include "compare.h"

#include "statistics/shift.h"

#include <math.h>
#include <stdlib.h>

struct work {
    struct compare_span *spans;
    size_t count;
    const struct compare_options *options;
    size_t *by_weight; /* numbers of spans, the heaviest first */
    size_t *order;
    double *base, *head; /* logarithms, or differences in `head` */
    double *p_values;
};

static void take_logarithms(const struct work *work, const struct compare_span *span) {
    for (size_t i = 0; i < work->options->base_count; i++)
        work->base[i] = log(span->base[i]);
    for (size_t i = 0; i < work->options->head_count; i++)
        work->head[i] = log(span->head[i]);
}

/* Of alpha, what each of the two tests has where both are made. */
#define OF_PAIRS 0.2
#define OF_RANKS (1 - OF_PAIRS)

/* The change with its bounds. Of pairs, those by their differences and those without, half of alpha each: the inner ones hold. */
static int estimate(struct work *work, struct compare_span *span) {
    const struct compare_options *options = work->options;
    double alpha = options->pairs ? options->alpha / 2 : options->alpha;
    struct shift shift, of_pairs;
    take_logarithms(work, span);
    if (statistics_shift(work->base, options->base_count, work->head, options->head_count, alpha, &shift) !=
        0)
        return -1;
    if (options->pairs) {
        for (size_t i = 0; i < options->base_count; i++)
            work->head[i] -= work->base[i];
        if (statistics_shift_of_pairs(work->head, options->base_count, alpha, &of_pairs) != 0)
            return -1;
        bool pairs_tell_more = of_pairs.upper - of_pairs.lower < shift.upper - shift.lower;
        shift.estimate = pairs_tell_more ? of_pairs.estimate : shift.estimate;
        shift.lower = of_pairs.lower > shift.lower ? of_pairs.lower : shift.lower;
        shift.upper = of_pairs.upper < shift.upper ? of_pairs.upper : shift.upper;
    }
    span->change = expm1(shift.estimate);
    span->lower = expm1(shift.lower);
    span->upper = expm1(shift.upper);
    return 0;
}

/* How probable a change that way is if there is none; negative without memory. */
static double by_ranks(struct work *work, const struct compare_span *span, bool slower) {
    size_t base_count = work->options->base_count, head_count = work->options->head_count;
    take_logarithms(work, span);
    return slower ? statistics_mann_whitney(work->base, base_count, work->head, head_count)
                  : statistics_mann_whitney(work->head, head_count, work->base, base_count);
}

static double by_pairs(struct work *work, const struct compare_span *span, bool slower) {
    take_logarithms(work, span);
    for (size_t i = 0; i < work->options->base_count; i++)
        work->head[i] = slower ? work->head[i] - work->base[i] : work->base[i] - work->head[i];
    return statistics_signed_ranks(work->head, work->options->base_count);
}

/* One test of the `count` heaviest spans, that has a share of alpha: what comes of it is compared with all of alpha. */
static int ask(struct work *work, double (*test)(struct work *, const struct compare_span *, bool),
               size_t count, double share, bool slower) {
    for (size_t i = 0; i < count; i++) {
        work->p_values[i] = test(work, &work->spans[work->by_weight[i]], slower);
        if (work->p_values[i] < 0)
            return -1;
    }
    statistics_holm(work->p_values, count, work->order);
    for (size_t i = 0; i < count; i++) {
        struct compare_span *span = &work->spans[work->by_weight[i]];
        double *p = slower ? &span->p_slower : &span->p_faster, mine = work->p_values[i] / share;
        *p = mine < *p ? mine : *p;
    }
    return 0;
}

/* The least p that the runs can give. */
static double least_p_of_ranks(const struct compare_options *options) {
    double ways = 1, n = (double)options->base_count;
    for (size_t i = 1; i <= options->head_count; i++)
        ways *= (n + (double)i) / (double)i;
    return 1 / ways;
}

static double least_p_of_pairs(const struct compare_options *options) {
    return options->pairs ? exp2(-(double)options->base_count) : 1;
}

static enum compare_answer answer(const struct compare_span *span, double threshold, double alpha) {
    double faster = -threshold / (1 + threshold); /* as much of a change as `threshold` is the other way */
    if (span->p_slower <= alpha && span->lower > threshold)
        return COMPARE_SLOWER;
    if (span->p_faster <= alpha && span->upper < faster)
        return COMPARE_FASTER;
    return span->lower >= faster && span->upper <= threshold ? COMPARE_SAME : COMPARE_UNCLEAR;
}

static int judge_all(struct work *work) {
    const struct compare_options *options = work->options;
    double possible = floor(OF_PAIRS * options->alpha / least_p_of_pairs(options));
    size_t in_pairs = possible < (double)work->count ? (size_t)possible : work->count;
    double ranks = in_pairs > 0 ? OF_RANKS : 1;
    for (size_t i = 0; i < work->count; i++) {
        work->spans[i].p_slower = work->spans[i].p_faster = 1;
        if (estimate(work, &work->spans[i]) != 0)
            return -1;
    }
    for (int slower = 0; slower < 2; slower++)
        if (ask(work, by_ranks, work->count, ranks, slower != 0) != 0 ||
            ask(work, by_pairs, in_pairs, OF_PAIRS, slower != 0) != 0)
            return -1;
    bool too_few = least_p_of_ranks(options) * (double)work->count > ranks * options->alpha;
    for (size_t i = 0; i < work->count; i++) {
        struct compare_span *span = &work->spans[work->by_weight[i]];
        span->answer = answer(span, options->threshold, options->alpha);
        if (span->answer == COMPARE_UNCLEAR && too_few && i >= in_pairs)
            span->answer = COMPARE_TOO_FEW;
    }
    return 0;
}

static void sort_by_weight(struct work *work) { /* a heap would be faster; there are hundreds */
    for (size_t i = 0; i < work->count; i++) {
        size_t at = i;
        for (; at > 0 && work->spans[work->by_weight[at - 1]].weight < work->spans[i].weight; at--)
            work->by_weight[at] = work->by_weight[at - 1];
        work->by_weight[at] = i;
    }
}

int compare(struct compare_span *spans, size_t count, const struct compare_options *options) {
    struct work work = {.spans = spans, .count = count, .options = options};
    size_t runs = options->base_count + options->head_count;
    int status = -1;
    if (count == 0)
        return 0;
    work.by_weight = malloc(2 * count * sizeof *work.by_weight);
    work.base = malloc((runs + count) * sizeof *work.base);
    if (work.by_weight == NULL || work.base == NULL)
        goto out;
    work.order = work.by_weight + count;
    work.head = work.base + options->base_count;
    work.p_values = work.base + runs;
    sort_by_weight(&work);
    status = judge_all(&work);
out:
    free(work.by_weight);
    free(work.base);
    return status;
}

size_t compare_runs_needed(size_t count, const struct compare_options *options) {
    enum { MOST = 1000 };
    struct compare_options other = *options;
    double ranks = options->pairs ? OF_RANKS : 1;
    for (other.base_count = 2; other.base_count < MOST; other.base_count++) {
        other.head_count = other.base_count;
        if (least_p_of_ranks(&other) * (double)count <= ranks * options->alpha)
            break;
    }
    return other.base_count;
}
