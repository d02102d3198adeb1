/* The floor: what any tracer that keeps a begin and an end of each span must pay. Two reads of the tick counter and
 * two stores of 16 bytes into a ring of 64 KiB that belongs to the thread, with the wrap-around that a ring needs;
 * no switch, no signal safety, no reader. All costs in this folder are ratios to it, measured in the same process,
 * in turns with the case. */
#ifndef PERFTRACE_BENCH_FLOOR_H
#define PERFTRACE_BENCH_FLOOR_H

#include <stdint.h>

#define FLOOR_RING_BYTES 65536u

/* `spans` spans of the floor. Not inlined, so that callgrind can tell it apart. */
void floor_spans(uint64_t spans);

/* A loop that does nothing but count: what of each figure is the loop itself. */
void empty_loop(uint64_t spans);

/* What stands in every loop where a user's code would be: the compiler must assume that it reads and writes memory. */
static inline void user_code(void) {
    __asm__ volatile("" ::: "memory");
}

#endif
