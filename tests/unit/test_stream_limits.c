/* The stream where it is hard: time that must not run backwards, nonsense, and what has no bounds. */
#include "hear_stream.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

/* ---- time ----------------------------------------------------------------------------------------- */

static void time_is_mapped(void **state) {
    (void)state;
    uint64_t word = made_word(PERFTRACE_RECORD_EVENT, 1, 0, 0);
    hear_with_ticks();
    made_clock(&made, 1000000, 5000000000);
    made_chunk(&made, 1, 0, 0, 2000000, &word, 1);
    made_sync(&made, 3000000);                 /* one reading: held back */
    made_clock(&made, 2001000000, 6000000000); /* 0.5 ns a tick */
    made_sync(&made, 3000000);
    made_chunk(&made, 1, 1, 0, 2001000000, &word, 1);
    made_sync(&made, 2001000001);
    made_clock(&made, 4001000000, 7001000000); /* the clock turns out to be 1 ms ahead */
    made_chunk(&made, 1, 2, 0, 3001000000, &word, 1);
    made_chunk(&made, 1, 3, 0, 4001000000, &word, 1);
    made_sync(&made, 4001000001);
    struct perftrace_trace_info info;
    assert_string_equal(hear(&info),
                        "event e@5000500000\nevent e@6000000000\nevent e@6500499999\nevent e@7001000000\n");
    assert_int_equal(info.clock_pairs, 3);
    assert_int_equal(info.clock_error_ns, 20);
    assert_int_equal(info.clock_adjusted, 0);
    assert_in_range((uint64_t)info.ticks_per_second, 1999000000, 1999500000);
}

/* What lies beyond the last reading waits for the next, whatever a SYNC says; but not where none follows. */
static void times_wait_for_the_reading_beyond(void **state) {
    (void)state;
    const uint64_t words[] = {made_word(PERFTRACE_RECORD_EVENT, 1, 0, 1000),
                              made_word(PERFTRACE_RECORD_EVENT, 1, 0, 3000)};
    const struct perftrace_block_sync last = {5000000, PERFTRACE_SYNC_NO_CLOCK_FOLLOWS};
    hear_with_ticks();
    made_clock(&made, 1000000, 1000000);
    made_clock(&made, 2000000, 2000000);
    made_chunk(&made, 1, 0, 0, 1999000, WORDS(words));
    made_sync(&made, 4000000);
    struct perftrace_stream *stream = hear_open();
    assert_int_equal(made_feed(&made, stream), 0);
    assert_string_equal(heard.text, "track 1 main\n");
    made.length = sizeof(struct perftrace_file_header);
    made_clock(&made, 3000000, 3000000 + 100000); /* 10 % slower since */
    made_sync(&made, 4000000);
    assert_int_equal(made_feed(&made, stream), 0);
    assert_string_equal(heard.text, "track 1 main\nevent e@2000000\nevent e@2002200\n");
    heard.length = 0;
    made.length = sizeof(struct perftrace_file_header);
    made_chunk(&made, 1, 1, 0, 3000000, words, 1);
    made_block(&made, PERFTRACE_BLOCK_SYNC, &last, sizeof last);
    assert_int_equal(made_feed(&made, stream), 0);
    assert_string_equal(heard.text, "event e@3101050\n");
    perftrace_stream_close(stream);
}

static void one_reading_is_not_enough(void **state) {
    (void)state;
    uint64_t word = made_word(PERFTRACE_RECORD_EVENT, 1, 0, 0);
    hear_with_ticks();
    made_clock(&made, 1000, 5000);
    made_chunk(&made, 1, 0, 0, 1010, &word, 1);
    assert_string_equal(hear(NULL),
                        "? with 1 clock readings ticks can't be told as time: one is taken for a "
                        "nanosecond\nevent e@5010\n");
}

struct last_time {
    uint64_t ns, events;
};

static void check_rising(void *context, const struct perftrace_item *item) {
    struct last_time *last = context;
    if (item->kind != PERFTRACE_ITEM_EVENT)
        return;
    assert_true(item->time_ns >= last->ns);
    last->ns = item->time_ns;
    last->events++;
}

/* Readings that jitter, come too close together, stand still, jump and run backwards. */
static void time_never_runs_backwards(void **state) {
    (void)state;
    struct last_time last = {0};
    uint64_t ticks = 1000000, ns = 1000000, random = 1;
    hear_with_ticks();
    for (unsigned round = 0; round < 2000; round++) {
        uint64_t words[50];
        random = random * UINT64_C(6364136223846793005) + 1442695040888963407u;
        uint64_t step = (random >> 33) % (round % 3 == 0 ? 100 : 3000000000u);
        for (unsigned i = 0; i < 50; i++)
            words[i] = made_word(PERFTRACE_RECORD_EVENT, 1, 0, (uint32_t)(step / 50 * i));
        made_chunk(&made, 1, round, 0, ticks, WORDS(words));
        ticks += step;
        ns += step / 3 + random % 50;
        if (round % 40 == 39)
            ns += random % 2 == 0 ? 5000000000u : (uint64_t)-500000000;
        made_clock(&made, ticks, ns);
        if (round % 2 == 0)
            made_sync(&made, ticks - step % 77);
    }
    struct perftrace_stream *stream =
        perftrace_stream_open(&(struct perftrace_stream_options){.on_item = check_rising, .context = &last});
    assert_int_equal(made_feed(&made, stream), 0);
    assert_int_equal(perftrace_stream_finish(stream), 0);
    assert_int_equal(last.events, 2000 * 50);
    assert_true(perftrace_stream_info(stream)->clock_jumps > 0);
    perftrace_stream_close(stream);
}

/* ---- what makes no sense -------------------------------------------------------------------------- */

static void unknown_blocks_are_skipped(void **state) {
    (void)state;
    const uint64_t words[] = {BEGIN(1, 0, 10), made_word(PERFTRACE_RECORD_EXTENDED, 2, 0, 0), 1, 2,
                              END(1, 0, 20)};
    made_block(&made, 999, "from the future", 15);
    made_span_site(&made, 1, "f");
    made_chunk(&made, 1, 0, 0, 0, WORDS(words));
    assert_string_equal(hear(NULL), "B1 f@10 d0 <unknown\nE1 f@20 10-0\n");
}

static void nonsense_is_told(void **state) {
    (void)state;
    const struct made_argument bad_type = {"x", 99, PERFTRACE_ROLE_PARAMETER};
    const struct made_argument text = {"x", PERFTRACE_TYPE_TEXT, PERFTRACE_ROLE_PARAMETER};
    const uint64_t good[] = {BEGIN(1, 0, 10), END(1, 0, 20)},
                   bad[] = {BEGIN(1, 0, 30), BEGIN(99, 1, 40), 1, 2};
    const uint64_t zero[] = {0, BEGIN(1, 0, 1)};
    struct perftrace_block_chunk wrong = {.track = 1, .first_byte = 8, .last_byte = 4096};
    struct perftrace_trace_info info;
    made_site(&made, 2, PERFTRACE_RECORD_EVENT, 0, "e", &bad_type, 1);
    made_site(&made, 2, PERFTRACE_RECORD_COUNTER, 0, "c", &text, 1);
    made_site(&made, 2, PERFTRACE_RECORD_FLOW, 0, "f", NULL, 0);
    made_site(&made, 0, PERFTRACE_RECORD_EVENT, 0, "e", NULL, 0);
    made_site(&made, 1u << 20, PERFTRACE_RECORD_EVENT, 0, "e", NULL, 0);
    made_site(&made, 2, PERFTRACE_RECORD_REBASE, 0, "e", NULL, 0);
    made_span_site(&made, 1, "f");
    made_span_site(&made, 1, "f");
    made_span_site(&made, 1, "g");
    made_block(&made, PERFTRACE_BLOCK_CHUNK, &wrong, sizeof wrong);
    made_block(&made, PERFTRACE_BLOCK_CHUNK, &wrong, 8);
    made_chunk(&made, 5, 0, 0, 0, WORDS(good));
    made_chunk(&made, 1, 0, 0, 0, WORDS(bad));
    made_chunk(&made, 1, 1, 0, 0, WORDS(zero));
    made_chunk(&made, 1, 2, 0, 100, WORDS(good));
    made_end(&made, 6);
    assert_string_equal(hear(&info),
                        "? a site with an argument of unknown type\n"
                        "? a site with a counter without exactly one number\n"
                        "? a site with an unknown phase\n"
                        "? a site with an id out of range\n"
                        "? a site with an id out of range\n"
                        "? a site with an unknown kind\n"
                        "? a site with an id that another site has\n"
                        "? a chunk whose range of bytes is not its size\n"
                        "? a chunk block that is too short\n"
                        "? records of track 5, which nothing tells of\n"
                        "B1 f@10 d0 <unknown\nE1 f@20 10-0\n"
                        "B2 f@30 d0 <unknown\n"
                        "? 24 bytes of records of track 1 make no sense and are left out\n"
                        "? 16 bytes of records of track 1 make no sense and are left out\n"
                        "E2 f@30! 0-0\n"
                        "B3 f@110 d0 <unknown\nE3 f@120 10-0\n"
                        "? 1 of 6 records are missing\n");
    assert_true(info.damaged);
    assert_int_equal(info.damaged_bytes, 40);
}

/* Losses only grow, and each track's are counted once. */
static void losses(void **state) {
    (void)state;
    struct perftrace_block_loss loss = {.lost = {[PERFTRACE_LOSS_DISK] = 3, [PERFTRACE_LOSS_FULL] = 1}};
    const uint64_t words[] = {BEGIN(1, 0, 10), END(1, 0, 20)};
    struct perftrace_trace_info info;
    made_span_site(&made, 1, "f");
    made_track(&made, 2, PERFTRACE_TRACK_THREAD, "other");
    made_lossy_chunk(&made, 1, 0, 0, WORDS(words));
    made_lossy_chunk(&made, 1, 1, 0, WORDS(words));
    made_lossy_chunk(&made, 2, 0, 0, WORDS(words));
    made_block(&made, PERFTRACE_BLOCK_LOSS, &loss, sizeof loss);
    made_block(&made, PERFTRACE_BLOCK_LOSS, &loss, sizeof loss);
    hear(&info);
    assert_int_equal(info.lost[PERFTRACE_LOSS_FULL], 15);
    assert_int_equal(info.lost[PERFTRACE_LOSS_DISK], 3);
}

/* More waits than the buffer may hold: it is handed out, and memory stays bounded. */
static void the_buffer_is_bounded(void **state) {
    (void)state;
    const uint64_t words[] = {BEGIN(1, 0, 10), END(1, 0, 20)};
    made_span_site(&made, 1, "f");
    made_chunk(&made, 1, 0, 0, 0, WORDS(words));
    struct perftrace_stream *stream = perftrace_stream_open(&(struct perftrace_stream_options){
        .on_item = heard_item, .on_damage = heard_damage, .context = &heard, .buffer_bytes_max = 10});
    assert_int_equal(made_feed(&made, stream), 0);
    assert_string_equal(heard.text, "track 1 main\nB1 f@10 d0 <unknown\nE1 f@20 10-0\n");
    perftrace_stream_close(stream);
}

static void deep_beyond_reason(void **state) {
    (void)state;
    enum { DEPTH = 1500000, CHUNK = 8000 };
    static uint64_t words[CHUNK];
    struct perftrace_trace_info info;
    made_span_site(&made, 1, "f");
    struct perftrace_stream *stream = perftrace_stream_open(&(struct perftrace_stream_options){0});
    for (unsigned at = 0, sequence = 0; at < DEPTH; at += CHUNK, sequence++) {
        for (unsigned i = 0; i < CHUNK; i++)
            words[i] = BEGIN(1, at + i, at + i);
        made_chunk(&made, 1, sequence, 0, 0, WORDS(words));
        made_sync(&made, at + CHUNK);
        assert_int_equal(made_feed(&made, stream), 0);
        made.length = sizeof(struct perftrace_file_header);
        while (perftrace_stream_next(stream) != NULL)
            ;
    }
    assert_int_equal(perftrace_stream_finish(stream), 0);
    size_t ends = 0;
    for (const struct perftrace_item *item; (item = perftrace_stream_next(stream)) != NULL; ends++)
        assert_true(item->call->unfinished);
    info = *perftrace_stream_info(stream);
    assert_in_range(ends, 1000000, DEPTH - 1);
    assert_true(info.damaged);
    perftrace_stream_close(stream);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        HEAR_TEST(time_is_mapped),
        HEAR_TEST(times_wait_for_the_reading_beyond),
        HEAR_TEST(one_reading_is_not_enough),
        HEAR_TEST(time_never_runs_backwards),
        HEAR_TEST(unknown_blocks_are_skipped),
        HEAR_TEST(nonsense_is_told),
        HEAR_TEST(losses),
        HEAR_TEST(the_buffer_is_bounded),
        HEAR_TEST(deep_beyond_reason),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
