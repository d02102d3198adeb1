/* Bombs for the reader of logs: lines without end, marks without records, parents without end, names without number. */
#include "bombs.h"
#include "torture.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

__attribute__((format(printf, 2, 3))) static void add(struct made *log, const char *format, ...) {
    char text[512];
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    made_add(log, text, (size_t)length);
}

static void add_record(struct made *log, unsigned long number) {
    add(log, "PERF_TRACE|%lu|f|a=1|elapsed_ms=2|thread=1\n", number);
}

/* ---- through a pipe, which nobody can look at twice ---- */

static size_t line_bytes;

static bool write_line(int fd) {
    static char some[1 << 16];
    const char before[] = "PERF_TRACE|1|f|elapsed_ms=1\nPERF_TRACE|2|g|text=",
               behind[] = "\nPERF_TRACE|3|f|elapsed_ms=1\n";
    memset(some, 'x', sizeof some);
    bool fine = write_whole(fd, before, sizeof before - 1);
    for (size_t at = 0; at < line_bytes && fine; at += sizeof some)
        fine = write_whole(fd, some, sizeof some);
    return fine && write_whole(fd, behind, sizeof behind - 1);
}

/* The records before and behind it are read. */
static void a_line_of_a_gigabyte(void) {
    line_bytes = torture_times(100u << 20, 1u << 30);
    struct reading reading = read_written(write_line);
    torture_check(reading.items == 2, "%" PRIu64 " items", reading.items);
    torture_check(reading.complaints > 0 && reading.complaint_line == 2, "line %" PRIu64 ": %s",
                  reading.complaint_line, reading.complaint);
    torture_check(reading.bytes_held < 8u << 20, "%zu bytes held", reading.bytes_held);
}

/* ---- marks ---- */

/* Each record is cut short by the next, on one line. */
static void marks_on_one_line(void) {
    struct made log = {0};
    unsigned long marks = torture_times(800000, 5000000);
    add_record(&log, 1);
    for (unsigned long i = 0; i < marks; i++)
        add(&log, i % 3 == 0 ? "PERF_TRACE|" : i % 3 == 1 ? "PERF_TRACE|7|f" : "PERF_TRACE|7|f|a=b|");
    add(&log, "\n");
    add_record(&log, 2);
    struct reading reading = explode_log(&log);
    torture_check(reading.items >= 2 && reading.complaints > 1000, "%" PRIu64 " items", reading.items);
}

static void anything_between_lines(void) {
    struct made log = {0};
    unsigned long lines = torture_times(20000, 200000);
    for (unsigned long i = 0; i < lines; i++) {
        char junk[200];
        size_t length = (size_t)any(sizeof junk);
        for (size_t at = 0; at < length; at++)
            junk[at] = i % 2 == 0 ? (char)any(256) : "|=\\x0123PERF_TRACE\0\r"[any(20)];
        made_add(&log, junk, length);
        add(&log, "\n");
        add_record(&log, i);
    }
    struct reading reading = explode_log(&log);
    torture_check(reading.items >= lines, "%" PRIu64 " of %lu", reading.items, lines);
}

static void numbers_out_of_range(void) {
    static const char *const lines[] = {"PERF_TRACE|99999999999999999999999|f|elapsed_ms=1",
                                        "PERF_TRACE|-1|f|elapsed_ms=1",
                                        "PERF_TRACE|1|f|elapsed_ms=18446744073709551615",
                                        "PERF_TRACE|1|f|elapsed_ms=-1",
                                        "PERF_TRACE|1|f|elapsed_ms=1e5",
                                        "PERF_TRACE|1|f|elapsed_ms=",
                                        "PERF_TRACE|1|f|elapsed_ms=nan",
                                        "PERF_TRACE||f|elapsed_ms=1",
                                        "PERF_TRACE|1",
                                        "PERF_TRACE|",
                                        "PERF_TRACE|1|f",
                                        "PERF_TRACE|0x10|f|elapsed_ms=1"};
    static const char *const fine[] = {
        "PERF_TRACE|18446744073709551615|f|a=99999999999999999999999999|b=1e999|c=-|d=--1|elapsed_ms=1",
        "PERF_TRACE|1|f|elapsed_ms=1|elapsed_us=99999999999999999999|parent_call=-5|thread=4294967296",
        "PERF_TRACE|1||elapsed_ms=18446744073708", "PERF_TRACE|1|f|=|==|===|a|elapsed_ms=0|elapsed_ms=5"};
    struct made log = {0};
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++)
        add(&log, "%s\n", lines[i]);
    for (size_t i = 0; i < sizeof fine / sizeof fine[0]; i++)
        add(&log, "%s\n", fine[i]);
    struct reading reading = explode_log(&log);
    torture_check(reading.items == sizeof fine / sizeof fine[0], "%" PRIu64 " items", reading.items);
    torture_check(reading.complaints == sizeof lines / sizeof lines[0], "%" PRIu64 " complaints",
                  reading.complaints);
}

/* ---- parents ---- */

/* Each call lies within the next one to be told of. */
static void a_million_parents(void) {
    struct made log = {0};
    unsigned long count = torture_times(100000, 1000000);
    for (unsigned long i = count; i > 0; i--)
        add(&log, "PERF_TRACE|%lu|f%lu|elapsed_ms=%lu|parent_call=%lu\n", i, i % 7, count - i, i - 1);
    struct reading reading = explode_log(&log);
    torture_check(reading.items == count, "%" PRIu64 " items", reading.items);
}

/* Calls that lie within each other in a circle, and in themselves. */
static void parents_in_a_circle(void) {
    struct made log = {0};
    unsigned long count = torture_times(50000, 500000);
    for (unsigned long i = 0; i < count; i++)
        add(&log, "PERF_TRACE|%lu|f|elapsed_ms=1|parent_call=%lu\n", i % 1000,
            any(4) == 0 ? i % 1000 : (i + 1) % 1000);
    struct reading reading = explode_log(&log);
    torture_check(reading.items == count, "%" PRIu64 " items", reading.items);
}

/* Parents that are never told of. */
static void parents_that_never_end(void) {
    struct made log = {0};
    unsigned long count = torture_times(100000, 2000000);
    for (unsigned long i = 0; i < count; i++)
        add(&log, "PERF_TRACE|%lu|f|elapsed_ms=1|parent_call=%lu|thread=%lu\n", i, i + 10000000, i % 50);
    struct reading reading = explode_log(&log);
    torture_check(reading.items == count, "%" PRIu64 " items", reading.items);
}

/* ---- names ---- */

static void many_functions_and_threads(void) {
    struct made log = {0};
    unsigned long count = torture_times(60000, 1000000);
    for (unsigned long i = 0; i < count; i++)
        add(&log, "PERF_TRACE|%lu|f%lx|caller=g%lx|k%lx=1|elapsed_ms=1|thread=%lu\n", i, i, i, i, i);
    for (unsigned long i = 0; i < 1000; i++) /* those that are known by then go on */
        add(&log, "PERF_TRACE|%lu|f%lx|caller=g%lx|k%lx=1|elapsed_ms=1|thread=%lu\n", i, i, i, i, i);
    struct reading reading = explode_log(&log);
    torture_check(reading.items >= 50000, "%" PRIu64 " of %lu", reading.items, count);
    torture_check(reading.items == count + 1000 || reading.complaints > 0, "nothing is told");
}

/* Names of pairs of words whose differences a hash that multiplies word by word would undo, whatever it begins with. */
static void names_that_collide(void) {
    struct made log = {0};
    enum { PAIRS = 12 };
    unsigned long count = 1ul << PAIRS;
    for (unsigned long i = 0; i < count; i++) {
        uint64_t words[2 * PAIRS];
        for (unsigned pair = 0; pair < PAIRS; pair++) {
            uint64_t bit = i >> pair & 1;
            words[2 * pair] = UINT64_C(0x6161616161616161) ^ bit << 63;
            words[2 * pair + 1] = UINT64_C(0x6161616161616161) ^ bit << 63 ^ bit << 31;
        }
        add(&log, "PERF_TRACE|%lu|", i);
        made_add(&log, words, sizeof words);
        add(&log, "|elapsed_ms=1\n");
    }
    struct reading reading = explode_log(&log);
    torture_check(reading.items == count && reading.complaints == 0, "%" PRIu64 " of %lu: %s", reading.items,
                  count, reading.complaint);
}

/* One function with ever other arguments, and lines with more of them than there can be. */
static void many_arguments(void) {
    struct made log = {0};
    for (unsigned long i = 0; i < torture_times(200, 3000); i++) {
        add(&log, "PERF_TRACE|%lu|f%lu", i, i % 2);
        for (unsigned long at = 0; at < (i % 2 == 0 ? 1500 : 250); at++)
            add(&log, "|key%lu=%lu", i % 2 == 0 ? at % 20 : at, at);
        add(&log, "|elapsed_ms=1\n");
        add_record(&log, i);
    }
    struct reading reading = explode_log(&log);
    torture_check(reading.items >= 2 * torture_times(100, 1500), "%" PRIu64 " items", reading.items);
    torture_check(reading.complaints > 0, "nothing is told");
}

/* The same long value in every call. */
static void long_values(void) {
    struct made log = {0};
    static char text[100000];
    memset(text, 'v', sizeof text);
    for (unsigned long i = 0; i < torture_times(300, 3000); i++) {
        add(&log, "PERF_TRACE|%lu|f|n=%lu|text=", i, i);
        made_add(&log, text, sizeof text);
        add(&log, "|elapsed_ms=1\n");
    }
    struct reading reading = explode_log(&log);
    torture_check(reading.items == torture_times(300, 3000), "%" PRIu64 " items", reading.items);
}

int main(int argc, char **argv) {
    static const struct torture_case cases[] = {
        {"a line of a gigabyte", a_line_of_a_gigabyte},
        {"marks on one line", marks_on_one_line},
        {"anything between lines", anything_between_lines},
        {"numbers out of range", numbers_out_of_range},
        {"a million parents", a_million_parents},
        {"parents in a circle", parents_in_a_circle},
        {"parents that never end", parents_that_never_end},
        {"many functions and threads", many_functions_and_threads},
        {"names that collide", names_that_collide},
        {"many arguments", many_arguments},
        {"long values", long_values},
    };
    return torture_main(argc, argv, cases, sizeof cases / sizeof cases[0]);
}
