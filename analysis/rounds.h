/* Calls on their way to the parts. They go there in rounds, many at once: each part is given all calls of a round before the next part
 * is, which keeps its code and what it knows near the processor. Where there are two processors, a second thread gives the calls of a round to
 * the parts that stand apart from the model, while the next ones join a round of their own; the other parts are given them first by the thread that
 * finds out what calls are, so that the model does not change meanwhile. */
#ifndef PERFTRACE_ANALYSIS_ROUNDS_H
#define PERFTRACE_ANALYSIS_ROUNDS_H

#include "collect.h"

/* What the parts are to do with a call. */
enum round_kind {
    ROUND_COUNTS,
    ROUND_UNKEPT, /* it counts, but its parameters are not kept */
    ROUND_LEFT_OUT,
};

struct rounds;
/* The parts are open. NULL without memory. */
struct rounds *rounds_open(struct analysis *analysis);

/* Whether a second thread may take part from now on: it is sooner, and takes some more of both processors. */
void rounds_share(struct rounds *rounds, bool shared);

/* Where the next call is to be filled in; there always is room. */
struct analysis_call *rounds_next(struct rounds *rounds);
/* It is filled in, and joins the round; or, `now`, the round takes place at once, while all that the call points to is there:
 * a round that takes place later has a copy of the metrics, and no parameters. 0, or -PERFTRACE_ERROR_MEMORY. */
int rounds_add(struct rounds *rounds, const struct analysis_call *filled, enum round_kind kind, bool now);
/* Whatever is waiting is given to the parts. As above. */
int rounds_finish(struct rounds *rounds);
void rounds_close(struct rounds *rounds);

#endif
