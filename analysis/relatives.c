/* Relatives that only names tell. */
#include "relatives.h"

/* What stands for the number of a parent that has none: the next call of that function to end on that track. Real numbers are
 * less. */
static uint64_t named_number(uint32_t function, uint32_t track) {
    return UINT64_C(1) << 63 | (uint64_t)track << 30 | function;
}

uint64_t analysis_exceeded(struct open_calls *open, const struct perftrace_call *call,
                           const struct analysis_call *placed, uint64_t children_ns) {
    uint64_t unit_ns = placed->milliseconds ? 1000000 : 1000;
    uint64_t rounding_ns = placed->elapsed_ns / 10 + unit_ns, excess_ns = children_ns - placed->elapsed_ns;
    bool log = call->start_ns == 0; /* all others have measured it */
    bool by_number = placed->slot == OPEN_CALLS_NONE || open->calls[placed->slot].number == placed->id.number;
    if (log && by_number && excess_ns > rounding_ns)
        open_calls_exceed(open, placed->id.number, placed->track, excess_ns);
    return 0;
}

void analysis_find_relatives_by_name(struct analysis *analysis, const struct perftrace_call *call,
                                     struct analysis_call *placed, bool by_name) {
    struct open_calls *open = &analysis->open;
    bool by_itself = by_name && placed->caller == placed->function;
    if (placed->slot == OPEN_CALLS_NONE && !by_itself)
        placed->slot = open_calls_take(open, named_number(placed->function, placed->track));
    uint64_t more_ns = open_calls_take_excess(open, placed->id.number, placed->track);
    placed->self_ns = by_itself ? 0 : analysis_self_ns(open, call, placed, more_ns);
    uint64_t parent = placed->parent;
    if (by_name) {
        open->unusual = placed->parent_by_name = true;
        parent = named_number(placed->caller, placed->track);
    }
    if (parent != 0)
        placed->parent_slot = open_calls_tell_parent(open, parent, placed->track,
                                                     placed->async || by_itself ? 0 : placed->elapsed_ns);
}
