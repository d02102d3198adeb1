/* Many questions about the same runs at once: does any of these series differ between head and base? Answered by rearranging the runs. */
#ifndef PERFTRACE_ANALYSIS_TOGETHER_H
#define PERFTRACE_ANALYSIS_TOGETHER_H

#include <stddef.h>

struct together_series {
    /* A figure of each run: those of base, then those of head; or a difference of each pair. */
    const double *values;
    /* Of an estimate of such series, not below 0: is added to what this one's spread seems to be. */
    double usual_spread;

    /* The answer: */
    double statistic; /* above 0: it lies above zero, or head's lie above base's */
    /* How probable it is that any series whatsoever is so far off, either way, if nothing differs. */
    double p;
};

/* If base and head are the same program, then which run of a pair is head's is chance, and each difference might as well have the
 * other sign; without pairs, which runs are head's is chance. So the largest statistic of all series, of whatever sign, is found for each rearrangement
 * (or for 1,024 of them, seeded, and more where `alpha` is less than 0.025), and the share of those that reach what a series has is its probability, for the whole family of questions
 * (P. H. Westfall and S. S. Young, Resampling-based multiple testing, 1993; the single-step maxT). That is exact whatever the distributions are
 * and however series depend on each other, and costs less power than a correction for independent ones: n pairs can give a probability of 2 / 2^n
 * for any number of questions at once.
 *
 * The statistic is Student's with trimmed means and Winsorized variances (K. K. Yuen, Biometrika 61, 1974), so that a few runs that were held
 * up neither make nor hide a difference; to its denominator is added what is usual (V. G. Tusher, R. Tibshirani, G. Chu, PNAS 98, 2001),
 * so that of many series one that happens to spread little is not taken for a difference.
 *
 * `head_count` 0: `base_count` differences of pairs. `alpha`: what probabilities are to be compared with. 0, or -1 without memory. */
int statistics_together(struct together_series *series, size_t count, size_t base_count, size_t head_count,
                        double alpha);

/* The least probability that so many runs can give. */
double statistics_together_least(size_t base_count, size_t head_count, double alpha);

#endif
