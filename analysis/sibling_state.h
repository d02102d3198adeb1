/* What the files of this part share: siblings.c gives calls to their parents, sibling_runs.c looks at what comes at
 * once again, sibling_settle.c judges a parent's calls when it ends. */
#ifndef PERFTRACE_ANALYSIS_SIBLING_STATE_H
#define PERFTRACE_ANALYSIS_SIBLING_STATE_H

#include "sibling_kept.h"
#include "sibling_results.h"

#define SIBLING_PAUSE_MIN_NS 1000000 /* nobody waits for less */
#define NEIGHBOURS 8u

struct siblings_state {
    struct sibling_results results;
    struct sibling_shapes shapes;
    struct open_parents parents;
    struct sibling_kept kept; /* calls of theirs */
    struct sibling_patterns patterns;
    struct sibling_collection scratch;          /* for parents whose calls are still kept one by one */
    struct analysis *analysis;                  /* since the first call */
    uint64_t cut_short;                         /* parents that ended for want of room */
    uint64_t left_out;                          /* calls */
    uint64_t forgotten;                         /* questions */
    struct sibling_call neighbours[NEIGHBOURS]; /* the last calls of callers that are known by name only */
    uint32_t next_neighbour;
};

/* A direct call of the parent, which may be the same as the last one, or not and end a run. */
void siblings_follow(struct siblings_state *state, struct open_parent *parent, const struct sibling *call);
/* The run, of more than one call, is over. `own`: the parent's call, when it has ended. */
void siblings_settle_run(struct siblings_state *state, const struct open_parent *parent,
                         const struct analysis_call *own);
/* Of callers that never stand in the log, two that ask the same within a few calls are taken for one parent's. */
void siblings_compare_neighbours(struct siblings_state *state, struct open_parent *parent,
                                 const struct sibling *call);
/* One asked what another, or it itself, has asked before under the parent. */
void siblings_tell_again(struct siblings_state *state, const struct open_parent *parent,
                         const struct sibling_asked *first, const struct analysis_call *again);

struct sibling *siblings_more_room(struct siblings_state *state, struct open_parent *parent);
/* Room for another call of the parent, to be filled in at once; NULL: there is none. */
static inline struct sibling *siblings_room(struct siblings_state *state, struct open_parent *parent) {
    return parent->count < parent->capacity ? &parent->calls[parent->count++]
                                            : siblings_more_room(state, parent);
}
/* Judges and forgets the parent, which is no longer open. `own`: its call, NULL if it was not seen to end; `above`:
 * its own parent, or NULL. Returns how much of its time went into findings. */
uint64_t siblings_settle(struct siblings_state *state, struct open_parent *parent,
                         const struct analysis_call *own, struct open_parent *above);
/* An open one that is not seen to end. */
void siblings_end_parent(struct siblings_state *state, struct open_parent *parent);
/* Ends the parent whose last call is longest ago, unless it is `but`. */
void siblings_make_room(struct siblings_state *state, const struct open_parent *but);

#endif
