/* How much memory may be taken for what an input holds: one sum for all that keeps it, so that each part may grow while the
 * others are small. */
#ifndef PERFTRACE_CORE_BUDGET_H
#define PERFTRACE_CORE_BUDGET_H

#include <stdbool.h>
#include <stddef.h>

struct perftrace_budget {
    size_t used, max;
};

/* Both may be called by several threads at once. */
static inline void perftrace_budget_give(struct perftrace_budget *budget, size_t bytes) {
    if (budget != NULL)
        __atomic_fetch_sub(&budget->used, bytes, __ATOMIC_RELAXED);
}

/* False: so much is not left, and nothing is taken. NULL is a budget without a limit. */
static inline bool perftrace_budget_take(struct perftrace_budget *budget, size_t bytes) {
    if (budget == NULL)
        return true;
    size_t used = __atomic_fetch_add(&budget->used, bytes, __ATOMIC_RELAXED);
    if (used <= budget->max && bytes <= budget->max - used)
        return true;
    perftrace_budget_give(budget, bytes);
    return false;
}

#endif
