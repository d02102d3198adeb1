/* Calls on their way to the parts. They go there in rounds, many at once: each part is given all calls of a round before the next part
 * is, which keeps its code and what it knows near the processor. Where there are two processors, a second thread gives the calls of a round to
 * the parts that stand apart from the model, while the next ones join a round of their own; the other parts are given them first by the thread that
 * finds out what calls are, so that the model does not change meanwhile. Where that thread would have to wait, it takes over parts that have not begun. */
#ifndef PERFTRACE_ANALYSIS_ROUNDS_H
#define PERFTRACE_ANALYSIS_ROUNDS_H

#include "collect.h"

#include <pthread.h>

/* What the parts are to do with a call. */
enum round_kind {
    ROUND_COUNTS,
    ROUND_UNKEPT, /* it counts, but its parameters are not kept */
    ROUND_LEFT_OUT,
};

enum {
    ROUND_CALLS = 2048,              /* so many need another thread but rarely … */
    ROUND_CALLS_ALONE = 512,         /* … and of so many there are parts that find most in the cache */
    ROUND_METRICS = 4 * ROUND_CALLS, /* of all calls of a round */
    ROUND_TEXT_BYTES = 65536,        /* of those that are texts */
};

struct round {
    uint32_t count, metric_count;
    size_t text_bytes;
    bool others; /* some of the calls are not of the kind ROUND_COUNTS */
    uint8_t kinds[ROUND_CALLS];
    struct analysis_call calls[ROUND_CALLS];
    struct perftrace_value metrics[ROUND_METRICS];
    char texts[ROUND_TEXT_BYTES];
};

/* Parts by whether they stand apart from the model. */
enum { ROUNDS_BOUND, ROUNDS_APART, ROUNDS_SORTS };

/* The functions below know what is in it; nobody else looks. */
struct rounds {
    struct analysis *analysis;
    struct round *both;  /* two of them */
    struct round *round; /* that calls join */
    uint32_t limit;      /* with so many calls it takes place; 0: there was no room when it began */
    struct round *other; /* the helper's, or waiting for it; NULL without a helper */
    unsigned wanting[ROUNDS_SORTS][ANALYSIS_PARTS],
        wanting_count[ROUNDS_SORTS]; /* parts that are to be given calls */
    bool alone;                      /* there is no helper, and won't be */
    bool shared;                     /* it may take part */
    /* There were calls whose parameters are not kept: from then on the model stands still while parts look at calls. */
    bool unkept;
    /* ---- between the threads ---- */
    pthread_t helper;
    pthread_mutex_t mutex;
    pthread_cond_t begun, done;
    const struct round *given; /* what parts are being given by either thread; NULL: nothing */
    unsigned left, at_work;    /* how many of them have not begun, and are at it */
    bool stopped;
    int result; /* of what parts said of it, on either thread; not 0: an error, which stays */
};

/* The parts are open. NULL without memory. */
struct rounds *rounds_open(struct analysis *analysis);

/* Whether a second thread may take part from now on: it is sooner, and takes some more of both processors. */
void rounds_share(struct rounds *rounds, bool shared);

/* Where the next call is to be filled in; there always is room. */
static inline struct analysis_call *rounds_next(const struct rounds *rounds) {
    return &rounds->round->calls[rounds->round->count];
}
/* It is filled in, and joins the round; or, `now`, the round takes place at once, while all that the call points to is there:
 * a round that takes place later has a copy of the metrics, and no parameters. 0, or -PERFTRACE_ERROR_MEMORY. */
int rounds_add(struct rounds *rounds, const struct analysis_call *filled, enum round_kind kind, bool now);
/* The same for one that counts, has no parameters and still is where rounds_next says. */
static inline int rounds_join(struct rounds *rounds, struct analysis_call *filled, bool now) {
    struct round *round = rounds->round;
    if (now || round->count + 1 >= rounds->limit ||
        filled->metric_count > ROUND_METRICS - round->metric_count)
        return rounds_add(rounds, filled, ROUND_COUNTS, now);
    struct perftrace_value *kept = &round->metrics[round->metric_count];
    for (size_t i = 0; i < filled->metric_count; i++) {
        if (filled->metrics[i].type == PERFTRACE_TYPE_STRING)
            return rounds_add(rounds, filled, ROUND_COUNTS, now);
        kept[i] = filled->metrics[i];
    }
    filled->metrics = kept;
    round->metric_count += (uint32_t)filled->metric_count;
    round->kinds[round->count++] = ROUND_COUNTS;
    return 0;
}
/* Whatever is waiting is given to the parts. As above. */
int rounds_finish(struct rounds *rounds);
void rounds_close(struct rounds *rounds);

#endif
