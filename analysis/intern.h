/* Interning: small dense numbers for what is distinct, texts and pairs of such numbers. */
#ifndef PERFTRACE_ANALYSIS_INTERN_H
#define PERFTRACE_ANALYSIS_INTERN_H

#include "../core/arena.h"
#include "../include/perftrace_items.h"

#define INTERN_NONE UINT32_MAX

/* Texts, each with an owner: the same bytes under two owners are two entries. Zero-initialised is empty;
 * `seed`, chosen when first needed, makes collisions unpredictable for whoever wrote the input. */
struct text_entry {
    const char *bytes;
    uint32_t length;
    uint32_t owner;
    uint64_t hash;
};
struct text_table {
    struct text_entry *entries; /* by number */
    uint32_t count, capacity;
    uint32_t *slots; /* see intern.c; 0: empty */
    uint32_t slot_count;
    uint64_t seed;
    struct perftrace_arena arena;
};
/* The number of (owner, bytes), added if new; INTERN_NONE without memory. New ones get the old `count`. */
uint32_t text_table_add(struct text_table *table, uint32_t owner, const char *bytes, size_t length);
/* As above, but adds nothing: INTERN_NONE where it is not there. *hash is the one by which it would be found. */
uint32_t text_table_find(struct text_table *table, uint32_t owner, const char *bytes, size_t length,
                         uint64_t *hash);
/* Adds what has just not been found. INTERN_NONE without memory. */
uint32_t text_table_add_new(struct text_table *table, uint32_t owner, const char *bytes, size_t length,
                            uint64_t hash);
struct perftrace_text text_table_get(const struct text_table *table, uint32_t number);
void text_table_free(struct text_table *table);

/* Pairs of 32-bit numbers, or one of 64 bits. Zero-initialised is empty. */
struct pair_table {
    uint64_t *keys; /* by number */
    uint32_t count, capacity;
    uint32_t *slots;
    uint32_t slot_count;
    uint64_t seed; /* as in text_table */
};
static inline uint64_t pair_key(uint32_t first, uint32_t second) {
    return (uint64_t)first << 32 | second;
}
uint32_t pair_table_add(struct pair_table *table, uint64_t key);        /* as text_table_add */
uint32_t pair_table_find(const struct pair_table *table, uint64_t key); /* INTERN_NONE: not there */
void pair_table_free(struct pair_table *table);

/* Makes room for one more of `bytes` each in *array, doubling *capacity. 0, or -PERFTRACE_ERROR_MEMORY
 * with the array as it was. */
int array_reserve(void **array, uint32_t count, uint32_t *capacity, size_t bytes);
/* The same within a budget, from which what it takes is taken. False: there is no room. */
bool array_reserve_within(struct perftrace_budget *budget, void **array, uint32_t count, uint32_t *capacity,
                          size_t bytes);
/* Makes *array as long as `wanted`, which is longer than *capacity, within a budget or NULL; with zeros or with anything. False: there is
 * no room, and the array is as it was. */
bool array_grow(struct perftrace_budget *budget, void **array, uint32_t *capacity, uint64_t wanted,
                size_t bytes);
bool array_grow_zeros(struct perftrace_budget *budget, void **array, uint32_t *capacity, uint64_t wanted,
                      size_t bytes);

#endif
