/* Verdicts: percentiles by the binomial test, means by their interval, growth by its trend, all else as it is. */
#include "judge.h"

#include "statistics/dependence.h"
#include "statistics/distributions.h"
#include "statistics/exceeding.h"
#include "statistics/shift.h"
#include "statistics/trend.h"

#include <math.h>
#include <stdlib.h>

#define FEWEST_IN_THE_TAIL 20.0 /* samples from which it is told how samples that pass a limit cluster */
#define FEWEST_POINTS 8u        /* of a trend */
#define POINTS 24u
#define FEWEST_RUNS_TO_DIFFER 2u
#define TAIL                                                                                                 \
    0.02 /* beyond it, frames that were held up are many more than those that the machine made slower */
#define SPREAD_OF_RUNS                                                                                       \
    0.03 /* of times: whole runs seldom differ by more from what is usual, if nothing has changed */

/* The kept values in order of time, in order of size where that is asked for, and room for as many more. */
struct series {
    double *values, *sorted, *scratch;
    size_t count;
};

static int open_series(struct series *series, const struct samples *samples) {
    series->count = samples->kept_count;
    series->values = malloc((3 * series->count + 1) * sizeof *series->values);
    if (series->values == NULL)
        return -1;
    series->sorted = series->values + series->count;
    series->scratch = series->sorted + series->count;
    for (size_t i = 0; i < series->count; i++)
        series->values[i] = samples->kept[i].value;
    return 0;
}

static void sort(struct series *series) {
    for (size_t i = 0; i < series->count; i++)
        series->sorted[i] = series->values[i];
    qsort(series->sorted, series->count, sizeof *series->sorted, statistics_compare);
}

/* The value of a sorted series that a share of it does not exceed, by nearest rank. */
static double at_share(const double *sorted, size_t count, double share) {
    double rank = ceil(share * (double)count - 1e-9);
    return sorted[rank < 1 ? 0 : rank > (double)count ? count - 1 : (size_t)rank - 1];
}

/* Of independent samples, how many of the smallest are certainly (but for alpha) below the percentile: the bound's place as a share. */
static double share_of_bound(double samples, double share, double alpha, bool upper) {
    double low = 0, high = samples; /* successes: samples below the percentile */
    uint64_t n = (uint64_t)samples;
    while (high - low > 1) {
        double middle = floor((low + high) / 2);
        double p = upper ? statistics_binomial_at_least(n, (uint64_t)middle, share)
                         : statistics_binomial_at_most(n, (uint64_t)middle, share);
        bool beyond = upper ? p <= alpha : p > alpha;
        if (beyond)
            high = middle;
        else
            low = middle;
    }
    if (upper)
        return statistics_binomial_at_least(n, (uint64_t)high, share) <= alpha ? high / samples : 2;
    return statistics_binomial_at_most(n, (uint64_t)low, share) <= alpha ? (low + 1) / samples : -1;
}

static void percentile_bounds(struct judged *judged, const double *sorted, size_t count, double independent,
                              double share, double alpha) {
    double upper = share_of_bound(independent, share, alpha, true);
    double lower = share_of_bound(independent, share, alpha, false);
    judged->lower = lower > 0 ? at_share(sorted, count, lower) : -INFINITY;
    judged->upper = upper <= 1 ? at_share(sorted, count, upper) : INFINITY;
}

/* Whether runs differ in how often they pass the limit. */
static double dispersion(const struct samples *samples, double dependence, int *status) {
    if (samples->run_count < FEWEST_RUNS_TO_DIFFER)
        return 1;
    double *figures = malloc(2 * (size_t)samples->run_count * sizeof *figures);
    if (figures == NULL) {
        *status = -1;
        return 1;
    }
    for (uint32_t i = 0; i < samples->run_count; i++) {
        figures[i] = (double)samples->runs[i].count / dependence;
        figures[samples->run_count + i] = (double)samples->runs[i].passed / dependence;
    }
    double result = statistics_dispersion(figures, figures + samples->run_count, samples->run_count);
    free(figures);
    return result;
}

/* The dependence of all samples from that of those that were kept. What is thinned out and independent tells nothing of what lay in
 * between: then the stride itself is as much as it can be. */
static double in_all(const struct samples *samples, double of_kept) {
    return samples->stride > 1 ? of_kept * (double)samples->stride : of_kept;
}

/* One run tells of itself only: the machine's frequency, where memory lies. As a share of the limit, less where runs are several. */
static double allowance(const struct promise *promise, const struct samples *samples) {
    /* What may be added to a baseline is meant to be more than runs differ. */
    return promise_is_time(promise) && !promise->relative
               ? SPREAD_OF_RUNS / sqrt(samples->run_count > 1 ? samples->run_count : 1)
               : 0;
}

/* Whether the answer were the same if the limit were as much looser (what fails) or stricter (what passes) as runs may differ. */
static bool holds_for_other_runs(const struct promise *promise, const struct samples *samples,
                                 const struct series *series, double allowed, const struct judged *judged,
                                 enum exceeding_answer answer, double alpha) {
    struct promise other = *promise;
    bool up = promise_has_ceiling(promise) == (answer == EXCEEDING_OFTEN);
    double share = allowance(promise, samples);
    size_t beyond = 0;
    other.limit *= up ? 1 + share : 1 - share;
    for (size_t i = 0; i < series->count; i++)
        beyond += promise_is_passed(&other, series->values[i]);
    double all = (double)beyond / (double)series->count * (double)samples->count;
    return share <= 0 || allowed <= TAIL ||
           statistics_exceeding(samples->count, (uint64_t)all, allowed, judged->dependence, alpha).answer ==
               answer;
}

/* How samples that pass the limit cluster is seen at the limit and at the percentile or, where too few lie beyond that, nearer to
 * the middle, where clusters are larger if anything. */
static int judge_percentile(const struct promise *promise, const struct samples *samples, double alpha,
                            struct series *series, struct judged *judged) {
    bool ceiling = promise_has_ceiling(promise);
    double share = promise->percentile / 100, allowed = ceiling ? 1 - share : share;
    double seen = FEWEST_IN_THE_TAIL / (double)series->count;
    seen = seen < allowed ? allowed : seen < 0.5 ? seen : 0.5;
    sort(series);
    double level = at_share(series->sorted, series->count, ceiling ? 1 - seen : seen);
    judged->value = at_share(series->sorted, series->count, share);
    double there =
        statistics_dependence_beyond(series->values, series->count, level, ceiling, series->scratch);
    double at_limit =
        statistics_dependence_beyond(series->values, series->count, promise->limit, ceiling, series->scratch);
    judged->dependence = in_all(samples, there > at_limit ? there : at_limit);
    int status = 0;
    judged->dependence *= dispersion(samples, judged->dependence, &status);
    judged->allowed = allowed * (double)samples->count;
    struct exceeding exceeding =
        statistics_exceeding(samples->count, samples->passed, allowed, judged->dependence, alpha);
    judged->p_value = exceeding.p_value;
    judged->more = exceeding.more;
    judged->verdict = exceeding.answer == EXCEEDING_RARELY  ? VERDICT_PASS
                      : exceeding.answer == EXCEEDING_OFTEN ? VERDICT_FAIL
                                                            : VERDICT_INCONCLUSIVE;
    if (judged->verdict != VERDICT_INCONCLUSIVE &&
        !holds_for_other_runs(promise, samples, series, allowed, judged, exceeding.answer, alpha)) {
        judged->verdict = VERDICT_INCONCLUSIVE;
        judged->more_runs = true;
        judged->more = JUDGE_NEVER_KNOWN;
    }
    percentile_bounds(judged, series->sorted, series->count,
                      floor((double)samples->count / judged->dependence), share, alpha);
    return status;
}

/* By the interval from `lower` to `upper`. */
static void judge_interval(const struct promise *promise, struct judged *judged) {
    bool ceiling = promise_has_ceiling(promise);
    double good = ceiling ? judged->upper : judged->lower, bad = ceiling ? judged->lower : judged->upper;
    judged->verdict = !promise_is_passed(promise, good) ? VERDICT_PASS
                      : promise_is_passed(promise, bad) ? VERDICT_FAIL
                                                        : VERDICT_INCONCLUSIVE;
    if (judged->verdict != VERDICT_INCONCLUSIVE)
        judged->more = 0;
}

/* How many samples bring an interval of this width to where it tells: widths fall with the root of their number. */
static uint64_t more_for_interval(double count, double value, double reach, double limit) {
    double distance = fabs(value - limit);
    double needed = distance > 0 ? count * (reach / distance) * (reach / distance) : INFINITY;
    return needed > 1e12 ? JUDGE_NEVER_KNOWN : needed > count ? (uint64_t)(needed - count) + 1 : 1;
}

static int judge_mean(const struct promise *promise, const struct samples *samples, double alpha,
                      struct series *series, struct judged *judged) {
    double count = (double)samples->count, variance = 0;
    judged->value = samples->sum / count;
    for (size_t i = 0; i < series->count; i++)
        variance += (series->values[i] - judged->value) * (series->values[i] - judged->value);
    variance /= series->count > 1 ? (double)(series->count - 1) : 1;
    judged->dependence = in_all(samples, statistics_dependence(series->values, series->count));
    double independent = count / judged->dependence, freedom = independent - 1;
    /* Runs that differ tell as much as there are runs. */
    if (samples->run_count >= FEWEST_RUNS_TO_DIFFER) {
        double between = 0;
        for (uint32_t i = 0; i < samples->run_count; i++) {
            const struct samples_run *run = &samples->runs[i];
            double off = run->count > 0 ? run->sum / (double)run->count - judged->value : 0;
            between += off * off / (samples->run_count - 1);
        }
        if (between / samples->run_count > variance / independent) {
            variance = between;
            independent = samples->run_count;
            freedom = independent - 1;
        }
    }
    if (freedom < 1) {
        judged->lower = -INFINITY;
        judged->upper = INFINITY;
        judged->verdict = VERDICT_INCONCLUSIVE;
        judged->more = 1;
        return 0;
    }
    double reach = statistics_student_quantile(1 - alpha, freedom) * sqrt(variance / independent);
    judged->lower = judged->value - reach;
    judged->upper = judged->value + reach;
    judged->p_value = alpha;
    judged->more = more_for_interval(count, judged->value, reach, promise->limit);
    judge_interval(promise, judged);
    /* And so for a mean, whose interval is as much wider. */
    double runs = allowance(promise, samples) * fabs(judged->value);
    struct judged other = *judged;
    other.lower -= runs;
    other.upper += runs;
    judge_interval(promise, &other);
    if (other.verdict != judged->verdict) {
        judged->verdict = VERDICT_INCONCLUSIVE;
        judged->more_runs = true;
        judged->more = JUDGE_NEVER_KNOWN;
    }
    return 0;
}

/* Means of the kept values over equal stretches of time. */
static size_t points_of(const struct samples *samples, uint32_t from, uint32_t end, double *times,
                        double *values) {
    double first = (double)samples->kept[from].start_ns, last = (double)samples->kept[end - 1].start_ns;
    size_t points = 0;
    uint32_t at = from;
    for (unsigned i = 0; i < POINTS && at < end; i++) {
        double until = first + (last - first) * (i + 1) / POINTS, sum = 0, time = 0;
        uint32_t begin = at;
        for (; at < end && ((double)samples->kept[at].start_ns < until || i == POINTS - 1); at++) {
            sum += samples->kept[at].value;
            time += (double)samples->kept[at].start_ns;
        }
        if (at == begin)
            continue;
        times[points] = time / (at - begin) / 1e9;
        values[points++] = sum / (at - begin);
    }
    return points;
}

static double dependence_around(const struct trend *trend, const double *times, const double *values,
                                size_t count) {
    double rest[POINTS];
    for (size_t i = 0; i < count; i++)
        rest[i] = values[i] - trend->slope * times[i];
    return statistics_dependence(rest, count);
}

/* Each run is judged by itself; what grows most (or least, where growth is promised) speaks for all. */
static int judge_growth(const struct promise *promise, const struct samples *samples, double alpha,
                        struct judged *judged) {
    bool any = false, ceiling = promise_has_ceiling(promise);
    alpha /= samples->run_count > 0 ? samples->run_count : 1;
    for (uint32_t from = 0, end; from < samples->kept_count; from = end) {
        double times[POINTS], values[POINTS];
        struct trend trend;
        for (end = from + 1;
             end < samples->kept_count && samples->kept[end].input == samples->kept[from].input;)
            end++;
        size_t count = points_of(samples, from, end, times, values);
        if (count < FEWEST_POINTS) {
            judged->verdict = VERDICT_INCONCLUSIVE;
            judged->more = FEWEST_POINTS - count;
            return 0;
        }
        if (statistics_trend(times, values, count, 1, alpha, &trend) != 0)
            return -1;
        double dependence = dependence_around(&trend, times, values, count);
        if (statistics_trend(times, values, count, dependence, alpha, &trend) != 0)
            return -1;
        if (any && ceiling == (trend.slope < judged->value))
            continue;
        any = true;
        judged->value = trend.slope;
        judged->dependence = dependence;
        judged->lower = trend.lower;
        judged->upper = trend.upper;
        judged->p_value = ceiling ? trend.p_rises : trend.p_falls;
        judged->more = JUDGE_NEVER_KNOWN;
        judge_interval(promise, judged);
        /* The bound alone may be passed where the test sees no trend. */
        if (judged->verdict == VERDICT_FAIL && fabs(promise->limit) <= 0 && judged->p_value > alpha)
            judged->verdict = VERDICT_INCONCLUSIVE;
    }
    return 0;
}

/* What was measured is what counts: no chance is involved. */
static void judge_exactly(const struct promise *promise, const struct samples *samples,
                          struct judged *judged) {
    bool ceiling = promise_has_ceiling(promise);
    double value = promise->statistic == PROMISE_SUM   ? samples->sum
                   : promise->statistic == PROMISE_MIN ? samples->min
                   : promise->statistic == PROMISE_MAX ? samples->max
                   : ceiling                           ? samples->max
                                                       : samples->min;
    judged->value = judged->lower = judged->upper = value;
    judged->verdict = promise_is_passed(promise, value) ? VERDICT_FAIL : VERDICT_PASS;
    judged->more = 0;
}

int judge(const struct promise *promise, const struct samples *samples, double alpha, struct judged *judged) {
    *judged = (struct judged){.verdict = VERDICT_INCONCLUSIVE,
                              .lower = -INFINITY,
                              .upper = INFINITY,
                              .p_value = 1,
                              .dependence = 1,
                              .more = 1};
    if (promise->statistic == PROMISE_PERCENTILE && samples->count == 0) {
        double share = promise->percentile / 100;
        judged->more =
            statistics_exceeding(0, 0, promise_has_ceiling(promise) ? 1 - share : share, 1, alpha).more;
    }
    if (samples->count == 0)
        return 0;
    if (promise->statistic == PROMISE_GROWTH)
        return judge_growth(promise, samples, alpha, judged);
    if (promise->statistic != PROMISE_PERCENTILE && promise->statistic != PROMISE_MEAN) {
        judge_exactly(promise, samples, judged);
        return 0;
    }
    struct series series;
    if (open_series(&series, samples) != 0)
        return -1;
    int status = promise->statistic == PROMISE_MEAN
                     ? judge_mean(promise, samples, alpha, &series, judged)
                     : judge_percentile(promise, samples, alpha, &series, judged);
    free(series.values);
    return status;
}
