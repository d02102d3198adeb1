/* What the tests of the stream share: a trace being made, and hearing all of it. */
#ifndef PERFTRACE_TESTS_HEAR_STREAM_H
#define PERFTRACE_TESTS_HEAR_STREAM_H

#include "make_trace.h"

extern struct made made;
extern struct heard heard;
extern size_t hear_keyed; /* calls that came with a key, when hear() last heard calls … */
extern size_t hear_told;  /* … and those of which the key told all that was missing */

/* Each test starts with the beginning of a trace: a process whose clock is CLOCK_MONOTONIC, and track 1, "main". */
int hear_set_up(void **state);
int hear_tear_down(void **state);
#define HEAR_TEST(function) cmocka_unit_test_setup_teardown(function, hear_set_up, hear_tear_down)

/* Begins a trace anew whose ticks have to be mapped, with an event's site 1. */
void hear_with_ticks(void);

/* A stream that tells `heard`. */
struct perftrace_stream *hear_open(void);

/* What is heard of `made`, without the line about the first track; by callback and fetched one by one, which
 * must be the same, and without SPAN_BEGINs or as calls, when the rest must be. `info` (but for its texts) may be used; it may be NULL. */
const char *hear(struct perftrace_trace_info *info);

#endif
