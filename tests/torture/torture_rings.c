/* Any bytes in the rings of a killed program: each bit flipped of what is in use, and each length cut. Records have no
 * checksum there, so that a flipped bit may change one; but it changes nothing that another thread recorded and nothing that
 * the trace has, and if nothing changes and nothing is told, then the format says that the bit has no meaning. */
#include "reading.h"
#include "samples.h"
#include "torture.h"

#include "../../core/stream.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { SEGMENTS_MAX = 16 };

static struct made trace, ring;
static struct perftrace_ring_file header;
static struct perftrace_stream *stream; /* knows the shapes of all records */
static struct reading whole, of_trace;
static int ring_fd;
static double slowest;
static size_t biggest, readings;

/* Of every bit each one; under the sanitizers one of so many (a prime) in short. */
static size_t stride(void) {
#ifdef PERFTRACE_SANITIZED
    return torture_times(61, 1);
#else
    return 1;
#endif
}

static struct reading read_now(unsigned flags) {
    struct reading reading = reading_of_bytes(trace.bytes, trace.length, READING_TEXT | flags);
    reading_is_bounded(&reading, "rings");
    slowest = reading.seconds > slowest ? reading.seconds : slowest;
    biggest = reading.bytes_held > biggest ? reading.bytes_held : biggest;
    readings++;
    return reading;
}

static void feed(const unsigned char *blocks, size_t bytes) {
    for (size_t at = 0; at < bytes;) {
        struct perftrace_block_header block;
        memcpy(&block, blocks + at, sizeof block);
        perftrace_stream_block(stream, &block, blocks + at + sizeof block, at);
        while (perftrace_stream_next(stream) != NULL)
            ;
        at += sizeof block + block.bytes;
    }
}

static void begin(void) {
    torture_fresh_folder();
    trace = sample_killed(&ring);
    memcpy(&header, ring.bytes, sizeof header);
    stream = perftrace_stream_open(&(struct perftrace_stream_options){.leave_records = true});
    feed(trace.bytes + sizeof(struct perftrace_file_header),
         trace.length - sizeof(struct perftrace_file_header));
    feed(ring.bytes + header.metadata_offset, header.metadata_used);
    ring_fd = open("left.ring", O_RDWR | O_CLOEXEC);
    whole = read_now(0);
    of_trace = read_now(READING_LEAVE_RINGS);
    torture_check(whole.error == 0 && whole.complaints == 0, "%s", whole.complaint);
    torture_check(of_trace.items >= 16 && whole.items > of_trace.items, "%" PRIu64 " and %" PRIu64,
                  of_trace.items, whole.items);
}

static void end(void) {
    torture_note("%zu readings, at most %.3f s and %.1f MiB", readings, slowest, (double)biggest / (1 << 20));
    readings = 0;
    reading_free(&whole);
    reading_free(&of_trace);
    perftrace_stream_close(stream);
    made_free(&trace);
    made_free(&ring);
    close(ring_fd);
}

/* Whether every line of the one is in the other. */
static bool includes(const struct made *all, const struct made *some) {
    bool found = true;
    for (const char *line = (const char *)some->bytes, *stop; found && some->length > 0 && *line != 0;
         line = stop + 1) {
        char text[1024];
        stop = strchr(line, '\n');
        snprintf(text, sizeof text, "%.*s\n", (int)(stop - line), line);
        found = all->length > 0 && strstr((const char *)all->bytes, text) != NULL;
    }
    return found;
}

/* What the trace itself has comes out, whatever the rings hold: its records that stand for themselves. */
static void check_trace_part(const struct reading *reading, size_t bit) {
    struct made expected = reading_lines(&of_trace.text, "VC", 0, false);
    struct made got = reading_lines(&reading->text, "VC", 0, false);
    torture_check(expected.length > 0 && includes(&got, &expected),
                  "bit %zu of byte %zu loses records of the trace", bit % 8, bit / 8);
    made_free(&expected);
    made_free(&got);
}

/* What another track recorded is as it was. */
static void check_other_tracks(const struct reading *reading, long track, size_t bit) {
    struct made expected = reading_lines(&whole.text, "BEVCFbefghmn", -track, false);
    struct made got = reading_lines(&reading->text, "BEVCFbefghmn", -track, false);
    torture_check(includes(&got, &expected), "bit %zu of byte %zu, of track %ld, changes another track",
                  bit % 8, bit / 8, track);
    made_free(&expected);
    made_free(&got);
}

static bool same_info(const struct perftrace_trace_info *a, const struct perftrace_trace_info *b) {
    return memcmp(a->lost, b->lost, sizeof a->lost) == 0 && a->clock_adjusted == b->clock_adjusted &&
           a->clock_jumps == b->clock_jumps;
}

static uint64_t ring_word(size_t index) {
    uint64_t word;
    memcpy(&word, ring.bytes + index * sizeof word, sizeof word);
    return word;
}

/* Flips a bit, reads, and puts it back. `track` of whose segment it is, or 0; `no_meaning`: the format says that nobody need
 * look at it. */
static void flip(size_t bit, long track, bool no_meaning) {
    unsigned char byte = ring.bytes[bit / 8] ^ (unsigned char)(1u << bit % 8);
    bool wrote = pwrite(ring_fd, &byte, 1, (off_t)(bit / 8)) == 1;
    struct reading reading = read_now(0);
    wrote = pwrite(ring_fd, ring.bytes + bit / 8, 1, (off_t)(bit / 8)) == 1 && wrote;
    torture_check(wrote && reading.error == 0, "bit %zu: %s", bit, reading.why);
    check_trace_part(&reading, bit);
    if (track != 0)
        check_other_tracks(&reading, track, bit);
    bool changed = !reading_same(&reading, &whole) || !same_info(&reading.info, &whole.info);
    torture_check(changed || reading.complaints > 0 || no_meaning,
                  "bit %zu of byte %zu, in word %" PRIx64 ": nothing has changed, and nothing is told",
                  bit % 8, bit / 8, ring_word(bit / 64));
    reading_free(&reading);
}

/* Whatever is flipped in the header but for what grows is put right: all is read. */
static void bits_of_the_header(void) {
    begin();
    for (size_t bit = 0; bit < sizeof header * 8; bit += stride() / 7 + 1) {
        size_t byte = bit / 8, readings_at = offsetof(struct perftrace_ring_file, newest_reading);
        bool grows = byte >= offsetof(struct perftrace_ring_file, metadata_used) &&
                     byte < offsetof(struct perftrace_ring_file, checksum) &&
                     (byte < offsetof(struct perftrace_ring_file, segments_offset) ||
                      byte >= offsetof(struct perftrace_ring_file, segment_count));
        flip(bit, 0, byte >= readings_at); /* one that is older than the trace's last means nothing */
        if (grows || byte >= readings_at)
            continue;
        unsigned char flipped = ring.bytes[byte] ^ (unsigned char)(1u << bit % 8);
        torture_check(pwrite(ring_fd, &flipped, 1, (off_t)byte) == 1, "write");
        struct reading reading = read_now(0);
        torture_check(pwrite(ring_fd, ring.bytes + byte, 1, (off_t)byte) == 1, "write");
        torture_check(reading_same(&reading, &whole), "bit %zu of byte %zu", bit % 8, byte);
        reading_free(&reading);
    }
    end();
}

static void bits_of_the_metadata(void) {
    begin();
    size_t first = header.metadata_offset * 8, behind = first + header.metadata_used * 8;
    for (size_t bit = first; bit < behind; bit += stride())
        flip(bit, 0, false);
    for (size_t bit = behind; bit < behind + 512; bit += stride()) /* not in use */
        flip(bit, 0, true);
    end();
}

/* Bits of a count of ticks that are worth a nanosecond at least. */
static uint64_t seen_ticks(void) {
    uint64_t mask = UINT64_MAX;
    for (uint64_t ticks = 1; (double)ticks < whole.info.ticks_per_second / 1e9; ticks *= 2)
        mask <<= 1;
    return mask;
}

static struct perftrace_segment segment_at(size_t offset) {
    struct perftrace_segment segment;
    memcpy(&segment, ring.bytes + offset, sizeof segment);
    return segment;
}

/* Whether the segment at `offset` has records that the trace does not have. */
static bool is_waiting(size_t offset, const struct perftrace_segment *segment) {
    uint32_t drained = perftrace_stream_drained(stream, segment->track, segment->sequence);
    uint64_t word = 0;
    if (drained < PERFTRACE_SEGMENT_RECORD_BYTES)
        memcpy(&word, ring.bytes + offset + sizeof *segment + drained, sizeof word);
    return segment->state == PERFTRACE_SEGMENT_ACTIVE && word != 0;
}

/* Whether a REBASE stands before the first record of the segment that has a time, among those that the trace does not have, or
 * is that record: when the upper half of the ticks has changed meanwhile, which happens every second or so. Then nobody needs the
 * segment's own base. */
static bool is_rebased(size_t offset, const struct perftrace_segment *segment) {
    const uint64_t *words = (const uint64_t *)(const void *)(ring.bytes + offset + sizeof *segment);
    uint32_t drained = perftrace_stream_drained(stream, segment->track, segment->sequence);
    size_t most = PERFTRACE_SEGMENT_RECORD_BYTES / 8, count = 1;
    for (size_t place = 0; place * 8 <= drained && place < most && count > 0; place += count) {
        if (perftrace_word_kind(words[place]) == PERFTRACE_RECORD_REBASE)
            return true;
        count = perftrace_record_words(perftrace_stream_shapes(stream), words + place, most - place);
    }
    return false;
}

static void bits_of_segments(void) {
    const size_t base = offsetof(struct perftrace_segment, base_tick) * 8;
    size_t segments = 0;
    begin();
    for (size_t at = header.segments_offset; at + PERFTRACE_SEGMENT_BYTES <= ring.length;
         at += PERFTRACE_SEGMENT_BYTES) {
        struct perftrace_segment segment = segment_at(at);
        if (!is_waiting(at, &segment))
            continue;
        segments++;
        uint64_t base_mask = is_rebased(at, &segment) ? 0 : seen_ticks();
        for (size_t bit = 0; bit < sizeof segment * 8; bit += stride()) {
            size_t byte = bit / 8;
            bool lower =
                byte >= offsetof(struct perftrace_segment, drained) &&
                byte < offsetof(struct perftrace_segment, end) &&
                (segment.drained >> (bit - offsetof(struct perftrace_segment, drained) * 8) & 1) != 0;
            bool no_meaning = (byte >= offsetof(struct perftrace_segment, end) &&
                               byte < offsetof(struct perftrace_segment, lost)) || /* active */
                              byte >= offsetof(struct perftrace_segment, filled) ||
                              lower || /* a CHUNK says more than it, then */
                              (bit >= base && bit < base + 64 && (base_mask >> (bit - base) & 1) == 0);
            flip((at + byte) * 8 + bit % 8, segment.track, no_meaning);
        }
    }
    torture_check(segments > 0, "no segments");
    torture_note("%zu segments", segments);
    end();
}

/* ---- records ---- */

/* The bits of a record's words that mean something: mask[i] of words[i]. */
static void find_meaning(const uint64_t *words, size_t count, uint64_t *mask) {
    const struct perftrace_shapes *shapes = perftrace_stream_shapes(stream);
    uint32_t kind = perftrace_word_kind(words[0]);
    for (size_t i = 0; i < count; i++)
        mask[i] = UINT64_MAX;
    if (kind == PERFTRACE_RECORD_REBASE) {
        mask[0] = (uint64_t)PERFTRACE_KIND_MASK << PERFTRACE_KIND_SHIFT;
        mask[1] = seen_ticks();
        return;
    }
    mask[0] &= UINT32_MAX | seen_ticks() << PERFTRACE_TICKS_SHIFT;
    if (kind != PERFTRACE_RECORD_BEGIN && kind != PERFTRACE_RECORD_END && kind != PERFTRACE_RECORD_METRIC)
        mask[0] &= ~(uint64_t)PERFTRACE_DEPTH_MASK;
    if (kind == PERFTRACE_RECORD_METRIC) /* its time says where it stands among the others, and no more */
        mask[0] &= UINT32_MAX;
    const struct perftrace_shape *shape = perftrace_shapes_find(shapes, perftrace_word_site(words[0]));
    size_t at = 1 + perftrace_record_fixed_words(kind);
    for (unsigned i = 0; i < shape->argument_count && kind != PERFTRACE_RECORD_END; i++, at++) {
        if (shape->types[i] != PERFTRACE_TYPE_TEXT)
            continue;
        mask[at] = UINT32_MAX | PERFTRACE_TEXT_CUT | PERFTRACE_TEXT_NULL;
        size_t bytes = (uint32_t)words[at], text_words = (bytes + 7) / 8;
        if (bytes % 8 != 0)
            mask[at + text_words] = (UINT64_C(1) << bytes % 8 * 8) - 1;
        at += text_words;
    }
}

static void flip_record(size_t at, const uint64_t *words, size_t count, long track, size_t *next) {
    uint64_t mask[64];
    torture_check(count <= 64, "%zu words", count);
    find_meaning(words, count, mask);
    for (; *next < (at + count * 8) * 8; *next += stride())
        if (*next >= at * 8)
            flip(*next, track, (mask[(*next / 8 - at) / 8] >> *next % 64 & 1) == 0);
}

static void bits_of_records(void) {
    size_t records = 0, next = 0;
    begin();
    for (size_t at = header.segments_offset; at + PERFTRACE_SEGMENT_BYTES <= ring.length;
         at += PERFTRACE_SEGMENT_BYTES) {
        struct perftrace_segment segment = segment_at(at);
        if (!is_waiting(at, &segment))
            continue;
        const uint64_t *words = (const uint64_t *)(const void *)(ring.bytes + at + sizeof segment);
        uint32_t drained = perftrace_stream_drained(stream, segment.track, segment.sequence);
        size_t place = 0, most = PERFTRACE_SEGMENT_RECORD_BYTES / 8;
        next = next < at * 8 ? at * 8 : next;
        while (place < most && words[place] != 0) {
            size_t count =
                perftrace_record_words(perftrace_stream_shapes(stream), words + place, most - place);
            if (!torture_check(count > 0, "a record of segment %zu", at))
                break;
            if (place * 8 >= drained) { /* before that, all that counts is that one can step over it */
                flip_record(at + sizeof segment + place * 8, words + place, count, segment.track, &next);
                records++;
            }
            place += count;
        }
        size_t behind =
            (at + sizeof segment + place * 8) * 8; /* the word of zero that ends them, and one more */
        for (next = next < behind ? behind : next; next < behind + 128; next += stride())
            flip(next, segment.track, next >= behind + 64);
    }
    torture_check(records > 0, "%zu records", records);
    end();
}

static void lengths(void) {
    begin();
    size_t used = header.metadata_offset + header.metadata_used;
    for (size_t length = ring.length; length > 0;) {
        torture_check(ftruncate(ring_fd, (off_t)length) == 0, "%zu", length);
        struct reading reading = read_now(0);
        torture_check(reading.error == 0, "%zu bytes: %s", length, reading.why);
        check_trace_part(&reading, length * 8);
        torture_check(length == ring.length || reading.complaints > 0, "%zu bytes: nothing is told", length);
        reading_free(&reading);
        size_t step = length > header.segments_offset + 3 * PERFTRACE_SEGMENT_BYTES ? 30011
                      : length > header.segments_offset                             ? 1009
                      : length > used + 100                                         ? 100003
                                                                                    : stride() / 4 + 1;
        length -= step < length ? step : length;
    }
    end();
}

int main(int argc, char **argv) {
    static const struct torture_case cases[] = {
        {"bits of the header", bits_of_the_header},
        {"bits of the metadata", bits_of_the_metadata},
        {"bits of segments", bits_of_segments},
        {"bits of records", bits_of_records},
        {"lengths", lengths},
    };
    return torture_main(argc, argv, cases, sizeof cases / sizeof cases[0]);
}
