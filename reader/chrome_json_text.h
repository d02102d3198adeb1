/* The words of JSON (RFC 8259), found in bytes that may be anything: strings, numbers, and where values end. What is not
 * JSON is refused only as far as it would make what follows doubtful: bytes that a string may not hold are taken as they are.
 *
 * Everything here looks at bytes from `at` up to `end`, where PERFTRACE_JSON_PADDING zeros must stand. */
#ifndef PERFTRACE_READER_CHROME_JSON_TEXT_H
#define PERFTRACE_READER_CHROME_JSON_TEXT_H

#include "../include/perftrace_items.h"

#include <string.h>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

enum { PERFTRACE_JSON_PADDING = 64 };

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

/* Whether both are the same bytes. 8 bytes from each on must be readable. */
static inline bool perftrace_json_same(const struct perftrace_json_text *a,
                                       const struct perftrace_json_text *b) {
    if (a->length != b->length)
        return false;
    uint64_t x, y;
    uint32_t at = 0;
    for (; a->length - at > 8; at += 8) {
        memcpy(&x, a->bytes + at, sizeof x);
        memcpy(&y, b->bytes + at, sizeof y);
        if (x != y)
            return false;
    }
    at = a->length > 8 ? a->length - 8 : 0; /* the last word may overlap the one before */
    memcpy(&x, a->bytes + at, sizeof x);
    memcpy(&y, b->bytes + at, sizeof y);
    if (a->length > 8)
        return x == y;
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    return a->length == 0 || (x ^ y) << (64 - 8 * a->length) == 0;
#else
    return a->length == 0 || (x ^ y) >> (64 - 8 * a->length) == 0;
#endif
}

/* From the bracket or brace at *at to behind the one that closes it; *at is then behind it, or where it went wrong. */
enum perftrace_json_step perftrace_json_skip_nested(const char **at, const char *end);
/* The same, as it is done where the processor has nothing better. For tests. */
enum perftrace_json_step perftrace_json_skip_narrow(const char **at, const char *end);

/* Of numbers and literals. */
extern const bool perftrace_json_scalar_bytes[256];

/* The value at *at if it is a string, number or literal; others are stepped over, and give an empty text. *at is then behind
 * it, or where it went wrong. */
static inline enum perftrace_json_step perftrace_json_scalar(const char **at, const char *end,
                                                             struct perftrace_json_text *text) {
    const char *here = *at;
    if (*here == '"') {
        if (perftrace_json_string(here + 1, end, text, at))
            return PERFTRACE_JSON_FINE;
        *at = end;
        return PERFTRACE_JSON_MORE;
    }
    *text = (struct perftrace_json_text){.bytes = here};
    if (*here == '{' || *here == '[')
        return perftrace_json_skip_nested(at, end);
    while (perftrace_json_scalar_bytes[(unsigned char)*here]) /* the padding is none of them */
        here++;
    *at = here;
    text->length = (uint32_t)(here - text->bytes);
    return here >= end ? PERFTRACE_JSON_MORE : text->length == 0 ? PERFTRACE_JSON_WRONG : PERFTRACE_JSON_FINE;
}

/* Steps through the members of the object whose `{` stands before *at: 1 with *key and *at at the value (to be stepped over by
 * the caller), 0 behind the last, -1: *at is where it went wrong or ended. `first` is to be true for the first one. */
static inline int perftrace_json_member(const char **at, const char *end, bool *first,
                                        struct perftrace_json_text *key) {
    const char *here = *at;
    if (*here != '"' || !*first) { /* else the usual beginning */
        here = perftrace_json_skip_spaces(here, end);
        if (*here == ',' && !*first) {
            here++;
            if (*here != '"')
                here = perftrace_json_skip_spaces(here, end);
        } else if (*here != '}' && !*first) {
            *at = here;
            return -1;
        }
        if (*here == '}' && here < end) { /* after a comma, too */
            *at = here + 1;
            return 0;
        }
    }
    *first = false;
    *at = here;
    if (*here != '"')
        return -1;
    if (!perftrace_json_string(here + 1, end, key, &here)) {
        *at = end;
        return -1;
    }
    if (*here != ':')
        here = perftrace_json_skip_spaces(here, end);
    *at = here;
    if (*here != ':')
        return -1;
    here++;
    *at = perftrace_json_is_space(*here) ? perftrace_json_skip_spaces(here, end) : here;
    return 1;
}

/* Takes the backslashes out, into `out`, which has room for as many bytes as there are and may be where they are. Gives the length. A half of a pair
 * of surrogates that stands alone becomes U+FFFD; what follows a backslash but means nothing stays. */
size_t perftrace_json_unescape(const struct perftrace_json_text *text, char *out);

/* A time or duration in microseconds, with or without quotes, as nanoseconds (rounded). False: it is no number, or beyond
 * +-PERFTRACE_JSON_NS_MAX. *whole: it had no part of a microsecond. */
#define PERFTRACE_JSON_NS_MAX (INT64_C(1) << 60)
bool perftrace_json_time(const struct perftrace_json_text *text, int64_t *ns, bool *whole);

/* How many digits stand at `at`, if they are not more than PERFTRACE_JSON_DIGITS. */
enum { PERFTRACE_JSON_DIGITS = 14 };
static inline unsigned perftrace_json_digits(const char *at) {
#if defined(__SSE2__)
    __m128i bytes = _mm_sub_epi8(_mm_loadu_si128((const __m128i *)(const void *)at), _mm_set1_epi8('0'));
    unsigned others =
        ~(unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(_mm_min_epu8(bytes, _mm_set1_epi8(9)), bytes));
    return (unsigned)__builtin_ctz(others);
#else
    unsigned count = 0;
    while (count <= PERFTRACE_JSON_DIGITS && (unsigned)(at[count] - '0') <= 9)
        count++;
    return count;
#endif
}

#if defined(__SSE2__)
/* The number that these 1 to 8 digits are. The first is in the lowest byte, and zeros come before it; digits become pairs, then
 * fours, then the number. */
static inline uint64_t perftrace_json_few_digits(const char *at, unsigned count) {
    uint64_t word;
    memcpy(&word, at, sizeof word);
    word = (word ^ UINT64_C(0x3030303030303030)) << (64 - 8 * count);
    word = word * 2561 >> 8 & UINT64_C(0x00ff00ff00ff00ff);
    word = word * 6553601 >> 16 & UINT64_C(0x0000ffff0000ffff);
    return word * UINT64_C(42949672960001) >> 32;
}
#endif

/* The number that these `count` digits are, of which there are 1 to PERFTRACE_JSON_DIGITS. */
static inline uint64_t perftrace_json_number(const char *at, unsigned count) {
#if defined(__SSE2__)
    static const uint32_t powers[] = {1, 10, 100, 1000, 10000, 100000, 1000000};
    if (count <= 8)
        return perftrace_json_few_digits(at, count);
    return perftrace_json_few_digits(at, 8) * powers[count - 8] +
           perftrace_json_few_digits(at + 8, count - 8);
#else
    uint64_t number = 0;
    for (unsigned i = 0; i < count; i++)
        number = number * 10 + (unsigned)(at[i] - '0');
    return number;
#endif
}

/* The same of a time that begins with so many digits (1 to PERFTRACE_JSON_DIGITS) and has at most three behind the point, which is
 * what nearly all times are. Gives where it stopped: it is such a time only if that is where it ends. */
static inline const char *perftrace_json_short_time(const char *at, unsigned digits, int64_t *ns,
                                                    bool *whole) {
    unsigned digit, part = 0;
    uint64_t value = perftrace_json_number(at, digits);
    at += digits;
    if (*at == '.') {
        unsigned scale = 1000;
        for (at++; scale > 1 && (digit = (unsigned)(*at - '0')) <= 9; at++)
            part += digit * (scale /= 10);
    }
    *whole = part == 0;
    *ns = (int64_t)(value * 1000 + part);
    return at;
}

/* A number, literal or string as a value, whose text is as it stands in `text` and is still to be unescaped and ended. A number
 * that no type holds stays a string; so does an integer that only a double would, as it would lose digits. */
void perftrace_json_value(const struct perftrace_json_text *text, struct perftrace_value *value);

/* An integer without a sign, in decimal, or after 0x in hexadecimal, in quotes or without. */
bool perftrace_json_integer(const struct perftrace_json_text *text, uint64_t *number);

#endif
