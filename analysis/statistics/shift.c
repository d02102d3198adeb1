/* Estimates and bounds from sorted differences; where the bounds lie is counted. */
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

/* ---- Hodges and Lehmann --------------------------------------------------------------------------------------- */

/* ways[(sizes - 1) * (sum_max + 1) + s]: how many sets of sizes - 1 of the numbers 1 to `count` have the sum s; the rows before it are of
 * smaller sets, as far as they lead there. `sizes` 1: of any size, in ways[s]. */
static double *count_sets(size_t count, size_t sizes, size_t sum_max) {
    size_t width = sum_max + 1;
    double *ways = calloc(sizes * width, sizeof *ways);
    if (ways == NULL)
        return NULL;
    ways[0] = 1;
    for (size_t i = 0; i < count; i++) {
        size_t number = i + 1;
        if (sizes == 1) {
            for (size_t sum = number * (number + 1) / 2; sum >= number; sum--)
                ways[sum] += ways[sum - number];
            continue;
        }
        /* Sums of sets that this number makes sets of k: of the smallest to the largest k - 1 before it. Later numbers have to do for those
         * that are still missing. */
        for (size_t k = number < sizes ? number : sizes - 1; k > 0 && k + count >= sizes + i; k--) {
            size_t least = (k - 1) * k / 2, most = (k - 1) * (2 * number - k) / 2;
            for (size_t sum = least; sum <= most; sum++)
                ways[k * width + sum + number] += ways[(k - 1) * width + sum];
        }
    }
    return ways;
}

/* How many of the sorted differences lie below the lower bound: the largest k with P(statistic < k) <= alpha, without ties; of the
 * signed ranks of n (sizes 1), or of m among n. 0: there is no bound. */
static size_t below_bound_exact(size_t n, size_t m, double alpha) {
    size_t sum_max = n * (n + 1) / 2, least = m * (m + 1) / 2;
    double *ways = count_sets(n, m == 0 ? 1 : m + 1, sum_max);
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
