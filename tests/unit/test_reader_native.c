/* Reading trace files through the public API: whole, cut, damaged, from a pipe, and with what a killed
 * program left in its rings. */
#include "make_trace.h"

#include "../../include/perftrace_reader.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#define UUID 0x5a
enum { EVENTS = 12 };

static struct made made;
static struct heard heard;
static char folder[] = "/tmp/perftrace-test-XXXXXX";
static char trace_path[64], ring_path[64];

static int make_folder(void **state) {
    (void)state;
    if (mkdtemp(folder) == NULL)
        return -1;
    snprintf(trace_path, sizeof trace_path, "%s/t.ptrace", folder);
    snprintf(ring_path, sizeof ring_path, "%s/t.ring", folder);
    return 0;
}

static int remove_folder(void **state) {
    (void)state;
    unlink(trace_path);
    unlink(ring_path);
    return rmdir(folder);
}

static int set_up(void **state) {
    (void)state;
    made_header(&made, UUID);
    made_process(&made, PERFTRACE_CLOCK_MONOTONIC);
    made_track(&made, 1, PERFTRACE_TRACK_THREAD, "main");
    made_site(&made, 1, PERFTRACE_RECORD_EVENT, 0, "e", NULL, 0);
    made_span_site(&made, 2, "f");
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    made_free(&made);
    return 0;
}

static void write_file(const char *path, const void *bytes, size_t length) {
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, length, file), length);
    assert_int_equal(fclose(file), 0);
}

/* Everything that is heard of a file, and what is known at its end. False when it can't be opened. */
static bool hear(const char *path, struct perftrace_trace_info *info) {
    struct perftrace_error_info error;
    const struct perftrace_reader_options options = {.on_damage = heard_damage, .context = &heard};
    heard = (struct heard){0};
    struct perftrace_reader *reader = perftrace_reader_open(path, &options, &error);
    if (reader == NULL) {
        assert_int_not_equal(error.code, PERFTRACE_OK);
        return false;
    }
    for (const struct perftrace_item *item; (item = perftrace_reader_next(reader)) != NULL;)
        heard_item(&heard, item);
    assert_null(perftrace_reader_next(reader));
    assert_null(perftrace_reader_error(reader));
    *info = *perftrace_reader_info(reader);
    perftrace_reader_close(reader);
    return true;
}

static struct perftrace_trace_info hear_made(void) {
    struct perftrace_trace_info info;
    write_file(trace_path, made.bytes, made.length);
    assert_true(hear(trace_path, &info));
    return info;
}

static unsigned count(const char *what) {
    unsigned found = 0;
    for (const char *at = heard.text; (at = strstr(at, what)) != NULL; at++)
        found++;
    return found;
}

/* EVENTS chunks of one event, each in a segment of its own. */
static void add_events(void) {
    for (unsigned i = 0; i < EVENTS; i++) {
        uint64_t word = made_word(PERFTRACE_RECORD_EVENT, 1, 0, i);
        made_chunk(&made, 1, i, 0, 1000, &word, 1);
    }
}

static void whole(void **state) {
    (void)state;
    add_events();
    made_end(&made, EVENTS);
    struct perftrace_trace_info info = hear_made();
    assert_int_equal(count("event e@"), EVENTS);
    assert_int_equal(heard.damages, 0);
    assert_true(info.native && info.finished && !info.damaged && !info.live && info.crash_safe);
    assert_int_equal(info.bytes, made.length);
    assert_int_equal(info.pid, 4711);
    assert_int_equal(info.uuid[15], UUID);
    assert_int_equal(info.ticks_per_second, 1e9);
}

static void from_a_pipe(void **state) {
    (void)state;
    int ends[2];
    char path[32];
    struct perftrace_trace_info info;
    add_events();
    made_end(&made, EVENTS);
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(write(ends[1], made.bytes, made.length), made.length);
    close(ends[1]);
    snprintf(path, sizeof path, "/dev/fd/%d", ends[0]);
    assert_true(hear(path, &info));
    close(ends[0]);
    assert_int_equal(count("event e@"), EVENTS);
    assert_true(info.finished);
}

/* Where each block of `made` ends; returns how many there are. */
static size_t block_ends(size_t ends[64], uint16_t kinds[64]) {
    size_t count_ = 0;
    for (size_t at = sizeof(struct perftrace_file_header); at < made.length; count_++) {
        struct perftrace_block_header header;
        memcpy(&header, made.bytes + at, sizeof header);
        at += sizeof header + header.bytes;
        ends[count_] = at;
        kinds[count_] = header.kind;
    }
    return count_;
}

/* What is before the cut is read, whatever byte it falls on. */
static void cut_at_every_byte(void **state) {
    (void)state;
    size_t ends[64], length;
    uint16_t kinds[64];
    struct perftrace_trace_info info;
    add_events();
    made_end(&made, EVENTS);
    size_t blocks = block_ends(ends, kinds);
    for (length = 0; length < made.length; length++) {
        unsigned intact = 0;
        bool on_block = length == sizeof(struct perftrace_file_header);
        for (size_t i = 0; i < blocks && ends[i] <= length; i++) {
            intact += kinds[i] == PERFTRACE_BLOCK_CHUNK;
            on_block = ends[i] == length;
        }
        write_file(trace_path, made.bytes, length);
        bool opened = hear(trace_path, &info);
        assert_int_equal(opened, length < 2 || length >= sizeof(struct perftrace_file_header));
        assert_int_equal(count("event e@"), intact);
        if (length >= sizeof(struct perftrace_file_header))
            assert_int_equal(info.damaged, !on_block);
    }
}

/* A flipped bit costs its block, and no other. */
static void every_bit_flipped(void **state) {
    (void)state;
    size_t ends[64], block = 0;
    uint16_t kinds[64];
    struct perftrace_trace_info info;
    add_events();
    made_end(&made, EVENTS);
    block_ends(ends, kinds);
    for (size_t at = 0; at < made.length; at++) {
        if (at >= ends[block])
            block++;
        for (unsigned bit = 0; bit < 8; bit++) {
            made.bytes[at] ^= (unsigned char)(1u << bit);
            write_file(trace_path, made.bytes, made.length);
            bool opened = hear(trace_path, &info);
            made.bytes[at] ^= (unsigned char)(1u << bit);
            if (at < sizeof(struct perftrace_file_header))
                continue;
            assert_true(opened);
            assert_true(info.damaged);
            assert_true(info.damaged_bytes > 0);
            if (kinds[block] != PERFTRACE_BLOCK_SITE)
                assert_int_equal(count("event e@"), EVENTS - (kinds[block] == PERFTRACE_BLOCK_CHUNK));
        }
    }
}

/* Bytes put in shift all that follows: the next block is found at any offset. */
static void bytes_put_in(void **state) {
    (void)state;
    size_t ends[64];
    uint16_t kinds[64];
    add_events();
    made_end(&made, EVENTS);
    block_ends(ends, kinds);
    size_t at = ends[6], rest = made.length - at;
    struct made longer = {.bytes = malloc(made.length + 13), .length = made.length + 13};
    assert_non_null(longer.bytes);
    memcpy(longer.bytes, made.bytes, at);
    memcpy(longer.bytes + at, "PBLKPBLKrubbi", 13);
    memcpy(longer.bytes + at + 13, made.bytes + at, rest);
    made_free(&made);
    made = longer;
    struct perftrace_trace_info info = hear_made();
    char expected[96];
    snprintf(expected, sizeof expected, "? 13 bytes from byte %zu on are damaged and left out\n", at);
    assert_int_equal(count("event e@"), EVENTS);
    assert_int_equal(count(expected), 1);
    assert_int_equal(info.damaged_bytes, 13);
}

/* Many headers that claim long blocks, one within the other: checking them all would take hours. */
static void hostile_lengths(void **state) {
    (void)state;
    const struct perftrace_block_header header = {
        .kind = PERFTRACE_BLOCK_CHUNK, .bytes = 8u << 20, .marker = PERFTRACE_BLOCK_MARKER};
    size_t length = 12u << 20;
    struct made hostile = {.bytes = malloc(length), .length = length};
    assert_non_null(hostile.bytes);
    for (size_t at = 0; at < length; at += sizeof header)
        memcpy(hostile.bytes + at, &header, sizeof header);
    memcpy(hostile.bytes, made.bytes, sizeof(struct perftrace_file_header));
    made_free(&made);
    made = hostile;
    struct perftrace_trace_info info = hear_made();
    assert_true(info.damaged);
    assert_int_equal(heard.items, 0);
}

/* ---- what can't be opened ------------------------------------------------------------------------- */

static enum perftrace_error open_fails(const char *path) {
    struct perftrace_error_info error;
    assert_null(perftrace_reader_open(path, NULL, NULL));
    assert_null(perftrace_reader_open(path, NULL, &error));
    assert_true(strlen(error.message) > 10);
    return error.code;
}

static void refused(void **state) {
    (void)state;
    uint32_t version = PERFTRACE_FORMAT_VERSION + 1;
    struct perftrace_ring_file ring = {.version = 1};
    assert_int_equal(open_fails("/no/such/file"), PERFTRACE_ERROR_SYSTEM);
    assert_int_equal(open_fails(folder), PERFTRACE_ERROR_SYSTEM);
    assert_int_equal(open_fails(NULL), PERFTRACE_ERROR_ARGUMENT);
    memcpy(made.bytes + offsetof(struct perftrace_file_header, version), &version, sizeof version);
    write_file(trace_path, made.bytes, made.length);
    assert_int_equal(open_fails(trace_path), PERFTRACE_ERROR_VERSION);
    write_file(trace_path, made.bytes, 40);
    assert_int_equal(open_fails(trace_path), PERFTRACE_ERROR_FORMAT);
    memcpy(ring.magic, PERFTRACE_RING_MAGIC, sizeof ring.magic);
    write_file(trace_path, &ring, sizeof ring);
    assert_int_equal(open_fails(trace_path), PERFTRACE_ERROR_FORMAT);
}

static void loss_names(void **state) {
    (void)state;
    assert_string_equal(perftrace_loss_name(PERFTRACE_LOSS_FULL), "ring full");
    assert_string_equal(perftrace_loss_name(PERFTRACE_LOSS_NO_SITE), "no room for the site");
    assert_non_null(perftrace_loss_name(PERFTRACE_LOSS_KINDS - 1));
    assert_null(perftrace_loss_name(PERFTRACE_LOSS_KINDS));
}

/* ---- rings ---------------------------------------------------------------------------------------- */

struct made_segment {
    struct perftrace_segment header;
    uint64_t words[PERFTRACE_SEGMENT_RECORD_BYTES / 8];
};
static_assert(sizeof(struct made_segment) == PERFTRACE_SEGMENT_BYTES, "a segment");

/* A ring file with `metadata` after its header page and then the segments. */
static void write_ring(uint8_t uuid, const struct made *metadata, const struct made_segment *segments,
                       size_t count_) {
    struct perftrace_ring_file file = {.version = 1,
                                       .metadata_offset = 4096,
                                       .metadata_bytes = 4096,
                                       .metadata_used = metadata->length,
                                       .segments_offset = 8192,
                                       .segment_count = count_,
                                       .lost = {[PERFTRACE_LOSS_NO_RING] = 2}};
    unsigned char *bytes = calloc(1, 8192);
    assert_non_null(bytes);
    memcpy(file.magic, PERFTRACE_RING_MAGIC, sizeof file.magic);
    memset(file.uuid, uuid, sizeof file.uuid);
    memcpy(bytes, &file, sizeof file);
    memcpy(bytes + 4096, metadata->bytes, metadata->length);
    FILE *out = fopen(ring_path, "wb");
    assert_non_null(out);
    assert_int_equal(fwrite(bytes, 1, 8192, out), 8192);
    assert_int_equal(fwrite(segments, sizeof *segments, count_, out), count_);
    assert_int_equal(fclose(out), 0);
    free(bytes);
}

/* A trace whose program died, and its ring: on track 1 a segment of which the trace has the first half and
 * whose `drained` lags behind, then a newer one being written; on track 2 (which the trace does not tell of) an
 * older one; and one that is free. */
static void make_killed(uint8_t ring_uuid) {
    static struct made_segment segments[4];
    const uint64_t full[] = {
        BEGIN(2, 0, 10), made_word(PERFTRACE_RECORD_REBASE, 0, 0, 0), 2000, END(2, 0, 20), BEGIN(2, 0, 30),
        END(2, 0, 40)};
    const uint64_t active[] = {BEGIN(2, 0, 5), BEGIN(2, 1, 6)}, other[] = {BEGIN(3, 0, 15), END(3, 0, 25)};
    struct made metadata = {0};
    memset(segments, 0, sizeof segments);
    segments[0].header = (struct perftrace_segment){
        .state = PERFTRACE_SEGMENT_ACTIVE, .track = 1, .sequence = 1, .base_tick = 3000};
    segments[1].header = (struct perftrace_segment){.state = PERFTRACE_SEGMENT_FULL,
                                                    .track = 1,
                                                    .sequence = 0,
                                                    .base_tick = 1000,
                                                    .drained = 8,
                                                    .end = sizeof full,
                                                    .lost = {[PERFTRACE_LOSS_FULL] = 3}};
    segments[2].header =
        (struct perftrace_segment){.state = PERFTRACE_SEGMENT_ACTIVE, .track = 2, .base_tick = 2000};
    segments[3].header =
        (struct perftrace_segment){.state = PERFTRACE_SEGMENT_FREE, .track = 1, .sequence = 9};
    memcpy(segments[0].words, active, sizeof active);
    memcpy(segments[1].words, full, sizeof full);
    memcpy(segments[2].words, other, sizeof other);
    memcpy(segments[3].words, other, sizeof other);
    made_span_site(&metadata, 2, "f");
    made_track(&metadata, 2, PERFTRACE_TRACK_THREAD, "other");
    made_span_site(&metadata, 3, "g");
    write_ring(ring_uuid, &metadata, segments, 4);
    made_free(&metadata);
    made_ring(&made, ring_path);
    made_chunk(&made, 1, 0, 0, 1000, full, 1);
    made_chunk(&made, 1, 0, 8, 1000, full + 1, 3);
    made_sync(&made, 1500);
}

static void leftovers_are_joined(void **state) {
    (void)state;
    make_killed(UUID);
    struct perftrace_trace_info info = hear_made();
    assert_string_equal(heard.text,
                        "track 1 main\nB1 f@1010 d0 <unknown\ntrack 2 other\n"
                        "B2 g@2015 d0 <unknown\nE1 f@2020 1010-0\nE2 g@2025 10-0\n"
                        "B3 f@2030 d0 <unknown\nE3 f@2040 10-0\n"
                        "B4 f@3005 d0 <unknown\nB5 f@3006 d1 <f\n"
                        "E5 f@3006! 0-0\nE4 f@3006! 1-0\n");
    assert_false(info.finished);
    assert_false(info.live);
    assert_false(info.damaged);
    assert_int_equal(info.lost[PERFTRACE_LOSS_FULL], 3);
    assert_int_equal(info.lost[PERFTRACE_LOSS_NO_RING], 2);
}

/* The trace is cut as well: the drainer died while it wrote. What it wrote by half is still in the ring. */
static void cut_and_joined(void **state) {
    (void)state;
    make_killed(UUID);
    made.length -= 40;
    struct perftrace_trace_info info = hear_made();
    assert_int_equal(count("B"), 5);
    assert_int_equal(count("E"), 5);
    assert_false(info.damaged);
}

static void rings_of_others_are_left(void **state) {
    (void)state;
    make_killed(UUID + 1);
    hear_made();
    assert_int_equal(count("B"), 1);
    assert_int_equal(count("its rings are gone"), 1);
}

static void rings_left_on_request(void **state) {
    (void)state;
    make_killed(UUID);
    write_file(trace_path, made.bytes, made.length);
    const struct perftrace_reader_options options = {.leave_rings = true};
    struct perftrace_reader *reader = perftrace_reader_open(trace_path, &options, NULL);
    unsigned items = 0;
    assert_non_null(reader);
    while (perftrace_reader_next(reader) != NULL)
        items++;
    assert_int_equal(items, 3); /* the track, a beginning and an end */
    perftrace_reader_close(reader);
}

/* No byte of a ring file is trusted: each in turn is made another, or the file is cut there. */
static void rings_damaged(void **state) {
    (void)state;
    struct perftrace_trace_info info;
    make_killed(UUID);
    write_file(trace_path, made.bytes, made.length);
    const size_t places[][2] = {
        {0, 140}, {4096, 4400}, {8192, 8192 + 160}, {8192 + 65536, 8192 + 65536 + 200}};
    for (size_t place = 0; place < 4; place++)
        for (size_t at = places[place][0]; at < places[place][1]; at++) {
            FILE *file = fopen(ring_path, "r+b");
            assert_non_null(file);
            fseek(file, (long)at, SEEK_SET);
            int old = fgetc(file);
            fseek(file, (long)at, SEEK_SET);
            fputc(old ^ 0xff, file);
            fflush(file);
            assert_true(hear(trace_path, &info));
            assert_in_range(count("f@1010"), 1, 1);
            fseek(file, (long)at, SEEK_SET);
            fputc(old, file);
            fclose(file);
        }
    for (off_t length = 4 * 65536 + 8192 - 1; length > 0; length -= 9973) {
        assert_int_equal(truncate(ring_path, length), 0);
        assert_true(hear(trace_path, &info));
        assert_int_equal(count("f@1010"), 1);
    }
}

/* The program is this one: it still runs. */
static void a_running_program(void **state) {
    (void)state;
    struct perftrace_block_process process = {.pid = (uint32_t)getpid(), .clock = PERFTRACE_CLOCK_MONOTONIC};
    char text[1024] = "";
    FILE *file = fopen("/proc/self/stat", "r");
    assert_non_null(file);
    assert_true(fread(text, 1, sizeof text - 1, file) > 0);
    fclose(file);
    const char *at = strrchr(text, ')');
    for (int field = 2; field < 22; field++)
        at = strchr(at + 1, ' ');
    process.process_start_ticks = strtoull(at, NULL, 10);
    made_block(&made, PERFTRACE_BLOCK_PROCESS, &process, sizeof process);
    make_killed(UUID);
    struct perftrace_trace_info info = hear_made();
    assert_true(info.live);
    assert_int_equal(count("B"), 5);
    process.process_start_ticks++;
    made_block(&made, PERFTRACE_BLOCK_PROCESS, &process, sizeof process);
    info = hear_made();
    assert_false(info.live);
    assert_int_equal(count("B"), 5);
}

/* ---- aggregation ---------------------------------------------------------------------------------- */

static void aggregate(void **state) {
    (void)state;
    const uint64_t words[] = {BEGIN(2, 0, 0), BEGIN(3, 1, 10), END(3, 1, 20),   BEGIN(4, 1, 30),
                              END(4, 1, 60),  END(2, 0, 100),  BEGIN(5, 0, 110)};
    struct perftrace_function_total *totals;
    made_span_site(&made, 3, "g");
    made_span_site(&made, 4, "g"); /* another place, the same function */
    made_span_site(&made, 5, "a");
    made_chunk(&made, 1, 0, 0, 0, WORDS(words));
    made_end(&made, 7);
    write_file(trace_path, made.bytes, made.length);
    struct perftrace_reader *reader = perftrace_reader_open(trace_path, NULL, NULL);
    assert_non_null(reader);
    assert_int_equal(perftrace_reader_aggregate(reader, &totals), 3);
    assert_string_equal(totals[0].site->name.bytes, "g");
    assert_int_equal(totals[0].calls, 2);
    assert_int_equal(totals[0].total_ns, 40);
    assert_int_equal(totals[0].self_ns, 40);
    assert_int_equal(totals[0].min_ns, 10);
    assert_int_equal(totals[0].max_ns, 30);
    assert_string_equal(totals[1].site->name.bytes, "a");
    assert_int_equal(totals[1].unfinished, 1);
    assert_string_equal(totals[2].site->name.bytes, "f");
    assert_int_equal(totals[2].self_ns, 60);
    free(totals);
    perftrace_reader_close(reader);
}

int main(void) {
#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(whole),
        TEST(from_a_pipe),
        TEST(cut_at_every_byte),
        TEST(every_bit_flipped),
        TEST(bytes_put_in),
        TEST(hostile_lengths),
        TEST(refused),
        TEST(loss_names),
        TEST(leftovers_are_joined),
        TEST(cut_and_joined),
        TEST(rings_of_others_are_left),
        TEST(rings_left_on_request),
        TEST(rings_damaged),
        TEST(a_running_program),
        TEST(aggregate),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
