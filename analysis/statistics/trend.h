/* Whether a value grows over time, and how fast: Mann and Kendall's test, Theil and Sen's slope. */
#ifndef PERFTRACE_ANALYSIS_TREND_H
#define PERFTRACE_ANALYSIS_TREND_H

#include <stddef.h>

enum { TREND_POINTS_MAX = 400 };

/* All slopes are in values by unit of time. */
struct trend {
    double slope; /* the median of the slopes between any two points */
    double lower,
        upper; /* each alone is passed by the true slope with probability alpha; infinite where there are too few points */
    double p_rises, p_falls; /* of the test, one-sided */
};

/* Times increase; 1 to TREND_POINTS_MAX points. `dependence`: as dependence.h has it, of the values around their trend; the test's
 * variance becomes as much larger. 0, or -1 without memory. */
int statistics_trend(const double *times, const double *values, size_t count, double dependence, double alpha,
                     struct trend *trend);

#endif
