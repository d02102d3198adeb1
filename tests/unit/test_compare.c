/* Two sets of runs compared, in cases that leave nothing to chance. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "../../analysis/compare.h"

#include <math.h>

enum { RUNS = 9, SPANS = 8 };

/* As if by chance, but the same in each run of the tests: between -1 and 1, in other orders for other spans. */
static double wobble(size_t span, size_t run) {
    static const double steps[RUNS * 2] = {0.1, -0.7, 0.5,  0.9,  -0.3, -0.9, 0.3, 0.7,  -0.1,
                                           0.2, 0.8,  -0.4, -0.6, 0.6,  -0.2, 0.4, -0.8, 0};
    return steps[(run * 5 + span * span * 3 + span * 7) % (RUNS * 2)];
}

struct figures {
    double base[SPANS][RUNS], head[SPANS][RUNS];
    struct compare_span spans[SPANS], whole;
};

/* `changes`: of each span, a share. */
static void compare_runs(struct figures *figures, const double changes[SPANS], double noise, size_t count,
                         size_t runs, bool pairs) {
    const struct compare_options options = {.threshold = 0.02,
                                            .alpha = 0.05,
                                            .pairs = pairs,
                                            .base_count = runs,
                                            .head_count = runs,
                                            .whole = &figures->whole};
    for (size_t span = 0; span < count; span++) {
        for (size_t run = 0; run < runs; run++) {
            figures->base[span][run] = 1000 * (double)(span + 1) * (1 + noise * wobble(span, 2 * run));
            figures->head[span][run] =
                1000 * (double)(span + 1) * (1 + noise * wobble(span, 2 * run + 1)) * (1 + changes[span]);
        }
        figures->spans[span] =
            (struct compare_span){.base = figures->base[span], .head = figures->head[span]};
    }
    assert_int_equal(compare(figures->spans, count, &options), 0);
}

static void what_has_changed_is_told(void **state) {
    (void)state;
    static const double changes[SPANS] = {0, 0.05, 0, -0.08, 0, 0, 0, 0};
    for (int pairs = 0; pairs < 2; pairs++) {
        struct figures figures;
        compare_runs(&figures, changes, 0.005, SPANS, RUNS, pairs != 0);
        for (size_t span = 0; span < SPANS; span++) {
            const struct compare_span *it = &figures.spans[span];
            assert_int_equal(it->answer, span == 1   ? COMPARE_SLOWER
                                         : span == 3 ? COMPARE_FASTER
                                                     : COMPARE_SAME);
            assert_true(fabs(it->change - changes[span]) < 0.006);
            assert_true(it->lower <= changes[span] && it->upper >= changes[span] &&
                        it->upper - it->lower < 0.02);
            assert_true((it->p_slower <= 0.05) == (span == 1) && (it->p_faster <= 0.05) == (span == 3));
        }
        assert_int_equal(figures.whole.answer, COMPARE_SAME);
    }
}

/* Certainly slower or faster, but not certainly by as much as counts. */
static void a_bound_has_to_exceed_the_threshold(void **state) {
    (void)state;
    static const double slower[2][SPANS] = {{0, 0.015}, {0, 0.022}},
                        faster[2][SPANS] = {{0, -0.015}, {0, -0.0215}};
    for (size_t which = 0; which < 4; which++) {
        struct figures figures;
        size_t count = which % 2 == 0 ? 1 : SPANS, it = count > 1;
        const double(*changes)[SPANS] = which < 2 ? slower : faster;
        compare_runs(&figures, &changes[0][1 - it], 0.001, count, RUNS, true);
        assert_true((which < 2 ? figures.spans[it].p_slower : figures.spans[it].p_faster) <= 0.05);
        assert_int_equal(figures.spans[it].answer, COMPARE_SAME);
        compare_runs(&figures, &changes[1][1 - it], 0.01, count, RUNS, true);
        assert_true((which < 2 ? figures.spans[it].p_slower : figures.spans[it].p_faster) <= 0.05);
        assert_true(figures.spans[it].change > 0.02 || figures.spans[it].change < -0.02);
        assert_true(figures.spans[it].lower < 0.02 && figures.spans[it].upper > -0.02);
        assert_int_equal(figures.spans[it].answer, COMPARE_UNCLEAR);
    }
}

/* And bounds that exceed it are not enough where so much is seen by chance among so many. */
static void what_may_be_chance_is_not_told(void **state) {
    (void)state;
    static const double some[SPANS] = {0, 0, 0.3, 0, -0.24};
    struct figures figures;
    compare_runs(&figures, some, 0.3, SPANS, RUNS, true);
    for (size_t span = 0; span < SPANS; span++) {
        assert_int_equal(figures.spans[span].answer, COMPARE_UNCLEAR);
        assert_true(figures.spans[span].p_slower > 0.05 && figures.spans[span].p_faster > 0.05);
    }
    assert_true(figures.spans[2].lower > 0.02 && figures.spans[4].upper < -0.02);
}

static void what_all_share_is_a_question_of_its_own(void **state) {
    (void)state;
    static const double slower[SPANS] = {0.05, 0.05, 0.05, 0.05, 0.05, 0.05, 0.05, 0.05};
    static const double faster[SPANS] = {0, -0.05, -0.05, -0.05, -0.05, -0.05, -0.05, -0.05};
    for (int pairs = 0; pairs < 2; pairs++) {
        struct figures figures;
        compare_runs(&figures, slower, 0.005, SPANS, RUNS, pairs != 0);
        assert_int_equal(figures.whole.answer, COMPARE_SLOWER);
        assert_true(fabs(figures.whole.change - 0.05) < 0.005);
        for (size_t span = 0; span < SPANS; span++)
            assert_int_equal(figures.spans[span].answer, COMPARE_SLOWER);
        compare_runs(&figures, faster, 0.005, SPANS, RUNS, pairs != 0);
        assert_int_equal(figures.whole.answer, COMPARE_FASTER);
        assert_int_equal(figures.spans[0].answer, COMPARE_SAME);
        for (size_t span = 1; span < SPANS; span++)
            assert_int_equal(figures.spans[span].answer, COMPARE_FASTER);
    }
}

static void runs_that_are_too_few(void **state) {
    (void)state;
    static const double changes[SPANS] = {0, 0, 1};
    for (int pairs = 0; pairs < 2; pairs++) {
        struct compare_options options = {.alpha = 0.05, .pairs = pairs != 0};
        struct figures figures;
        compare_runs(&figures, changes, 0.01, SPANS, 3, pairs != 0);
        assert_int_equal(figures.spans[2].answer, COMPARE_TOO_FEW);
        assert_true(figures.spans[2].p_slower > 0.05);
        assert_int_equal(compare_runs_needed(&options), 4);
        compare_runs(&figures, changes, 0.01, SPANS, 4, pairs != 0);
        assert_int_equal(figures.spans[2].answer, COMPARE_SLOWER);
        options.alpha = 0.001; /* C(12, 6) is 924, and C(14, 7) 3,432 */
        assert_int_equal(compare_runs_needed(&options), 7);
    }
}

static void the_same_figures_are_the_same(void **state) {
    (void)state;
    static const double none[SPANS] = {0};
    for (size_t runs = 1; runs <= RUNS; runs += 4)
        for (int pairs = 0; pairs < 2; pairs++) {
            struct figures figures;
            compare_runs(&figures, none, 0, SPANS, runs, pairs != 0);
            for (size_t span = 0; span < SPANS; span++) {
                assert_true(figures.spans[span].p_slower >= 1 && figures.spans[span].p_faster >= 1);
                assert_int_equal(figures.spans[span].answer, runs > 3 ? COMPARE_SAME : COMPARE_TOO_FEW);
            }
        }
    assert_int_equal(compare(NULL, 0, &(struct compare_options){.alpha = 0.05}), 0);
}

/* Three long spans that hardly vary, one of which is slower, and thirty short ones that vary far more, as in most programs: it is not lost
 * among them. */
static void what_takes_long_is_not_lost_among_what_is_short(void **state) {
    (void)state;
    enum { ALL = 33, LONG = 3 };
    static double base[ALL][RUNS], head[ALL][RUNS];
    struct compare_span spans[ALL];
    uint32_t random = 1;
    for (size_t span = 0; span < ALL; span++) {
        double noise = span < LONG ? 0.008 : 0.5;
        for (size_t run = 0; run < RUNS; run++) {
            for (int side = 0; side < 2; side++) {
                double sum = 0;
                for (int i = 0; i < 3; i++) {
                    random = random * 1664525 + 1013904223;
                    sum += (double)(random >> 8) / (1 << 24) - 0.5;
                }
                (side == 0 ? base : head)[span][run] =
                    1000 * exp(noise * sum + (span == 0 && side == 1 ? 0.035 : 0));
            }
        }
        spans[span] =
            (struct compare_span){.base = base[span], .head = head[span], .weight = span < LONG ? 1e6 : 1000};
    }
    const struct compare_options options = {
        .threshold = 0.02, .alpha = 0.05, .pairs = true, .base_count = RUNS, .head_count = RUNS};
    assert_int_equal(compare(spans, ALL, &options), 0);
    assert_int_equal(spans[0].answer, COMPARE_SLOWER);
    for (size_t span = 1; span < ALL; span++)
        assert_true(spans[span].answer != COMPARE_SLOWER && spans[span].answer != COMPARE_FASTER);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_has_changed_is_told),
        cmocka_unit_test(a_bound_has_to_exceed_the_threshold),
        cmocka_unit_test(what_may_be_chance_is_not_told),
        cmocka_unit_test(what_all_share_is_a_question_of_its_own),
        cmocka_unit_test(runs_that_are_too_few),
        cmocka_unit_test(the_same_figures_are_the_same),
        cmocka_unit_test(what_takes_long_is_not_lost_among_what_is_short),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
