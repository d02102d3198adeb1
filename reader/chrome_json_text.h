/* The words of JSON (RFC 8259), found in bytes that may be anything: strings, numbers, and where values end. What is not
 * JSON is refused only as far as it would make what follows doubtful: bytes that a string may not hold are taken as they are.
 *
 * Everything here looks at bytes from `at` up to `end`, where PERFTRACE_JSON_PADDING zeros must stand. */
#ifndef PERFTRACE_READER_CHROME_JSON_TEXT_H
#define PERFTRACE_READER_CHROME_JSON_TEXT_H

#include "../include/perftrace_items.h"

#if defined(__SSE2__)
#include <emmintrin.h>
#else
#include <string.h>
#endif

enum { PERFTRACE_JSON_PADDING = 32 };

/* What stands between the quotes of a string, as written; or, where `quoted` is not set, a number or literal. */
struct perftrace_json_text {
    const char *bytes;
    uint32_t length;
    bool escaped; /* there are backslashes in it */
    bool quoted;
};

/* How a step ended. */
enum perftrace_json_step {
    PERFTRACE_JSON_FINE,
    PERFTRACE_JSON_MORE, /* the bytes end within it */
    PERFTRACE_JSON_WRONG,
};

static inline bool perftrace_json_is_space(char byte) {
    return byte == ' ' || byte == '\n' || byte == '\r' || byte == '\t';
}

static inline const char *perftrace_json_skip_spaces(const char *at, const char *end) {
    while (at < end && perftrace_json_is_space(*at))
        at++;
    return at;
}

/* The first quote or backslash; `end` or what is behind it: there is none. */
static inline const char *perftrace_json_quote(const char *at, const char *end) {
#if defined(__SSE2__)
    const __m128i quote = _mm_set1_epi8('"'), backslash = _mm_set1_epi8('\\');
    for (; at < end; at += 16) {
        __m128i bytes = _mm_loadu_si128((const __m128i *)(const void *)at);
        int found =
            _mm_movemask_epi8(_mm_or_si128(_mm_cmpeq_epi8(bytes, quote), _mm_cmpeq_epi8(bytes, backslash)));
        if (found != 0)
            return at + __builtin_ctz((unsigned)found);
    }
#else
    const uint64_t low = UINT64_C(0x7f7f7f7f7f7f7f7f), ones = UINT64_C(0x0101010101010101);
    for (; at < end; at += 8) {
        uint64_t word;
        memcpy(&word, at, sizeof word);
        uint64_t quote = word ^ ones * '"', backslash = word ^ ones * '\\';
        if ((~(((quote & low) + low) | quote | low) | ~(((backslash & low) + low) | backslash | low)) == 0)
            continue;
        while (*at != '"' && *at != '\\')
            at++;
        return at;
    }
#endif
    return at;
}

/* The string whose opening quote stands before `at`: *text, and *next behind its closing quote. False: it has none. */
static inline bool perftrace_json_string(const char *at, const char *end, struct perftrace_json_text *text,
                                         const char **next) {
    const char *quote = perftrace_json_quote(at, end);
    text->bytes = at;
    text->escaped = false;
    text->quoted = true;
    while (quote < end && *quote == '\\') {
        text->escaped = true;
        quote = perftrace_json_quote(quote + 2, end);
    }
    if (quote >= end)
        return false;
    text->length = (uint32_t)(quote - at);
    *next = quote + 1;
    return true;
}

/* Steps over one value of any kind. *at is then behind it, or where it went wrong. */
enum perftrace_json_step perftrace_json_skip(const char **at, const char *end);

/* The value at *at if it is a string, number or literal; others are stepped over, and give an empty text. */
enum perftrace_json_step perftrace_json_scalar(const char **at, const char *end,
                                               struct perftrace_json_text *text);

/* Takes the backslashes out, into `out`, which has room for as many bytes as there are. Gives the length. A half of a pair
 * of surrogates that stands alone becomes U+FFFD; what follows a backslash but means nothing stays. */
size_t perftrace_json_unescape(const struct perftrace_json_text *text, char *out);

/* A time or duration in microseconds, with or without quotes, as nanoseconds (rounded). False: it is no number, or beyond
 * +-PERFTRACE_JSON_NS_MAX. *whole: it had no part of a microsecond. */
#define PERFTRACE_JSON_NS_MAX (INT64_C(1) << 60)
bool perftrace_json_time(const struct perftrace_json_text *text, int64_t *ns, bool *whole);

/* A number, literal or string as a value, whose text is as it stands in `text` and is still to be unescaped and ended. A number
 * that no type holds stays a string; so does an integer that only a double would, as it would lose digits. */
void perftrace_json_value(const struct perftrace_json_text *text, struct perftrace_value *value);

/* An integer without a sign, in decimal, or after 0x in hexadecimal, in quotes or without. */
bool perftrace_json_integer(const struct perftrace_json_text *text, uint64_t *number);

#endif
