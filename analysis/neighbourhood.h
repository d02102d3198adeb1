/* The calls around those that may be looked at one by one: for a timeline. Kept for the slowest calls of all and of each function,
 * and for the first ones of each input, whose numbers are what other parts name as examples. */
#ifndef PERFTRACE_ANALYSIS_NEIGHBOURHOOD_H
#define PERFTRACE_ANALYSIS_NEIGHBOURHOOD_H

#include "collect.h"

struct analysis_neighbour {
    struct analysis_call_id id;
    uint64_t parent; /* in the same input; 0: none or unknown */
    uint64_t start_ns, elapsed_ns;
    uint32_t function, question;
    uint32_t track; /* into analysis_neighbourhood.tracks */
    /* start_ns is: a log has none, so each call is taken to begin when the one before has ended. */
    bool made_up;
};

struct analysis_neighbour_track {
    uint32_t input, id; /* as in analysis_call */
    uint8_t kind;       /* enum perftrace_item_track_kind; 0: unknown */
    struct perftrace_text name;
};

/* After analysis_finish. Empty unless options.neighbours_max was set. */
struct analysis_neighbourhood {
    struct analysis_neighbour *calls; /* by input and start, the longer first; none twice */
    uint32_t call_count;
    struct analysis_neighbour_track *tracks;
    uint32_t track_count;
};

const struct analysis_neighbourhood *analysis_neighbourhood(const struct analysis *analysis);

/* What a track of an input is called, which is known when the input has been read: after its analysis_end_input. */
void analysis_neighbourhood_name(struct analysis *analysis, const struct perftrace_track_info *track);

#endif
