/* What the programs measure by themselves, traced or not: the time of frames, and the memory that the process has. */
#ifndef ENGINE_MEASURE_H
#define ENGINE_MEASURE_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* CLOCK_MONOTONIC in nanoseconds. */
uint64_t measure_now_ns(void);

/* The process's memory that is in RAM, in bytes; 0 where the system does not tell. */
size_t measure_resident_bytes(void);

/* The durations of up to `capacity` frames; beyond that a fair sample of them, so that memory stays as it is. */
struct frame_times {
    uint64_t *elapsed_ns, count, capacity, random;
};

int frame_times_init(struct frame_times *times, uint64_t capacity); /* 0, or -1: no memory */
void frame_times_add(struct frame_times *times, uint64_t elapsed_ns);
void frame_times_print(struct frame_times *times, FILE *out); /* one line of percentiles; sorts them */
void frame_times_free(struct frame_times *times);

#endif
