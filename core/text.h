/* Untrusted bytes made safe to show: names and values from a traced program may hold anything. */
#ifndef PERFTRACE_CORE_TEXT_H
#define PERFTRACE_CORE_TEXT_H

#include "../include/perftrace_items.h"

#include <string.h>

/* A text that grows. Zero-initialised is empty; `failed` stays set once memory ran out, and then nothing
 * more is added. Free `bytes` with free(). */
struct perftrace_buffer {
    char *bytes;
    size_t length, capacity;
    bool failed;
};
char *perftrace_buffer_grow_(struct perftrace_buffer *buffer, size_t more);
/* Room for `more` bytes at the end, where the caller then writes them and adds to `length`; NULL without memory. */
static inline char *perftrace_buffer_reserve(struct perftrace_buffer *buffer, size_t more) {
    if (more <= buffer->capacity - buffer->length && !buffer->failed)
        return buffer->bytes + buffer->length;
    return perftrace_buffer_grow_(buffer, more);
}
static inline void perftrace_buffer_add(struct perftrace_buffer *buffer, const char *bytes, size_t length) {
    char *out = length != 0 ? perftrace_buffer_reserve(buffer, length) : NULL;
    if (out != NULL) {
        memcpy(out, bytes, length);
        buffer->length += length;
    }
}
static inline void perftrace_buffer_text(struct perftrace_buffer *buffer, const char *text) {
    perftrace_buffer_add(buffer, text, strlen(text));
}
static inline struct perftrace_text perftrace_text_of(const char *text) {
    return (struct perftrace_text){text, strlen(text)};
}
void perftrace_buffer_unsigned(struct perftrace_buffer *buffer, uint64_t value);
void perftrace_buffer_signed(struct perftrace_buffer *buffer, int64_t value);
void perftrace_buffer_address(struct perftrace_buffer *buffer, uint64_t value); /* 0x1f */
/* The shortest decimal that reads back as the same double; "nan", "inf", "-inf". */
void perftrace_buffer_double(struct perftrace_buffer *buffer, double value);

/* What printf would print of it, up to 511 bytes. Texts must be safe to show, as they are not looked at. */
void perftrace_buffer_print(struct perftrace_buffer *buffer, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Writes `value` in decimal, without a terminator, and returns its length (at most PERFTRACE_DIGITS_MAX). */
enum { PERFTRACE_DIGITS_MAX = 20 };
unsigned perftrace_format_unsigned(char *out, uint64_t value);
/* A value below 10^9, with leading zeros. */
void perftrace_format_nine_digits(char *out, uint32_t value);

/* The length in bytes (1 to 4) of the valid UTF-8 character at `bytes`, with *code_point, or 0. Overlong
 * forms and surrogates are not valid (RFC 3629). */
unsigned perftrace_utf8(const char *bytes, size_t length, uint32_t *code_point);

/* As a JSON string with its quotes; bytes that are not UTF-8 become U+FFFD. At most `max` bytes of the
 * input are used (0: all), on a character's boundary, with "…" after a cut. */
void perftrace_buffer_json(struct perftrace_buffer *buffer, struct perftrace_text text, size_t max);

/* For a terminal or a report: control characters (C0, DEL, C1), bidirectional and other invisible formatting
 * characters and invalid bytes become \xHH or \u{HHHH}; what is left is shown as it is. */
void perftrace_buffer_visible(struct perftrace_buffer *buffer, struct perftrace_text text);

/* For a field of a log line: like visible, and `|` and backslash are escaped too. perftrace_unescape undoes it
 * in place and returns the new length. */
void perftrace_buffer_field(struct perftrace_buffer *buffer, struct perftrace_text text);
size_t perftrace_unescape(char *bytes, size_t length);

/* Any value, as `visible` (raw numbers, true/false, 0x… for addresses, (null)). */
void perftrace_buffer_value(struct perftrace_buffer *buffer, const struct perftrace_value *value);

/* The part of a name that outputs repeat with each event or call: all of it, unless it is longer than recorders write
 * them. The input has it once, and no output is to become thousands of times as long as its input. */
#define PERFTRACE_NAME_SHOWN_MAX 1024u
struct perftrace_text perftrace_name_shown(struct perftrace_text name);

#endif
