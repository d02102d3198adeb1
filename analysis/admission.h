/* Which questions are worth the memory that is left. All are, while a quarter of it is. Then those that were asked before: a small table
 * of hashes has seen them. The less memory is left, the oftener: what is repeated most is what a report is about. */
#ifndef PERFTRACE_ANALYSIS_ADMISSION_H
#define PERFTRACE_ANALYSIS_ADMISSION_H

#include "../core/budget.h"

#include <stdint.h>

struct admission_slot {
    uint32_t hash;
    uint32_t seen;
};

/* Zero-initialised has seen nothing. */
struct admission {
    struct admission_slot *slots; /* NULL: not needed yet, or no memory */
    uint32_t slot_count;
    uint32_t turn;
};

/* Whether what has this hash is to be kept. To be asked each time that it comes and is not kept yet. */
bool admission_ask(struct admission *admission, struct perftrace_budget *budget, uint64_t hash);
void admission_free(struct admission *admission, struct perftrace_budget *budget);

#endif
