/* What was done in a stretch of time: each nanosecond belongs to the innermost span that was open on the track, or to none. So what two
 * stretches did differently adds up to the difference of their lengths. A second pass over the items. */
#ifndef PERFTRACE_ANALYSIS_EXPLAIN_H
#define PERFTRACE_ANALYSIS_EXPLAIN_H

#include "../core/map.h"
#include "../include/perftrace_reader.h"
#include "intern.h"

enum {
    EXPLAIN_NAMES_MAX = 4096, /* spans of further names are one: the last */
    EXPLAIN_IN_NONE = 4096,   /* stands for no span in pairs of names */
    EXPLAIN_LANES_MAX = 64,   /* threads beyond these are waited for by nobody */
    EXPLAIN_TRACKS_MAX =
        1 << 15, /* of an input: spans of further ones are counted only, but of the stretches' own */
    EXPLAIN_PAIRS_MAX = 1 << 16, /* further pairs of one stretch are not kept */
    EXPLAIN_WAITED_MAX = 4
};

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
    /* Spans of other threads, beyond EXPLAIN_TRACKS_MAX, that took place in it, at least in part: not in `others`. */
    uint64_t left_out;
    /* What went on at the same time on two threads, by pairs of names: so long was the first the innermost span of one thread until it
     * ended or called another, and the second that of another thread, which went on. */
    struct pair_table pairs;
    uint64_t *pair_ns;
    uint32_t pair_capacity;
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

/* The span that the difference is due to: the one of the stretch's own track that grew most, or, where that one lasted until something on
 * another thread had ended which grew as well, that. It is a guess, as spans don't tell whether they work or wait; what is as busy as ever,
 * only for longer, is not taken for a cause. */
struct explain_cause {
    struct explain_difference difference; /* on its own track, or, elsewhere, on all */
    bool elsewhere;                       /* on another thread */
    /* Elsewhere: what lasted until it had ended, its own track's first. */
    struct perftrace_text waited[EXPLAIN_WAITED_MAX];
    size_t waited_count;
};
/* 1, 0 where nothing grew, or -1 without memory. */
int explain_find_cause(const struct explain *explain, const struct explain_stretch *first,
                       const struct explain_stretch *second, struct explain_cause *cause);

#endif
