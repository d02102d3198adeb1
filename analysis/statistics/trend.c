/* Mann and Kendall's test (with ties), and the slope and bounds of Theil and Sen (P. K. Sen, 1968). */
#include "trend.h"

#include "distributions.h"
#include "shift.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static double variance_of_score(const double *values, size_t count) {
    double sorted[TREND_POINTS_MAX], n = (double)count, variance = n * (n - 1) * (2 * n + 5);
    memcpy(sorted, values, count * sizeof *sorted);
    qsort(sorted, count, sizeof *sorted, statistics_compare);
    for (size_t first = 0, end; first < count; first = end) {
        for (end = first + 1; end < count && !(sorted[end] > sorted[first]);)
            end++;
        double t = (double)(end - first);
        variance -= t * (t - 1) * (2 * t + 5);
    }
    return variance / 18;
}

int statistics_trend(const double *times, const double *values, size_t count, double dependence, double alpha,
                     struct trend *trend) {
    *trend = (struct trend){0, -INFINITY, INFINITY, 1, 1};
    size_t slopes = count * (count - 1) / 2, made = 0;
    if (count < 2)
        return 0;
    double *slope = malloc(slopes * sizeof *slope), score = 0;
    if (slope == NULL)
        return -1;
    for (size_t i = 0; i < count; i++)
        for (size_t j = i + 1; j < count; j++) {
            score += (values[j] > values[i]) - (values[j] < values[i]);
            slope[made++] = (values[j] - values[i]) / (times[j] - times[i]);
        }
    qsort(slope, made, sizeof *slope, statistics_compare);
    double deviation = sqrt(variance_of_score(values, count) * (dependence > 1 ? dependence : 1));
    trend->slope = statistics_median(slope, made);
    if (deviation > 0) {
        trend->p_rises = 1 - statistics_normal((score - 1) / deviation);
        trend->p_falls = statistics_normal((score + 1) / deviation);
    }
    double reach = -statistics_normal_quantile(alpha) *
                   sqrt((double)count * (double)(count - 1) * (double)(2 * count + 5) / 18) *
                   sqrt(dependence > 1 ? dependence : 1);
    double below = floor(((double)made - reach) / 2);
    if (below >= 1) {
        trend->lower = slope[(size_t)below - 1];
        trend->upper = slope[made - (size_t)below];
    }
    free(slope);
    return 0;
}
