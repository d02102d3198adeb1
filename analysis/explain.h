/* What was done in a stretch of time: each nanosecond belongs to the innermost span that was open on the track, or to none. So what two
 * stretches did differently adds up to the difference of their lengths. A second pass over the items. */
#ifndef PERFTRACE_ANALYSIS_EXPLAIN_H
#define PERFTRACE_ANALYSIS_EXPLAIN_H

#include "../core/map.h"
#include "../include/perftrace_reader.h"
#include "intern.h"

enum { EXPLAIN_NAMES_MAX = 4096 }; /* spans of further names are one: the last */

struct explain_part {
    uint64_t self_ns, calls; /* calls: that began in it */
};

/* One stretch, from start_ns to before end_ns. */
struct explain_stretch {
    uint32_t input, track; /* input: from 0 */
    uint64_t start_ns, end_ns;
    /* The answer: */
    uint64_t gap_ns;             /* in no span of the track */
    struct explain_part *own;    /* on the track, by number of the name */
    struct explain_part *others; /* on the other threads */
    uint32_t own_count, others_count;
};

struct explain {
    struct explain_stretch *stretches; /* from malloc, which explain_free gives back */
    size_t count;
    struct text_table names;
    struct explain_lane *lanes;    /* tracks of the input at hand */
    struct perftrace_map by_track; /* their places + 1 */
    uint32_t lane_count, lane_capacity, input;
};

/* The kinds of items that it does nothing with. */
#define EXPLAIN_UNWANTED                                                                                     \
    (~(PERFTRACE_ITEM_BIT(PERFTRACE_ITEM_SPAN_BEGIN) | PERFTRACE_ITEM_BIT(PERFTRACE_ITEM_SPAN_END)) |        \
     PERFTRACE_ITEM_BEGIN_PARAMETERS)

/* Zero-initialised, with stretches, is ready. 0, or -PERFTRACE_ERROR_MEMORY. */
int explain_item(struct explain *explain, const struct perftrace_item *item);
/* After the last item of an input; the next is another. */
void explain_end_input(struct explain *explain);
/* Also the stretches. */
void explain_free(struct explain *explain);

/* A difference between two stretches. */
struct explain_difference {
    struct perftrace_text name; /* of length 0: in no span */
    int64_t ns;                 /* so much more in the first */
    struct explain_part first, second;
};
/* What `first` did that `second` did not, the largest difference first, to be freed: on their own tracks (`others` false), where
 * the sum is that of their lengths, or on the others. NULL without memory. */
struct explain_difference *explain_compare(const struct explain *explain, const struct explain_stretch *first,
                                           const struct explain_stretch *second, bool others, size_t *count);

#endif
