/* A tree of stacks, put together from calls that come when they end, children before their parents. */
#ifndef PERFTRACE_TOOL_STACKS_H
#define PERFTRACE_TOOL_STACKS_H

#include "../../analysis/intern.h"
#include "../../core/map.h"

#define STACKS_ROOT 1u

/* One stack: a name, below that of the node above. */
struct stacks_node {
    uint64_t self_ns;
    uint32_t name;
    uint32_t next;                  /* of its siblings; 0: the last */
    uint32_t family;                /* under which by_name has its children */
    uint32_t children, first_child; /* how many, and the list */
    bool ended;                     /* a call of this stack has ended; else it is only a part of others */
};

/* Zero-initialised is empty. */
struct stacks {
    struct text_table names;
    struct stacks_node *nodes; /* by number; 0 is none, 1 the root */
    uint32_t count, capacity, unused;
    struct perftrace_map by_name; /* (name, family) -> number of the child */
    /* By the number of a call that has not ended: the node that is going to be its. */
    struct perftrace_map waiting;
    uint32_t *work; /* pairs that are still to be merged */
    uint32_t work_count, work_capacity;
};

/* Takes a call that has ended. Memory grows with distinct stacks and open calls, not with calls; time does not grow with how
 * deep the call is. 0 or -PERFTRACE_ERROR_MEMORY. */
int stacks_add(struct stacks *stacks, const struct perftrace_call *call);
/* Puts what lies in calls that never ended below their names, which are all that is known of them. */
int stacks_finish(struct stacks *stacks);
/* The children of a node in order of their names, *count of them, to be freed. NULL without memory. */
uint32_t *stacks_children(const struct stacks *stacks, uint32_t node, uint32_t *count);
void stacks_free(struct stacks *stacks);

#endif
