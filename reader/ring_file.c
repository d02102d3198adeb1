/* Opening the file that a trace's rings lie in. */
#define _GNU_SOURCE /* SEEK_DATA */
#include "ring_file.h"

#include "../core/crc32c.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* What its checksum covers: all that does not change while the program runs. */
enum {
    FIRST_BYTES = offsetof(struct perftrace_ring_file, metadata_used),
    SECOND_AT = offsetof(struct perftrace_ring_file, segments_offset),
    SECOND_BYTES = 8,
};

bool perftrace_ring_read(const struct perftrace_ring *ring, void *into, size_t bytes, uint64_t offset) {
    char *at = into;
    while (bytes > 0) {
        ssize_t got = pread(ring->fd, at, bytes, (off_t)offset);
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

void perftrace_ring_tell(const struct perftrace_ring *ring, uint64_t offset, const char *format, ...) {
    struct perftrace_error_info what = {.code = PERFTRACE_ERROR_FORMAT, .byte_offset = offset};
    char text[160];
    if (ring->options == NULL || ring->options->on_damage == NULL)
        return;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    snprintf(what.message, sizeof what.message, "in the rings, byte %llu: %s", (unsigned long long)offset,
             text);
    ring->options->on_damage(ring->options->context, &what);
}

/* Puts a flipped bit right where there is a checksum. */
static void repair(const struct perftrace_ring *ring, struct perftrace_ring_file *header) {
    unsigned char parts[FIRST_BYTES + SECOND_BYTES];
    uint32_t checksum = header->checksum;
    memcpy(parts, header, FIRST_BYTES);
    memcpy(parts + FIRST_BYTES, (const char *)header + SECOND_AT, SECOND_BYTES);
    if (checksum == 0 || perftrace_crc32c(0, parts, sizeof parts) == checksum)
        return;
    if (!perftrace_crc32c_repair(parts, sizeof parts, &checksum)) {
        perftrace_ring_tell(ring, 0, "the header is damaged");
        return;
    }
    memcpy(header, parts, FIRST_BYTES);
    memcpy((char *)header + SECOND_AT, parts + FIRST_BYTES, SECOND_BYTES);
    header->checksum = checksum;
    perftrace_ring_tell(ring, 0, "a bit of the header was flipped, and is put right");
}

static bool read_header(struct perftrace_ring *ring) {
    if (!perftrace_ring_read(ring, &ring->header, sizeof ring->header, 0))
        return false;
    repair(ring, &ring->header);
    return true;
}

void perftrace_ring_look_again(struct perftrace_ring *ring) {
    struct perftrace_ring_file now;
    if (!perftrace_ring_read(ring, &now, sizeof now, 0))
        return;
    ring->header.metadata_used = now.metadata_used;
    memcpy(ring->header.lost, now.lost, sizeof now.lost);
}

/* Whether a segment has been used behind those that the header tells of. Where a program was killed while it made more,
 * they are there, and all zeros. */
static bool has_more(const struct perftrace_ring *ring, uint64_t told, uint64_t room) {
    const uint64_t begin = ring->header.segments_offset;
    static const struct perftrace_segment unused;
    struct perftrace_segment segment;
    for (uint64_t i = told; i < room; i++) {
        off_t data = lseek(ring->fd, (off_t)(begin + i * PERFTRACE_SEGMENT_BYTES), SEEK_DATA);
        if (data < 0)
            return false;
        i = ((uint64_t)data - begin) / PERFTRACE_SEGMENT_BYTES;
        if (i >= room)
            return false;
        if (perftrace_ring_read(ring, &segment, sizeof segment, begin + i * PERFTRACE_SEGMENT_BYTES) &&
            memcmp(&segment, &unused, sizeof segment) != 0)
            return true;
    }
    return false;
}

/* As many as the header says; more where the count has lost a bit, fewer where the file has been cut. A running program
 * makes segments before it counts them. */
static void count_segments(struct perftrace_ring *ring, bool live) {
    uint64_t begin = ring->header.segments_offset, told = ring->header.segment_count;
    uint64_t room = begin < ring->bytes ? (ring->bytes - begin) / PERFTRACE_SEGMENT_BYTES : 0;
    if (told > room)
        perftrace_ring_tell(ring, ring->bytes, "the file is cut: of %llu segments %llu are there",
                            (unsigned long long)told, (unsigned long long)room);
    else if (told < room && (live || !has_more(ring, told, room)))
        room = told;
    else if (told < room)
        perftrace_ring_tell(ring, offsetof(struct perftrace_ring_file, segment_count),
                            "there is more behind the %llu segments that are told of",
                            (unsigned long long)told);
    ring->segments = room;
    if (room <= PERFTRACE_RING_SEGMENTS_READ_MAX)
        return;
    ring->segments = PERFTRACE_RING_SEGMENTS_READ_MAX;
    perftrace_ring_tell(ring, begin, "only the first %u segments are looked at",
                        PERFTRACE_RING_SEGMENTS_READ_MAX);
}

/* Looked at before it is opened: opening can have an effect on devices, and on whoever waits at the other end of a pipe. */
bool perftrace_ring_open(struct perftrace_ring *ring, const char *path, const uint8_t uuid[16], bool live,
                         const struct perftrace_reader_options *options) {
    struct stat status;
    *ring = (struct perftrace_ring){.fd = -1, .options = options};
    if (fstatat(AT_FDCWD, path, &status, AT_SYMLINK_NOFOLLOW) != 0 || !S_ISREG(status.st_mode))
        return false;
    ring->fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (ring->fd < 0)
        return false;
    if (fstat(ring->fd, &status) == 0 && S_ISREG(status.st_mode) && read_header(ring) &&
        memcmp(ring->header.magic, PERFTRACE_RING_MAGIC, sizeof ring->header.magic) == 0 &&
        ring->header.version <= PERFTRACE_FORMAT_VERSION &&
        memcmp(ring->header.uuid, uuid, sizeof ring->header.uuid) == 0) {
        ring->bytes = (uint64_t)status.st_size;
        count_segments(ring, live);
        return true;
    }
    close(ring->fd);
    ring->fd = -1;
    return false;
}

uint64_t perftrace_ring_metadata_bytes(const struct perftrace_ring *ring) {
    uint64_t at = ring->header.metadata_offset, used = ring->header.metadata_used;
    uint64_t room = at < ring->bytes ? ring->bytes - at : 0;
    if (room > ring->header.metadata_bytes)
        room = ring->header.metadata_bytes;
    if (used <= room)
        return used;
    perftrace_ring_tell(ring, at, "of %llu bytes of metadata %llu can be there", (unsigned long long)used,
                        (unsigned long long)room);
    return room;
}
