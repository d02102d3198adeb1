/* Bytes of a Chrome JSON file -> its events. */
#define _GNU_SOURCE /* memmem */
#include "chrome_json_input.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { READ_BYTES = 256 << 10 };

bool perftrace_json_input_open(struct perftrace_json_input *input, int fd, const char *first,
                               size_t first_length, uint64_t bytes,
                               const struct perftrace_reader_options *options,
                               struct perftrace_trace_info *info) {
    size_t capacity = first_length > READ_BYTES ? first_length : READ_BYTES;
    *input = (struct perftrace_json_input){.fd = fd, .unread = bytes, .options = options, .info = info};
    input->buffer = calloc(1, capacity + PERFTRACE_JSON_PADDING);
    if (input->buffer == NULL)
        return false;
    if (first_length > 0)
        memcpy(input->buffer, first, first_length);
    input->capacity = capacity;
    input->event_bytes_max = PERFTRACE_JSON_EVENT_BYTES_MAX;
    input->end = first_length;
    info->bytes = first_length;
    return true;
}

void perftrace_json_input_close(struct perftrace_json_input *input) {
    free(input->buffer);
    close(input->fd);
}

/* ---- bytes ----------------------------------------------------------------------------------------- */

static void advance(struct perftrace_json_input *input, size_t bytes) {
    input->begin += bytes;
    input->offset += bytes;
}

static bool read_some(struct perftrace_json_input *input, size_t room) {
    for (;;) {
        ssize_t got = read(input->fd, input->buffer + input->end, room);
        if (got > 0) {
            input->end += (size_t)got;
            input->unread -= input->unread != UINT64_MAX ? (uint64_t)got : 0;
            input->info->bytes += (uint64_t)got;
            memset(input->buffer + input->end, 0, PERFTRACE_JSON_PADDING);
            return true;
        }
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
            poll(&(struct pollfd){.fd = input->fd, .events = POLLIN}, 1, -1);
            continue;
        }
        if (got < 0) {
            input->error = (struct perftrace_error_info){.code = PERFTRACE_ERROR_SYSTEM,
                                                         .byte_offset = input->info->bytes};
            snprintf(input->error.message, sizeof input->error.message, "read: %s", strerror(errno));
        }
        return false;
    }
}

/* Reads more behind what is there, at least as much again: what has to be looked at again from its beginning then costs twice at
 * most. False at the end of the input, and where what is not parsed is longer than an event may be. */
static bool refill(struct perftrace_json_input *input) {
    size_t kept = input->end - input->begin, wanted = kept > READ_BYTES ? kept : READ_BYTES;
    if (input->at_end || kept > input->event_bytes_max)
        return false;
    if (input->begin > 0) {
        memmove(input->buffer, input->buffer + input->begin, kept + PERFTRACE_JSON_PADDING);
        input->begin = 0;
        input->end = kept;
    }
    if (kept + wanted > input->capacity) {
        char *larger = realloc(input->buffer, kept + wanted + PERFTRACE_JSON_PADDING);
        if (larger == NULL) {
            input->error =
                (struct perftrace_error_info){.code = PERFTRACE_ERROR_MEMORY, .message = "out of memory"};
            input->at_end = true;
            return false;
        }
        input->buffer = larger;
        input->capacity = kept + wanted;
    }
    bool any = false;
    do {
        size_t room = wanted - (input->end - kept);
        room = room < input->unread ? room : (size_t)input->unread;
        if (room == 0 || !read_some(input, room)) {
            input->at_end = room == 0 ? input->unread == 0 : true;
            break;
        }
        any = true;
    } while (kept > 0 && input->end - kept < wanted && kept >= READ_BYTES);
    return any;
}

/* Makes at least so many bytes available. */
static bool have(struct perftrace_json_input *input, size_t bytes) {
    while (input->end - input->begin < bytes)
        if (!refill(input))
            return false;
    return true;
}

/* To the next byte that is no white space. False at the end. */
static bool skip_spaces(struct perftrace_json_input *input, bool commas) {
    for (;;) {
        const char *from = input->buffer + input->begin, *end = input->buffer + input->end;
        const char *at = perftrace_json_skip_spaces(from, end);
        while (commas && at < end && *at == ',')
            at = perftrace_json_skip_spaces(at + 1, end);
        advance(input, (size_t)(at - from));
        if (at < end)
            return true;
        if (!refill(input))
            return false;
    }
}

/* ---- damage ---------------------------------------------------------------------------------------- */

__attribute__((format(printf, 4, 5))) static void tell(struct perftrace_json_input *input, uint64_t offset,
                                                       uint64_t bytes, const char *format, ...) {
    struct perftrace_error_info what = {.code = PERFTRACE_ERROR_FORMAT, .byte_offset = offset};
    input->info->damaged = true;
    input->info->damaged_bytes += bytes;
    if (input->options->on_damage == NULL)
        return;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(what.message, sizeof what.message, format, arguments);
    va_end(arguments);
    input->options->on_damage(input->options->context, &what);
}

/* What a search for the next event may cost: bytes looked at more than once, so many for each byte that it goes on. */
enum { SEARCH_EVENT_BYTES_MAX = 256 << 10, SEARCH_BYTES_FREE = 16 << 20, SEARCH_BYTES_PER_BYTE = 16 };

struct search {
    uint64_t spent, from;
};

/* How far to go on after a place that is no event's beginning, of which `looked` bytes were looked at. */
static size_t step_on(const struct perftrace_json_input *input, struct search *search, size_t looked) {
    search->spent += looked;
    uint64_t allowed = SEARCH_BYTES_FREE + (input->offset - search->from) * SEARCH_BYTES_PER_BYTE;
    return search->spent > allowed && looked > 0 ? looked : 1;
}

/* Whether an event begins at `begin`, which is a `{`: 1, 0, or -1: more of it is needed. *looked: so far it was read. */
static int is_event(struct perftrace_json_input *input, size_t *looked) {
    struct perftrace_json_event event;
    const char *from = input->buffer + input->begin, *end = input->buffer + input->end;
    const char *at = from;
    enum perftrace_json_step step = perftrace_json_event_read(&at, end, &input->ids, NULL, &event);
    *looked = (size_t)((at < end ? at : end) - from);
    if (step != PERFTRACE_JSON_MORE)
        return step == PERFTRACE_JSON_FINE && event.phase != 0;
    return input->end - input->begin >= SEARCH_EVENT_BYTES_MAX ? 0 : -1;
}

/* Goes to the next event behind `begin`. False: there is none. */
static bool search_event(struct perftrace_json_input *input) {
    struct search search = {.from = input->offset};
    size_t step = 1;
    for (;;) {
        advance(input, step);
        if (input->begin == input->end && !refill(input))
            return false;
        const char *from = input->buffer + input->begin;
        const char *brace = memchr(from, '{', input->end - input->begin);
        step = input->end - input->begin;
        if (brace == NULL)
            continue;
        advance(input, (size_t)(brace - from));
        size_t looked;
        int found = is_event(input, &looked);
        while (found < 0 && refill(input))
            found = is_event(input, &looked);
        if (found > 0)
            return true;
        step = step_on(input, &search, looked);
    }
}

/* At `begin` is something that makes no sense; `wrong` says where that shows. Goes to the next event, or to the end. */
static void leave_damage(struct perftrace_json_input *input, const char *what, uint64_t wrong) {
    uint64_t from = input->offset;
    bool found = search_event(input);
    if (found) {
        input->place = PERFTRACE_JSON_EVENTS;
        tell(input, from, input->offset - from,
             "byte %" PRIu64 ": %s (byte %" PRIu64 "); reading goes on at byte %" PRIu64, from, what, wrong,
             input->offset);
    } else if (input->error.code == PERFTRACE_OK) {
        input->info->finished = false;
        tell(input, from, input->offset - from,
             "byte %" PRIu64 ": %s (byte %" PRIu64 "), and no event follows", from, what, wrong);
    }
}

static void tell_cut(struct perftrace_json_input *input, uint64_t from, const char *within) {
    bool told = !input->info->finished;
    input->info->finished = false;
    if (!told)
        tell(input, from, input->offset + (input->end - input->begin) - from,
             "the file is cut off at byte %" PRIu64 ", within %s that begins at byte %" PRIu64,
             input->offset + (input->end - input->begin), within, from);
    advance(input, input->end - input->begin);
    input->place = PERFTRACE_JSON_OUTSIDE;
}

/* ---- events ---------------------------------------------------------------------------------------- */

/* What was to be an event was none: ended by the end of the input, too long, or wrong at `at`. */
static void refuse(struct perftrace_json_input *input, enum perftrace_json_step step, const char *at) {
    uint64_t from = input->offset;
    uint64_t wrong = from + (uint64_t)(at - (input->buffer + input->begin));
    if (step == PERFTRACE_JSON_WRONG) {
        leave_damage(input, "the event that begins here makes no sense", wrong);
        return;
    }
    if (!input->at_end) {
        char longer[64];
        bool mebibytes = input->event_bytes_max % (1 << 20) == 0;
        snprintf(longer, sizeof longer, "the event that begins here is longer than %zu %s",
                 input->event_bytes_max >> (mebibytes ? 20 : 10), mebibytes ? "MiB" : "KiB");
        leave_damage(input, longer, from);
        return;
    }
    if (input->error.code != PERFTRACE_OK)
        return;
    /* Cut off; or a quote or bracket is missing, and what follows only seems to be part of it. */
    uint64_t end = from + (input->end - input->begin);
    if (search_event(input)) {
        tell(input, from, input->offset - from,
             "byte %" PRIu64 ": the event that begins here does not end; reading goes on at byte %" PRIu64,
             from, input->offset);
        return;
    }
    input->info->finished = false;
    tell(input, from, end - from,
         "the file is cut off at byte %" PRIu64 ", within the event that begins at byte %" PRIu64, end, from);
}

/* Reads the object at `begin`. False: there was none, and what stood there is left behind. */
static bool take_event(struct perftrace_json_input *input, struct perftrace_json_event *event,
                       uint64_t *offset) {
    for (;;) {
        const char *from = input->buffer + input->begin, *end = input->buffer + input->end;
        const char *at = from;
        enum perftrace_json_step step = perftrace_json_event_read(&at, end, &input->ids, input->seen, event);
        if (step == PERFTRACE_JSON_FINE) {
            *offset = input->offset;
            advance(input, (size_t)(at - from));
            return true;
        }
        if (step == PERFTRACE_JSON_MORE && refill(input))
            continue;
        refuse(input, step, at);
        return false;
    }
}

static bool in_events(struct perftrace_json_input *input, struct perftrace_json_event *event,
                      uint64_t *offset) {
    if (!skip_spaces(input, true)) {
        /* An array of its own may end like that; in an object something is missing. */
        input->place = PERFTRACE_JSON_OUTSIDE;
        if (input->in_object && input->info->finished && input->error.code == PERFTRACE_OK) {
            input->info->finished = false;
            tell(input, input->offset, 0,
                 "the file is cut off at byte %" PRIu64 ": the array of events does not end", input->offset);
        }
        return false;
    }
    char first = input->buffer[input->begin];
    if (first == '{')
        return take_event(input, event, offset);
    if (first == ']') {
        advance(input, 1);
        input->place = input->in_object ? PERFTRACE_JSON_MEMBERS : PERFTRACE_JSON_OUTSIDE;
    } else {
        leave_damage(input, "what stands here is no event", input->offset);
    }
    return false;
}

/* ---- around the events ----------------------------------------------------------------------------- */

/* Whether the next of the objects that may stand one after the other is an event. */
static bool is_lone_event(struct perftrace_json_input *input) {
    size_t looked;
    have(input, READ_BYTES / 4);
    return is_event(input, &looked) > 0;
}

static bool outside(struct perftrace_json_input *input, struct perftrace_json_event *event,
                    uint64_t *offset) {
    if (!skip_spaces(input, true))
        return false;
    static const char mark[] = "\xef\xbb\xbf"; /* of UTF-8; it may stand at the beginning */
    if (input->offset == 0 && have(input, 3) && memcmp(input->buffer + input->begin, mark, 3) == 0) {
        advance(input, 3);
        return false;
    }
    char first = input->buffer[input->begin];
    if (first == '[') {
        input->place = PERFTRACE_JSON_EVENTS;
        input->in_object = false;
        input->any_array = true;
        advance(input, 1);
    } else if (first == '{') {
        if (is_lone_event(input)) {
            input->any_array = true;
            return take_event(input, event, offset);
        }
        input->place = PERFTRACE_JSON_MEMBERS;
        input->in_object = true;
        advance(input, 1);
    } else {
        leave_damage(input, "what stands here is neither an array nor an object", input->offset);
    }
    return false;
}

/* "key": within what is there. False: more is needed, or (*wrong) it makes no sense. */
static bool member(struct perftrace_json_input *input, struct perftrace_json_text *key, const char **next,
                   bool *wrong) {
    const char *from = input->buffer + input->begin, *end = input->buffer + input->end, *at = from;
    *wrong = *from != '"';
    if (*wrong || !perftrace_json_string(at + 1, end, key, &at))
        return false;
    at = perftrace_json_skip_spaces(at, end);
    *wrong = at < end && *at != ':';
    if (at >= end || *wrong)
        return false;
    at = perftrace_json_skip_spaces(at + 1, end);
    *next = at;
    return at < end;
}

static void in_members(struct perftrace_json_input *input) {
    static const char events[] = "traceEvents";
    uint64_t from = input->offset;
    if (!skip_spaces(input, true)) {
        if (input->error.code == PERFTRACE_OK)
            tell_cut(input, from, "an object");
        return;
    }
    if (input->buffer[input->begin] == '}') {
        advance(input, 1);
        input->place = PERFTRACE_JSON_OUTSIDE;
        return;
    }
    struct perftrace_json_text key;
    const char *next;
    bool wrong;
    while (!member(input, &key, &next, &wrong)) {
        if (!wrong && refill(input))
            continue;
        if (wrong)
            leave_damage(input, "what stands here is no member of an object", input->offset);
        else if (!input->at_end)
            leave_damage(input, "the member that begins here is longer than 16 MiB", input->offset);
        else if (input->error.code == PERFTRACE_OK)
            tell_cut(input, input->offset, "a member");
        return;
    }
    bool is_events = key.length == sizeof events - 1 && memcmp(key.bytes, events, key.length) == 0;
    advance(input, (size_t)(next - (input->buffer + input->begin)));
    char first = input->buffer[input->begin];
    if (is_events && first == '[') {
        input->any_array = true;
        input->place = PERFTRACE_JSON_EVENTS;
        advance(input, 1);
        return;
    }
    input->place = PERFTRACE_JSON_PASSING;
    input->passing_from = input->offset;
    input->depth = 0;
    input->in_string = false;
    input->scalar = first != '"' && first != '{' && first != '[';
}

/* Behind the string that goes on at `at`; where it does not end, to the end. */
static const char *pass_string(struct perftrace_json_input *input, const char *at, const char *end) {
    for (;;) {
        at = perftrace_json_quote(at, end);
        if (at >= end || (*at == '\\' && at + 2 > end))
            return at < end ? at : end; /* a backslash waits for what comes after it */
        if (*at == '"') {
            input->in_string = false;
            return at + 1;
        }
        at += 2;
    }
}

/* Steps over the value as far as it is there. True: it is over. */
static bool pass(struct perftrace_json_input *input, const char **at, const char *end) {
    const char *here = *at;
    bool over = false;
    while (here < end && !over) {
        if (input->in_string) {
            const char *before = here;
            here = pass_string(input, here, end);
            over = !input->in_string && input->depth == 0;
            if (input->in_string && here == before)
                break;
        } else if (input->scalar) {
            over = *here == ',' || *here == '}' || *here == ']' || perftrace_json_is_space(*here);
            here += !over;
        } else {
            char byte = *here++;
            input->in_string = byte == '"';
            input->depth += byte == '{' || byte == '[';
            if (byte == '}' || byte == ']')
                over = input->depth == 0 || --input->depth == 0;
        }
    }
    *at = here;
    return over;
}

static void passing(struct perftrace_json_input *input) {
    const char *from = input->buffer + input->begin, *at = from;
    bool over = pass(input, &at, input->buffer + input->end);
    advance(input, (size_t)(at - from));
    if (over) {
        input->place = PERFTRACE_JSON_MEMBERS;
        return;
    }
    if (!refill(input) && input->error.code == PERFTRACE_OK)
        tell_cut(input, input->passing_from, "a value");
}

/* The next event, if it stands there as nearly all do: whole, behind a comma with or without a space or new line. */
static inline bool take_usual(struct perftrace_json_input *input, struct perftrace_json_event *event,
                              uint64_t *offset) {
    const char *from = input->buffer + input->begin, *end = input->buffer + input->end, *at = from;
    if (input->place != PERFTRACE_JSON_EVENTS)
        return false;
    at += *at == ',';
    at += *at == '\n' || *at == ' ';
    if (*at != '{' || at >= end)
        return false;
    *offset = input->offset + (uint64_t)(at - from);
    if (perftrace_json_event_read(&at, end, &input->ids, input->seen, event) != PERFTRACE_JSON_FINE)
        return false;
    advance(input, (size_t)(at - from));
    return true;
}

bool perftrace_json_input_next(struct perftrace_json_input *input, struct perftrace_json_event *event,
                               uint64_t *offset) {
    if (take_usual(input, event, offset))
        return true;
    for (;;) {
        switch (input->place) {
        case PERFTRACE_JSON_EVENTS:
            if (in_events(input, event, offset))
                return true;
            break;
        case PERFTRACE_JSON_MEMBERS:
            in_members(input);
            break;
        case PERFTRACE_JSON_PASSING:
            passing(input);
            break;
        default:
            if (outside(input, event, offset))
                return true;
        }
        bool over = input->at_end && input->begin == input->end && input->place == PERFTRACE_JSON_OUTSIDE;
        if (over || input->error.code != PERFTRACE_OK)
            return false;
    }
}

/* ---- what it is ------------------------------------------------------------------------------------ */

static bool holds(const char *bytes, size_t length, const char *word) {
    return memmem(bytes, length, word, strlen(word)) != NULL;
}

int perftrace_json_recognise(const char *bytes, size_t length, bool complete) {
    const char *at = bytes, *end = bytes + length;
    if (length >= 3 && memcmp(at, "\xef\xbb\xbf", 3) == 0)
        at += 3;
    while (at < end && perftrace_json_is_space(*at))
        at++;
    if (at == end)
        return complete ? 0 : -1;
    char first = *at++;
    if (first != '[' && first != '{')
        return 0;
    while (at < end && perftrace_json_is_space(*at))
        at++;
    if (at == end && !complete)
        return -1;
    bool log = holds(bytes, length, "PERF_TRACE|");
    bool events = holds(bytes, length, "\"ph\"") || holds(bytes, length, "\"traceEvents\"");
    bool likely = at == end || (first == '[' ? *at == '{' || *at == ']' : *at == '"' || *at == '}');
    if (events && !log)
        return 1;
    if (log && !events)
        return 0;
    if (events) /* both: records that stand in the texts of events, or events in a log */
        return likely;
    return complete ? likely : -1;
}
