/* How much less neighbouring samples tell than independent ones: frames are like the frames before them. */
#ifndef PERFTRACE_ANALYSIS_DEPENDENCE_H
#define PERFTRACE_ANALYSIS_DEPENDENCE_H

#include <stdbool.h>
#include <stddef.h>

/* The integrated autocorrelation time of a series, 1 or more: so many of its samples tell as much about its mean as one independent
 * one. 1 + 2 (r1 + r2 + …), summed up to a lag of five times the result (Sokal's window), so that the noise of far lags
 * does not count. */
double statistics_dependence(const double *values, size_t count);

/* The same of the series "was it beyond `level`" (above it, or below it), 1 or 0. */
double statistics_dependence_beyond(const double *values, size_t count, double level, bool above,
                                    double *scratch);

/* Of several runs with `samples[i]` samples of which `exceed[i]` exceed: how much more these shares differ from run to run than
 * they would by chance, as a factor of the variance, 1 or more (Pearson's dispersion). */
double statistics_dispersion(const double *samples, const double *exceed, size_t runs);

#endif
