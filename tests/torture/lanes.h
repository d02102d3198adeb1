/* Recordings whose every word can be checked afterwards: a lane is a thread that records rounds, and what a round says
 * is a function of the lane's number and the round's. It tells in shared memory how far it has come. */
#ifndef PERFTRACE_TESTS_LANES_H
#define PERFTRACE_TESTS_LANES_H

#include "torture.h"

enum { LANES_MAX = 4096, LANE_TRACKS_MAX = 65536 };

struct lane {
    uint64_t begun;     /* rounds, told before each */
    uint64_t completed; /* rounds, told after each */
};

/* Records the lane's next round: ten records of all shapes (words and texts, short ones inline and long ones by the cold
 * path; parameters and metrics; a span that outlasts the round). */
void lane_round(struct lane *lane, uint32_t id);

/* What of a lane was heard. */
struct lane_heard {
    uint64_t next;          /* round whose beginning is expected */
    uint64_t begun;         /* rounds */
    uint64_t whole;         /* rounds of which everything was heard */
    uint64_t unfinished;    /* rounds that were begun and not ended */
    uint64_t gaps;          /* rounds missing between two that were heard of */
    uint64_t first;         /* round heard of */
    unsigned parts;         /* of the round that is being heard */
    unsigned around;        /* spans "around" (which the caller records): begun … */
    unsigned around_at_end; /* … and open when the trace ended */
};
struct lanes_heard {
    struct lane_heard lane[LANES_MAX];
    uint32_t lane_of_track[LANE_TRACKS_MAX]; /* plus one */
    uint64_t torn;                           /* items that say something else than what was recorded */
    char first_torn[256];
    uint64_t strange; /* items that no lane has recorded */
};

/* To be given to torture_read: context is a struct lanes_heard, zeroed. */
void lanes_hear(void *heard, const struct perftrace_item *item);
/* What must be there of the rounds completed. */
enum lanes_kept {
    LANES_ALL,
    LANES_ALL_BEFORE_SHUTDOWN, /* what was recorded meanwhile may be there in part */
    LANES_NEWEST,              /* of a flight recording: what is missing is older than what is there */
    LANES_DUMPS,               /* of a flight recording that was flushed: some, each as it was */
};
/* Checks that all that must be there was heard, once and in order, but for `lost` records. */
void lanes_check(const struct lanes_heard *heard, const struct lane *lanes, size_t count, uint64_t lost,
                 enum lanes_kept kept);

#endif
