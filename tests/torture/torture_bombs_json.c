/* Bombs for the reader of Chrome's trace events: levels and texts without end, spans that never end, numbers out of range, names and
 * threads without number, times that go backwards. */
#include "bombs.h"
#include "torture.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

__attribute__((format(printf, 2, 3))) static void add(struct made *json, const char *format, ...) {
    char text[512];
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    made_add(json, text, (size_t)length);
}

static void add_times(struct made *json, unsigned long count, const char *text) {
    while (count-- > 0)
        made_add(json, text, strlen(text));
}

/* What has to come out whatever stands around it: a begin and an end. */
static void add_span(struct made *json, unsigned long ts) {
    add(json, "{\"name\":\"f\",\"ph\":\"X\",\"ts\":%lu,\"dur\":1,\"pid\":1,\"tid\":1}", ts);
}

/* So many, and the track that they are on. */
static void check_items(const struct reading *reading, uint64_t expected) {
    torture_check(reading->items == expected + 1, "%" PRIu64 " items of %" PRIu64 ", %s", reading->items,
                  expected, reading->complaint);
}

/* ---- levels ---- */

static void arguments_in_levels(const char *open, const char *close) {
    struct made json = {0};
    unsigned long levels = torture_times(200000, 1000000);
    add(&json, "{\"traceEvents\":[");
    add_span(&json, 1);
    add(&json, ",{\"name\":\"f\",\"ph\":\"X\",\"ts\":3,\"dur\":1,\"pid\":1,\"tid\":1,\"args\":{\"a\":");
    add_times(&json, levels, open);
    add(&json, "1");
    add_times(&json, levels, close);
    add(&json, "}},");
    add_span(&json, 5);
    add(&json, "]}");
    struct reading reading = explode_json(&json);
    check_items(&reading, 6);
}

static void a_million_levels(void) {
    arguments_in_levels("[", "]");
    arguments_in_levels("{\"b\":", "}");
}

/* Nothing in them can be read: the command says so, and ends with 2. */
static void levels_that_never_close(void) {
    static const char *const levels[] = {"[", "{\"a\":", "[{", "{\"traceEvents\":["};
    for (size_t i = 0; i < sizeof levels / sizeof levels[0]; i++) {
        struct made json = {0};
        add_times(&json, torture_times(100000, 1000000), levels[i]);
        struct reading reading = explode_json(&json);
        torture_check(reading.items == 0, "%" PRIu64 " items of %s: %s", reading.items, levels[i],
                      reading.complaint);
    }
}

/* ---- a text of a gigabyte, through a pipe ---- */

static unsigned long text_bytes;

static bool write_text(int fd) {
    static char some[1 << 16];
    const char before[] =
        "[{\"name\":\"f\",\"ph\":\"X\",\"ts\":1,\"dur\":1,\"pid\":1,\"tid\":1},{\"name\":\"",
               behind[] =
                   "\",\"ph\":\"X\",\"ts\":3,\"dur\":1,\"pid\":1,\"tid\":1},"
                   "{\"name\":\"f\",\"ph\":\"X\",\"ts\":5,\"dur\":1,\"pid\":1,\"tid\":1}]";
    memset(some, 'x', sizeof some);
    bool fine = write_whole(fd, before, sizeof before - 1);
    for (unsigned long at = 0; at < text_bytes && fine; at += sizeof some)
        fine = write_whole(fd, some, sizeof some);
    return fine && write_whole(fd, behind, sizeof behind - 1);
}

static void a_text_of_a_gigabyte(void) {
    text_bytes = torture_times(50u << 20, 1u << 30);
    struct reading reading = read_written(write_text);
    torture_check(reading.items >= 4, "%" PRIu64 " items", reading.items);
    torture_check(reading.bytes_held < 32u << 20, "%zu bytes held", reading.bytes_held);
}

/* ---- numbers ---- */

/* Each in each place where there can be a number. */
static void numbers_out_of_range(void) {
    static const char *const numbers[] = {"1e999",
                                          "-1e999",
                                          "1e-999",
                                          "123456789012345678901234567890",
                                          "-5",
                                          "-0",
                                          "1e",
                                          "--1",
                                          "0x10",
                                          "nan",
                                          "\"12\"",
                                          "\"\"",
                                          "null",
                                          "true",
                                          "[]",
                                          "{}",
                                          "01",
                                          "1.",
                                          ".5",
                                          "1e18",
                                          "18446744073709551615",
                                          "9223372036854775807",
                                          "-9223372036854775808"};
    static const char *const places[] = {
        "{\"name\":\"f\",\"ph\":\"X\",\"ts\":%s,\"dur\":1,\"pid\":1,\"tid\":1}",
        "{\"name\":\"f\",\"ph\":\"X\",\"ts\":1,\"dur\":%s,\"pid\":1,\"tid\":1}",
        "{\"name\":\"f\",\"ph\":\"X\",\"ts\":1,\"dur\":1,\"pid\":%s,\"tid\":1}",
        "{\"name\":\"f\",\"ph\":\"X\",\"ts\":1,\"dur\":1,\"pid\":1,\"tid\":%s}",
        "{\"name\":\"c\",\"ph\":\"C\",\"ts\":1,\"pid\":1,\"tid\":1,\"args\":{\"v\":%s}}",
        "{\"name\":\"b\",\"ph\":\"b\",\"cat\":\"c\",\"id\":%s,\"ts\":1,\"pid\":1,\"tid\":1}",
        "{\"name\":\"f\",\"ph\":\"X\",\"ts\":1,\"dur\":1,\"pid\":1,\"tid\":1,\"args\":{\"v\":%s}}"};
    struct made json = {0};
    add(&json, "[");
    add_span(&json, 1);
    for (size_t place = 0; place < sizeof places / sizeof places[0]; place++)
        for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
            add(&json, ",");
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
            add(&json, places[place], numbers[i]);
#pragma GCC diagnostic pop
        }
    add(&json, ",");
    add_span(&json, 5);
    add(&json, "]");
    struct reading reading = explode_json(&json);
    torture_check(reading.items > 100 && reading.complaints > 0, "%" PRIu64 " items, %" PRIu64 " complaints",
                  reading.items, reading.complaints);
}

/* ---- spans ---- */

static struct reading explode_many(unsigned long count, void (*add_one)(struct made *json, unsigned long i)) {
    struct made json = {0};
    add(&json, "[");
    for (unsigned long i = 0; i < count; i++) {
        if (i > 0)
            add(&json, ",");
        add_one(&json, i);
    }
    add(&json, "]");
    return explode_json(&json);
}

static void add_begin(struct made *json, unsigned long i) {
    add(json, "{\"name\":\"f%lu\",\"ph\":\"B\",\"ts\":%lu,\"pid\":1,\"tid\":1}\n", i % 7, i);
}

static void add_async_begin(struct made *json, unsigned long i) {
    add(json, "{\"name\":\"a\",\"cat\":\"c\",\"ph\":\"b\",\"id\":%lu,\"ts\":%lu,\"pid\":1,\"tid\":1}\n", i,
        i);
}

static void add_end(struct made *json, unsigned long i) {
    add(json, "{\"ph\":\"E\",\"ts\":%lu,\"pid\":1,\"tid\":1}\n", i);
}

/* Each lies within the one before, and all end with the file. */
static void begins_without_ends(void) {
    unsigned long count = torture_times(100000, 1000000);
    struct reading reading = explode_many(count, add_begin);
    check_items(&reading, 2 * count);
}

static void async_begins_without_ends(void) {
    unsigned long count = torture_times(50000, 500000);
    struct reading reading = explode_many(count, add_async_begin);
    torture_check(reading.items >= count, "%" PRIu64 " items", reading.items);
}

static void ends_without_begins(void) {
    struct reading reading = explode_many(torture_times(50000, 500000), add_end);
    torture_check(reading.items == 1 && reading.complaints > 0, "%" PRIu64 " items, %" PRIu64 " complaints",
                  reading.items, reading.complaints);
}

/* All within one another, the innermost first. */
static void add_backwards(struct made *json, unsigned long i) {
    add(json, "{\"name\":\"f\",\"ph\":\"X\",\"ts\":%lu,\"dur\":%lu,\"pid\":1,\"tid\":1}\n", 5000000 - i,
        2 * i + 1);
}

static void times_that_go_backwards(void) {
    unsigned long count = torture_times(50000, 1000000);
    struct reading reading = explode_many(count, add_backwards);
    check_items(&reading, 2 * count);
}

/* ---- names ---- */

static void add_other(struct made *json, unsigned long i) {
    add(json,
        "{\"name\":\"n%lu\",\"ph\":\"X\",\"ts\":%lu,\"dur\":1,\"pid\":%lu,\"tid\":%lu,\"args\":{\"k%lu\":%lu}"
        "}\n",
        i, i, i, i, i, i);
}

static void many_names_and_threads(void) {
    unsigned long count = torture_times(30000, 1000000);
    struct reading reading = explode_many(count, add_other);
    torture_check(reading.items >= 2 * count || reading.complaints > 0, "nothing is told");
}

/* One event with ever other arguments, and one that says its name again and again. */
static void many_keys(void) {
    struct made json = {0};
    unsigned long count = torture_times(100000, 1000000);
    add(&json, "[");
    add_span(&json, 1);
    add(&json, ",{\"name\":\"f\",\"ph\":\"X\",\"ts\":3,\"dur\":1,\"pid\":1,\"tid\":1,\"args\":{\"a\":1");
    for (unsigned long i = 0; i < count; i++)
        add(&json, ",\"k%lu\":%lu", i, i);
    add(&json, "}},{\"name\":\"f\"");
    for (unsigned long i = 0; i < count; i++)
        add(&json, ",\"name\":\"f%lu\"", i);
    add(&json, ",\"ph\":\"X\",\"ts\":5,\"dur\":1,\"pid\":1,\"tid\":1},");
    add_span(&json, 7);
    add(&json, "]");
    struct reading reading = explode_json(&json);
    check_items(&reading, 8);
    torture_check(reading.complaints > 0, "nothing is told");
}

int main(int argc, char **argv) {
    static const struct torture_case cases[] = {
        {"a million levels", a_million_levels},
        {"levels that never close", levels_that_never_close},
        {"a text of a gigabyte", a_text_of_a_gigabyte},
        {"numbers out of range", numbers_out_of_range},
        {"begins without ends", begins_without_ends},
        {"async begins without ends", async_begins_without_ends},
        {"ends without begins", ends_without_begins},
        {"times that go backwards", times_that_go_backwards},
        {"many names and threads", many_names_and_threads},
        {"many keys", many_keys},
    };
    return torture_main(argc, argv, cases, sizeof cases / sizeof cases[0]);
}
