/* Ticks -> nanoseconds: how a new clock reading bends the line. */
#include "clock.h"

/* A piece that would have to meet its reading within less than this could become steep: it then meets
 * the readings' line a second later instead. */
#define NEAR_NS 1e7
#define LATER_NS 1e9

#define SLOPE_MIN 1e-4
#define SLOPE_MAX 1e6

/* Before there is a line to bend; false when there is one. */
static bool read_first_two(struct perftrace_clock *clock, struct perftrace_clock_point reading) {
    if (clock->pairs == 0)
        clock->first = reading;
    else if (!clock->ready) {
        clock->piece = clock->first;
        clock->slope = (double)(reading.ns - clock->first.ns) / (double)(reading.ticks - clock->first.ticks);
        clock->ready = true;
    } else
        return false;
    clock->last = reading;
    clock->pairs++;
    return true;
}

bool perftrace_clock_read(struct perftrace_clock *clock, struct perftrace_clock_point reading,
                          bool any_handed_out, uint64_t handed_out) {
    if (reading.ns > PERFTRACE_CLOCK_NS_MAX)
        return false;
    double recent = 0;
    if (clock->pairs > 0) {
        if (reading.ticks <= clock->last.ticks || reading.ns <= clock->last.ns)
            return false;
        recent = (double)(reading.ns - clock->last.ns) / (double)(reading.ticks - clock->last.ticks);
        if (recent < SLOPE_MIN || recent > SLOPE_MAX)
            return false;
    }
    if (read_first_two(clock, reading))
        return true;
    clock->last = reading;
    clock->pairs++;
    if (clock->identity)
        return true;
    struct perftrace_clock_point start = clock->piece;
    if (any_handed_out)
        start = (struct perftrace_clock_point){handed_out, perftrace_clock_ns(clock, handed_out)};
    double ticks = (double)(int64_t)(reading.ticks - start.ticks);
    double ns = (double)(int64_t)(reading.ns - start.ns);
    if (ticks * recent < NEAR_NS) {
        ticks += LATER_NS / recent;
        ns += LATER_NS;
    }
    double slope = ticks > 0 ? ns / ticks : recent;
    /* Only readings that contradict each other get here; what was handed out can't be taken back. */
    if (slope < recent / 2)
        slope = recent / 2;
    if (slope > recent * 2)
        slope = recent * 2;
    clock->piece = start;
    clock->slope = slope;
    return true;
}

bool perftrace_clock_force(struct perftrace_clock *clock) {
    if (clock->ready || clock->identity) {
        clock->ready = true;
        return false;
    }
    if (clock->pairs > 0)
        clock->piece = clock->first;
    clock->slope = 1;
    clock->ready = true;
    return true;
}

double perftrace_clock_ticks_per_second(const struct perftrace_clock *clock) {
    if (clock->identity)
        return 1e9;
    if (clock->pairs < 2)
        return 0;
    return (double)(clock->last.ticks - clock->first.ticks) / (double)(clock->last.ns - clock->first.ns) *
           1e9;
}
