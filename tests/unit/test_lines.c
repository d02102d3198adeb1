/* core/lines.c: log lines and console lines; and that a log line says to the log reader what the span said. */
#include "../../core/lines.h"
#include "../../core/text.h"
#include "../../reader/log.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define TEXT(literal)                                                                                        \
    { literal, sizeof(literal) - 1 }
#define EMPTY TEXT("")

struct recorder {
    struct perftrace_output output;
    struct perftrace_buffer text;
    int result;
};

static int record(struct perftrace_output *output, const char *text, size_t length) {
    struct recorder *recorder = (struct recorder *)(void *)output;
    recorder->text.length = 0;
    perftrace_buffer_add(&recorder->text, text, length);
    perftrace_buffer_add(&recorder->text, "", 1);
    return recorder->result;
}

static struct recorder recorder = {.output = {record}};

static int setup(void **state) {
    (void)state;
    recorder.result = 0;
    perftrace_buffer_add(&recorder.text, "", 1);
    recorder.text.bytes[0] = '\0';
    return 0;
}

static int teardown(void **state) {
    (void)state;
    free(recorder.text.bytes);
    recorder.text = (struct perftrace_buffer){0};
    return 0;
}

static const struct perftrace_argument_info part_id = {TEXT("part_id"), PERFTRACE_TYPE_STRING, false};
static const struct perftrace_argument_info found = {TEXT("found"), PERFTRACE_TYPE_SIGNED, true};
static const struct perftrace_site_info site = {.id = 1, .kind = 1, .name = TEXT("load"), .target = EMPTY};
static const struct perftrace_track_info track = {
    .id = 3, .kind = PERFTRACE_ON_THREAD, .name = TEXT("wor\x1bker")};

static const struct perftrace_value values[] = {
    {.argument = &part_id, .type = PERFTRACE_TYPE_STRING, .text = TEXT("a|b\n\xff")},
    {.argument = &found, .type = PERFTRACE_TYPE_SIGNED, .i = 1},
};

static const struct perftrace_call call = {.number = 42,
                                           .parent_number = 41,
                                           .site = &site,
                                           .caller = TEXT("main"),
                                           .track = &track,
                                           .elapsed_ns = 14210999,
                                           .depth = 2,
                                           .parameter_count = 1,
                                           .parameters = values,
                                           .metric_count = 1,
                                           .metrics = values + 1};

static struct perftrace_item item_of(enum perftrace_item_kind kind, const struct perftrace_call *of) {
    return (struct perftrace_item){.kind = kind, .site = &site, .track = &track, .call = of};
}

static void a_log_line_says_it_all(void **state) {
    (void)state;
    struct perftrace_item item = item_of(PERFTRACE_ITEM_SPAN_END, &call);
    assert_int_equal(perftrace_log_item(&recorder.output, &item), 0);
    assert_string_equal(recorder.text.bytes,
                        "PERF_TRACE|42|load|caller=main|part_id=a\\x7cb\\x0a\\xff|elapsed_ms=14|"
                        "found=1|elapsed_us=14210|parent_call=41|thread=3\n");
    item.kind = PERFTRACE_ITEM_ASYNC_END;
    recorder.result = -28;
    assert_int_equal(perftrace_log_item(&recorder.output, &item), -28);
}

static void only_finished_spans_are_logged(void **state) {
    (void)state;
    struct perftrace_call open = call;
    open.unfinished = true;
    struct perftrace_item item = item_of(PERFTRACE_ITEM_SPAN_END, &open);
    assert_int_equal(perftrace_log_item(&recorder.output, &item), 0);
    assert_int_equal(perftrace_console_item(&recorder.output, &item), 0);
    item = item_of(PERFTRACE_ITEM_SPAN_BEGIN, &call);
    assert_int_equal(perftrace_log_item(&recorder.output, &item), 0);
    assert_int_equal(perftrace_console_item(&recorder.output, &item), 0);
    item = (struct perftrace_item){.kind = PERFTRACE_ITEM_TRACK, .track = &track};
    assert_int_equal(perftrace_log_item(&recorder.output, &item), 0);
    assert_int_equal(perftrace_console_item(&recorder.output, &item), 0);
    assert_string_equal(recorder.text.bytes, "");
}

static void console_lines_are_for_people(void **state) {
    (void)state;
    struct perftrace_item item = item_of(PERFTRACE_ITEM_SPAN_END, &call);
    assert_int_equal(perftrace_console_item(&recorder.output, &item), 0);
    assert_string_equal(recorder.text.bytes,
                        "[wor\\x1bker]     load 14.2 ms  part_id=a|b\\x0a\\xff  found=1\n");
    item = item_of(PERFTRACE_ITEM_EVENT, NULL);
    item.value_count = 1;
    item.values = values + 1;
    static const struct perftrace_track_info unnamed = {.id = 8, .name = EMPTY};
    item.track = &unnamed;
    assert_int_equal(perftrace_console_item(&recorder.output, &item), 0);
    assert_string_equal(recorder.text.bytes, "[8] load  found=1\n");
}

static void durations_have_a_fitting_unit(void **state) {
    (void)state;
    static const struct {
        uint64_t ns;
        const char *text;
    } cases[] = {
        {0, "0 ns"},
        {999, "999 ns"},
        {1000, "1.00 us"},
        {14210, "14.2 us"},
        {999999, "999 us"},
        {3070000, "3.07 ms"},
        {100500000, "100 ms"},
        {12500000000, "12.5 s"},
        {1009999999, "1.00 s"},
        {UINT64_MAX, "18446744073 s"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const struct perftrace_call timed = {.site = &site, .elapsed_ns = cases[i].ns};
        struct perftrace_item item = item_of(PERFTRACE_ITEM_SPAN_END, &timed);
        assert_int_equal(perftrace_console_item(&recorder.output, &item), 0);
        char expected[80];
        snprintf(expected, sizeof expected, "[wor\\x1bker] load %s\n", cases[i].text);
        assert_string_equal(recorder.text.bytes, expected);
    }
}

/* ---- there and back ------------------------------------------------------------------------------- */

static struct perftrace_log_reader *read_back(void) {
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    size_t length = strlen(recorder.text.bytes);
    assert_int_equal(write(ends[1], recorder.text.bytes, length), (ssize_t)length);
    close(ends[1]);
    struct perftrace_log_reader *log = perftrace_log_open(ends[0], NULL, 0, UINT64_MAX, NULL, NULL);
    assert_non_null(log);
    return log;
}

static void expect_text(struct perftrace_text text, const char *bytes, size_t length) {
    assert_int_equal(text.length, length);
    assert_memory_equal(text.bytes, bytes, length);
    assert_int_equal(text.bytes[text.length], 0);
}

static const struct {
    struct perftrace_text key;
    struct perftrace_value value;
} hostile[] = {
    {TEXT("plain"), {.type = PERFTRACE_TYPE_STRING, .text = TEXT("data")}},
    {TEXT(""), {.type = PERFTRACE_TYPE_STRING, .text = EMPTY}},
    {TEXT("a=b|c\\d"), {.type = PERFTRACE_TYPE_STRING, .text = TEXT("=|\\x41\\u{0041}")}},
    {TEXT("caller"), {.type = PERFTRACE_TYPE_STRING, .text = TEXT("me")}},
    {TEXT("elapsed_ms"), {.type = PERFTRACE_TYPE_SIGNED, .i = INT64_MIN}},
    {TEXT("elapsed_us"), {.type = PERFTRACE_TYPE_SIGNED, .i = INT64_MAX}},
    {TEXT("parent_call"), {.type = PERFTRACE_TYPE_DOUBLE, .d = -0.1}},
    {TEXT("thread"), {.type = PERFTRACE_TYPE_DOUBLE, .d = 1.0 / 3}},
    {TEXT("\xff\0\n"),
     {.type = PERFTRACE_TYPE_STRING, .text = TEXT("PERF_TRACE|1|x|elapsed_ms=1\n\0\xfe\xc2\x85")}},
    {TEXT("big"), {.type = PERFTRACE_TYPE_DOUBLE, .d = 1.25e300}},
    {TEXT("long"),
     {.type = PERFTRACE_TYPE_STRING, .text = TEXT("0123456789012345678901234567890123456789|")}},
    {TEXT("zeros"), {.type = PERFTRACE_TYPE_STRING, .text = TEXT("007")}},
};
enum { HOSTILE_COUNT = sizeof hostile / sizeof hostile[0] };

static void expect_hostile(const struct perftrace_value *got, size_t i, bool metric) {
    expect_text(got->argument->name, hostile[i].key.bytes, hostile[i].key.length);
    assert_int_equal(got->argument->metric, metric);
    assert_int_equal(got->type, hostile[i].value.type);
    if (got->type == PERFTRACE_TYPE_STRING)
        expect_text(got->text, hostile[i].value.text.bytes, hostile[i].value.text.length);
    else
        assert_true(got->u == hostile[i].value.u);
}

static void hostile_values_come_back(void **state) {
    (void)state;
    struct perftrace_argument_info infos[HOSTILE_COUNT];
    struct perftrace_value sent[HOSTILE_COUNT];
    for (size_t i = 0; i < HOSTILE_COUNT; i++) {
        infos[i] = (struct perftrace_argument_info){.name = hostile[i].key};
        sent[i] = hostile[i].value;
        sent[i].argument = &infos[i];
    }
    const struct perftrace_site_info odd = {.name = TEXT("f|=\xff\n")};
    const struct perftrace_call sent_call = {.number = 7,
                                             .parent_number = 5,
                                             .site = &odd,
                                             .caller = TEXT("c|\\"),
                                             .elapsed_ns = 1999999,
                                             .parameter_count = HOSTILE_COUNT,
                                             .parameters = sent,
                                             .metric_count = HOSTILE_COUNT,
                                             .metrics = sent};
    struct perftrace_item item = item_of(PERFTRACE_ITEM_SPAN_END, &sent_call);
    assert_int_equal(perftrace_log_item(&recorder.output, &item), 0);
    struct perftrace_log_reader *log = read_back();
    const struct perftrace_item *back = perftrace_log_next(log);
    assert_non_null(back);
    assert_int_equal(back->kind, PERFTRACE_ITEM_SPAN_END);
    const struct perftrace_call *got = back->call;
    assert_int_equal(got->number, 7);
    assert_int_equal(got->parent_number, 5);
    assert_int_equal(got->elapsed_ns, 1999000);
    assert_false(got->milliseconds);
    assert_int_equal(got->track->id, 3);
    expect_text(got->site->name, odd.name.bytes, odd.name.length);
    expect_text(got->caller, "c|\\", 3);
    expect_text(got->parent_site->name, "c|\\", 3);
    assert_int_equal(got->parameter_count, HOSTILE_COUNT);
    assert_int_equal(got->metric_count, HOSTILE_COUNT);
    for (size_t i = 0; i < HOSTILE_COUNT; i++) {
        expect_hostile(&got->parameters[i], i, false);
        expect_hostile(&got->metrics[i], i, true);
    }
    assert_null(perftrace_log_next(log));
    assert_false(perftrace_log_info(log)->damaged);
    perftrace_log_close(log);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_log_line_says_it_all, setup, teardown),
        cmocka_unit_test_setup_teardown(only_finished_spans_are_logged, setup, teardown),
        cmocka_unit_test_setup_teardown(console_lines_are_for_people, setup, teardown),
        cmocka_unit_test_setup_teardown(durations_have_a_fitting_unit, setup, teardown),
        cmocka_unit_test_setup_teardown(hostile_values_come_back, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
