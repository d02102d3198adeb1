/* A program that records, to try faults on: it says what happened to it, and what must hold whatever fails is checked. */
#ifndef PERFTRACE_TESTS_SUBJECT_H
#define PERFTRACE_TESTS_SUBJECT_H

#include "inject.h"

#define PERF_TRACE 1
#include "perftrace.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* How long a run may take: the time that the recorder has at the end, a few times over, on a machine that is busy with other
 * things. */
enum { SUBJECT_SECONDS = 20 };

/* What it tells of itself, in memory shared with the test. */
struct subject_told {
    bool log; /* told to it: with spans, and lines on stderr */
    int init_result;
    char init_text[256];
    struct perftrace_statistics statistics;
    uint64_t made, spans; /* records, and those of them that are the ends of spans */
    unsigned actions_changed;
    bool mask_changed;
    long memory_kib;
};
extern struct subject_told *subject_told;

/* What may go wrong with a certain fault. */
struct subject_excuse {
    bool unfinished;  /* the trace */
    bool files_stay;  /* what is to be removed */
    bool mask_sticks; /* signals stay blocked */
    bool losses;      /* records may be lost */
    bool lines_end;   /* on stderr, to which nothing can be said then */
    long memory_kib;  /* the most that it may take; 0: anything */
};

/* For inject_run. The subject makes all its own calls as such; a second thread of it is started by `prepare`. */
extern const struct inject_scenario subject;

/* Before each run: a fresh folder, nothing told. */
void subject_reset(bool log);
/* After it: that the program has not noticed, and that what it recorded is read or counted. `what` failed. */
void subject_check(const char *what, pid_t pid, int status, double seconds,
                   const struct subject_excuse *excuse);
uint64_t subject_lost(const struct perftrace_statistics *statistics);

#endif
