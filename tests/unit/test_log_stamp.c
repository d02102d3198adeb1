/* Dates before records, against the C library's calendar. */
#define _GNU_SOURCE /* timegm */
#include "../../reader/log_stamp.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

static uint64_t stamp(const char *text) {
    return perftrace_log_stamp(text, text + strlen(text), 0);
}

static void forms(void **state) {
    (void)state;
    const uint64_t noon = UINT64_C(1738324800) * 1000000000u; /* date -u -d '2025-01-31 12:00:00' +%s */
    static const struct {
        const char *text;
        int64_t after_noon_ns;
    } cases[] = {
        {"2025-01-31T12:00:00Z", 0},
        {"[2025-01-31T12:00:00Z DEBUG module] ", 0},
        {"2025-01-31T12:00:00.123456789Z  INFO", 123456789},
        {"2025-01-31 12:00:00,123 INFO", 123000000},
        {"2025-01-31 12:00:00.1234567899", 123456789},
        {"at 2025-01-31 12:00:01", 1000000000},
        {"2025/01/31 12:00:00 main.go:12: ", 0},
        {"Feb  2 12:00:00 host prog: 2025-01-31T12:00:00Z", 0}, /* with a year before one without */
        {"2025-01-31T13:00:00+01:00", 0},
        {"2025-01-31T06:30:00-0530", 0},
        {"2025-01-31T14:00:00+02", 0},
        {"2025-01-31T12:00:00-", 0},
        {"1234-2025-01-31T12:00:00", 0},
        {"2025-01-31T12:00:00Z 2026-01-31T12:00:00Z", 0}, /* the first */
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        if (stamp(cases[i].text) != noon + (uint64_t)cases[i].after_noon_ns)
            fail_msg("\"%s\" is %llu", cases[i].text, (unsigned long long)stamp(cases[i].text));
    static const char *const none[] = {"",
                                       "2025-01-31",
                                       "2025-01-31T12:00:0",
                                       "2025-13-31T12:00:00",
                                       "2025-01-32T12:00:00",
                                       "2025-01-31T24:00:00",
                                       "2025-01-31T12:60:00",
                                       "2025-01-31T12:00:61",
                                       "2025/01-31 12:00:00",
                                       "Jan 31 12:00",
                                       "Jan 32 12:00:00",
                                       "Jam 31 12:00:00",
                                       "aJan 31 12:00:00",
                                       "I1331 12:00:00.000000",
                                       "X0131 12:00:00.000000",
                                       "I0131-12:00:00.000000",
                                       "1969-01-31T12:00:00",
                                       "2025-01-31_12:00:00",
                                       "x025-01-31T12:00:00",
                                       "12:00:00 an ordinary line of a log"};
    for (size_t i = 0; i < sizeof none / sizeof *none; i++)
        assert_int_equal(stamp(none[i]), 0);
}

/* As syslog and glog write them: in the year that brings them nearest to the time before. */
static void without_a_year(void **state) {
    (void)state;
    static const struct {
        const char *text, *last, *stamp;
    } cases[] = {
        {"Feb 29 12:00:00 host prog[1]: ", NULL, "2000-02-29T12:00:00Z"},
        {"<13>Nov  8 17:05:01 host prog[1]: ", "2026-11-08T17:05:00Z", "2026-11-08T17:05:01Z"},
        {"Jan  1 00:00:01 host", "2025-12-31T23:59:59Z", "2026-01-01T00:00:01Z"},
        {"Dec 31 23:59:59 host", "2026-01-01T00:00:01Z", "2025-12-31T23:59:59Z"},
        {"I1128 17:05:00.000123  1234 store.cc:77] ", "2026-11-28T17:00:00Z", "2026-11-28T17:05:00.000123Z"},
        {"W0101 00:00:00.5 1 a.cc:1] ", "2024-12-31T17:00:00Z", "2025-01-01T00:00:00.5Z"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        uint64_t last = cases[i].last == NULL ? 0 : stamp(cases[i].last);
        assert_int_equal(perftrace_log_stamp(cases[i].text, cases[i].text + strlen(cases[i].text), last),
                         stamp(cases[i].stamp));
    }
}

/* A day every five or so, over several centuries. */
static void days(void **state) {
    (void)state;
    for (int64_t seconds = 86400; seconds < INT64_C(9000000000); seconds += 5 * 86400 + 12345) {
        time_t time = (time_t)seconds;
        struct tm parts;
        char text[64];
        gmtime_r(&time, &parts);
        strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts);
        assert_int_equal(stamp(text), (uint64_t)seconds * 1000000000u);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(forms), cmocka_unit_test(without_a_year),
                                       cmocka_unit_test(days)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
