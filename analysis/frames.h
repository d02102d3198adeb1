/* Marks of frames: which frame a moment is in. */
#ifndef PERFTRACE_ANALYSIS_FRAMES_H
#define PERFTRACE_ANALYSIS_FRAMES_H

#include "../core/budget.h"
#include "../include/perftrace_items.h"

#define FRAMES_MAX (1u << 24) /* of one name */

struct frame_marks {
    char *name;
    uint64_t *times; /* in order */
    uint32_t count, capacity, track;
};

/* Zero-initialised but for the budget, from which it takes, is without marks. */
struct frames {
    struct perftrace_budget *budget;
    struct frame_marks *list; /* by name, in order of their first marks */
    uint32_t count, capacity;
};

/* Whether marks of that name are those that somebody asks for: `wanted` NULL are those of the first mark. */
bool frames_are(const struct frames *frames, const char *wanted, const char *name);
/* False: there is no memory for the mark. One that stands before the last is left out. */
bool frames_add(struct frames *frames, const struct perftrace_item *item);
/* NULL: there are none. */
const struct frame_marks *frames_of(const struct frames *frames, const char *wanted);
/* Which frame a moment is in: 1 is the first; 0: before it. */
uint32_t frames_at(const struct frame_marks *marks, uint64_t ns);
void frames_clear(struct frames *frames);

#endif
