/* Memory for what lives as long as its owner: many small pieces, freed all at once, with an upper limit
 * because what asks for it is untrusted input. */
#ifndef PERFTRACE_CORE_ARENA_H
#define PERFTRACE_CORE_ARENA_H

#include "../include/perftrace_items.h"
#include "budget.h"

struct perftrace_arena_block;

/* Zero-initialised but for bytes_max is empty. */
struct perftrace_arena {
    struct perftrace_arena_block *blocks;
    size_t bytes; /* taken from malloc so far */
    size_t bytes_max;
    struct perftrace_budget *budget; /* NULL: none */
};

/* Zeroed, aligned for anything; NULL without memory or past the limit. */
void *perftrace_arena_take(struct perftrace_arena *arena, size_t bytes);
/* A copy of the bytes with a zero after them; false without memory. */
bool perftrace_arena_text(struct perftrace_arena *arena, const void *bytes, size_t length,
                          struct perftrace_text *text);
void perftrace_arena_free(struct perftrace_arena *arena);

#endif
