/* Tails of distributions: all but the normal one are incomplete beta functions. */
#include "distributions.h"

#include <math.h>

/* Lentz's way of evaluating a continued fraction; it converges quickly for x < (a + 1) / (a + b + 2). */
static double beta_fraction(double a, double b, double x) {
    const double tiny = 1e-300;
    double c = 1, d = 1 - (a + b) * x / (a + 1);
    d = 1 / (fabs(d) < tiny ? tiny : d);
    double fraction = d;
    for (int m = 1; m < 100000; m++) {
        double even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m));
        double odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1));
        double change = 1;
        for (int half = 0; half < 2; half++) {
            double term = half == 0 ? even : odd;
            d = 1 + term * d;
            c = 1 + term / c;
            d = 1 / (fabs(d) < tiny ? tiny : d);
            c = fabs(c) < tiny ? tiny : c;
            change = c * d;
            fraction *= change;
        }
        if (fabs(change - 1) < 1e-15)
            break;
    }
    return fraction;
}

/* The regularised incomplete beta function I_x(a, b), for a, b > 0, by its continued fraction (Abramowitz and Stegun 26.5.8). */
static double beta(double a, double b, double x) {
    if (!(x > 0))
        return 0;
    if (x >= 1)
        return 1;
    double front = exp(lgamma(a + b) - lgamma(a) - lgamma(b) + a * log(x) + b * log1p(-x));
    return x < (a + 1) / (a + b + 2) ? front * beta_fraction(a, b, x) / a
                                     : 1 - front * beta_fraction(b, a, 1 - x) / b;
}

double statistics_binomial_at_least(uint64_t trials, uint64_t successes, double share) {
    if (successes == 0)
        return 1;
    if (successes > trials || share <= 0)
        return 0;
    return beta((double)successes, (double)(trials - successes + 1), share);
}

/* By the other tail's complement of the argument, not of the result: small ones stay exact. */
double statistics_binomial_at_most(uint64_t trials, uint64_t successes, double share) {
    if (successes >= trials || share <= 0)
        return 1;
    return beta((double)(trials - successes), (double)(successes + 1), 1 - share);
}

double statistics_normal(double z) {
    return erfc(-z / sqrt(2)) / 2;
}

/* Where an increasing function of a real number reaches `probability`. */
static double quantile(double (*cumulative)(double, double), double freedom, double probability) {
    double low = -1, high = 1;
    while (cumulative(low, freedom) > probability && low > -1e12)
        low *= 2;
    while (cumulative(high, freedom) < probability && high < 1e12)
        high *= 2;
    for (int i = 0; i < 100; i++) {
        double middle = (low + high) / 2;
        if (cumulative(middle, freedom) < probability)
            low = middle;
        else
            high = middle;
    }
    return (low + high) / 2;
}

static double normal_cumulative(double z, double unused) {
    (void)unused;
    return statistics_normal(z);
}

double statistics_normal_quantile(double probability) {
    return quantile(normal_cumulative, 0, probability);
}

static double student(double t, double freedom) {
    double tail = beta(freedom / 2, 0.5, freedom / (freedom + t * t)) / 2;
    return t > 0 ? 1 - tail : tail;
}

double statistics_student_quantile(double probability, double freedom) {
    return quantile(student, freedom, probability);
}
