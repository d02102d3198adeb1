/* Tails of the distributions that verdicts are made with. Exact to about twelve digits; none of them fails. */
#ifndef PERFTRACE_ANALYSIS_DISTRIBUTIONS_H
#define PERFTRACE_ANALYSIS_DISTRIBUTIONS_H

#include <stdint.h>

/* Of `trials` independent trials that succeed with probability `share`: that `successes` or more, or that so many at most, succeed. */
double statistics_binomial_at_least(uint64_t trials, uint64_t successes, double share);
double statistics_binomial_at_most(uint64_t trials, uint64_t successes, double share);

/* The standard normal distribution: P(Z <= z), and the z of a probability between 0 and 1. */
double statistics_normal(double z);
double statistics_normal_quantile(double probability);

/* The same quantile of Student's t with so many degrees of freedom (> 0). */
double statistics_student_quantile(double probability, double freedom);

#endif
