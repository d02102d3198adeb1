/* Memory pools. Their operations are rare but for the frame pool's, whose fill is a counter. */
#define PERF_TARGET "amp_engine"
#include <perftrace.h>

#include "pool.h"

#include <string.h>
#include <sys/mman.h>

#define CACHE_LINE 64

size_t pool_rounded(size_t bytes) {
    return (bytes + CACHE_LINE - 1) / CACHE_LINE * CACHE_LINE;
}

int pool_reserve(struct pool *pool, const char *name, size_t capacity_bytes) {
    PERF_SPAN("pool_reserve", "pool", name, "bytes", capacity_bytes);
    size_t bytes = pool_rounded(capacity_bytes);
    void *base = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
    if (base == MAP_FAILED)
        return -1;
    *pool = (struct pool){.name = name, .base = base, .capacity = bytes};
    PERF_ALLOC("engine_pools", base, bytes);
    return 0;
}

void *pool_take(struct pool *pool, size_t bytes) {
    size_t rounded = pool_rounded(bytes);
    if (rounded < bytes || rounded > pool->capacity - pool->used) {
        PERF_EVENT_LEVEL(PERF_WARN, "pool_used_up", "pool", pool->name, "bytes", bytes, "left",
                         pool->capacity - pool->used);
        return NULL;
    }
    void *piece = pool->base + pool->used;
    PERF_EVENT_LEVEL(PERF_DEBUG, "pool_take", "pool", pool->name, "bytes", rounded);
    pool->used += rounded;
    if (pool->used > pool->peak)
        pool->peak = pool->used;
    return piece;
}

void pool_reset(struct pool *pool) {
    PERF_SPAN_LEVEL(PERF_DEBUG, "pool_reset", "pool", pool->name, "bytes", pool->used);
    pool->used = 0;
}

void pool_release(struct pool *pool) {
    if (pool->base == NULL)
        return;
    PERF_SPAN("pool_release", "pool", pool->name, "bytes", pool->capacity);
    PERF_FREE("engine_pools", pool->base);
    munmap(pool->base, pool->capacity);
    *pool = (struct pool){.name = NULL};
}

void *slots_take(struct slots *slots) {
    void *slot = slots->free;
    if (slot != NULL)
        memcpy(&slots->free, slot, sizeof slots->free);
    else
        slot = pool_take(slots->pool, slots->slot_bytes);
    if (slot != NULL) {
        PERF_ALLOC("slots", slot, slots->slot_bytes);
        slots->in_use++;
    }
    return slot;
}

void slots_give(struct slots *slots, void *slot) {
    PERF_FREE("slots", slot);
    memcpy(slot, &slots->free, sizeof slots->free);
    slots->free = slot;
    slots->in_use--;
}
