/* By how much one set of figures lies above another, with bounds by rank tests, which ask for no particular distribution. */
#ifndef PERFTRACE_ANALYSIS_SHIFT_H
#define PERFTRACE_ANALYSIS_SHIFT_H

#include <stddef.h>

/* Hodges and Lehmann's estimate of the shift, and its bounds: each alone is passed by the true shift with probability `alpha` at
 * most. A bound is infinite where there are too few figures for it. */
struct shift {
    double estimate, lower, upper;
};

/* Of `count` differences, one of each pair (or of one sample): the median of the means of any two of them, with bounds by Wilcoxon's
 * signed ranks, exact for up to 50 figures in all. 0, or -1 without memory. */
int statistics_shift_of_pairs(const double *differences, size_t count, double alpha, struct shift *shift);
/* Of two samples: the median of all differences head - base, with bounds by Mann and Whitney. As above. */
int statistics_shift(const double *base, size_t base_count, const double *head, size_t head_count,
                     double alpha, struct shift *shift);

/* For qsort. */
int statistics_compare(const void *left, const void *right);
/* Of a sorted array: the middle, or the mean of the two in the middle. */
double statistics_median(const double *sorted, size_t count);

#endif
