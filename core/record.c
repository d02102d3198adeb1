/* How long a record is: stepping over records without looking at what they say. */
#include "record.h"

#include <stdlib.h>

struct perftrace_shape *perftrace_shapes_add(struct perftrace_shapes *shapes, uint32_t id) {
    struct perftrace_shape **page = &shapes->pages[(id & PERFTRACE_SITE_MASK) / PERFTRACE_SHAPES_PER_PAGE];
    if (*page == NULL) {
        struct perftrace_shape *fresh = calloc(PERFTRACE_SHAPES_PER_PAGE, sizeof *fresh);
        if (fresh == NULL)
            return NULL;
        __atomic_store_n(page, fresh, __ATOMIC_RELEASE);
    }
    return &(*page)[id % PERFTRACE_SHAPES_PER_PAGE];
}

void perftrace_shape_is_known(struct perftrace_shape *shape) {
    bool fixed = shape->kind != PERFTRACE_RECORD_END && shape->kind != PERFTRACE_RECORD_REBASE &&
                 shape->kind != PERFTRACE_RECORD_EXTENDED;
    for (unsigned i = 0; i < shape->argument_count; i++)
        fixed = fixed && shape->types[i] != PERFTRACE_TYPE_TEXT;
    shape->words =
        fixed ? (uint8_t)(1 + perftrace_record_fixed_words(shape->kind) + shape->argument_count) : 0;
    __atomic_store_n(&shape->known, 1, __ATOMIC_RELEASE);
}

const struct perftrace_shape *perftrace_shapes_find(const struct perftrace_shapes *shapes, uint32_t id) {
    const struct perftrace_shape *page = __atomic_load_n(
        &shapes->pages[(id & PERFTRACE_SITE_MASK) / PERFTRACE_SHAPES_PER_PAGE], __ATOMIC_ACQUIRE);
    if (page == NULL)
        return NULL;
    const struct perftrace_shape *shape = &page[id % PERFTRACE_SHAPES_PER_PAGE];
    return __atomic_load_n(&shape->known, __ATOMIC_ACQUIRE) ? shape : NULL;
}

void perftrace_shapes_free(struct perftrace_shapes *shapes) {
    for (size_t i = 0; i < sizeof shapes->pages / sizeof shapes->pages[0]; i++) {
        free(shapes->pages[i]);
        shapes->pages[i] = NULL;
    }
}

unsigned perftrace_record_fixed_words(uint32_t kind) {
    switch (kind) {
    case PERFTRACE_RECORD_ASYNC_BEGIN:
    case PERFTRACE_RECORD_ASYNC_END:
    case PERFTRACE_RECORD_FLOW:
    case PERFTRACE_RECORD_REBASE:
        return 1;
    case PERFTRACE_RECORD_MEMORY:
    case PERFTRACE_RECORD_TRACK_EVENT:
    case PERFTRACE_RECORD_TRACK_COUNTER:
        return 2;
    case PERFTRACE_RECORD_TRACK_SPAN:
        return 3;
    default:
        return 0;
    }
}

size_t perftrace_record_words(const struct perftrace_shapes *shapes, const uint64_t *words,
                              size_t available) {
    uint32_t kind = perftrace_word_kind(words[0]);
    size_t length = 1 + perftrace_record_fixed_words(kind);
    if (kind == PERFTRACE_RECORD_EXTENDED)
        length += perftrace_word_site(words[0]);
    else if (kind != PERFTRACE_RECORD_REBASE) {
        const struct perftrace_shape *shape = perftrace_shapes_find(shapes, perftrace_word_site(words[0]));
        uint32_t site_kind = kind == PERFTRACE_RECORD_END ? (uint32_t)PERFTRACE_RECORD_BEGIN : kind;
        if (shape == NULL || shape->kind != site_kind)
            return 0;
        unsigned arguments = kind == PERFTRACE_RECORD_END ? 0 : shape->argument_count;
        for (unsigned i = 0; i < arguments; i++) {
            if (length >= available)
                return 0;
            if (shape->types[i] == PERFTRACE_TYPE_TEXT)
                length += ((size_t)(uint32_t)words[length] + 7) / 8;
            length++;
        }
    }
    return length <= available ? length : 0;
}

/* perftrace_record_words where a record's first word tells: that of nearly all. Else 0. */
static inline size_t words_at_once(const struct perftrace_shapes *shapes, uint64_t word) {
    uint32_t kind = perftrace_word_kind(word);
    const struct perftrace_shape *shape = perftrace_shapes_find(shapes, perftrace_word_site(word));
    if (shape == NULL)
        return 0;
    if (kind == PERFTRACE_RECORD_END)
        return shape->kind == PERFTRACE_RECORD_BEGIN;
    return shape->kind == kind ? shape->words : 0;
}

size_t perftrace_records_walk(const struct perftrace_shapes *shapes, const uint64_t *words, size_t available,
                              uint64_t *base, uint64_t *count, bool *damaged) {
    size_t at = 0;
    uint64_t seen = 0, word;
    while (at < available && (word = __atomic_load_n(&words[at], __ATOMIC_ACQUIRE)) != 0) {
        size_t length = words_at_once(shapes, word);
        if (length == 1) {
            seen++;
            at++; /* by a constant: the next word is read without waiting for what this one's site says */
            continue;
        }
        if (length == 0 || length > available - at)
            length = perftrace_record_words(shapes, words + at, available - at);
        if (length == 0) {
            *damaged = true;
            break;
        }
        if (perftrace_word_kind(word) == PERFTRACE_RECORD_REBASE)
            *base = words[at + 1];
        else
            seen++;
        at += length;
    }
    *count += seen;
    return at;
}
