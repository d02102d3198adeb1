/* Hash tables with open addressing over dense arrays: an entry is found by its hash, and kept by its number. A slot has the number + 1 in as
 * many bits as there can be numbers, and in the others some of the hash's: so that others' entries, which may be far away, are hardly ever
 * looked at. */
#include "intern.h"

#include "../core/hash.h"

#include <stdlib.h>
#include <string.h>

#define SLOTS_MIN 64u
#define ENTRIES_MAX (1u << 30)

bool array_grow(struct perftrace_budget *budget, void **array, uint32_t *capacity, uint64_t wanted,
                size_t bytes) {
    size_t more = (wanted - *capacity) * bytes;
    if (wanted > UINT32_MAX || !perftrace_budget_take(budget, more))
        return false;
    void *grown = realloc(*array, wanted * bytes);
    if (grown == NULL) {
        perftrace_budget_give(budget, more);
        return false;
    }
    *array = grown;
    *capacity = (uint32_t)wanted;
    return true;
}

bool array_grow_zeros(struct perftrace_budget *budget, void **array, uint32_t *capacity, uint64_t wanted,
                      size_t bytes) {
    uint32_t had = *capacity;
    if (!array_grow(budget, array, capacity, wanted, bytes))
        return false;
    memset((char *)*array + had * bytes, 0, (wanted - had) * bytes);
    return true;
}

bool array_reserve_within(struct perftrace_budget *budget, void **array, uint32_t count, uint32_t *capacity,
                          size_t bytes) {
    uint32_t wanted = *capacity == 0 ? 16 : *capacity * 2;
    return count < *capacity || (wanted <= ENTRIES_MAX && array_grow(budget, array, capacity, wanted, bytes));
}

int array_reserve(void **array, uint32_t count, uint32_t *capacity, size_t bytes) {
    return array_reserve_within(NULL, array, count, capacity, bytes) ? 0 : -PERFTRACE_ERROR_MEMORY;
}

/* What is in a slot but the number. */
static inline uint32_t tag_of(uint32_t slot_count, uint64_t hash) {
    return (uint32_t)(hash >> 32) & ~(slot_count - 1);
}

/* Slots are doubled when three quarters are taken; `hash_of` gives an entry's hash for its new place. */
static inline __attribute__((always_inline)) int
slots_reserve(uint32_t **slots, uint32_t *slot_count, uint32_t count,
              uint64_t (*hash_of)(const void *table, uint32_t number), const void *table) {
    if (*slot_count != 0 && count < *slot_count / 4 * 3)
        return 0;
    uint32_t wanted = *slot_count == 0 ? SLOTS_MIN : *slot_count * 2;
    uint32_t *grown = wanted < *slot_count ? NULL : calloc(wanted, sizeof *grown);
    if (grown == NULL)
        return -PERFTRACE_ERROR_MEMORY;
    for (uint32_t number = 0; number < count; number++) {
        uint64_t hash = hash_of(table, number);
        uint32_t at = (uint32_t)hash & (wanted - 1);
        while (grown[at] != 0)
            at = (at + 1) & (wanted - 1);
        grown[at] = tag_of(wanted, hash) | (number + 1);
    }
    free(*slots);
    *slots = grown;
    *slot_count = wanted;
    return 0;
}

/* INTERN_NONE: none. */
static inline uint32_t number_in(const uint32_t *slots, uint32_t slot_count, uint32_t at) {
    return (slots[at] & (slot_count - 1)) - 1;
}

static uint64_t text_hash_of(const void *table, uint32_t number) {
    return ((const struct text_table *)table)->entries[number].hash;
}

/* The slot of the text, or the empty one where it belongs. */
static uint32_t text_slot(const struct text_table *table, uint32_t owner, const char *bytes, size_t length,
                          uint64_t hash) {
    uint32_t mask = table->slot_count - 1, tag = tag_of(table->slot_count, hash);
    uint32_t at = (uint32_t)hash & mask;
    for (; table->slots[at] != 0; at = (at + 1) & mask) {
        if ((table->slots[at] & ~mask) != tag)
            continue;
        const struct text_entry *entry = &table->entries[(table->slots[at] & mask) - 1];
        if (entry->hash == hash && entry->owner == owner && entry->length == length &&
            memcmp(entry->bytes, bytes, length) == 0)
            break;
    }
    return at;
}

static uint64_t text_hash(struct text_table *table, uint32_t owner, const char *bytes, size_t length) {
    if (table->seed == 0)
        table->seed = perftrace_hash_key();
    return perftrace_hash_text(table->seed + owner, bytes, length);
}

uint32_t text_table_find(struct text_table *table, uint32_t owner, const char *bytes, size_t length,
                         uint64_t *hash) {
    *hash = text_hash(table, owner, bytes, length);
    if (table->slot_count == 0)
        return INTERN_NONE;
    return number_in(table->slots, table->slot_count, text_slot(table, owner, bytes, length, *hash));
}

uint32_t text_table_add_new(struct text_table *table, uint32_t owner, const char *bytes, size_t length,
                            uint64_t hash) {
    struct perftrace_text copy;
    table->arena.bytes_max = SIZE_MAX;
    if (length > UINT32_MAX ||
        slots_reserve(&table->slots, &table->slot_count, table->count, text_hash_of, table) != 0 ||
        array_reserve((void **)&table->entries, table->count, &table->capacity, sizeof *table->entries) !=
            0 ||
        !perftrace_arena_text(&table->arena, bytes, length, &copy))
        return INTERN_NONE;
    uint32_t mask = table->slot_count - 1, at = (uint32_t)hash & mask;
    while (table->slots[at] != 0)
        at = (at + 1) & mask;
    table->entries[table->count] = (struct text_entry){copy.bytes, (uint32_t)length, owner, hash};
    table->slots[at] = tag_of(table->slot_count, hash) | ++table->count;
    return table->count - 1;
}

uint32_t text_table_add(struct text_table *table, uint32_t owner, const char *bytes, size_t length) {
    uint64_t hash;
    uint32_t number = text_table_find(table, owner, bytes, length, &hash);
    return number != INTERN_NONE ? number : text_table_add_new(table, owner, bytes, length, hash);
}

struct perftrace_text text_table_get(const struct text_table *table, uint32_t number) {
    return (struct perftrace_text){table->entries[number].bytes, table->entries[number].length};
}

void text_table_free(struct text_table *table) {
    free(table->entries);
    free(table->slots);
    perftrace_arena_free(&table->arena);
    *table = (struct text_table){0};
}

static uint64_t pair_hash_of(const void *table, uint32_t number) {
    const struct pair_table *pairs = table;
    return perftrace_hash_number(pairs->seed, pairs->keys[number]);
}

/* The slot of `key`, or the empty one where it belongs. */
static inline uint32_t pair_slot(const struct pair_table *table, uint64_t key, uint64_t hash) {
    uint32_t mask = table->slot_count - 1, tag = tag_of(table->slot_count, hash);
    uint32_t at = (uint32_t)hash & mask;
    while (table->slots[at] != 0 &&
           ((table->slots[at] & ~mask) != tag || table->keys[(table->slots[at] & mask) - 1] != key))
        at = (at + 1) & mask;
    return at;
}

uint32_t pair_table_add(struct pair_table *table, uint64_t key) {
    if (table->seed == 0)
        table->seed = perftrace_hash_key();
    if (slots_reserve(&table->slots, &table->slot_count, table->count, pair_hash_of, table) != 0)
        return INTERN_NONE;
    uint64_t hash = perftrace_hash_number(table->seed, key);
    uint32_t at = pair_slot(table, key, hash);
    if (table->slots[at] != 0)
        return number_in(table->slots, table->slot_count, at);
    if (array_reserve((void **)&table->keys, table->count, &table->capacity, sizeof *table->keys) != 0)
        return INTERN_NONE;
    table->keys[table->count] = key;
    table->slots[at] = tag_of(table->slot_count, hash) | ++table->count;
    return table->count - 1;
}

uint32_t pair_table_find(const struct pair_table *table, uint64_t key) {
    if (table->slot_count == 0)
        return INTERN_NONE;
    uint32_t at = pair_slot(table, key, perftrace_hash_number(table->seed, key));
    return number_in(table->slots, table->slot_count, at);
}

void pair_table_free(struct pair_table *table) {
    free(table->keys);
    free(table->slots);
    *table = (struct pair_table){0};
}
