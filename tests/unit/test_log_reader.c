/* reader/log.c: which lines are records and what they say, where damage is told, and all the ways in which a
 * log can arrive. */
#include "../../core/text.h"
#include "../../reader/log.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

/* ---- reading a text ------------------------------------------------------------------------------- */

/* What the reader said: each call as "number name caller p=v … / m=v … ns", each damage as "!line@offset", in order. */
struct told {
    struct perftrace_buffer text;
};

static void on_damage(void *context, const struct perftrace_error_info *what) {
    struct told *told = context;
    assert_int_equal(what->code, PERFTRACE_ERROR_FORMAT);
    assert_true(strlen(what->message) > 10);
    perftrace_buffer_text(&told->text, "!");
    perftrace_buffer_unsigned(&told->text, what->line);
    perftrace_buffer_text(&told->text, "@");
    perftrace_buffer_unsigned(&told->text, what->byte_offset);
    perftrace_buffer_text(&told->text, ";");
}

static void tell_values(struct told *told, size_t count, const struct perftrace_value *values, bool metric) {
    static const char *const types = "?iud?s";
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(values[i].argument->metric, metric);
        perftrace_buffer_text(&told->text, " ");
        perftrace_buffer_visible(&told->text, values[i].argument->name);
        perftrace_buffer_text(&told->text, ":");
        perftrace_buffer_add(&told->text, &types[values[i].type], 1);
        perftrace_buffer_text(&told->text, ":");
        perftrace_buffer_value(&told->text, &values[i]);
    }
}

static void tell_call(struct told *told, const struct perftrace_call *call) {
    perftrace_buffer_unsigned(&told->text, call->number);
    perftrace_buffer_text(&told->text, " ");
    perftrace_buffer_visible(&told->text, call->site->name);
    perftrace_buffer_text(&told->text, "<");
    perftrace_buffer_visible(&told->text, call->caller);
    tell_values(told, call->parameter_count, call->parameters, false);
    perftrace_buffer_text(&told->text, " /");
    tell_values(told, call->metric_count, call->metrics, true);
    perftrace_buffer_text(&told->text, call->milliseconds ? " ~" : " ");
    perftrace_buffer_unsigned(&told->text, call->elapsed_ns);
    if (call->parent_number != 0 || call->track->id != 0) {
        perftrace_buffer_text(&told->text, " ^");
        perftrace_buffer_unsigned(&told->text, call->parent_number);
        perftrace_buffer_text(&told->text, " t");
        perftrace_buffer_unsigned(&told->text, call->track->id);
    }
    perftrace_buffer_text(&told->text, ";");
}

/* Writes slowly, in pieces, so that the reader sees every kind of boundary. */
struct writer {
    int fd;
    const char *text;
    size_t length, piece;
};

static void *write_pieces(void *context) {
    struct writer *writer = context;
    for (size_t at = 0; at < writer->length;) {
        size_t left = writer->length - at;
        ssize_t written = write(writer->fd, writer->text + at, left < writer->piece ? left : writer->piece);
        assert_true(written > 0);
        at += (size_t)written;
    }
    close(writer->fd);
    return NULL;
}

/* Reads `text` through a pipe, of which `first` bytes have been read beforehand. */
static struct perftrace_trace_info read_all(struct told *told, const char *text, size_t length, size_t first,
                                            size_t piece) {
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    pthread_t thread;
    struct writer writer = {ends[1], text + first, length - first, piece};
    assert_int_equal(pthread_create(&thread, NULL, write_pieces, &writer), 0);
    const struct perftrace_reader_options options = {.on_damage = on_damage, .context = told};
    struct perftrace_log_reader *log = perftrace_log_open(ends[0], text, first, UINT64_MAX, &options, NULL);
    assert_non_null(log);
    const struct perftrace_item *item;
    while ((item = perftrace_log_next(log)) != NULL) {
        assert_int_equal(item->kind, PERFTRACE_ITEM_SPAN_END);
        assert_ptr_equal(item->site, item->call->site);
        tell_call(told, item->call);
    }
    perftrace_buffer_add(&told->text, "", 1);
    told->text.length = 0;
    assert_null(perftrace_log_error(log));
    struct perftrace_trace_info info = *perftrace_log_info(log);
    assert_int_equal(info.bytes, length);
    assert_true(info.finished);
    assert_false(info.native);
    perftrace_log_close(log);
    pthread_join(thread, NULL);
    return info;
}

/* ---- lines good and bad --------------------------------------------------------------------------- */

#define CASE(text, expected)                                                                                 \
    { text, sizeof(text) - 1, expected }

static const struct {
    const char *text;
    size_t length;
    const char *expected;
} cases[] = {
    CASE("", ""),
    CASE("nothing here\nPERF_TRACE without a bar\n", ""),
    CASE("PERF_TRACE|42|query|caller=load|part_id=root|entry_name=data|elapsed_ms=14|query_ms=12|found=1|"
         "elapsed_us=14210|parent_call=41|thread=2\n",
         "42 query<load part_id:s:root entry_name:s:data / query_ms:i:12 found:i:1 14210000 ^41 t2;"),
    /* Without perftrace's own fields; a line without newline at the end. */
    CASE("PERF_TRACE|1|f|elapsed_ms=3", "1 f<unknown / ~3000000;"),
    CASE("PERF_TRACE|1|f|caller=unknown|elapsed_ms=0\n", "1 f<unknown / ~0;"),
    /* Behind a logger's prefix, among other output, with CRLF. */
    CASE("noise\r\n[2025-01-01T00:00:00Z DEBUG module] PERF_TRACE|2|g|a=b c|elapsed_ms=1\r\nnoise\r\n"
         "x PERF_TRACE|3|g|a=|elapsed_ms=1|m=x\r\n",
         "2 g<unknown a:s:b c / ~1000000;3 g<unknown a:s: / m:s:x ~1000000;"),
    /* In quotes, and with what else a logger puts behind it; of several in one text the first. */
    CASE(
        "{\"log\":\"at \\\"5\\\": "
        "PERF_TRACE|2|g|a=\\\\x7c|elapsed_ms=1|thread=7\\n\",\"stream\":\"stderr\"}\n"
        "time=5 msg=\"PERF_TRACE|3|g|elapsed_ms=1\" status=200\n\x1b[1mPERF_TRACE|4|g|elapsed_ms=1\x1b[0m \n",
        "2 g<unknown a:s:| / ~1000000 ^0 t7;3 g<unknown / ~1000000;4 g<unknown / ~1000000;"),
    CASE("msg=\"PERF_TRACE|8|f|a=1|elPERF_TRACE|9|g|elapsed_ms=2\"\nmsg=\"PERF_TRACE|1|g|elapsed_ms=3",
         "!1@5;9 g<unknown / ~2000000;1 g<unknown / ~3000000;"),
    CASE("msg=\"PERF_TRACE|1|g|elapsed_ms=3\\nPERF_TRACE|2|g|elapsed_ms=3\"\n",
         "!1@5;1 g<unknown / ~3000000;"),
    /* What makes no sense is told with its line and offset, and the next line is read. */
    CASE("a\nPERF_TRACE|x|f|elapsed_ms=1\nPERF_TRACE|4|f|elapsed_ms=1\n", "!2@2;4 f<unknown / ~1000000;"),
    CASE("PERF_TRACE|\n", "!1@0;"),
    CASE("PERF_TRACE|5\n", "!1@0;"),
    CASE("PERF_TRACE||f|elapsed_ms=1\n", "!1@0;"),
    CASE("PERF_TRACE|99999999999999999999|f|elapsed_ms=1\n", "!1@0;"),
    CASE("PERF_TRACE|6|f\n", "!1@0;"),
    CASE("PERF_TRACE|6|f|a=1\n\n\npre PERF_TRACE|7|f|elapsed_ms=1.5\n", "!1@0;!4@25;"),
    CASE("PERF_TRACE|6|f|elapsed_ms=\n", "!1@0;"),
    CASE("PERF_TRACE|6|f|elapsed_ms=-1\n", "!1@0;"),
    CASE("PERF_TRACE|6|f|elapsed_ms=99999999999999\n", "!1@0;"),
    CASE("PERF_TRACE|<call number>|<function>|elapsed_ms=<integer>\n", "!1@0;"),
    /* Two writers at once: the first is cut short. */
    CASE(
        "PERF_TRACE|8|f|a=1|elPERF_TRACE|9|g|elapsed_ms=2\nPERF_TRACE|1PERF_TRACE|10|g|elapsed_ms=3\n"
        "PERF_TRACE|11|fPERF_TRACE|12|g|caller=xPERF_TRACE|13|g|a=xPERF_TRACE|14|g|elapsed_ms=1PERF_TRACE|15|"
        "g|"
        "elapsed_ms=4\n",
        "!1@0;9 g<unknown / ~2000000;!2@49;10 g<unknown / ~3000000;!3@90;!3@105;!3@129;!3@148;15 g<unknown / "
        "~4000000;"),
    /* What an escape stands for must not become another record. */
    CASE("PERF_TRACE|1|f|a=PERF_TRACE\\x7c2\\x7cg\\x7celapsed_ms=1\n", "!1@0;"),
    CASE("PERF_TRACE|1|f|a=PERF_TRACE|b=PERF_TRACE|elapsed_ms=1|c=PERF_TRACE\n",
         "1 f<unknown a:s:PERF_TRACE b:s:PERF_TRACE / c:s:PERF_TRACE ~1000000;"),
    /* Numbers are numbers when they would be written the same way. */
    CASE("PERF_TRACE|1|f|a=0|b=007|c=-5|d=-0|e=+5|f=9223372036854775807|g=9223372036854775808|elapsed_ms=1\n",
         "1 f<unknown a:i:0 b:s:007 c:i:-5 d:s:-0 e:s:+5 f:i:9223372036854775807 g:s:9223372036854775808 / "
         "~1000000;"),
    CASE("PERF_TRACE|1|f|a=-9223372036854775808|b=-9223372036854775809|c=12a|d=-|e=1 |elapsed_ms=1\n",
         "1 f<unknown a:i:-9223372036854775808 b:s:-9223372036854775809 c:s:12a d:s:- e:s:1  / ~1000000;"),
    CASE("PERF_TRACE|1|f|a=0.5|b=1.50|c=-12.75|d=1.2.3|e=1e5|f=1e+20|g=.5|h=1.|i=0.0|elapsed_ms=1\n",
         "1 f<unknown a:d:0.5 b:s:1.50 c:d:-12.75 d:s:1.2.3 e:s:1e5 f:d:1e+20 g:s:.5 h:s:1. i:s:0.0 / "
         "~1000000;"),
    CASE("PERF_TRACE|1|f|a=0.30000000000000004|b=0.30000000000000005|c=0.00001|d=0.000001|e=1e-6|f=00.5|g="
         "1e999|"
         "elapsed_ms=1\n",
         "1 f<unknown a:d:0.30000000000000004 b:s:0.30000000000000005 c:d:0.00001 d:s:0.000001 e:d:1e-6 "
         "f:s:00.5 "
         "g:s:1e999 / ~1000000;"),
    CASE("PERF_TRACE|1|f|a=123456789012.345|b=1234567890123456.5|elapsed_ms=1\n",
         "1 f<unknown a:d:123456789012.345 b:d:1234567890123456.5 / ~1000000;"),
    /* Fields of odd forms. */
    CASE("PERF_TRACE|1|f||flag|=x|a=b=c||elapsed_ms=1||\n", "1 f<unknown flag:s: :s:x a:s:b=c / ~1000000;"),
    CASE("PERF_TRACE|1||elapsed_ms=1\n", "1 <unknown / ~1000000;"),
    CASE("PERF_TRACE|1|f|caller=a|caller=b|elapsed_ms=1|elapsed_ms=2|caller=c\n"
         "PERF_TRACE|2|f|caller=a|caller=b|elapsed_ms=1|elapsed_ms=2|caller=c\n",
         "1 f<a caller:s:b / elapsed_ms:i:2 caller:s:c ~1000000;2 f<a caller:s:b / elapsed_ms:i:2 caller:s:c "
         "~1000000;"),
    /* Fields named like perftrace's own that say something else are metrics like others. */
    CASE("PERF_TRACE|1|f|elapsed_ms=1|elapsed_us=7|thread=main|parent_call=x\n",
         "1 f<unknown / elapsed_us:i:7 thread:s:main parent_call:s:x ~1000000;"),
    CASE("PERF_TRACE|1|f|thread=5|elapsed_us=1|elapsed_ms=1|thread=4294967296\n",
         "1 f<unknown thread:i:5 elapsed_us:i:1 / thread:i:4294967296 ~1000000;"),
    /* A number that is too large is no other number. */
    CASE("PERF_TRACE|1|f|elapsed_ms=1|parent_call=99999999999999999999|thread=1\n"
         "PERF_TRACE|2|f|elapsed_ms=1|parent_call=18446744073709551615|parent_call=18446744073709551616x\n",
         "!1@0;1 f<unknown / parent_call:s:99999999999999999999 ~1000000 ^0 t1;2 f<unknown / "
         "parent_call:s:18446744073709551616x ~1000000 ^18446744073709551615 t0;"),
    /* The order and number of fields changes from line to line; the same key before and after elapsed_ms. */
    CASE("PERF_TRACE|1|f|a=1|b=2|elapsed_ms=1|a=3\nPERF_TRACE|2|f|b=1|elapsed_ms=1|a=2|b=3\nPERF_TRACE|3|f|"
         "bb=1|a=x|"
         "elapsed_ms=1\n",
         "1 f<unknown a:i:1 b:i:2 / a:i:3 ~1000000;2 f<unknown b:i:1 / a:i:2 b:i:3 ~1000000;3 f<unknown "
         "bb:i:1 a:s:x "
         "/ ~1000000;"),
    CASE("PERF_TRACE|1|f|long_key_name_1=1|elapsed_ms=1\nPERF_TRACE|2|f|long_key_name_2=1|elapsed_ms=1\nPERF_"
         "TRACE|3|f|"
         "long_key_\n",
         "1 f<unknown long_key_name_1:i:1 / ~1000000;2 f<unknown long_key_name_2:i:1 / ~1000000;!3@92;"),
    /* Escapes, zeros and garbage. */
    CASE("PERF_TRACE|1|f\\x7cg|caller=\\x0a|k\\x3d=\\x5c\\u{202e}|elapsed_ms=1\n",
         "1 f|g<\\x0a k=:s:\\\\u{202e} / ~1000000;"),
    CASE("\0\xff\0PERF_TRACE|1|\0f|a=\0\xfe|elapsed_ms=1\n\0\n",
         "1 \\x00f<unknown a:s:\\x00\\xfe / ~1000000;"),
};

static void lines_say_what_they_say(void **state) {
    (void)state;
    struct told told = {0};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const size_t firsts[] = {0, cases[i].length / 2, cases[i].length}, pieces[] = {1, 7, 65536};
        for (size_t first = 0; first < 3; first++)
            for (size_t piece = 0; piece < 3; piece++) {
                struct perftrace_trace_info info =
                    read_all(&told, cases[i].text, cases[i].length, firsts[first], pieces[piece]);
                assert_string_equal(told.text.bytes, cases[i].expected);
                assert_int_equal(info.damaged, strchr(cases[i].expected, '!') != NULL);
            }
    }
    free(told.text.bytes);
}

static void every_length_is_read(void **state) {
    (void)state;
    struct told told = {0};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        for (size_t length = 0; length < cases[i].length; length++) {
            char *exact = malloc(length + 1); /* so that a sanitizer sees the end */
            assert_non_null(exact);
            memcpy(exact, cases[i].text, length);
            struct perftrace_trace_info info = read_all(&told, exact, length, length / 2, 65536);
            assert_true(info.damaged_bytes <= length);
            free(exact);
        }
    free(told.text.bytes);
}

/* ---- size ----------------------------------------------------------------------------------------- */

static void add_many(struct perftrace_buffer *text, const char *piece, size_t count) {
    for (size_t i = 0; i < count; i++)
        perftrace_buffer_text(text, piece);
}

static void a_huge_line_is_told_and_skipped(void **state) {
    (void)state;
    struct told told = {0};
    struct perftrace_buffer text = {0};
    /* Other output may be as long as it likes. */
    add_many(&text, "0123456789", 300000);
    perftrace_buffer_text(&text, "PERF_TRACE|1|f|elapsed_ms=1\nPERF_TRACE|2|f|a=");
    add_many(&text, "0123456789", 100000);
    perftrace_buffer_text(&text, "|elapsed_ms=1\nPERF_TRACE|3|f|a=");
    add_many(&text, "0123456789", 300000);
    perftrace_buffer_text(&text, "|elapsed_ms=1\nPERF_TRACE|4|f|elapsed_ms=1\n");
    for (size_t piece = 100; piece <= 65536; piece += 65436) {
        read_all(&told, text.bytes, text.length, 0, piece);
        const char *at = told.text.bytes;
        assert_true(strncmp(at, "1 f<unknown / ~1000000;2 f<unknown a:s:0123", 43) == 0);
        assert_non_null(strstr(at, "9 / ~1000000;!3@4000059;4 f<unknown / ~1000000;"));
    }
    free(text.bytes);
    free(told.text.bytes);
}

static void too_many_fields_are_told(void **state) {
    (void)state;
    struct told told = {0};
    struct perftrace_buffer text = {0};
    for (size_t fields = 1024; fields <= 1025; fields++) {
        text.length = 0;
        perftrace_buffer_text(&text, "PERF_TRACE|1|f");
        add_many(&text, "|a=1", fields);
        perftrace_buffer_text(&text, "|elapsed_ms=1\n");
        struct perftrace_trace_info info = read_all(&told, text.bytes, text.length, 0, 65536);
        assert_int_equal(info.records, fields == 1024);
        assert_int_equal(info.damaged, fields == 1025);
    }
    free(text.bytes);
    free(told.text.bytes);
}

/* Each line has a name of its own for the argument: the function's 256th is refused, those before stay. */
static void too_many_keys_are_told(void **state) {
    (void)state;
    struct told told = {0};
    struct perftrace_buffer text = {0};
    for (uint64_t i = 0; i < 256; i++) {
        perftrace_buffer_text(&text, "PERF_TRACE|1|f|k");
        perftrace_buffer_unsigned(&text, i);
        perftrace_buffer_text(&text, "=1|elapsed_ms=1\n");
    }
    perftrace_buffer_text(&text, "PERF_TRACE|2|f|k7=1|elapsed_ms=1\n");
    struct perftrace_trace_info info = read_all(&told, text.bytes, text.length, 0, 65536);
    assert_int_equal(info.records, 256);
    assert_non_null(strstr(told.text.bytes, "!256@"));
    assert_non_null(strstr(told.text.bytes, ";2 f<unknown k7:i:1 / ~1000000;"));
    free(text.bytes);
    free(told.text.bytes);
}

static void names_are_kept_once(void **state) {
    (void)state;
    struct perftrace_buffer text = {0};
    for (uint64_t i = 0; i < 3000; i++) {
        perftrace_buffer_text(&text, "PERF_TRACE|1|function_");
        perftrace_buffer_unsigned(&text, i % 1000);
        perftrace_buffer_text(&text,
                              "|caller=function_0|a=1|elapsed_ms=1|elapsed_us=1000|parent_call=0|thread=");
        perftrace_buffer_unsigned(&text, i % 3);
        perftrace_buffer_text(&text, "\n");
    }
    FILE *file = tmpfile();
    assert_non_null(file);
    assert_int_equal(fwrite(text.bytes, 1, text.length, file), text.length);
    rewind(file);
    struct perftrace_log_reader *log = perftrace_log_open(dup(fileno(file)), NULL, 0, UINT64_MAX, NULL, NULL);
    assert_non_null(log);
    const struct perftrace_site_info *first = NULL;
    const struct perftrace_argument_info *argument = NULL;
    const struct perftrace_item *item;
    for (size_t i = 0; (item = perftrace_log_next(log)) != NULL; i++) {
        if (i == 0) {
            first = item->site;
            argument = item->call->parameters[0].argument;
        }
        if (i % 1000 == 0) {
            assert_ptr_equal(item->site, first);
            assert_ptr_equal(item->call->parameters[0].argument, argument);
        }
        assert_ptr_equal(item->call->parent_site, first);
        assert_ptr_equal(item->track, perftrace_log_track(log, i % 3));
    }
    assert_int_equal(perftrace_log_site_count(log), 1000);
    assert_int_equal(perftrace_log_track_count(log), 3);
    for (size_t i = 0; i < 1000; i++) {
        const struct perftrace_site_info *site = perftrace_log_site(log, i);
        assert_int_equal(site->id, i + 1);
        assert_int_equal(site->argument_count, 1);
        assert_string_equal(site->arguments[0].name.bytes, "a");
    }
    assert_null(perftrace_log_site(log, 1000));
    assert_null(perftrace_log_track(log, 3));
    perftrace_log_close(log);
    fclose(file);
    free(text.bytes);
}

static void a_read_error_is_told(void **state) {
    (void)state;
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    close(ends[0]);
    struct perftrace_log_reader *log =
        perftrace_log_open(ends[1], "x\n", 2, UINT64_MAX, NULL, NULL); /* not for reading */
    assert_non_null(log);
    assert_null(perftrace_log_next(log));
    assert_non_null(perftrace_log_error(log));
    assert_int_equal(perftrace_log_error(log)->code, PERFTRACE_ERROR_SYSTEM);
    assert_false(perftrace_log_info(log)->finished);
    perftrace_log_close(log);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_say_what_they_say),
        cmocka_unit_test(every_length_is_read),
        cmocka_unit_test(a_huge_line_is_told_and_skipped),
        cmocka_unit_test(too_many_fields_are_told),
        cmocka_unit_test(too_many_keys_are_told),
        cmocka_unit_test(names_are_kept_once),
        cmocka_unit_test(a_read_error_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
