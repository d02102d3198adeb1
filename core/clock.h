/* Ticks -> nanoseconds: a line in pieces, continuous and rising, that follows the clock readings as they
 * come. The same readings and the same ticks handed out always give the same times, so that what the
 * recorder's sinks write while a program runs agrees with a later conversion. */
#ifndef PERFTRACE_CORE_CLOCK_H
#define PERFTRACE_CORE_CLOCK_H

#include "../format/format.h"

#include <stdbool.h>

struct perftrace_clock_point {
    uint64_t ticks, ns;
};

/* Zero-initialised has no readings. */
struct perftrace_clock {
    bool ready;    /* ticks can be mapped */
    bool identity; /* ticks are nanoseconds already */
    uint32_t pairs;
    struct perftrace_clock_point first, last; /* readings */
    struct perftrace_clock_point piece;       /* where the piece in force starts */
    double slope;                             /* nanoseconds a tick, in that piece */
};

/* Takes a reading. The new piece starts at `handed_out`, the greatest tick mapped so far (ignored while
 * `any_handed_out` is false). False: the reading makes no sense beside the others and was left out. */
bool perftrace_clock_read(struct perftrace_clock *clock, struct perftrace_clock_point reading,
                          bool any_handed_out, uint64_t handed_out);

/* Makes the clock ready with what there is: with fewer than two readings a tick is taken for a
 * nanosecond. Returns whether that had to be assumed. */
bool perftrace_clock_force(struct perftrace_clock *clock);

/* From the first and the last reading; 0 while unknown. */
double perftrace_clock_ticks_per_second(const struct perftrace_clock *clock);

/* No reading lies, and no time is mapped, beyond this: sums with it stay within 64 bits. */
#define PERFTRACE_CLOCK_NS_MAX (UINT64_C(1) << 62)

/* A single multiplication, then integers: compilers can't round it differently. */
static inline uint64_t perftrace_clock_ns(const struct perftrace_clock *clock, uint64_t ticks) {
    if (clock->identity)
        return ticks;
    double ns = (double)(int64_t)(ticks - clock->piece.ticks) * clock->slope;
    if (ns < 0)
        return -ns < (double)clock->piece.ns ? clock->piece.ns - (uint64_t)-ns : 0;
    return clock->piece.ns + (ns < (double)PERFTRACE_CLOCK_NS_MAX ? (uint64_t)ns : PERFTRACE_CLOCK_NS_MAX);
}

#endif
