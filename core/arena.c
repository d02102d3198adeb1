/* Memory for what lives as long as its owner. */
#include "arena.h"

#include <stdlib.h>
#include <string.h>

struct perftrace_arena_block {
    struct perftrace_arena_block *next;
    size_t used, capacity;
    max_align_t data[];
};

#define BLOCK_BYTES 32768u

static struct perftrace_arena_block *add_block(struct perftrace_arena *arena, size_t bytes) {
    size_t capacity = bytes > BLOCK_BYTES ? bytes : BLOCK_BYTES;
    if (arena->bytes_max - arena->bytes < capacity || !perftrace_budget_take(arena->budget, capacity))
        return NULL;
    struct perftrace_arena_block *block = malloc(sizeof *block + capacity);
    if (block == NULL) {
        perftrace_budget_give(arena->budget, capacity);
        return NULL;
    }
    block->used = 0;
    block->capacity = capacity;
    block->next = arena->blocks;
    arena->blocks = block;
    arena->bytes += capacity;
    return block;
}

void *perftrace_arena_take(struct perftrace_arena *arena, size_t bytes) {
    size_t whole = (bytes + sizeof(max_align_t) - 1) / sizeof(max_align_t) * sizeof(max_align_t);
    struct perftrace_arena_block *block = arena->blocks;
    if (whole < bytes)
        return NULL;
    if (block == NULL || block->capacity - block->used < whole)
        block = add_block(arena, whole);
    if (block == NULL)
        return NULL;
    void *piece = (char *)block->data + block->used;
    block->used += whole;
    memset(piece, 0, bytes);
    return piece;
}

bool perftrace_arena_text(struct perftrace_arena *arena, const void *bytes, size_t length,
                          struct perftrace_text *text) {
    *text = (struct perftrace_text){"", 0};
    if (length == 0)
        return true;
    char *copy = perftrace_arena_take(arena, length + 1);
    if (copy == NULL)
        return false;
    memcpy(copy, bytes, length);
    *text = (struct perftrace_text){copy, length};
    return true;
}

void perftrace_arena_free(struct perftrace_arena *arena) {
    while (arena->blocks != NULL) {
        struct perftrace_arena_block *next = arena->blocks->next;
        free(arena->blocks);
        arena->blocks = next;
    }
    perftrace_budget_give(arena->budget, arena->bytes);
    arena->bytes = 0;
}
