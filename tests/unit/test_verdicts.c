/* Verdicts on simulated machines: how often `check` and `diff` fail though nothing has changed, and how often they see what has. Runs
 * are as real ones: frames resemble those before them, some take very long, the machine becomes slower and faster.
 * Everything is seeded. The figures are printed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "../../analysis/compare.h"
#include "../../analysis/judge.h"
#include "../../analysis/statistics/shift.h"

#include <math.h>
#include <stdlib.h>

/* Rates are a matter of many repetitions. Under sanitizers, which look for other things and take ten times as long, there are few, and
 * rates are not judged. */
#ifdef __has_feature
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SANITIZED
#endif
#elif defined __SANITIZE_ADDRESS__ || defined __SANITIZE_THREAD__
#define SANITIZED
#endif
#ifdef SANITIZED
enum { REPETITIONS = 20 };
#define rate(holds) ((void)(holds))
#else
enum { REPETITIONS = 1000 };
#define rate(holds) assert_true(holds)
#endif
enum { FRAMES = 1500, PAIRS = 9, SOME = REPETITIONS / 5 };
#define ALPHA 0.05

/* ---- the machine ----------------------------------------------------------------------------------- */

static uint64_t random_state;

static double uniform(void) { /* splitmix64 (Steele, Lea, Flood 2014); between 0 and 1 */
    uint64_t z = random_state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return ((double)((z ^ z >> 31) >> 11) + 0.5) / 9007199254740992.0;
}

static double normal(void) { /* Box and Muller */
    return sqrt(-2 * log(uniform())) * cos(2 * acos(-1) * uniform());
}

struct machine {
    double run;   /* this run's own speed, a logarithm */
    double drift; /* slow: over some hundred frames */
    double near;  /* fast: from frame to frame */
    double held;  /* by how much this frame and those around it are held up */
    bool bursts;
};

/* `noise` is that of whole runs. Both processes begin as they go on. */
static struct machine boot(double noise) {
    return (struct machine){.run = noise * normal(), .drift = 0.02 * normal(), .near = 0.05 * normal()};
}

/* One in a hundred frames is held up, by as much as it happens: Pareto's tail. With bursts, some five after each other. */
static void hold_up(struct machine *machine) {
    bool goes_on = machine->bursts && machine->held > 0 && uniform() >= 0.2;
    if (!goes_on)
        machine->held = uniform() < (machine->bursts ? 0.002 : 0.01) ? 0.5 * pow(uniform(), -1 / 1.5) : 0;
}

static double frame(struct machine *machine, double usual_ns) {
    machine->drift = 0.995 * machine->drift + 0.02 * sqrt(1 - 0.995 * 0.995) * normal();
    machine->near = 0.8 * machine->near + 0.05 * sqrt(1 - 0.64) * normal();
    hold_up(machine);
    return usual_ns * exp(machine->run + machine->drift + machine->near) * (1 + machine->held);
}

/* ---- check ----------------------------------------------------------------------------------------- */

static struct judged check_runs(const struct promise *promise, double noise, double usual_ns, unsigned runs,
                                bool bursts) {
    struct samples samples = {0};
    struct judged judged;
    for (unsigned run = 0; run < runs; run++) {
        struct machine machine = boot(noise);
        machine.bursts = bursts;
        assert_int_equal(samples_begin_run(&samples), 0);
        for (unsigned i = 0; i < FRAMES; i++) {
            struct sample sample = {.value = frame(&machine, usual_ns), .start_ns = i * UINT64_C(16000000)};
            assert_int_equal(samples_add(&samples, promise, &sample), 0);
        }
    }
    assert_int_equal(judge(promise, &samples, ALPHA, &judged), 0);
    samples_free(&samples);
    return judged;
}

static struct judged check(const struct promise *promise, double noise, double usual_ns) {
    return check_runs(promise, noise, usual_ns, 1, false);
}

static struct promise promised(enum promise_statistic statistic, double percentile, double limit) {
    return (struct promise){.measure = PROMISE_TIME,
                            .scope = PROMISE_PER_FRAME,
                            .statistic = statistic,
                            .percentile = percentile,
                            .limit = limit};
}

/* The percentiles of all runs there could be, from very many. */
static void true_percentiles(const double *percentiles, size_t count, bool bursts, double *values) {
    enum { RUNS = 400, EACH = 500 };
    double *all = malloc(RUNS * EACH * sizeof *all);
    assert_non_null(all);
    for (size_t run = 0; run < RUNS; run++) {
        struct machine machine = boot(0.01);
        machine.bursts = bursts;
        for (size_t i = 0; i < EACH; i++)
            all[run * EACH + i] = frame(&machine, 1e6);
    }
    qsort(all, RUNS * EACH, sizeof *all, statistics_compare);
    for (size_t i = 0; i < count; i++)
        values[i] = all[(size_t)(percentiles[i] / 100 * RUNS * EACH)];
    free(all);
}

/* The limit is what the program keeps, just so: the hardest case there is. */
static void check_of_a_kept_limit_seldom_fails(void **state) {
    (void)state;
    static const double percentiles[] = {99, 99.5};
    double limits[2];
    random_state = 1;
    true_percentiles(percentiles, 2, false, limits);
    for (size_t i = 0; i < 2; i++) {
        struct promise promise = promised(PROMISE_PERCENTILE, percentiles[i], limits[i]);
        unsigned failed = 0, passed = 0, repetitions = i == 0 ? REPETITIONS : SOME;
        for (unsigned repetition = 0; repetition < repetitions; repetition++) {
            struct judged judged = check(&promise, 0.01, 1e6);
            failed += judged.verdict == VERDICT_FAIL;
            passed += judged.verdict == VERDICT_PASS;
        }
        print_message("check, p%g at its limit: %.1f %% fail, %.1f %% pass\n", percentiles[i],
                      100.0 * failed / repetitions, 100.0 * passed / repetitions);
        rate(failed <= repetitions * ALPHA);
        rate(passed <= repetitions * ALPHA); /* nor is it said to be kept with room to spare */
    }
}

/* The same where frames are held up several at a time, and of a percentile nearer to the middle, where it counts how much whole runs
 * differ: that is seen in several only. */
static void check_of_what_hangs_together(void **state) {
    (void)state;
    static const struct {
        double percentile;
        unsigned runs;
        bool bursts;
        double most; /* failures that may be, as a part; and, without bursts, passes */
    } of[] = {{99, 1, true, ALPHA},  {99, 5, true, ALPHA},  {90, 5, false, ALPHA},
              {90, 1, false, ALPHA}, {95, 1, false, ALPHA}, {50, 1, false, ALPHA}};
    for (size_t i = 0; i < sizeof of / sizeof *of; i++) {
        double limit;
        unsigned failed = 0, passed = 0;
        random_state = 7;
        true_percentiles(&of[i].percentile, 1, of[i].bursts, &limit);
        struct promise promise = promised(PROMISE_PERCENTILE, of[i].percentile, limit);
        for (unsigned repetition = 0; repetition < SOME; repetition++) {
            struct judged judged = check_runs(&promise, 0.01, 1e6, of[i].runs, of[i].bursts);
            failed += judged.verdict == VERDICT_FAIL;
            passed += judged.verdict == VERDICT_PASS;
        }
        print_message("check, p%g at its limit, %u run%s%s: %.1f %% fail, %.1f %% pass\n", of[i].percentile,
                      of[i].runs, of[i].runs > 1 ? "s" : "", of[i].bursts ? ", bursts" : "",
                      100.0 * failed / SOME, 100.0 * passed / SOME);
        rate(failed <= SOME * of[i].most && (of[i].bursts || passed <= SOME * of[i].most));
    }
}

/* A limit that three times as many frames pass as may is found; one with room is passed. */
static void check_sees_what_is_broken_and_what_is_kept(void **state) {
    (void)state;
    static const double percentiles[] = {97, 99.7};
    double limits[2];
    random_state = 2;
    true_percentiles(percentiles, 2, false, limits);
    unsigned found = 0, passed = 0, failed = 0;
    struct promise broken = promised(PROMISE_PERCENTILE, 99, limits[0]);
    struct promise kept = promised(PROMISE_PERCENTILE, 99, limits[1]);
    for (unsigned repetition = 0; repetition < SOME; repetition++) {
        found += check(&broken, 0.01, 1e6).verdict == VERDICT_FAIL;
        struct judged judged = check(&kept, 0.01, 1e6);
        passed += judged.verdict == VERDICT_PASS;
        failed += judged.verdict == VERDICT_FAIL;
    }
    print_message(
        "check, 3 %% of frames beyond what 1 %% may pass: %.1f %% fail; 0.3 %%: %.1f %% pass, %.1f %% fail\n",
        100.0 * found / SOME, 100.0 * passed / SOME, 100.0 * failed / SOME);
    assert_true(found >= SOME * 0.8);
    assert_true(passed >= SOME * 0.8);
    assert_int_equal(failed, 0);
}

/* Pairs of runs: the first is the baseline, the second may be 5 % above its bound. */
static void check_against_a_baseline(void **state) {
    (void)state;
    static const struct {
        enum promise_statistic statistic;
        double percentile;
    } of[] = {
        {PROMISE_PERCENTILE, 50}, {PROMISE_PERCENTILE, 90}, {PROMISE_PERCENTILE, 99}, {PROMISE_MEAN, 0}};
    random_state = 3;
    for (size_t i = 0; i < 4; i++) {
        unsigned failed = 0, found = 0;
        for (unsigned repetition = 0; repetition < SOME; repetition++) {
            struct promise promise = promised(of[i].statistic, of[i].percentile, 0);
            double bound = check(&promise, 0.01, 1e6).upper;
            promise.limit = bound * 1.05;
            failed += check(&promise, 0.01, 1e6).verdict == VERDICT_FAIL;
            found += check(&promise, 0.01, 1.3e6).verdict == VERDICT_FAIL;
        }
        print_message("check against a baseline, %s%g: %.1f %% fail; 30 %% slower: %.1f %%\n",
                      of[i].percentile > 0 ? "p" : "mean ", of[i].percentile, 100.0 * failed / SOME,
                      100.0 * found / SOME);
        assert_true(failed <= SOME * ALPHA);
        assert_true(found >= SOME * 0.95 || of[i].percentile > 90 || of[i].statistic == PROMISE_MEAN);
    }
}

/* A pool that is full of noise does not grow; one that grows slowly within as much noise does. */
static void growth_is_told_from_noise(void **state) {
    (void)state;
    enum { POINTS = 600 };
    random_state = 4;
    unsigned failed = 0, found = 0;
    for (unsigned repetition = 0; repetition < REPETITIONS; repetition++) {
        struct promise promise = {.measure = PROMISE_VALUE, .statistic = PROMISE_GROWTH, .limit = 0};
        struct samples flat = {0}, rising = {0};
        struct judged judged;
        double wave = 0;
        assert_int_equal(samples_begin_run(&flat), 0);
        assert_int_equal(samples_begin_run(&rising), 0);
        for (unsigned i = 0; i < POINTS; i++) {
            wave = 0.9 * wave + 4096 * normal();
            struct sample sample = {.value = 1e6 + wave + (i % 50) * 512.0,
                                    .start_ns = i * UINT64_C(100000000)};
            assert_int_equal(samples_add(&flat, &promise, &sample), 0);
            sample.value += 1000 * (i / 10.0);
            assert_int_equal(samples_add(&rising, &promise, &sample), 0);
        }
        assert_int_equal(judge(&promise, &flat, ALPHA, &judged), 0);
        failed += judged.verdict == VERDICT_FAIL;
        assert_int_equal(judge(&promise, &rising, ALPHA, &judged), 0);
        found += judged.verdict == VERDICT_FAIL;
        samples_free(&flat);
        samples_free(&rising);
    }
    print_message("growth: %.1f %% fail of a pool that does not grow, %.1f %% of one that does\n",
                  100.0 * failed / REPETITIONS, 100.0 * found / REPETITIONS);
    assert_true(failed <= REPETITIONS * ALPHA);
    assert_true(found >= REPETITIONS * 0.95);
}

/* ---- diff ------------------------------------------------------------------------------------------ */

enum { SPANS_MAX = 60, THE_SLOW_ONE = 5 };

struct diff_case {
    size_t spans;
    bool pairs;
    double noise;    /* a span's own, from run to run: its standard deviation, but for what is held up */
    double drift;    /* of the machine, from run to run */
    double slower;   /* one span */
    double all_else; /* changed: the other spans */
    bool uneven;     /* some spans vary three times and ten times as much, and hang together */
};

/* What is a span's own: one run in twenty varies three times as much, and one in two hundred is held up. */
static double own_factor(const struct diff_case *of, size_t span, const double common[4]) {
    double scale = of->noise / sqrt(1.4) * (uniform() < 0.05 ? 3 : 1);
    if (of->uneven && span != THE_SLOW_ONE)
        scale *= span % 4 == 1 ? 1 : span % 4 == 2 ? 3 : span % 4 == 3 ? 10 : 0.3;
    double held_up = uniform() < 0.005 ? 0.1 * pow(uniform(), -1 / 1.5) : 0;
    return exp(scale * normal() + (of->uneven ? of->noise * common[span % 4] : 0)) * (1 + held_up);
}

/* Runs one after the other on a machine that drifts from run to run as a whole; in three of a hundred something else holds up all of a run. */
static void run_pairs(const struct diff_case *of, double base[SPANS_MAX][PAIRS],
                      double head[SPANS_MAX][PAIRS]) {
    double weather = of->drift * 3.2 * normal(), common[4];
    for (size_t run = 0; run < 2 * PAIRS; run++) {
        bool is_head = run % 2 != (run / 2) % 2; /* base head head base … */
        weather = 0.95 * weather + of->drift * normal();
        double held_up = uniform() < 0.03 ? 0.1 * pow(uniform(), -1 / 1.5) : 0;
        for (size_t i = 0; i < 4; i++)
            common[i] = normal();
        for (size_t span = 0; span < of->spans; span++) {
            double change = !is_head ? 0 : span == THE_SLOW_ONE ? of->slower : of->all_else;
            (is_head ? head : base)[span][run / 2] = 1e6 * (double)(span + 1) * exp(weather) * (1 + held_up) *
                                                     own_factor(of, span, common) * (1 + change);
        }
    }
}

struct outcome {
    double slower, faster; /* falsely, of any span */
    double found;          /* the slow one */
    double whole;          /* what all spans share is slower */
};

static struct outcome diff(const struct diff_case *of, unsigned repetitions) {
    static double base[SPANS_MAX][PAIRS], head[SPANS_MAX][PAIRS];
    struct outcome outcome = {0};
    struct compare_span whole;
    const struct compare_options options = {.threshold = 0.02,
                                            .alpha = ALPHA,
                                            .pairs = of->pairs,
                                            .base_count = PAIRS,
                                            .head_count = PAIRS,
                                            .whole = &whole};
    for (unsigned repetition = 0; repetition < repetitions; repetition++) {
        struct compare_span compared[SPANS_MAX];
        run_pairs(of, base, head);
        for (size_t span = 0; span < of->spans; span++)
            compared[span] = (struct compare_span){.base = base[span], .head = head[span]};
        assert_int_equal(compare(compared, of->spans, &options), 0);
        bool slower = false, faster = false;
        for (size_t span = 0; span < of->spans; span++) {
            double change = span == THE_SLOW_ONE ? of->slower : of->all_else;
            slower |= compared[span].answer == COMPARE_SLOWER && change <= 0;
            faster |= compared[span].answer == COMPARE_FASTER && change >= 0;
        }
        outcome.slower += slower ? 1.0 / repetitions : 0;
        outcome.faster += faster ? 1.0 / repetitions : 0;
        outcome.found += compared[THE_SLOW_ONE].answer == COMPARE_SLOWER ? 1.0 / repetitions : 0;
        outcome.whole += whole.answer == COMPARE_SLOWER ? 1.0 / repetitions : 0;
    }
    print_message(
        "diff, %zu spans%s, %s, %g %% noise, %g %% drift, %g %% slower, all else %g %%: found in %.1f %%, "
        "all "
        "in %.1f %%, false alarms in %.1f %%, falsely faster in %.1f %%\n",
        of->spans, of->uneven ? " (uneven)" : "", of->pairs ? "pairs" : "no pairs", of->noise * 100,
        of->drift * 100, of->slower * 100, of->all_else * 100, 100 * outcome.found, 100 * outcome.whole,
        100 * outcome.slower, 100 * outcome.faster);
    return outcome;
}

static void diff_of_identical_programs_seldom_fails(void **state) {
    (void)state;
    static const struct diff_case of[] = {
        {.spans = 20, .pairs = true, .noise = 0.05, .drift = 0.005},
        {.spans = 20, .pairs = true, .noise = 0.01, .drift = 0.015, .uneven = true},
        {.spans = 20, .noise = 0.05, .drift = 0.005},
        {.spans = 3, .pairs = true, .noise = 0.05, .drift = 0.015},
    };
    random_state = 5;
    for (size_t i = 0; i < sizeof of / sizeof *of; i++) {
        struct outcome outcome = diff(&of[i], i == 0 ? REPETITIONS : SOME);
        rate(outcome.slower <= ALPHA && outcome.faster <= ALPHA);
        rate(outcome.whole <= ALPHA);
    }
}

static void diff_finds_five_percent(void **state) {
    (void)state;
    static const struct {
        struct diff_case of;
        double least;
    } cases[] = {
        {{.spans = 20, .pairs = true, .noise = 0.01, .drift = 0.005, .slower = 0.05}, 0.98},
        {{.spans = 20, .pairs = true, .noise = 0.01, .drift = 0.015, .slower = 0.05},
         0.95}, /* the machine drifts as much */
        {{.spans = 20, .noise = 0.01, .drift = 0.015, .slower = 0.05}, 0.95},
        {{.spans = SPANS_MAX, .pairs = true, .noise = 0.01, .drift = 0.005, .slower = 0.05}, 0.95},
    };
    random_state = 6;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct outcome outcome = diff(&cases[i].of, i == 0 ? REPETITIONS : SOME);
        rate(outcome.found >= cases[i].least);
        rate(outcome.slower <= ALPHA && outcome.faster <= ALPHA);
    }
}

/* What all spans share may be the machine; it may also be the program. */
static void diff_tells_what_all_spans_share(void **state) {
    (void)state;
    const struct diff_case slower = {
        .spans = 20, .pairs = true, .noise = 0.01, .drift = 0.005, .slower = 0.05, .all_else = 0.05};
    const struct diff_case faster = {
        .spans = 20, .pairs = true, .noise = 0.01, .drift = 0.005, .slower = 0, .all_else = -0.05};
    random_state = 8;
    struct outcome all = diff(&slower, SOME);
    rate(all.whole >= 0.9 && all.found >= 0.8);
    /* Nothing is slower because all else is faster. */
    rate(diff(&faster, SOME).slower <= ALPHA);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(check_of_a_kept_limit_seldom_fails),
        cmocka_unit_test(check_of_what_hangs_together),
        cmocka_unit_test(check_sees_what_is_broken_and_what_is_kept),
        cmocka_unit_test(check_against_a_baseline),
        cmocka_unit_test(growth_is_told_from_noise),
        cmocka_unit_test(diff_of_identical_programs_seldom_fails),
        cmocka_unit_test(diff_finds_five_percent),
        cmocka_unit_test(diff_tells_what_all_spans_share),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
