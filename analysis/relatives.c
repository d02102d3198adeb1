/* Relatives by numbers, or by names. */
#include "relatives.h"

/* What stands for the number of a parent that has none: the next call of that function to end on that track. Real numbers are
 * less. */
static uint64_t named_number(uint32_t function, uint32_t track) {
    return UINT64_C(1) << 63 | (uint64_t)track << 30 | function;
}

/* A log does not say what a call's children took. */
static inline uint64_t self_ns(const struct open_calls *open, const struct perftrace_call *call,
                               const struct analysis_call *placed) {
    uint64_t children_ns = call->children_ns;
    if (children_ns == 0 && placed->slot != OPEN_CALLS_NONE)
        children_ns = open_calls_children_ns(open, placed->slot, placed->track);
    return placed->elapsed_ns > children_ns ? placed->elapsed_ns - children_ns : 0;
}

static __attribute__((noinline)) void find_by_name(struct analysis *analysis,
                                                   const struct perftrace_call *call,
                                                   struct analysis_call *placed, bool by_name) {
    struct open_calls *open = &analysis->open;
    bool by_itself = by_name && placed->caller == placed->function;
    if (placed->slot == OPEN_CALLS_NONE && !by_itself)
        placed->slot = open_calls_take(open, named_number(placed->function, placed->track));
    placed->self_ns = by_itself ? 0 : self_ns(open, call, placed);
    uint64_t parent = placed->parent;
    if (by_name) {
        open->by_name = placed->parent_by_name = true;
        parent = named_number(placed->caller, placed->track);
    }
    if (parent != 0)
        placed->parent_slot = open_calls_tell_parent(open, parent, placed->track,
                                                     placed->async || by_itself ? 0 : placed->elapsed_ns);
}

/* The common case by itself: no children, and a parent with a number or none. */
void analysis_find_relatives(struct analysis *analysis, const struct perftrace_call *call,
                             struct analysis_call *placed) {
    struct open_calls *open = &analysis->open;
    placed->caller_unknown = analysis->functions[placed->caller].unknown;
    bool by_name = placed->parent == 0 && !placed->caller_unknown;
    if (by_name || open->by_name) {
        find_by_name(analysis, call, placed, by_name);
        return;
    }
    placed->self_ns = self_ns(open, call, placed);
    if (placed->parent != 0)
        placed->parent_slot = open_calls_tell_parent(open, placed->parent, placed->track,
                                                     placed->async ? 0 : placed->elapsed_ns);
}
