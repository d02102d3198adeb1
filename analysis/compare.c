/* Comparing runs: logarithms of figures, so that changes are ratios; what all spans share, and what each has of its own. */
#include "compare.h"

#include "statistics/shift.h"
#include "statistics/together.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { FEWEST_TO_SHARE = 5 }; /* spans: what fewer have in common may be what has changed */
enum { RUNS_MOST = 1000 };
enum { FEWEST_PEERS = 3 };
enum { LEVELS = 12 };        /* of spans by how long they take, each for a quarter of the time */
enum { SIGNS_TO_SPARE = 8 }; /* so many rearrangements of pairs are to lie beyond what is asked for */
#define MUCH_NARROWER 0.6
#define OF_USUAL_SPREAD 0.3 /* is added to a span's own: enough that none seems to spread by nothing */

struct work {
    struct compare_span *spans;
    size_t count;
    const struct compare_options *options;
    size_t runs;                    /* of pairs: pairs */
    double *plain;                  /* [span][run]: logarithms, or their differences in pairs */
    double *own;                    /* the same without what spans share */
    double *shared;                 /* [run]: that */
    double *scratch;                /* of runs, thrice, and of spans, twice */
    struct together_series *series; /* plain, own, and shared */
    double heaviest;                /* weight of a span */
    bool sharing;
    bool pairs; /* are what is rearranged */
};

static double median_of(double *values, size_t count) {
    qsort(values, count, sizeof *values, statistics_compare);
    return statistics_median(values, count);
}

/* ---- what spans share ------------------------------------------------------------------------------------ */

static void take_logarithms(const struct work *work) {
    const struct compare_options *options = work->options;
    for (size_t i = 0; i < work->count; i++) {
        const struct compare_span *span = &work->spans[i];
        double *row = work->plain + i * work->runs;
        for (size_t run = 0; run < options->base_count; run++)
            row[run] = work->pairs ? log(span->head[run]) - log(span->base[run]) : log(span->base[run]);
        for (size_t run = 0; !work->pairs && run < options->head_count; run++)
            row[options->base_count + run] = log(span->head[run]);
    }
}

/* Where a row's figures lie whatever run is whose, and how far they are from there. Differences of pairs: from zero. */
static double middle_of(const struct work *work, const double *row, double *spread) {
    double middle = 0;
    if (!work->pairs) {
        memcpy(work->scratch, row, work->runs * sizeof *row);
        middle = median_of(work->scratch, work->runs);
    }
    for (size_t run = 0; run < work->runs; run++)
        work->scratch[run] = fabs(row[run] - middle);
    *spread = median_of(work->scratch, work->runs);
    return middle;
}

struct weighted {
    double value, weight;
};

static int by_value(const void *left, const void *right) {
    return statistics_compare(&((const struct weighted *)left)->value,
                              &((const struct weighted *)right)->value);
}

static double weighted_median(struct weighted *values, size_t count) {
    double all = 0, below = 0;
    qsort(values, count, sizeof *values, by_value);
    for (size_t i = 0; i < count; i++)
        all += values[i].weight;
    for (size_t i = 0; i < count; i++) {
        below += values[i].weight;
        if (below > all / 2 || i == count - 1)
            return values[i].value;
        if (!(below < all / 2))
            return (values[i].value + values[i + 1].value) / 2;
    }
    return 0;
}

/* Fills in what spans share and what is their own. */
static int tell_apart(const struct work *work) {
    double *middles = malloc(3 * work->count * sizeof *middles), *spreads = middles + work->count;
    struct weighted *weighted = malloc(work->count * sizeof *weighted);
    if (middles == NULL || weighted == NULL) {
        free(middles);
        free(weighted);
        return -1;
    }
    for (size_t i = 0; i < work->count; i++)
        middles[i] = middle_of(work, work->plain + i * work->runs, &spreads[i]);
    memcpy(spreads + work->count, spreads, work->count * sizeof *spreads);
    double usual = median_of(spreads + work->count, work->count);
    for (size_t run = 0; run < work->runs; run++) {
        for (size_t i = 0; i < work->count; i++)
            weighted[i] = (struct weighted){work->plain[i * work->runs + run] - middles[i],
                                            1 / (spreads[i] + usual + 1e-9)};
        work->shared[run] = weighted_median(weighted, work->count);
        for (size_t i = 0; i < work->count; i++)
            work->own[i * work->runs + run] = work->plain[i * work->runs + run] - work->shared[run];
    }
    free(middles);
    free(weighted);
    return 0;
}

/* ---- bounds ---------------------------------------------------------------------------------------------- */

/* Draws in what lies farther from the median than two and a half standard deviations, as the median of distances tells them. */
static void draw_in(double *values, size_t count, double *scratch) {
    memcpy(scratch, values, count * sizeof *values);
    double middle = median_of(scratch, count);
    for (size_t i = 0; i < count; i++)
        scratch[i] = fabs(values[i] - middle);
    double most = 2.5 * 1.4826 * median_of(scratch, count);
    for (size_t i = 0; i < count; i++)
        values[i] = values[i] > middle + most   ? middle + most
                    : values[i] < middle - most ? middle - most
                                                : values[i];
}

static int bounds_of(const struct work *work, const double *row, struct shift *shift) {
    const struct compare_options *options = work->options;
    double *values = work->scratch, *rest = values + work->runs;
    memcpy(values, row, work->runs * sizeof *row);
    draw_in(values, options->base_count, rest);
    if (work->pairs)
        return statistics_shift_of_pairs(values, options->base_count, options->alpha, shift);
    draw_in(values + options->base_count, options->head_count, rest);
    return statistics_shift(values, options->base_count, values + options->base_count, options->head_count,
                            options->alpha, shift);
}

/* ---- answers ----------------------------------------------------------------------------------------------- */

/* How many times a span takes a quarter of the longest one's time or less. */
static unsigned level_of(const struct work *work, size_t span) {
    double weight = work->spans[span].weight;
    double level = weight > 0 ? log2(work->heaviest / weight) / 2 : LEVELS;
    return level < LEVELS - 1 ? (unsigned)level : LEVELS - 1;
}

/* Of estimates such as these rows give: from the median of the spreads of spans that take as long or longer, but for a factor of four. What takes
 * long spreads less in most programs, and would be lost among what is short. */
static void find_usual_spreads(const struct work *work, const double *rows, double usual[LEVELS]) {
    double *spreads = work->scratch + 3 * work->runs, *peers = spreads + work->count;
    double a = (double)work->options->base_count, b = (double)work->options->head_count;
    for (size_t i = 0; i < work->count; i++)
        middle_of(work, rows + i * work->runs, &spreads[i]);
    for (unsigned level = 0; level < LEVELS; level++) {
        size_t count = 0;
        for (unsigned upto = level; upto < LEVELS && count < FEWEST_PEERS; upto++) {
            count = 0;
            for (size_t i = 0; i < work->count; i++)
                if (level_of(work, i) <= upto)
                    peers[count++] = spreads[i];
        }
        usual[level] = OF_USUAL_SPREAD * 1.4826 * median_of(peers, count) *
                       sqrt(work->pairs ? 1 / (double)work->runs : 1 / a + 1 / b);
    }
}

static int ask(const struct work *work) {
    const struct compare_options *options = work->options;
    size_t asked = work->sharing ? 2 * work->count + 1 : work->count;
    double usual[LEVELS], usual_own[LEVELS];
    find_usual_spreads(work, work->plain, usual);
    find_usual_spreads(work, work->own, usual_own);
    for (size_t i = 0; i < work->count; i++) {
        unsigned level = level_of(work, i);
        work->series[i] =
            (struct together_series){.values = work->plain + i * work->runs, .usual_spread = usual[level]};
        work->series[work->count + i] =
            (struct together_series){.values = work->own + i * work->runs, .usual_spread = usual_own[level]};
    }
    work->series[2 * work->count] =
        (struct together_series){.values = work->shared, .usual_spread = usual_own[LEVELS - 1]};
    return statistics_together(work->series, asked, options->base_count,
                               work->pairs ? 0 : options->head_count, options->alpha);
}

static void answer(const struct work *work, struct compare_span *span, const struct shift *shift) {
    const struct compare_options *options = work->options;
    double alpha = options->alpha;
    double threshold = options->threshold,
           faster = -threshold / (1 + threshold); /* as much of a change the other way */
    double least =
        statistics_together_least(options->base_count, work->pairs ? 0 : options->head_count, alpha);
    span->change = expm1(shift->estimate);
    span->lower = expm1(shift->lower);
    span->upper = expm1(shift->upper);
    span->answer = span->p_slower <= alpha && span->lower > threshold  ? COMPARE_SLOWER
                   : span->p_faster <= alpha && span->upper < faster   ? COMPARE_FASTER
                   : span->lower >= faster && span->upper <= threshold ? COMPARE_SAME
                   : least > alpha                                     ? COMPARE_TOO_FEW
                                                                       : COMPARE_UNCLEAR;
}

static double p_slower(const struct together_series *series) {
    return series->statistic > 0 ? series->p : 1;
}

static double p_faster(const struct together_series *series) {
    return series->statistic < 0 ? series->p : 1;
}

static double least_of(double one, double other) {
    return one < other ? one : other;
}

/* By what is its own; but where that varies much more (it waits, for however long the machine takes), by all of it. The narrower bounds
 * would be passed more often than they say. */
static int answer_span(const struct work *work, size_t which, const struct compare_span *whole,
                       const struct shift *bounds, bool certain) {
    struct compare_span *span = &work->spans[which];
    const struct together_series *plain = &work->series[which], *own = plain + work->count;
    struct shift shift, of_own;
    span->p_slower = p_slower(plain);
    span->p_faster = p_faster(plain);
    span->relative = false;
    if (bounds_of(work, work->plain + which * work->runs, &shift) != 0)
        return -1;
    if (work->sharing) {
        if (bounds_of(work, work->own + which * work->runs, &of_own) != 0)
            return -1;
        span->p_slower = least_of(span->p_slower, p_slower(own));
        span->p_faster = least_of(span->p_faster, p_faster(own));
        of_own.lower += certain ? bounds->lower : least_of(bounds->estimate, 0);
        of_own.upper += certain ? bounds->upper : -least_of(-bounds->estimate, 0);
        of_own.estimate += certain ? bounds->estimate : 0;
        span->relative = MUCH_NARROWER * (of_own.upper - of_own.lower) <= shift.upper - shift.lower;
        shift = span->relative ? of_own : shift;
        /* What all have in common, this one has, too. */
        if (certain && span->relative && shift.lower > 0)
            span->p_slower = least_of(span->p_slower, whole->p_slower);
        if (certain && span->relative && shift.upper < 0)
            span->p_faster = least_of(span->p_faster, whole->p_faster);
    }
    answer(work, span, &shift);
    return 0;
}

static int judge_all(struct work *work) {
    const struct compare_options *options = work->options;
    struct compare_span whole = {0};
    struct shift shift = {0};
    take_logarithms(work);
    if (tell_apart(work) != 0 || ask(work) != 0 || bounds_of(work, work->shared, &shift) != 0)
        return -1;
    whole.p_slower = work->sharing ? p_slower(&work->series[2 * work->count]) : 1;
    whole.p_faster = work->sharing ? p_faster(&work->series[2 * work->count]) : 1;
    answer(work, &whole, &shift);
    bool certain = whole.p_slower <= options->alpha || whole.p_faster <= options->alpha;
    for (size_t i = 0; i < work->count; i++)
        if (answer_span(work, i, &whole, &shift, certain) != 0)
            return -1;
    if (options->whole != NULL)
        *options->whole = whole;
    return 0;
}

/* Signs of a few pairs, some of which were held up, are soon as they are by chance; which run is whose can then tell more. */
static bool signs_can_tell(size_t pairs, double alpha) {
    return statistics_together_least(pairs, 0, alpha) * SIGNS_TO_SPARE <= alpha;
}

int compare(struct compare_span *spans, size_t count, const struct compare_options *options) {
    struct work work = {.spans = spans,
                        .count = count,
                        .options = options,
                        .sharing = count >= FEWEST_TO_SHARE,
                        .pairs = options->pairs && signs_can_tell(options->base_count, options->alpha)};
    int status = -1;
    if (count == 0)
        return 0;
    for (size_t i = 0; i < count; i++)
        work.heaviest = spans[i].weight > work.heaviest ? spans[i].weight : work.heaviest;
    work.runs = work.pairs ? options->base_count : options->base_count + options->head_count;
    work.plain = malloc((work.runs * (2 * count + 4) + 2 * count) * sizeof *work.plain);
    work.series = malloc((2 * count + 1) * sizeof *work.series);
    if (work.plain != NULL && work.series != NULL) {
        work.own = work.plain + work.runs * count;
        work.shared = work.own + work.runs * count;
        work.scratch = work.shared + work.runs;
        status = judge_all(&work);
    }
    free(work.plain);
    free(work.series);
    return status;
}

size_t compare_runs_needed(const struct compare_options *options) {
    double alpha = options->alpha;
    size_t runs = 2;
    while (runs < RUNS_MOST && !(options->pairs && signs_can_tell(runs, alpha)) &&
           statistics_together_least(runs, runs, alpha) > alpha)
        runs++;
    return runs;
}
