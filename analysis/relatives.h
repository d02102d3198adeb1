/* Which calls are whose children. */
#ifndef PERFTRACE_ANALYSIS_RELATIVES_H
#define PERFTRACE_ANALYSIS_RELATIVES_H

#include "collect.h"

/* Fills in caller_unknown, parent_slot, parent_by_name and self_ns, and slot where only names tell, once function and caller are known. Where a
 * function calls itself and no number says which call is whose, all children are those of the outermost, which alone has self
 * time. */
void analysis_find_relatives(struct analysis *analysis, const struct perftrace_call *call,
                             struct analysis_call *placed);

#endif
