/* Figures added up within enclosing calls, at any depth: calls come when they end, children before their parents, and name their parent
 * by its number or, in some logs, by its name alone. */
#ifndef PERFTRACE_ANALYSIS_ENCLOSED_H
#define PERFTRACE_ANALYSIS_ENCLOSED_H

#include "../core/arena.h"
#include "../core/map.h"
#include "promise.h"

#define ENCLOSED_MAX (1u << 20) /* open calls with something in them; for more there is no memory */

struct enclosed_sums;

struct enclosed {
    const struct promise *promises;
    size_t count;
    uint32_t *columns; /* of each promise, if it is one per span: from 1; else 0 */
    uint32_t column_count;
    struct perftrace_map open; /* of enclosing calls: by number, or by track and name */
    struct perftrace_arena arena;
    struct enclosed_sums *unused;
    struct enclosed_sums *current; /* of the call at hand */
    uint64_t key;                  /* of the hashes of names */
    uint64_t lost;                 /* calls of this run whose figures there was no memory for */
};

/* What is kept is taken from the budget. 0, or -PERFTRACE_ERROR_MEMORY. */
int enclosed_open(struct enclosed *enclosed, const struct promise *promises, size_t count,
                  struct perftrace_budget *budget);
/* A call that ends: first this, */
void enclosed_begin(struct enclosed *enclosed, const struct perftrace_call *call);
/* then what it adds to a promise, */
void enclosed_add(struct enclosed *enclosed, size_t promise, double value);
/* then this, which gives what the promises per span of its name have in it to `emit`. 0, or what that returns. */
int enclosed_end(struct enclosed *enclosed, const struct perftrace_call *call,
                 int (*emit)(void *context, size_t promise, const struct perftrace_call *call, double value),
                 void *context);
void enclosed_clear(struct enclosed *enclosed); /* a run has ended */
void enclosed_close(struct enclosed *enclosed);

#endif
