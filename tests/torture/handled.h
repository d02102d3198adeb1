/* What a signal handler records in the tests, what it comes in the middle of, and whether all of it is there. */
#ifndef PERFTRACE_TESTS_HANDLED_H
#define PERFTRACE_TESTS_HANDLED_H

#include "torture.h"

enum { HANDLED_LEVELS = 4 }; /* 0: the program itself; 1 to 3: handlers that interrupt each other */

/* In the test, before a scenario: nothing has been made. */
void handled_reset(void);
/* A handful of records of every kind, which count themselves. The program's and the handlers' have sites of their own.
 * A handler's leaves a jump to whoever calls it. */
void handled_work(void);
void handled_handle(unsigned level);
/* Parts of handled_work, one by one. */
extern void (*const handled_parts[])(void);
extern const char *const handled_part_names[];
extern const unsigned handled_part_count;
/* How many records have been made, and how many handlers have run. */
uint64_t handled_made(void);
uint64_t handled_runs(unsigned level);

/* What may be missing from a trace. */
struct handled_limits {
    /* So many of a thousand records may be lost, if they are counted: a thread was put to sleep for long in the middle of one.
     * Where some are, it can't be told who is within whom. */
    unsigned lost_permille;
    /* So often a record was left in the middle: it may be there or not, and its spans are unfinished. */
    uint64_t jumped;
    /* So many of the handlers' records may be missing, as they came when there was no trace. */
    uint64_t late;
};
/* Reads the trace, and checks that it holds what was made: each whole, in order, within what it belongs to. */
struct torture_trace handled_check(const char *path, const struct handled_limits *limits);

#endif
