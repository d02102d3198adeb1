/* Blocks in, items out: what the stream makes of the records of traces made by hand. */
#include "hear_stream.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static void nesting(void **state) {
    (void)state;
    const struct made_argument parameter = {"n", PERFTRACE_TYPE_I64, PERFTRACE_ROLE_PARAMETER};
    const uint64_t words[] = {BEGIN(1, 0, 10), (uint64_t)-5,  BEGIN(2, 1, 20), END(2, 1, 50),
                              BEGIN(2, 1, 60), END(2, 1, 70), END(1, 0, 100)};
    struct perftrace_trace_info info;
    made_site(&made, 1, PERFTRACE_RECORD_BEGIN, 0, "outer", &parameter, 1);
    made_span_site(&made, 2, "inner");
    made_chunk(&made, 1, 0, 0, 1000, WORDS(words));
    made_end(&made, 6);
    assert_string_equal(hear(&info),
                        "B1 outer@1010 d0 <unknown n=-5\n"
                        "B2 inner@1020 d1 <outer\n"
                        "E2 inner@1050 30-0\n"
                        "B3 inner@1060 d1 <outer\n"
                        "E3 inner@1070 10-0\n"
                        "E1 outer@1100 90-40 n=-5\n");
    assert_true(info.finished);
    assert_false(info.damaged);
    assert_int_equal(info.records, 6);
}

/* All of a call is known at its end. */
static void check_call(void *context, const struct perftrace_item *item) {
    unsigned *seen = context;
    if (item->kind != PERFTRACE_ITEM_SPAN_END || item->call->depth != 1)
        return;
    ++*seen;
    assert_int_equal(item->call->parent_number, 1);
    assert_string_equal(item->call->parent_site->name.bytes, "outer");
    assert_string_equal(item->call->site->target.bytes, "demo");
    assert_string_equal(item->call->site->file.bytes, "demo.c");
    assert_string_equal(item->call->site->function.bytes, "main");
    assert_int_equal(item->call->site->line, 12);
    assert_int_equal(item->call->site->kind, 1);
    assert_int_equal(item->call->site->id, 2);
    assert_int_equal(item->call->track->os_id, 4711);
    assert_int_equal(item->call->start_ns, 20);
}

static void calls_are_complete(void **state) {
    (void)state;
    unsigned seen = 0;
    const uint64_t words[] = {BEGIN(1, 0, 10), BEGIN(2, 1, 20), END(2, 1, 50), END(1, 0, 100)};
    made_span_site(&made, 1, "outer");
    made_span_site(&made, 2, "inner");
    made_chunk(&made, 1, 0, 0, 0, WORDS(words));
    struct perftrace_stream *stream =
        perftrace_stream_open(&(struct perftrace_stream_options){.on_item = check_call, .context = &seen});
    assert_int_equal(made_feed(&made, stream), 0);
    assert_int_equal(perftrace_stream_finish(stream), 0);
    assert_int_equal(seen, 1);
    assert_int_equal(perftrace_stream_site_count(stream), 2);
    assert_string_equal(perftrace_stream_site(stream, 1)->name.bytes, "inner");
    assert_null(perftrace_stream_site(stream, 2));
    assert_int_equal(perftrace_stream_track_count(stream), 1);
    assert_null(perftrace_stream_track(stream, 1));
    assert_string_equal(perftrace_stream_info(stream)->process_name.bytes, "demo");
    assert_string_equal(perftrace_stream_info(stream)->executable.bytes, "/bin/demo");
    perftrace_stream_close(stream);
}

/* Spans that were jumped out of end with the last thing known of them, whether a BEGIN or an END tells. */
static void jumped_out(void **state) {
    (void)state;
    const uint64_t words[] = {BEGIN(1, 0, 10), BEGIN(2, 1, 20), BEGIN(2, 2, 30),
                              BEGIN(2, 1, 50), BEGIN(2, 2, 55), END(1, 0, 100)};
    made_span_site(&made, 1, "outer");
    made_span_site(&made, 2, "inner");
    made_chunk(&made, 1, 0, 0, 0, WORDS(words));
    assert_string_equal(hear(NULL),
                        "B1 outer@10 d0 <unknown\n"
                        "B2 inner@20 d1 <outer\n"
                        "B3 inner@30 d2 <inner\n"
                        "E3 inner@30! 0-0\n"
                        "E2 inner@30! 10-0\n"
                        "B4 inner@50 d1 <outer\n"
                        "B5 inner@55 d2 <inner\n"
                        "E5 inner@55! 0-0\n"
                        "E4 inner@55! 5-0\n"
                        "E1 outer@100 90-15\n");
}

static void open_at_the_end(void **state) {
    (void)state;
    const uint64_t words[] = {BEGIN(1, 0, 10), BEGIN(2, 1, 20), END(2, 1, 70)};
    made_span_site(&made, 1, "outer");
    made_span_site(&made, 2, "inner");
    made_chunk(&made, 1, 0, 0, 0, WORDS(words));
    assert_string_equal(hear(NULL),
                        "B1 outer@10 d0 <unknown\n"
                        "B2 inner@20 d1 <outer\n"
                        "E2 inner@70 50-0\n"
                        "E1 outer@70! 60-50\n");
}

/* Ends without beginnings (the one of another site, too) are passed over; gaps in the depth are none. */
static void lost_beginnings(void **state) {
    (void)state;
    const uint64_t words[] = {END(1, 3, 5),  BEGIN(1, 2, 10), BEGIN(2, 5, 20), END(1, 5, 25),
                              END(2, 5, 30), END(2, 4, 35),   END(1, 2, 40)};
    struct perftrace_trace_info info;
    made_span_site(&made, 1, "outer");
    made_span_site(&made, 2, "inner");
    made_lossy_chunk(&made, 1, 0, 0, WORDS(words));
    assert_string_equal(hear(&info),
                        "B1 outer@10 d0 <unknown\n"
                        "B2 inner@20 d1 <outer\n"
                        "E2 inner@30 10-0\n"
                        "E1 outer@40 30-10\n"
                        "? 3 ends of spans whose beginnings are missing were passed over\n");
    assert_false(info.damaged);
    assert_int_equal(info.lost[PERFTRACE_LOSS_FULL], 7);
}

/* A gap of a kind between a begin and an end that might be another span's. */
static const char *hear_gap(uint64_t sequence, uint32_t first_byte, uint32_t flags) {
    const uint64_t before[] = {BEGIN(1, 0, 10), BEGIN(2, 1, 20)};
    const uint64_t behind[] = {END(2, 1, 50), BEGIN(2, 1, 60), END(2, 1, 70), END(1, 0, 80)};
    struct perftrace_block_chunk chunk = {.track = 1,
                                          .sequence = sequence,
                                          .first_byte = first_byte,
                                          .last_byte = first_byte + (uint32_t)sizeof behind,
                                          .flags = flags};
    unsigned char payload[sizeof chunk + sizeof behind];
    hear_tear_down(NULL);
    hear_set_up(NULL);
    memcpy(payload, &chunk, sizeof chunk);
    memcpy(payload + sizeof chunk, behind, sizeof behind);
    made_span_site(&made, 1, "outer");
    made_span_site(&made, 2, "inner");
    made_chunk(&made, 1, 3, 0, 0, WORDS(before));
    made_sync(&made, 30);
    made_block(&made, PERFTRACE_BLOCK_CHUNK, payload, sizeof payload);
    return hear(NULL);
}

static const char without_gap[] =
    "B1 outer@10 d0 <unknown\n"
    "B2 inner@20 d1 <outer\n"
    "E2 inner@50 30-0\n"
    "B3 inner@60 d1 <outer\n"
    "E3 inner@70 10-0\n"
    "E1 outer@80 70-40\n";
static const char with_gap[] =
    "B1 outer@10 d0 <unknown\n"
    "B2 inner@20 d1 <outer\n"
    "E2 inner@20! 0-0\n"
    "E1 outer@20! 10-0\n"
    "B3 inner@60 d0 <unknown\n"
    "E3 inner@70 10-0\n"
    "? 2 ends of spans whose beginnings are missing were passed over\n";

/* Where a chunk does not go on from the one before, what was open is over. */
static void gaps(void **state) {
    (void)state;
    assert_string_equal(hear_gap(3, 16, 0), without_gap);
    assert_string_equal(hear_gap(4, 0, 0), without_gap);
    assert_string_equal(hear_gap(3, 24, 0), with_gap);
    assert_string_equal(hear_gap(4, 8, 0), with_gap);
    assert_string_equal(hear_gap(5, 0, 0), with_gap);
    assert_string_equal(hear_gap(4, 0, PERFTRACE_CHUNK_AFTER_GAP), with_gap);
    assert_string_equal(hear_gap(3, 16, PERFTRACE_CHUNK_AFTER_GAP), with_gap);
}

/* A segment that was left without a record is no gap. */
static void empty_segment(void **state) {
    (void)state;
    made_span_site(&made, 1, "outer");
    made_chunk(&made, 1, 3, 0, 0, (const uint64_t[]){BEGIN(1, 0, 10)}, 1);
    made_chunk(&made, 1, 4, 0, 0, NULL, 0);
    made_chunk(&made, 1, 5, 0, 0, (const uint64_t[]){END(1, 0, 20)}, 1);
    assert_string_equal(hear(NULL),
                        "B1 outer@10 d0 <unknown\n"
                        "E1 outer@20 10-0\n");
}

static void deeper_than_256(void **state) {
    (void)state;
    enum { DEPTH = 1000 };
    uint64_t words[2 * DEPTH];
    for (unsigned i = 0; i < DEPTH; i++) {
        words[i] = BEGIN(1, i, i);
        words[2 * DEPTH - 1 - i] = END(1, i, 2 * DEPTH - i);
    }
    made_span_site(&made, 1, "f");
    made_chunk(&made, 1, 0, 0, 0, WORDS(words));
    const char *text = hear(NULL);
    assert_int_equal(heard.items, 1 + 2 * DEPTH);
    assert_int_equal(heard.damages, 0);
    assert_null(strchr(text, '!'));
    assert_non_null(strstr(text, "B1000 f@999 d999 <f\nE1000 f@1001 2-0\n"));
    assert_non_null(strstr(text, "E1 f@2000 2000-1998\n"));
}

static void metrics(void **state) {
    (void)state;
    const struct made_argument found = {"found", PERFTRACE_TYPE_U64, PERFTRACE_ROLE_METRIC};
    const struct made_argument note = {"note", PERFTRACE_TYPE_TEXT, PERFTRACE_ROLE_METRIC};
    const struct made_argument key = {"key", PERFTRACE_TYPE_TEXT, PERFTRACE_ROLE_PARAMETER};
    const uint64_t words[] = {BEGIN(1, 0, 10),
                              8,
                              made_text("eightby!"),
                              made_word(PERFTRACE_RECORD_METRIC, 2, 0, 11),
                              3,
                              BEGIN(4, 1, 12),
                              made_word(PERFTRACE_RECORD_METRIC, 3, 1, 13),
                              3 | PERFTRACE_TEXT_CUT,
                              made_text("cut"),
                              made_word(PERFTRACE_RECORD_METRIC, 3, 0, 14),
                              PERFTRACE_TEXT_NULL,
                              made_word(PERFTRACE_RECORD_METRIC, 2, 0, 15),
                              4,
                              made_word(PERFTRACE_RECORD_METRIC, 2, 7, 15),
                              99,
                              END(4, 1, 16),
                              END(1, 0, 17),
                              made_word(PERFTRACE_RECORD_METRIC, 2, 0, 18),
                              5};
    made_site(&made, 1, PERFTRACE_RECORD_BEGIN, 0, "outer", &key, 1);
    made_site(&made, 2, PERFTRACE_RECORD_METRIC, 0, "", &found, 1);
    made_site(&made, 3, PERFTRACE_RECORD_METRIC, 0, "", &note, 1);
    made_span_site(&made, 4, "inner");
    made_chunk(&made, 1, 0, 0, 0, WORDS(words));
    assert_string_equal(hear(NULL),
                        "B1 outer@10 d0 <unknown key='eightby!'\n"
                        "B2 inner@12 d1 <outer\n"
                        "E2 inner@16 4-0 | note='cut'…\n"
                        "E1 outer@17 7-4 key='eightby!' | found=4 note=NULL\n");
}

static void values_of_each_type(void **state) {
    (void)state;
    const struct made_argument arguments[] = {{"i", PERFTRACE_TYPE_I64, PERFTRACE_ROLE_PARAMETER},
                                              {"u", PERFTRACE_TYPE_U64, PERFTRACE_ROLE_PARAMETER},
                                              {"d", PERFTRACE_TYPE_F64, PERFTRACE_ROLE_PARAMETER},
                                              {"b", PERFTRACE_TYPE_BOOL, PERFTRACE_ROLE_PARAMETER},
                                              {"s", PERFTRACE_TYPE_TEXT, PERFTRACE_ROLE_PARAMETER},
                                              {"e", PERFTRACE_TYPE_TEXT, PERFTRACE_ROLE_PARAMETER},
                                              {"p", PERFTRACE_TYPE_POINTER, PERFTRACE_ROLE_PARAMETER}};
    const struct made_argument one = {"value", PERFTRACE_TYPE_F64, PERFTRACE_ROLE_PARAMETER};
    const uint64_t words[] = {made_word(PERFTRACE_RECORD_EVENT, 1, 0, 1),
                              (uint64_t)-7,
                              UINT64_MAX,
                              made_double(0.5),
                              17,
                              4,
                              made_text("text"),
                              0,
                              4096,
                              made_word(PERFTRACE_RECORD_COUNTER, 2, 0, 2),
                              made_double(-1.25),
                              made_word(PERFTRACE_RECORD_FRAME, 3, 0, 3)};
    made_site(&made, 1, PERFTRACE_RECORD_EVENT, 0, "all", arguments, 7);
    made_site(&made, 2, PERFTRACE_RECORD_COUNTER, 0, "alive", &one, 1);
    made_site(&made, 3, PERFTRACE_RECORD_FRAME, 0, "frame", NULL, 0);
    made_chunk(&made, 1, 0, 0, 0, WORDS(words));
    assert_string_equal(hear(NULL),
                        "event all@1 i=-7 u=18446744073709551615 d=0.5 b=1 s='text' e='' p=4096\n"
                        "counter alive@2 value=-1.25\n"
                        "frame frame@3\n");
}

static void flows_and_memory(void **state) {
    (void)state;
    const uint64_t words[] = {made_word(PERFTRACE_RECORD_FLOW, 1, 0, 1),
                              77,
                              made_word(PERFTRACE_RECORD_FLOW, 2, 0, 2),
                              77,
                              made_word(PERFTRACE_RECORD_FLOW, 3, 0, 3),
                              77,
                              made_word(PERFTRACE_RECORD_MEMORY, 4, 0, 4),
                              4096,
                              100,
                              made_word(PERFTRACE_RECORD_MEMORY, 5, 0, 5),
                              4096,
                              0};
    for (uint8_t phase = PERFTRACE_PHASE_BEGIN; phase <= PERFTRACE_PHASE_END; phase++)
        made_site(&made, phase, PERFTRACE_RECORD_FLOW, phase, "job", NULL, 0);
    made_site(&made, 4, PERFTRACE_RECORD_MEMORY, PERFTRACE_PHASE_BEGIN, "pool", NULL, 0);
    made_site(&made, 5, PERFTRACE_RECORD_MEMORY, PERFTRACE_PHASE_END, "pool", NULL, 0);
    made_chunk(&made, 1, 0, 0, 0, WORDS(words));
    assert_string_equal(hear(NULL),
                        "flow> job@1 #77\nflow- job@2 #77\nflow< job@3 #77\n"
                        "alloc pool@4 #4096 100B\nfree pool@5 #4096\n");
}

static void async_spans(void **state) {
    (void)state;
    const struct made_argument parameter = {"n", PERFTRACE_TYPE_I64, PERFTRACE_ROLE_PARAMETER};
    const struct made_argument metric = {"bytes", PERFTRACE_TYPE_I64, PERFTRACE_ROLE_METRIC};
    const uint64_t handle = UINT64_C(1) << 63 | 5;
    enum { OUTER = 1, GET, GET_END, PUT, ANY_END };
    const uint64_t one[] = {BEGIN(OUTER, 0, 10),
                            made_word(PERFTRACE_RECORD_ASYNC_BEGIN, GET, 0, 20),
                            7,
                            42,
                            made_word(PERFTRACE_RECORD_ASYNC_BEGIN, PUT, 0, 25),
                            7,
                            made_word(PERFTRACE_RECORD_ASYNC_BEGIN, PUT, 0, 26),
                            handle,
                            END(OUTER, 0, 30),
                            made_word(PERFTRACE_RECORD_ASYNC_BEGIN, PUT, 0, 35),
                            7};
    const uint64_t two[] = {made_word(PERFTRACE_RECORD_ASYNC_END, GET_END, 0, 40),
                            7,
                            1000,
                            made_word(PERFTRACE_RECORD_ASYNC_END, ANY_END, 0, 45),
                            handle,
                            made_word(PERFTRACE_RECORD_ASYNC_END, ANY_END, 0, 46),
                            handle};
    made_track(&made, 2, PERFTRACE_TRACK_THREAD, "other");
    made_span_site(&made, OUTER, "outer");
    made_site(&made, GET, PERFTRACE_RECORD_ASYNC_BEGIN, 0, "get", &parameter, 1);
    made_site(&made, GET_END, PERFTRACE_RECORD_ASYNC_END, 0, "get", &metric, 1);
    made_site(&made, PUT, PERFTRACE_RECORD_ASYNC_BEGIN, 0, "put", NULL, 0);
    made_site(&made, ANY_END, PERFTRACE_RECORD_ASYNC_END, 0, "", NULL, 0);
    made_chunk(&made, 1, 0, 0, 0, WORDS(one));
    made_chunk(&made, 2, 0, 0, 0, WORDS(two));
    assert_string_equal(hear(NULL),
                        "track 2 other\n"
                        "B1 outer@10 d0 <unknown\n"
                        "b2 get@20 #7 d1 <outer n=42\n"
                        "b3 put@25 #7 d1 <outer\n"
                        "b4 put@26 #9223372036854775813 d1 <outer\n"
                        "E1 outer@30 20-0\n"
                        "e3 put@30 #7! 5-0\n" /* its id is begun anew */
                        "b5 put@35 #7 d0 <unknown\n"
                        "e2 get@40 #7 20-0 n=42 | bytes=1000\n"
                        "e4 put@45 #9223372036854775813 19-0\n"
                        "e5 put@35 #7! 0-0\n"
                        "? 1 ends of spans whose beginnings are missing were passed over\n");
}

static void tracks_are_merged(void **state) {
    (void)state;
    const uint64_t one[] = {BEGIN(1, 0, 10), END(1, 0, 40)}, more[] = {BEGIN(1, 0, 1), END(1, 0, 9)};
    const uint64_t two[] = {BEGIN(1, 0, 10), END(1, 0, 35), BEGIN(1, 0, 45), END(1, 0, 150)};
    made_track(&made, 2, PERFTRACE_TRACK_THREAD, "other");
    made_span_site(&made, 1, "f");
    made_chunk(&made, 2, 0, 0, 0, WORDS(two));
    made_chunk(&made, 1, 0, 0, 0, WORDS(one));
    made_sync(&made, 40);
    struct perftrace_stream *stream = hear_open();
    assert_int_equal(made_feed(&made, stream), 0);
    assert_string_equal(heard.text,
                        "track 1 main\ntrack 2 other\n"
                        "B1 f@10 d0 <unknown\nB2 f@10 d0 <unknown\nE2 f@35 25-0\n");
    heard.length = 0;
    made.length = sizeof(struct perftrace_file_header);
    made_chunk(&made, 1, 1, 0, 100, WORDS(more));
    made_sync(&made, 200);
    assert_int_equal(made_feed(&made, stream), 0);
    assert_string_equal(heard.text,
                        "E1 f@40 30-0\nB3 f@45 d0 <unknown\nB4 f@101 d0 <unknown\nE4 f@109 8-0\n"
                        "E3 f@150 105-0\n");
    perftrace_stream_close(stream);
}

static void rebases(void **state) {
    (void)state;
    const uint64_t words[] = {BEGIN(1, 0, 10),
                              made_word(PERFTRACE_RECORD_REBASE, 0, 0, 0),
                              UINT64_C(1) << 40,
                              END(1, 0, 5),
                              made_word(PERFTRACE_RECORD_REBASE, 0, 0, 0),
                              100, /* back: a time can't be */
                              BEGIN(1, 0, 7),
                              END(1, 0, 8)};
    struct perftrace_trace_info info;
    made_span_site(&made, 1, "f");
    made_chunk(&made, 1, 0, 0, 1000, WORDS(words));
    assert_string_equal(hear(&info),
                        "B1 f@1010 d0 <unknown\nE1 f@1099511627781 1099511626771-0\n"
                        "B2 f@1099511627781 d0 <unknown\nE2 f@1099511627781 0-0\n");
    assert_int_equal(info.clock_adjusted, 2);
}

/* Several chunks of a segment, with ranges told twice. */
static void nothing_counts_twice(void **state) {
    (void)state;
    const uint64_t words[] = {
        BEGIN(1, 0, 10), made_word(PERFTRACE_RECORD_REBASE, 0, 0, 0), 2000, END(1, 0, 20), BEGIN(1, 0, 30),
        END(1, 0, 40)};
    made_span_site(&made, 1, "f");
    made_chunk(&made, 1, 0, 0, 1000, words, 4);
    made_chunk(&made, 1, 0, 0, 1000, words, 4);
    made_chunk(&made, 1, 0, 0, 1000, words, 6);
    struct perftrace_stream *stream = hear_open();
    assert_int_equal(made_feed(&made, stream), 0);
    assert_int_equal(perftrace_stream_drained(stream, 1, 0), 48);
    assert_int_equal(perftrace_stream_drained(stream, 1, 1), 0);
    assert_int_equal(perftrace_stream_drained(stream, 2, 0), 0);
    made.length = sizeof(struct perftrace_file_header);
    made_chunk(&made, 1, 3, 0, 1000, words, 0);
    assert_int_equal(made_feed(&made, stream), 0);
    assert_int_equal(perftrace_stream_drained(stream, 1, 0), UINT32_MAX);
    assert_int_equal(perftrace_stream_finish(stream), 0);
    assert_string_equal(heard.text,
                        "track 1 main\n? records of track 1 that have been told before\n"
                        "B1 f@1010 d0 <unknown\nE1 f@2020 1010-0\nB2 f@2030 d0 <unknown\n"
                        "E2 f@2040 10-0\n");
    perftrace_stream_close(stream);
}

static void placed_records(void **state) {
    (void)state;
    enum { PASS = 1, DRAW, EVENT, COUNTER };
    const struct made_argument n = {"n", PERFTRACE_TYPE_U64, PERFTRACE_ROLE_PARAMETER};
#define ON(site, kind, begin) made_word(PERFTRACE_RECORD_TRACK_##kind, site, 0, 900), 9, begin
    const uint64_t words[] = {ON(DRAW, SPAN, 30),
                              60,
                              1,
                              ON(DRAW, SPAN, 10),
                              30,
                              2, /* recorded inside out */
                              ON(PASS, SPAN, 10),
                              80,
                              ON(EVENT, EVENT, 40),
                              ON(COUNTER, COUNTER, 85),
                              5,
                              ON(PASS, SPAN, 70),
                              90, /* overlaps */
                              ON(PASS, SPAN, 200),
                              100, /* ends before it begins */
                              made_word(PERFTRACE_RECORD_TRACK_EVENT, EVENT, 0, 900),
                              8,
                              1 /* no such track */};
    struct perftrace_trace_info info;
    made_track(&made, 9, PERFTRACE_TRACK_GPU, "queue");
    made_site(&made, PASS, PERFTRACE_RECORD_TRACK_SPAN, 0, "pass", NULL, 0);
    made_site(&made, DRAW, PERFTRACE_RECORD_TRACK_SPAN, 0, "draw", &n, 1);
    made_site(&made, EVENT, PERFTRACE_RECORD_TRACK_EVENT, 0, "vsync", NULL, 0);
    made_site(&made, COUNTER, PERFTRACE_RECORD_TRACK_COUNTER, 0, "load", &n, 1);
    made_chunk(&made, 1, 0, 0, 0, WORDS(words));
    assert_string_equal(hear(&info),
                        "track 9 queue\n"
                        "B1 pass@10 d0 <unknown\n"
                        "B2 draw@10 d1 <pass n=2\nE2 draw@30 20-0 n=2\n"
                        "B3 draw@30 d1 <pass n=1\nevent vsync@40\nE3 draw@60 30-0 n=1\n"
                        "E1 pass@80 70-50\n"
                        "B4 pass@70 d0 <unknown\ncounter load@85 n=5\nE4 pass@90 20-0\n"
                        "B5 pass@200 d0 <unknown\nE5 pass@200 0-0\n"
                        "? 1 records for tracks that nothing tells of were left out\n");
    assert_int_equal(info.clock_adjusted, 1);
    assert_true(info.damaged);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        HEAR_TEST(nesting),
        HEAR_TEST(calls_are_complete),
        HEAR_TEST(jumped_out),
        HEAR_TEST(open_at_the_end),
        HEAR_TEST(lost_beginnings),
        HEAR_TEST(gaps),
        HEAR_TEST(empty_segment),
        HEAR_TEST(deeper_than_256),
        HEAR_TEST(metrics),
        HEAR_TEST(values_of_each_type),
        HEAR_TEST(flows_and_memory),
        HEAR_TEST(async_spans),
        HEAR_TEST(tracks_are_merged),
        HEAR_TEST(rebases),
        HEAR_TEST(nothing_counts_twice),
        HEAR_TEST(placed_records),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
