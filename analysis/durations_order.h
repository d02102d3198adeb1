/* Counted durations, and how they are gone through in order. Shared by durations.c and durations_order.c only. */
#ifndef PERFTRACE_ANALYSIS_DURATIONS_ORDER_H
#define PERFTRACE_ANALYSIS_DURATIONS_ORDER_H

#include "durations.h"

#include <stddef.h>

struct duration {
    uint64_t ns;
    uint32_t function;
    /* 0: an empty slot. UINT32_MAX: there are no more in this one, and may be another one of the same key. */
    uint32_t calls;
};

enum {
    PAGE_COUNTERS = 256, /* of neighbouring values */
    PAGES = 4096,        /* of a function and unit: 2^20 values */
};
#define PAGED_MAX ((uint64_t)PAGES * PAGE_COUNTERS)
enum unit { UNIT_NS, UNIT_US, UNIT_MS, UNITS };

struct function_durations {
    uint32_t **pages[UNITS]; /* NULL: it has none; each is NULL until it is needed */
    uint64_t limit[UNITS];   /* of the numbers that are counted there */
    uint32_t small[UNITS];   /* values in the table that could be in pages */
    uint32_t distinct;       /* in the table */
    bool paged;              /* it has pages */
    uint8_t level;           /* of level_digits */
    struct analysis_percentiles result;
};

/* By function, then by value. Needs as much memory once more; without it, it takes longer. */
void durations_sort(struct duration *durations, size_t count);

/* The values of one function, smallest first: those of its pages and those of the table. */
struct durations_walk {
    const struct function_durations *function;
    const struct duration *table, *table_end;
    uint64_t next[UNITS];   /* in the pages: the next number that calls have, … */
    uint32_t calls[UNITS];  /* … and how many; 0: none */
    uint64_t summed[UNITS]; /* up to where calls were last added up */
    uint64_t before, ns;    /* calls up to here, and the value of the last one */
};

/* The table's entries are in order. All of it is borrowed. */
void durations_walk_begin(struct durations_walk *walk, const struct function_durations *function,
                          const struct duration *table, const struct duration *table_end);
/* The value of the call of that rank, from 1; not of one below that of the call before. False: there are not so many, or none. */
bool durations_walk_to(struct durations_walk *walk, uint64_t rank, uint64_t *ns);

#endif
