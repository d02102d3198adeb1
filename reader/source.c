/* Blocks out of bytes. */
#include "source.h"

#include "../core/crc32c.h"
#include "input.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define READ_BYTES ((size_t)1 << 20)
/* First of all only so much: what turns out to be no trace is copied to its reader. */
#define FIRST_BYTES ((size_t)64 << 10)

#define HEADER_BYTES sizeof(struct perftrace_block_header)
#define PIECES_AGAIN_MAX 16u

void perftrace_source_init(struct perftrace_source *source, int fd, uint64_t offset, uint64_t bytes,
                           const struct perftrace_reader_options *options) {
    *source = (struct perftrace_source){.fd = fd, .offset = offset, .unread = bytes, .options = options};
}

void perftrace_source_free(struct perftrace_source *source) {
    free(source->buffer);
    source->buffer = NULL;
    perftrace_sums_free(&source->sums);
}

static bool fail(struct perftrace_source *source, enum perftrace_error code, const char *what) {
    source->error.code = code;
    source->error.byte_offset = source->offset + source->length;
    snprintf(source->error.message, sizeof source->error.message, "%s", what);
    return false;
}

/* Makes the buffer able to hold `bytes` from start on. */
static bool make_room(struct perftrace_source *source, size_t bytes) {
    if (source->capacity - source->start >= bytes)
        return true;
    if (source->start > 0) {
        memmove(source->buffer, source->buffer + source->start, source->length);
        source->start = 0;
    }
    if (source->capacity >= bytes)
        return true;
    /* Some more, so that what is there needs not be moved for each block. */
    size_t capacity = bytes / READ_BYTES * (READ_BYTES + READ_BYTES / 4) + READ_BYTES;
    unsigned char *bigger = realloc(source->buffer, capacity);
    if (bigger == NULL)
        return fail(source, PERFTRACE_ERROR_MEMORY, "no memory to read a block");
    source->buffer = bigger;
    source->capacity = capacity;
    return true;
}

/* Somebody is there who will write or leave. */
static void await_bytes(struct perftrace_source *source) {
    source->fifo_wait_ms = 0;
    poll(&(struct pollfd){.fd = source->fd, .events = POLLIN}, 1, -1);
}

/* Nobody has opened the other end yet: for a FIFO that looks like the end. False when it is one, or after too long a time. */
static bool await_writer(struct perftrace_source *source) {
    enum { STEP_MS = 10 };
    struct pollfd look = {.fd = source->fd, .events = POLLIN};
    if (poll(&look, 1, STEP_MS) > 0) {
        source->fifo_wait_ms = 0;
        return (look.revents & POLLIN) != 0;
    }
    source->fifo_wait_ms -= STEP_MS;
    return source->fifo_wait_ms > 0 ||
           fail(source, PERFTRACE_ERROR_SYSTEM, "nobody has opened this FIFO for writing");
}

/* Reads once. False at the end of the input and on failure. */
static bool read_some(struct perftrace_source *source) {
    size_t end = source->start + source->length, room = source->capacity - end;
    if (source->offset == 0 && source->length < FIRST_BYTES && room > FIRST_BYTES - source->length)
        room = FIRST_BYTES - source->length;
    if (room > source->unread)
        room = (size_t)source->unread;
    if (room == 0)
        return false;
    for (;;) {
        ssize_t got = read(source->fd, source->buffer + end, room);
        if (got > 0) {
            source->fifo_wait_ms = 0;
            source->length += (size_t)got;
            if (source->unread != UINT64_MAX)
                source->unread -= (uint64_t)got;
            return true;
        }
        if (got == 0 && source->fifo_wait_ms > 0 && await_writer(source))
            continue;
        if (got == 0)
            return false;
        if (errno == EAGAIN || errno == EWOULDBLOCK)
            await_bytes(source);
        else if (errno != EINTR) {
            char what[128];
            snprintf(what, sizeof what, "reading failed: %s", strerror(errno));
            return fail(source, PERFTRACE_ERROR_SYSTEM, what);
        }
    }
}

bool perftrace_source_fill(struct perftrace_source *source, size_t bytes) {
    while (source->length < bytes) {
        /* The buffer grows with what really comes, not with what a header claims. */
        size_t room = source->length * 2 < bytes ? source->length * 2 : bytes;
        if (!make_room(source, room <= source->length ? source->length + 1 : room) || !read_some(source))
            return false;
    }
    return true;
}

void perftrace_source_skip(struct perftrace_source *source, size_t bytes) {
    source->start += bytes;
    source->length -= bytes;
    source->offset += bytes;
    if (source->length == 0)
        source->start = 0;
}

bool perftrace_source_has_grown(const struct perftrace_source *source) {
    struct stat status;
    return source->unread == 0 && fstat(source->fd, &status) == 0 && S_ISREG(status.st_mode) &&
           (uint64_t)status.st_size > source->offset + source->length;
}

bool perftrace_source_again(struct perftrace_source *source) {
    if (lseek(source->fd, (off_t)source->offset, SEEK_SET) < 0)
        return false; /* a pipe */
    struct stat status;
    if (source->unread != UINT64_MAX && fstat(source->fd, &status) == 0)
        source->unread =
            (uint64_t)status.st_size > source->offset ? (uint64_t)status.st_size - source->offset : 0;
    source->start = source->length = 0;
    source->sums.count = 0; /* it may be something else by now */
    return true;
}

bool perftrace_block_completes(const struct perftrace_block_header *header, const void *payload) {
    struct perftrace_block_sync sync;
    if (header->kind == PERFTRACE_BLOCK_END)
        return true;
    if (header->kind != PERFTRACE_BLOCK_SYNC || header->bytes < sizeof sync)
        return false;
    memcpy(&sync, payload, sizeof sync);
    return sync.before_tick == UINT64_MAX;
}

/* ---- damage --------------------------------------------------------------------------------------- */

static void skip_damage(struct perftrace_source *source, size_t bytes) {
    if (source->skipped == 0)
        source->skipped_from = source->offset;
    source->skipped += bytes;
    source->damage_seen = true;
    perftrace_source_skip(source, bytes);
}

/* What is left of damage in which no block begins is less than a header; if that is zeros, the file may have a hole there. */
static void skip_hole(struct perftrace_source *source) {
    if (source->unread == UINT64_MAX || source->length == 0 || source->length >= HEADER_BYTES)
        return;
    for (size_t i = 0; i < source->length; i++)
        if (source->buffer[source->start + i] != 0)
            return;
    uint64_t hole = perftrace_input_skip_hole(source->fd);
    source->skipped += hole;
    source->offset += hole; /* of as many other zeros */
    source->unread -= hole < source->unread ? hole : source->unread;
    source->sums.count = 0;
}

static void tell_damage(struct perftrace_source *source) {
    if (source->skipped == 0)
        return;
    struct perftrace_error_info what = {.code = PERFTRACE_ERROR_FORMAT, .byte_offset = source->skipped_from};
    snprintf(what.message, sizeof what.message, "%llu bytes from byte %llu on are damaged and left out",
             (unsigned long long)source->skipped, (unsigned long long)source->skipped_from);
    source->damaged_bytes += source->skipped;
    source->skipped = 0;
    if (source->options != NULL && source->options->on_damage != NULL)
        source->options->on_damage(source->options->context, &what);
}

/* Where the next block could begin, counted from start: at least 1, and `length - 15` where none can. */
static size_t next_candidate(const struct perftrace_source *source, size_t from) {
    const uint32_t marker = PERFTRACE_BLOCK_MARKER;
    const size_t marker_at = offsetof(struct perftrace_block_header, marker);
    const unsigned char *bytes = source->buffer + source->start;
    for (size_t at = from; at + HEADER_BYTES <= source->length; at++) {
        const unsigned char *first =
            memchr(bytes + at + marker_at, (int)(marker & 0xff), source->length - at - HEADER_BYTES + 1);
        if (first == NULL)
            break;
        at = (size_t)(first - bytes) - marker_at;
        if (memcmp(first, &marker, sizeof marker) == 0)
            return at;
    }
    return source->length >= HEADER_BYTES ? source->length - HEADER_BYTES + 1 : source->length;
}

enum verdict { INTACT, DAMAGED, INCOMPLETE };

/* What stands `at` bytes after start, of which a header's worth is there. */
static enum verdict check(struct perftrace_source *source, size_t at, struct perftrace_block_header *header) {
    const unsigned char *bytes = source->buffer + source->start + at;
    memcpy(header, bytes, sizeof *header);
    if (header->marker != PERFTRACE_BLOCK_MARKER || header->bytes > PERFTRACE_BLOCK_BYTES_MAX ||
        header->bytes % 8 != 0)
        return DAMAGED;
    if (source->length - at < HEADER_BYTES + header->bytes)
        return INCOMPLETE;
    struct perftrace_block_header zeroed = *header;
    zeroed.checksum = 0;
    uint32_t sum = perftrace_crc32c(0, &zeroed, sizeof zeroed);
    /* Where there was damage, there may be much that looks like blocks. */
    if (!source->damage_seen)
        sum = perftrace_crc32c(sum, bytes + HEADER_BYTES, header->bytes);
    else if (!perftrace_sums_crc32c(&source->sums, source->buffer + source->start, source->length,
                                    source->offset, at + HEADER_BYTES, header->bytes, &sum)) {
        fail(source, PERFTRACE_ERROR_MEMORY, "no memory to check a block");
        return DAMAGED;
    }
    return sum == header->checksum ? INTACT : DAMAGED;
}

bool perftrace_source_has_block(struct perftrace_source *source, size_t bytes) {
    source->damage_seen = true;
    for (size_t at = next_candidate(source, 0); at < bytes && at + HEADER_BYTES <= source->length;
         at = next_candidate(source, at + 1))
        if (perftrace_source_block_at(source, at))
            return true;
    return false;
}

bool perftrace_source_block_at(struct perftrace_source *source, size_t at) {
    struct perftrace_block_header header;
    if (!perftrace_source_fill(source, at + HEADER_BYTES))
        return false;
    enum verdict verdict = check(source, at, &header);
    if (verdict == INCOMPLETE && perftrace_source_fill(source, at + HEADER_BYTES + header.bytes))
        verdict = check(source, at, &header);
    return verdict == INTACT;
}

/* The input ends within what looks like a block: a cut file, or a damaged length that hides intact
 * blocks. Gives the distance to the next intact block, or 0. */
static size_t look_behind_incomplete(struct perftrace_source *source) {
    struct perftrace_block_header header;
    for (size_t at = next_candidate(source, 1); at + HEADER_BYTES <= source->length;
         at = next_candidate(source, at + 1))
        if (check(source, at, &header) == INTACT)
            return at;
    return 0;
}

/* The last block of a file may be one that was never finished, and be replaced (by a recorder for which the disk
 * was full, or when rings are folded in) after its first part was read. */
static bool read_pieces_again(struct perftrace_source *source, size_t first_part) {
    return first_part > 0 && first_part < source->length && source->pieces_again++ < PIECES_AGAIN_MAX &&
           perftrace_source_again(source);
}

int perftrace_source_next(struct perftrace_source *source, struct perftrace_block_header *header,
                          const void **payload, uint64_t *offset) {
    for (;;) {
        size_t first_part = source->length;
        if (!perftrace_source_fill(source, HEADER_BYTES))
            break;
        enum verdict verdict = check(source, 0, header);
        if (verdict == INCOMPLETE && perftrace_source_fill(source, HEADER_BYTES + header->bytes))
            verdict = check(source, 0, header);
        if (source->error.code != PERFTRACE_OK)
            break;
        if (verdict == INTACT) {
            tell_damage(source);
            *payload = source->buffer + source->start + HEADER_BYTES;
            *offset = source->offset;
            perftrace_source_skip(source, HEADER_BYTES + header->bytes);
            return 1;
        }
        if (verdict == DAMAGED && read_pieces_again(source, first_part))
            continue;
        size_t distance = verdict == DAMAGED ? next_candidate(source, 1) : look_behind_incomplete(source);
        if (distance == 0)
            break;
        skip_damage(source, distance);
        skip_hole(source);
    }
    tell_damage(source);
    return -(int)source->error.code;
}
