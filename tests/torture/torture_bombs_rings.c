/* Bombs in rings: parts that overlap or lie beyond the file, as many segments as a number can hold, segments that contradict each
 * other, and random words everywhere. */
#include "bombs.h"
#include "torture.h"

#include "../../core/crc32c.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { METADATA_AT = 4096, METADATA_BYTES = 4096, SEGMENTS_AT = METADATA_AT + METADATA_BYTES };

static struct perftrace_ring_file make_header(uint64_t segments, uint64_t metadata_used) {
    struct perftrace_ring_file header = {.version = 1,
                                         .pid = 4711,
                                         .metadata_offset = METADATA_AT,
                                         .metadata_bytes = METADATA_BYTES,
                                         .metadata_used = metadata_used,
                                         .segments_offset = SEGMENTS_AT,
                                         .segment_count = segments};
    memcpy(header.magic, PERFTRACE_RING_MAGIC, sizeof header.magic);
    memset(header.uuid, 1, sizeof header.uuid);
    return header;
}

/* As its author could: what is in it is what he wants. */
static void seal(struct perftrace_ring_file *header) {
    header->checksum = perftrace_crc32c(0, header, offsetof(struct perftrace_ring_file, metadata_used));
    header->checksum =
        perftrace_crc32c(header->checksum, &header->segments_offset, sizeof header->segments_offset);
}

static int ring_fd;

static void put(const void *bytes, size_t count, uint64_t at) {
    torture_check(pwrite(ring_fd, bytes, count, (off_t)at) == (ssize_t)count, "%zu bytes at %" PRIu64, count,
                  at);
}

static void put_header(struct perftrace_ring_file header) {
    seal(&header);
    put(&header, sizeof header, 0);
}

/* The trace of a killed program, with one event, whose rings lie in ./bomb.ring: empty yet. */
static void begin_rings(void) {
    char path[4096], folder[4000];
    struct made made = {0};
    torture_fresh_folder();
    bomb_begin(&made);
    torture_check(getcwd(folder, sizeof folder) != NULL, "folder");
    snprintf(path, sizeof path, "%s/bomb.ring", folder);
    made_ring(&made, path);
    bomb_add_event(&made, 0);
    write_bytes("bomb.ptrace", made.bytes, made.length);
    made_free(&made);
    ring_fd = open("bomb.ring", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
}

/* The trace's own event comes out whatever the rings hold. Folding may follow: the command does that. */
static struct reading end_rings(bool command) {
    struct reading reading = read_watched("bomb.ptrace");
    torture_check(reading.error == 0 && reading.items >= 2, "%" PRIu64 " items: %s", reading.items,
                  reading.why);
    if (command)
        command_reads("bomb.ptrace");
    close(ring_fd);
    return reading;
}

static void put_segment(uint64_t at, uint32_t track, uint64_t sequence, uint64_t base_tick, uint32_t events) {
    const struct perftrace_segment segment = {
        .state = PERFTRACE_SEGMENT_ACTIVE, .track = track, .sequence = sequence, .base_tick = base_tick};
    uint64_t words[64];
    for (uint32_t i = 0; i < events && i < 64; i++)
        words[i] = made_word(PERFTRACE_RECORD_EVENT, BOMB_EVENT, 0, i);
    put(&segment, sizeof segment, at);
    put(words, events * sizeof words[0], at + sizeof segment);
}

/* ---- */

static void parts_that_overlap(void) {
    static const uint64_t places[] = {0,
                                      8,
                                      140,
                                      4096,
                                      4104,
                                      SEGMENTS_AT,
                                      SEGMENTS_AT + 100,
                                      1 << 20,
                                      UINT64_MAX / 2,
                                      UINT64_MAX - 7,
                                      UINT64_MAX - 65535,
                                      UINT64_MAX};
    enum { PLACES = sizeof places / sizeof places[0] };
    for (size_t i = 0; i < PLACES; i++)
        for (size_t part = 0; part < 5; part++) {
            begin_rings();
            struct perftrace_ring_file header = make_header(4, 64);
            uint64_t *fields[] = {&header.metadata_offset, &header.metadata_bytes, &header.metadata_used,
                                  &header.segments_offset, &header.segment_count};
            torture_check(ftruncate(ring_fd, SEGMENTS_AT + 4 * PERFTRACE_SEGMENT_BYTES) == 0, "length");
            put_segment(SEGMENTS_AT, 1, 1, 5, 10);
            *fields[part] = places[i];
            if (part == 0)
                header.metadata_used = header.metadata_bytes = places[(i + 5) % PLACES];
            put_header(header);
            struct reading reading = end_rings(false);
            torture_check(part == 3 || reading.items >= 2 + 10 || reading.complaints > 0,
                          "field %zu: nothing is told", part);
        }
}

/* A sparse file as long as the file system allows, and a header that says that all of it is segments. */
static void segments_without_number(void) {
    begin_rings();
    torture_check(ftruncate(ring_fd, (off_t)(torture_times(8, 1024)) << 30) == 0, "length");
    put_header(make_header(UINT64_MAX, 0));
    for (uint64_t i = 0; i < 65536; i += 16)
        put_segment(SEGMENTS_AT + i * PERFTRACE_SEGMENT_BYTES, 1, i, i, 8);
    struct reading reading = end_rings(true);
    torture_check(reading.items == 2 + 8 * 4096 - 1,
                  /* the trace has the first of them */ "%" PRIu64 " items", reading.items);
    torture_check(reading.complaints > 0, "nothing is told");
}

/* The same segment again and again, of one track and of as many as there are segments; and sequences out of order and at their end. */
static void segments_that_contradict(void) {
    enum { SEGMENTS = 2000 };
    for (unsigned how = 0; how < 5; how++) {
        begin_rings();
        torture_check(ftruncate(ring_fd, SEGMENTS_AT + SEGMENTS * (off_t)PERFTRACE_SEGMENT_BYTES) == 0,
                      "length");
        put_header(make_header(SEGMENTS, 0));
        for (uint64_t i = 0; i < SEGMENTS; i++)
            put_segment(SEGMENTS_AT + i * PERFTRACE_SEGMENT_BYTES, how == 1 ? (uint32_t)i : 1,
                        how == 0   ? 3
                        : how == 2 ? SEGMENTS - i
                        : how == 3 ? UINT64_MAX - i
                                   : any(10),
                        how == 4 ? any(UINT64_MAX) << 11 : i, 8);
        struct reading reading = end_rings(how == 3);
        torture_check(reading.items >= 2 + 8 && reading.items <= 2 + SEGMENTS * 9, "%u: %" PRIu64 " items",
                      how, reading.items);
    }
}

/* Metadata that are segments, and segments that are metadata. */
static void metadata_in_segments(void) {
    begin_rings();
    struct made blocks = {0};
    for (uint32_t i = 0; i < 2000; i++) {
        made_span_site(&blocks, 10 + i, "s");
        made_track(&blocks, 10 + i, PERFTRACE_TRACK_THREAD, "t");
        made_ring(&blocks, "/dev/zero");
    }
    torture_check(ftruncate(ring_fd, SEGMENTS_AT + 16 * PERFTRACE_SEGMENT_BYTES) == 0, "length");
    struct perftrace_ring_file header = make_header(16, blocks.length);
    header.metadata_offset = SEGMENTS_AT + 2 * PERFTRACE_SEGMENT_BYTES;
    header.metadata_bytes = 14 * PERFTRACE_SEGMENT_BYTES;
    put_header(header);
    put(blocks.bytes, blocks.length, header.metadata_offset);
    put_segment(SEGMENTS_AT, 1, 1, 5, 10);
    made_free(&blocks);
    struct reading reading = end_rings(true);
    torture_check(reading.items >= 2 + 10, "%" PRIu64 " items", reading.items);
}

static void random_words(void) {
    static uint64_t words[3 * PERFTRACE_SEGMENT_BYTES / 8];
    for (unsigned long round = 0; round < torture_times(50, 3000); round++) {
        begin_rings();
        for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
            words[i] = round % 3 == 0 ? any(UINT64_MAX) << 11
                       : any(4) != 0  ? made_word((enum perftrace_record_kind)any(16), (uint32_t)any(4),
                                                  (unsigned)any(3), (uint32_t)any(1000))
                                      : any(100);
        put(words, sizeof words, SEGMENTS_AT);
        for (uint64_t i = 0; i < 3; i++) {
            const struct perftrace_segment segment = {
                .state = (uint32_t)(1 + any(2)),
                .track = (uint32_t)any(3),
                .sequence = any(4),
                .base_tick = any(UINT64_MAX),
                .drained = (uint32_t)any(round % 2 == 0 ? 100 : UINT32_MAX),
                .end = (uint32_t)any(round % 2 == 0 ? 70000 : UINT32_MAX)};
            put(&segment, sizeof segment, SEGMENTS_AT + i * PERFTRACE_SEGMENT_BYTES);
        }
        put_header(make_header(3, any(4096)));
        end_rings(false);
    }
}

int main(int argc, char **argv) {
    static const struct torture_case cases[] = {
        {"parts that overlap", parts_that_overlap},
        {"segments without number", segments_without_number},
        {"segments that contradict", segments_that_contradict},
        {"metadata in segments", metadata_in_segments},
        {"random words", random_words},
    };
    return torture_main(argc, argv, cases, sizeof cases / sizeof cases[0]);
}
