/* Spans over several chunks: what was recorded of them is there at their ends, wherever they began. Whatever is as usual or not,
 * the stream says the same. */
#include "hear_stream.h"

#include <assert.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

enum { OUTER = 1, INNER, COUNT, NOTE };
#define METRIC(site, depth, ticks) made_word(PERFTRACE_RECORD_METRIC, site, depth, ticks)

static void make_sites(void) {
    const struct made_argument key = {"key", PERFTRACE_TYPE_TEXT, PERFTRACE_ROLE_PARAMETER};
    const struct made_argument two[] = {{"n", PERFTRACE_TYPE_I64, PERFTRACE_ROLE_PARAMETER},
                                        {"name", PERFTRACE_TYPE_TEXT, PERFTRACE_ROLE_PARAMETER}};
    const struct made_argument count = {"count", PERFTRACE_TYPE_U64, PERFTRACE_ROLE_METRIC};
    const struct made_argument note = {"note", PERFTRACE_TYPE_TEXT, PERFTRACE_ROLE_METRIC};
    made_site(&made, OUTER, PERFTRACE_RECORD_BEGIN, 0, "outer", &key, 1);
    made_site(&made, INNER, PERFTRACE_RECORD_BEGIN, 0, "inner", two, 2);
    made_site(&made, COUNT, PERFTRACE_RECORD_METRIC, 0, "", &count, 1);
    made_site(&made, NOTE, PERFTRACE_RECORD_METRIC, 0, "", &note, 1);
}

/* Chunks of the track's next segments. */
static void make_chunks(const uint64_t *words, size_t count, size_t at_a_time) {
    for (size_t i = 0, segment = 0; i < count; i += at_a_time, segment++)
        made_chunk(&made, 1, segment, 0, 0, words + i, count - i < at_a_time ? count - i : at_a_time);
}

enum { NESTED_WORDS = 23 };
static uint64_t nested[NESTED_WORDS];

static void make_nested(void) {
    const uint64_t words[] = {BEGIN(OUTER, 0, 10),
                              3,
                              made_text("key"),
                              METRIC(COUNT, 0, 11),
                              1,
                              METRIC(COUNT, 0, 12),
                              2,
                              BEGIN(INNER, 1, 13),
                              7,
                              4,
                              made_text("name"),
                              METRIC(COUNT, 1, 14),
                              70,
                              METRIC(COUNT, 0, 15),
                              3,
                              METRIC(NOTE, 1, 16),
                              2,
                              made_text("no"),
                              END(INNER, 1, 20),
                              METRIC(NOTE, 0, 21),
                              3,
                              made_text("yes"),
                              END(OUTER, 0, 30)};
    static_assert(sizeof words == sizeof nested, "all of them");
    memcpy(nested, words, sizeof nested);
    make_sites();
}

static const char nested_heard[] =
    "B1 outer@10 d0 <unknown key='key'\n"
    "B2 inner@13 d1 <outer n=7 name='name'\n"
    "E2 inner@20 7-0 n=7 name='name' | count=70 note='no'\n"
    "E1 outer@30 20-7 key='key' | count=3 note='yes'\n";

static void in_one_chunk(void **state) {
    (void)state;
    make_nested();
    made_chunk(&made, 1, 0, 0, 0, WORDS(nested));
    assert_string_equal(hear(NULL), nested_heard);
    assert_int_equal(hear_keyed, 2);
}

/* Parameters that nobody needs at the beginning are there at the end all the same. */
static void bare_begins(void **state) {
    (void)state;
    struct perftrace_stream *stream = perftrace_stream_open(&(struct perftrace_stream_options){
        .on_item = heard_item, .context = &heard, .unwanted = PERFTRACE_ITEM_BEGIN_PARAMETERS});
    assert_non_null(stream);
    make_nested();
    made_chunk(&made, 1, 0, 0, 0, WORDS(nested));
    assert_int_equal(made_feed(&made, stream), 0);
    assert_int_equal(perftrace_stream_finish(stream), 0);
    perftrace_stream_close(stream);
    assert_string_equal(heard.text,
                        "track 1 main\n"
                        "B1 outer@10 d0 <unknown\n"
                        "B2 inner@13 d1 <outer\n"
                        "E2 inner@20 7-0 n=7 name='name' | count=70 note='no'\n"
                        "E1 outer@30 20-7 key='key' | count=3 note='yes'\n");
}

/* Each record in a chunk of its own. */
static void in_many_chunks(void **state) {
    (void)state;
    static const size_t lengths[] = {3, 2, 2, 4, 2, 2, 3, 1, 3, 1};
    make_nested();
    size_t at = 0;
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; at += lengths[i++])
        made_chunk(&made, 1, i, 0, 0, nested + at, lengths[i]);
    assert_int_equal(at, NESTED_WORDS);
    assert_string_equal(hear(NULL), nested_heard);
}

/* A chunk that ends within the spans, another within which they all end. */
static void over_two_chunks(void **state) {
    (void)state;
    const size_t before = 13; /* up to inner's first metric */
    make_nested();
    made_chunk(&made, 1, 0, 0, 0, nested, before);
    made_chunk(&made, 1, 1, 0, 0, nested + before, NESTED_WORDS - before);
    assert_string_equal(hear(NULL), nested_heard);
}

/* Two tracks whose records take turns: calls are numbered in the order of their begins over both. */
static void in_turns(void **state) {
    (void)state;
    const uint64_t one[] = {BEGIN(OUTER, 0, 10), 0, END(OUTER, 0, 40),
                            BEGIN(OUTER, 0, 50), 0, END(OUTER, 0, 60)};
    const uint64_t two[] = {BEGIN(OUTER, 0, 20), 0, END(OUTER, 0, 30),
                            BEGIN(OUTER, 0, 50), 0, END(OUTER, 0, 55)};
    make_sites();
    made_track(&made, 2, PERFTRACE_TRACK_THREAD, "other");
    made_chunk(&made, 2, 0, 0, 0, WORDS(two));
    made_chunk(&made, 1, 0, 0, 0, WORDS(one));
    assert_string_equal(hear(NULL),
                        "track 2 other\n"
                        "B1 outer@10 d0 <unknown key=''\n"
                        "B2 outer@20 d0 <unknown key=''\n"
                        "E2 outer@30 10-0 key=''\n"
                        "E1 outer@40 30-0 key=''\n"
                        "B3 outer@50 d0 <unknown key=''\n"
                        "B4 outer@50 d0 <unknown key=''\n"
                        "E4 outer@55 5-0 key=''\n"
                        "E3 outer@60 10-0 key=''\n");
}

/* An END of the innermost span's site, but at another depth, is another span's whose beginning was lost. */
static void ends_of_others(void **state) {
    (void)state;
    const uint64_t words[] = {BEGIN(OUTER, 0, 10), 0, END(OUTER, 1, 20), END(OUTER, 0, 30)};
    make_sites();
    made_chunk(&made, 1, 0, 0, 0, WORDS(words));
    assert_string_equal(hear(NULL),
                        "B1 outer@10 d0 <unknown key=''\n"
                        "E1 outer@30 20-0 key=''\n"
                        "? 1 ends of spans whose beginnings are missing were passed over\n");
}

/* Deeper than the recorded depth can tell, chunk by chunk. */
static void deep(void **state) {
    (void)state;
    enum { DEPTH = 600 };
    static uint64_t words[3 * DEPTH];
    size_t count = 0;
    uint32_t ticks = 0;
    make_sites();
    for (uint32_t i = 0; i < DEPTH; i++) {
        words[count++] = BEGIN(OUTER, i & 0xff, ticks++);
        words[count++] = 0;
    }
    for (uint32_t i = DEPTH; i-- > 0;) {
        words[count++] = END(OUTER, i & 0xff, ticks);
        ticks += 2;
    }
    make_chunks(words, count, 50);
    struct perftrace_trace_info info;
    const char *text = hear(&info);
    assert_false(info.damaged);
    assert_int_equal(info.records, 2 * DEPTH);
    assert_non_null(strstr(text, "B600 outer@599 d599 <outer key=''\nE600 outer@600 1-0 key=''\n"));
    assert_null(strchr(text, '!'));
}

/* What is jumped out of isn't as usual: as a call it comes whole, and keeps its values while those before it are filled in. */
static void brief_before_whole(void **state) {
    (void)state;
    const uint64_t words[] = {BEGIN(OUTER, 0, 10),
                              1,
                              made_text("a"),
                              BEGIN(INNER, 1, 20),
                              1,
                              1,
                              made_text("b"),
                              END(INNER, 1, 30),
                              BEGIN(OUTER, 0, 40),
                              0,
                              END(OUTER, 0, 50)};
    make_sites();
    made_chunk(&made, 1, 0, 0, 0, WORDS(words));
    assert_string_equal(hear(NULL),
                        "B1 outer@10 d0 <unknown key='a'\n"
                        "B2 inner@20 d1 <outer n=1 name='b'\n"
                        "E2 inner@30 10-0 n=1 name='b'\n"
                        "E1 outer@30! 20-10 key='a'\n"
                        "B3 outer@40 d0 <unknown key=''\n"
                        "E3 outer@50 10-0 key=''\n");
    assert_int_equal(hear_keyed, 2);
}

/* More calls than come at once, of two sites with few parameters: what is equal has one key, wherever it was recorded. */
static void many_calls(void **state) {
    (void)state;
    enum { CALLS = 300, WORDS_OF_ONE = 5 };
    static uint64_t words[CALLS * WORDS_OF_ONE];
    size_t count = 0;
    make_sites();
    for (uint32_t i = 0; i < CALLS; i++) {
        words[count++] = BEGIN(i % 3 == 0 ? OUTER : INNER, 0, 10 * i);
        if (i % 3 != 0)
            words[count++] = i % 5;
        words[count++] = i % 6 == 5 ? 2 : 3;                    /* a byte less … */
        words[count++] = made_text(i % 6 == 3 ? "kez" : "key"); /* … or another one */
        words[count++] = END(i % 3 == 0 ? OUTER : INNER, 0, 10 * i + i % 7);
    }
    made_chunk(&made, 1, 0, 0, 0, words, 493); /* within a span */
    made_chunk(&made, 1, 1, 0, 0, words + 493, count - 493);
    hear(NULL);
    assert_int_equal(hear_keyed, CALLS);
}

/* ---- spans that nothing begins in ----------------------------------------------------------------- */

enum { FLAGS = 5, MANY };

/* With a clock whose ticks are nanoseconds, or one whose ticks have to be made some. */
static void begin_trace(bool mapped) {
    const struct made_argument flags[] = {{"yes", PERFTRACE_TYPE_BOOL, PERFTRACE_ROLE_METRIC},
                                          {"low", PERFTRACE_TYPE_I64, PERFTRACE_ROLE_METRIC},
                                          {"half", PERFTRACE_TYPE_F64, PERFTRACE_ROLE_METRIC}};
    struct made_argument many[8];
    for (unsigned i = 0; i < 8; i++)
        many[i] = (struct made_argument){"many", PERFTRACE_TYPE_U64, PERFTRACE_ROLE_METRIC};
    made.length = sizeof(struct perftrace_file_header);
    made_process(&made, mapped ? PERFTRACE_CLOCK_TSC : PERFTRACE_CLOCK_MONOTONIC);
    made_track(&made, 1, PERFTRACE_TRACK_THREAD, "main");
    if (mapped) {
        made_clock(&made, 0, 0);
        made_clock(&made, 1000000, 1000000);
    }
    heard.length = 0;
    make_sites();
    made_site(&made, FLAGS, PERFTRACE_RECORD_METRIC, 0, "", flags, 3);
    made_site(&made, MANY, PERFTRACE_RECORD_METRIC, 0, "", many, 8);
}

static const char small_heard[] =
    "B1 outer@10 d0 <unknown key=''\n"
    "E1 outer@10 0-0 key=''\n"
    "B2 outer@20 d0 <unknown key=''\n"
    "E2 outer@22 2-0 key='' | count=5\n"
    "B3 outer@30 d0 <unknown key='a'\n"
    "E3 outer@32 2-0 key='a' | yes=1 low=-3 half=0.5\n"
    "B4 outer@40 d0 <unknown key=''\n"
    "E4 outer@42 2-0 key='' | note='no'\n"
    "B5 outer@50 d0 <unknown key=''\n"
    "E5 outer@53 3-0 key='' | count=6\n"
    "B6 outer@60 d0 <unknown key=''\n"
    "E6 outer@62 2-0 key=''\n"
    "B7 outer@70 d0 <unknown key=''\n"
    "E7 outer@72 2-0 key='' | count=5\n"
    "B8 outer@80 d0 <unknown key=''\n"
    "E8 outer@85 5-0 key='' | count=5\n"
    "B9 outer@90 d0 <unknown key=''\n"
    "E9 outer@92 2-0 key=''\n"
    "B10 outer@100 d0 <unknown key=''\n"
    "B11 inner@101 d1 <outer n=7 name=''\n"
    "E11 inner@103 2-0 n=7 name=''\n"
    "B12 inner@104 d1 <outer n=7 name=''\n"
    "E12 inner@106 2-0 n=7 name='' | count=9\n"
    "E10 outer@110 10-4 key='' | count=5\n"
    "B13 outer@120 d0 <unknown key=''\n"
    "E13 outer@130 10-0 key='' | count=5\n"
    "B14 inner@140 d0 <unknown n=8 name=''\n"
    "E14 inner@150 10-0 n=8 name=''\n"
    "? 1 ends of spans whose beginnings are missing were passed over\n";

/* What follows their BEGINs is as usual, or isn't. */
static void small(bool mapped) {
    const uint64_t words[] = {
        BEGIN(OUTER, 0, 10),
        0,
        END(OUTER, 0, 10), /* in no time */
        BEGIN(OUTER, 0, 20),
        0,
        METRIC(COUNT, 0, 21),
        5,
        END(OUTER, 0, 22), /* with a number */
        BEGIN(OUTER, 0, 30),
        1,
        made_text("a"),
        METRIC(FLAGS, 0, 31),
        7,
        (uint64_t)-3,
        made_double(0.5),
        END(OUTER, 0, 32), /* with several */
        BEGIN(OUTER, 0, 40),
        0,
        METRIC(NOTE, 0, 41),
        2,
        made_text("no"),
        END(OUTER, 0, 42),
        BEGIN(OUTER, 0, 50),
        0,
        METRIC(COUNT, 0, 51),
        5,
        METRIC(COUNT, 0, 52),
        6,
        END(OUTER, 0, 53),
        BEGIN(OUTER, 0, 60),
        0,
        METRIC(COUNT, 1, 61),
        5,
        END(OUTER, 0, 62), /* another span's metric */
        BEGIN(OUTER, 0, 70),
        0,
        METRIC(COUNT, 0, 68),
        5,
        END(OUTER, 0, 72), /* time goes back … */
        BEGIN(OUTER, 0, 80),
        0,
        METRIC(COUNT, 0, 85),
        5,
        END(OUTER, 0, 83), /* … and here */
        BEGIN(OUTER, 0, 90),
        0,
        END(INNER, 0, 91),
        END(OUTER, 0, 92), /* another's end */
        BEGIN(OUTER, 0, 100),
        0, /* with others in it */
        BEGIN(INNER, 1, 101),
        7,
        0,
        END(INNER, 1, 103),
        BEGIN(INNER, 1, 104),
        7,
        0,
        METRIC(COUNT, 1, 105),
        9,
        END(INNER, 1, 106),
        METRIC(COUNT, 0, 107),
        5,
        END(OUTER, 0, 110),
        BEGIN(OUTER, 0, 120),
        0,
        METRIC(COUNT, 0, 121),
        5, /* the chunk ends before it does */
    };
    const uint64_t more[] = {END(OUTER, 0, 130), BEGIN(INNER, 0, 140), 8, 0};
    const uint64_t most[] = {END(INNER, 0, 150)};
    begin_trace(mapped);
    made_chunk(&made, 1, 0, 0, 0, WORDS(words));
    made_chunk(&made, 1, 1, 0, 0, WORDS(more));
    made_chunk(&made, 1, 2, 0, 0, WORDS(most));
    assert_string_equal(hear(NULL), small_heard);
    assert_int_equal(hear_told, 9);
}

static void small_spans(void **state) {
    (void)state;
    small(false);
    small(true);
}

/* Another track's record comes between the BEGIN and the END. */
static void small_in_turns(void **state) {
    (void)state;
    const uint64_t one[] = {BEGIN(OUTER, 0, 10), 0, METRIC(COUNT, 0, 12), 5, END(OUTER, 0, 20),
                            BEGIN(OUTER, 0, 30), 0, END(OUTER, 0, 40)};
    for (uint32_t at = 9; at <= 41; at++) {
        const uint64_t two[] = {BEGIN(INNER, 0, at), 7, 0, END(INNER, 0, at + 1)};
        begin_trace(at % 2 == 0);
        made_track(&made, 2, PERFTRACE_TRACK_THREAD, "other");
        made_chunk(&made, 1, 0, 0, 0, WORDS(one));
        made_chunk(&made, 2, 0, 0, 0, WORDS(two));
        const char *text = hear(NULL);
        char wanted[40];
        snprintf(wanted, sizeof wanted, "B%d inner@%u ", at < 10 ? 1 : at < 30 ? 2 : 3, at);
        assert_non_null(strstr(text, wanted));
        assert_int_equal(hear_keyed, 3);
    }
}

/* More numbers than a batch has room for at once. */
static void many_metrics(void **state) {
    (void)state;
    enum { CALLS = 60, WORDS_OF_ONE = 12 };
    uint64_t words[CALLS * WORDS_OF_ONE], *word = words;
    for (uint32_t i = 0; i < CALLS; i++) {
        *word++ = BEGIN(OUTER, 0, 10 * i);
        *word++ = 0;
        *word++ = METRIC(MANY, 0, 10 * i + 1);
        for (uint32_t k = 0; k < 8; k++)
            *word++ = 8 * i + k;
        *word++ = END(OUTER, 0, 10 * i + 2);
    }
    begin_trace(true);
    made_chunk(&made, 1, 0, 0, 0, words, (size_t)(word - words));
    hear(NULL);
    assert_int_equal(hear_keyed, CALLS);
    assert_in_range(hear_told, 1, CALLS - 1);
}

/* Callers, functions and parameters are small numbers that resemble each other; their keys must not make up for that. */
static void keys_of_small_numbers(void **state) {
    (void)state;
    enum { CALLER = 10, ONE = 20, TWO = 30, SITES = 6, VALUES = 7, CALLS = SITES * (VALUES + VALUES * 2) };
    static const char *const names[SITES] = {"u", "v", "w", "x", "y", "z"};
    static uint64_t words[SITES * 2 + CALLS * 4];
    const struct made_argument two[] = {{"a", PERFTRACE_TYPE_I64, PERFTRACE_ROLE_PARAMETER},
                                        {"b", PERFTRACE_TYPE_I64, PERFTRACE_ROLE_PARAMETER}};
    size_t count = 0;
    uint32_t ticks = 0;
    for (uint32_t i = 0; i < SITES; i++) {
        made_site(&made, CALLER + i, PERFTRACE_RECORD_BEGIN, 0, names[i], NULL, 0);
        made_site(&made, ONE + i, PERFTRACE_RECORD_BEGIN, 0, names[i], two, 1);
        made_site(&made, TWO + i, PERFTRACE_RECORD_BEGIN, 0, names[i], two, 2);
    }
    for (uint32_t i = 0; i < SITES; i++) {
        words[count++] = BEGIN(CALLER + i, 0, ticks++);
        for (uint32_t call = 0; call < CALLS / SITES; call++) {
            uint32_t site = call < VALUES ? ONE + call % 2 : TWO + call % 2;
            words[count++] = BEGIN(site, 1, ticks++);
            words[count++] = call % VALUES;
            if (call >= VALUES)
                words[count++] = (call / VALUES - 1) ^ (call % VALUES);
            words[count++] = END(site, 1, ticks++);
        }
        words[count++] = END(CALLER + i, 0, ticks++);
    }
    made_chunk(&made, 1, 0, 0, 0, words, count);
    hear(NULL);
    assert_int_equal(hear_keyed, CALLS + SITES);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        HEAR_TEST(in_one_chunk),          HEAR_TEST(bare_begins),    HEAR_TEST(in_many_chunks),
        HEAR_TEST(over_two_chunks),       HEAR_TEST(in_turns),       HEAR_TEST(deep),
        HEAR_TEST(ends_of_others),        HEAR_TEST(many_calls),     HEAR_TEST(brief_before_whole),
        HEAR_TEST(small_spans),           HEAR_TEST(small_in_turns), HEAR_TEST(many_metrics),
        HEAR_TEST(keys_of_small_numbers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
