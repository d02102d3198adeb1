/* Memory pools: all memory that frames need is taken when the engine starts, so that no frame waits for the kernel. */
#ifndef ENGINE_POOL_H
#define ENGINE_POOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A pool hands out one piece after the other and takes all back at once (pool_reset). */
struct pool {
    const char *name;
    uint8_t *base;
    size_t capacity, used, peak; /* bytes */
};

/* Reserves the memory and touches its pages. 0, or -1 when there is none. */
int pool_reserve(struct pool *pool, const char *name, size_t capacity_bytes);

/* Memory, aligned to a cache line, until pool_reset; zeroed before the first of these. NULL: the pool is used up. */
void *pool_take(struct pool *pool, size_t bytes);

/* What pool_take will need for so many bytes. */
size_t pool_rounded(size_t bytes);

/* Takes everything back. */
void pool_reset(struct pool *pool);

/* Gives the memory back to the system. A pool of zeros may be released. */
void pool_release(struct pool *pool);

/* Slots of one size, taken from a pool and used again when they were given back. */
struct slots {
    struct pool *pool;
    size_t slot_bytes;
    void *free; /* the first free slot; each holds the address of the next */
    uint32_t in_use;
};

void *slots_take(struct slots *slots); /* NULL: the pool is used up. Not zeroed when used before. */
void slots_give(struct slots *slots, void *slot);

#endif
