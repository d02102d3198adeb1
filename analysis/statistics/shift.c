/* Rank tests: exact null distributions by counting, estimates and bounds from sorted differences. */
#include "shift.h"

#include "distributions.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>

#define EXACT_MAX 50u /* figures in all: 2^50, and 50 over 25, are whole numbers that a double holds */

int statistics_compare(const void *left, const void *right) {
    double a = *(const double *)left, b = *(const double *)right;
    return (a > b) - (a < b);
}

double statistics_median(const double *sorted, size_t count) {
    return count % 2 == 1 ? sorted[count / 2] : (sorted[count / 2 - 1] + sorted[count / 2]) / 2;
}

/* ---- ranks ------------------------------------------------------------------------------------------------ */

struct ranked {
    double value;
    uint32_t rank2; /* twice the rank, from 1: ties have the mean of theirs */
    uint32_t group; /* what it belongs to: 1 counts */
};

static int by_value(const void *left, const void *right) {
    double a = ((const struct ranked *)left)->value, b = ((const struct ranked *)right)->value;
    return (a > b) - (a < b);
}

/* Sorts and ranks; returns the sum of t^3 - t over groups of t ties. */
static double rank(struct ranked *ranked, size_t count) {
    double ties = 0;
    qsort(ranked, count, sizeof *ranked, by_value);
    for (size_t first = 0, end; first < count; first = end) {
        for (end = first + 1; end < count && !(ranked[end].value > ranked[first].value);)
            end++;
        for (size_t i = first; i < end; i++)
            ranked[i].rank2 = (uint32_t)(first + 1 + end);
        double t = (double)(end - first);
        ties += t * t * t - t;
    }
    return ties;
}

static uint64_t rank_sum2(const struct ranked *ranked, size_t count) {
    uint64_t sum = 0;
    for (size_t i = 0; i < count; i++)
        sum += ranked[i].group == 1 ? ranked[i].rank2 : 0;
    return sum;
}

/* Without ties ranks are whole numbers: half as many sums to count. Takes what rank() said, and a sum of twice the ranks along. */
static uint64_t make_whole(struct ranked *ranked, size_t count, double ties, uint64_t sum2) {
    if (ties > 0)
        return sum2;
    for (size_t i = 0; i < count; i++)
        ranked[i].rank2 /= 2;
    return sum2 / 2;
}

/* ways[(sizes - 1) * (sum_max + 1) + s]: how many sets of sizes - 1 of the numbers have the sum s; the rows before it are of smaller sets,
 * as far as they lead there. `sizes` 1: of any size, in ways[s]. The numbers are sorted: the smallest sum of k of them is that of the
 * first k, the largest that of the last. */
static double *count_sets(const struct ranked *ranked, size_t count, size_t sizes, size_t sum_max) {
    size_t width = sum_max + 1;
    double *ways = calloc(sizes * width, sizeof *ways);
    if (ways == NULL)
        return NULL;
    ways[0] = 1;
    for (size_t i = 0, so_far = 0; i < count; i++) {
        size_t rank2 = ranked[i].rank2;
        so_far += rank2;
        if (sizes == 1) {
            for (size_t sum = so_far; sum >= rank2; sum--)
                ways[sum] += ways[sum - rank2];
            continue;
        }
        /* Sums of sets that number i makes sets of k; later numbers have to do for those that are still missing. */
        size_t least = 0, most = 0, k_max = i + 1 < sizes ? i + 1 : sizes - 1;
        for (size_t k = 1; k < k_max; k++) {
            least += ranked[k - 1].rank2;
            most += ranked[i - k].rank2;
        }
        for (size_t k = k_max; k > 0 && k + count >= sizes + i; k--) {
            for (size_t sum = least; sum <= most; sum++)
                ways[k * width + sum + rank2] += ways[(k - 1) * width + sum];
            least -= k > 1 ? ranked[k - 2].rank2 : 0;
            most -= k > 1 ? ranked[i + 1 - k].rank2 : 0;
        }
    }
    return ways;
}

static size_t sum_of_all(const struct ranked *ranked, size_t count) {
    size_t sum = 0;
    for (size_t i = 0; i < count; i++)
        sum += ranked[i].rank2;
    return sum;
}

/* P(sum of the chosen ranks >= observed). */
static double upper_tail(const double *ways, size_t sum_max, uint64_t observed) {
    double above = 0, all = 0;
    for (size_t sum = 0; sum <= sum_max; sum++) {
        all += ways[sum];
        above += sum >= observed ? ways[sum] : 0;
    }
    return above / all;
}

/* ---- Wilcoxon's signed ranks ------------------------------------------------------------------------------- */

double statistics_signed_ranks(const double *differences, size_t count) {
    struct ranked *ranked = malloc((count + 1) * sizeof *ranked);
    if (ranked == NULL)
        return -1;
    size_t n = 0;
    for (size_t i = 0; i < count; i++)
        if (differences[i] > 0 || differences[i] < 0)
            ranked[n++] = (struct ranked){.value = fabs(differences[i]), .group = differences[i] > 0 ? 1 : 0};
    double ties = rank(ranked, n), p = 1;
    uint64_t observed = rank_sum2(ranked, n);
    if (n > EXACT_MAX) {
        double N = (double)n, mean = N * (N + 1) / 4, variance = N * (N + 1) * (2 * N + 1) / 24 - ties / 48;
        p = 1 - statistics_normal(((double)observed / 2 - mean - 0.5) / sqrt(variance));
    } else if (n > 0) {
        observed = make_whole(ranked, n, ties, observed);
        size_t sum_max = sum_of_all(ranked, n);
        double *ways = count_sets(ranked, n, 1, sum_max);
        p = ways != NULL ? upper_tail(ways, sum_max, observed) : -1;
        free(ways);
    }
    free(ranked);
    return p;
}

/* ---- Mann and Whitney --------------------------------------------------------------------------------------- */

double statistics_mann_whitney(const double *base, size_t base_count, const double *head, size_t head_count) {
    size_t n = base_count + head_count;
    if (base_count == 0 || head_count == 0)
        return 1;
    struct ranked *ranked = malloc(n * sizeof *ranked);
    if (ranked == NULL)
        return -1;
    for (size_t i = 0; i < n; i++)
        ranked[i] = i < base_count ? (struct ranked){.value = base[i], .group = 0}
                                   : (struct ranked){.value = head[i - base_count], .group = 1};
    double ties = rank(ranked, n), p;
    uint64_t observed = rank_sum2(ranked, n);
    if (n > EXACT_MAX) {
        double N = (double)n, a = (double)base_count, b = (double)head_count;
        double mean = b * (N + 1) / 2, variance = a * b / 12 * (N + 1 - ties / (N * (N - 1)));
        p = variance > 0 ? 1 - statistics_normal(((double)observed / 2 - mean - 0.5) / sqrt(variance)) : 1;
    } else {
        observed = make_whole(ranked, n, ties, observed);
        size_t sum_max = sum_of_all(ranked, n);
        double *ways = count_sets(ranked, n, head_count + 1, sum_max);
        p = ways != NULL ? upper_tail(ways + head_count * (sum_max + 1), sum_max, observed) : -1;
        free(ways);
    }
    free(ranked);
    return p;
}

/* ---- Hodges and Lehmann --------------------------------------------------------------------------------------- */

/* How many of the sorted differences lie below the lower bound: the largest k with P(statistic < k) <= alpha, without ties; of the
 * signed ranks of n (sizes 1), or of m among n. 0: there is no bound. */
static size_t below_bound_exact(size_t n, size_t m, double alpha) {
    struct ranked ranked[EXACT_MAX];
    for (size_t i = 0; i < n; i++)
        ranked[i] = (struct ranked){.rank2 = (uint32_t)(i + 1)};
    size_t sum_max = n * (n + 1) / 2, least = m * (m + 1) / 2;
    double *ways = count_sets(ranked, n, m == 0 ? 1 : m + 1, sum_max);
    if (ways == NULL)
        return SIZE_MAX;
    const double *row = ways + m * (sum_max + 1);
    double all = 0, below = 0;
    for (size_t sum = 0; sum <= sum_max; sum++)
        all += row[sum];
    size_t k = 0;
    for (size_t sum = least; sum <= sum_max && (below + row[sum]) / all <= alpha; sum++, k++)
        below += row[sum];
    free(ways);
    return k;
}

static size_t below_bound_normal(double mean, double variance, double alpha) {
    double k = floor(mean + statistics_normal_quantile(alpha) * sqrt(variance) - 0.5);
    return k > 0 ? (size_t)k : 0;
}

static void bounds(double *sorted, size_t count, size_t k, struct shift *shift) {
    qsort(sorted, count, sizeof *sorted, statistics_compare);
    shift->estimate = statistics_median(sorted, count);
    shift->lower = k > 0 ? sorted[k - 1] : -INFINITY;
    shift->upper = k > 0 ? sorted[count - k] : INFINITY;
}

int statistics_shift_of_pairs(const double *differences, size_t count, double alpha, struct shift *shift) {
    *shift = (struct shift){0, -INFINITY, INFINITY};
    if (count == 0)
        return 0;
    double n = (double)count;
    size_t k = count <= EXACT_MAX
                   ? below_bound_exact(count, 0, alpha)
                   : below_bound_normal(n * (n + 1) / 4, n * (n + 1) * (2 * n + 1) / 24, alpha);
    double *means = malloc(count * (count + 1) / 2 * sizeof *means);
    if (means == NULL || k == SIZE_MAX) {
        free(means);
        return -1;
    }
    size_t made = 0;
    for (size_t i = 0; i < count; i++)
        for (size_t j = i; j < count; j++)
            means[made++] = (differences[i] + differences[j]) / 2;
    bounds(means, made, k, shift);
    free(means);
    return 0;
}

int statistics_shift(const double *base, size_t base_count, const double *head, size_t head_count,
                     double alpha, struct shift *shift) {
    *shift = (struct shift){0, -INFINITY, INFINITY};
    if (base_count == 0 || head_count == 0)
        return 0;
    double a = (double)base_count, b = (double)head_count;
    size_t k = base_count + head_count <= EXACT_MAX
                   ? below_bound_exact(base_count + head_count, head_count, alpha)
                   : below_bound_normal(a * b / 2, a * b * (a + b + 1) / 12, alpha);
    double *differences = malloc(base_count * head_count * sizeof *differences);
    if (differences == NULL || k == SIZE_MAX) {
        free(differences);
        return -1;
    }
    for (size_t i = 0; i < base_count; i++)
        for (size_t j = 0; j < head_count; j++)
            differences[i * head_count + j] = head[j] - base[i];
    bounds(differences, base_count * head_count, k, shift);
    free(differences);
    return 0;
}

/* ---- Holm ----------------------------------------------------------------------------------------------------- */

void statistics_holm(double *p_values, size_t count, size_t *order) {
    for (size_t i = 0; i < count; i++) { /* few: insertion */
        size_t at = i;
        for (; at > 0 && p_values[order[at - 1]] > p_values[i]; at--)
            order[at] = order[at - 1];
        order[at] = i;
    }
    double least = 0;
    for (size_t i = 0; i < count; i++) {
        double adjusted = p_values[order[i]] * (double)(count - i);
        least = adjusted > least ? adjusted : least;
        p_values[order[i]] = least < 1 ? least : 1;
    }
}
