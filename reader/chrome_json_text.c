/* The words of JSON. */
#include "chrome_json_text.h"

#include "decimal.h"

#include <string.h>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

/* ---- stepping over ---------------------------------------------------------------------------------- */

/* Brackets and braces on the way to the one that closes the first. Of the innermost 64 levels it is known which they are; what is
 * deeper than that is only counted. */
struct nesting {
    uint64_t kinds, depth, deepest;
};

static inline void open_level(struct nesting *nesting, bool brace) {
    nesting->kinds = nesting->kinds << 1 | brace;
    nesting->depth++;
    nesting->deepest = nesting->depth > nesting->deepest ? nesting->depth : nesting->deepest;
}

/* False: it does not close what was opened. */
static inline bool close_level(struct nesting *nesting, bool brace) {
    bool fine = nesting->deepest > 64 || (nesting->kinds & 1) == brace;
    nesting->kinds >>= 1;
    nesting->depth--;
    return fine;
}

#if defined(__x86_64__)

/* Where in up to 64 bytes something stands, as bits. */
struct found {
    uint64_t quotes, backslashes, opening, closing;
};

static inline __attribute__((always_inline)) struct found look(const char *at) {
    const __m128i bytes = _mm_loadu_si128((const __m128i *)(const void *)at);
    const __m128i braces = _mm_or_si128(bytes, _mm_set1_epi8(0x20)); /* brackets become braces */
    return (struct found){
        .quotes = (unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(bytes, _mm_set1_epi8('"'))),
        .backslashes = (unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(bytes, _mm_set1_epi8('\\'))),
        .opening = (unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(braces, _mm_set1_epi8('{'))),
        .closing = (unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(braces, _mm_set1_epi8('}'))),
    };
}

/* Takes out the quotes that stand behind a backslash, of `width` bytes. *carry: the first byte does; then whether the first of the next
 * ones does. */
static void leave_escaped(struct found *found, uint64_t *carry, unsigned width) {
    uint64_t backslashes = found->backslashes & ~*carry;
    found->quotes &= ~*carry;
    *carry = 0;
    while (backslashes != 0) {
        uint64_t first = backslashes & (0 - backslashes), escaped = first << 1;
        found->quotes &= ~escaped;
        *carry = first >> (width - 1);
        backslashes &= ~(escaped | first);
    }
}

/* Goes through the brackets that stand in no string. True: that is over, and *here, which is where the bits are of, is where it ended. */
static inline __attribute__((always_inline)) bool go_through(struct nesting *nesting, const char **here,
                                                             uint64_t opening, uint64_t closing,
                                                             enum perftrace_json_step *step) {
    for (uint64_t left = opening | closing; left != 0; left &= left - 1) {
        const char *bracket = *here + __builtin_ctzll(left);
        bool brace = (*bracket & 0x20) != 0;
        if ((closing & left & (0 - left)) == 0) {
            open_level(nesting, brace);
            continue;
        }
        bool fine = close_level(nesting, brace);
        if (fine && nesting->depth > 0)
            continue;
        *step = fine ? PERFTRACE_JSON_FINE : PERFTRACE_JSON_WRONG;
        *here = bracket + fine;
        return true;
    }
    return false;
}

/* Which bytes lie in strings, by the quotes, of which those that open are in and those that close are not. */
static inline uint64_t strings_of(unsigned quotes, uint64_t inside) {
    quotes ^= quotes << 1;
    quotes ^= quotes << 2;
    quotes ^= quotes << 4;
    quotes ^= quotes << 8;
    return quotes ^ inside;
}

enum perftrace_json_step perftrace_json_skip_narrow(const char **at, const char *end) {
    struct nesting nesting = {0};
    enum perftrace_json_step step;
    uint64_t carry = 0, inside = 0; /* all bits: a string goes on */
    for (const char *here = *at; here < end; here += 16) {
        struct found found = look(here);
        if ((found.backslashes | carry) != 0)
            leave_escaped(&found, &carry, 16);
        uint64_t strings = strings_of((unsigned)found.quotes, inside);
        inside = 0 - (strings >> 15 & 1);
        if (go_through(&nesting, &here, found.opening & ~strings, found.closing & ~strings, &step)) {
            *at = here;
            return step;
        }
    }
    *at = end;
    return PERFTRACE_JSON_MORE;
}

/* ---- the same, 64 bytes at a time -------------------------------------------------------------------- */

#define WIDE __attribute__((target("avx2,bmi,bmi2,pclmul")))
#define WIDE_INLINE static inline __attribute__((always_inline)) WIDE

WIDE_INLINE uint64_t equal(__m256i low, __m256i high, char byte) {
    const __m256i wanted = _mm256_set1_epi8(byte);
    return (uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(low, wanted)) |
           (uint64_t)(uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(high, wanted)) << 32;
}

WIDE_INLINE struct found look_wide(const char *at) {
    const __m256i low = _mm256_loadu_si256((const __m256i *)(const void *)at),
                  high = _mm256_loadu_si256((const __m256i *)(const void *)(at + 32));
    const __m256i space = _mm256_set1_epi8(0x20); /* brackets become braces */
    const __m256i low_braces = _mm256_or_si256(low, space), high_braces = _mm256_or_si256(high, space);
    return (struct found){.quotes = equal(low, high, '"'),
                          .backslashes = equal(low, high, '\\'),
                          .opening = equal(low_braces, high_braces, '{'),
                          .closing = equal(low_braces, high_braces, '}')};
}

/* Multiplied by all ones without carrying, each bit is the sum of those up to it (Langdale, Lemire: "Parsing Gigabytes of JSON per
 * Second", 2019). */
WIDE static enum perftrace_json_step skip_wide(const char **at, const char *end) {
    struct nesting nesting = {0};
    enum perftrace_json_step step;
    uint64_t carry = 0, inside = 0;
    for (const char *here = *at; here < end; here += 64) {
        struct found found = look_wide(here);
        if (__builtin_expect((found.backslashes | carry) != 0, 0))
            leave_escaped(&found, &carry, 64);
        const __m128i quotes = _mm_cvtsi64_si128((int64_t)found.quotes);
        uint64_t strings =
            (uint64_t)_mm_cvtsi128_si64(_mm_clmulepi64_si128(quotes, _mm_set1_epi8((char)0xff), 0)) ^ inside;
        inside = 0 - (strings >> 63);
        if (go_through(&nesting, &here, found.opening & ~strings, found.closing & ~strings, &step)) {
            *at = here;
            return step;
        }
    }
    *at = end;
    return PERFTRACE_JSON_MORE;
}

enum perftrace_json_step perftrace_json_skip_nested(const char **at, const char *end) {
    bool wide = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi") &&
                __builtin_cpu_supports("bmi2") && __builtin_cpu_supports("pclmul");
    return wide ? skip_wide(at, end) : perftrace_json_skip_narrow(at, end);
}

#else

enum perftrace_json_step perftrace_json_skip_narrow(const char **at, const char *end) {
    struct nesting nesting = {0};
    struct perftrace_json_text text;
    const char *here = *at;
    while (here < end) {
        char byte = *here++;
        if (byte == '"') {
            if (!perftrace_json_string(here, end, &text, &here))
                break;
        } else if (byte == '{' || byte == '[') {
            open_level(&nesting, byte == '{');
        } else if (byte == '}' || byte == ']') {
            if (!close_level(&nesting, byte == '}')) {
                *at = here - 1;
                return PERFTRACE_JSON_WRONG;
            }
            if (nesting.depth == 0) {
                *at = here;
                return PERFTRACE_JSON_FINE;
            }
        }
    }
    *at = end;
    return PERFTRACE_JSON_MORE;
}

enum perftrace_json_step perftrace_json_skip_nested(const char **at, const char *end) {
    return perftrace_json_skip_narrow(at, end);
}

#endif

const bool perftrace_json_scalar_bytes[256] = {
    ['0'] = true, ['1'] = true, ['2'] = true, ['3'] = true, ['4'] = true, ['5'] = true, ['6'] = true,
    ['7'] = true, ['8'] = true, ['9'] = true, ['-'] = true, ['+'] = true, ['.'] = true, ['a'] = true,
    ['b'] = true, ['c'] = true, ['d'] = true, ['e'] = true, ['f'] = true, ['g'] = true, ['h'] = true,
    ['i'] = true, ['j'] = true, ['k'] = true, ['l'] = true, ['m'] = true, ['n'] = true, ['o'] = true,
    ['p'] = true, ['q'] = true, ['r'] = true, ['s'] = true, ['t'] = true, ['u'] = true, ['v'] = true,
    ['w'] = true, ['x'] = true, ['y'] = true, ['z'] = true, ['A'] = true, ['B'] = true, ['C'] = true,
    ['D'] = true, ['E'] = true, ['F'] = true, ['G'] = true, ['H'] = true, ['I'] = true, ['J'] = true,
    ['K'] = true, ['L'] = true, ['M'] = true, ['N'] = true, ['O'] = true, ['P'] = true, ['Q'] = true,
    ['R'] = true, ['S'] = true, ['T'] = true, ['U'] = true, ['V'] = true, ['W'] = true, ['X'] = true,
    ['Y'] = true, ['Z'] = true,
};

/* ---- strings --------------------------------------------------------------------------------------- */

/* The four digits of \uXXXX; -1: they are none. */
static int32_t hex4(const char *at, const char *end) {
    int32_t value = 0;
    if (end - at < 4)
        return -1;
    for (int i = 0; i < 4; i++) {
        char c = at[i];
        int digit = c >= '0' && c <= '9'   ? c - '0'
                    : c >= 'a' && c <= 'f' ? c - 'a' + 10
                    : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                           : -1;
        if (digit < 0)
            return -1;
        value = value * 16 + digit;
    }
    return value;
}

static char *put_utf8(char *out, uint32_t code) {
    if (code < 0x80) {
        *out++ = (char)code;
    } else if (code < 0x800) {
        *out++ = (char)(0xc0 | code >> 6);
        *out++ = (char)(0x80 | (code & 0x3f));
    } else if (code < 0x10000) {
        *out++ = (char)(0xe0 | code >> 12);
        *out++ = (char)(0x80 | (code >> 6 & 0x3f));
        *out++ = (char)(0x80 | (code & 0x3f));
    } else {
        *out++ = (char)(0xf0 | code >> 18);
        *out++ = (char)(0x80 | (code >> 12 & 0x3f));
        *out++ = (char)(0x80 | (code >> 6 & 0x3f));
        *out++ = (char)(0x80 | (code & 0x3f));
    }
    return out;
}

/* After the `u`; *at is then behind what was used. */
static char *put_escaped(char *out, const char **at, const char *end) {
    int32_t code = hex4(*at, end);
    if (code < 0) {
        *out++ = '\\';
        *out++ = 'u';
        return out;
    }
    *at += 4;
    if ((code & 0xf800) != 0xd800)
        return put_utf8(out, (uint32_t)code);
    int32_t low = end - *at >= 6 && (*at)[0] == '\\' && (*at)[1] == 'u' ? hex4(*at + 2, end) : -1;
    if (code >= 0xdc00 || low < 0xdc00 || low > 0xdfff)
        return put_utf8(out, 0xfffd);
    *at += 6;
    return put_utf8(out, 0x10000 + ((uint32_t)(code & 0x3ff) << 10) + (uint32_t)(low & 0x3ff));
}

size_t perftrace_json_unescape(const struct perftrace_json_text *text, char *out) {
    if (!text->escaped) {
        memcpy(out, text->bytes, text->length);
        return text->length;
    }
    static const char plain[] = "\"\\/bfnrt", meant[] = "\"\\/\b\f\n\r\t";
    const char *at = text->bytes, *end = at + text->length;
    char *start = out;
    while (at < end) {
        const char *backslash = memchr(at, '\\', (size_t)(end - at));
        size_t before = (size_t)((backslash != NULL ? backslash : end) - at);
        memmove(out, at, before);
        out += before;
        at += before;
        if (backslash == NULL)
            break;
        if (end - at < 2) {
            *out++ = *at++;
            break;
        }
        char kind = at[1];
        at += 2;
        const char *found = kind != '\0' ? strchr(plain, kind) : NULL;
        if (found != NULL) {
            *out++ = meant[found - plain];
        } else if (kind == 'u') {
            out = put_escaped(out, &at, end);
        } else {
            *out++ = '\\';
            *out++ = kind;
        }
    }
    return (size_t)(out - start);
}

/* ---- numbers --------------------------------------------------------------------------------------- */

/* [-] digits [. digits] [exponent], taken apart. */
struct number {
    bool negative, integer;
    uint64_t digits; /* of both parts, as one number: exact where there are at most 19 */
    int count;       /* of digits, without zeros that lead */
    int scale;       /* of `digits`: so many stand behind the point */
    bool exponent;
};

static bool take_apart(const char *at, const char *end, struct number *number) {
    *number = (struct number){.integer = true};
    number->negative = at < end && *at == '-';
    at += number->negative;
    const char *first = at;
    for (; at < end && (unsigned)(*at - '0') <= 9; at++) {
        number->digits = number->digits * 10 + (unsigned)(*at - '0');
        number->count += number->digits != 0;
    }
    bool any = at > first;
    if (at < end && *at == '.') {
        number->integer = false;
        for (first = ++at; at < end && (unsigned)(*at - '0') <= 9; at++) {
            number->digits = number->digits * 10 + (unsigned)(*at - '0');
            number->count += number->digits != 0;
        }
        number->scale = at - first < 1000 ? (int)(at - first) : 1000;
        any = any || at > first;
    }
    if (!any)
        return false;
    if (at < end && (*at == 'e' || *at == 'E')) {
        number->exponent = true;
        number->integer = false;
        at++;
        at += at < end && (*at == '+' || *at == '-');
        for (first = at; at < end && (unsigned)(*at - '0') <= 9;)
            at++;
        if (at == first)
            return false;
    }
    return at == end;
}

static bool to_double(const char *at, const char *end, const struct number *number, double *value) {
    static const double powers[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10,
                                    1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21};
    /* Both are exact, so their quotient is the nearest double (Clinger, "How to read floating point numbers accurately"). */
    if (!number->exponent && number->count <= 19 && number->digits <= UINT64_C(1) << 53 &&
        number->scale < (int)(sizeof powers / sizeof *powers)) {
        double magnitude = (double)number->digits / powers[number->scale];
        *value = number->negative ? -magnitude : magnitude;
        return true;
    }
    return perftrace_read_decimal(at, end, value);
}

bool perftrace_json_time(const struct perftrace_json_text *text, int64_t *ns, bool *whole) {
    static const uint64_t powers[] = {1, 10, 100, 1000};
    struct number number;
    const char *end = text->bytes + text->length;
    unsigned digits = perftrace_json_digits(text->bytes);
    if (digits > 0 && digits <= PERFTRACE_JSON_DIGITS &&
        perftrace_json_short_time(text->bytes, digits, ns, whole) == end)
        return true;
    if (!take_apart(text->bytes, end, &number))
        return false;
    if (!number.exponent && number.scale <= 3 && number.count <= 15) {
        uint64_t magnitude = number.digits * powers[3 - number.scale];
        *whole = number.scale == 0 || magnitude % 1000 == 0;
        *ns = number.negative ? -(int64_t)magnitude : (int64_t)magnitude;
        return true;
    }
    double value;
    if (!to_double(text->bytes, end, &number, &value))
        return false;
    value *= 1000;
    if (!(value > -(double)PERFTRACE_JSON_NS_MAX && value < (double)PERFTRACE_JSON_NS_MAX))
        return false;
    *ns = (int64_t)(value + (value < 0 ? -0.5 : 0.5));
    *whole = *ns % 1000 == 0;
    return true;
}

bool perftrace_json_integer(const struct perftrace_json_text *text, uint64_t *number) {
    const char *at = text->bytes, *end = at + text->length;
    uint64_t value = 0;
    if (text->length > 2 && at[0] == '0' && (at[1] | 0x20) == 'x') {
        for (at += 2; at < end; at++) {
            char c = (char)(*at | 0x20);
            unsigned digit = *at >= '0' && *at <= '9' ? (unsigned)(*at - '0')
                             : c >= 'a' && c <= 'f'   ? (unsigned)(c - 'a' + 10)
                                                      : 16;
            if (digit == 16 || value >> 60 != 0)
                return false;
            value = value << 4 | digit;
        }
        *number = value;
        return true;
    }
    if (at == end)
        return false;
    for (; at < end; at++) {
        unsigned digit = (unsigned)(*at - '0');
        if (digit > 9 || __builtin_mul_overflow(value, 10, &value) ||
            __builtin_add_overflow(value, digit, &value))
            return false;
    }
    *number = value;
    return true;
}

static bool is_word(const struct perftrace_json_text *text, const char *word) {
    return text->length == strlen(word) && memcmp(text->bytes, word, text->length) == 0;
}

static bool short_integer(const struct perftrace_json_text *text, int64_t *integer) {
    unsigned digit;
    int64_t value = 0;
    if (text->length > 18)
        return false;
    for (uint32_t i = 0; i < text->length; i++) {
        if ((digit = (unsigned)(text->bytes[i] - '0')) > 9)
            return false;
        value = value * 10 + digit;
    }
    *integer = value;
    return true;
}

void perftrace_json_value(const struct perftrace_json_text *text, struct perftrace_value *value) {
    struct number number;
    const char *end = text->bytes + text->length;
    value->type = PERFTRACE_TYPE_STRING;
    value->null = false;
    value->text = (struct perftrace_text){text->bytes, text->length};
    if (text->quoted || text->length == 0)
        return;
    if (short_integer(text, &value->i)) {
        value->type = PERFTRACE_TYPE_SIGNED;
        return;
    }
    if (take_apart(text->bytes, end, &number)) {
        struct perftrace_json_text magnitude = {.bytes = text->bytes + number.negative,
                                                .length = text->length - number.negative};
        uint64_t integer;
        double real;
        if (number.integer && perftrace_json_integer(&magnitude, &integer) &&
            integer <= (uint64_t)INT64_MAX) {
            value->type = PERFTRACE_TYPE_SIGNED;
            value->i = number.negative ? -(int64_t)integer : (int64_t)integer;
        } else if (number.integer && !number.negative && perftrace_json_integer(&magnitude, &integer)) {
            value->type = PERFTRACE_TYPE_UNSIGNED;
            value->u = integer;
        } else if (!number.integer && to_double(text->bytes, end, &number, &real)) {
            value->type = PERFTRACE_TYPE_DOUBLE;
            value->d = real;
        }
    } else if (is_word(text, "true") || is_word(text, "false")) {
        value->type = PERFTRACE_TYPE_BOOLEAN;
        value->u = text->length == 4;
    } else if (is_word(text, "null")) {
        value->null = true;
        value->text.length = 0;
    }
}
