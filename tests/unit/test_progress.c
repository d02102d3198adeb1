/* What the progress bar says. */
#include "../../tool/support/progress.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define SECOND UINT64_C(1000000000)

static void each_case(void **state) {
    (void)state;
    static const struct {
        uint64_t total, elapsed_ns, done, calls;
        unsigned width;
        const char *expected;
    } cases[] = {
        {1000000000, 2 * SECOND, 400000000, 4200000, 100,
         "[########............]  40 %  200 MB/s  2.1 M calls/s  0:03 left"},
        {1000000000, 2 * SECOND, 400000000, 4200000, 50, "[########............]  40 %  200 MB/s  0:03 left"},
        {1000000000, 2 * SECOND, 400000000, 4200000, 30, "[########............]  40 %"},
        {1000000000, 2 * SECOND, 400000000, 4200000, 20, "200 MB/s  0:03 left"},
        {1000, SECOND, 1000, 5, 100, "[####################] 100 %  1.0 kB/s  5 calls/s  0:00 left"},
        {1000, SECOND, 2000, 5, 100,
         "[####################] 100 %  2.0 kB/s  5 calls/s  0:00 left"}, /* it grew */
        {UINT64_C(4000000000000), 3600 * SECOND, UINT64_C(1000000000000), 999499, 100,
         "[#####...............]  25 %  278 MB/s  278 calls/s  3:00:00 left"},
        {1000, SECOND, 0, 0, 100, "[....................]   0 %  0 B/s  0 calls/s"},
        {0, 4 * SECOND, 2600000000, 1998000, 100, "2.6 GB read  650 MB/s  500 k calls/s"}, /* a pipe */
        {0, 0, 0, 0, 100, "0 B read  0 B/s  0 calls/s"},
        {UINT64_MAX, 1000000 * SECOND, 1, 1, 100,
         "[....................]   0 %  0 B/s  0 calls/s  100:00:00 left"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct progress progress = {.total = cases[i].total};
        char text[160];
        progress_text(&progress, cases[i].elapsed_ns, cases[i].done, cases[i].calls, cases[i].width, text,
                      sizeof text);
        assert_string_equal(text, cases[i].expected);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(each_case)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
