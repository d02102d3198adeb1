/* The text of single Chrome trace events: what chrome.c puts together, within the limit on their length. */
#ifndef PERFTRACE_CORE_CHROME_EVENT_H
#define PERFTRACE_CORE_CHROME_EVENT_H

#include "text.h"

/* So many bytes behind what is to be copied must be readable: it is copied 16 bytes at a time. */
enum { PERFTRACE_CHROME_PADDING = 16 };

/* How all events of a site begin, made once: {"name":"…","cat":"…","ph":" with what follows the phase's letter. */
struct perftrace_chrome_head {
    char *text; /* NULL: not made yet */
    size_t length;
};

enum { PERFTRACE_CHROME_KEYS = 256, PERFTRACE_CHROME_KEY_BYTES = 48 };

/* The JSON text of an argument's name, with a comma before and a colon behind it, kept by the argument's address. */
struct perftrace_chrome_key {
    const struct perftrace_argument_info *argument;
    uint8_t length;
    char text[PERFTRACE_CHROME_KEY_BYTES + PERFTRACE_CHROME_PADDING - 1];
};

struct perftrace_chrome_writer {
    struct perftrace_buffer text; /* the last event made */
    size_t event_bytes_max;       /* 0: no limit */
    size_t string_bytes_max; /* of an argument's name or value, while making an event that was too long */
    uint64_t second_ns;      /* the second of the last event's time, in nanoseconds … */
    char second[PERFTRACE_DIGITS_MAX]; /* … and in digits */
    unsigned second_digits;            /* 0: none yet */
    struct perftrace_chrome_key keys[PERFTRACE_CHROME_KEYS];
};

struct perftrace_chrome_event {
    const struct perftrace_chrome_head *head;
    char phase; /* X: a complete event, with elapsed_ns */
    bool unfinished;
    uint64_t time_ns, elapsed_ns;
    struct perftrace_text where; /* ,"pid":1,"tid":2 and PERFTRACE_CHROME_PADDING bytes that may be read */
    struct perftrace_text more;  /* further members, each with a comma before it */
    size_t value_count, metric_count; /* args: these one after the other; without any there are none */
    const struct perftrace_value *values, *metrics;
};

/* 0 or -ENOMEM. */
int perftrace_chrome_head_make(struct perftrace_chrome_head *head, const struct perftrace_site_info *site,
                               size_t event_bytes_max);

/* Makes the event's text in writer->text. Names and strings of the arguments are cut, and in the end
 * arguments left out, as far as the limit asks for. 0 or -ENOMEM. */
int perftrace_chrome_event_make(struct perftrace_chrome_writer *writer,
                                const struct perftrace_chrome_event *event);

/* A name as a JSON string of at most `bytes_max` bytes with its quotes (at least 32; 0: no limit but
 * PERFTRACE_NAME_SHOWN_MAX), cut to fit. */
void perftrace_chrome_fit(struct perftrace_buffer *buffer, struct perftrace_text text, size_t bytes_max);

/* The number where JSON and JavaScript can hold it, else a string. */
void perftrace_chrome_value(struct perftrace_buffer *buffer, const struct perftrace_value *value,
                            size_t string_bytes_max);

#endif
