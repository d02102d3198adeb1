/* Which calls are whose children. */
#ifndef PERFTRACE_ANALYSIS_RELATIVES_H
#define PERFTRACE_ANALYSIS_RELATIVES_H

#include "collect.h"

/* Of a call whose caller is known by its name only, or which may be such a caller. */
void analysis_find_relatives_by_name(struct analysis *analysis, const struct perftrace_call *call,
                                     struct analysis_call *placed, bool by_name);

/* A log does not say what a call's children took. */
static inline uint64_t analysis_self_ns(const struct open_calls *open, const struct perftrace_call *call,
                                        const struct analysis_call *placed) {
    uint64_t children_ns = call->children_ns;
    if (children_ns == 0 && placed->slot != OPEN_CALLS_NONE)
        children_ns = open_calls_children_ns(open, placed->slot, placed->track);
    return placed->elapsed_ns > children_ns ? placed->elapsed_ns - children_ns : 0;
}

/* Fills in parent_slot, parent_by_name and self_ns, and slot where only names tell, once function, caller and caller_unknown are known. Where a
 * function calls itself and no number says which call is whose, all children are those of the outermost, which alone has self
 * time. */
static inline void analysis_find_relatives(struct analysis *analysis, const struct perftrace_call *call,
                                           struct analysis_call *placed) {
    struct open_calls *open = &analysis->open;
    bool by_name = placed->parent == 0 && !placed->caller_unknown;
    if (by_name || open->by_name) {
        analysis_find_relatives_by_name(analysis, call, placed, by_name);
        return;
    }
    placed->self_ns = analysis_self_ns(open, call, placed);
    if (placed->parent != 0)
        placed->parent_slot = open_calls_tell_parent(open, placed->parent, placed->track,
                                                     placed->async ? 0 : placed->elapsed_ns);
}

#endif
