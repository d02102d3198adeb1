/* Which calls are whose children. */
#ifndef PERFTRACE_ANALYSIS_RELATIVES_H
#define PERFTRACE_ANALYSIS_RELATIVES_H

#include "collect.h"

/* Of a call whose caller is known by its name only, or which may be such a caller, or may have an excess. */
void analysis_find_relatives_by_name(struct analysis *analysis, const struct perftrace_call *call,
                                     struct analysis_call *placed, bool by_name);

/* 0, and what its children took beyond a log's call is kept, where that can't be a matter of rounding. */
uint64_t analysis_exceeded(struct open_calls *open, const struct perftrace_call *call,
                           const struct analysis_call *placed, uint64_t children_ns);

/* Without what children took, of which a log does not tell: it is added up here. `more_ns`: of others that have that parent. */
static inline uint64_t analysis_self_ns(struct open_calls *open, const struct perftrace_call *call,
                                        const struct analysis_call *placed, uint64_t more_ns) {
    uint64_t children_ns = call->children_ns;
    if (children_ns == 0 && placed->slot != OPEN_CALLS_NONE)
        children_ns = open_calls_children_ns(open, placed->slot, placed->track);
    children_ns += more_ns;
    return placed->elapsed_ns >= children_ns ? placed->elapsed_ns - children_ns
                                             : analysis_exceeded(open, call, placed, children_ns);
}

/* Fills in parent_slot, parent_by_name and self_ns, and slot where only names tell, once function, caller and caller_unknown are known. Where a
 * function calls itself and no number says which call is whose, all children are those of the outermost, which alone has self
 * time. */
static inline void analysis_find_relatives(struct analysis *analysis, const struct perftrace_call *call,
                                           struct analysis_call *placed) {
    struct open_calls *open = &analysis->open;
    bool by_name = placed->parent == 0 && !placed->caller_unknown;
    if (by_name || open->unusual) {
        analysis_find_relatives_by_name(analysis, call, placed, by_name);
        return;
    }
    placed->self_ns = analysis_self_ns(open, call, placed, 0);
    if (placed->parent != 0)
        placed->parent_slot = open_calls_tell_parent(open, placed->parent, placed->track,
                                                     placed->async ? 0 : placed->elapsed_ns);
}

#endif
