/* reader/log_calls.c: a log read by calls, in brief where they repeat others, says the same as read by items, whatever is in it. */
#define _GNU_SOURCE
#include "../../core/text.h"
#include "perftrace_reader.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

/* ---- what was said -------------------------------------------------------------------------------- */

static void on_damage(void *context, const struct perftrace_error_info *what) {
    struct perftrace_buffer *told = context;
    perftrace_buffer_text(told, "!");
    perftrace_buffer_unsigned(told, what->line);
    perftrace_buffer_text(told, "@");
    perftrace_buffer_unsigned(told, what->byte_offset);
    perftrace_buffer_text(told, what->message);
    perftrace_buffer_text(told, "\n");
}

static void tell_values(struct perftrace_buffer *told, size_t count, const struct perftrace_value *values) {
    for (size_t i = 0; i < count; i++) {
        perftrace_buffer_text(told, "|");
        perftrace_buffer_visible(told, values[i].argument->name);
        perftrace_buffer_text(told, ":");
        perftrace_buffer_unsigned(told, values[i].type);
        perftrace_buffer_text(told, ":");
        perftrace_buffer_value(told, &values[i]);
    }
}

static void tell_parameters(struct perftrace_buffer *told, const struct perftrace_call *call) {
    perftrace_buffer_visible(told, call->site->name);
    perftrace_buffer_text(told, "<");
    perftrace_buffer_visible(told, call->caller);
    perftrace_buffer_unsigned(told, call->parent_site != NULL);
    tell_values(told, call->parameter_count, call->parameters);
}

static void tell_rest(struct perftrace_buffer *told, const struct perftrace_call *call) {
    perftrace_buffer_text(told, " / ");
    perftrace_buffer_unsigned(told, call->number);
    tell_values(told, call->metric_count, call->metrics);
    perftrace_buffer_text(told, call->milliseconds ? " ~" : " ");
    perftrace_buffer_unsigned(told, call->elapsed_ns);
    perftrace_buffer_text(told, " ^");
    perftrace_buffer_unsigned(told, call->parent_number);
    perftrace_buffer_text(told, " t");
    perftrace_buffer_unsigned(told, call->track->id);
    perftrace_buffer_text(told, "\n");
}

/* Of a line that is too long, how much is left out depends on how it was read. */
static bool lines_too_long;

static void tell_info(struct perftrace_buffer *told, struct perftrace_reader *reader) {
    const struct perftrace_trace_info *info = perftrace_reader_info(reader);
    const uint64_t figures[] = {info->records,
                                info->bytes,
                                lines_too_long ? 0 : info->damaged_bytes,
                                info->finished,
                                info->damaged,
                                perftrace_reader_site_count(reader),
                                perftrace_reader_track_count(reader)};
    assert_null(perftrace_reader_error(reader));
    for (size_t i = 0; i < sizeof figures / sizeof *figures; i++) {
        perftrace_buffer_text(told, " ");
        perftrace_buffer_unsigned(told, figures[i]);
    }
    perftrace_buffer_add(told, "", 1);
    assert_false(told->failed);
}

/* ---- both ways ------------------------------------------------------------------------------------ */

static struct perftrace_reader *open_log(int fd, struct perftrace_buffer *told) {
    const struct perftrace_reader_options options = {.on_damage = on_damage, .context = told};
    char path[40];
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    struct perftrace_reader *reader = perftrace_reader_open(path, &options, NULL);
    assert_non_null(reader);
    return reader;
}

static void by_items(struct perftrace_buffer *told, int fd) {
    struct perftrace_reader *reader = open_log(fd, told);
    const struct perftrace_item *item;
    while ((item = perftrace_reader_next(reader)) != NULL) {
        tell_parameters(told, item->call);
        tell_rest(told, item->call);
    }
    tell_info(told, reader);
    perftrace_reader_close(reader);
}

/* What is known by a key: free where it has no text. */
enum { KNOWN_MAX = 1 << 16 };
struct known {
    uint64_t key[2];
    const struct perftrace_site_info *site;
    char *text;
};
static struct known known[KNOWN_MAX];

static struct known *find(const uint64_t key[2]) {
    for (size_t at = (size_t)key[0];; at++) {
        struct known *place = &known[at % KNOWN_MAX];
        if (place->text == NULL || memcmp(place->key, key, sizeof place->key) == 0)
            return place;
    }
}

static void tell_call(struct perftrace_buffer *told, struct perftrace_reader *reader,
                      struct perftrace_call *call) {
    bool keyed = call->brief && (call->key[0] | call->key[1]) != 0;
    struct known *place = keyed ? find(call->key) : NULL;
    bool is_known = place != NULL && place->text != NULL;
    if (!perftrace_reader_fill(reader, call, is_known ? place->site : NULL))
        return;
    assert_false(call->brief);
    if (is_known && call->parameters == NULL) {
        perftrace_buffer_text(told, place->text);
        tell_rest(told, call);
        return;
    }
    struct perftrace_buffer text = {0};
    tell_parameters(&text, call);
    perftrace_buffer_add(told, text.bytes, text.length);
    tell_rest(told, call);
    perftrace_buffer_add(&text, "", 1);
    if (place != NULL && !is_known && (call->key[0] | call->key[1]) != 0) {
        *place = (struct known){.key = {call->key[0], call->key[1]}, .site = call->site, .text = text.bytes};
        return;
    }
    free(text.bytes);
}

static size_t by_calls(struct perftrace_buffer *told, int fd) {
    struct perftrace_reader *reader = open_log(fd, told);
    struct perftrace_call *calls;
    size_t count, brief = 0;
    while ((count = perftrace_reader_calls(reader, &calls)) > 0)
        for (size_t i = 0; i < count; i++) {
            brief += calls[i].brief;
            tell_call(told, reader, &calls[i]);
        }
    assert_int_equal(perftrace_reader_calls(reader, &calls), 0);
    tell_info(told, reader);
    perftrace_reader_close(reader);
    for (size_t i = 0; i < KNOWN_MAX; i++) {
        free(known[i].text);
        known[i].text = NULL;
    }
    return brief;
}

/* How many of its calls were brief. */
static size_t check(const char *bytes, size_t length) {
    int fd = memfd_create("log", MFD_CLOEXEC);
    assert_true(fd >= 0);
    for (size_t at = 0; at < length;) {
        ssize_t written = write(fd, bytes + at, length - at);
        assert_true(written > 0);
        at += (size_t)written;
    }
    struct perftrace_buffer items = {0}, calls = {0};
    by_items(&items, fd);
    size_t brief = by_calls(&calls, fd);
    if (strcmp(items.bytes, calls.bytes) != 0) {
        size_t at = 0;
        while (items.bytes[at] == calls.bytes[at])
            at++;
        fail_msg("by items: %.300s\nby calls: %.300s", items.bytes + (at > 100 ? at - 100 : 0),
                 calls.bytes + (at > 100 ? at - 100 : 0));
    }
    free(items.bytes);
    free(calls.bytes);
    close(fd);
    return brief;
}

/* ---- logs ----------------------------------------------------------------------------------------- */

static uint64_t random_state;
static uint64_t below(uint64_t limit) {
    random_state = random_state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (random_state >> 33) % limit;
}

static const char *const pieces[] = {
    "PERF_TRACE|",
    "PERF_TRACE",
    "PERF_TRACE|7|",
    "|elapsed_ms=",
    "elapsed_ms=5",
    "|elapsed_us=",
    "elapsed_us=500",
    "|thread=",
    "|thread=3",
    "|thread=4294967296",
    "|parent_call=",
    "|parent_call=x",
    "|parent_call=99999999999999999999",
    "|caller=",
    "|caller=f",
    "|caller=unknown",
    "|a=",
    "|a=1",
    "|a=x",
    "|a=007",
    "|found=12345678901234567890",
    "|found=1.5",
    "|found=",
    "||",
    "|",
    "=",
    "\\x7c",
    "\r",
    "\r\n",
    "\n",
    "\n\n",
    "1",
    "12345678",
    "123456789012345",
    "0",
    "f",
    "|a=PERF_TRACE|2|g",
    "text ",
    "\xff",
    "|elapsed_ms=1\n",
    "|elapsed_ms=18446744073709",
    "msg=\"",
    "\"",
    " ",
    "\\n",
    "\\\"",
    "'",
    "\x1b[0m",
    "|b\"=1",
};

/* What a logger writes around a record, which it may have changed in the same way. */
static const char *const frames[][2] = {
    {"msg=\"", "\""},
    {"{\"log\":\"", "\\n\",\"stream\":\"stderr\"}"},
    {"{\"log\":\"{\\\"msg\\\":\\\"", "\\\"}\\n\",\"n\":5}"},
    {"\x1b[32m", "\x1b[0m"},
    {"", " "},
    {"msg=\"", "\\nPERF_TRACE|1|f|elapsed_ms=1\""},
};

static void add_line(struct perftrace_buffer *log) {
    char line[400];
    uint64_t ms = below(30), us = ms * 1000 + below(below(10) == 0 ? 3000 : 1000);
    int length =
        snprintf(line, sizeof line, "%sPERF_TRACE|%d|function_%d|caller=caller_%d|part_id=p%d|elapsed_ms=%d",
                 below(4) == 0 ? "[2025-01-01T00:00:00Z DEBUG module] " : "", (int)below(1u << below(31)),
                 (int)below(5), (int)below(3), (int)below(20), (int)ms);
    if (below(2) == 0)
        length += snprintf(line + length, sizeof line - (size_t)length, "|query_ms=%d|%s=%d", (int)below(20),
                           below(2) == 0 ? "found" : "records_found_in_the_store", (int)below(3));
    static const char *const odd[] = {"|found=007", "|thread=4294967296", "|found=9999999999999999999",
                                      "|found=-1"};
    if (below(10) == 0)
        length += snprintf(line + length, sizeof line - (size_t)length, "%s", odd[below(4)]);
    if (below(8) == 0)
        length += snprintf(line + length, sizeof line - (size_t)length, "|state=%s",
                           below(2) == 0 ? "good" : "0.25");
    if (below(4) != 0)
        length += snprintf(line + length, sizeof line - (size_t)length,
                           "|elapsed_us=%d|parent_call=%d|thread=%d", (int)us, (int)below(3), (int)below(4));
    perftrace_buffer_add(log, line, (size_t)length);
    perftrace_buffer_text(log, below(20) == 0 ? "\r\n" : "\n");
}

static void lines_as_they_are_written(void **state) {
    (void)state;
    struct perftrace_buffer log = {0};
    random_state = 1;
    while (log.length < 1000000)
        add_line(&log);
    size_t brief = check(log.bytes, log.length);
    assert_true(brief > 5000); /* all, in fact: this is what it is for */
    free(log.bytes);
}

static void lines_in_quotes(void **state) {
    (void)state;
    struct perftrace_buffer log = {0};
    random_state = 5;
    while (log.length < 400000) {
        const char *const *frame = frames[below(sizeof frames / sizeof *frames)];
        perftrace_buffer_text(&log, frame[0]);
        add_line(&log);
        log.length -= log.bytes[log.length - 2] == '\r' ? 2 : 1;
        if (below(10) == 0)
            perftrace_buffer_text(&log, "|state=\\\\x7c\\\"");
        perftrace_buffer_text(&log, frame[1]);
        perftrace_buffer_text(&log, below(20) == 0 ? "\r\n" : "\n");
    }
    assert_true(check(log.bytes, log.length) > 1000);
    free(log.bytes);
}

/* Equal bytes before elapsed_ms that mean something else in quotes. */
static void keys_in_quotes(void **state) {
    (void)state;
    static const char log[] =
        "PERF_TRACE|1|f|k=a\\\\x7cb|elapsed_ms=1|s=x\n"
        "msg=\"PERF_TRACE|2|f|k=a\\\\x7cb|elapsed_ms=1|s=x\"\n"
        "PERF_TRACE|3|f|k=a\\\\x7cb|elapsed_ms=1|s=x\n";
    assert_int_equal(check(log, sizeof log - 1), 3);
    static const char turned[] =
        "{\"log\":\"PERF_TRACE|1|f|k=a\\\\x7cb|elapsed_ms=1\\n\"}\n"
        "PERF_TRACE|2|f|k=a\\\\x7cb|elapsed_ms=1\n"
        "{\"log\":\"PERF_TRACE|3|f|k=a\\\\x7cb|elapsed_ms=1|s=x\\n\"}\n";
    assert_int_equal(check(turned, sizeof turned - 1), 3);
    static const char names[] =
        "msg=\"PERF_TRACE|1|f|elapsed_ms=1|b\" =2\n"
        "PERF_TRACE|1|f|elapsed_ms=1|b\" =2\nmsg=\"PERF_TRACE|1|f|elapsed_ms=1|b\" =2\n";
    assert_int_equal(check(names, sizeof names - 1), 3);
}

static void bytes_that_are_changed(void **state) {
    (void)state;
    struct perftrace_buffer log = {0};
    for (uint64_t seed = 1; seed <= 60; seed++) {
        random_state = seed;
        log.length = 0;
        size_t length = 100 + (size_t)below(seed % 10 == 0 ? 300000 : 5000);
        while (log.length < length) {
            const char *const *frame = frames[below(sizeof frames / sizeof *frames)];
            if (below(4) == 0)
                perftrace_buffer_text(&log, frame[0]);
            add_line(&log);
            if (below(4) == 0) {
                log.length--;
                perftrace_buffer_text(&log, frame[1]);
                perftrace_buffer_text(&log, "\n");
            }
            while (below(3) == 0)
                perftrace_buffer_text(&log, pieces[below(sizeof pieces / sizeof *pieces)]);
            if (below(6) == 0) /* cut short */
                log.length -= (size_t)below(log.length < 150 ? log.length : 150);
            if (below(6) == 0)
                log.bytes[log.length - 1 - below(log.length)] = (char)below(256);
        }
        check(log.bytes, log.length);
    }
    free(log.bytes);
}

static void lines_longer_than_a_piece(void **state) {
    (void)state;
    struct perftrace_buffer log = {0};
    lines_too_long = true;
    for (uint64_t seed = 1; seed <= 8; seed++) {
        random_state = seed;
        log.length = 0;
        for (int i = 0; i < 12; i++) {
            uint64_t lines = below(3000);
            while (lines-- > 0)
                add_line(&log);
            bool record = below(2) == 0;
            perftrace_buffer_text(&log, record ? "PERF_TRACE|1|long|value=" : "other output ");
            size_t longest = below(3) == 0 ? 3000000 : 900000, length = (size_t)below(longest);
            length = record && length > 1000000 ? length + 400000
                                                : length; /* between it depends on how it is read */
            char *room = perftrace_buffer_reserve(&log, length);
            assert_non_null(room);
            memset(room, below(3) == 0 ? 0 : 'x', length);
            log.length += length;
            perftrace_buffer_text(&log, below(2) == 0 ? "|elapsed_ms=1\n" : "\n");
        }
        if (seed % 2 == 0)
            perftrace_buffer_text(&log, "PERF_TRACE|1|last|elapsed_ms=1");
        check(log.bytes, log.length);
    }
    lines_too_long = false;
    free(log.bytes);
}

/* More lines, and more metrics, than a piece's index has room for. */
static void many_short_lines(void **state) {
    (void)state;
    struct perftrace_buffer log = {0};
    for (int i = 0; i < 30000; i++)
        perftrace_buffer_text(&log, i % 7 == 0 ? "PERF_TRACE|\n" : "PERF_TRACE|1|f|elapsed_ms=1\n");
    check(log.bytes, log.length);
    log.length = 0;
    for (int i = 0; i < 3000; i++) {
        perftrace_buffer_text(&log, "PERF_TRACE|1|f|elapsed_ms=1");
        for (int metric = 0; metric < i % 80; metric++)
            perftrace_buffer_text(&log, "|m=1");
        perftrace_buffer_text(&log, "\n");
    }
    check(log.bytes, log.length);
    check("", 0);
    check("\n", 1);
    free(log.bytes);
}

/* A name of a metric; `kinds` of them: such as begin like others, or like perftrace's own, and of any length. */
static void add_name(struct perftrace_buffer *log, uint64_t kinds) {
    static const char *const own[] = {"elapsed_us", "parent_call", "thread", "elapsed_ms", "caller"};
    static const char letters[] =
        "abcdefghijklmnopqrstuvwxyz_abcdefghijklmnopqrstuvwxyz_abcdefghijklmnopqrst";
    uint64_t kind = below(kinds);
    if (kind % 3 == 0)
        perftrace_buffer_text(log, own[kind / 3 % 5]);
    perftrace_buffer_add(log, letters, kind % (sizeof letters - 1));
    if (kind % 7 == 0 && kind > 0)
        perftrace_buffer_unsigned(log, kind / 7);
}

/* Fields that come in few orders, in very many, and in many first and in few later. */
static void fields_in_any_order(void **state) {
    (void)state;
    struct perftrace_buffer log = {0};
    static const uint64_t kinds[] = {2, 5, 30, 200, 3000};
    for (uint64_t seed = 1; seed <= 10; seed++) {
        random_state = seed;
        log.length = 0;
        for (uint64_t lines = 4000; lines > 0; lines--) {
            uint64_t now = seed <= 5 ? kinds[seed - 1] : lines > 2000 ? 3000 : 5;
            perftrace_buffer_text(&log, "PERF_TRACE|1|f|caller=g|elapsed_ms=5");
            for (uint64_t fields = below(seed % 2 == 0 ? 4 : 9); fields > 0; fields--) {
                static const char *const values[] = {"=5", "=0", "=12345678", "=5999", "=00", "=x", "", "="};
                perftrace_buffer_text(&log, "|");
                add_name(&log, now);
                perftrace_buffer_text(&log, values[below(below(20) == 0 ? 8 : 4)]);
            }
            perftrace_buffer_text(&log, below(30) == 0 ? "\r\n" : "\n");
        }
        check(log.bytes, log.length);
    }
    free(log.bytes);
}

/* Whole numbers of all lengths, in each place that has one. */
static void numbers_of_any_length(void **state) {
    (void)state;
    static const char digits[] = "123456789098765432101234";
    static const char *const before[] = {
        "PERF_TRACE|", "|f|elapsed_ms=", "|found=", "|parent_call=", "|elapsed_us=", "|thread="};
    struct perftrace_buffer log = {0};
    for (int place = 0; place < 6; place++)
        for (int length = 0; length < 24; length++)
            for (int from = 0; from < 12; from += 9) {
                for (int i = 0; i < 6; i++) {
                    perftrace_buffer_text(&log, before[i]);
                    if (i == place)
                        perftrace_buffer_add(&log, digits + from % (25 - length), (size_t)length);
                    else
                        perftrace_buffer_text(&log, i == 4 && place != 1 ? "1000" : "1");
                }
                perftrace_buffer_text(&log, "\n");
            }
    check(log.bytes, log.length);
    free(log.bytes);
}

/* A reader that is closed before its end, while a thread of it may wait for more. */
static void closed_early(void **state) {
    (void)state;
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    char line[] = "PERF_TRACE|1|f|elapsed_ms=1\n", path[40];
    for (int i = 0; i < 2000; i++) /* more than one piece would take a writer of its own */
        assert_int_equal(write(ends[1], line, sizeof line - 1), sizeof line - 1);
    snprintf(path, sizeof path, "/proc/self/fd/%d", ends[0]);
    struct perftrace_reader *reader = perftrace_reader_open(path, NULL, NULL);
    assert_non_null(reader);
    close(ends[1]);
    struct perftrace_call *calls;
    assert_true(perftrace_reader_calls(reader, &calls) > 0);
    perftrace_reader_close(reader);
    close(ends[0]);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_as_they_are_written),
        cmocka_unit_test(lines_in_quotes),
        cmocka_unit_test(keys_in_quotes),
        cmocka_unit_test(bytes_that_are_changed),
        cmocka_unit_test(lines_longer_than_a_piece),
        cmocka_unit_test(many_short_lines),
        cmocka_unit_test(fields_in_any_order),
        cmocka_unit_test(numbers_of_any_length),
        cmocka_unit_test(closed_early),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
