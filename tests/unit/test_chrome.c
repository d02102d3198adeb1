/* core/chrome.c: the exact text of each kind of event, and the limit on an event's length. */
#include "../../core/chrome.h"
#include "../../core/text.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define TEXT(literal)                                                                                        \
    { literal, sizeof(literal) - 1 }
#define EMPTY TEXT("")

/* Everything written, each event with a newline after it. */
struct recorder {
    struct perftrace_output output;
    struct perftrace_buffer text;
    size_t longest;
    int result; /* what write is to return */
};

static int record(struct perftrace_output *output, const char *text, size_t length) {
    struct recorder *recorder = (struct recorder *)(void *)output;
    perftrace_buffer_add(&recorder->text, text, length);
    perftrace_buffer_text(&recorder->text, "\n");
    if (length > recorder->longest)
        recorder->longest = length;
    return recorder->result;
}

static struct recorder recorder = {.output = {record}};
static struct perftrace_trace_info info;
static struct perftrace_chrome *chrome;

static const struct perftrace_argument_info arguments[] = {
    {TEXT("part_id"), PERFTRACE_TYPE_STRING, false},
    {TEXT("count"), PERFTRACE_TYPE_SIGNED, false},
    {TEXT("found"), PERFTRACE_TYPE_BOOLEAN, true},
};
static const struct perftrace_site_info site = {.id = 1,
                                                .kind = 1,
                                                .argument_count = 3,
                                                .name = TEXT("load"),
                                                .target = TEXT("store"),
                                                .arguments = arguments};
static const struct perftrace_track_info worker = {
    .id = 7, .kind = PERFTRACE_ON_THREAD, .os_id = 43, .name = EMPTY};
static const struct perftrace_track_info queue = {
    .id = 9, .kind = PERFTRACE_ON_GPU, .name = TEXT("queue \"0\"")};

static void open_with(size_t event_bytes_max) {
    chrome = perftrace_chrome_open(
        &(struct perftrace_chrome_options){&recorder.output, &info, event_bytes_max, 0});
    assert_non_null(chrome);
}

static int setup(void **state) {
    (void)state;
    info = (struct perftrace_trace_info){.pid = 42, .process_name = EMPTY, .executable = EMPTY};
    recorder.text.length = recorder.longest = 0;
    recorder.result = 0;
    return 0;
}

static int teardown(void **state) {
    (void)state;
    perftrace_chrome_close(chrome);
    chrome = NULL;
    free(recorder.text.bytes);
    recorder.text = (struct perftrace_buffer){0};
    return 0;
}

static void give(struct perftrace_item item) {
    assert_int_equal(perftrace_chrome_item(chrome, &item), 0);
}

/* What was written since the last time; the introduction of the worker's track is expected, and left out, first. */
static const char *written(void) {
    static const char introduction[] =
        "{\"name\":\"thread_sort_index\",\"ph\":\"M\",\"pid\":42,\"tid\":43,\"args\":{\"sort_index\":7}}\n";
    perftrace_buffer_add(&recorder.text, "", 1);
    recorder.text.length = 0;
    bool first = strncmp(recorder.text.bytes, introduction, sizeof introduction - 1) == 0;
    return recorder.text.bytes + (first ? sizeof introduction - 1 : 0);
}

static struct perftrace_item span_item(enum perftrace_item_kind kind, uint64_t time_ns,
                                       const struct perftrace_call *call) {
    return (struct perftrace_item){
        .kind = kind, .time_ns = time_ns, .site = &site, .track = &worker, .call = call};
}

static void spans_become_complete_events(void **state) {
    (void)state;
    open_with(0);
    const struct perftrace_value values[] = {
        {.argument = &arguments[0], .type = PERFTRACE_TYPE_STRING, .text = TEXT("a\"b\xff")},
        {.argument = &arguments[1], .type = PERFTRACE_TYPE_SIGNED, .i = -3},
    };
    const struct perftrace_value metric = {.argument = &arguments[2], .type = PERFTRACE_TYPE_BOOLEAN, .u = 1};
    struct perftrace_call call = {.site = &site, .parameter_count = 2, .parameters = values};
    give(span_item(PERFTRACE_ITEM_SPAN_BEGIN, 123456789, &call));
    assert_string_equal(written(), "");
    call.metric_count = 1;
    call.metrics = &metric;
    give(span_item(PERFTRACE_ITEM_SPAN_END, 123457007, &call));
    assert_string_equal(
        written(),
        "{\"name\":\"load\",\"cat\":\"store\",\"ph\":\"X\",\"ts\":123456.789,\"pid\":42,\"tid\":43,"
        "\"dur\":0.218,\"args\":{\"part_id\":\"a\\\"b\xef\xbf\xbd\",\"count\":-3,\"found\":true},\"metrics\":"
        "1}\n");
    call.parameter_count = 0;
    give(span_item(PERFTRACE_ITEM_SPAN_BEGIN, 200000000, &call));
    give(span_item(PERFTRACE_ITEM_SPAN_END, 1200000000, &call));
    assert_string_equal(
        written(),
        "{\"name\":\"load\",\"cat\":\"store\",\"ph\":\"X\",\"ts\":200000.000,\"pid\":42,\"tid\":43,"
        "\"dur\":1000000.000,\"args\":{\"found\":true},\"metrics\":1}\n");
}

/* "ts dur tid" of all complete events since the last time. */
static const char *placed(void) {
    static char text[1000];
    size_t length = 0;
    for (const char *at = written(); (at = strstr(at, "\"ph\":\"X\",\"ts\":")) != NULL; at++) {
        double begin, elapsed;
        unsigned tid;
        assert_int_equal(
            sscanf(at, "\"ph\":\"X\",\"ts\":%lf,\"pid\":42,\"tid\":%u,\"dur\":%lf", &begin, &tid, &elapsed),
            3);
        length +=
            (size_t)snprintf(text + length, sizeof text - length, "%.3f %.3f %u\n", begin, elapsed, tid);
    }
    text[length] = '\0';
    return text;
}

static void span(enum perftrace_item_kind kind, const struct perftrace_track_info *track, uint64_t time_ns) {
    static const struct perftrace_call call = {.site = &site};
    give((struct perftrace_item){
        .kind = kind, .time_ns = time_ns, .site = &site, .track = track, .call = &call});
}

/* On one thread id every begin and end is later than the one before: viewers do not nest what is not. */
static void equal_times_are_kept_apart(void **state) {
    (void)state;
    open_with(0);
    for (int i = 0; i < 3; i++)
        span(PERFTRACE_ITEM_SPAN_BEGIN, &worker, 5000);
    for (int i = 0; i < 3; i++)
        span(PERFTRACE_ITEM_SPAN_END, &worker, 5000 + 100 * (i == 2));
    span(PERFTRACE_ITEM_SPAN_BEGIN, &worker, 5100);
    span(PERFTRACE_ITEM_SPAN_END, &worker, 5102);
    assert_string_equal(placed(), "5.002 0.001 43\n5.001 0.003 43\n5.000 0.100 43\n5.101 0.001 43\n");
    /* After a year without a restart a double holds no single nanoseconds. */
    const uint64_t year_ns = UINT64_C(31536000) * 1000000000;
    span(PERFTRACE_ITEM_SPAN_BEGIN, &worker, year_ns);
    span(PERFTRACE_ITEM_SPAN_BEGIN, &worker, year_ns);
    span(PERFTRACE_ITEM_SPAN_END, &worker, year_ns);
    span(PERFTRACE_ITEM_SPAN_END, &worker, year_ns);
    const char *text = written();
    double begin[2], elapsed[2];
    for (int i = 0; i < 2; i++) {
        text = strstr(text, "\"ts\":");
        assert_non_null(text);
        assert_int_equal(sscanf(text, "\"ts\":%lf,\"pid\":42,\"tid\":43,\"dur\":%lf", &begin[i], &elapsed[i]),
                         2);
        text++;
    }
    volatile double inner_end = begin[0] + elapsed[0], outer_end = begin[1] + elapsed[1];
    assert_true(begin[1] < begin[0] && begin[0] < inner_end && inner_end < outer_end);
}

/* Spans of a GPU that overlap, none within the other, are shown beside each other; those that are one within the other, or
 * one after the other, are not. */
static void overlapping_spans_get_lanes(void **state) {
    (void)state;
    open_with(0);
    span(PERFTRACE_ITEM_SPAN_BEGIN, &queue, 1000);
    span(PERFTRACE_ITEM_SPAN_BEGIN, &queue, 1100);
    span(PERFTRACE_ITEM_SPAN_END, &queue, 1200);
    span(PERFTRACE_ITEM_SPAN_END, &queue, 2000);
    span(PERFTRACE_ITEM_SPAN_BEGIN, &queue, 1500);
    span(PERFTRACE_ITEM_SPAN_BEGIN, &queue, 1600);
    span(PERFTRACE_ITEM_SPAN_END, &queue, 1700);
    span(PERFTRACE_ITEM_SPAN_END, &queue, 2500);
    span(PERFTRACE_ITEM_SPAN_BEGIN, &queue, 1800); /* after neither */
    span(PERFTRACE_ITEM_SPAN_END, &queue, 1900);
    /* One right behind the other, with what begins and ends together. */
    for (uint64_t at = 3000; at <= 3100; at += 100) {
        span(PERFTRACE_ITEM_SPAN_BEGIN, &queue, at);
        span(PERFTRACE_ITEM_SPAN_BEGIN, &queue, at);
        span(PERFTRACE_ITEM_SPAN_END, &queue, at + 100);
        span(PERFTRACE_ITEM_SPAN_END, &queue, at + 100);
    }
    perftrace_buffer_add(&recorder.text, "", 1); /* to look at it twice */
    size_t names = 0;
    for (const char *at = recorder.text.bytes; (at = strstr(at, "\"name\":\"queue \\\"0\\\"\"")) != NULL;
         at++)
        names++;
    recorder.text.length--;
    assert_int_equal(names, 3);
    assert_string_equal(placed(),
                        "1.100 0.100 1000000009\n1.000 1.000 1000000009\n"
                        "1.600 0.100 2000000000\n1.500 1.000 2000000000\n"
                        "1.800 0.100 2000000001\n"
                        "3.001 0.099 1000000009\n3.000 0.101 1000000009\n"
                        "3.103 0.097 1000000009\n3.102 0.099 1000000009\n");
}

static void what_was_open_at_the_end_is_marked(void **state) {
    (void)state;
    open_with(0);
    const struct perftrace_value value = {.argument = &arguments[1], .type = PERFTRACE_TYPE_SIGNED, .i = -3};
    struct perftrace_call call = {
        .site = &site, .start_ns = 1000, .parameter_count = 1, .parameters = &value, .unfinished = true};
    give(span_item(PERFTRACE_ITEM_SPAN_BEGIN, 1000, &call));
    give(span_item(PERFTRACE_ITEM_SPAN_END, 2000, &call)); /* jumped out of */
    assert_string_equal(
        written(),
        "{\"name\":\"load\",\"cat\":\"store\",\"ph\":\"X\",\"ts\":1.000,\"pid\":42,\"tid\":43,"
        "\"dur\":1.000,\"args\":{\"count\":-3}}\n");
    give(span_item(PERFTRACE_ITEM_SPAN_BEGIN, 3000, &call));
    /* Another thread goes on; what a GPU will do does not count. */
    static const struct perftrace_track_info another = {.id = 8, .kind = 1, .os_id = 44, .name = EMPTY};
    span(PERFTRACE_ITEM_SPAN_BEGIN, &another, 5000);
    span(PERFTRACE_ITEM_SPAN_END, &another, 6000);
    span(PERFTRACE_ITEM_SPAN_BEGIN, &queue, 8000);
    span(PERFTRACE_ITEM_SPAN_END, &queue, 9000);
    (void)written();
    call.at_end = true;
    give(span_item(PERFTRACE_ITEM_SPAN_END, 4000, &call));
    assert_string_equal(
        written(),
        "{\"name\":\"load\",\"cat\":\"store\",\"ph\":\"X\",\"ts\":3.000,\"pid\":42,\"tid\":43,"
        "\"dur\":3.000,\"args\":{\"unfinished\":true,\"count\":-3},\"metrics\":0}\n");
    give(span_item(PERFTRACE_ITEM_ASYNC_END, 2000, &call));
    assert_string_equal(written(), "");
}

static void values_are_what_javascript_can_hold(void **state) {
    (void)state;
    open_with(0);
    static const struct perftrace_argument_info v = {TEXT("v"), PERFTRACE_TYPE_SIGNED, false};
    const struct perftrace_value values[] = {
        {.argument = &v, .type = PERFTRACE_TYPE_SIGNED, .i = INT64_C(9007199254740992)},
        {.argument = &v, .type = PERFTRACE_TYPE_SIGNED, .i = INT64_C(-9007199254740993)},
        {.argument = &v, .type = PERFTRACE_TYPE_UNSIGNED, .u = UINT64_MAX},
        {.argument = &v, .type = PERFTRACE_TYPE_DOUBLE, .d = 0.5},
        {.argument = &v, .type = PERFTRACE_TYPE_DOUBLE, .d = (double)NAN},
        {.argument = &v, .type = PERFTRACE_TYPE_DOUBLE, .d = (double)INFINITY},
        {.argument = &v, .type = PERFTRACE_TYPE_DOUBLE, .d = -(double)INFINITY},
        {.argument = &v, .type = PERFTRACE_TYPE_ADDRESS, .u = 0xbeef},
        {.argument = &v, .type = PERFTRACE_TYPE_STRING, .text = TEXT("half"), .cut = true},
        {.argument = &v, .type = PERFTRACE_TYPE_STRING, .text = EMPTY, .null = true},
        {.argument = &v, .type = PERFTRACE_TYPE_STRING, .text = TEXT("\0")},
    };
    give((struct perftrace_item){.kind = PERFTRACE_ITEM_EVENT,
                                 .site = &site,
                                 .track = &worker,
                                 .value_count = sizeof values / sizeof values[0],
                                 .values = values});
    assert_string_equal(
        written(),
        "{\"name\":\"load\",\"cat\":\"store\",\"ph\":\"i\",\"ts\":0.000,\"pid\":42,\"tid\":43,\"s\":\"t\","
        "\"args\":{"
        "\"v\":9007199254740992,\"v\":\"-9007199254740993\",\"v\":\"18446744073709551615\",\"v\":0.5,"
        "\"v\":\"NaN\",\"v\":\"Infinity\",\"v\":\"-Infinity\",\"v\":\"0xbeef\",\"v\":\"half…\",\"v\":null,"
        "\"v\":\"\\u0000\"}}\n");
}

static void counters_are_series(void **state) {
    (void)state;
    open_with(0);
    struct perftrace_value value = {
        .argument = &arguments[1], .type = PERFTRACE_TYPE_UNSIGNED, .u = UINT64_MAX};
    struct perftrace_item item = {
        .kind = PERFTRACE_ITEM_COUNTER, .site = &site, .track = &worker, .value_count = 1, .values = &value};
    give(item);
    assert_string_equal(
        written(),
        "{\"name\":\"load\",\"cat\":\"store\",\"ph\":\"C\",\"ts\":0.000,\"pid\":42,\"tid\":43,"
        "\"args\":{\"value\":18446744073709551615}}\n");
    item.track = &queue;
    value.type = PERFTRACE_TYPE_DOUBLE;
    value.d = 1.5;
    give(item);
    assert_string_equal(
        written(),
        "{\"name\":\"thread_sort_index\",\"ph\":\"M\",\"pid\":42,\"tid\":1000000009,\"args\":{\"sort_index\":"
        "1000000009}}\n"
        "{\"name\":\"thread_name\",\"ph\":\"M\",\"pid\":42,\"tid\":1000000009,\"args\":{\"name\":\"queue "
        "\\\"0\\\"\"}}\n"
        "{\"name\":\"load\",\"cat\":\"store\",\"ph\":\"C\",\"ts\":0.000,\"pid\":42,\"tid\":1000000009,"
        "\"id\":\"queue \\\"0\\\"\",\"args\":{\"value\":1.5}}\n");
    item.value_count = 0;
    give(item);
    assert_string_equal(written(), "");
}

static void frames_are_numbered_and_timed(void **state) {
    (void)state;
    open_with(0);
    give(span_item(PERFTRACE_ITEM_FRAME, 1000000, NULL));
    give(span_item(PERFTRACE_ITEM_FRAME, 17600000, NULL));
    assert_string_equal(
        written(),
        "{\"name\":\"load\",\"cat\":\"store\",\"ph\":\"i\",\"ts\":1000.000,\"pid\":42,\"tid\":43,"
        "\"s\":\"p\",\"args\":{\"frame\":1}}\n"
        "{\"name\":\"load\",\"cat\":\"store\",\"ph\":\"i\",\"ts\":17600.000,\"pid\":42,\"tid\":43,"
        "\"s\":\"p\",\"args\":{\"frame\":2,\"ms\":16.6}}\n");
}

/* Copies the id out of an event; `key` is what stands before it. */
static void copy_id(const char *event, const char *key, char id[24]) {
    const char *from = strstr(event, key);
    assert_non_null(from);
    from += strlen(key);
    size_t length = strcspn(from, "\"");
    assert_true(length < 24);
    memcpy(id, from, length);
    id[length] = '\0';
}

static void equal_ids_of_different_names_differ(void **state) {
    (void)state;
    open_with(0);
    const struct perftrace_call call = {.site = &site};
    static const struct perftrace_site_info other = {
        .id = 2, .kind = 7, .name = TEXT("save"), .target = TEXT("store")};
    char begin[24], end[24], renamed[24], flow[24];
    struct perftrace_item item = span_item(PERFTRACE_ITEM_ASYNC_BEGIN, 0, &call);
    item.id = 0x2a;
    give(item);
    const char *text = written();
    assert_non_null(strstr(text, "\"ph\":\"b\",\"ts\":0.000,\"pid\":42,\"tid\":43,\"id\":\"0x"));
    copy_id(text, "\"id\":\"", begin);
    assert_string_equal(begin + strlen(begin) - 8, "0000002a");
    item.kind = PERFTRACE_ITEM_ASYNC_END;
    give(item);
    text = written();
    assert_non_null(strstr(text, "\"ph\":\"e\""));
    copy_id(text, "\"id\":\"", end);
    assert_string_equal(begin, end);
    item.site = &other;
    give(item);
    copy_id(written(), "\"id\":\"", renamed);
    assert_string_not_equal(begin, renamed);
    item.kind = PERFTRACE_ITEM_FLOW_BEGIN;
    give(item);
    text = written();
    assert_non_null(strstr(text, "\"ph\":\"s\""));
    copy_id(text, "\"id\":\"", flow);
    assert_string_equal(flow + strlen(flow) - 8, "0000002a");
    item.kind = PERFTRACE_ITEM_FLOW_STEP;
    give(item);
    assert_non_null(strstr(written(), "\"ph\":\"t\""));
    item.kind = PERFTRACE_ITEM_FLOW_END;
    give(item);
    text = written();
    assert_non_null(strstr(text, "\"ph\":\"f\""));
    assert_non_null(strstr(text, "\",\"bp\":\"e\"}"));
}

static void expect_bytes(enum perftrace_item_kind kind, const struct perftrace_site_info *pool,
                         uint64_t address, uint64_t bytes, const char *expected) {
    give((struct perftrace_item){
        .kind = kind, .site = pool, .track = &worker, .id = address, .bytes = bytes, .time_ns = 0});
    assert_string_equal(written(), expected);
}

#define BYTES(n)                                                                                             \
    "{\"name\":\"heap\",\"cat\":\"a\",\"ph\":\"C\",\"ts\":0.000,\"pid\":42,\"tid\":43,\"args\":{"            \
    "\"bytes\":" n "}}\n"

static void memory_is_the_bytes_that_live(void **state) {
    (void)state;
    open_with(0);
    static const struct perftrace_site_info allocates = {
        .id = 5, .phase = 1, .name = TEXT("heap"), .target = TEXT("a")};
    static const struct perftrace_site_info frees = {
        .id = 6, .phase = 3, .name = TEXT("heap"), .target = TEXT("b")};
    expect_bytes(PERFTRACE_ITEM_ALLOCATE, &allocates, 0x10, 100, BYTES("100"));
    expect_bytes(PERFTRACE_ITEM_ALLOCATE, &allocates, 0x20, 11, BYTES("111"));
    expect_bytes(PERFTRACE_ITEM_FREE, &frees, 0x10, 0, BYTES("11"));
    expect_bytes(PERFTRACE_ITEM_FREE, &frees, 0x10, 0, "");                 /* not there any more */
    expect_bytes(PERFTRACE_ITEM_FREE, &frees, 0, 0, "");                    /* free(NULL) */
    expect_bytes(PERFTRACE_ITEM_ALLOCATE, &allocates, 0, 5, "");            /* an allocation that failed */
    expect_bytes(PERFTRACE_ITEM_ALLOCATE, &allocates, 0x20, 5, BYTES("5")); /* its end was lost */
    expect_bytes(PERFTRACE_ITEM_ALLOCATE, &allocates, 0x10, 1, BYTES("6"));
}

static void too_many_allocations_are_told_once(void **state) {
    (void)state;
    open_with(0);
    size_t told = 0;
    for (uint64_t address = 1; address <= (1 << 20) + 2; address++) {
        give((struct perftrace_item){
            .kind = PERFTRACE_ITEM_ALLOCATE, .site = &site, .track = &worker, .id = address, .bytes = 1});
        told += strstr(written(), "too many live allocations") != NULL;
    }
    assert_int_equal(told, 1);
}

static void tracks_get_ids_of_their_own(void **state) {
    (void)state;
    info.executable = (struct perftrace_text)TEXT("/bin/x");
    open_with(0);
    struct perftrace_track_info track = {
        .id = 1, .kind = PERFTRACE_ON_THREAD, .os_id = 43, .name = TEXT("a\nb")};
    struct perftrace_item item = {.kind = PERFTRACE_ITEM_TRACK, .track = &track};
    give(item);
    assert_string_equal(
        written(),
        "{\"name\":\"process_name\",\"ph\":\"M\",\"pid\":42,\"tid\":0,\"args\":{\"name\":\"/bin/x\"}}\n"
        "{\"name\":\"thread_sort_index\",\"ph\":\"M\",\"pid\":42,\"tid\":43,\"args\":{\"sort_index\":1}}\n"
        "{\"name\":\"thread_name\",\"ph\":\"M\",\"pid\":42,\"tid\":43,\"args\":{\"name\":\"a\\nb\"}}\n");
    /* The kernel has used the id again. */
    track.id = 2;
    track.name = (struct perftrace_text)EMPTY;
    give(item);
    assert_string_equal(written(),
                        "{\"name\":\"thread_sort_index\",\"ph\":\"M\",\"pid\":42,\"tid\":1000000002,\"args\":"
                        "{\"sort_index\":2}}\n");
    /* Renamed; and the process as well. */
    track.name = (struct perftrace_text)TEXT("c");
    info.process_name = (struct perftrace_text)TEXT("x");
    give(item);
    assert_string_equal(
        written(),
        "{\"name\":\"process_name\",\"ph\":\"M\",\"pid\":42,\"tid\":0,\"args\":{\"name\":\"x\"}}\n"
        "{\"name\":\"thread_name\",\"ph\":\"M\",\"pid\":42,\"tid\":1000000002,\"args\":{\"name\":\"c\"}}\n");
}

/* The JSON strings in an event must be closed and its braces balanced. */
static void check_whole(const char *text) {
    int depth = 0;
    bool quoted = false;
    for (; *text != '\n'; text++) {
        assert_int_not_equal(*text, '\0');
        if (quoted && *text == '\\')
            text++;
        else if (*text == '"')
            quoted = !quoted;
        else if (!quoted)
            depth += (*text == '{') - (*text == '}');
    }
    assert_false(quoted);
    assert_int_equal(depth, 0);
}

static void events_stay_within_the_limit(void **state) {
    (void)state;
    static char filler[70000];
    struct perftrace_value values[24];
#ifdef PERFTRACE_SANITIZED
    const size_t longest = 5000; /* a sanitizer looks at each of the millions of bytes: that is minutes */
#else
    const size_t longest = sizeof filler - 1;
#endif
    const size_t lengths[] = {0, 5, 40, 100, 200, 512, longest};
    static const char fillers[] = {'a', '\x01', '\xff', '"'};
    for (size_t limit = 1024; limit <= 4000; limit += 2976)
        for (size_t kind = 0; kind < sizeof fillers; kind++)
            for (size_t name = 0; name < 7; name++)
                for (size_t length = 0; length < 7; length++) {
                    memset(filler, fillers[kind], sizeof filler - 1);
                    const struct perftrace_argument_info argument = {{filler, lengths[length]}, 5, false};
                    const struct perftrace_site_info long_site = {
                        .id = 3, .name = {filler, lengths[name]}, .target = {filler, lengths[name]}};
                    const struct perftrace_track_info track = {
                        .id = UINT32_MAX, .kind = PERFTRACE_ON_GPU, .name = {filler, lengths[length]}};
                    for (size_t i = 0; i < 24; i++)
                        values[i] = (struct perftrace_value){.argument = &argument,
                                                             .type = PERFTRACE_TYPE_STRING,
                                                             .text = {filler, lengths[length]}};
                    info.pid = UINT32_MAX;
                    info.process_name = long_site.name;
                    open_with(limit);
                    struct perftrace_item item = {.kind = PERFTRACE_ITEM_EVENT,
                                                  .site = &long_site,
                                                  .track = &track,
                                                  .time_ns = UINT64_MAX,
                                                  .value_count = 24,
                                                  .values = values};
                    give(item);
                    item.kind = PERFTRACE_ITEM_COUNTER;
                    give(item);
                    const struct perftrace_call call = {.site = &long_site,
                                                        .parameter_count = 12,
                                                        .parameters = values,
                                                        .metric_count = 12,
                                                        .metrics = values + 12,
                                                        .at_end = true};
                    item.kind = PERFTRACE_ITEM_SPAN_END;
                    item.call = &call;
                    give(item);
                    for (const char *at = written(); *at != '\0'; at = strchr(at, '\n') + 1)
                        check_whole(at);
                    perftrace_chrome_close(chrome);
                    chrome = NULL;
                    assert_true(recorder.longest <= limit);
                }
    assert_true(recorder.longest > 3000); /* cut no more than needed */
}

static void a_cut_name_is_the_same_on_begin_and_end(void **state) {
    (void)state;
    static char filler[3000];
    memset(filler, 'n', sizeof filler);
    const struct perftrace_argument_info argument = {{filler, 100}, 5, false};
    const struct perftrace_site_info long_site = {.id = 4, .name = {filler, 3000}, .target = EMPTY};
    struct perftrace_value values[24];
    for (size_t i = 0; i < 24; i++)
        values[i] = (struct perftrace_value){
            .argument = &argument, .type = PERFTRACE_TYPE_STRING, .text = {filler, 512}};
    const struct perftrace_call call = {.site = &long_site, .parameter_count = 24, .parameters = values};
    open_with(4000);
    struct perftrace_item item = span_item(PERFTRACE_ITEM_ASYNC_BEGIN, 0, &call);
    item.site = &long_site;
    give(item);
    char begin[1200];
    const char *text = written();
    size_t length = (size_t)(strstr(text, "\"ph\"") - text);
    assert_true(length < sizeof begin && length > 900);
    memcpy(begin, text, length);
    item.kind = PERFTRACE_ITEM_ASYNC_END;
    give(item);
    assert_memory_equal(written(), begin, length);
}

/* Texts are looked at many bytes at a time: what is to be escaped has to be found wherever it stands, and whatever is beside it. The
 * text has a block of memory to itself, so that sanitizers see what is read beyond it. */
static void texts_are_escaped_wherever_it_is_needed(void **state) {
    (void)state;
    static const char bytes[] = {'a', ' ',  '~',  '!',  '#',  '[',    ']',
                                 '"', '\\', '\n', 0x1f, 0x7f, '\x80', '\xff'};
    struct perftrace_buffer expected = {0};
    open_with(0);
    for (size_t length = 1; length <= 50; length++)
        for (size_t at = 0; at < length * sizeof bytes; at++) {
            char *text = malloc(length);
            assert_non_null(text);
            for (size_t i = 0; i < length; i++)
                text[i] = (char)('a' + i % 26);
            text[at % length] = bytes[at / length];
            const struct perftrace_value value = {
                .argument = &arguments[0], .type = PERFTRACE_TYPE_STRING, .text = {text, length}};
            const struct perftrace_call call = {.site = &site, .parameter_count = 1, .parameters = &value};
            give(span_item(PERFTRACE_ITEM_SPAN_END, 0, &call));
            expected.length = 0;
            perftrace_buffer_text(&expected, "\"args\":{\"part_id\":");
            perftrace_buffer_json(&expected, value.text, 0);
            perftrace_buffer_add(&expected, "}}\n", 4);
            assert_string_equal(strstr(written(), "\"args\""), expected.bytes);
            free(text);
        }
    free(expected.bytes);
}

static void a_failed_write_is_passed_on(void **state) {
    (void)state;
    open_with(0);
    const struct perftrace_call call = {.site = &site};
    const struct perftrace_item item = span_item(PERFTRACE_ITEM_SPAN_END, 0, &call);
    recorder.result = -28;
    assert_int_equal(perftrace_chrome_item(chrome, &item), -28);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(spans_become_complete_events, setup, teardown),
        cmocka_unit_test_setup_teardown(equal_times_are_kept_apart, setup, teardown),
        cmocka_unit_test_setup_teardown(overlapping_spans_get_lanes, setup, teardown),
        cmocka_unit_test_setup_teardown(what_was_open_at_the_end_is_marked, setup, teardown),
        cmocka_unit_test_setup_teardown(values_are_what_javascript_can_hold, setup, teardown),
        cmocka_unit_test_setup_teardown(counters_are_series, setup, teardown),
        cmocka_unit_test_setup_teardown(frames_are_numbered_and_timed, setup, teardown),
        cmocka_unit_test_setup_teardown(equal_ids_of_different_names_differ, setup, teardown),
        cmocka_unit_test_setup_teardown(memory_is_the_bytes_that_live, setup, teardown),
        cmocka_unit_test_setup_teardown(too_many_allocations_are_told_once, setup, teardown),
        cmocka_unit_test_setup_teardown(tracks_get_ids_of_their_own, setup, teardown),
        cmocka_unit_test_setup_teardown(events_stay_within_the_limit, setup, teardown),
        cmocka_unit_test_setup_teardown(a_cut_name_is_the_same_on_begin_and_end, setup, teardown),
        cmocka_unit_test_setup_teardown(texts_are_escaped_wherever_it_is_needed, setup, teardown),
        cmocka_unit_test_setup_teardown(a_failed_write_is_passed_on, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
