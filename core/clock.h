/* Ticks -> nanoseconds, in two steps. Ticks are *straightened*: where the counter jumped (a suspended or moved machine),
 * an offset takes the jump out, so that they rise with time again. Then a line through the clock readings gives the time
 * of each. Both depend on nothing but the readings, which is why what the recorder's sinks write while a program runs
 * agrees with a later conversion, and why the traces of several processes agree with each other. The rules are in
 * docs/trace_format.md, section 4. */
#ifndef PERFTRACE_CORE_CLOCK_H
#define PERFTRACE_CORE_CLOCK_H

#include "../format/format.h"

#include <stdbool.h>

struct perftrace_clock_point {
    uint64_t ticks /* straightened */, ns;
};

/* Of the readings so many are kept: more than can come between two batches of records. */
#define PERFTRACE_CLOCK_KEPT 64u

/* Zero-initialised has no readings. */
struct perftrace_clock {
    bool ready;     /* ticks can be told as time … */
    bool identity;  /* … as they are nanoseconds already */
    uint32_t pairs; /* readings taken */
    uint32_t jumps;
    uint64_t offset, old_offset; /* from ticks to straightened ones; and before the last jump */
    uint64_t jumped_after;       /* the (straightened) reading before the last jump */
    bool went_back;              /* the counter stood lower at the reading after it */
    double slope;                /* nanoseconds a tick, lately: what is beyond the last reading goes on so */
    double odd_slope;            /* across the last jump, while its reading is the last; else 0 */
    struct perftrace_clock_point first;
    struct perftrace_clock_point kept[PERFTRACE_CLOCK_KEPT];
    uint32_t count;     /* of kept */
    uint32_t same_rate; /* of kept: the slope is measured from none before this */
    uint32_t last_error_ns;

    /* The piece that was used last: [piece.ticks, piece.ticks + span). */
    struct perftrace_clock_point piece;
    uint64_t span;
    uint64_t quick_span; /* of that, where the time can be told without looking at limits */
    double piece_slope;
};

enum perftrace_clock_verdict {
    PERFTRACE_CLOCK_TAKEN,
    PERFTRACE_CLOCK_UNCERTAIN, /* left out: too vague for the time that has passed since the one before */
    PERFTRACE_CLOCK_WRONG,     /* left out: it makes no sense beside the one before */
};

/* Takes a reading: what the counter and CLOCK_MONOTONIC said, and how far apart they may be. */
enum perftrace_clock_verdict perftrace_clock_read(struct perftrace_clock *clock, uint64_t tick, uint64_t ns,
                                                  uint32_t error_ns);

/* Makes the clock ready with what there is: with fewer than two readings a tick is taken for a
 * nanosecond. Returns whether that had to be assumed. */
bool perftrace_clock_force(struct perftrace_clock *clock);

/* From the first and the last reading; 0 while unknown. */
double perftrace_clock_ticks_per_second(const struct perftrace_clock *clock);

/* The straightened tick up to which times are known, as a reading lies beyond. */
uint64_t perftrace_clock_known_ticks(const struct perftrace_clock *clock);

/* No reading lies, and no time is mapped, beyond this: sums with it stay within 64 bits. */
#define PERFTRACE_CLOCK_NS_MAX (UINT64_C(1) << 62)

uint64_t perftrace_clock_straight_after_jump(const struct perftrace_clock *clock, uint64_t tick);
void perftrace_clock_choose_piece(struct perftrace_clock *clock, uint64_t ticks);

static inline uint64_t perftrace_clock_straight(const struct perftrace_clock *clock, uint64_t tick) {
    return clock->jumps == 0 ? tick : perftrace_clock_straight_after_jump(clock, tick);
}

/* The time of a straightened tick. A single multiplication, then integers: compilers can't round it differently. */
static inline uint64_t perftrace_clock_ns(struct perftrace_clock *clock, uint64_t ticks) {
    if (clock->identity)
        return ticks;
    if (ticks - clock->piece.ticks >= clock->span)
        perftrace_clock_choose_piece(clock, ticks);
    double ns = (double)(int64_t)(ticks - clock->piece.ticks) * clock->piece_slope;
    if (ns < 0)
        return -ns < (double)clock->piece.ns ? clock->piece.ns - (uint64_t)-ns : 0;
    return clock->piece.ns + (ns < (double)PERFTRACE_CLOCK_NS_MAX ? (uint64_t)ns : PERFTRACE_CLOCK_NS_MAX);
}

/* The same where that multiplication is all that it takes, by a copy of what that takes: for many ticks one after the other, which are
 * counted from a base and come before an end. */
struct perftrace_clock_quick {
    uint64_t ahead; /* the base of where the piece begins */
    uint64_t room;  /* from there */
    double slope;
    uint64_t ns; /* where it begins */
};

/* Of ticks up to `last`. Where the clock is not of that kind, there is no room. */
static inline struct perftrace_clock_quick perftrace_clock_quick(const struct perftrace_clock *clock,
                                                                 uint64_t base, uint64_t last) {
    uint64_t left = last - clock->piece.ticks, room = clock->quick_span;
    if (clock->identity || clock->jumps != 0 || last < clock->piece.ticks)
        room = 0;
    return (struct perftrace_clock_quick){base - clock->piece.ticks, left < room ? left + 1 : room,
                                          clock->piece_slope, clock->piece.ns};
}

/* False: it takes more, or they are beyond the last ones. */
static inline bool perftrace_clock_quick_ns(const struct perftrace_clock_quick *quick, uint32_t ticks,
                                            uint64_t *ns) {
    uint64_t passed = quick->ahead + ticks;
    if (passed >= quick->room)
        return false;
    *ns = quick->ns + (uint64_t)(int64_t)((double)(int64_t)passed * quick->slope);
    return true;
}

#endif
