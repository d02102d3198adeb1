/* Measuring a loop against the floor: short slices of both in turns, on threads that are pinned to processors of their
 * own, so that whatever the machine is doing at that moment meets both alike. */
#ifndef PERFTRACE_BENCH_MEASURE_H
#define PERFTRACE_BENCH_MEASURE_H

#include <stdint.h>

#define MEASURE_THREADS_MAX 2

struct measure_plan {
    void (*loop)(uint64_t count);
    uint64_t length;      /* the count of one slice */
    unsigned slices;      /* of the loop; the floor has one more, so that each stands between two of it */
    unsigned threads;     /* 1 to MEASURE_THREADS_MAX; each does the whole of each slice */
    void (*before)(void); /* called, untimed, by the main thread before each slice of the loop; or NULL */
    void (*after)(void);  /* and after it */
};

/* Moves the calling thread off the processors that the measured threads will have, where there are others. The threads
 * that it starts inherit that: a background thread runs where it disturbs least. 0, or -1 when there are fewer
 * processors than threads. */
int measure_step_aside(unsigned threads);

/* Pins the calling thread to the processor of the measured thread of that number. */
void measure_pin(unsigned index);

/* Carries out the plan and prints to stdout, as two members of a JSON object, the nanoseconds of one pass in each
 * slice (the mean of the threads): "floor_ns":[…],"loop_ns":[…]. Returns 0, or -1 after a message on stderr. */
int measure_print(const struct measure_plan *plan);

/* What a program for a tracer does whose buffers another process empties, which is given time for it after each slice: measures a loop and
 * prints that, and how often it was passed ("passes"). The exit code. */
int measure_consumed(void (*loop)(uint64_t count), uint64_t length, unsigned slices, unsigned threads);

#endif
