/* What a killed or running program left in its rings. */
#include "rings.h"

#include "../core/map.h"
#include "ring_file.h"
#include "source.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define COPIED_BYTES_MAX ((size_t)32 << 20)
#define METADATA_BYTES ((size_t)1 << 20) /* as many as a recorder has */

/* A segment with records that wait to be written to the trace. */
struct leftover {
    struct perftrace_segment segment;
    uint64_t offset;     /* in the ring file */
    uint64_t tick;       /* base_tick, made to rise with the sequence: in this order they are given out */
    bool follows;        /* the segment before it on its track is there as well */
    unsigned char *copy; /* of its records; NULL: still to be read */
};

struct perftrace_rings {
    struct perftrace_ring file;
    struct perftrace_source metadata;
    /* By track: where in the metadata its last TRACK block stands, plus one. */
    struct perftrace_map last_names;
    struct perftrace_reader_options metadata_options;
    struct perftrace_map newest; /* of a running program, by track: the last segment to look at, plus one */
    struct leftover *leftovers;
    size_t count, next;
    size_t copied_bytes;
    uint64_t synced; /* the tick of the last SYNC that was given out */
    uint64_t damaged_bytes;
    bool metadata_done, losses_done, reading_done, trace_damaged;
    union {
        struct perftrace_block_sync sync;
        struct perftrace_block_loss loss;
        struct perftrace_block_clock clock;
        struct {
            struct perftrace_block_chunk header;
            uint64_t records[PERFTRACE_SEGMENT_RECORD_BYTES / 8];
        } chunk;
    } block; /* the one given out */
    uint64_t records[PERFTRACE_SEGMENT_RECORD_BYTES / 8];
};

/* ---- opening -------------------------------------------------------------------------------------- */

static uint64_t segment_offset(const struct perftrace_rings *rings, uint64_t index) {
    return rings->file.header.segments_offset + index * PERFTRACE_SEGMENT_BYTES;
}

static void tell(struct perftrace_rings *rings, const struct leftover *leftover, uint64_t damaged_bytes,
                 const char *why) {
    rings->damaged_bytes += damaged_bytes;
    perftrace_ring_tell(&rings->file, leftover->offset, "a segment of track %u %s", leftover->segment.track,
                        why);
}

static bool is_waiting(const struct perftrace_segment *segment) {
    return segment->state == PERFTRACE_SEGMENT_ACTIVE || segment->state == PERFTRACE_SEGMENT_FULL;
}

/* Reads the records of a segment. False when they can't be read or the segment has changed hands meanwhile. */
static bool read_records(const struct perftrace_rings *rings, const struct leftover *leftover,
                         void *records) {
    struct perftrace_segment after;
    return perftrace_ring_read(&rings->file, records, PERFTRACE_SEGMENT_RECORD_BYTES,
                               leftover->offset + PERFTRACE_SEGMENT_HEADER_BYTES) &&
           perftrace_ring_read(&rings->file, &after, sizeof after, leftover->offset) && is_waiting(&after) &&
           after.track == leftover->segment.track && after.sequence == leftover->segment.sequence;
}

/* Copies the records of a segment in use; false when it changed hands meanwhile, and then the trace has
 * what it held. */
static bool copy_records(struct perftrace_rings *rings, struct leftover *leftover) {
    leftover->copy = malloc(PERFTRACE_SEGMENT_RECORD_BYTES);
    if (leftover->copy == NULL)
        return true; /* it is read later, if it is still there then */
    if (!read_records(rings, leftover, leftover->copy)) {
        free(leftover->copy);
        leftover->copy = NULL;
        return false;
    }
    rings->copied_bytes += PERFTRACE_SEGMENT_RECORD_BYTES;
    return true;
}

static bool add_leftover(struct perftrace_rings *rings, size_t *capacity, const struct leftover *leftover) {
    if (rings->count == *capacity) {
        size_t bigger = *capacity == 0 ? 32 : *capacity * 2;
        struct leftover *moved = realloc(rings->leftovers, bigger * sizeof *moved);
        if (moved == NULL)
            return false;
        rings->leftovers = moved;
        *capacity = bigger;
    }
    rings->leftovers[rings->count++] = *leftover;
    return true;
}

static int by_sequence(const void *a, const void *b) {
    const struct leftover *x = a, *y = b;
    if (x->segment.track != y->segment.track)
        return x->segment.track < y->segment.track ? -1 : 1;
    return (x->segment.sequence > y->segment.sequence) - (x->segment.sequence < y->segment.sequence);
}

static int by_tick(const void *a, const void *b) {
    const struct leftover *x = a, *y = b;
    return x->tick != y->tick ? (x->tick < y->tick ? -1 : 1) : by_sequence(a, b);
}

/* By time over all tracks, by sequence on each: then all that is before the next one can be merged and
 * handed out, and what waits in memory stays small. */
static void order(struct perftrace_rings *rings) {
    if (rings->count == 0)
        return;
    qsort(rings->leftovers, rings->count, sizeof *rings->leftovers, by_sequence);
    for (size_t i = 0; i < rings->count; i++) {
        struct leftover *this = &rings->leftovers[i];
        bool first = i == 0 || this[-1].segment.track != this->segment.track;
        this->tick = this->segment.base_tick;
        if (!first && this[-1].tick > this->tick)
            this->tick = this[-1].tick;
        this->follows = !first && this[-1].segment.sequence + 1 == this->segment.sequence;
    }
    qsort(rings->leftovers, rings->count, sizeof *rings->leftovers, by_tick);
}

/* A running program goes on to other segments while they are looked at one by one. So that none is missing
 * between two that are taken, none is that was begun after this: those before it are full by now, and what can't
 * be found of them any more is in the trace. */
static bool note_newest(struct perftrace_rings *rings) {
    struct perftrace_segment segment;
    for (uint64_t i = 0; i < rings->file.segments; i++) {
        if (!perftrace_ring_read(&rings->file, &segment, sizeof segment, segment_offset(rings, i)))
            break;
        uintptr_t sequence = (uintptr_t)segment.sequence + 1; /* not 0 */
        uintptr_t newest = (uintptr_t)perftrace_map_find(&rings->newest, 0, segment.track);
        if (!is_waiting(&segment) || newest >= sequence)
            continue;
        perftrace_map_remove(&rings->newest, 0, segment.track);
        if (!perftrace_map_put(&rings->newest, 0, segment.track, (void *)sequence))
            return false;
    }
    return true;
}

static bool is_newer(const struct perftrace_rings *rings, const struct perftrace_segment *segment) {
    return (uintptr_t)segment->sequence + 1 >
           (uintptr_t)perftrace_map_find(&rings->newest, 0, segment->track);
}

static bool find_leftovers(struct perftrace_rings *rings, bool live) {
    size_t capacity = 0;
    if (live && !note_newest(rings))
        return false;
    for (uint64_t i = 0; i < rings->file.segments; i++) {
        struct leftover leftover = {.offset = segment_offset(rings, i)};
        if (!perftrace_ring_read(&rings->file, &leftover.segment, sizeof leftover.segment, leftover.offset))
            break;
        if (leftover.segment.state > PERFTRACE_SEGMENT_CLEARING)
            tell(rings, &leftover, PERFTRACE_SEGMENT_RECORD_BYTES, "is in no known state, and left out");
        if (!is_waiting(&leftover.segment) || (live && is_newer(rings, &leftover.segment)))
            continue;
        if (live && rings->copied_bytes < COPIED_BYTES_MAX && !copy_records(rings, &leftover))
            continue;
        if (!add_leftover(rings, &capacity, &leftover)) {
            free(leftover.copy);
            return false;
        }
    }
    order(rings);
    return true;
}

char *perftrace_rings_path(const void *payload, size_t bytes, uint32_t *recorder_thread) {
    struct perftrace_block_ring ring;
    const char *path = (const char *)payload + sizeof ring;
    if (bytes < sizeof ring)
        return NULL;
    memcpy(&ring, payload, sizeof ring);
    if (ring.path_bytes > bytes - sizeof ring || ring.path_bytes == 0 || path[0] != '/' ||
        memchr(path, 0, ring.path_bytes) != NULL)
        return NULL;
    *recorder_thread = ring.recorder_thread;
    return strndup(path, ring.path_bytes);
}

/* The metadata begin with what the trace has already. A track that was named more than once must not get its
 * old names again: only the last one counts. */
static void find_last_names(struct perftrace_rings *rings) {
    const struct perftrace_source *source = &rings->metadata;
    struct perftrace_block_header header;
    struct perftrace_block_track track;
    for (size_t at = 0; source->length - at >= sizeof header + sizeof track; at += header.bytes) {
        const unsigned char *block = source->buffer + source->start + at;
        uintptr_t place = (uintptr_t)(source->offset + at + 1);
        memcpy(&header, block, sizeof header);
        at += sizeof header;
        if (header.bytes > source->length - at)
            return;
        if (header.kind != PERFTRACE_BLOCK_TRACK || header.bytes < sizeof track)
            continue;
        memcpy(&track, block + sizeof header, sizeof track);
        perftrace_map_remove(&rings->last_names, 0, track.id);
        if (!perftrace_map_put(&rings->last_names, 0, track.id, (void *)place))
            return; /* without memory, some old names come again */
    }
}

static bool is_old_name(const struct perftrace_rings *rings, const struct perftrace_block_header *header,
                        const void *payload, uint64_t offset) {
    struct perftrace_block_track track;
    if (header->kind != PERFTRACE_BLOCK_TRACK || header->bytes < sizeof track)
        return false;
    memcpy(&track, payload, sizeof track);
    const void *last = perftrace_map_find(&rings->last_names, 0, track.id);
    return last != NULL && (uintptr_t)last != (uintptr_t)(offset + 1);
}

static void open_metadata(struct perftrace_rings *rings) {
    perftrace_ring_look_again(&rings->file); /* records that were copied may name what was not there before */
    uint64_t at = rings->file.header.metadata_offset, used = perftrace_ring_metadata_bytes(&rings->file);
    if (used > 0 && lseek(rings->file.fd, (off_t)at, SEEK_SET) < 0)
        used = 0;
    perftrace_source_init(&rings->metadata, rings->file.fd, at, used, &rings->metadata_options);
    /* At once, since a running program begins anew here when the trace has all of it. */
    perftrace_source_fill(&rings->metadata, used < METADATA_BYTES ? (size_t)used : METADATA_BYTES);
    find_last_names(rings);
}

static void tell_of_metadata(void *context, const struct perftrace_error_info *what) {
    const struct perftrace_rings *rings = context;
    perftrace_ring_tell(&rings->file, what->byte_offset, "%s", what->message);
}

struct perftrace_rings *perftrace_rings_open(const char *path, const uint8_t uuid[16], bool live,
                                             bool trace_damaged,
                                             const struct perftrace_reader_options *options) {
    struct perftrace_rings *rings = calloc(1, sizeof *rings);
    if (rings == NULL)
        return NULL;
    rings->trace_damaged = trace_damaged;
    rings->metadata_options =
        (struct perftrace_reader_options){.on_damage = tell_of_metadata, .context = rings};
    if (!perftrace_ring_open(&rings->file, path, uuid, live, options) || !find_leftovers(rings, live)) {
        perftrace_rings_close(rings);
        return NULL;
    }
    open_metadata(rings);
    return rings;
}

void perftrace_rings_close(struct perftrace_rings *rings) {
    if (rings == NULL)
        return;
    for (size_t i = 0; i < rings->count; i++)
        free(rings->leftovers[i].copy);
    free(rings->leftovers);
    perftrace_source_free(&rings->metadata);
    perftrace_map_free(&rings->last_names);
    perftrace_map_free(&rings->newest);
    if (rings->file.fd >= 0)
        close(rings->file.fd);
    free(rings);
}

/* ---- blocks --------------------------------------------------------------------------------------- */

static bool get_records(struct perftrace_rings *rings, struct leftover *leftover) {
    if (leftover->copy != NULL) {
        memcpy(rings->records, leftover->copy, sizeof rings->records);
        free(leftover->copy);
        leftover->copy = NULL;
        return true;
    }
    return read_records(rings, leftover, rings->records);
}

/* Where the records of a segment end, as its header has it, or where they end at the latest: at the first zero word. */
static uint32_t find_limit(struct perftrace_rings *rings, const struct leftover *leftover, bool *told) {
    const struct perftrace_segment *segment = &leftover->segment;
    *told = segment->state == PERFTRACE_SEGMENT_FULL && segment->end != UINT32_MAX;
    if (*told && (segment->end > PERFTRACE_SEGMENT_RECORD_BYTES || segment->end % 8 != 0)) {
        tell(rings, leftover, 0, "ends where it can't");
        *told = false;
    }
    return *told ? segment->end : PERFTRACE_SEGMENT_RECORD_BYTES;
}

/* Where the records begin that the trace does not have. What it can't have been given because the disk was full has been
 * counted as lost; what it has lost by damage may still be here. */
static uint32_t find_start(struct perftrace_rings *rings, const struct perftrace_stream *stream,
                           const struct leftover *leftover) {
    const struct perftrace_segment *segment = &leftover->segment;
    uint32_t start = perftrace_stream_drained(stream, segment->track, segment->sequence);
    if (segment->drained <= start)
        return start;
    if (segment->drained > PERFTRACE_SEGMENT_RECORD_BYTES) {
        tell(rings, leftover, 0, "says that the trace has more of it than there can be");
        return start;
    }
    bool disk_full = rings->file.header.lost[PERFTRACE_LOSS_DISK] > 0;
    if (!disk_full && rings->trace_damaged)
        return start;
    if (!disk_full)
        tell(rings, leftover, segment->drained - start, "has less of its records in the trace than it says");
    return segment->drained;
}

/* Fills in rings->block.chunk.header, and returns the block's bytes. */
static size_t make_header(struct perftrace_rings *rings, const struct perftrace_stream *stream,
                          const struct leftover *leftover, uint32_t start, size_t bytes, uint64_t base) {
    const struct perftrace_segment *segment = &leftover->segment;
    bool gap = perftrace_stream_is_flight(stream) && !leftover->follows;
    rings->block.chunk.header = (struct perftrace_block_chunk){.track = segment->track,
                                                               .first_byte = start,
                                                               .last_byte = start + (uint32_t)bytes,
                                                               .flags = gap ? PERFTRACE_CHUNK_AFTER_GAP : 0,
                                                               .sequence = segment->sequence,
                                                               .base_tick = base};
    memcpy(rings->block.chunk.header.lost, segment->lost, sizeof segment->lost);
    return sizeof rings->block.chunk.header + bytes;
}

/* A chunk without records, where the segment has counted losses that no chunk tells of, or was left without
 * one: those before it and behind it follow each other. */
static size_t make_empty_chunk(struct perftrace_rings *rings, const struct perftrace_stream *stream,
                               const struct leftover *leftover) {
    const struct perftrace_segment *segment = &leftover->segment;
    const uint64_t *known = perftrace_stream_lost(stream, segment->track);
    bool news = segment->state == PERFTRACE_SEGMENT_FULL && segment->drained == 0;
    for (unsigned i = 0; i < PERFTRACE_LOSS_CAUSES; i++)
        news = news || segment->lost[i] > (known != NULL ? known[i] : 0);
    return news ? make_header(rings, stream, leftover, 0, 0, segment->base_tick) : 0;
}

/* Makes rings->block a chunk with the records that the trace does not have of a leftover, and returns the block's
 * bytes; 0 when there are none. */
static size_t make_chunk(struct perftrace_rings *rings, const struct perftrace_stream *stream,
                         struct leftover *leftover) {
    const struct perftrace_segment *segment = &leftover->segment;
    const struct perftrace_shapes *shapes = perftrace_stream_shapes(stream);
    bool end_told;
    uint32_t limit = find_limit(rings, leftover, &end_told), start = find_start(rings, stream, leftover);
    if (start >= limit)
        return 0;
    bool copied = leftover->copy != NULL;
    if (!get_records(rings, leftover)) {
        tell(rings, leftover, limit - start, "can't be read");
        return 0;
    }
    if (end_told && limit < PERFTRACE_SEGMENT_RECORD_BYTES && rings->records[limit / 8] != 0) {
        tell(rings, leftover, 0, "goes on behind its end");
        limit = PERFTRACE_SEGMENT_RECORD_BYTES;
        end_told = false;
    }
    uint64_t base = segment->base_tick, count = 0;
    bool damaged = false;
    size_t known = perftrace_records_walk(shapes, rings->records, start / 8, &base, &count, &damaged) * 8;
    if (copied && !damaged && known < start)
        return 0; /* the trace has got more since than there was to copy */
    if (known != start) {
        tell(rings, leftover, limit - start, "makes no sense where the trace has it already: left out");
        return 0;
    }
    /* The base at the start goes into the chunk; it is followed further by who reads the chunk. */
    uint64_t later = base;
    size_t words = perftrace_records_walk(shapes, rings->records + start / 8, (limit - start) / 8, &later,
                                          &count, &damaged);
    size_t bytes = words * 8;
    if (damaged || (end_told && bytes < limit - start))
        tell(rings, leftover, limit - start - bytes,
             "makes no sense from some record on: the rest is left out");
    if (bytes == 0)
        return 0;
    memcpy(rings->block.chunk.records, rings->records + start / 8, bytes);
    return make_header(rings, stream, leftover, start, bytes, base);
}

static void give(struct perftrace_rings *rings, struct perftrace_block_header *header, uint16_t kind,
                 size_t bytes, const void **payload) {
    *header = (struct perftrace_block_header){
        .kind = kind, .bytes = (uint32_t)bytes, .marker = PERFTRACE_BLOCK_MARKER};
    *payload = &rings->block;
}

/* The reading that the recorder last left here, if the trace has none that is later. */
static bool take_reading(struct perftrace_rings *rings, const struct perftrace_stream *stream) {
    uint32_t newest = rings->file.header.newest_reading;
    if (newest < 1 || newest > 2)
        return false;
    rings->block.clock = rings->file.header.readings[newest - 1];
    return rings->block.clock.monotonic_ns > perftrace_stream_last_reading(stream);
}

bool perftrace_rings_next(struct perftrace_rings *rings, const struct perftrace_stream *stream,
                          struct perftrace_block_header *header, const void **payload, uint64_t *offset) {
    if (!rings->metadata_done) {
        int got;
        do
            got = perftrace_source_next(&rings->metadata, header, payload, offset);
        while (got > 0 && is_old_name(rings, header, *payload, *offset));
        if (got > 0)
            return true;
        rings->metadata_done = true;
        if (got == 0 && rings->metadata.length > 0)
            perftrace_ring_tell(&rings->file, rings->metadata.offset, "the metadata end within a block");
        if (got < 0)
            perftrace_ring_tell(&rings->file, rings->metadata.offset, "%s", rings->metadata.error.message);
    }
    *offset = 0;
    if (!rings->losses_done) {
        rings->losses_done = true;
        memcpy(rings->block.loss.lost, rings->file.header.lost, sizeof rings->file.header.lost);
        give(rings, header, PERFTRACE_BLOCK_LOSS, sizeof rings->block.loss, payload);
        return true;
    }
    if (!rings->reading_done) {
        rings->reading_done = true;
        if (take_reading(rings, stream)) {
            give(rings, header, PERFTRACE_BLOCK_CLOCK, sizeof rings->block.clock, payload);
            return true;
        }
    }
    while (rings->next < rings->count) {
        struct leftover *leftover = &rings->leftovers[rings->next];
        *offset = leftover->offset;
        if (leftover->tick > rings->synced) {
            rings->synced = leftover->tick;
            rings->block.sync = (struct perftrace_block_sync){.before_tick = leftover->tick,
                                                              .flags = PERFTRACE_SYNC_NO_CLOCK_FOLLOWS};
            give(rings, header, PERFTRACE_BLOCK_SYNC, sizeof rings->block.sync, payload);
            return true;
        }
        rings->next++;
        size_t bytes = make_chunk(rings, stream, leftover);
        if (bytes == 0)
            bytes = make_empty_chunk(rings, stream, leftover);
        if (bytes > 0) {
            give(rings, header, PERFTRACE_BLOCK_CHUNK, bytes, payload);
            return true;
        }
    }
    return false;
}

int perftrace_rings_file(const struct perftrace_rings *rings) {
    return rings->file.fd;
}

uint64_t perftrace_rings_damaged_bytes(const struct perftrace_rings *rings) {
    return rings->damaged_bytes + rings->metadata.damaged_bytes;
}
