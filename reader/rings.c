/* What a killed or running program left in its rings. */
#include "rings.h"
#include "source.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SEGMENTS_MAX 65536u
#define COPIED_BYTES_MAX ((size_t)64 << 20)

/* A segment with records that wait to be written to the trace. */
struct leftover {
    struct perftrace_segment segment;
    uint64_t offset;     /* in the ring file */
    uint64_t tick;       /* base_tick, made to rise with the sequence: in this order they are given out */
    unsigned char *copy; /* of its records; NULL: still to be read */
};

struct perftrace_rings {
    int fd;
    struct perftrace_ring_file file;
    struct perftrace_source metadata;
    const struct perftrace_reader_options *options;
    struct leftover *leftovers;
    size_t count, next;
    size_t copied_bytes;
    uint64_t synced; /* the tick of the last SYNC that was given out */
    uint64_t damaged_bytes;
    bool metadata_done, losses_done;
    union {
        struct perftrace_block_sync sync;
        struct perftrace_block_loss loss;
        struct {
            struct perftrace_block_chunk header;
            uint64_t records[PERFTRACE_SEGMENT_RECORD_BYTES / 8];
        } chunk;
    } block; /* the one given out */
    uint64_t records[PERFTRACE_SEGMENT_RECORD_BYTES / 8];
};

/* ---- opening -------------------------------------------------------------------------------------- */

static bool read_at(int fd, void *into, size_t bytes, uint64_t offset) {
    char *at = into;
    while (bytes > 0) {
        ssize_t got = pread(fd, at, bytes, (off_t)offset);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return false;
        at += got;
        bytes -= (size_t)got;
        offset += (uint64_t)got;
    }
    return true;
}

static bool is_waiting(const struct perftrace_segment *segment) {
    return segment->state == PERFTRACE_SEGMENT_ACTIVE || segment->state == PERFTRACE_SEGMENT_FULL;
}

/* Copies the records of a segment in use; false when it changed hands meanwhile, and then the trace has
 * what it held. */
static bool copy_records(struct perftrace_rings *rings, struct leftover *leftover) {
    struct perftrace_segment after;
    leftover->copy = malloc(PERFTRACE_SEGMENT_RECORD_BYTES);
    if (leftover->copy == NULL)
        return true; /* it is read later, if it is still there then */
    bool same = read_at(rings->fd, leftover->copy, PERFTRACE_SEGMENT_RECORD_BYTES,
                        leftover->offset + PERFTRACE_SEGMENT_HEADER_BYTES) &&
                read_at(rings->fd, &after, sizeof after, leftover->offset) && is_waiting(&after) &&
                after.track == leftover->segment.track && after.sequence == leftover->segment.sequence;
    if (!same) {
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
        this->tick = this->segment.base_tick;
        if (i > 0 && this[-1].segment.track == this->segment.track && this[-1].tick > this->tick)
            this->tick = this[-1].tick;
    }
    qsort(rings->leftovers, rings->count, sizeof *rings->leftovers, by_tick);
}

static bool find_leftovers(struct perftrace_rings *rings, uint64_t file_bytes, bool live) {
    uint64_t offset = rings->file.segments_offset, count = 0;
    size_t capacity = 0;
    if (offset < file_bytes)
        count = (file_bytes - offset) / PERFTRACE_SEGMENT_BYTES;
    if (count > rings->file.segment_count)
        count = rings->file.segment_count;
    if (count > SEGMENTS_MAX)
        count = SEGMENTS_MAX;
    for (uint64_t i = 0; i < count; i++) {
        struct leftover leftover = {.offset = offset + i * PERFTRACE_SEGMENT_BYTES};
        if (!read_at(rings->fd, &leftover.segment, sizeof leftover.segment, leftover.offset))
            break;
        if (!is_waiting(&leftover.segment))
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

/* The path comes from the trace, and so from anybody: nothing but a regular file that carries the trace's
 * uuid is looked at. */
static int open_file(const char *path, const uint8_t uuid[16], struct perftrace_ring_file *file,
                     uint64_t *bytes) {
    struct stat status;
    int fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (fd < 0)
        return -1;
    if (fstat(fd, &status) != 0 || !S_ISREG(status.st_mode) || !read_at(fd, file, sizeof *file, 0) ||
        memcmp(file->magic, PERFTRACE_RING_MAGIC, sizeof file->magic) != 0 ||
        file->version > PERFTRACE_FORMAT_VERSION || memcmp(file->uuid, uuid, sizeof file->uuid) != 0) {
        close(fd);
        return -1;
    }
    *bytes = (uint64_t)status.st_size;
    return fd;
}

struct perftrace_rings *perftrace_rings_open(const char *path, const uint8_t uuid[16], bool live,
                                             const struct perftrace_reader_options *options) {
    uint64_t bytes;
    struct perftrace_rings *rings = calloc(1, sizeof *rings);
    if (rings == NULL)
        return NULL;
    rings->options = options;
    rings->fd = open_file(path, uuid, &rings->file, &bytes);
    if (rings->fd < 0 || !find_leftovers(rings, bytes, live)) {
        perftrace_rings_close(rings);
        return NULL;
    }
    uint64_t at = rings->file.metadata_offset, used = rings->file.metadata_used;
    if (at > bytes || used > bytes - at || lseek(rings->fd, (off_t)at, SEEK_SET) < 0)
        used = 0;
    perftrace_source_init(&rings->metadata, rings->fd, at, used, options);
    return rings;
}

void perftrace_rings_close(struct perftrace_rings *rings) {
    if (rings == NULL)
        return;
    for (size_t i = 0; i < rings->count; i++)
        free(rings->leftovers[i].copy);
    free(rings->leftovers);
    perftrace_source_free(&rings->metadata);
    if (rings->fd >= 0)
        close(rings->fd);
    free(rings);
}

/* ---- blocks --------------------------------------------------------------------------------------- */

static void tell(struct perftrace_rings *rings, const struct leftover *leftover, uint64_t damaged_bytes,
                 const char *why) {
    struct perftrace_error_info what = {.code = PERFTRACE_ERROR_FORMAT, .byte_offset = leftover->offset};
    rings->damaged_bytes += damaged_bytes;
    if (rings->options == NULL || rings->options->on_damage == NULL)
        return;
    snprintf(what.message, sizeof what.message, "in the rings, a segment of track %u %s",
             leftover->segment.track, why);
    rings->options->on_damage(rings->options->context, &what);
}

static bool get_records(struct perftrace_rings *rings, struct leftover *leftover) {
    if (leftover->copy != NULL) {
        memcpy(rings->records, leftover->copy, sizeof rings->records);
        free(leftover->copy);
        leftover->copy = NULL;
        return true;
    }
    return read_at(rings->fd, rings->records, sizeof rings->records,
                   leftover->offset + PERFTRACE_SEGMENT_HEADER_BYTES);
}

/* Makes rings->block a chunk with what the trace does not have of a leftover, and returns the block's
 * bytes; 0 when there is nothing. */
static size_t make_chunk(struct perftrace_rings *rings, const struct perftrace_stream *stream,
                         struct leftover *leftover) {
    const struct perftrace_segment *segment = &leftover->segment;
    const struct perftrace_shapes *shapes = perftrace_stream_shapes(stream);
    /* Where the end is not told, it is the first zero word. */
    bool end_told = segment->state == PERFTRACE_SEGMENT_FULL && segment->end < PERFTRACE_SEGMENT_RECORD_BYTES;
    uint32_t limit = end_told ? segment->end / 8 * 8 : PERFTRACE_SEGMENT_RECORD_BYTES;
    uint32_t start = perftrace_stream_drained(stream, segment->track, segment->sequence);
    if (start < segment->drained)
        start = segment->drained;
    if (start >= limit)
        return 0;
    if (!get_records(rings, leftover)) {
        tell(rings, leftover, limit - start, "can't be read");
        return 0;
    }
    uint64_t base = segment->base_tick, count = 0;
    bool damaged = false;
    if (start % 8 != 0 ||
        perftrace_records_walk(shapes, rings->records, start / 8, &base, &count, &damaged) * 8 != start) {
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
    rings->block.chunk.header = (struct perftrace_block_chunk){.track = segment->track,
                                                               .first_byte = start,
                                                               .last_byte = start + (uint32_t)bytes,
                                                               .sequence = segment->sequence,
                                                               .base_tick = base};
    memcpy(rings->block.chunk.header.lost, segment->lost, sizeof segment->lost);
    memcpy(rings->block.chunk.records, rings->records + start / 8, bytes);
    return sizeof rings->block.chunk.header + bytes;
}

static void give(struct perftrace_rings *rings, struct perftrace_block_header *header, uint16_t kind,
                 size_t bytes, const void **payload) {
    *header = (struct perftrace_block_header){
        .kind = kind, .bytes = (uint32_t)bytes, .marker = PERFTRACE_BLOCK_MARKER};
    *payload = &rings->block;
}

bool perftrace_rings_next(struct perftrace_rings *rings, const struct perftrace_stream *stream,
                          struct perftrace_block_header *header, const void **payload, uint64_t *offset) {
    if (!rings->metadata_done) {
        int got = perftrace_source_next(&rings->metadata, header, payload, offset);
        if (got > 0)
            return true;
        rings->metadata_done = true;
        if (got < 0 && rings->options != NULL && rings->options->on_damage != NULL)
            rings->options->on_damage(rings->options->context, &rings->metadata.error);
    }
    *offset = 0;
    if (!rings->losses_done) {
        rings->losses_done = true;
        memcpy(rings->block.loss.lost, rings->file.lost, sizeof rings->file.lost);
        give(rings, header, PERFTRACE_BLOCK_LOSS, sizeof rings->block.loss, payload);
        return true;
    }
    while (rings->next < rings->count) {
        struct leftover *leftover = &rings->leftovers[rings->next];
        *offset = leftover->offset;
        if (leftover->tick > rings->synced) {
            rings->synced = leftover->tick;
            rings->block.sync = (struct perftrace_block_sync){.before_tick = leftover->tick};
            give(rings, header, PERFTRACE_BLOCK_SYNC, sizeof rings->block.sync, payload);
            return true;
        }
        rings->next++;
        size_t bytes = make_chunk(rings, stream, leftover);
        if (bytes > 0) {
            give(rings, header, PERFTRACE_BLOCK_CHUNK, bytes, payload);
            return true;
        }
    }
    return false;
}

uint64_t perftrace_rings_damaged_bytes(const struct perftrace_rings *rings) {
    return rings->damaged_bytes + rings->metadata.damaged_bytes;
}

/* ---- is it still alive? --------------------------------------------------------------------------- */

/* The text of a small file of /proc; its length, 0 where there is none. */
static size_t read_text(const char *path, char *into, size_t bytes) {
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return 0;
    ssize_t got = read(fd, into, bytes - 1);
    close(fd);
    into[got > 0 ? got : 0] = 0;
    return got > 0 ? (size_t)got : 0;
}

static bool same_boot(const uint8_t boot_id[16]) {
    static const uint8_t unknown[16];
    char text[64];
    uint8_t here[16] = {0};
    size_t digits = 0;
    if (memcmp(boot_id, unknown, sizeof unknown) == 0 ||
        read_text("/proc/sys/kernel/random/boot_id", text, sizeof text) == 0)
        return true;
    for (const char *at = text; *at != 0 && digits < 32; at++) {
        static const char hex[] = "0123456789abcdef";
        const char *digit = strchr(hex, *at);
        if (digit == NULL)
            continue;
        here[digits / 2] = (uint8_t)(here[digits / 2] << 4 | (digit - hex));
        digits++;
    }
    return memcmp(here, boot_id, sizeof here) == 0;
}

bool perftrace_process_runs(const struct perftrace_block_process *process) {
    char path[64], text[1024];
    snprintf(path, sizeof path, "/proc/%u/stat", process->pid);
    if (process->pid == 0 || !same_boot(process->boot_id) || read_text(path, text, sizeof text) == 0)
        return false;
    /* The name, in brackets, may hold spaces and brackets: fields are counted from the last bracket on. */
    const char *at = strrchr(text, ')');
    if (at == NULL || at[1] != ' ')
        return false;
    char state = at[2];
    unsigned long long threads = 0;
    for (int field = 2; at != NULL && field < 22; field++) {
        if (field == 20)
            threads = strtoull(at, NULL, 10);
        at = strchr(at + 1, ' ');
    }
    /* A main thread that has ended looks like a dead process, but for the other threads. */
    if (state == 'X' || (state == 'Z' && threads < 2))
        return false;
    return at != NULL && strtoull(at, NULL, 10) == process->process_start_ticks;
}
