/* The statistics of verdicts, against values from tables and against counting all cases. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "../../analysis/statistics/dependence.h"
#include "../../analysis/statistics/distributions.h"
#include "../../analysis/statistics/exceeding.h"
#include "../../analysis/statistics/shift.h"
#include "../../analysis/statistics/trend.h"

#include <math.h>
#include <stdlib.h>

static void near(double value, double expected, double relative) {
    if (!(fabs(value - expected) <= relative * fabs(expected) + 1e-300))
        fail_msg("%.17g instead of %.17g", value, expected);
}

/* ---- distributions --------------------------------------------------------------------------------- */

static double binomial_by_sum(unsigned n, unsigned from, unsigned to, double share) {
    long double sum = 0;
    for (unsigned k = from; k <= to; k++) {
        long double term = 1;
        for (unsigned i = 0; i < k; i++)
            term *= (long double)(n - i) / (i + 1) * share;
        for (unsigned i = 0; i < n - k; i++)
            term *= 1 - (long double)share;
        sum += term;
    }
    return (double)sum;
}

static void binomial_tails_are_their_sums(void **state) {
    (void)state;
    static const double shares[] = {0.001, 0.01, 0.05, 0.5, 0.9};
    for (size_t s = 0; s < 5; s++)
        for (unsigned n = 1; n <= 300; n += n < 20 ? 1 : 93)
            for (unsigned k = 0; k <= n; k++) {
                if (k > 0)
                    near(statistics_binomial_at_least(n, k, shares[s]), binomial_by_sum(n, k, n, shares[s]),
                         1e-9);
                near(statistics_binomial_at_most(n, k, shares[s]), binomial_by_sum(n, 0, k, shares[s]), 1e-9);
            }
    assert_true(statistics_binomial_at_least(5, 0, 0.1) == 1);
    assert_true(statistics_binomial_at_least(5, 6, 0.1) == 0);
    assert_true(statistics_binomial_at_most(5, 5, 0.1) == 1);
}

/* Abramowitz and Stegun, tables 26.1, 26.5 and 26.10. */
static void quantiles_are_those_of_tables(void **state) {
    (void)state;
    near(statistics_normal_quantile(0.975), 1.959963985, 1e-9);
    near(statistics_normal_quantile(0.05), -1.644853627, 1e-9);
    near(statistics_normal(1), 0.841344746, 1e-9);
    near(statistics_student_quantile(0.95, 10), 1.812461, 1e-6);
    near(statistics_student_quantile(0.975, 1), 12.706205, 1e-6);
    near(statistics_student_quantile(0.995, 30), 2.749996, 1e-6);
    near(statistics_student_quantile(0.05, 4), -2.131847, 1e-6);
}

/* ---- exceeding --------------------------------------------------------------------------------------- */

static void percentile_needs_enough_samples(void **state) {
    (void)state;
    /* 0.99^298 > 0.05 >= 0.99^299 */
    struct exceeding few = statistics_exceeding(298, 0, 0.01, 1, 0.05);
    assert_int_equal(few.answer, EXCEEDING_UNDECIDED);
    assert_int_equal(few.more, 1);
    struct exceeding enough = statistics_exceeding(299, 0, 0.01, 1, 0.05);
    assert_int_equal(enough.answer, EXCEEDING_RARELY);
    near(enough.p_value, pow(0.99, 299), 1e-9);
    assert_int_equal(statistics_exceeding(0, 0, 0.01, 1, 0.05).more, 299);
    /* Of 100 samples 4 beyond: P(X >= 4) = 0.0184; 3: 0.0794. */
    assert_int_equal(statistics_exceeding(100, 4, 0.01, 1, 0.05).answer, EXCEEDING_OFTEN);
    struct exceeding three = statistics_exceeding(100, 3, 0.01, 1, 0.05);
    assert_int_equal(three.answer, EXCEEDING_UNDECIDED);
    /* What is said to suffice does. */
    uint64_t n = 100 + three.more;
    assert_int_equal(statistics_exceeding(n, (uint64_t)(0.03 * (double)n), 0.01, 1, 0.06).answer,
                     EXCEEDING_OFTEN);
    /* Samples that come in clusters of ten are worth a tenth. */
    assert_int_equal(statistics_exceeding(2989, 0, 0.01, 10, 0.05).answer, EXCEEDING_UNDECIDED);
    assert_int_equal(statistics_exceeding(2990, 0, 0.01, 10, 0.05).answer, EXCEEDING_RARELY);
    assert_int_equal(statistics_exceeding(100, 4, 0.01, 10, 0.05).answer, EXCEEDING_UNDECIDED);
    assert_true(statistics_exceeding(10000, 100, 0.01, 1, 0.05).more == EXCEEDING_NEVER_KNOWN);
}

/* ---- ranks ------------------------------------------------------------------------------------------- */

static double rank_of(const double *values, size_t count, double value) {
    double below = 0, same = 0;
    for (size_t i = 0; i < count; i++) {
        below += fabs(values[i]) < fabs(value);
        same += !(fabs(values[i]) < fabs(value)) && !(fabs(values[i]) > fabs(value));
    }
    return below + (same + 1) / 2;
}

/* All signs of all differences. */
static double signed_ranks_by_counting(const double *differences, size_t count) {
    double observed = 0, above = 0;
    for (size_t i = 0; i < count; i++)
        observed += differences[i] > 0 ? rank_of(differences, count, differences[i]) : 0;
    for (unsigned signs = 0; signs < 1u << count; signs++) {
        double sum = 0;
        for (size_t i = 0; i < count; i++)
            sum += signs >> i & 1 ? rank_of(differences, count, differences[i]) : 0;
        above += sum >= observed - 1e-9;
    }
    return above / (double)(1u << count);
}

static void signed_ranks_are_exact(void **state) {
    (void)state;
    static const double plain[] = {3.1, -1.2, 4.4, 0.5, -0.7, 2.2, 5.9, 1.1, 6.5};
    static const double tied[] = {3, -1, 4, 1, -1, 2, 2, -2};
    near(statistics_signed_ranks(plain, 9), signed_ranks_by_counting(plain, 9), 1e-12);
    near(statistics_signed_ranks(tied, 8), signed_ranks_by_counting(tied, 8), 1e-12);
    static const double zeros[] = {0, 3.1, -1.2, 0, 4.4, 0.5};
    static const double without[] = {3.1, -1.2, 4.4, 0.5};
    near(statistics_signed_ranks(zeros, 6), signed_ranks_by_counting(without, 4), 1e-12);
    static const double all[] = {1, 2, 3, 4, 5, 6, 7, 8, 9};
    near(statistics_signed_ranks(all, 9), 1.0 / 512, 1e-12);
    near(statistics_signed_ranks(zeros, 1), 1, 0);
}

/* All ways to choose who is head. */
static double mann_whitney_by_counting(const double *base, size_t n, const double *head, size_t m) {
    double all[16], observed = 0, above = 0, ways = 0;
    for (size_t i = 0; i < n + m; i++)
        all[i] = i < n ? base[i] : head[i - n];
    for (size_t i = 0; i < m; i++)
        observed += rank_of(all, n + m, head[i]);
    for (unsigned chosen = 0; chosen < 1u << (n + m); chosen++) {
        if ((size_t)__builtin_popcount(chosen) != m)
            continue;
        double sum = 0;
        for (size_t i = 0; i < n + m; i++)
            sum += chosen >> i & 1 ? rank_of(all, n + m, all[i]) : 0;
        ways++;
        above += sum >= observed - 1e-9;
    }
    return above / ways;
}

static void mann_whitney_is_exact(void **state) {
    (void)state;
    static const double base[] = {1.1, 2.2, 3.3, 4.4, 5.5}, head[] = {2.5, 3.5, 6.1, 7.2, 4.6, 9};
    near(statistics_mann_whitney(base, 5, head, 6), mann_whitney_by_counting(base, 5, head, 6), 1e-12);
    static const double base_tied[] = {1, 2, 2, 3, 5}, head_tied[] = {2, 3, 3, 4, 5, 5, 6};
    near(statistics_mann_whitney(base_tied, 5, head_tied, 7),
         mann_whitney_by_counting(base_tied, 5, head_tied, 7), 1e-12);
    static const double low[] = {1, 2, 3, 4, 5, 6, 7, 8, 9}, high[] = {11, 12, 13, 14, 15, 16, 17, 18, 19};
    near(statistics_mann_whitney(low, 9, high, 9), 1.0 / 48620, 1e-12);
    assert_true(statistics_mann_whitney(low, 0, high, 9) == 1);
}

/* The normal approximation goes on where counting ends. */
static void many_figures_are_approximated(void **state) {
    (void)state;
    double base[26], head[26], differences[52];
    for (int i = 0; i < 26; i++) {
        base[i] = i * 10;
        head[i] = i * 10 + 33 + i % 3;
    }
    double exact = statistics_mann_whitney(base, 25, head, 25);
    double approximate = statistics_mann_whitney(base, 26, head, 26);
    assert_true(fabs(exact - approximate) < 0.02 && exact < 0.2);
    for (int i = 0; i < 52; i++)
        differences[i] = i % 3 == 0 ? -i - 0.5 : i + 0.25;
    assert_true(fabs(statistics_signed_ranks(differences, 50) - statistics_signed_ranks(differences, 52)) <
                0.02);
}

/* Hollander and Wolfe give for n = 9 the 5 % point 37 of T+, so that the lower bound is the ninth of 45 means: P(T+ <= 8) = 25 / 512. */
static void bounds_are_the_right_differences(void **state) {
    (void)state;
    static const double differences[] = {1, 2, 4, 8, 16, 32, 64, 128, 256};
    struct shift shift;
    assert_int_equal(statistics_shift_of_pairs(differences, 9, 0.05, &shift), 0);
    double means[45];
    size_t made = 0;
    for (size_t i = 0; i < 9; i++)
        for (size_t j = i; j < 9; j++)
            means[made++] = (differences[i] + differences[j]) / 2;
    qsort(means, 45, sizeof *means, statistics_compare);
    near(shift.estimate, means[22], 0);
    near(shift.lower, means[8], 0);
    near(shift.upper, means[36], 0);
    /* 1 / 16 > 0.05: with four pairs nothing is certain; with five, the smallest. */
    assert_int_equal(statistics_shift_of_pairs(differences, 4, 0.05, &shift), 0);
    assert_true(isinf(shift.lower) && shift.lower < 0 && isinf(shift.upper) && shift.upper > 0);
    assert_int_equal(statistics_shift_of_pairs(differences, 5, 0.05, &shift), 0);
    near(shift.lower, 1, 0);
    /* Of two samples of 5, the one-sided 5 % bound is the fifth difference: P(U <= 4) = 12 / 252. */
    static const double base[] = {0, 0.1, 0.2, 0.3, 0.4}, head[] = {10, 11, 12, 13, 14};
    assert_int_equal(statistics_shift(base, 5, head, 5, 0.05, &shift), 0);
    near(shift.estimate, 11.8, 1e-9);
    near(shift.lower, 10, 1e-9); /* 9.6 9.7 9.8 9.9 10.0 */
    near(shift.upper, 13.6, 1e-9);
    assert_int_equal(statistics_shift(base, 2, head, 2, 0.05, &shift), 0);
    assert_true(isinf(shift.lower));
}

static void bounds_cover_as_often_as_they_say(void **state) {
    (void)state;
    uint64_t random = 1;
    unsigned wrong_pairs = 0, wrong = 0;
    for (int repetition = 0; repetition < 2000; repetition++) {
        double base[60], head[60], differences[60];
        size_t n = repetition % 2 == 0 ? 9 : 60;
        for (size_t i = 0; i < n; i++) {
            double uniform[2];
            for (int which = 0; which < 2; which++) {
                random = random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
                uniform[which] = (double)(random >> 11) / 9007199254740992.0;
            }
            base[i] = uniform[0];
            head[i] = uniform[1] + 1;
            differences[i] = head[i] - base[i];
        }
        struct shift shift;
        assert_int_equal(statistics_shift_of_pairs(differences, n, 0.05, &shift), 0);
        wrong_pairs += shift.lower > 1;
        assert_int_equal(statistics_shift(base, n, head, n, 0.05, &shift), 0);
        wrong += shift.upper < 1;
    }
    assert_in_range(wrong_pairs, 60, 130); /* 5 % of 2000, and three deviations */
    assert_in_range(wrong, 60, 130);
}

static void holm_multiplies_step_by_step(void **state) {
    (void)state;
    double p[] = {0.04, 0.01, 0.03, 0.005}; /* Holm (1979): 0.02, 0.03, 0.06, then not less */
    size_t order[4];
    statistics_holm(p, 4, order);
    near(p[3], 0.02, 1e-12);
    near(p[1], 0.03, 1e-12);
    near(p[2], 0.06, 1e-12);
    near(p[0], 0.06, 1e-12);
}

/* ---- dependence -------------------------------------------------------------------------------------- */

/* x' = 0.8 x + noise has the autocorrelation time (1 + 0.8) / (1 - 0.8) = 9. */
static void dependence_of_a_known_process(void **state) {
    (void)state;
    enum { COUNT = 40000 };
    static double independent[COUNT], dependent[COUNT], scratch[COUNT];
    uint64_t random = 7;
    for (size_t i = 0; i < COUNT; i++) {
        random = random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        independent[i] = (double)(random >> 11) / 9007199254740992.0 - 0.5;
        dependent[i] = independent[i] + (i > 0 ? 0.8 * dependent[i - 1] : 0);
    }
    near(statistics_dependence(dependent, COUNT), 9, 0.15);
    assert_true(statistics_dependence(independent, COUNT) < 1.1);
    assert_true(statistics_dependence_beyond(dependent, COUNT, 1, true, scratch) > 2);
    assert_true(statistics_dependence_beyond(independent, COUNT, 0.4, true, scratch) < 1.2);
    static const double constant[] = {3, 3, 3, 3, 3};
    assert_true(statistics_dependence(constant, 5) == 1);
}

static void runs_that_differ_count_for_less(void **state) {
    (void)state;
    static const double samples[] = {100, 100, 100, 100}, alike[] = {5, 5, 5, 5}, unlike[] = {0, 0, 0, 20};
    assert_true(statistics_dispersion(samples, alike, 4) == 1);
    /* (3 * 5^2 + 15^2) / (100 * 0.05 * 0.95) / 3 */
    near(statistics_dispersion(samples, unlike, 4), 300 / 4.75 / 3, 1e-12);
}

/* ---- trend ------------------------------------------------------------------------------------------- */

static void trend_of_few_points(void **state) {
    (void)state;
    static const double times[] = {0, 1, 2, 3, 4, 5}, values[] = {1, 3, 2, 5, 4, 6};
    struct trend trend;
    assert_int_equal(statistics_trend(times, values, 6, 1, 0.05, &trend), 0);
    /* S = 11 (13 up, 2 down), variance 6 * 5 * 17 / 18. */
    near(trend.p_rises, 1 - statistics_normal(10 / sqrt(510 / 18.0)), 1e-12);
    near(trend.slope, 1, 1e-12);
    assert_true(trend.lower < 1 && trend.upper > 1 && trend.lower > -1);
    static const double flat[] = {2, 2, 2, 2, 2, 2};
    assert_int_equal(statistics_trend(times, flat, 6, 1, 0.05, &trend), 0);
    assert_true(trend.slope == 0 && trend.lower == 0 && trend.upper == 0 && trend.p_rises == 1);
    assert_int_equal(statistics_trend(times, values, 2, 1, 0.05, &trend), 0);
    assert_true(isinf(trend.upper));
}

static void outliers_do_not_bend_a_trend(void **state) {
    (void)state;
    double times[100], values[100];
    for (int i = 0; i < 100; i++) {
        times[i] = i * 0.5;
        values[i] = 10 + 3 * times[i] + (i % 10 == 3 ? 1000 : i % 7);
    }
    struct trend trend;
    assert_int_equal(statistics_trend(times, values, 100, 1, 0.05, &trend), 0);
    near(trend.slope, 3, 0.02);
    assert_true(trend.lower > 2.5 && trend.upper < 3.5 && trend.p_rises < 1e-9);
    struct trend dependent;
    assert_int_equal(statistics_trend(times, values, 100, 9, 0.05, &dependent), 0);
    assert_true(dependent.lower < trend.lower && dependent.upper > trend.upper &&
                dependent.p_rises > trend.p_rises);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(binomial_tails_are_their_sums),
        cmocka_unit_test(quantiles_are_those_of_tables),
        cmocka_unit_test(percentile_needs_enough_samples),
        cmocka_unit_test(signed_ranks_are_exact),
        cmocka_unit_test(mann_whitney_is_exact),
        cmocka_unit_test(many_figures_are_approximated),
        cmocka_unit_test(bounds_are_the_right_differences),
        cmocka_unit_test(bounds_cover_as_often_as_they_say),
        cmocka_unit_test(holm_multiplies_step_by_step),
        cmocka_unit_test(dependence_of_a_known_process),
        cmocka_unit_test(runs_that_differ_count_for_less),
        cmocka_unit_test(trend_of_few_points),
        cmocka_unit_test(outliers_do_not_bend_a_trend),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
