/* Indexing a piece of a log. This is all that is done to most of a gigabyte, so nothing is looked at twice: vectors find the places
 * that matter, and numbers are made of eight digits at once. A line in which anything is unusual is left to log_line.c. */
#include "log_index.h"

#include "../core/hash.h"
#include "log_line.h"
#include "log_wide.h"

#include <string.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

enum {
    MARK = PERFTRACE_LOG_MARK_LENGTH,
    BEFORE_MS = 12, /* the length of "|elapsed_ms=" */
};

/* ---- pieces of text ------------------------------------------------------------------------------- */

static inline uint64_t word(const char *bytes) {
    return perftrace_log_word(bytes);
}

static inline bool starts(const char *at, const char *text, size_t length) {
    return __builtin_memcmp(at, text, length) == 0;
}

uint64_t perftrace_log_count_newlines(const char *bytes, size_t length) {
    const uint64_t newlines = UINT64_C(0x0a0a0a0a0a0a0a0a), low = UINT64_C(0x7f7f7f7f7f7f7f7f);
    uint64_t count = 0;
    size_t at = 0;
    for (; length - at >= 8; at += 8) {
        uint64_t bits = word(bytes + at) ^ newlines;
        uint64_t zeros = ~(((bits & low) + low) | bits | low) >> 7; /* 1 in each byte that is zero */
        count += zeros * UINT64_C(0x0101010101010101) >> 56;
    }
    for (; at < length; at++)
        count += bytes[at] == '\n';
    return count;
}

const char *perftrace_log_find_mark(const char *at, const char *end) {
#ifdef __SSE2__
    /* The first letter and the bar at their distance: hardly anything else has these. */
    const __m128i first = _mm_set1_epi8('P'), bar = _mm_set1_epi8('|');
    for (; end - at >= MARK; at += 16) {
        __m128i here = _mm_loadu_si128((const __m128i *)(const void *)at);
        __m128i there = _mm_loadu_si128((const __m128i *)(const void *)(at + MARK - 1));
        unsigned found = (unsigned)_mm_movemask_epi8(
            _mm_and_si128(_mm_cmpeq_epi8(here, first), _mm_cmpeq_epi8(there, bar)));
        for (; found != 0; found &= found - 1) {
            const char *mark = at + __builtin_ctz(found);
            if (starts(mark, PERFTRACE_LOG_MARK, MARK))
                return end - mark >= MARK ? mark : NULL;
        }
    }
    return NULL;
#else
    for (; end - at >= MARK; at++) {
        at = memchr(at, 'P', (size_t)(end - at) - MARK + 1);
        if (at == NULL || starts(at, PERFTRACE_LOG_MARK, MARK))
            return at;
    }
    return NULL;
#endif
}

/* The bar of the first "|elapsed_ms=" from `at` on, or the end of the line (there is one). */
static inline const char *find_elapsed(const char *at) {
#ifdef __SSE2__
    const __m128i bar = _mm_set1_epi8('|'), equals = _mm_set1_epi8('='), newline = _mm_set1_epi8('\n');
    for (;; at += 16) {
        __m128i here = _mm_loadu_si128((const __m128i *)(const void *)at);
        __m128i there = _mm_loadu_si128((const __m128i *)(const void *)(at + BEFORE_MS - 1));
        __m128i both = _mm_and_si128(_mm_cmpeq_epi8(here, bar), _mm_cmpeq_epi8(there, equals));
        unsigned found = (unsigned)_mm_movemask_epi8(_mm_or_si128(both, _mm_cmpeq_epi8(here, newline)));
        for (; found != 0; found &= found - 1) {
            const char *place = at + __builtin_ctz(found);
            if (*place == '\n' || (starts(place + 1, "elapsed_", 8) && starts(place + 9, "ms=", 3)))
                return place;
        }
    }
#else
    for (; *at != '\n'; at++)
        if (*at == '|' && starts(at, "|elapsed_ms=", BEFORE_MS))
            break;
    return at;
#endif
}

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
/* The number that eight digits make, each a byte: neighbours are put together, digits to pairs, to fours, to eight. */
static inline uint64_t eight_digits(uint64_t eight) {
    eight = eight * 10 + (eight >> 8);
    return ((eight & UINT64_C(0x000000ff000000ff)) * UINT64_C(0x000f424000000064) +
            (eight >> 16 & UINT64_C(0x000000ff000000ff)) * UINT64_C(0x0000271000000001)) >>
           32;
}
#endif

/* The whole number at `at`: returns what follows its digits. Without digits, or with more than 19, *digits says so. */
static inline const char *read_number(const char *at, uint64_t *value, unsigned *digits) {
    uint64_t number = 0;
    unsigned count = 0;
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    /* Bit 7 of each byte that is no digit, up to the first one: above it borrows and carries may disturb. */
    uint64_t text = word(at);
    if ((unsigned char)(at[1] - '0') > 9) { /* many have one digit, or none */
        *value = text & 15;
        *digits = (unsigned char)(*at - '0') <= 9;
        return at + *digits;
    }
    uint64_t others = ((text + UINT64_C(0x4646464646464646)) | (text - UINT64_C(0x3030303030303030))) &
                      UINT64_C(0x8080808080808080);
    if (others != 0) {
        unsigned high = (unsigned)__builtin_ctzll(others); /* 7 and eight times as many as there are digits */
        *value = eight_digits((text & UINT64_C(0x0f0f0f0f0f0f0f0f)) << (~high & 63) << 8);
        *digits = high / 8;
        return at + high / 8;
    }
    number = eight_digits(text & UINT64_C(0x0f0f0f0f0f0f0f0f));
    count = 8;
#endif
    for (; at[count] >= '0' && at[count] <= '9' && count < 20; count++)
        number = number * 10 + (uint64_t)(at[count] - '0'); /* of 20 digits it is not used */
    *value = number;
    *digits = count;
    return at + count;
}

const char *perftrace_log_read_number(const char *at, uint64_t *value, unsigned *digits) {
    return read_number(at, value, digits);
}

/* Whether the line is at its end: a carriage return belongs to the newline. */
static inline bool is_end(const char *at) {
    return *at == '\n' || (*at == '\r' && at[1] == '\n');
}

/* ---- metrics -------------------------------------------------------------------------------------- */

const char *perftrace_log_find_equals(const char *name) {
    enum { NAME_BYTES_MAX = 64 };
#ifdef __SSE2__
    const __m128i equals = _mm_set1_epi8('='), bar = _mm_set1_epi8('|'), newline = _mm_set1_epi8('\n');
    for (const char *at = name; at < name + NAME_BYTES_MAX; at += 16) {
        __m128i here = _mm_loadu_si128((const __m128i *)(const void *)at),
                found = _mm_cmpeq_epi8(here, equals);
        __m128i ends = _mm_or_si128(_mm_cmpeq_epi8(here, bar), _mm_cmpeq_epi8(here, newline));
        unsigned places = (unsigned)_mm_movemask_epi8(_mm_or_si128(found, ends));
        if (places == 0)
            continue;
        const char *place = at + __builtin_ctz(places);
        return *place == '=' ? place : NULL;
    }
    return NULL;
#else
    for (const char *at = name; at < name + NAME_BYTES_MAX; at++) {
        if (*at == '=')
            return at;
        if (*at == '|' || *at == '\n')
            return NULL;
    }
    return NULL;
#endif
}

static uint64_t add_shape(uint64_t shape, uint64_t secret, const char *name, size_t length) {
    uint64_t low, high;
    if (length <= 16)
        perftrace_hash_rest_(name, length, &low, &high);
    else {
        low = perftrace_hash_text(secret, name, length);
        high = word(name);
    }
    return perftrace_hash_mix(shape ^ low, high ^ secret ^ length);
}

enum perftrace_log_field_kind perftrace_log_kind_of(const char *name, size_t length) {
    static const char *const names[] = {[PERFTRACE_LOG_FIELD_ELAPSED_US] = "elapsed_us",
                                        [PERFTRACE_LOG_FIELD_PARENT] = "parent_call",
                                        [PERFTRACE_LOG_FIELD_THREAD] = "thread"};
    for (unsigned kind = PERFTRACE_LOG_FIELD_ELAPSED_US; kind <= PERFTRACE_LOG_FIELD_THREAD; kind++)
        if (strlen(names[kind]) == length && memcmp(names[kind], name, length) == 0)
            return (enum perftrace_log_field_kind)kind;
    return PERFTRACE_LOG_FIELD_METRIC;
}

/* Whether the field begins with the bar at `at`: its name, and nothing but it, is before the `=`. */
static inline bool stands(const struct perftrace_log_field *field, const char *at) {
#ifdef __SSE2__
    __m128i text = _mm_load_si128((const __m128i *)(const void *)field->text);
    __m128i here = _mm_loadu_si128((const __m128i *)(const void *)at);
    unsigned same = (unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(text, here));
    return (uint16_t)(field->mask & ~same) == 0 &&
           (field->length <= 16 || memcmp(field->text + 16, at + 16, field->length - 16u) == 0);
#else
    return memcmp(field->text, at, field->length) == 0;
#endif
}

static void add_to_line(struct perftrace_log_field *field, const struct perftrace_log_field *before) {
    uint8_t none = (uint8_t)(before->count + 2);
    bool metric = field->kind == PERFTRACE_LOG_FIELD_METRIC;
    bool first = metric ? before->count == before->metric_count : before->place[field->kind] == none;
    field->usual = before->usual && first && before->count < PERFTRACE_LOG_SHAPE_MAX;
    field->count = (uint8_t)(before->count + field->usual);
    field->metric_count = (uint8_t)(before->metric_count + (metric && field->usual));
    for (int kind = 0; kind < 4; kind++)
        field->place[kind] =
            before->place[kind] == none && kind != field->kind ? none + 1 : before->place[kind];
}

/* The field at `at` as one that has not come after `before` so far. It is kept if there is room, else it is in *unknown.
 * NULL: there is no name. */
static struct perftrace_log_field *learn(struct perftrace_log_index *index,
                                         struct perftrace_log_field *before, const char *at,
                                         struct perftrace_log_field *unknown) {
    struct perftrace_log_fields *fields = &index->fields;
    const char *name = at + 1, *equals = perftrace_log_find_equals(name);
    if (equals == NULL || equals == name)
        return NULL;
    size_t length = (size_t)(equals + 1 - at);
    if (memchr(name, '"', length - 2) != NULL || memchr(name, '\'', length - 2) != NULL)
        return NULL; /* it may end the record (log_frame.h) */
    struct perftrace_log_field field = {
        .kind = (uint8_t)perftrace_log_kind_of(name, length - 2),
        .length = (uint8_t)length,
        .mask = length >= 32 ? UINT32_MAX : (UINT32_C(1) << length) - 1,
        .shape = before->shape,
        .next = &fields->none,
    };
    add_to_line(&field, before);
    if (field.kind == PERFTRACE_LOG_FIELD_METRIC)
        field.shape = add_shape(before->shape, index->secret->words[0], name, length - 2);
    unsigned choices = 0;
    for (const struct perftrace_log_field *known = before->next; known->length != 0; known = known->other)
        choices++;
    struct perftrace_log_field *kept = &fields->list[fields->count];
    if (before == unknown || !before->usual || length > sizeof field.text ||
        choices == PERFTRACE_LOG_FIELD_CHOICES || fields->count == PERFTRACE_LOG_KNOWN_FIELDS) {
        fields->missed += before == unknown || before->usual;
        kept = unknown;
    } else {
        fields->count++;
        memcpy(field.text, at, length);
        field.other = before->next;
        before->next = kept;
    }
    *kept = field;
    return kept;
}

/* What is known of fields is forgotten where it was of little use. */
static void prepare_fields(struct perftrace_log_index *index) {
    enum { MISSED_MAX = 64 };
    struct perftrace_log_fields *fields = &index->fields;
    if (fields->count != 0 && fields->missed <= MISSED_MAX)
        return;
    fields->list[0] = (struct perftrace_log_field){
        .shape = index->secret->words[1], .usual = true, .next = &fields->none, .place = {2, 2, 2, 2}};
    fields->count = 1;
    fields->missed = 0;
}

/* The metrics from entry->tail on, of a call that took `ms`. False: something is unusual, and log_line.c has to read them. */
static inline bool read_metrics(struct perftrace_log_index *index, struct perftrace_log_entry *entry,
                                uint64_t ms, const char *bytes) {
    const char *at = bytes + entry->start + entry->tail;
    struct perftrace_log_field *field = index->fields.list;
    uint64_t *metrics = &index->values[index->value_count + 1], *metric = metrics;
    struct perftrace_log_field unknown;
    while (*at == '|') {
        struct perftrace_log_field *next = field->next;
        while (!stands(next, at))
            next = next->other;
        if (next->length == 0 && (next = learn(index, field, at, &unknown)) == NULL)
            return false;
        field = next;
        const char *value_at = at + field->length;
        uint64_t value;
        unsigned digits;
        const char *rest = read_number(value_at, &value, &digits);
        if (digits == 0 || digits > 19)
            return false;
        if (field->kind == PERFTRACE_LOG_FIELD_METRIC) {
            /* With a zero in front it would be a text. */
            if (digits > 18 || (*value_at == '0' && digits > 1) ||
                metric - metrics == PERFTRACE_LOG_SHAPE_MAX)
                return false;
            *metric++ = value;
        } else if (field->kind == PERFTRACE_LOG_FIELD_ELAPSED_US) {
            if (value / 1000 != ms) /* somebody else's of that name */
                return false;
            entry->elapsed_ns = value * 1000;
            entry->milliseconds = false;
        } else if (field->kind == PERFTRACE_LOG_FIELD_PARENT) {
            entry->parent = value;
        } else {
            if (value > UINT32_MAX)
                return false;
            entry->thread = (uint32_t)value;
        }
        at = rest;
    }
    entry->metric_count = (uint8_t)(metric - metrics);
    entry->first_metric = (uint16_t)(index->value_count + 1);
    metrics[-1] = field->shape;
    entry->end = (uint32_t)(at + (*at == '\r') - bytes);
    index->value_count += 1u + entry->metric_count;
    return is_end(at);
}

/* ---- lines ---------------------------------------------------------------------------------------- */

_Static_assert(sizeof(struct perftrace_log_entry) == 64, "one line of the cache");
_Static_assert(PERFTRACE_LOG_VALUES_MAX <= UINT16_MAX, "first_metric is one of them");

/* Of all from the function's name to before elapsed_ms. */
static inline void make_key(const struct perftrace_log_secret *secret, const char *bytes, size_t length,
                            uint64_t key[2]) {
    if (secret->wide)
        perftrace_log_wide_key(secret, bytes, length, key);
    else
        perftrace_hash_wide(secret->words, bytes, length, key);
}

const char *perftrace_log_index_line(struct perftrace_log_index *index, struct perftrace_log_entry *entry,
                                     const char *bytes) {
    unsigned digits;
    uint64_t ms;
    entry->keyed = entry->plain = false;
    const char *at = read_number(bytes + entry->start + MARK, &entry->number, &digits);
    if (*at != '|' || digits == 0 || digits > 19)
        return at;
    const char *name = at + 1, *elapsed = find_elapsed(name);
    if (*elapsed == '\n' || elapsed - name > PERFTRACE_LOG_KEY_MAX)
        return elapsed;
    at = read_number(elapsed + BEFORE_MS, &ms, &digits);
    if ((*at != '|' && !is_end(at)) || digits == 0 || digits > 19 || ms > PERFTRACE_LOG_ELAPSED_MS_MAX)
        return elapsed + 1;
    make_key(index->secret, name, (size_t)(elapsed - name), entry->key);
    entry->keyed = true;
    entry->milliseconds = true;
    entry->elapsed_ns = ms * 1000000;
    entry->parent = 0;
    entry->thread = 0;
    entry->tail = (uint16_t)(at - bytes - entry->start);
    entry->plain = read_metrics(index, entry, ms, bytes);
    return entry->plain ? bytes + entry->end : at;
}

/* Where the next line with a mark has it; `end` if there is none. */
static inline const char *next_mark(const char *at, const char *end, uint32_t *newlines) {
    if (end - at >= MARK && starts(at, PERFTRACE_LOG_MARK, MARK))
        return at;
    const char *mark = perftrace_log_find_mark(at, end);
    mark = mark == NULL ? end : mark;
    *newlines += (uint32_t)perftrace_log_count_newlines(at, (size_t)(mark - at));
    return mark;
}

static const char *index_lines(struct perftrace_log_index *index, const char *bytes, const char *end) {
    const char *at = bytes;
    uint32_t newlines = 0;
    while (perftrace_log_index_has_room(index) && (at = next_mark(at, end, &newlines)) < end) {
        struct perftrace_log_entry *entry = &index->entries[index->count++];
        entry->start = (uint32_t)(at - bytes);
        entry->newlines = newlines;
        at = perftrace_log_index_line(index, entry, bytes);
        if (*at != '\n' || at < bytes + entry->start)
            at = memchr(at, '\n', (size_t)(end + 1 - at));
        entry->end = (uint32_t)(at - bytes);
        newlines += at < end;
        at += at < end;
    }
    index->newlines = newlines;
    return at;
}

void perftrace_log_index(struct perftrace_log_index *index, const char *bytes, uint32_t length) {
    index->count = index->value_count = 0;
    prepare_fields(index);
    const char *end = bytes + length;
    const char *at =
        index->secret->wide ? perftrace_log_wide_lines(index, bytes, end) : index_lines(index, bytes, end);
    index->used = (uint32_t)(at - bytes);
}

void perftrace_log_secret_make(struct perftrace_log_secret *secret, bool wide) {
    uint64_t a = perftrace_hash_key(), b = perftrace_hash_key(), count = 0;
    secret->wide = wide;
    secret->words[0] = a;
    secret->words[1] = b;
    for (size_t i = 0; i < sizeof secret->rounds / sizeof *secret->rounds; i++)
        for (int half = 0; half < 2; half++, count++)
            secret->rounds[i][half] = perftrace_hash_number(a, count) ^ perftrace_hash_number(b, ~count);
    for (size_t i = 0; i < sizeof secret->blocks / sizeof *secret->blocks; i++)
        for (int half = 0; half < 2; half++, count++)
            secret->blocks[i][half] = perftrace_hash_number(a, count) ^ perftrace_hash_number(b, ~count);
}
