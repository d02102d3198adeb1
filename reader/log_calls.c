/* A log -> calls, out of pieces that were read ahead: of most lines only numbers and a key are looked at. */
#define _GNU_SOURCE /* memrchr */
#include "log_state.h"

#include <stdio.h>
#include <string.h>

/* From here on the input is read ahead. */
static bool start(struct perftrace_log_reader *log) {
    struct perftrace_log_source source = {
        .fd = log->fd,
        .first = log->buffer + log->begin,
        .first_length = log->end - log->begin,
        .bytes = log->unread,
        .offset = log->offset,
        .line = log->line,
    };
    log->ahead = perftrace_log_ahead_open(&source);
    if (log->ahead == NULL) {
        log->error =
            (struct perftrace_error_info){.code = PERFTRACE_ERROR_MEMORY, .message = "out of memory"};
        log->at_end = true;
    }
    log->begin = log->end = log->searched = 0;
    return log->ahead != NULL;
}

static bool take_piece(struct perftrace_log_reader *log) {
    log->piece = perftrace_log_ahead_take(log->ahead);
    log->entry = log->buffered_bytes = 0;
    if (log->piece != NULL) {
        uint64_t bytes = log->piece->offset + log->piece->length;
        log->info.bytes = bytes > log->info.bytes ? bytes : log->info.bytes;
        return true;
    }
    int error = perftrace_log_ahead_errno(log->ahead);
    log->at_end = true;
    log->info.finished = error == 0;
    if (error != 0) {
        log->error.code = PERFTRACE_ERROR_SYSTEM;
        log->error.byte_offset = log->info.bytes;
        log->error.line = log->line;
        snprintf(log->error.message, sizeof log->error.message, "read: %s", strerror(error));
    }
    return false;
}

bool perftrace_log_refill_from_piece(struct perftrace_log_reader *log) {
    if (log->buffered_bytes == log->piece->length) {
        if (log->piece->ends_line) { /* what is still in the buffer is too short for a mark */
            log->begin = log->end = log->searched = log->prefix = 0;
            log->newline = log->unwrapped = false;
            return false;
        }
        if (!take_piece(log))
            return false;
    }
    size_t length = log->piece->length - log->buffered_bytes, room = log->capacity - log->end;
    length = length < room ? length : room;
    memcpy(log->buffer + log->end, log->piece->bytes + log->buffered_bytes, length);
    log->buffered_bytes += (uint32_t)length;
    log->end += length;
    /* Before these bytes a hole may have been stepped over: it counts as more of the zeros that are still in the buffer. */
    log->offset = log->piece->offset + log->buffered_bytes - (log->end - log->begin);
    return true;
}

/* ---- calls ---------------------------------------------------------------------------------------- */

/* The next lines of the piece, in brief. */
static size_t brief_calls(struct perftrace_log_reader *log) {
    const struct perftrace_log_index *index = &log->piece->index;
    size_t count = index->count - log->entry;
    count = count < CALLS_AT_ONCE ? count : CALLS_AT_ONCE;
    for (size_t i = 0; i < count; i++) {
        const struct perftrace_log_entry *entry = &index->entries[log->entry + i];
        struct perftrace_call *call = &log->calls[i];
        *call = (struct perftrace_call){.brief = true, .place = log->entry + i};
        if (entry->keyed) {
            call->number = entry->number;
            call->parent_number = entry->parent;
            call->elapsed_ns = entry->elapsed_ns;
            call->milliseconds = entry->milliseconds;
            call->key[0] = entry->key[0];
            call->key[1] = entry->key[1];
        }
    }
    log->entry += (uint32_t)count;
    return count;
}

static size_t buffered_call(struct perftrace_log_reader *log) {
    const struct perftrace_item *item = perftrace_log_next(log);
    if (item == NULL) {
        log->buffered = false;
        return 0;
    }
    log->calls[0] = *item->call;
    return 1;
}

size_t perftrace_log_calls(struct perftrace_log_reader *log, struct perftrace_call **calls) {
    size_t count = 0;
    *calls = log->calls;
    if (log->ahead == NULL && !log->at_end)
        start(log);
    while (count == 0 && !log->at_end) {
        if (log->buffered)
            count = buffered_call(log);
        else if (log->piece != NULL && log->entry < log->piece->index.count)
            count = brief_calls(log);
        else if (take_piece(log) && !log->piece->indexed) {
            log->buffered = true;
            log->line = log->piece->line;
        }
    }
    return count;
}

/* ---- the rest of a call --------------------------------------------------------------------------- */

/* Where the record ends; of its line no other record has been read, but of the lines before it. Those that are plain have nothing behind it. */
static struct perftrace_log_frame unwrap(struct perftrace_log_piece *piece,
                                         const struct perftrace_log_entry *entry) {
    char *mark = piece->bytes + entry->start, *end = piece->bytes + entry->end;
    if (entry->plain)
        return (struct perftrace_log_frame){.end = end - (end[-1] == '\r')};
    char *from = piece->bytes + (entry > piece->index.entries ? entry[-1].end + 1 : 0);
    char *newline = memrchr(from, '\n', (size_t)(mark - from));
    return perftrace_log_unwrap(newline != NULL ? newline + 1 : from, mark, end);
}

/* What stands on a line, read in full (but for what is known if there is a `site`): there may be records on it that were cut short before
 * the one that is a call. *key_holds: it is what the entry's key is of. */
static bool read_line(struct perftrace_log_reader *log, const struct perftrace_log_entry *entry,
                      struct perftrace_log_site *site, bool *key_holds) {
    struct perftrace_log_piece *piece = log->piece;
    char *at = piece->bytes + entry->start, *end = piece->bytes + entry->end;
    log->offset = piece->offset + entry->start;
    log->line = piece->line + entry->newlines;
    struct perftrace_log_frame frame = unwrap(piece, entry);
    if (frame.lost > 0)
        perftrace_log_damage(log, frame.lost, perftrace_log_several_lines);
    *key_holds = entry->keyed && !frame.moved;
    char *record = at + PERFTRACE_LOG_MARK_LENGTH;
    const char *why = site != NULL && *key_holds
                          ? perftrace_log_parse_rest(&log->parser, record, frame.end, entry, site)
                          : perftrace_log_parse(&log->parser, record, frame.end, entry->plain ? entry : NULL,
                                                piece->index.values);
    while (why != NULL) {
        char *stopped = log->parser.stopped;
        perftrace_log_damage(log, (uint64_t)(stopped - at), why);
        const char *mark = perftrace_log_find_mark(stopped, end);
        if (mark == NULL)
            return false;
        log->offset += (uint64_t)(mark - at);
        at = piece->bytes + (mark - piece->bytes);
        *key_holds = false;
        why = perftrace_log_parse(&log->parser, at + PERFTRACE_LOG_MARK_LENGTH,
                                  perftrace_log_unwrap(at, at, end).end, NULL, NULL);
    }
    if (log->parser.remark != NULL)
        perftrace_log_damage(log, 0, log->parser.remark);
    return true;
}

static bool take_track(struct perftrace_log_parser *parser, uint32_t thread) {
    if (parser->track == NULL || parser->track->id != thread)
        parser->track = perftrace_log_names_track(&parser->names, thread);
    return parser->track != NULL;
}

/* What a known call of a plain line has besides. */
static inline void add_rest(struct perftrace_log_reader *log, struct perftrace_call *call,
                            const struct perftrace_site_info *info, size_t metric_count) {
    call->site = info;
    call->track = log->parser.track;
    call->metric_count = metric_count;
    call->metrics = log->parser.values;
    call->brief = false;
    log->info.records++;
}

static __attribute__((noinline)) bool fill_unusual(struct perftrace_log_reader *log,
                                                   struct perftrace_call *call,
                                                   const struct perftrace_site_info *info) {
    const struct perftrace_log_entry *entry = &log->piece->index.entries[call->place];
    struct perftrace_log_site *site = (struct perftrace_log_site *)(uintptr_t)info;
    if (site != NULL && entry->plain &&
        perftrace_log_take_metrics(&log->parser.names, site, entry, log->piece->index.values,
                                   log->piece->bytes + entry->start + entry->tail, log->parser.values) &&
        take_track(&log->parser, entry->thread)) {
        add_rest(log, call, info, entry->metric_count);
        return true;
    }
    uint64_t key[2] = {call->key[0], call->key[1]};
    bool key_holds;
    if (!read_line(log, entry, site, &key_holds))
        return false;
    *call = log->parser.call;
    if (key_holds) {
        call->key[0] = key[0];
        call->key[1] = key[1];
    }
    call->brief = false;
    log->info.records++;
    return true;
}

bool perftrace_log_fill(struct perftrace_log_reader *log, struct perftrace_call *call,
                        const struct perftrace_site_info *info) {
    if (!call->brief)
        return true;
    const struct perftrace_log_entry *entry = &log->piece->index.entries[call->place];
    const struct perftrace_log_site *site = (const struct perftrace_log_site *)info; /* it begins with it */
    const struct perftrace_track_info *track = log->parser.track;
    if (site == NULL || !entry->plain || track == NULL || track->id != entry->thread)
        return fill_unusual(log, call, info);
    const uint64_t *metrics = log->piece->index.values + entry->first_metric;
    if (entry->metric_count > 0 && site->shape != metrics[-1])
        return fill_unusual(log, call, info);
    perftrace_log_list_metrics(site, entry, metrics, log->parser.values);
    add_rest(log, call, info, entry->metric_count);
    return true;
}
