/* Indexing a log 32 bytes at a time. A line that has known fields with whole numbers behind elapsed_ms, which is nearly each, is taken apart
 * here: what is between two bars or before the newline is known by masks of a bit for each byte, so that no field has to wait for the
 * one before to be read; then all numbers of the line are made of their digits together, and judged together. Where anything
 * else is found, log_index.c reads the line from its beginning. */
#include "log_wide.h"

#include "log_line.h"

#include <string.h>

#if defined(__x86_64__)

#include <immintrin.h>

/* The functions of this file must not be called where perftrace_log_wide_usable() is false. */
#define WIDE __attribute__((target("avx2,bmi,bmi2,popcnt,aes")))
#define WIDE_INLINE static inline __attribute__((always_inline, target("avx2,bmi,bmi2,popcnt,aes")))

enum {
    MARK = PERFTRACE_LOG_MARK_LENGTH,
    BEFORE_MS = 12,  /* the length of "|elapsed_ms=" */
    FIELDS_MAX = 64, /* on a line, as in log_index.c: those of more are not known */
    NUMBERS_MAX = FIELDS_MAX + 8,
};

bool perftrace_log_wide_usable(void) {
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi") &&
           __builtin_cpu_supports("bmi2") && __builtin_cpu_supports("popcnt") &&
           __builtin_cpu_supports("aes");
}

WIDE_INLINE uint64_t word(const char *bytes) {
    return perftrace_log_word(bytes);
}

WIDE_INLINE __m256i load(const void *bytes) {
    return _mm256_loadu_si256((const __m256i *)bytes);
}

WIDE_INLINE __m128i load_16(const void *bytes) {
    return _mm_loadu_si128((const __m128i *)bytes);
}

WIDE_INLINE uint32_t bits_of(__m256i bytes) {
    return (uint32_t)_mm256_movemask_epi8(bytes);
}

/* What bytes are compared with and numbers are made with. It is held, as the compiler would make it anew for each line. */
struct constants {
    __m256i bar, letter, newline, capital;
    __m256i zeros, one, bits, not_alone, tens, hundreds, thousands, nine, too_many;
    __m128i rounds[4];
};

WIDE_INLINE __m256i held(__m256i vector) {
    __asm__("" : "+x"(vector));
    return vector;
}

WIDE_INLINE void load_rounds(const struct perftrace_log_secret *secret, __m128i rounds[4]) {
    for (int i = 0; i < 4; i++)
        rounds[i] = load_16(secret->rounds[i]);
}

WIDE_INLINE struct constants make_constants(const struct perftrace_log_secret *secret) {
    struct constants constants = {
        .bar = held(_mm256_set1_epi8('|')),
        .letter = held(_mm256_set1_epi8('s')),
        .newline = held(_mm256_set1_epi8('\n')),
        .capital = held(_mm256_set1_epi8('P')),
        .zeros = held(_mm256_set1_epi8('0')),
        .one = held(_mm256_set1_epi64x(1)),
        .bits = held(_mm256_set1_epi64x(64)),
        .not_alone = held(_mm256_set1_epi64x(INT64_C(0x00ffffffffffffff))), /* without a text's only byte */
        .tens = held(_mm256_set1_epi16(0x010a)),
        .hundreds = held(_mm256_set1_epi32(0x00010064)),
        .thousands = held(_mm256_set1_epi32(0x00012710)),
        .nine = held(_mm256_set1_epi8(9)),
        .too_many = held(_mm256_set1_epi64x(~INT64_C(63))),
    };
    load_rounds(secret, constants.rounds);
    return constants;
}

/* ---- keys ----------------------------------------------------------------------------------------- */

/* 16 bytes, made secret by those that belong to their place in the text, through four rounds of AES. */
WIDE_INLINE __m128i permute(__m128i block, const uint64_t secret[2], const __m128i rounds[4]) {
    block = _mm_xor_si128(block, _mm_load_si128((const __m128i *)(const void *)secret));
    for (int i = 0; i < 4; i++)
        block = _mm_aesenc_si128(block, rounds[i]);
    return block;
}

#define ALL_16 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255

/* The sum of what each 16 bytes become, zeros behind the last, and of the length. Where two texts differ in one place only, they have
 * different keys; where in more, or in length, the differences would have to cancel out, and no difference comes out of four rounds of
 * AES with a probability of more than 2^-113 (K. Minematsu, Y. Tsunoo: Provably Secure MACs from Differentially-Uniform Permutations and
 * AES-Based Implementations, FSE 2006; L. Keliher, J. Sui: Exact Maximum Expected Differential and Linear Probability for Two-Round AES,
 * 2007). The first six blocks, which most texts do not fill, are gone over in any case: that takes less than a guess of their
 * number that is wrong. */
WIDE_INLINE __m128i key_of(const struct perftrace_log_secret *secret, const __m128i rounds[4],
                           const char *bytes, size_t length) {
    enum { AT_ONCE = 6 };
    static const unsigned char masks[2 * 16 * AT_ONCE] = {ALL_16, ALL_16, ALL_16, ALL_16, ALL_16, ALL_16};
    const unsigned char *mask = masks + (length < sizeof masks / 2 ? sizeof masks / 2 - length : 0);
    __m128i sum = _mm_cvtsi64_si128((long long)length);
#pragma GCC unroll 6
    for (int i = 0; i < AT_ONCE; i++) {
        __m128i block = _mm_and_si128(load_16(bytes + 16 * i), load_16(mask + 16 * i));
        sum = _mm_xor_si128(sum, permute(block, secret->blocks[i], rounds));
    }
    for (size_t at = 16 * AT_ONCE; at < length; at += 16) {
        mask = masks + sizeof masks / 2 - (length - at < 16 ? length - at : 16);
        __m128i block = _mm_and_si128(load_16(bytes + at), load_16(mask));
        sum = _mm_xor_si128(sum, permute(block, secret->blocks[at / 16], rounds));
    }
    return sum;
}

WIDE void perftrace_log_wide_key(const struct perftrace_log_secret *secret, const char *bytes, size_t length,
                                 uint64_t key[2]) {
    __m128i rounds[4];
    load_rounds(secret, rounds);
    _mm_storeu_si128((__m128i *)(void *)key, key_of(secret, rounds, bytes, length));
}

/* ---- places --------------------------------------------------------------------------------------- */

/* For each of 64 bytes a bit. */
WIDE_INLINE uint64_t both_halves(__m256i low, __m256i high) {
    return bits_of(low) | (uint64_t)bits_of(high) << 32;
}

/* Whether it is a newline, or a bar 10 bytes before an s. */
WIDE_INLINE __m256i candidates(const struct constants *constants, const char *at) {
    __m256i here = load(at), there = load(at + BEFORE_MS - 2);
    __m256i both = _mm256_and_si256(_mm256_cmpeq_epi8(here, constants->bar),
                                    _mm256_cmpeq_epi8(there, constants->letter));
    return _mm256_or_si256(both, _mm256_cmpeq_epi8(here, constants->newline));
}

/* The bar of the first "|elapsed_ms=" from `at` on, or the end of the line. */
WIDE_INLINE const char *find_elapsed(const struct constants *constants, const char *at) {
    for (;; at += 64) {
        uint64_t found = both_halves(candidates(constants, at), candidates(constants, at + 32));
        for (; found != 0; found = _blsr_u64(found)) {
            const char *place = at + _tzcnt_u64(found);
            if (*place == '\n' ||
                (memcmp(place + 1, "elapsed_", 8) == 0 && memcmp(place + 8, "_ms=", 4) == 0))
                return place;
        }
    }
}

/* ---- numbers -------------------------------------------------------------------------------------- */

/* The texts of a line's numbers: of each the 8 bytes from its first digit on, how many belong to it, and where it is. */
struct numbers {
    _Alignas(32) uint64_t texts[NUMBERS_MAX];
    _Alignas(32) uint64_t lengths[NUMBERS_MAX];
    const char *at[NUMBERS_MAX];
};

WIDE_INLINE void add_number(struct numbers *numbers, size_t count, const char *at, const char *end) {
    numbers->texts[count] = word(at);
    numbers->lengths[count] = (uint64_t)(end - at);
    numbers->at[count] = at;
}

/* What stands behind a line's numbers, up to a multiple of eight, must be numbers as well. */
static __attribute__((noinline)) void forget_numbers(struct numbers *numbers, unsigned count) {
    for (unsigned i = 0; i < (count + 7) / 8 * 8; i++) {
        numbers->texts[i] = '0';
        numbers->lengths[i] = 1;
    }
}

/* The numbers with more than eight digits. */
static __attribute__((noinline)) bool make_long_numbers(const struct numbers *numbers, unsigned count,
                                                        uint64_t *values) {
    for (unsigned i = 0; i < count; i++) {
        uint64_t length = numbers->lengths[i];
        if (length - 1 < 8)
            continue;
        unsigned digits;
        perftrace_log_read_number(numbers->at[i], &values[i], &digits);
        if (digits == 0 || digits > 18 || digits != length || *numbers->at[i] == '0')
            return false;
    }
    return true;
}

/* The values of `count` numbers, and anything after them up to a multiple of eight. False: one is no number, has a zero in
 * front of other digits, or has more than 18. */
WIDE_INLINE bool make_numbers(const struct constants *constants, const struct numbers *numbers,
                              unsigned count, uint64_t *values) {
    const __m256i nothing = _mm256_setzero_si256();
    __m256i largest = nothing, longest = nothing;
    for (unsigned i = 0; i < count; i += 8) {
        __m256i parts[2];
#pragma GCC unroll 2
        for (unsigned half = 0; half < 2; half++) {
            __m256i text = load(&numbers->texts[i + 4 * half]);
            __m256i shift = _mm256_sub_epi64(constants->bits,
                                             _mm256_slli_epi64(load(&numbers->lengths[i + 4 * half]), 3));
            /* The last digit goes to the highest byte, and what is below the first becomes zero. */
            __m256i digits = _mm256_sllv_epi64(_mm256_xor_si256(text, constants->zeros), shift);
            __m256i leading =
                _mm256_and_si256(_mm256_sllv_epi64(constants->one, shift), constants->not_alone);
            /* A zero becomes 255 where it is the first of many. */
            largest = _mm256_max_epu8(largest, digits);
            largest = _mm256_max_epu8(largest, _mm256_sub_epi8(digits, leading));
            longest = _mm256_or_si256(longest, shift);
            parts[half] =
                _mm256_madd_epi16(_mm256_maddubs_epi16(digits, constants->tens), constants->hundreds);
        }
        __m256i eights = _mm256_madd_epi16(_mm256_packus_epi32(parts[0], parts[1]), constants->thousands);
        _mm256_storeu_si256((__m256i *)(void *)(values + i), _mm256_unpacklo_epi32(eights, nothing));
        _mm256_storeu_si256((__m256i *)(void *)(values + i + 4), _mm256_unpackhi_epi32(eights, nothing));
    }
    __m256i above = _mm256_subs_epu8(largest, constants->nine);
    if (!_mm256_testz_si256(above, above))
        return false;
    return _mm256_testz_si256(longest, constants->too_many) || make_long_numbers(numbers, count, values);
}

/* ---- lines ---------------------------------------------------------------------------------------- */

/* A line whose numbers have been found, and will be made when those of the next have been: they are on their way to memory until then,
 * and can't be had four at a time. */
struct found {
    struct perftrace_log_entry *entry; /* NULL: none */
    const struct perftrace_log_field *last;
    struct numbers numbers;
};

WIDE_INLINE bool is_mark(const char *at) {
    return memcmp(at, PERFTRACE_LOG_MARK, 8) == 0 &&
           memcmp(at + MARK - 8, &PERFTRACE_LOG_MARK[MARK - 8], 8) == 0;
}

/* Whether the field begins with the bar at `at`: its name, and nothing but it, is before the `=`. */
WIDE_INLINE bool stands(const struct perftrace_log_field *field, const char *at) {
    return (field->mask & ~bits_of(_mm256_cmpeq_epi8(load(field->text), load(at)))) == 0;
}

/* The numbers of the fields from elapsed_ms on, whose value is at `at`. Returns the end of the line, and the last field. NULL: there is
 * a field that is not known. */
WIDE_INLINE const char *find_fields(const struct constants *constants,
                                    const struct perftrace_log_field *field, const char *at,
                                    struct found *found) {
    size_t count = 1;
    for (const char *window = at;; window += 64) {
        __m256i low = load(window), high = load(window + 32);
        uint64_t newlines = both_halves(_mm256_cmpeq_epi8(low, constants->newline),
                                        _mm256_cmpeq_epi8(high, constants->newline));
        uint64_t bars =
            both_halves(_mm256_cmpeq_epi8(low, constants->bar), _mm256_cmpeq_epi8(high, constants->bar));
        for (bars &= _blsmsk_u64(newlines); bars != 0; bars = _blsr_u64(bars)) {
            const char *end = window + _tzcnt_u64(bars);
            add_number(&found->numbers, count++, at, end);
            for (field = field->next; !stands(field, end); field = field->other)
                ;
            if (field->length == 0)
                return NULL;
            at = end + field->length;
        }
        if (newlines != 0) {
            const char *end = window + _tzcnt_u64(newlines);
            add_number(&found->numbers, count, at, end - (end[-1] == '\r'));
            found->last = field;
            return end;
        }
    }
}

/* Finds what is on a line that is as usual, up to its end. NULL: it is not. */
WIDE_INLINE const char *find_all(const struct perftrace_log_index *index, const struct constants *constants,
                                 struct perftrace_log_entry *entry, const char *bytes, const char *mark,
                                 struct found *found) {
    const char *at = mark + MARK;
    uint32_t bars = bits_of(_mm256_cmpeq_epi8(load(at), constants->bar));
    const char *bar = at + _tzcnt_u32(bars), *elapsed = find_elapsed(constants, at);
    if (*elapsed == '\n' || elapsed <= bar || elapsed - bar > PERFTRACE_LOG_KEY_MAX)
        return NULL;
    add_number(&found->numbers, 0, at, bar);
    const char *end = find_fields(constants, index->fields.list, elapsed + BEFORE_MS, found);
    if (end == NULL || !found->last->usual)
        return NULL;
    __m128i key = key_of(index->secret, constants->rounds, bar + 1, (size_t)(elapsed - bar - 1));
    _mm_storeu_si128((__m128i *)(void *)entry->key, key);
    entry->tail = (uint16_t)(elapsed + BEFORE_MS - mark + (ptrdiff_t)found->numbers.lengths[1]);
    entry->end = (uint32_t)(end - bytes);
    return end;
}

/* What the numbers say. False: not that the line is as usual. */
WIDE_INLINE bool take_found(struct perftrace_log_index *index, const struct constants *constants,
                            struct found *found) {
    struct perftrace_log_entry *entry = found->entry;
    const struct perftrace_log_field *last = found->last;
    unsigned count = last->count + 2u;
    uint64_t *values = &index->values[index->value_count];
    if (!make_numbers(constants, &found->numbers, count, values)) {
        forget_numbers(&found->numbers, count);
        return false;
    }
    values[count] = 0; /* this is where a field is that is not there */
    uint64_t ms = values[1], us = values[last->place[PERFTRACE_LOG_FIELD_ELAPSED_US]];
    uint64_t thread = values[last->place[PERFTRACE_LOG_FIELD_THREAD]];
    bool milliseconds = last->place[PERFTRACE_LOG_FIELD_ELAPSED_US] == count;
    if (ms > PERFTRACE_LOG_ELAPSED_MS_MAX || thread > UINT32_MAX || (!milliseconds && us - ms * 1000 >= 1000))
        return false;
    entry->milliseconds = milliseconds;
    entry->elapsed_ns = milliseconds ? ms * 1000000 : us * 1000;
    entry->number = values[0];
    entry->parent = values[last->place[PERFTRACE_LOG_FIELD_PARENT]];
    entry->thread = (uint32_t)thread;
    entry->keyed = entry->plain = true;
    entry->metric_count = last->metric_count;
    entry->first_metric = (uint16_t)(index->value_count + 2);
    values[1] = last->shape;
    index->value_count += 2u + last->metric_count;
    return true;
}

/* As next_mark, where the line does not begin with it. */
static WIDE __attribute__((noinline)) const char *
look_for_mark(const struct constants *constants, const char *at, const char *end, uint32_t *newlines) {
    for (; at < end; at += 32) {
        __m256i here = load(at), there = load(at + MARK - 1);
        uint32_t inside = end - at < 32 ? _bzhi_u32(UINT32_MAX, (unsigned)(end - at)) : UINT32_MAX;
        uint32_t ends = inside & bits_of(_mm256_cmpeq_epi8(here, constants->newline));
        uint32_t found = inside & bits_of(_mm256_and_si256(_mm256_cmpeq_epi8(here, constants->capital),
                                                           _mm256_cmpeq_epi8(there, constants->bar)));
        for (; found != 0; found = _blsr_u32(found)) {
            unsigned place = _tzcnt_u32(found);
            if (is_mark(at + place)) {
                *newlines += (uint32_t)_mm_popcnt_u32(_bzhi_u32(ends, place));
                return at + place;
            }
        }
        *newlines += (uint32_t)_mm_popcnt_u32(ends);
    }
    return end;
}

/* Where the next line with a mark has it; `end` if there is none. */
WIDE_INLINE const char *next_mark(const struct constants *constants, const char *at, const char *end,
                                  uint32_t *newlines) {
    if (is_mark(at)) /* no newline is in it, so it is before the end */
        return at;
    return look_for_mark(constants, at, end, newlines);
}

static __attribute__((noinline)) const char *index_line(struct perftrace_log_index *index,
                                                        struct perftrace_log_entry *entry, const char *bytes,
                                                        const char *end) {
    const char *at = perftrace_log_index_line(index, entry, bytes);
    if (*at != '\n' || at < bytes + entry->start)
        at = memchr(at, '\n', (size_t)(end + 1 - at));
    entry->end = (uint32_t)(at - bytes);
    return at;
}

WIDE const char *perftrace_log_wide_lines(struct perftrace_log_index *index, const char *bytes,
                                          const char *end) {
    const struct constants constants = make_constants(index->secret);
    struct found both[2], *now = &both[0], *before = &both[1];
    struct perftrace_log_entry *entry = index->entries;
    const char *at = bytes;
    uint32_t newlines = 0;
    for (int i = 0; i < 2; i++) {
        both[i].entry = NULL;
        forget_numbers(&both[i].numbers, NUMBERS_MAX);
    }
    for (bool more = true; more;) {
        more = entry < index->entries + PERFTRACE_LOG_ENTRIES_MAX &&
               index->value_count <= PERFTRACE_LOG_VALUES_MAX - 2 * PERFTRACE_LOG_LINE_VALUES &&
               (at = next_mark(&constants, at, end, &newlines)) < end;
        if (more) {
            entry->start = (uint32_t)(at - bytes);
            entry->newlines = newlines;
            const char *line_end = find_all(index, &constants, entry, bytes, at, now);
            now->entry = line_end != NULL ? entry : NULL;
            at = line_end != NULL ? line_end : index_line(index, entry, bytes, end);
            newlines += at < end;
            at += at < end;
            entry++;
        }
        if (before->entry != NULL && !take_found(index, &constants, before))
            index_line(index, before->entry, bytes, end);
        before->entry = NULL;
        struct found *next = before;
        before = now;
        now = next;
    }
    index->count = (uint32_t)(entry - index->entries);
    index->newlines = newlines;
    return at;
}

#else

bool perftrace_log_wide_usable(void) {
    return false;
}

const char *perftrace_log_wide_lines(struct perftrace_log_index *index, const char *bytes, const char *end) {
    (void)index;
    (void)end;
    return bytes;
}

void perftrace_log_wide_key(const struct perftrace_log_secret *secret, const char *bytes, size_t length,
                            uint64_t key[2]) {
    (void)secret;
    (void)bytes;
    (void)length;
    key[0] = key[1] = 0;
}

#endif
