/* The text of one Chrome trace event. */
#include "chrome_event.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* JavaScript, and so every viewer, has doubles only: beyond this integers lose digits. */
#define INTEGER_MAX (UINT64_C(1) << 53)

enum { METRICS_BYTES_MAX = 32 }; /* of the member that says how many of the arguments are metrics */

#define LITERAL(buffer, text) perftrace_buffer_add(buffer, text, sizeof(text) - 1)

void perftrace_chrome_fit(struct perftrace_buffer *buffer, struct perftrace_text text, size_t bytes_max) {
    size_t start = buffer->length;
    perftrace_buffer_json(buffer, text, PERFTRACE_NAME_SHOWN_MAX);
    /* The quotes and "…" are 5 bytes; an escaped byte is at most 6. */
    for (size_t factor = 1; bytes_max != 0 && buffer->length - start > bytes_max && factor <= 6;
         factor += 5) {
        buffer->length = start;
        perftrace_buffer_json(buffer, text, (bytes_max - 5) / factor);
    }
}

/* What is behind the phase of nearly all events; the first letter is the phase. */
#define BEHIND_HEAD "X\",\"ts\":"
enum { BEHIND_HEAD_BYTES = sizeof(BEHIND_HEAD) - 1 };

int perftrace_chrome_head_make(struct perftrace_chrome_head *head, const struct perftrace_site_info *site,
                               size_t event_bytes_max) {
    /* The cut must not depend on the event: viewers match E with B by name and category. */
    struct perftrace_buffer text = {0};
    LITERAL(&text, "{\"name\":");
    perftrace_chrome_fit(&text, site->name, event_bytes_max / 4);
    LITERAL(&text, ",\"cat\":");
    perftrace_chrome_fit(&text, site->target, event_bytes_max / 4);
    LITERAL(&text, ",\"ph\":\"");
    size_t length = text.length;
    LITERAL(&text, BEHIND_HEAD);
    perftrace_buffer_add(&text, (const char[PERFTRACE_CHROME_PADDING]){0}, PERFTRACE_CHROME_PADDING);
    if (text.failed) {
        free(text.bytes);
        return -ENOMEM;
    }
    head->text = text.bytes;
    head->length = length;
    return 0;
}

static void add_integer(struct perftrace_buffer *buffer, bool negative, uint64_t magnitude) {
    char text[PERFTRACE_DIGITS_MAX + 3];
    unsigned length = 0;
    bool quoted = magnitude > INTEGER_MAX;
    if (quoted)
        text[length++] = '"';
    if (negative)
        text[length++] = '-';
    length += perftrace_format_unsigned(text + length, magnitude);
    if (quoted)
        text[length++] = '"';
    perftrace_buffer_add(buffer, text, length);
}

static void add_double(struct perftrace_buffer *buffer, double value) {
    if (isnan(value))
        LITERAL(buffer, "\"NaN\"");
    else if (isinf(value))
        perftrace_buffer_text(buffer, value < 0 ? "\"-Infinity\"" : "\"Infinity\"");
    else
        perftrace_buffer_double(buffer, value);
}

static void add_string(struct perftrace_buffer *buffer, const struct perftrace_value *value,
                       size_t bytes_max) {
    if (value->null) {
        LITERAL(buffer, "null");
        return;
    }
    perftrace_buffer_json(buffer, value->text, bytes_max);
    bool cut_here = bytes_max != 0 && value->text.length > bytes_max;
    if (value->cut && !cut_here && !buffer->failed) {
        buffer->length--;
        LITERAL(buffer, "…\"");
    }
}

void perftrace_chrome_value(struct perftrace_buffer *buffer, const struct perftrace_value *value,
                            size_t string_bytes_max) {
    switch (value->type) {
    case PERFTRACE_TYPE_SIGNED:
        add_integer(buffer, value->i < 0, value->i < 0 ? 0 - (uint64_t)value->i : (uint64_t)value->i);
        break;
    case PERFTRACE_TYPE_UNSIGNED:
        add_integer(buffer, false, value->u);
        break;
    case PERFTRACE_TYPE_DOUBLE:
        add_double(buffer, value->d);
        break;
    case PERFTRACE_TYPE_BOOLEAN:
        perftrace_buffer_text(buffer, value->u != 0 ? "true" : "false");
        break;
    case PERFTRACE_TYPE_ADDRESS:
        LITERAL(buffer, "\"");
        perftrace_buffer_address(buffer, value->u);
        LITERAL(buffer, "\"");
        break;
    case PERFTRACE_TYPE_STRING:
        add_string(buffer, value, string_bytes_max);
        break;
    default:
        LITERAL(buffer, "null");
    }
}

/* ---- copying ---------------------------------------------------------------------------------------- */

/* Most texts are short: copied 16 bytes at a time they take fewer instructions than a call. What is behind `length` is copied, too,
 * up to the next multiple of 16. Gives the end of the copy. */
static inline char *copy_padded(char *out, const char *bytes, size_t length) {
    for (size_t at = 0; at < length; at += 16)
        memcpy(out + at, bytes + at, 16);
    return out + length;
}

static inline char *copy(char *out, const char *bytes, size_t length) {
    memcpy(out, bytes, length);
    return out + length;
}

#define EVERY_BYTE(byte) (UINT64_C(0x0101010101010101) * (byte))

/* Not zero if some of the bytes can't stand in a JSON string as they are, or may be part of a character that can't. */
static inline uint64_t odd_in_word(uint64_t word) {
    uint64_t quote = word ^ EVERY_BYTE('"'), backslash = word ^ EVERY_BYTE('\\'),
             delete = word ^ EVERY_BYTE(0x7f);
    uint64_t odd = (word - EVERY_BYTE(0x20)) | word | ((quote - EVERY_BYTE(1)) & ~quote) |
                   ((backslash - EVERY_BYTE(1)) & ~backslash) | ((delete - EVERY_BYTE(1)) & ~delete);
    return odd & EVERY_BYTE(0x80);
}

static inline uint64_t copy_word(char *out, const char *bytes) {
    uint64_t word;
    memcpy(&word, bytes, sizeof word);
    memcpy(out, &word, sizeof word);
    return odd_in_word(word);
}

/* 16 bytes, of a type that compilers know how to look at all at once, on any processor. */
typedef unsigned char sixteen __attribute__((vector_size(16)));

static inline uint64_t copy_sixteen(char *out, const char *bytes) {
    sixteen all;
    memcpy(&all, bytes, sizeof all);
    memcpy(out, &all, sizeof all);
    uint64_t odd[2];
    const sixteen found = (sixteen)((all - 0x20) > 0x5e) | (sixteen)(all == '"') | (sixteen)(all == '\\');
    memcpy(odd, &found, sizeof odd);
    return odd[0] | odd[1];
}

/* A text as a JSON string, where nothing in it needs to be escaped; NULL: something may. */
static inline char *copy_string(char *out, const char *bytes, size_t length) {
    uint64_t odd = 0;
    *out++ = '"';
    if (length >= 8) {
        size_t at = 0;
        for (; length - at >= 16; at += 16)
            odd |= copy_sixteen(out + at, bytes + at);
        if (length - at >= 8)
            odd |= copy_word(out + at, bytes + at);
        odd |= copy_word(out + length - 8, bytes + length - 8);
    } else if (length > 0) {
        uint64_t word = EVERY_BYTE('0');
        memcpy(&word, bytes, length >= 4 ? 4 : 1);
        if (length >= 4) {
            memcpy((char *)&word + length - 4, bytes + length - 4, 4);
        } else {
            memcpy((char *)&word + length / 2, bytes + length / 2, 1);
            memcpy((char *)&word + length - 1, bytes + length - 1, 1);
        }
        memcpy(out, &word, sizeof word);
        odd = odd_in_word(word);
    }
    out[length] = '"';
    return odd != 0 ? NULL : out + length + 1;
}

/* ---- arguments -------------------------------------------------------------------------------------- */

/* NULL: it is too long to be kept, or to be cut. */
static const struct perftrace_chrome_key *key_of(struct perftrace_chrome_writer *writer,
                                                 const struct perftrace_argument_info *argument) {
    uintptr_t address = (uintptr_t)argument;
    struct perftrace_chrome_key *key = &writer->keys[(address / sizeof *argument) % PERFTRACE_CHROME_KEYS];
    if (key->argument == argument || argument->name.length > PERFTRACE_CHROME_KEY_BYTES)
        return key->argument == argument ? key : NULL;
    struct perftrace_buffer made = {0};
    LITERAL(&made, ",");
    perftrace_buffer_json(&made, argument->name, PERFTRACE_NAME_SHOWN_MAX);
    LITERAL(&made, ":");
    bool fits = !made.failed && made.length <= PERFTRACE_CHROME_KEY_BYTES;
    if (fits) {
        memcpy(key->text, made.bytes, made.length);
        key->length = (uint8_t)made.length;
        key->argument = argument;
    }
    free(made.bytes);
    return fits ? key : NULL;
}

/* The name with its colon, after a comma if it isn't the first. */
static void add_key(struct perftrace_chrome_writer *writer, const struct perftrace_argument_info *argument,
                    bool first) {
    if (!first)
        LITERAL(&writer->text, ",");
    perftrace_buffer_json(&writer->text, argument->name,
                          writer->string_bytes_max != 0 ? writer->string_bytes_max
                                                        : PERFTRACE_NAME_SHOWN_MAX);
    LITERAL(&writer->text, ":");
}

/* An argument that is as most are, at `out`, where there is room for its string and ARGUMENT_BYTES. NULL: it is to be done with care. */
enum { ARGUMENT_BYTES = PERFTRACE_CHROME_KEY_BYTES + 2 * PERFTRACE_CHROME_PADDING + PERFTRACE_DIGITS_MAX };
static inline char *usual_argument(struct perftrace_chrome_writer *writer,
                                   const struct perftrace_value *value, bool first, char *out) {
    const struct perftrace_chrome_key *key = key_of(writer, value->argument);
    if (key == NULL || writer->string_bytes_max != 0)
        return NULL;
    out = copy_padded(out, key->text + first, key->length - (size_t)first);
    switch (value->type) {
    case PERFTRACE_TYPE_SIGNED:
    case PERFTRACE_TYPE_UNSIGNED:
        return value->u <= INTEGER_MAX ? out + perftrace_format_unsigned(out, value->u) : NULL;
    case PERFTRACE_TYPE_BOOLEAN:
        memcpy(out, value->u != 0 ? "true " : "false", 5);
        return out + (value->u != 0 ? 4 : 5);
    case PERFTRACE_TYPE_STRING:
        return value->null || value->cut ? NULL : copy_string(out, value->text.bytes, value->text.length);
    default:
        return NULL;
    }
}

static void add_argument(struct perftrace_chrome_writer *writer, const struct perftrace_value *value,
                         bool first) {
    struct perftrace_buffer *text = &writer->text;
    size_t string_bytes = value->type == PERFTRACE_TYPE_STRING ? value->text.length : 0;
    char *out = perftrace_buffer_reserve(text, string_bytes + ARGUMENT_BYTES);
    char *end = out == NULL ? NULL : usual_argument(writer, value, first, out);
    if (end != NULL) {
        text->length += (size_t)(end - out);
        return;
    }
    add_key(writer, value->argument, first);
    perftrace_chrome_value(text, value, writer->string_bytes_max);
}

/* How many of the last arguments are metrics, for readers that want to know: a member that viewers pass over. Of an unfinished span it
 * says besides that "unfinished" is no argument of its. */
static void add_metric_count(struct perftrace_buffer *text, const struct perftrace_chrome_event *event,
                             size_t count) {
    if (event->phase != 'X' || (count == 0 && !event->unfinished))
        return;
    LITERAL(text, ",\"metrics\":");
    perftrace_buffer_unsigned(text, count);
}

static void add_arguments(struct perftrace_chrome_writer *writer, const struct perftrace_chrome_event *event,
                          bool drop) {
    struct perftrace_buffer *text = &writer->text;
    size_t metrics = 0;
    LITERAL(text, ",\"args\":{");
    if (event->unfinished)
        LITERAL(text, "\"unfinished\":true");
    for (size_t i = 0; i < event->value_count + event->metric_count; i++) {
        const struct perftrace_value *value =
            i < event->value_count ? &event->values[i] : &event->metrics[i - event->value_count];
        size_t before = text->length;
        add_argument(writer, value, i == 0 && !event->unfinished);
        if (drop && text->length + METRICS_BYTES_MAX + 2 > writer->event_bytes_max) {
            text->length = before;
            break;
        }
        metrics += i >= event->value_count;
    }
    LITERAL(text, "}");
    add_metric_count(text, event, metrics);
}

/* ---- events ----------------------------------------------------------------------------------------- */

/* Microseconds with three decimals. Neighbouring events share their second, whose digits are kept. */
static char *copy_time(struct perftrace_chrome_writer *writer, char *out, uint64_t time_ns) {
    if (time_ns - writer->second_ns >= 1000000000 || writer->second_digits == 0) {
        writer->second_ns = time_ns - time_ns % 1000000000;
        writer->second_digits = perftrace_format_unsigned(writer->second, time_ns / 1000000000);
    }
    char digits[9];
    perftrace_format_nine_digits(digits, (uint32_t)(time_ns - writer->second_ns));
    if (writer->second_ns == 0) { /* no zeros may lead */
        out += perftrace_format_unsigned(out, time_ns / 1000);
    } else {
        out = copy_padded(out, writer->second, writer->second_digits);
        out = copy(out, digits, 6);
    }
    *out++ = '.';
    return copy(out, digits + 6, 3);
}

static char *copy_duration(char *out, uint64_t elapsed_ns) {
    out += perftrace_format_unsigned(out, elapsed_ns / 1000);
    unsigned rest = (unsigned)(elapsed_ns % 1000);
    const char decimals[4] = {'.', (char)('0' + rest / 100), (char)('0' + rest / 10 % 10),
                              (char)('0' + rest % 10)};
    return copy(out, decimals, sizeof decimals);
}

static void make(struct perftrace_chrome_writer *writer, const struct perftrace_chrome_event *event,
                 bool drop) {
    struct perftrace_buffer *text = &writer->text;
    text->length = 0;
    char *start =
        perftrace_buffer_reserve(text, event->head->length + event->where.length + event->more.length +
                                           2 * PERFTRACE_DIGITS_MAX + BEHIND_HEAD_BYTES + 48);
    if (start == NULL)
        return;
    char *out = copy_padded(start, event->head->text, event->head->length + BEHIND_HEAD_BYTES);
    start[event->head->length] = event->phase;
    out = copy_time(writer, out, event->time_ns);
    out = copy_padded(out, event->where.bytes, event->where.length);
    if (event->phase == 'X')
        out = copy_duration(copy(out, ",\"dur\":", 7), event->elapsed_ns);
    if (event->more.length != 0)
        out = copy(out, event->more.bytes, event->more.length);
    bool has_arguments = event->value_count + event->metric_count != 0 || event->unfinished;
    if (!has_arguments)
        *out++ = '}';
    text->length = (size_t)(out - start);
    if (has_arguments) {
        add_arguments(writer, event, drop);
        LITERAL(text, "}");
    }
}

int perftrace_chrome_event_make(struct perftrace_chrome_writer *writer,
                                const struct perftrace_chrome_event *event) {
    static const size_t string_limits[] = {192, 48, 12};
    size_t max = writer->event_bytes_max;
    make(writer, event, false);
    for (int i = 0; i < 3 && max != 0 && writer->text.length > max; i++) {
        writer->string_bytes_max = string_limits[i];
        make(writer, event, i == 2);
    }
    writer->string_bytes_max = 0;
    return writer->text.failed ? -ENOMEM : 0;
}
