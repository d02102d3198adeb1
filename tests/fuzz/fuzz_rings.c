/* The bytes of rings -> the reader, together with the trace of a killed program that they fit; and folding them into it changes nothing
 * that is read.
 *
 * The input is not a ring file, which has 64 KiB for each segment, but what is in one: a byte of switches, the file's header,
 * the metadata and up to three segments, each with a count of bytes before it. */
#include "fuzz.h"

#include "../../core/crc32c.h"
#include "../unit/make_trace.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { METADATA_AT = 4096, METADATA_BYTES = 4096, SEGMENTS_AT = METADATA_AT + METADATA_BYTES, SEGMENTS = 3 };
enum { RAW_HEADER = 1, RAW_METADATA = 2, FOLD = 4 }; /* switches */

static char trace_path[64], ring_path[64];
static struct made trace;

static void remove_files(void) {
    unlink(trace_path);
    unlink(ring_path);
}

/* What its program had written when it was killed. */
static void make_trace(void) {
    static const struct made_argument text[] = {{"t", PERFTRACE_TYPE_TEXT, PERFTRACE_ROLE_PARAMETER}};
    const uint64_t words[] = {BEGIN(1, 0, 1), made_word(PERFTRACE_RECORD_EVENT, 2, 1, 2), 3,
                              made_text("abc")};
    snprintf(trace_path, sizeof trace_path, "/dev/shm/perftrace-fuzz-%ld.ptrace", (long)getpid());
    snprintf(ring_path, sizeof ring_path, "/dev/shm/perftrace-fuzz-%ld.ring", (long)getpid());
    atexit(remove_files);
    made_header(&trace, 1);
    made_process(&trace, PERFTRACE_CLOCK_MONOTONIC);
    trace.bytes[sizeof(struct perftrace_file_header) + sizeof(struct perftrace_block_header) +
                offsetof(struct perftrace_block_process, pid)] = 0; /* of nobody: it has ended */
    trace.bytes[sizeof(struct perftrace_file_header) + sizeof(struct perftrace_block_header) +
                offsetof(struct perftrace_block_process, pid) + 1] = 0;
    fuzz_seal_blocks(trace.bytes, trace.length, sizeof(struct perftrace_file_header));
    made_ring(&trace, ring_path);
    made_span_site(&trace, 1, "s");
    made_site(&trace, 2, PERFTRACE_RECORD_EVENT, 0, "e", text, 1);
    made_track(&trace, 1, PERFTRACE_TRACK_THREAD, "main");
    made_chunk(&trace, 1, 0, 0, 1000, WORDS(words));
}

static void write_file(const char *path, const void *bytes, size_t size) {
    int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    FUZZ_CHECK(fd >= 0 && write(fd, bytes, size) == (ssize_t)size);
    close(fd);
}

struct rest {
    const uint8_t *at;
    size_t size;
};

static size_t take(struct rest *rest, void *into, size_t most) {
    size_t some = rest->size < most ? rest->size : most;
    if (some > 0)
        memcpy(into, rest->at, some);
    rest->at += some;
    rest->size -= some;
    return some;
}

/* A count of bytes, and so many of them. */
static size_t take_counted(struct rest *rest, void *into, size_t most) {
    uint16_t count = 0;
    take(rest, &count, sizeof count);
    return take(rest, into, count < most ? count : most);
}

static void write_ring(const uint8_t *data, size_t size) {
    static union {
        uint8_t bytes[SEGMENTS_AT + SEGMENTS * PERFTRACE_SEGMENT_BYTES];
        struct perftrace_ring_file header;
    } ring;
    struct rest rest = {data, size};
    uint8_t switches = 0;
    memset(&ring, 0, sizeof ring);
    take(&rest, &switches, 1);
    take(&rest, &ring.header, sizeof ring.header);
    size_t used = take_counted(&rest, ring.bytes + METADATA_AT, METADATA_BYTES);
    if ((switches & RAW_METADATA) == 0) {
        used = used / 8 * 8;
        fuzz_seal_blocks(ring.bytes + METADATA_AT, used, 0);
    }
    size_t segments = 0;
    while (rest.size > 2 && segments < SEGMENTS)
        take_counted(&rest, ring.bytes + SEGMENTS_AT + segments++ * PERFTRACE_SEGMENT_BYTES,
                     PERFTRACE_SEGMENT_BYTES);
    memcpy(ring.header.magic, PERFTRACE_RING_MAGIC, sizeof ring.header.magic);
    memset(ring.header.uuid, 1, sizeof ring.header.uuid);
    ring.header.version = 1;
    if ((switches & RAW_HEADER) == 0) {
        ring.header.metadata_offset = METADATA_AT;
        ring.header.metadata_bytes = METADATA_BYTES;
        ring.header.metadata_used = used;
        ring.header.segments_offset = SEGMENTS_AT;
        ring.header.segment_count = segments;
    }
    ring.header.checksum =
        perftrace_crc32c(0, &ring.header, offsetof(struct perftrace_ring_file, metadata_used));
    ring.header.checksum = perftrace_crc32c(ring.header.checksum, &ring.header.segments_offset, 8);
    write_file(ring_path, ring.bytes, SEGMENTS_AT + segments * PERFTRACE_SEGMENT_BYTES);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size == 0)
        return 0;
    if (trace.length == 0)
        make_trace();
    write_file(trace_path, trace.bytes, trace.length);
    write_ring(data, size);
    struct fuzz_read read = fuzz_read(trace_path, NULL, NULL);
    FUZZ_CHECK(read.error == 0 && read.records >= 2); /* what the trace has */
    if ((data[0] & FOLD) != 0 && perftrace_reader_fold(trace_path, NULL) == 1) {
        struct fuzz_read folded = fuzz_read(trace_path, NULL, NULL);
        FUZZ_CHECK(folded.sum == read.sum && folded.items == read.items);
    }
    return 0;
}
