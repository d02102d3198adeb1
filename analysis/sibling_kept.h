/* Where the calls of open parents are that outlive their round. Places are not given back one by one: when they are used up, those are free
 * of which no open parent has a call any more. */
#ifndef PERFTRACE_ANALYSIS_SIBLING_KEPT_H
#define PERFTRACE_ANALYSIS_SIBLING_KEPT_H

#include "sibling_parents.h"

#define SIBLING_BLOCK_CALLS 64u

struct sibling_place {
    union {
        struct sibling_call call;
        struct sibling_place *next; /* of one that is free */
    };
    bool used;
};
struct sibling_block {
    struct sibling_block *next;
    struct sibling_place places[SIBLING_BLOCK_CALLS];
};

/* Zero-initialised is empty. */
struct sibling_kept {
    struct sibling_block *blocks;
    struct sibling_place *unused;
    uint32_t count, unused_count; /* places */
};

/* A place is found for the call. False: there is no room. */
bool sibling_kept_add(struct sibling_kept *kept, struct analysis *analysis, struct sibling_shapes *shapes,
                      const struct open_parents *parents, struct sibling *call);
/* No parent is open, or none is looked at any more. */
void sibling_kept_free(struct sibling_kept *kept, struct analysis *analysis);

#endif
