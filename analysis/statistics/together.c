/* Rearrangements of runs, and the largest statistic of each: Westfall and Young's maxT. */
#include "together.h"

#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { ROWS_USUAL = 1024, ROWS_MAX = 1 << 15 }; /* rearrangements that are tried */
#define ROWS_BEYOND 25.0 /* of them are to lie beyond a probability that is asked for */

/* The rearrangements: labels[row * runs + run] is 1 where that run counts as head's, or that difference has the other sign. The first is how it was. */
struct rows {
    unsigned char *labels;
    size_t count, runs, head_count; /* head_count 0: pairs */
    double *most;                   /* of all series, the largest statistic of each row, whatever its sign */
    double *sorted, *head;          /* scratch */
    size_t *order;
};

static uint64_t random_next(uint64_t *state) { /* splitmix64 (G. L. Steele, D. Lea, C. H. Flood, 2014) */
    uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

/* How many are tried at most; an even number. */
static double most_ways(double alpha) {
    double rows = 2 * ceil(ROWS_BEYOND / alpha / 2);
    return rows < ROWS_USUAL ? ROWS_USUAL : rows < ROWS_MAX ? rows : ROWS_MAX;
}

/* How many rearrangements there are; more than ROWS_MAX: any such number. */
static double all_ways(size_t base_count, size_t head_count) {
    if (head_count == 0)
        return base_count < 60 ? exp2((double)base_count) : 1e18;
    double ways = 1;
    for (size_t i = 1; i <= head_count && ways < 1e18; i++)
        ways *= (double)(base_count + i) / (double)i;
    return round(ways);
}

double statistics_together_least(size_t base_count, size_t head_count, double alpha) {
    double ways = all_ways(base_count, head_count), most = most_ways(alpha);
    if (ways > most)
        ways = most;
    return (head_count == 0 || (head_count == base_count && ways < most) ? 2 : 1) /
           ways; /* the opposite is as far */
}

/* The next set of as many ones, in the order of the words that labels make. */
static void next_labels(unsigned char *labels, size_t count) {
    size_t at = count - 1, ones = 0;
    for (; at > 0 && !(labels[at] == 1 && labels[at - 1] == 0); at--)
        ones += labels[at];
    labels[at - 1] = 1; /* the ones behind it go to the end */
    for (size_t i = at; i < count; i++)
        labels[i] = i >= count - ones;
}

static void fill_rows(struct rows *rows, bool all) {
    uint64_t state = 1;
    size_t runs = rows->runs, base_count = runs - rows->head_count;
    for (size_t row = 0; row < rows->count; row++) {
        unsigned char *labels = rows->labels + row * runs;
        const unsigned char *before = rows->labels + (row > 0 ? row - 1 : 0) * runs;
        if (rows->head_count == 0) {
            for (size_t i = 0; i < runs && row > 0; i++)
                labels[i] = (unsigned char)((all ? row >> i : random_next(&state)) & 1);
            continue;
        }
        for (size_t i = 0; i < runs; i++)
            labels[i] = all && row > 0 ? before[i] : i >= base_count;
        if (all && row > 0)
            next_labels(labels, runs);
        for (size_t i = 0; !all && row > 0 && i < base_count; i++) { /* Fisher and Yates */
            size_t other = i + (size_t)(random_next(&state) % (runs - i));
            unsigned char label = labels[i];
            labels[i] = labels[other];
            labels[other] = label;
        }
    }
}

static int open_rows(struct rows *rows, size_t base_count, size_t head_count, double alpha) {
    double ways = all_ways(base_count, head_count), most = most_ways(alpha);
    bool all = ways <= most;
    *rows = (struct rows){.runs = base_count + head_count, .head_count = head_count};
    rows->count = all ? (size_t)ways : (size_t)most;
    if (head_count == 0)
        rows->count /= 2; /* of all: those whose last pair is as it was. The others are their opposites */
    rows->labels = calloc(rows->count * rows->runs + 1, 1);
    rows->most = malloc((rows->count + 2 * rows->runs + 2) * sizeof *rows->most);
    rows->order = malloc((rows->runs + 1) * sizeof *rows->order);
    if (rows->labels == NULL || rows->most == NULL || rows->order == NULL)
        return -1;
    rows->sorted = rows->most + rows->count;
    rows->head = rows->sorted + rows->runs + 1;
    for (size_t row = 0; row < rows->count; row++)
        rows->most[row] = 0;
    fill_rows(rows, all);
    return 0;
}

/* ---- the statistic ------------------------------------------------------------------------------------ */

/* How many of the smallest and of the largest are left out. More would see through more runs that were held up, but few figures that are left
 * do not tell their own spread: with 2 of 9, a third less was found among 60 spans. Of 6 and 6, too many arrangements would be
 * as extreme: one that is on the wrong side would be left out. */
static size_t trimmed(size_t count) {
    return count < 7 ? 0 : count / 6;
}

struct centre {
    double mean, variance; /* trimmed; of that mean */
};

static struct centre centre_of(const double *sorted, size_t count) {
    size_t trim = trimmed(count), kept = count - 2 * trim;
    double sum = 0, squares = 0, low = sorted[trim], high = sorted[count - 1 - trim];
    for (size_t i = trim; i < count - trim; i++)
        sum += sorted[i];
    struct centre centre = {sum / (double)kept, 0};
    double winsorized = (sum + (double)trim * (low + high)) / (double)count;
    for (size_t i = trim; i < count - trim; i++)
        squares += (sorted[i] - winsorized) * (sorted[i] - winsorized);
    squares +=
        (double)trim * ((low - winsorized) * (low - winsorized) + (high - winsorized) * (high - winsorized));
    if (kept > 1)
        centre.variance = squares / ((double)kept * (double)(kept - 1));
    return centre;
}

static double studentized(double difference, double variance, double usual_spread) {
    double spread = sqrt(variance) + usual_spread;
    return fabs(difference) > 0 ? difference / (spread > 1e-12 ? spread : 1e-12) : 0;
}

/* `order`: the differences from the one nearest to zero. With some signs changed they are sorted by going from the farthest inwards. */
static double statistic_of_pairs(const struct rows *rows, const struct together_series *series,
                                 const unsigned char *labels) {
    size_t low = 0, high = rows->runs;
    for (size_t i = rows->runs; i-- > 0;) {
        double value =
            labels[rows->order[i]] ? -series->values[rows->order[i]] : series->values[rows->order[i]];
        if (value < 0)
            rows->sorted[low++] = value;
        else
            rows->sorted[--high] = value;
    }
    struct centre centre = centre_of(rows->sorted, rows->runs);
    return studentized(centre.mean, centre.variance, series->usual_spread);
}

/* `order`: the figures from the smallest. */
static double statistic_of_sets(const struct rows *rows, const struct together_series *series,
                                const unsigned char *labels) {
    size_t base_count = 0, head_count = 0;
    for (size_t i = 0; i < rows->runs; i++) {
        double value = series->values[rows->order[i]];
        if (labels[rows->order[i]])
            rows->head[head_count++] = value;
        else
            rows->sorted[base_count++] = value;
    }
    struct centre base = centre_of(rows->sorted, base_count), head = centre_of(rows->head, head_count);
    return studentized(head.mean - base.mean, base.variance + head.variance, series->usual_spread);
}

/* Insertion: runs are few, and often nearly in order. */
static void sort_order(const struct rows *rows, const double *values, bool from_zero) {
    for (size_t i = 0; i < rows->runs; i++) {
        double value = from_zero ? fabs(values[i]) : values[i];
        size_t at = i;
        for (; at > 0; at--) {
            double before = values[rows->order[at - 1]];
            if (!((from_zero ? fabs(before) : before) > value))
                break;
            rows->order[at] = rows->order[at - 1];
        }
        rows->order[at] = i;
    }
}

static void add_series(struct rows *rows, struct together_series *series) {
    bool pairs = rows->head_count == 0;
    sort_order(rows, series->values, pairs);
    for (size_t row = 0; row < rows->count; row++) {
        const unsigned char *labels = rows->labels + row * rows->runs;
        double statistic =
            pairs ? statistic_of_pairs(rows, series, labels) : statistic_of_sets(rows, series, labels);
        rows->most[row] = fabs(statistic) > rows->most[row] ? fabs(statistic) : rows->most[row];
        if (row == 0)
            series->statistic = statistic;
    }
}

/* Ties count; what differs by rounding only is one. */
static double share_beyond(const struct rows *rows, double statistic) {
    double almost = fabs(statistic) * (1 - 1e-9);
    size_t beyond = 0;
    for (size_t row = 0; row < rows->count; row++)
        beyond += rows->most[row] >= almost;
    return (double)beyond / (double)rows->count;
}

int statistics_together(struct together_series *series, size_t count, size_t base_count, size_t head_count,
                        double alpha) {
    struct rows rows = {0};
    int status = base_count > 0 ? open_rows(&rows, base_count, head_count, alpha) : -1;
    for (size_t i = 0; status == 0 && i < count; i++)
        add_series(&rows, &series[i]);
    for (size_t i = 0; status == 0 && i < count; i++)
        series[i].p = share_beyond(&rows, series[i].statistic);
    free(rows.labels);
    free(rows.most);
    free(rows.order);
    return status;
}
