/* Ticks to nanoseconds: the rules of docs/trace_format.md, section 4, one by one. */
#include "../../core/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

#define MS UINT64_C(1000000)
#define S (1000 * MS)

static struct perftrace_clock clock;

static int set_up(void **state) {
    (void)state;
    memset(&clock, 0, sizeof clock);
    return 0;
}

/* A counter of 2 ticks a nanosecond. */
static void take(uint64_t tick, uint64_t ns) {
    assert_int_equal(perftrace_clock_read(&clock, tick, ns, 20), PERFTRACE_CLOCK_TAKEN);
}

static uint64_t time_of(uint64_t tick) {
    return perftrace_clock_ns(&clock, perftrace_clock_straight(&clock, tick));
}

static void time_goes_straight_between_readings(void **state) {
    (void)state;
    take(1000, 10 * MS);
    assert_false(clock.ready);
    take(1000 + 2 * MS, 11 * MS);
    assert_true(clock.ready);
    take(1000 + 4 * MS, 12 * MS + 50000); /* 5 % slower */
    assert_int_equal(time_of(1000 + MS), 10 * MS + MS / 2);
    assert_int_equal(time_of(1000 + 2 * MS), 11 * MS);
    assert_int_equal(time_of(1000 + 3 * MS), 11 * MS + 525000);
    assert_int_equal(time_of(1000 + 4 * MS), 12 * MS + 50000);
    /* Beyond, as it went on the whole; before, as it did at first. */
    assert_int_equal(time_of(1000 + 8 * MS), 12 * MS + 50000 + 2049999); /* cut off */
    assert_int_equal(time_of(1000 - 3), 10 * MS - 1);
    assert_int_equal(perftrace_clock_known_ticks(&clock), 1000 + 4 * MS);
    assert_int_equal(clock.jumps, 0);
}

static void the_slope_is_measured_over_a_second(void **state) {
    (void)state;
    uint64_t tick = 0, ns = S;
    take(tick, ns);
    for (unsigned i = 0; i < 500; i++) /* 1 % faster in the last 10 readings, which are 100 ms apart */
        take(tick += 200 * MS, ns += i < 490 ? 100 * MS : 101 * MS);
    assert_float_equal(clock.slope, 0.505, 1e-9);
    assert_int_equal(time_of(tick + 2000), ns + 1010);
    assert_int_equal(clock.count, PERFTRACE_CLOCK_KEPT);
    /* Further back than what is kept: as at the first that is. */
    assert_int_equal(time_of(tick - 80 * 200 * MS), ns - 10 * MS - 8000 * MS);
}

static void nonsense_is_left_out(void **state) {
    (void)state;
    take(0, 10 * MS);
    assert_int_equal(perftrace_clock_read(&clock, 100, UINT64_C(1) << 63, 0), PERFTRACE_CLOCK_WRONG);
    assert_int_equal(perftrace_clock_read(&clock, 100, 9 * MS, 20), PERFTRACE_CLOCK_WRONG);
    assert_int_equal(perftrace_clock_read(&clock, 100, 10 * MS - 600, 20), PERFTRACE_CLOCK_UNCERTAIN);
    assert_int_equal(perftrace_clock_read(&clock, 2 * MS, 11 * MS, MS / 16), PERFTRACE_CLOCK_UNCERTAIN);
    take(4 * MS, 12 * MS);
    assert_int_equal(perftrace_clock_read(&clock, 5 * MS, 11 * MS, 20), PERFTRACE_CLOCK_WRONG);
    assert_int_equal(perftrace_clock_read(&clock, 5 * MS, 12 * MS + 1000, 50), PERFTRACE_CLOCK_UNCERTAIN);
    assert_int_equal(clock.pairs, 2);
    assert_int_equal(time_of(6 * MS), 13 * MS);
}

/* A first pair that makes no sense: the second begins anew. */
static void the_first_is_replaced(void **state) {
    (void)state;
    take(UINT64_C(1) << 50, 10 * MS);
    assert_int_equal(perftrace_clock_read(&clock, 1000, 11 * MS, 20), PERFTRACE_CLOCK_WRONG);
    assert_false(clock.ready);
    take(1000 + 2 * MS, 12 * MS);
    assert_int_equal(time_of(1000 + MS), 11 * MS + MS / 2);
}

static void the_counter_goes_on_through_a_suspend(void **state) {
    (void)state;
    const uint64_t hour = 2 * 3600 * S;
    take(1000, S);
    take(1000 + 100 * MS, S + 50 * MS);
    take(1000 + hour + 200 * MS, S + 100 * MS);
    assert_int_equal(clock.jumps, 1);
    assert_int_equal(time_of(1000 + 60 * MS), S + 30 * MS);
    assert_int_equal(time_of(1000 + 140 * MS), S + 70 * MS);        /* before it was suspended … */
    assert_int_equal(time_of(1000 + hour + 142 * MS), S + 71 * MS); /* … and after */
    take(1000 + hour + 300 * MS, S + 150 * MS);
    assert_int_equal(time_of(1000 + hour + 250 * MS), S + 125 * MS);
    assert_int_equal(time_of(1000 + hour + 142 * MS), S + 71 * MS);
    assert_int_equal(time_of(1000 + 140 * MS), S + 70 * MS); /* one that comes late */
    assert_int_equal(clock.jumps, 1);
    assert_float_equal(clock.slope, 0.5, 1e-9);
}

static void the_counter_begins_again(void **state) {
    (void)state;
    const uint64_t high = UINT64_C(1) << 50;
    take(high, S);
    take(high + 100 * MS, S + 50 * MS);
    take(60 * MS, S + 100 * MS); /* it has run for 30 ms since */
    assert_int_equal(clock.jumps, 1);
    assert_int_equal(time_of(high + 60 * MS), S + 30 * MS);
    assert_int_equal(time_of(high + 138 * MS), S + 69 * MS);
    assert_int_equal(time_of(4 * MS), S + 72 * MS);
    assert_int_equal(time_of(60 * MS), S + 100 * MS);
    uint64_t tick = 60 * MS, ns = S + 100 * MS;
    while (tick < high) { /* until long after it is where it was before */
        tick += high / 10 * 2;
        ns += high / 10;
        take(tick, ns);
        assert_int_equal(time_of(tick - 1000), ns - 500);
    }
    assert_int_equal(clock.jumps, 1);
}

/* It stands still: every reading is a jump; what was recorded meanwhile is from the reading before. */
static void the_counter_stands_still(void **state) {
    (void)state;
    take(1000, S);
    take(1000 + 100 * MS, S + 50 * MS);
    for (unsigned i = 2; i < 100; i++) {
        take(1000 + 100 * MS, S + i * 50 * MS);
        assert_int_equal(time_of(1000 + 100 * MS), S + (i - 1) * 50 * MS);
    }
    assert_int_equal(clock.jumps, 98);
    take(1000 + 200 * MS, S + 5000 * MS);
    assert_int_equal(clock.jumps, 98);
    assert_int_equal(time_of(1000 + 150 * MS), S + 4975 * MS);
}

static void the_rate_changes(void **state) {
    (void)state;
    take(0, S);
    take(100 * MS, S + 50 * MS);
    take(100 * MS + 400 * MS,
         S + 100 * MS); /* four times as fast from here on: the first time that is a jump */
    assert_int_equal(clock.jumps, 1);
    take(100 * MS + 800 * MS, S + 150 * MS);
    assert_int_equal(clock.jumps, 1);
    take(100 * MS + 1200 * MS, S + 200 * MS);
    assert_int_equal(clock.jumps, 1);
    assert_float_equal(clock.slope, 0.125, 1e-9);
    assert_int_equal(time_of(100 * MS + 1000 * MS), S + 175 * MS);
}

static void ticks_may_be_few_or_many(void **state) {
    (void)state;
    take(1000, S); /* 1 MHz */
    take(1010, S + 10000);
    take(2010, S + 1010000);
    assert_int_equal(time_of(1510), S + 510000);
    memset(&clock, 0, sizeof clock);
    take(1000, S); /* 1 THz */
    take(1000 + 1000 * MS, S + MS);
    take(1000 + 2000 * MS, S + 2 * MS);
    assert_int_equal(time_of(1000 + 1234567890), S + 1234567);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(time_goes_straight_between_readings, set_up),
        cmocka_unit_test_setup(the_slope_is_measured_over_a_second, set_up),
        cmocka_unit_test_setup(nonsense_is_left_out, set_up),
        cmocka_unit_test_setup(the_first_is_replaced, set_up),
        cmocka_unit_test_setup(the_counter_goes_on_through_a_suspend, set_up),
        cmocka_unit_test_setup(the_counter_begins_again, set_up),
        cmocka_unit_test_setup(the_counter_stands_still, set_up),
        cmocka_unit_test_setup(the_rate_changes, set_up),
        cmocka_unit_test_setup(ticks_may_be_few_or_many, set_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
