/* What a killed recorder has left behind, and all that must hold of it. */
#ifndef PERFTRACE_TESTS_KILLED_H
#define PERFTRACE_TESTS_KILLED_H

#include "lanes.h"

struct killed {
    pid_t pid;
    unsigned rings_before;    /* killed_rings_left before it began: of others that had its number */
    const struct lane *lanes; /* what was recorded */
    size_t lane_count;
    /* perftrace_init had returned: there must be a trace, and its Chrome file if there was to be one. */
    bool begun;
    bool chrome; /* there was to be one */
    enum lanes_kept kept;
};

/* Checks, in the working folder: that the trace can be read without a complaint and has all that was recorded; that folding
 * its rings in changes nothing that a reader says, that it removes the ring file, and that nothing of this process is left;
 * that trace.json is JSON, and the beginning of what the whole trace becomes. Returns what was read; *heard (may be NULL)
 * gets what was heard of the lanes. */
struct torture_trace killed_check(const struct killed *killed, struct lanes_heard *heard);

/* Ring files of the process that have a name. */
unsigned killed_rings_left(pid_t pid);

#endif
