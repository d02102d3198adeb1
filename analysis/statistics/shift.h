/* By how much one set of figures lies above another, and how certain that is: rank tests, which ask for no particular distribution
 * and are not misled by a few outliers. */
#ifndef PERFTRACE_ANALYSIS_SHIFT_H
#define PERFTRACE_ANALYSIS_SHIFT_H

#include <stddef.h>

/* Hodges and Lehmann's estimate of the shift, and its bounds: each alone is passed by the true shift with probability `alpha` at
 * most. A bound is infinite where there are too few figures for it. */
struct shift {
    double estimate, lower, upper;
};

/* Of `count` differences, one of each pair (or of one sample): the median of the means of any two of them, with bounds by Wilcoxon's
 * signed ranks. 0, or -1 without memory. */
int statistics_shift_of_pairs(const double *differences, size_t count, double alpha, struct shift *shift);
/* Of two samples: the median of all differences head - base, with bounds by Mann and Whitney. As above. */
int statistics_shift(const double *base, size_t base_count, const double *head, size_t head_count,
                     double alpha, struct shift *shift);

/* The probability of ranks so far on the upper side if nothing differs (one-sided): Wilcoxon's signed ranks, where zeros are left out,
 * and Mann and Whitney's test of head above base. Exact, ties too, for up to 50 figures in all; beyond that by the normal
 * approximation. Negative without memory. */
double statistics_signed_ranks(const double *differences, size_t count);
double statistics_mann_whitney(const double *base, size_t base_count, const double *head, size_t head_count);

/* Holm's adjustment for asking `count` questions at once: p_values become such that rejecting all that are <= alpha is wrong about
 * any of them with probability alpha at most. `order` is scratch for `count` numbers. */
void statistics_holm(double *p_values, size_t count, size_t *order);

/* For qsort. */
int statistics_compare(const void *left, const void *right);
/* Of a sorted array: the middle, or the mean of the two in the middle. */
double statistics_median(const double *sorted, size_t count);

#endif
