/* Clocks that do as a test says, under the real recorder: clock_gettime is defined in the test program, and the tick counter
 * of the inline path is faked without touching it, since x86 lets a process make rdtsc fault (prctl PR_SET_TSC). All
 * processes forked after fake_clocks_begin share the same clocks. A program that includes this is linked with
 * fake_clocks.c. */
#ifndef PERFTRACE_TESTS_FAKE_CLOCKS_H
#define PERFTRACE_TESTS_FAKE_CLOCKS_H

#include <stdbool.h>
#include <stdint.h>

/* From now on CLOCK_MONOTONIC and the others are ours: at first they go like the real ones, and there are 2.5 ticks a
 * nanosecond. fake_clocks_end gives the real ones back. */
void fake_clocks_begin(void);
void fake_clocks_end(void);

/* What is different from now on. */
struct fake_change {
    double slew_ppm;         /* of CLOCK_MONOTONIC and what goes with it */
    double ticks_per_ns;     /* 0: as before; less than 0: the counter stands still */
    int64_t tick_step;       /* the counter jumps by this, now */
    bool tick_reset;         /* the counter begins with zero, now */
    uint64_t suspended_ns;   /* what CLOCK_BOOTTIME and CLOCK_REALTIME gain, now */
    int64_t realtime_set_ns; /* what CLOCK_REALTIME gains besides, now */
};
void fake_clocks_change(struct fake_change change);

/* Fakes the tick counter of the calling thread and of the threads that it will start. False: this machine can't. */
bool fake_ticks_here(void);
/* What is added to the calling thread's ticks: it runs on a processor whose counter differs. */
extern __thread int64_t fake_tick_skew;

/* Whether the kernel is to look as if it did not trust the tick counter. */
extern bool fake_distrusted_ticks;

#endif
