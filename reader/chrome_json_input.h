/* Bytes of a Chrome JSON file -> its events, one after the other: in an array, in the member traceEvents of an object, or one
 * object after the other; whole, cut off, or damaged. */
#ifndef PERFTRACE_READER_CHROME_JSON_INPUT_H
#define PERFTRACE_READER_CHROME_JSON_INPUT_H

#include "../include/perftrace_reader.h"
#include "chrome_json_event.h"

/* Of an event; in less memory than PERFTRACE_READER_BYTES_MAX less. */
#define PERFTRACE_JSON_EVENT_BYTES_MAX ((size_t)16 << 20)

enum perftrace_json_place {
    PERFTRACE_JSON_OUTSIDE, /* before, between and behind values */
    PERFTRACE_JSON_MEMBERS, /* of the object around */
    PERFTRACE_JSON_PASSING, /* a member of it that is none of the events */
    PERFTRACE_JSON_EVENTS,  /* in the array */
};

struct perftrace_json_input {
    int fd;
    uint64_t unread; /* what may still be read of it; UINT64_MAX: as much as there is */
    bool at_end;
    char *buffer; /* `capacity` bytes and PERFTRACE_JSON_PADDING */
    size_t capacity;
    size_t event_bytes_max;
    size_t begin, end; /* what is not yet parsed */
    uint64_t offset;   /* of `begin` in the input */
    enum perftrace_json_place place;
    bool in_object; /* the array is in one */
    bool any_array; /* there was one with events, or to hold them */
    /* While passing: */
    uint64_t passing_from, depth;
    bool in_string, scalar;
    const struct perftrace_reader_options *options;
    struct perftrace_trace_info *info;
    struct perftrace_json_seen *seen; /* NULL: nothing is kept of args */
    struct perftrace_json_ids ids;
    struct perftrace_error_info error; /* of reading */
};

/* Takes over `fd`, of which the bytes at `first` have been read already, and at most `bytes` more are to be read. `options` and
 * `info` are borrowed. False without memory; `fd` is the caller's then. */
bool perftrace_json_input_open(struct perftrace_json_input *input, int fd, const char *first,
                               size_t first_length, uint64_t bytes,
                               const struct perftrace_reader_options *options,
                               struct perftrace_trace_info *info);
/* The next object in the place of an event; its texts are valid until the next call. False at the end of the input, and on
 * failure (`error`). *offset is where it begins. */
bool perftrace_json_input_next(struct perftrace_json_input *input, struct perftrace_json_event *event,
                               uint64_t *offset);
void perftrace_json_input_close(struct perftrace_json_input *input);

/* Whether what begins with these bytes is likely to be such a file: -1 that needs more than these to be told. */
int perftrace_json_recognise(const char *bytes, size_t length, bool complete);

#endif
