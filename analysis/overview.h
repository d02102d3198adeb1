/* What is in a trace, without judging it: counts by kind, by track and by site, and the spans that never
 * ended. */
#ifndef PERFTRACE_ANALYSIS_OVERVIEW_H
#define PERFTRACE_ANALYSIS_OVERVIEW_H

#include "../core/arena.h"
#include "../core/map.h"
#include "../include/perftrace_reader.h"

#define OVERVIEW_KINDS (PERFTRACE_ITEM_TRACK + 1)
#define OVERVIEW_OPEN_MAX 1000u /* how many of the spans open at the end are kept; the others are counted */

struct overview_track {
    const struct perftrace_track_info *track;
    uint64_t spans;  /* ended or unfinished */
    uint64_t others; /* events, counters, frames … */
    uint64_t first_ns, last_ns;
};

struct overview_open {
    uint64_t number, start_ns, elapsed_ns;
    const struct perftrace_site_info *site;
    const struct perftrace_track_info *track;
    struct perftrace_text parameters; /* "key=value|key=value", safe to show */
};

struct overview {
    uint64_t items[OVERVIEW_KINDS]; /* by enum perftrace_item_kind */
    uint64_t spans, unfinished;
    uint64_t open_at_end;       /* of the unfinished: not jumped out of */
    uint64_t first_ns, last_ns; /* of everything with a time; both 0 without any */
    bool any_time;
    struct perftrace_map track_map; /* from a track's address to its struct overview_track */
    uint64_t *site_items;           /* by site id */
    uint32_t site_capacity;
    struct overview_open *open; /* after overview_finish in order of their begins */
    uint32_t open_count, open_capacity;
    struct perftrace_arena arena;
};

/* Zero-initialised is empty. Sites and tracks are the reader's: use the overview before closing it. 0, or
 * -PERFTRACE_ERROR_MEMORY. */
int overview_item(struct overview *overview, const struct perftrace_item *item);
void overview_finish(struct overview *overview); /* after the last item */
/* NULL: nothing was on it. */
const struct overview_track *overview_track(const struct overview *overview,
                                            const struct perftrace_track_info *info);
uint64_t overview_site_items(const struct overview *overview, uint32_t site_id);
void overview_free(struct overview *overview);

#endif
