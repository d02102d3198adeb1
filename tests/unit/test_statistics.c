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
#include "../../analysis/statistics/together.h"
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

/* ---- many series at once ------------------------------------------------------------------------------- */

/* Of few figures nothing is trimmed: Student's t, and so much more in its denominator. */
static double mean_of(const double *values, size_t count, double *square_of_error) {
    double mean = 0, squares = 0;
    for (size_t i = 0; i < count; i++)
        mean += values[i] / (double)count;
    for (size_t i = 0; i < count; i++)
        squares += (values[i] - mean) * (values[i] - mean);
    *square_of_error = squares / ((double)count * (double)(count - 1));
    return mean;
}

static double t_of(const double *values, size_t base_count, size_t head_count, unsigned labels,
                   double usual) {
    double sides[2][16], error[2] = {0, 0}, mean[2] = {0, 0};
    size_t counts[2] = {0, 0}, runs = base_count + head_count;
    for (size_t i = 0; i < runs; i++) {
        unsigned label = labels >> i & 1;
        if (head_count == 0)
            sides[1][counts[1]++] = label ? -values[i] : values[i];
        else
            sides[label][counts[label]++] = values[i];
    }
    for (size_t side = head_count == 0; side < 2; side++)
        mean[side] = mean_of(sides[side], counts[side], &error[side]);
    return (mean[1] - mean[0]) / (sqrt(error[0] + error[1]) + usual);
}

/* All rearrangements, one by one. */
static double together_by_counting(double rows[][16], const double *usual, size_t series, size_t asked,
                                   size_t base_count, size_t head_count) {
    size_t runs = base_count + head_count;
    unsigned as_it_was = head_count > 0 ? ((1u << runs) - 1) & ~((1u << base_count) - 1) : 0, ways = 0,
             reach = 0;
    double observed = fabs(t_of(rows[asked], base_count, head_count, as_it_was, usual[asked]));
    for (unsigned labels = 0; labels < 1u << runs; labels++) {
        if (head_count > 0 && (size_t)__builtin_popcount(labels) != head_count)
            continue;
        double most = 0;
        for (size_t i = 0; i < series; i++) {
            double t = fabs(t_of(rows[i], base_count, head_count, labels, usual[i]));
            most = t > most ? t : most;
        }
        ways++;
        reach += most >= observed - 1e-9;
    }
    return (double)reach / ways;
}

static void series_are_asked_together(void **state) {
    (void)state;
    static double rows[3][16] = {
        {3.1, -1.2, 4.4, 0.5, 2.7}, {-0.2, -0.3, -0.1, -0.25, -0.4}, {1, -1, 1, -1, 2}};
    static double sets[3][16] = {{1, 4, 2, 5, 6, 8, 5.5}, {1, 1, 1, 1, 1, 1, 2}, {9, 8, 9.5, 3, 2, 1, 4}};
    static const double usual[] = {0.1, 0.5, 0.01};
    struct together_series series[3];
    for (size_t head_count = 0; head_count <= 4; head_count += 4) {
        size_t base_count = head_count == 0 ? 5 : 3;
        double(*of)[16] = head_count == 0 ? rows : sets;
        for (size_t i = 0; i < 3; i++)
            series[i] = (struct together_series){.values = of[i], .usual_spread = usual[i]};
        assert_int_equal(statistics_together(series, 3, base_count, head_count, 0.025), 0);
        for (size_t i = 0; i < 3; i++) {
            near(series[i].p, together_by_counting(of, usual, 3, i, base_count, head_count), 1e-12);
            assert_true((series[i].statistic > 0) == (i != (head_count == 0 ? 1 : 2)));
        }
    }
    near(statistics_together_least(5, 0, 0.025), 2.0 / 32, 1e-12);
    near(statistics_together_least(3, 4, 0.025), 1.0 / 35, 1e-12);
    near(statistics_together_least(4, 4, 0.025), 2.0 / 70, 1e-12);
    near(statistics_together_least(50, 50, 0.025), 1.0 / 1024, 1e-12);
    near(statistics_together_least(50, 50, 0.001), 1.0 / 25000, 1e-12);
}

/* What Bonferroni and Holm would take for it. */
static void asking_the_same_again_costs_nothing(void **state) {
    (void)state;
    static const double differences[] = {5.2, 4.1, 6.3, 3.2, 5.5, 4.9, 2.1, 7.0, 5.1};
    struct together_series series[50];
    for (size_t i = 0; i < 50; i++)
        series[i] = (struct together_series){.values = differences, .usual_spread = 0.1};
    assert_int_equal(statistics_together(series, 50, 9, 0, 0.025), 0);
    /* As it was, and with the sign of the smallest changed, which is trimmed either way; and their opposites. */
    near(series[49].p, 4.0 / 512, 1e-12);
}

static void a_run_that_was_held_up_hides_nothing(void **state) {
    (void)state;
    static const double differences[] = {5.2, 4.1, 6.3, 3.2, -15, 4.9, 2.1, 7.0, 5.1};
    struct together_series one = {.values = differences};
    assert_int_equal(statistics_together(&one, 1, 9, 0, 0.025), 0);
    assert_true(one.p < 0.04 && one.statistic > 0);
    static const double sets[] = {1, 1.1, 0.9, 1.2, 30,  1.05, 0.8,  1.15, 0.95,
                                  2, 2.1, 2.2, 1.9, 2.3, 1.8,  2.05, 2.4,  2};
    one = (struct together_series){.values = sets};
    assert_int_equal(statistics_together(&one, 1, 9, 9, 0.025), 0);
    assert_true(one.p < 0.04 && one.statistic > 0);
}

/* More than can all be tried: some are, always the same ones. */
static void many_runs_are_rearranged_by_chance(void **state) {
    (void)state;
    double differences[80], noise[80];
    for (size_t i = 0; i < 80; i++) {
        noise[i] = (double)(i * 37 % 80) - 39.5;
        differences[i] = noise[i] + 20;
    }
    for (size_t head_count = 0; head_count <= 40; head_count += 40) {
        struct together_series series[] = {{.values = differences}, {.values = noise}};
        for (size_t i = 40; i < 80 && head_count > 0; i++)
            differences[i] += 40;
        assert_int_equal(statistics_together(series, 2, 80 - head_count, head_count, 0.025), 0);
        assert_true(series[0].p <= 2.0 / 512 && series[0].statistic > 0);
        assert_true(series[1].p > 0.3);
        double before = series[1].p;
        assert_int_equal(statistics_together(series, 2, 80 - head_count, head_count, 0.025), 0);
        near(series[1].p, before, 0);
    }
}

/* Figures that do not differ at all, and ones that differ by nothing else. */
static void figures_without_spread(void **state) {
    (void)state;
    static const double none[8] = {0}, same[8] = {1, 1, 1, 1, 1, 1, 1, 1};
    struct together_series series[] = {{.values = none}, {.values = same}};
    assert_int_equal(statistics_together(series, 1, 8, 0, 0.025), 0);
    assert_true(series[0].p == 1);
    assert_int_equal(statistics_together(series, 2, 8, 0, 0.025), 0);
    near(series[1].p, 9.0 / 128, 1e-12); /* any one with another sign is trimmed */
    assert_int_equal(statistics_together(series, 2, 4, 4, 0.025), 0);
    assert_true(series[0].p == 1 && series[1].p == 1);
}

/* ---- Hodges and Lehmann --------------------------------------------------------------------------------- */

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
        cmocka_unit_test(series_are_asked_together),
        cmocka_unit_test(asking_the_same_again_costs_nothing),
        cmocka_unit_test(a_run_that_was_held_up_hides_nothing),
        cmocka_unit_test(many_runs_are_rearranged_by_chance),
        cmocka_unit_test(figures_without_spread),
        cmocka_unit_test(bounds_are_the_right_differences),
        cmocka_unit_test(bounds_cover_as_often_as_they_say),
        cmocka_unit_test(dependence_of_a_known_process),
        cmocka_unit_test(runs_that_differ_count_for_less),
        cmocka_unit_test(trend_of_few_points),
        cmocka_unit_test(outliers_do_not_bend_a_trend),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
