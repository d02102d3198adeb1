/* Bombs within chunks: records told again, at any time, with clocks that contradict, with arguments without end. */
#include "bombs.h"
#include "torture.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TEXT = 3 };

static size_t depth;

/* ---- chunks, times, clocks ---- */

/* Chunks told again, in parts, the other way round, and overlapping: each record counts once. */
static void chunks_told_again(void) {
    struct made made = {0};
    uint64_t words[64];
    unsigned long rounds = torture_times(2000, 100000);
    bomb_begin(&made);
    for (uint64_t i = 0; i < rounds; i++) {
        for (uint32_t at = 0; at < 64; at++)
            words[at] = made_word(PERFTRACE_RECORD_EVENT, BOMB_EVENT, 0, at);
        made_chunk(&made, 1, i, 0, i * 1000, words, 16);
        made_chunk(&made, 1, i, 0, i * 1000, words, 40);
        made_chunk(&made, 1, i, 24 * 8, i * 1000, words + 24, 40);
        made_chunk(&made, 1, i, 8 * 8, i * 1000, words + 8, 32);
        if (i > 0)
            made_chunk(&made, 1, i - 1, 0, i * 1000, words, 64);
    }
    struct reading reading = explode(&made);
    torture_check(reading.items == 1 + 64 * rounds, "%" PRIu64 " of %lu events", reading.items - 1,
                  64 * rounds);
}

static uint64_t anything(size_t index) {
    (void)index;
    return any(UINT64_MAX) << 13 ^ any(UINT64_MAX);
}

static uint64_t rebased(size_t index) {
    return index % 2 == 0 ? made_word(PERFTRACE_RECORD_REBASE, 0, 0, 0) : any(UINT64_MAX) << 20;
}

static uint64_t far_and_near(size_t index) {
    return index % 4 == 0   ? made_word(PERFTRACE_RECORD_REBASE, 0, 0, 0)
           : index % 4 == 1 ? (any(2) == 0 ? 0 : UINT64_MAX - any(1000))
                            : made_word(PERFTRACE_RECORD_EVENT, BOMB_EVENT, 0, (uint32_t)any(UINT32_MAX));
}

static void words_of_any_kind(void) {
    struct made made = {0};
    size_t count = torture_times(500000, 5000000);
    bomb_begin(&made);
    bomb_add_words(&made, 1, count, anything);
    made_track(&made, 2, PERFTRACE_TRACK_THREAD, "");
    bomb_add_words(&made, 2, count, rebased);
    made_track(&made, 3, PERFTRACE_TRACK_THREAD, "");
    bomb_add_words(&made, 3, count, far_and_near);
    struct reading reading = explode(&made);
    torture_check(reading.items >= count / 3, "%" PRIu64 " items", reading.items);
}

/* Readings of the clocks that contradict each other, at any distance, and records at any tick between them. */
static void clocks_that_contradict(void) {
    struct made made = {0};
    unsigned long rounds = torture_times(5000, 200000);
    made_header(&made, 1);
    made_process(&made, PERFTRACE_CLOCK_TSC);
    made_site(&made, BOMB_EVENT, PERFTRACE_RECORD_EVENT, 0, "e", NULL, 0);
    made_track(&made, 1, PERFTRACE_TRACK_THREAD, "main");
    for (uint64_t i = 0; i < rounds; i++) {
        const uint64_t word = made_word(PERFTRACE_RECORD_EVENT, BOMB_EVENT, 0, (uint32_t)any(UINT32_MAX));
        unsigned shift = (unsigned)any(64);
        made_clock(&made, any(UINT64_MAX) << 11 >> shift, any(UINT64_MAX) << 11 >> any(64));
        made_chunk(&made, 1, i, 0, any(UINT64_MAX) << 11 >> shift, &word, 1);
        if (i % 3 == 0)
            made_sync(&made, any(UINT64_MAX) << 11 >> any(64));
    }
    struct reading reading = explode(&made);
    torture_check(reading.items == 1 + rounds, "%" PRIu64 " of %lu events", reading.items - 1, rounds);
}

static void a_storm_of_syncs(void) {
    struct made made = {0};
    unsigned long count = torture_times(100000, 2000000);
    bomb_begin(&made);
    for (uint32_t track = 2; track < 1000; track++) {
        const uint64_t word = made_word(PERFTRACE_RECORD_EVENT, BOMB_EVENT, 0, track);
        made_track(&made, track, PERFTRACE_TRACK_THREAD, "");
        made_chunk(&made, track, 0, 0, UINT64_MAX / 2, &word, 1);
    }
    for (uint64_t i = 0; i < count; i++)
        made_sync(&made, i % 2 == 0 ? i : any(UINT64_MAX / 2));
    struct reading reading = explode(&made);
    torture_check(reading.items == 999 + 998, "%" PRIu64 " items", reading.items);
}

static void a_storm_of_processes(void) {
    struct made made = {0};
    bomb_begin(&made);
    for (unsigned long i = 0; i < torture_times(50000, 1000000); i++) {
        made_process(&made, i % 2 == 0 ? PERFTRACE_CLOCK_TSC : PERFTRACE_CLOCK_MONOTONIC);
        if (i % 1000 == 0)
            bomb_add_event(&made, i);
    }
    struct reading reading = explode(&made);
    torture_check(reading.items == 1 + torture_times(50, 1000), "%" PRIu64 " items", reading.items);
}

/* ---- arguments ---- */

/* Many values on one span, one of which is told anew again and again. */
static void metrics_told_again(void) {
    enum { SITES = 64, LONG = 7000 };
    static const struct made_argument text[] = {{"t", PERFTRACE_TYPE_TEXT, PERFTRACE_ROLE_METRIC}};
    static uint64_t words[8000];
    struct made made = {0};
    unsigned long again = torture_times(100, 2000);
    bomb_begin(&made);
    for (uint32_t i = 0; i < SITES; i++)
        made_site(&made, 10 + i, PERFTRACE_RECORD_METRIC, 0, "m", text, 1);
    words[0] = BEGIN(BOMB_SPAN, 0, 0);
    made_chunk(&made, 1, 0, 0, 0, words, 1);
    for (uint32_t i = 0; i < SITES; i++) {
        memset(words, 'x', sizeof words);
        words[0] = made_word(PERFTRACE_RECORD_METRIC, 10 + i, 0, i);
        words[1] = i == 0 ? 0 : LONG * 8;
        made_chunk(&made, 1, 1 + i, 0, 0, words, i == 0 ? 2 : 2 + LONG);
    }
    for (unsigned long i = 0; i < again; i++) {
        for (size_t at = 0; at < 8000; at += 5) { /* now longer, now shorter */
            words[at] = words[at + 2] = made_word(PERFTRACE_RECORD_METRIC, 10, 0, (uint32_t)i);
            words[at + 1] = 0;
            words[at + 3] = 8;
            words[at + 4] = made_text("metric");
        }
        made_chunk(&made, 1, 1 + SITES + i, 0, 0, words, 8000);
    }
    words[0] = END(BOMB_SPAN, 0, 0);
    made_chunk(&made, 1, 1 + SITES + again, 0, 0, words, 1);
    struct reading reading = explode(&made);
    torture_check(reading.calls == 1 && reading.complaints == 0, "%" PRIu64 " calls: %s", reading.calls,
                  reading.complaint);
}

/* Open spans that each hold as much as a record can. */
static void arguments_kept(void) {
    static const struct made_argument text[] = {{"t", PERFTRACE_TYPE_TEXT, PERFTRACE_ROLE_PARAMETER}};
    static uint64_t words[8002];
    struct made made = {0};
    unsigned long count = torture_times(500, 12000);
    bomb_begin(&made);
    made_site(&made, TEXT, PERFTRACE_RECORD_BEGIN, 0, "text", text, 1);
    memset(words, 'x', sizeof words);
    words[1] = 8000 * 8;
    for (unsigned long i = 0; i < count; i++) {
        words[0] = BEGIN(TEXT, (unsigned)i, (uint32_t)i);
        made_chunk(&made, 1, i, 0, 0, words, 8002);
    }
    struct reading reading = explode(&made);
    torture_check(reading.calls == count, "%" PRIu64 " calls", reading.calls);
    torture_check(count * 64000 < PERFTRACE_READER_BYTES_MAX || reading.complaints > 0, "nothing is told");
}

/* Spans with times of their own: within each other, at one time, the other way round. */
static void placed_spans(void) {
    struct made made = {0};
    static uint64_t words[8000];
    unsigned long rounds = torture_times(30, 600);
    bomb_begin(&made);
    made_site(&made, 10, PERFTRACE_RECORD_TRACK_SPAN, 0, "placed", NULL, 0);
    made_track(&made, 2, PERFTRACE_TRACK_GPU, "queue");
    for (unsigned long round = 0; round < rounds; round++) {
        for (uint64_t i = 0; i < 2000; i++) {
            uint64_t n = round * 2000 + i, *word = words + 4 * i;
            word[0] = made_word(PERFTRACE_RECORD_TRACK_SPAN, 10, 0, 0);
            word[1] = 2;
            word[2] = round % 3 == 0 ? n : round % 3 == 1 ? 5 : UINT64_MAX - n;
            word[3] = round % 3 == 0 ? UINT64_MAX - n : round % 3 == 1 ? 5 : UINT64_MAX;
        }
        made_chunk(&made, 1, round, 0, 0, words, 8000);
        if (round % 20 == 19)
            made_sync(&made, UINT64_MAX);
    }
    struct reading reading = explode(&made);
    torture_check(reading.calls == 2000 * rounds, "%" PRIu64 " calls", reading.calls);
}

/* Names repeated by every event: what is written must not be many times what was read. */
static void long_name_of_many_calls(void) {
    struct made made = {0};
    static char name[60001];
    memset(name, 'n', sizeof name - 1);
    bomb_begin(&made);
    made_span_site(&made, 10, name);
    depth = torture_times(20000, 200000);
    static uint64_t words[8000];
    for (size_t at = 0, sequence = 0; at < depth; at += 4000, sequence++) {
        for (size_t i = 0; i < 4000; i++) {
            words[2 * i] = BEGIN(10, 0, (uint32_t)(at + i));
            words[2 * i + 1] = END(10, 0, (uint32_t)(at + i));
        }
        made_chunk(&made, 1, sequence, 0, 0, words, 8000);
    }
    struct reading reading = explode(&made);
    torture_check(reading.calls >= depth, "%" PRIu64 " calls", reading.calls);
}
int main(int argc, char **argv) {
    static const struct torture_case cases[] = {
        {"chunks told again", chunks_told_again},
        {"words of any kind", words_of_any_kind},
        {"clocks that contradict", clocks_that_contradict},
        {"a storm of syncs", a_storm_of_syncs},
        {"a storm of processes", a_storm_of_processes},
        {"metrics told again", metrics_told_again},
        {"arguments kept", arguments_kept},
        {"placed spans", placed_spans},
        {"long name of many calls", long_name_of_many_calls},
    };
    return torture_main(argc, argv, cases, sizeof cases / sizeof cases[0]);
}
