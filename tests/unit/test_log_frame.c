/* reader/log_frame.c: a record in whatever a logger put around it is the same record. */
#define _GNU_SOURCE /* memmem */
#include "../../reader/log_frame.h"
#include "../../reader/log_line.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* In memory of just so many bytes, so that a sanitizer sees what is beyond. */
static struct perftrace_log_frame unwrap(char **exact, const char *line) {
    size_t length = strlen(line);
    *exact = malloc(length + 1);
    assert_non_null(*exact);
    memcpy(*exact, line, length);
    char *mark = memmem(*exact, length, PERFTRACE_LOG_MARK, PERFTRACE_LOG_MARK_LENGTH);
    assert_non_null(mark);
    struct perftrace_log_frame frame = perftrace_log_unwrap(*exact, mark, *exact + length);
    assert_true(frame.end >= mark + PERFTRACE_LOG_MARK_LENGTH && frame.end <= *exact + length);
    memmove(*exact, mark, (size_t)(frame.end - mark));
    (*exact)[frame.end - mark] = '\0';
    return frame;
}

#define RECORD "PERF_TRACE|1|f|k=v|elapsed_ms=1|m=2"

static void what_is_around_does_not_belong_to_it(void **state) {
    (void)state;
    static const char *const lines[] = {
        RECORD,
        "INFO " RECORD " \t ",
        RECORD "\r",
        RECORD "\r\r ",
        "\x1b[32m" RECORD "\x1b[0m",
        "\x1b[2mINFO\x1b[0m " RECORD " \x1b[38;2;1;2;3m\x1b[m\r",
        RECORD "\x1b(B\x1b[m", /* tput sgr0 */
        RECORD "\x1b[K",
        "msg=\"" RECORD "\"",
        "level=debug msg=\"" RECORD "\" status=200",
        "level=debug msg=\"at 5 PM: " RECORD "\"",
        "level=debug who=\"the \\\"one\\\" and\" msg=\"" RECORD "\" status=200",
        "msg='" RECORD "', 5",
        "(\"" RECORD "\")",
        "msg=\"" RECORD "\\x1b[0m\"",
        "{\"log\":\"" RECORD "\\n\",\"stream\":\"stderr\",\"time\":\"2025-01-31T12:00:00Z\"}",
        "{\"log\" : \"" RECORD "\\r\\n\" , \"stream\" : \"stderr\"}\r",
        "{\"stream\":\"stderr\",\"log\":\"\\u001b[32m" RECORD "\\u001b[0m\\n\"}",
        "{\"a\":\"\",\"log\":\"it's \\\\ \\\"here\\\": " RECORD "\"}",
        "{\"log\":\"{\\\"msg\\\":\\\"" RECORD "\\\",\\\"n\\\":1}\\n\",\"n\":\"x\"}",
        "{\"log\":\"{\\\"log\\\":\\\"{\\\\\\\"msg\\\\\\\":\\\\\\\"" RECORD "\\\\\\\"}\\\\n\\\"}\\n\"}",
        /* Quotes that are none. */
        "the 5\" disk, which isn't new: " RECORD,
        "thread \"main\" of 'x' " RECORD,
        "it said \"" RECORD,
    };
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        char *exact;
        struct perftrace_log_frame frame = unwrap(&exact, lines[i]);
        assert_string_equal(exact, RECORD);
        assert_false(frame.moved);
        assert_int_equal(frame.lost, 0);
        free(exact);
    }
}

static void what_is_in_it_is_undone_or_stays(void **state) {
    (void)state;
    static const struct {
        const char *line, *record;
        bool moved;
    } cases[] = {
        /* perftrace's own escapes, with and without a logger's. */
        {"msg=\"PERF_TRACE|1|f|k=a\\x7cb|elapsed_ms=1\"", "PERF_TRACE|1|f|k=a\\x7cb|elapsed_ms=1", true},
        {"{\"log\":\"PERF_TRACE|1|f|k=a\\\\x7cb|elapsed_ms=1\"}", "PERF_TRACE|1|f|k=a\\x7cb|elapsed_ms=1",
         true},
        {"{\"log\":\"PERF_TRACE|1|f|k=\\\"\\u00e4\\/\\t\\\"|elapsed_ms=1|s=\\\"\\\\\\\"\\n\"}",
         "PERF_TRACE|1|f|k=\"\xc3\xa4/\t\"|elapsed_ms=1|s=\"\\\"", true},
        {"{\"log\":\"PERF_TRACE|1|f|elapsed_ms=1|s=\\\"a\\\", \\\"b\\\"\\n\"}",
         "PERF_TRACE|1|f|elapsed_ms=1|s=\"a\", \"b\"", false},
        /* Without a quote that is open, they are bytes like others. */
        {"PERF_TRACE|1|f|k=\"x\"|elapsed_ms=1|s=\"\\n\"", "PERF_TRACE|1|f|k=\"x\"|elapsed_ms=1|s=\"\\n\"",
         false},
        {"PERF_TRACE|1|f|elapsed_ms=1|s=\\x1b[0m", "PERF_TRACE|1|f|elapsed_ms=1|s=\\x1b[0m", false},
        {"x=\"PERF_TRACE|1|f|k=\"a\", b|elapsed_ms=1|s=\"b\"|t=\"\"",
         "PERF_TRACE|1|f|k=\"a\", b|elapsed_ms=1|s=\"b\"|t=\"", false},
        {"PERF_TRACE|1|f|elapsed_ms=1|s=[0m", "PERF_TRACE|1|f|elapsed_ms=1|s=[0m", false},
        {"PERF_TRACE|1|f|elapsed_ms=1|s=a(B", "PERF_TRACE|1|f|elapsed_ms=1|s=a(B", false},
        {"PERF_TRACE| ", "PERF_TRACE|", false},
        {"\"PERF_TRACE|1\"", "PERF_TRACE|1\"", false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *exact;
        struct perftrace_log_frame frame = unwrap(&exact, cases[i].line);
        assert_string_equal(exact, cases[i].record);
        assert_int_equal(frame.moved, cases[i].moved);
        free(exact);
    }
}

static void further_lines_are_counted(void **state) {
    (void)state;
    static const struct {
        const char *line;
        size_t lost;
    } cases[] = {
        {"{\"log\":\"" RECORD "\\n" RECORD "\\n\"}", sizeof RECORD + 1},
        {"{\"log\":\"" RECORD "\\nother output\\n\"}", 0},
        {"{\"log\":\"other output\\n" RECORD "\\n\"}", 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *exact;
        assert_int_equal(unwrap(&exact, cases[i].line).lost, cases[i].lost);
        assert_string_equal(exact, RECORD);
        free(exact);
    }
}

/* What is far away on the line is not looked at, and many levels are not gone through. */
static void there_is_an_end(void **state) {
    (void)state;
    enum { LONG = 4 * PERFTRACE_LOG_PREFIX_BYTES };
    char *line = malloc(LONG + 200), *exact;
    assert_non_null(line);
    memset(line, 'x', LONG);
    line[0] = '"';
    strcpy(line + LONG, RECORD "\" y");
    unwrap(&exact, line);
    assert_string_equal(exact, RECORD "\" y");
    free(exact);
    memset(line, '"', LONG);
    unwrap(&exact, line);
    free(exact);
    for (size_t i = 0; i < LONG; i++)
        line[i] = "'\""[i % 2];
    for (char *at = line + LONG + sizeof RECORD - 1; at < line + LONG + 190; at++)
        *at = "'\""[(at - line) % 2];
    line[LONG + 190] = '\0';
    unwrap(&exact, line);
    free(exact);
    free(line);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_around_does_not_belong_to_it),
        cmocka_unit_test(what_is_in_it_is_undone_or_stays),
        cmocka_unit_test(further_lines_are_counted),
        cmocka_unit_test(there_is_an_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
