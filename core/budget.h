/* How much memory may be taken for what an input holds: one sum for all that keeps it, so that each part may grow while the
 * others are small. */
#ifndef PERFTRACE_CORE_BUDGET_H
#define PERFTRACE_CORE_BUDGET_H

#include <stdbool.h>
#include <stddef.h>

struct perftrace_budget {
    size_t used, max;
};

/* False: so much is not left, and nothing is taken. NULL is a budget without a limit. */
static inline bool perftrace_budget_take(struct perftrace_budget *budget, size_t bytes) {
    if (budget == NULL)
        return true;
    if (bytes > budget->max - budget->used)
        return false;
    budget->used += bytes;
    return true;
}

static inline void perftrace_budget_give(struct perftrace_budget *budget, size_t bytes) {
    if (budget != NULL)
        budget->used -= bytes;
}

#endif
