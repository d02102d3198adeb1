/* reader/chrome_json*.c: which items the events of Chrome's format become, in which order, and what is told of those that make
 * no sense. */
#define _GNU_SOURCE /* memfd_create */
#include "../../core/text.h"
#include "../../reader/chrome_json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

/* ---- reading a text ------------------------------------------------------------------------------- */

/* What the reader said, in order. Each end of a span: "number name<caller[^parent] p=v / m=v @start+elapsed-children;". */
struct told {
    struct perftrace_buffer text;
    uint64_t complaints, first_byte;
    char complaint[256]; /* the first */
    bool begins;         /* tell of these, too */
};

static void on_damage(void *context, const struct perftrace_error_info *what) {
    struct told *told = context;
    assert_true(strlen(what->message) > 10);
    if (told->complaints++ == 0) {
        told->first_byte = what->byte_offset;
        snprintf(told->complaint, sizeof told->complaint, "%s", what->message);
    }
}

static void add(struct told *told, const char *format, ...) {
    char text[256];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    perftrace_buffer_text(&told->text, text);
}

static void add_values(struct told *told, size_t count, const struct perftrace_value *values, bool metric) {
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(values[i].argument->metric, metric);
        add(told, " ");
        perftrace_buffer_visible(&told->text, values[i].argument->name);
        add(told, "%c", "?:::&\"="[values[i].type]);
        perftrace_buffer_value(&told->text, &values[i]);
    }
}

static void add_call(struct told *told, const struct perftrace_item *item) {
    const struct perftrace_call *call = item->call;
    bool begin = item->kind == PERFTRACE_ITEM_SPAN_BEGIN || item->kind == PERFTRACE_ITEM_ASYNC_BEGIN;
    if (begin && !told->begins)
        return;
    add(told, "%s%llu ", begin ? ">" : "", (unsigned long long)call->number);
    perftrace_buffer_visible(&told->text, call->site->name);
    add(told, "<");
    perftrace_buffer_visible(&told->text, call->caller);
    if (call->parent_number != 0)
        add(told, "^%llu", (unsigned long long)call->parent_number);
    add_values(told, call->parameter_count, call->parameters, false);
    add(told, " /");
    add_values(told, call->metric_count, call->metrics, true);
    add(told, " @%llu+%llu-%llu%s%s%s;", (unsigned long long)call->start_ns,
        (unsigned long long)call->elapsed_ns, (unsigned long long)call->children_ns, call->async ? "a" : "",
        call->unfinished ? "u" : "", call->at_end ? "e" : "");
}

static void add_item(struct told *told, const struct perftrace_item *item) {
    static const char *const names[] = {"",         "", "", "event",      "counter",
                                        "frame",    "", "", "flow begin", "flow step",
                                        "flow end", "", "", "track"};
    if (item->call != NULL) {
        add_call(told, item);
        return;
    }
    if (item->kind == PERFTRACE_ITEM_TRACK) {
        if (item->track->name.length == 0)
            return;
        add(told, "track %llu ", (unsigned long long)item->track->os_id);
        perftrace_buffer_visible(&told->text, item->track->name);
    } else {
        add(told, "%s ", names[item->kind]);
        perftrace_buffer_visible(&told->text, item->site->name);
        add_values(told, item->value_count, item->values, false);
        if (item->id != 0)
            add(told, " #%llu", (unsigned long long)item->id);
        add(told, " @%llu", (unsigned long long)item->time_ns);
    }
    add(told, ";");
}

/* Reads it through a descriptor that gives at most `piece` bytes at once (0: a file), of which `first` are there already. */
static struct told read_pieces(const char *text, size_t length, size_t first, size_t hold,
                               struct perftrace_trace_info *info) {
    struct told told = {0};
    int fd = memfd_create("json", MFD_CLOEXEC);
    assert_true(fd >= 0 && write(fd, text, length) == (ssize_t)length &&
                lseek(fd, (off_t)first, SEEK_SET) >= 0);
    struct perftrace_reader_options options = {.on_damage = on_damage, .context = &told};
    struct perftrace_error_info error;
    struct perftrace_chrome_json *json =
        perftrace_chrome_json_open(fd, text, first, UINT64_MAX, &options, &error);
    assert_non_null(json);
    if (hold != 0)
        perftrace_chrome_json_hold(json, hold);
    const struct perftrace_item *item;
    while ((item = perftrace_chrome_json_next(json)) != NULL)
        add_item(&told, item);
    assert_null(perftrace_chrome_json_error(json));
    if (info != NULL) {
        *info = *perftrace_chrome_json_info(json);
        info->process_name = (struct perftrace_text){"", 0};
    }
    perftrace_buffer_add(&told.text, "", 1);
    perftrace_chrome_json_close(json);
    return told;
}

static void reads(const char *text, const char *expected, uint64_t complaints) {
    size_t length = strlen(text);
    for (size_t first = 0; first <= length; first += 1 + length / 7) {
        struct told told = read_pieces(text, length, first, 0, NULL);
        assert_string_equal(told.text.bytes, expected);
        if (told.complaints != complaints)
            print_error("%s\n", told.complaint);
        assert_int_equal(told.complaints, complaints);
        free(told.text.bytes);
    }
}

#define SPAN(name, ts, dur)                                                                                  \
    "{\"name\":\"" name "\",\"ph\":\"X\",\"pid\":1,\"tid\":2,\"ts\":" #ts ",\"dur\":" #dur "}"
#define BEGIN(name, ts) "{\"name\":\"" name "\",\"ph\":\"B\",\"pid\":1,\"tid\":2,\"ts\":" #ts "}"
#define END(name, ts) "{\"name\":\"" name "\",\"ph\":\"E\",\"pid\":1,\"tid\":2,\"ts\":" #ts "}"

/* ---- forms ---------------------------------------------------------------------------------------- */

static void forms_of_files(void **state) {
    (void)state;
    static const char one[] = "1 a<unknown / @1000+2000-0;";
    reads("[" SPAN("a", 1, 2) "]", one, 0);
    reads("\xef\xbb\xbf \n[\n" SPAN("a", 1, 2) ",\n", one, 0);
    reads("[" SPAN("a", 1, 2), one, 0);
    reads("{\"traceEvents\":[" SPAN("a", 1, 2) "]}", one, 0);
    reads(
        "{ \"x\" : [1,{\"y\":\"]}\\\"\"}], \"n\":null, \"traceEvents\" : [ " SPAN(
            "a", 1,
            2) " , ] , \"displayTimeUnit\":\"ms\",\"z\":{\"traceEvents\":[{\"ph\":\"X\"}]},\"k\":-1.5e3 }\n",
        one, 0);
    reads(SPAN("a", 1, 2) "\n" SPAN("b", 4, 1) "\n", "1 a<unknown / @1000+2000-0;2 b<unknown / @4000+1000-0;",
          0);
    reads("[]", "", 0);
    reads("{\"traceEvents\":[]}", "", 0);
    reads("{}", "", 1);
    reads("{\"name\":\"a package\",\"version\":[1,2]}", "", 1);
}

static void members_of_events(void **state) {
    (void)state;
    reads(
        "[{\"dur\":\"2.0005\",\"ts\":\"1e3\",\"tid\":\"main\",\"ph\":\"X\",\"cat\":null,\"zzz\":[{}],"
        "\"name\":\"a\"}]",
        "track 0 main;1 a<unknown / @1000000+2001-0;", 0);
    reads("[{\"ph\":\"X\",\"ts\":0.0015,\"dur\":0.25,\"name\":\"\\u00e9\\ud83d\\ude00\\ud800\\n\\q\\/\"}]",
          "1 \xc3\xa9\xf0\x9f\x98\x80\xef\xbf\xbd\\x0a\\q/<unknown / @2+250-0;", 0);
    reads(
        "[{\"ph\": \"i\", \"ts\": 123456789.01, \"tts\":\"1\", \"tdur\":1e3, \"name\": \"a\"},"
        "{\"ph\":\"i\",\"tts\":5,\"ts\":12345678901234.567,\"tdur\":7.25,\"name\":\"b\"}]",
        "event a @123456789010;event b @12345678901234567;", 0);
    reads("[{\"ph\":\"X\",\"ph\":\"i\",\"ts\":1,\"ts\":2,\"name\":\"a\",\"name\":\"b\"}]", "event b @2000;",
          0);
}

static void arguments_of_all_types(void **state) {
    (void)state;
    reads(
        "[{\"name\":\"a\",\"ph\":\"X\",\"ts\":1,\"dur\":1,\"args\":{\"i\":-5,\"u\":18446744073709551615,"
        "\"big\":123456789012345678901234567890,\"d\":0.1,\"e\":1E3,\"huge\":1e999,\"t\":true,\"f\":false,"
        "\"n\":null,\"s\":\"x|\\\"y\\u0000z\",\"o\":{\"k\":[1,\"}\"]},\"l\":[ ],\"\":\"\",\"i\":6}}]",
        "1 a<unknown i:-5 u:18446744073709551615 big\"123456789012345678901234567890 d:0.1 e:1000 "
        "huge\"1e999 "
        "t&true f&false n\"(null) s\"x|\"y\\x00z o\"{\"k\":[1,\"}\"]} l\"[ ] \" i:6 / @1000+1000-0;",
        0);
    reads(
        "[{\"name\":\"a\",\"ph\":\"X\",\"ts\":1,\"dur\":1,\"args\":[1,2]},{\"name\":\"b\",\"ph\":\"i\","
        "\"ts\":9,\"args\":\"text\"}"
        ",{\"name\":\"c\",\"ph\":\"i\",\"ts\":9,\"args\":null}]",
        "1 a<unknown args\"[1,2] / @1000+1000-0;event b args\"text @9000;event c @9000;", 0);
}

/* As core/chrome_event.c writes them. */
static void our_own_files(void **state) {
    (void)state;
    reads(
        "[{\"name\":\"a\",\"cat\":\"t\",\"ph\":\"X\",\"ts\":1.000,\"pid\":1,\"tid\":2,\"dur\":2.500,\"args\":"
        "{\"p\":1,\"m\":2,"
        "\"n\":3},\"metrics\":2},"
        "{\"name\":\"a\",\"cat\":\"t\",\"ph\":\"X\",\"ts\":9.000,\"pid\":1,\"tid\":2,\"dur\":2.500,\"args\":{"
        "\"unfinished\":true,"
        "\"p\":1},\"metrics\":0}]",
        "1 a<unknown p:1 / m:2 n:3 @1000+2500-0;2 a<unknown p:1 / @9000+2500-0ue;", 0);
}

/* ---- nesting -------------------------------------------------------------------------------------- */

/* a holds b and d, b holds c; e follows. In whatever order they stand. */
static void any_order(void **state) {
    (void)state;
    static const char *const spans[] = {SPAN("a", 0, 100), SPAN("b", 10, 20), SPAN("c", 12, 5),
                                        SPAN("d", 30, 70), SPAN("e", 100, 1)};
    static const char expected[] =
        "3 c<b^2 / @12000+5000-0;2 b<a^1 / @10000+20000-5000;4 d<a^1 / @30000+70000-0;"
        "1 a<unknown / @1+100000-90000;5 e<unknown / @100000+1000-0;";
    unsigned order[5] = {0, 1, 2, 3, 4};
    for (unsigned i = 0; i < 120; i++) { /* all permutations */
        unsigned rest[5] = {0, 1, 2, 3, 4}, left = 5, number = i;
        for (unsigned at = 0; at < 5; at++, left--) {
            unsigned which = number % left;
            number /= left;
            order[at] = rest[which];
            memmove(rest + which, rest + which + 1, (left - which - 1) * sizeof *rest);
        }
        char text[1024];
        snprintf(text, sizeof text, "[%s,%s,%s,%s,%s]", spans[order[0]], spans[order[1]], spans[order[2]],
                 spans[order[3]], spans[order[4]]);
        reads(text, expected, 0);
    }
}

/* Of spans of the same time the file's order tells which one holds the other. */
static void same_times(void **state) {
    (void)state;
    reads("[" SPAN("a", 0, 9) "," SPAN("b", 1, 5) "," SPAN("c", 1, 5) "]",
          "3 c<b^2 / @1000+5000-0;2 b<a^1 / @1000+5000-5000;1 a<unknown / @1+9000-5000;", 0);
    reads("[" SPAN("c", 1, 5) "," SPAN("b", 1, 5) "," SPAN("a", 0, 9) "]",
          "3 c<b^2 / @1000+5000-0;2 b<a^1 / @1000+5000-5000;1 a<unknown / @1+9000-5000;", 0);
}

/* Whole microseconds that were cut off: 11.5 to 12.94 within 10 to 12.95. */
static void cut_off_times(void **state) {
    (void)state;
    reads("[" SPAN("a", 10, 1) "," SPAN("b", 10, 2) "]",
          "2 a<b^1 / @10000+1000-0;1 b<unknown / @10000+2000-1000;", 0);
    reads("[" SPAN("p", 10, 2) "," SPAN("q", 11, 2) "]",
          "2 q<p^1 / @11000+2000-0;1 p<unknown / @10000+2000-2000;", 0);
    reads("[" SPAN("p", 10.5, 2) "," SPAN("q", 11, 3) "]",
          "1 p<unknown / @10500+2000-0;2 q<unknown / @11000+3000-0a;", 1);
}

static void overlapping_spans(void **state) {
    (void)state;
    reads("[" SPAN("a", 0, 100) "," SPAN("b", 10, 20) "," SPAN("c", 20, 30) "," SPAN("d", 25, 5) "]",
          "4 d<b^2 / @25000+5000-0;2 b<a^1 / @10000+20000-5000;3 c<a^1 / @20000+30000-0a;"
          "1 a<unknown / @1+100000-20000;",
          1);
}

static void begins_and_ends(void **state) {
    (void)state;
    reads("[" BEGIN("a", 1) "," BEGIN("b", 2) "," SPAN("x", 3, 1) "," END(
              "b", 5) ",{\"ph\":\"E\",\"pid\":1,\"tid\":2,\"ts\":9}]",
          "3 x<b^2 / @3000+1000-0;2 b<a^1 / @2000+3000-1000;1 a<unknown / @1000+8000-3000;", 0);
    /* b was jumped out of; nothing ends c; nothing began d. */
    reads("[" BEGIN("a", 1) "," BEGIN("b", 2) "," END("a", 5) "," BEGIN("c", 6) "," SPAN("x", 7, 1) "," END(
              "d", 9) "]",
          "2 b<a^1 / @2000+3000-0u;1 a<unknown / @1000+4000-3000;4 x<c^3 / @7000+1000-0;"
          "3 c<unknown / @6000+3000-1000ue;",
          1);
    /* Pieces of one thread in the wrong order. */
    reads("[" BEGIN("b", 10) "," END("b", 12) "," END("a", 15) "," BEGIN("a", 1) "," BEGIN("c", 2) "," END(
              "c", 3) "]",
          "2 c<a^1 / @2000+1000-0;3 b<a^1 / @10000+2000-0;1 a<unknown / @1000+14000-3000;", 0);
    /* Arguments of the end are metrics. */
    reads(
        "[{\"name\":\"a\",\"ph\":\"B\",\"ts\":1,\"args\":{\"p\":1}},{\"ph\":\"E\",\"ts\":2,\"args\":{\"p\":2,"
        "\"q\":\"x\"}}]",
        "1 a<unknown p:1 / p:2 q\"x @1000+1000-0;", 0);
}

static void durations_that_are_none(void **state) {
    (void)state;
    reads("[" SPAN("a", 1, -2) "," SPAN(
              "b", 2, "x") ",{\"name\":\"c\",\"ph\":\"X\",\"ts\":3,\"pid\":1,\"tid\":2}," SPAN("d", 4, 5) "]",
          "1 a<unknown / @1000+0-0;2 b<unknown / @2000+0-0;4 d<c^3 / @4000+5000-0;3 c<unknown / "
          "@3000+6000-5000ue;",
          1);
    reads(
        "[{\"name\":\"a\",\"ph\":\"X\",\"dur\":3},{\"ts\":5,\"name\":\"b\"},{\"name\":\"c\",\"ph\":\"i\","
        "\"ts\":1e300}]",
        "", 2);
    reads("[" SPAN("a", -5, 2) "," SPAN("b", 1, 1) "]", "1 a<unknown / @1+2000-0;2 b<unknown / @6000+1000-0;",
          0);
}

static void other_kinds(void **state) {
    (void)state;
    reads(
        "[{\"name\":\"g\",\"ph\":\"C\",\"ts\":1,\"args\":{\"value\":3}},"
        "{\"name\":\"h\",\"ph\":\"C\",\"ts\":2,\"args\":{\"x\":1.5,\"y\":\"z\"}},"
        "{\"name\":\"m\",\"ph\":\"I\",\"ts\":3,\"s\":\"g\",\"args\":{\"k\":1}},{\"name\":\"r\",\"ph\":\"R\","
        "\"ts\":4},"
        "{\"name\":\"f\",\"ph\":\"s\",\"id\":7,\"ts\":5},{\"name\":\"f\",\"ph\":\"t\",\"id\":\"0x7\",\"ts\":"
        "6},"
        "{\"name\":\"f\",\"ph\":\"f\",\"bp\":\"e\",\"id\":7,\"ts\":7}]",
        "counter g value:3 @1000;counter h.x value:1.5 @2000;counter h.y value\"z @2000;event m k:1 "
        "@3000;event r @4000;"
        "flow begin f #7 @5000;flow step f #7 @6000;flow end f #7 @7000;",
        0);
    struct perftrace_trace_info info;
    static const char skipped[] =
        "[{\"ph\":\"P\",\"ts\":1},{\"ph\":\"N\",\"ts\":1},{\"ph\":\"zz\"},{\"ph\":\"M\",\"name\":\"q\"}]";
    struct told told = read_pieces(skipped, strlen(skipped), 0, 0, &info);
    assert_int_equal(info.skipped, 3);
    assert_int_equal(info.records, 4);
    assert_true(info.finished && !info.damaged && told.complaints == 0);
    free(told.text.bytes);
}

static void async_spans(void **state) {
    (void)state;
#define ASYNC(name, ph, id, ts)                                                                              \
    "{\"name\":\"" name "\",\"cat\":\"c\",\"ph\":\"" ph "\",\"pid\":1,\"tid\":2," id ",\"ts\":" #ts "}"
    reads(
        "[" ASYNC("a", "b", "\"id\":1", 1) "," ASYNC("b", "b", "\"id\":\"0x1\"", 2) "," ASYNC(
            "a", "b", "\"id\":2", 3) "," ASYNC("b", "e", "\"id\":1",
                                               4) "," ASYNC("i", "n", "\"id\":1",
                                                            5) "," ASYNC("a", "e", "\"id\":1",
                                                                         6) "," ASYNC("a", "e", "\"id\":2",
                                                                                      7) "]",
        "2 b<unknown / @2000+2000-0a;event i @5000;1 a<unknown / @1000+5000-0a;3 a<unknown / @3000+4000-0a;",
        0);
    /* Legacy ones; the same id in another scope and of another process is another one. */
    reads("[" ASYNC("a", "S", "\"id\":1", 1) "," ASYNC("a", "T", "\"id\":1", 2) "," ASYNC(
              "a", "F", "\"id\":1,\"scope\":\"x\"",
              3) "," ASYNC("a", "F", "\"id\":1", 4) "," ASYNC("l", "b", "\"id2\":{\"local\":\"0x5\"}",
                                                              5) "," ASYNC("l", "e", "\"id\":5", 6) "]",
          "event a @2000;1 a<unknown / @1000+3000-0a;2 l<unknown / @5000+1000-0aue;", 1);
    reads("[" SPAN("f", 0, 10) "," ASYNC("a", "b", "\"id\":1", 1) "," ASYNC("a", "e", "\"id\":1", 20) "]",
          "1 f<unknown / @1+10000-0;2 a<f^1 / @1000+19000-0a;", 0);
}

static void names_of_threads(void **state) {
    (void)state;
#define NAME(what, pid, tid, name)                                                                           \
    "{\"name\":\"" what "\",\"ph\":\"M\",\"pid\":" #pid ",\"tid\":" #tid ",\"args\":{\"name\":\"" name       \
    "\"}"                                                                                                    \
    "}"
    reads("[{\"name\":\"a\",\"ph\":\"X\",\"ts\":1,\"dur\":1,\"pid\":5,\"tid\":6}," NAME(
              "thread_name", 5, 6, "worker") "," NAME("process_name", 5, 6, "P") "]",
          "track 6 worker;1 a<unknown / @1000+1000-0;", 0);
    reads(
        "[{\"name\":\"a\",\"ph\":\"X\",\"ts\":1,\"dur\":1,\"pid\":5,\"tid\":6},{\"name\":\"b\",\"ph\":\"X\","
        "\"ts\":1,\"dur\":1,\"pid\":7,"
        "\"tid\":6}," NAME("thread_name", 5, 6, "worker") "," NAME("process_name", 5, 6, "P") "," NAME(
            "process_name", 7, 0, "Q") "]",
        "track 6 P/worker;track 6 Q;2 b<unknown / @1000+1000-0;1 a<unknown / @1000+1000-0;", 0);
}

/* ---- damage --------------------------------------------------------------------------------------- */

/* Cut at each byte: all events that are whole are read, and what is cut is told of. */
static void cut_anywhere(void **state) {
    (void)state;
    static const char text[] = "{\"a\":{\"b\":[]},\"traceEvents\":[\n" SPAN("a", 1, 1) ",\n" SPAN(
        "b", 2, 1) ",\n" SPAN("c", 3, 1) "\n],\"z\":\"{}\"}";
    for (size_t length = 40; length < sizeof text - 1; length++) {
        struct perftrace_trace_info info;
        struct told told = read_pieces(text, length, 0, 0, &info);
        size_t whole = 0;
        for (const char *at = text; (at = memchr(at, '}', (size_t)(text + length - at))) != NULL; at++)
            whole += strncmp(at - 7, "\"dur\":1", 7) == 0;
        assert_int_equal(info.records, whole);
        assert_false(info.finished);
        assert_int_equal(told.complaints, 1);
        assert_true(strstr(told.complaint, "cut off at byte") != NULL);
        free(told.text.bytes);
    }
}

/* Any byte replaced by any of these: events that it does not touch are there. */
static void one_byte_wrong(void **state) {
    (void)state;
    static const char text[] = "{\"traceEvents\":[\n" SPAN("a", 1, 1) ",\n" SPAN("b", 3, 1) ",\n" SPAN(
        "c", 5, 1) ",\n" SPAN("d", 7, 1) "\n]}";
    static const char others[] = "{}[]\",:\\x \n0";
    char changed[sizeof text];
    const char *b = strstr(text, "{\"name\":\"b"), *c = strstr(text, "{\"name\":\"c");
    for (const char *at = b; at < c - 2; at++) {
        for (const char *other = others; other < others + sizeof others; other++) { /* with the zero */
            memcpy(changed, text, sizeof text);
            changed[at - text] = *other;
            struct told told = read_pieces(changed, sizeof text - 1, 0, 0, NULL);
            bool fine = strstr(told.text.bytes, " a<unknown / @1000+1000") &&
                        strstr(told.text.bytes, " c<") && strstr(told.text.bytes, " / @7000+1000-0;");
            if (!fine)
                print_error("%s\n%s\n", changed, told.text.bytes);
            assert_true(fine);
            free(told.text.bytes);
        }
    }
    struct told told = read_pieces(text, sizeof text - 1, 0, 0, NULL);
    assert_int_equal(told.complaints, 0);
    free(told.text.bytes);
}

static void where_damage_is_told(void **state) {
    (void)state;
    static const char text[] = "[" SPAN("a", 1, 1) ",{\"name\":\"b\"\"ph\":\"X\"}," SPAN("c", 3, 1) "]";
    struct perftrace_trace_info info;
    struct told told = read_pieces(text, sizeof text - 1, 0, 0, &info);
    assert_string_equal(told.text.bytes, "1 a<unknown / @1000+1000-0;2 c<unknown / @3000+1000-0;");
    assert_int_equal(told.first_byte, strstr(text, "{\"name\":\"b") - text);
    assert_true(info.damaged && info.finished);
    assert_int_equal(info.damaged_bytes, strstr(text, "{\"name\":\"c") - strstr(text, "{\"name\":\"b"));
    free(told.text.bytes);
}

/* ---- calls in brief ------------------------------------------------------------------------------- */

/* Calls, filled, are what the ends of spans say; and of those with the same key, what was left out is the same. */
static void calls_in_brief(void **state) {
    (void)state;
    struct perftrace_buffer text = {0};
    perftrace_buffer_text(
        &text,
        "[{\"name\":\"own\",\"ph\":\"X\",\"ts\":0,\"dur\":3,\"args\":{\"p\":1,\"m\":2},\"metrics\":1},");
    for (unsigned i = 0; i < 3000; i++) {
        char event[300];
        snprintf(event, sizeof event,
                 "{\"name\":\"b\",\"ph\":\"B\",\"pid\":1,\"tid\":2,\"ts\":%u},{\"name\":\"x\",\"ph\":\"X\","
                 "\"pid\":1,\"tid\":2,\"ts\":%u,\"dur\":1,\"args\":{\"i\":%u}},"
                 "{\"ph\":\"E\",\"pid\":1,\"tid\":2,\"ts\":%u,\"args\":{\"n\":%u}},",
                 10 * i + 10, 10 * i + 11, i % 3, 10 * i + 15, i);
        perftrace_buffer_text(&text, event);
    }
    perftrace_buffer_text(
        &text, "{\"name\":\"e\",\"ph\":\"i\",\"ts\":5,\"args\":{\"k\":1}}," BEGIN("open", 50000) "]");
    struct told items = read_pieces(text.bytes, text.length, 0, 0, NULL);
    for (int hold = 0; hold < 2; hold++) {
        struct told told = {0};
        struct perftrace_error_info error;
        int fd = memfd_create("json", MFD_CLOEXEC);
        assert_true(fd >= 0);
        struct perftrace_chrome_json *json =
            perftrace_chrome_json_open(fd, text.bytes, text.length, UINT64_MAX, NULL, &error);
        if (hold != 0)
            perftrace_chrome_json_hold(json, 400 << 10);
        struct perftrace_call *calls;
        struct perftrace_call first[3] = {0}; /* of x, by what i is */
        size_t count;
        while ((count = perftrace_chrome_json_calls(json, &calls)) > 0)
            for (size_t i = 0; i < count; i++) {
                struct perftrace_call *call = &calls[i];
                assert_true(call->brief && (call->key[0] | call->key[1]) != 0);
                struct perftrace_call again = *call;
                assert_true(perftrace_chrome_json_fill(json, call, NULL));
                const struct perftrace_item item = {.kind = PERFTRACE_ITEM_SPAN_END, .call = call};
                add_call(&told, &item);
                if (strcmp(call->site->name.bytes, "x") != 0)
                    continue;
                struct perftrace_call *same = &first[call->parameters[0].i];
                assert_true(perftrace_chrome_json_fill(json, &again, call->site));
                assert_true(again.site == call->site && again.track == call->track);
                if (same->site == NULL)
                    *same = *call;
                assert_true(same->site == call->site && same->parent_site == call->parent_site);
                assert_memory_equal(same->key, call->key, sizeof call->key);
            }
        assert_true(first[0].key[0] != first[1].key[0] && first[1].key[1] != first[2].key[1]);
        perftrace_buffer_add(&told.text, "", 1);
        const char *event = strstr(items.text.bytes, "event ");
        size_t before = (size_t)(event - items.text.bytes);
        assert_memory_equal(told.text.bytes, items.text.bytes, before);
        assert_string_equal(told.text.bytes + before, strchr(event, ';') + 1);
        free(told.text.bytes);
        perftrace_chrome_json_close(json);
    }
    free(items.text.bytes);
    free(text.bytes);
}

/* ---- much ----------------------------------------------------------------------------------------- */

/* What waits for its order is handed out in pieces: a file in order is read all the same. */
static void handed_out_in_pieces(void **state) {
    (void)state;
    enum { SPANS = 20000 };
    struct perftrace_buffer text = {0};
    perftrace_buffer_text(&text, "[" BEGIN("main", 0));
    for (unsigned i = 0; i < SPANS; i++) {
        char event[200];
        snprintf(
            event, sizeof event,
            ",{\"name\":\"%s\",\"ph\":\"X\",\"pid\":1,\"tid\":%u,\"ts\":%u,\"dur\":%d,\"args\":{\"i\":%u}}",
            i % 4 < 2 ? "outer" : "inner", 2 + i % 2, 10 + i * 10, i % 4 < 2 ? 35 : 5, i);
        perftrace_buffer_text(&text, event);
    }
    perftrace_buffer_text(&text, ",{\"ph\":\"E\",\"pid\":1,\"tid\":2,\"ts\":900000}]");
    struct told whole = read_pieces(text.bytes, text.length, 0, 0, NULL);
    struct told pieces = read_pieces(text.bytes, text.length, 0, 1200 << 10, NULL);
    assert_int_equal(pieces.complaints, 0);
    assert_string_equal(pieces.text.bytes, whole.text.bytes);
    assert_non_null(strstr(whole.text.bytes, "inner<outer^"));
    assert_non_null(strstr(whole.text.bytes, "outer<main^1 i:4 / "));
    assert_non_null(strstr(whole.text.bytes, ";1 main<unknown / @1+900000000-175000000;"));
    free(whole.text.bytes);
    free(pieces.text.bytes);
    free(text.bytes);
}

/* One that is not, is told of. */
static void too_late_for_the_memory(void **state) {
    (void)state;
    struct perftrace_buffer text = {0};
    perftrace_buffer_text(&text, "[");
    for (unsigned i = 0; i < 20000; i++) {
        char event[200];
        snprintf(event, sizeof event, "{\"name\":\"in\",\"ph\":\"X\",\"ts\":%u,\"dur\":5},", 10 + i * 10);
        perftrace_buffer_text(&text, event);
    }
    perftrace_buffer_text(&text, "{\"name\":\"all\",\"ph\":\"X\",\"ts\":1,\"dur\":900000}]");
    struct told told = read_pieces(text.bytes, text.length, 0, 1200 << 10, NULL);
    assert_int_equal(told.complaints, 1);
    assert_non_null(strstr(told.complaint, "1 events stand too far"));
    assert_non_null(strstr(told.text.bytes, " all<unknown / @1000+900000000-0a;"));
    free(told.text.bytes);
    told = read_pieces(text.bytes, text.length, 0, 0, NULL);
    assert_int_equal(told.complaints, 0);
    assert_non_null(strstr(told.text.bytes, ";1 all<unknown / @1000+900000000-100000000;"));
    free(told.text.bytes);
    free(text.bytes);
}

static void deep_and_wide(void **state) {
    (void)state;
    enum { DEEP = 200000 };
    struct perftrace_buffer text = {0};
    perftrace_buffer_text(&text, "[{\"name\":\"a\",\"ph\":\"i\",\"ts\":1,\"args\":{\"x\":");
    for (unsigned i = 0; i < DEEP; i++)
        perftrace_buffer_text(&text, "[");
    for (unsigned i = 0; i < DEEP; i++)
        perftrace_buffer_text(&text, "]");
    perftrace_buffer_text(&text, "}},{\"name\":\"b\",\"ph\":\"i\",\"ts\":2,\"args\":{");
    for (unsigned i = 0; i < 300; i++) {
        perftrace_buffer_text(&text, i > 0 ? ",\"k" : "\"k");
        perftrace_buffer_unsigned(&text, i);
        perftrace_buffer_text(&text, "\":0");
    }
    perftrace_buffer_text(&text, "}}]");
    struct told told = read_pieces(text.bytes, text.length, 0, 0, NULL);
    assert_int_equal(told.complaints, 1); /* 255 arguments at most */
    assert_non_null(strstr(told.complaint, "more arguments"));
    assert_non_null(strstr(told.text.bytes, "k254:0 @2000"));
    free(told.text.bytes);
    free(text.bytes);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(forms_of_files),
        cmocka_unit_test(members_of_events),
        cmocka_unit_test(arguments_of_all_types),
        cmocka_unit_test(our_own_files),
        cmocka_unit_test(any_order),
        cmocka_unit_test(same_times),
        cmocka_unit_test(cut_off_times),
        cmocka_unit_test(overlapping_spans),
        cmocka_unit_test(begins_and_ends),
        cmocka_unit_test(durations_that_are_none),
        cmocka_unit_test(other_kinds),
        cmocka_unit_test(async_spans),
        cmocka_unit_test(names_of_threads),
        cmocka_unit_test(cut_anywhere),
        cmocka_unit_test(one_byte_wrong),
        cmocka_unit_test(where_damage_is_told),
        cmocka_unit_test(calls_in_brief),
        cmocka_unit_test(handed_out_in_pieces),
        cmocka_unit_test(too_late_for_the_memory),
        cmocka_unit_test(deep_and_wide),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
