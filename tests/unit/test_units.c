/* Times as people read them: three digits, in the unit that fits. */
#include "../../tool/support/units.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static void assert_duration(uint64_t ns, const char *expected) {
    assert_string_equal(units_duration(ns).text, expected);
}

static void durations_have_three_digits_and_the_unit_that_fits(void **state) {
    (void)state;
    const uint64_t second = 1000000000;
    assert_duration(0, "0 ns");
    assert_duration(999, "999 ns");
    assert_duration(1000, "1.00 us");
    assert_duration(999499, "999 us");
    assert_duration(999500, "1.00 ms");
    assert_duration(14200000, "14.2 ms");
    assert_duration(second - 1, "1.00 s");
    assert_duration(1520000000, "1.52 s");
    assert_duration(59 * second, "59.0 s");
    assert_duration(60 * second - 1, "1.00 m");
    assert_duration(60 * second, "1.00 m");
    assert_duration(90 * second, "1.50 m");
    assert_duration(3600 * second - 1, "1.00 h");
    assert_duration(3600 * second, "1.00 h");
    assert_duration(5400 * second, "1.50 h");
    assert_duration(86400 * second, "1.00 d");
    assert_duration(UINT64_MAX, "213504 d");
}

static void the_text_is_never_longer_than_its_column(void **state) {
    (void)state;
    for (uint64_t ns = 1; ns < UINT64_C(86400) * 1000000000 * 999; ns += ns / 1000 + 1)
        assert_true(strlen(units_duration(ns).text) < 8);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(durations_have_three_digits_and_the_unit_that_fits),
        cmocka_unit_test(the_text_is_never_longer_than_its_column),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
