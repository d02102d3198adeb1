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
#define WIDE __attribute__((target("avx2,bmi,bmi2,aes")))
#define WIDE_INLINE static inline __attribute__((always_inline, target("avx2,bmi,bmi2,aes")))

enum {
    MARK = PERFTRACE_LOG_MARK_LENGTH,
    BEFORE_MS = 12,  /* the length of "|elapsed_ms=" */
    FIELDS_MAX = 64, /* on a line, as in log_index.c: those of more are not known */
    NUMBERS_MAX = FIELDS_MAX + 8,
};

bool perftrace_log_wide_usable(void) {
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi") &&
           __builtin_cpu_supports("bmi2") && __builtin_cpu_supports("aes");
}

WIDE_INLINE uint64_t word(const char *bytes) {
    return perftrace_log_word(bytes);
}

WIDE_INLINE __m256i load(const void *bytes) {
    return _mm256_loadu_si256((const __m256i *)bytes);
}

WIDE_INLINE uint32_t bits_of(__m256i bytes) {
    return (uint32_t)_mm256_movemask_epi8(bytes);
}

/* ---- keys ----------------------------------------------------------------------------------------- */

/* 16 bytes, made secret by those that belong to their place in the text, through four rounds of AES. */
WIDE_INLINE __m128i permute(__m128i block, const uint64_t secret[2], const __m128i rounds[4]) {
    block = _mm_xor_si128(block, _mm_load_si128((const __m128i *)(const void *)secret));
    for (int i = 0; i < 4; i++)
        block = _mm_aesenc_si128(block, rounds[i]);
    return block;
}

/* The sum of what each 16 bytes become, zeros behind the last, and of the length. Where two texts differ in one place only, they have
 * different keys; where in more, or in length, the differences would have to cancel out, and no difference comes out of four rounds of
 * AES with a probability of more than 2^-113 (K. Minematsu, Y. Tsunoo: Provably Secure MACs from Differentially-Uniform Permutations and
 * AES-Based Implementations, FSE 2006; L. Keliher, J. Sui: Exact Maximum Expected Differential and Linear Probability for Two-Round AES,
 * 2007). The first six blocks, which most texts do not fill, are gone over in any case: that takes less than a guess of their
 * number that is wrong. */
WIDE_INLINE __m128i key_of(const struct perftrace_log_secret *secret, const __m128i rounds[4],
                           const char *bytes, size_t length) {
    enum { AT_ONCE = 6 };
    __m128i places = _mm_setr_epi8(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15),
            sixteen = _mm_set1_epi8(16);
    __m128i sum = _mm_cvtsi64_si128((long long)length);
    __m128i left = _mm_set1_epi8((char)(length < 127 ? length : 127));
#pragma GCC unroll 6
    for (int i = 0; i < AT_ONCE; i++) {
        __m128i block = _mm_loadu_si128((const __m128i *)(const void *)(bytes + 16 * i));
        block = _mm_and_si128(block, _mm_cmpgt_epi8(left, places));
        places = _mm_add_epi8(places, sixteen);
        sum = _mm_xor_si128(sum, permute(block, secret->blocks[i], rounds));
    }
    for (size_t at = 16 * AT_ONCE; at < length; at += 16) {
        __m128i block = _mm_loadu_si128((const __m128i *)(const void *)(bytes + at));
        left = _mm_set1_epi8((char)(length - at < 16 ? length - at : 16));
        places = _mm_setr_epi8(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
        block = _mm_and_si128(block, _mm_cmpgt_epi8(left, places));
        sum = _mm_xor_si128(sum, permute(block, secret->blocks[at / 16], rounds));
    }
    return sum;
}

WIDE_INLINE void load_rounds(const struct perftrace_log_secret *secret, __m128i rounds[4]) {
    for (int i = 0; i < 4; i++)
        rounds[i] = _mm_load_si128((const __m128i *)(const void *)secret->rounds[i]);
}

WIDE void perftrace_log_wide_key(const struct perftrace_log_secret *secret, const char *bytes, size_t length,
                                 uint64_t key[2]) {
    __m128i rounds[4];
    load_rounds(secret, rounds);
    _mm_storeu_si128((__m128i *)(void *)key, key_of(secret, rounds, bytes, length));
}

/* ---- places --------------------------------------------------------------------------------------- */

/* For each of 64 bytes a bit: whether it is a newline, or a bar 10 bytes before an s. */
WIDE_INLINE uint64_t candidates(const char *at) {
    const __m256i bar = _mm256_set1_epi8('|'), letter = _mm256_set1_epi8('s'),
                  newline = _mm256_set1_epi8('\n');
    uint64_t found[2];
    for (int i = 0; i < 2; i++) {
        __m256i here = load(at + 32 * i), there = load(at + 32 * i + BEFORE_MS - 2);
        __m256i both = _mm256_and_si256(_mm256_cmpeq_epi8(here, bar), _mm256_cmpeq_epi8(there, letter));
        found[i] = bits_of(_mm256_or_si256(both, _mm256_cmpeq_epi8(here, newline)));
    }
    return found[0] | found[1] << 32;
}

/* The bar of the first "|elapsed_ms=" from `at` on, or the end of the line. */
WIDE_INLINE const char *find_elapsed(const char *at) {
    for (;; at += 64)
        for (uint64_t found = candidates(at); found != 0; found = _blsr_u64(found)) {
            const char *place = at + _tzcnt_u64(found);
            if (*place == '\n' ||
                (memcmp(place + 1, "elapsed_", 8) == 0 && memcmp(place + 8, "_ms=", 4) == 0))
                return place;
        }
}

/* ---- numbers -------------------------------------------------------------------------------------- */

/* The texts of a line's numbers: of each the 8 bytes from its first digit on, how many belong to it, and where it is. */
struct numbers {
    _Alignas(32) uint64_t texts[NUMBERS_MAX];
    _Alignas(32) uint64_t lengths[NUMBERS_MAX];
    const char *at[NUMBERS_MAX];
};

WIDE_INLINE void add_number(struct numbers *numbers, unsigned count, const char *at, const char *end) {
    numbers->texts[count] = word(at);
    numbers->lengths[count] = (uint64_t)(end - at);
    numbers->at[count] = at;
}

/* What stands behind a line's numbers, up to a multiple of eight, must be numbers as well. */
static void forget_numbers(struct numbers *numbers, unsigned count) {
    for (unsigned i = 0; i < (count + 7) / 8 * 8; i++) {
        numbers->texts[i] = '0';
        numbers->lengths[i] = 1;
    }
}

/* The numbers with more than eight digits. */
static bool make_long_numbers(const struct numbers *numbers, unsigned count, uint64_t *values) {
    for (unsigned i = 0; i < count; i++) {
        uint64_t length = numbers->lengths[i], value = 0;
        if (length - 1 < 8)
            continue;
        if (length == 0 || length > 18 || numbers->at[i][0] == '0')
            return false;
        for (uint64_t digit = 0; digit < length; digit++) {
            unsigned char c = (unsigned char)(numbers->at[i][digit] - '0');
            if (c > 9)
                return false;
            value = value * 10 + c;
        }
        values[i] = value;
    }
    return true;
}

/* The values of `count` numbers, and anything after them up to a multiple of eight. False: one is no number, has a zero in
 * front of other digits, or has more than 18. */
WIDE_INLINE bool make_numbers(const struct numbers *numbers, unsigned count, uint64_t *values) {
    const __m256i zeros = _mm256_set1_epi8('0'), one = _mm256_set1_epi64x(1), bits = _mm256_set1_epi64x(64);
    const __m256i not_alone =
        _mm256_set1_epi64x(INT64_C(0x00ffffffffffffff)); /* where a first digit is not the only one */
    const __m256i tens = _mm256_set1_epi16(0x010a), hundreds = _mm256_set1_epi32(0x00010064),
                  thousands = _mm256_set1_epi32(0x00012710);
    __m256i largest = _mm256_setzero_si256(), longest = _mm256_setzero_si256();
    for (unsigned i = 0; i < count; i += 8) {
        __m256i parts[2];
        for (unsigned half = 0; half < 2; half++) {
            __m256i text = load(&numbers->texts[i + 4 * half]),
                    length = load(&numbers->lengths[i + 4 * half]);
            __m256i shift = _mm256_sub_epi64(bits, _mm256_slli_epi64(length, 3));
            /* The last digit goes to the highest byte, and what is below the first becomes zero. */
            __m256i digits = _mm256_sllv_epi64(_mm256_xor_si256(text, zeros), shift);
            __m256i first = _mm256_and_si256(_mm256_sllv_epi64(one, shift), not_alone);
            /* A zero becomes 255 where it is the first of many. */
            largest = _mm256_max_epu8(largest, digits);
            largest = _mm256_max_epu8(largest, _mm256_sub_epi8(digits, first));
            longest = _mm256_or_si256(longest, _mm256_sub_epi64(length, one));
            parts[half] = _mm256_madd_epi16(_mm256_maddubs_epi16(digits, tens), hundreds);
        }
        __m256i eights = _mm256_madd_epi16(_mm256_packus_epi32(parts[0], parts[1]), thousands);
        __m256i nothing = _mm256_setzero_si256();
        _mm256_storeu_si256((__m256i *)(void *)(values + i), _mm256_unpacklo_epi32(eights, nothing));
        _mm256_storeu_si256((__m256i *)(void *)(values + i + 4), _mm256_unpackhi_epi32(eights, nothing));
    }
    __m256i above = _mm256_subs_epu8(largest, _mm256_set1_epi8(9));
    if (!_mm256_testz_si256(above, above))
        return false;
    return _mm256_testz_si256(longest, _mm256_set1_epi64x(~INT64_C(7))) ||
           make_long_numbers(numbers, count, values);
}

/* ---- lines ---------------------------------------------------------------------------------------- */

/* Whether the field begins with the bar at `at`: its name, and nothing but it, is before the `=`. */
WIDE_INLINE bool stands(const struct perftrace_log_field *field, const char *at) {
    return (field->mask & ~bits_of(_mm256_cmpeq_epi8(load(field->text), load(at)))) == 0;
}

/* The numbers of the fields from elapsed_ms on, whose value is at `at`; *line_end is the newline then. Returns the last field.
 * NULL: there is one that is not known. */
WIDE_INLINE const struct perftrace_log_field *find_fields(const struct perftrace_log_index *index,
                                                          const char *at, struct numbers *numbers,
                                                          const char **line_end) {
    const struct perftrace_log_field *field = index->fields.list;
    const __m256i bar = _mm256_set1_epi8('|'), newline = _mm256_set1_epi8('\n');
    unsigned count = 1;
    uint64_t newlines;
    for (const char *window = at;; window += 64) {
        __m256i low = load(window), high = load(window + 32);
        newlines = bits_of(_mm256_cmpeq_epi8(low, newline)) |
                   (uint64_t)bits_of(_mm256_cmpeq_epi8(high, newline)) << 32;
        uint64_t bars = bits_of(_mm256_cmpeq_epi8(low, bar)) | (uint64_t)bits_of(_mm256_cmpeq_epi8(high, bar))
                                                                   << 32;
        for (bars &= _blsmsk_u64(newlines); bars != 0; bars = _blsr_u64(bars)) {
            const char *end = window + _tzcnt_u64(bars);
            add_number(numbers, count++, at, end);
            const struct perftrace_log_field *next = field->next;
            while (next != NULL && !stands(next, end))
                next = next->other;
            if (next == NULL)
                return NULL;
            field = next;
            at = end + field->length;
        }
        if (newlines != 0) {
            *line_end = window + _tzcnt_u64(newlines);
            break;
        }
    }
    add_number(numbers, count, at, *line_end - ((*line_end)[-1] == '\r'));
    return field;
}

/* A line whose numbers have been found, and will be made when those of the next have been: they are on their way to memory until then,
 * and can't be had four at a time. */
struct found {
    struct perftrace_log_entry *entry; /* NULL: none */
    const struct perftrace_log_field *last;
    struct numbers numbers;
};

/* Finds what is on a line that is as usual. False: it is not. */
WIDE_INLINE bool find_all(struct perftrace_log_index *index, struct perftrace_log_entry *entry,
                          const char *bytes, const __m128i rounds[4], struct found *found,
                          const char **line_end) {
    const char *at = bytes + entry->start + MARK;
    uint32_t bars = bits_of(_mm256_cmpeq_epi8(load(at), _mm256_set1_epi8('|')));
    const char *bar = at + _tzcnt_u32(bars), *elapsed = find_elapsed(at);
    if (*elapsed == '\n' || elapsed <= bar || elapsed - bar > PERFTRACE_LOG_KEY_MAX)
        return false;
    add_number(&found->numbers, 0, at, bar);
    found->last = find_fields(index, elapsed + BEFORE_MS, &found->numbers, line_end);
    if (found->last == NULL || !found->last->usual)
        return false;
    _mm_storeu_si128((__m128i *)(void *)entry->key,
                     key_of(index->secret, rounds, bar + 1, (size_t)(elapsed - bar - 1)));
    entry->tail = (uint32_t)(elapsed + BEFORE_MS + found->numbers.lengths[1] - bytes);
    entry->end = (uint32_t)(*line_end - bytes);
    found->entry = entry;
    return true;
}

/* What the numbers say. False: not that the line is as usual. */
WIDE_INLINE bool take_found(struct perftrace_log_index *index, struct found *found) {
    struct perftrace_log_entry *entry = found->entry;
    const struct perftrace_log_field *last = found->last;
    uint64_t *values = &index->values[index->value_count];
    if (!make_numbers(&found->numbers, last->count + 2u, values)) {
        forget_numbers(&found->numbers, last->count + 2u);
        return false;
    }
    uint64_t ms = values[1], us = values[last->at[PERFTRACE_LOG_FIELD_ELAPSED_US] + 1];
    entry->milliseconds = last->at[PERFTRACE_LOG_FIELD_ELAPSED_US] == 0;
    entry->elapsed_ns = entry->milliseconds ? ms * 1000000 : us * 1000;
    if (ms > PERFTRACE_LOG_ELAPSED_MS_MAX || (!entry->milliseconds && us - ms * 1000 >= 1000))
        return false;
    entry->number = values[0];
    entry->elapsed_ms = ms;
    entry->parent =
        last->at[PERFTRACE_LOG_FIELD_PARENT] != 0 ? values[last->at[PERFTRACE_LOG_FIELD_PARENT] + 1] : 0;
    uint64_t thread =
        last->at[PERFTRACE_LOG_FIELD_THREAD] != 0 ? values[last->at[PERFTRACE_LOG_FIELD_THREAD] + 1] : 0;
    if (thread > UINT32_MAX)
        return false;
    entry->thread = (uint32_t)thread;
    entry->keyed = entry->plain = true;
    entry->metric_count = last->metric_count;
    entry->first_metric = index->value_count + 2;
    entry->shape = last->shape;
    index->value_count += 2u + last->metric_count;
    return true;
}

static const char *index_line(struct perftrace_log_index *index, struct perftrace_log_entry *entry,
                              const char *bytes, const char *end) {
    const char *at = perftrace_log_index_line(index, entry, bytes);
    if (*at != '\n' || at < bytes + entry->start)
        at = memchr(at, '\n', (size_t)(end + 1 - at));
    entry->end = (uint32_t)(at - bytes);
    return at;
}

/* Where the next line with a mark has it; `end` if there is none. */
WIDE_INLINE const char *next_mark(const char *at, const char *end, uint32_t *newlines) {
    if (end - at >= MARK && memcmp(at, PERFTRACE_LOG_MARK, MARK) == 0)
        return at;
    const char *mark = perftrace_log_find_mark(at, end);
    mark = mark == NULL ? end : mark;
    *newlines += (uint32_t)perftrace_log_count_newlines(at, (size_t)(mark - at));
    return mark;
}

WIDE const char *perftrace_log_wide_lines(struct perftrace_log_index *index, const char *bytes,
                                          const char *end) {
    struct found both[2];
    __m128i rounds[4];
    const char *at = bytes;
    uint32_t newlines = 0;
    for (int i = 0; i < 2; i++) {
        both[i].entry = NULL;
        forget_numbers(&both[i].numbers, NUMBERS_MAX);
    }
    load_rounds(index->secret, rounds);
    while (perftrace_log_index_has_room(index) && (at = next_mark(at, end, &newlines)) < end) {
        struct found *now = &both[index->count % 2], *before = &both[(index->count + 1) % 2];
        struct perftrace_log_entry *entry = &index->entries[index->count++];
        entry->start = (uint32_t)(at - bytes);
        entry->newlines = newlines;
        if (!find_all(index, entry, bytes, rounds, now, &at))
            at = index_line(index, entry, bytes, end);
        if (before->entry != NULL && !take_found(index, before))
            index_line(index, before->entry, bytes, end);
        before->entry = NULL;
        newlines += at < end;
        at += at < end;
    }
    struct found *last = &both[(index->count + 1) % 2];
    if (last->entry != NULL && !take_found(index, last))
        index_line(index, last->entry, bytes, end);
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
