/* A log -> items: finds the PERF_TRACE records in a stream of text of any kind. children_ns is 0 in these
 * calls: a line comes before its parent's, and parent_number lets the analyser subtract. */
#define _GNU_SOURCE /* memmem */
#include "log.h"

#include "../core/pages.h"
#include "input.h"
#include "log_stamp.h"
#include "log_state.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct perftrace_log_reader *perftrace_log_open(int fd, const char *first_bytes, size_t first_length,
                                                uint64_t bytes,
                                                const struct perftrace_reader_options *options,
                                                struct perftrace_error_info *error) {
    static const struct perftrace_text empty = {"", 0};
    struct perftrace_log_reader *log = calloc(1, sizeof *log);
    size_t capacity = PERFTRACE_LOG_PREFIX_BYTES + RECORD_BYTES_MAX + READ_BYTES;
    if (capacity < first_length)
        capacity = first_length;
    /* Of which calls, unlike items, need little. */
    char *buffer = perftrace_pages_new(capacity + PERFTRACE_LOG_PADDING, false);
    if (log == NULL || buffer == NULL) {
        if (error != NULL)
            *error =
                (struct perftrace_error_info){.code = PERFTRACE_ERROR_MEMORY, .message = "out of memory"};
        free(log);
        close(fd);
        return NULL;
    }
    log->fd = fd;
    log->unread = bytes;
    log->buffer = buffer;
    log->capacity = capacity;
    if (first_length != 0)
        memcpy(buffer, first_bytes, first_length);
    log->end = first_length;
    log->line = 1;
    if (options != NULL)
        log->options = *options;
    log->info.process_name = log->info.executable = empty;
    log->info.bytes = first_length;
    log->parser.names.arena.bytes_max = NAMES_BYTES_MAX;
    return log;
}

void perftrace_log_close(struct perftrace_log_reader *log) {
    if (log == NULL)
        return;
    perftrace_log_ahead_close(log->ahead);
    close(log->fd);
    perftrace_log_names_free(&log->parser.names);
    free(log->parser.scratch.bytes);
    perftrace_pages_free(log->buffer, log->capacity + PERFTRACE_LOG_PADDING, false);
    free(log);
}

void perftrace_log_advance(struct perftrace_log_reader *log, size_t bytes) {
    log->begin += bytes;
    log->offset += bytes;
    log->newline = log->newline && bytes <= log->searched;
    log->searched = bytes < log->searched ? log->searched - bytes : 0;
}

const char perftrace_log_several_lines[] =
    "several PERF_TRACE lines in one quoted text: only the first is read";

void perftrace_log_damage(struct perftrace_log_reader *log, uint64_t bytes, const char *why) {
    log->info.damaged = true;
    log->info.damaged_bytes += bytes;
    if (log->options.on_damage == NULL)
        return;
    struct perftrace_error_info what = {
        .code = PERFTRACE_ERROR_FORMAT, .byte_offset = log->offset, .line = log->line};
    snprintf(what.message, sizeof what.message, "%s", why);
    log->options.on_damage(log->options.context, &what);
}

/* What is left of a piece in which no record begins is some bytes; if they are zeros, the file may have a hole there. */
static void skip_hole(struct perftrace_log_reader *log) {
    size_t length = log->end - log->begin;
    if (log->unread == UINT64_MAX || length == 0 || length >= PERFTRACE_LOG_MARK_LENGTH)
        return;
    for (size_t i = log->begin; i < log->end; i++)
        if (log->buffer[i] != 0)
            return;
    uint64_t hole = perftrace_input_skip_hole(log->fd);
    log->offset += hole; /* of as many other zeros */
    log->info.bytes += hole;
    log->unread -= hole < log->unread ? hole : log->unread;
}

/* Reads more after what is there. False at the end of the input. */
static bool refill(struct perftrace_log_reader *log) {
    if (log->at_end)
        return false;
    size_t prefix = log->prefix < PERFTRACE_LOG_PREFIX_BYTES ? log->prefix : PERFTRACE_LOG_PREFIX_BYTES;
    size_t unwanted = log->begin - prefix;
    if (unwanted > 0) {
        memmove(log->buffer, log->buffer + unwanted, log->end - unwanted);
        log->end -= unwanted;
        log->begin = log->prefix = prefix;
    }
    if (log->ahead != NULL)
        return perftrace_log_refill_from_piece(log);
    skip_hole(log);
    size_t room = log->capacity - log->end;
    room = room < READ_BYTES ? room : READ_BYTES;
    room = room < log->unread ? room : (size_t)log->unread;
    for (;;) {
        ssize_t got = read(log->fd, log->buffer + log->end, room);
        if (got > 0) {
            log->end += (size_t)got;
            log->unread -= log->unread != UINT64_MAX ? (uint64_t)got : 0;
            log->info.bytes += (uint64_t)got;
            return true;
        }
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
            poll(&(struct pollfd){.fd = log->fd, .events = POLLIN}, 1, -1);
            continue;
        }
        if (got < 0) {
            log->error.code = PERFTRACE_ERROR_SYSTEM;
            log->error.byte_offset = log->info.bytes;
            log->error.line = log->line;
            snprintf(log->error.message, sizeof log->error.message, "read: %s", strerror(errno));
        }
        log->at_end = true;
        log->info.finished = got == 0;
        return false;
    }
}

/* When the line was made in which the record at `begin` is: a logger says it before it, or, in JSON, behind it. */
static void look_for_stamp(struct perftrace_log_reader *log, char *end) {
    enum { BYTES_MAX = 512 };
    char *mark = log->buffer + log->begin, *line = mark - log->prefix;
    uint64_t stamp_ns =
        perftrace_log_stamp(mark - (log->prefix < BYTES_MAX ? log->prefix : BYTES_MAX), mark, log->stamp_ns);
    if (stamp_ns == 0) {
        const char *behind = perftrace_log_behind(line, mark, end);
        stamp_ns =
            perftrace_log_stamp(behind, end - behind > BYTES_MAX ? behind + BYTES_MAX : end, log->stamp_ns);
    }
    log->stamp_ns = stamp_ns != 0 ? stamp_ns : log->stamp_ns;
}

/* Leaves bytes behind in which no record is. */
static void pass(struct perftrace_log_reader *log, size_t bytes) {
    const char *from = log->buffer + log->begin, *newline = memrchr(from, '\n', bytes);
    if (newline != NULL) {
        log->line += perftrace_log_count_newlines(from, bytes);
        log->prefix = (size_t)(from + bytes - (newline + 1));
        log->unwrapped = false;
    } else
        log->prefix += bytes;
    perftrace_log_advance(log, bytes);
}

/* Goes to the next mark. False if there is none in the buffer; what can't be part of one is then left behind. */
static bool find_record(struct perftrace_log_reader *log) {
    char *from = log->buffer + log->begin;
    size_t length = log->end - log->begin;
    if (length >= PERFTRACE_LOG_MARK_LENGTH &&
        memcmp(from, PERFTRACE_LOG_MARK, PERFTRACE_LOG_MARK_LENGTH) == 0)
        return true;
    const char *found = perftrace_log_find_mark(from, from + length);
    size_t kept = length < PERFTRACE_LOG_MARK_LENGTH ? length : PERFTRACE_LOG_MARK_LENGTH - 1;
    size_t passed = found != NULL ? (size_t)(found - from) : length - kept;
    pass(log, passed);
    return found != NULL;
}

/* The newline that ends the record at `begin`, or the end of the input. NULL if it is not there yet. What has been looked
 * through is not looked through again: many records may begin on one line. */
static char *find_end(struct perftrace_log_reader *log) {
    char *from = log->buffer + log->begin + log->searched;
    if (log->newline)
        return from;
    char *newline = memchr(from, '\n', log->end - log->begin - log->searched);
    log->newline = newline != NULL;
    log->searched =
        (size_t)((newline != NULL ? newline : log->buffer + log->end) - (log->buffer + log->begin));
    if (newline != NULL)
        return newline;
    return log->at_end ? log->buffer + log->end : NULL;
}

/* Parses the record at `begin` that ends at `end`. NULL if it makes no sense: told, and left behind. */
static const struct perftrace_item *take_record(struct perftrace_log_reader *log, char *end) {
    char *start = log->buffer + log->begin;
    if (log->options.log_times && log->prefix > 0 && !log->unwrapped)
        look_for_stamp(log, end);
    struct perftrace_log_frame frame =
        perftrace_log_unwrap(start - (log->unwrapped ? 0 : log->prefix), start, end);
    if (frame.lost > 0)
        perftrace_log_damage(log, frame.lost, perftrace_log_several_lines);
    const char *why =
        perftrace_log_parse(&log->parser, start + PERFTRACE_LOG_MARK_LENGTH, frame.end, NULL, NULL);
    if (why != NULL) {
        size_t bytes = (size_t)(log->parser.stopped - start);
        perftrace_log_damage(log, bytes, why);
        log->unwrapped = true;
        log->prefix += bytes;
        perftrace_log_advance(log, bytes);
        return NULL;
    }
    if (log->parser.remark != NULL)
        perftrace_log_damage(log, 0, log->parser.remark);
    log->prefix = 0;
    log->unwrapped = false;
    bool newline = end < log->buffer + log->end;
    perftrace_log_advance(log, (size_t)(end - start) + newline);
    log->line += newline;
    log->info.records++;
    log->item = (struct perftrace_item){
        .kind = PERFTRACE_ITEM_SPAN_END,
        .time_ns = log->stamp_ns,
        .site = log->parser.call.site,
        .track = log->parser.call.track,
        .call = &log->parser.call,
    };
    return &log->item;
}

/* The record at `begin` has no end in sight. What follows on its line may be another one that cut it short. */
static void leave_long_line(struct perftrace_log_reader *log) {
    const char *from = log->buffer + log->begin;
    const char *mark = memmem(from + PERFTRACE_LOG_MARK_LENGTH, log->searched - PERFTRACE_LOG_MARK_LENGTH,
                              PERFTRACE_LOG_MARK, PERFTRACE_LOG_MARK_LENGTH);
    size_t bytes = mark != NULL ? (size_t)(mark - from) : log->searched - (PERFTRACE_LOG_MARK_LENGTH - 1);
    perftrace_log_damage(log, bytes, "a PERF_TRACE line longer than 1 MiB");
    log->unwrapped = true;
    log->prefix += bytes;
    perftrace_log_advance(log, bytes);
}

const struct perftrace_item *perftrace_log_next(struct perftrace_log_reader *log) {
    for (;;) {
        if (!find_record(log)) {
            if (!refill(log))
                return NULL;
            continue;
        }
        char *end = find_end(log);
        if (end != NULL) {
            const struct perftrace_item *item = take_record(log, end);
            if (item != NULL)
                return item;
        } else if (log->searched > RECORD_BYTES_MAX) {
            leave_long_line(log);
        } else
            refill(log);
    }
}

const struct perftrace_error_info *perftrace_log_error(const struct perftrace_log_reader *log) {
    return log->error.code == PERFTRACE_OK ? NULL : &log->error;
}

struct perftrace_trace_info *perftrace_log_info(struct perftrace_log_reader *log) {
    return &log->info;
}

size_t perftrace_log_site_count(const struct perftrace_log_reader *log) {
    return log->parser.names.site_count;
}

const struct perftrace_site_info *perftrace_log_site(const struct perftrace_log_reader *log, size_t index) {
    return index < log->parser.names.site_count ? &log->parser.names.sites[index]->info : NULL;
}

size_t perftrace_log_track_count(const struct perftrace_log_reader *log) {
    return log->parser.names.track_count;
}

const struct perftrace_track_info *perftrace_log_track(const struct perftrace_log_reader *log, size_t index) {
    return index < log->parser.names.track_count ? log->parser.names.tracks[index] : NULL;
}
