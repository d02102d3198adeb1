/* What the torture programs share. Each tests/torture/torture_NAME.c is a program of its own:
 *
 *     torture_NAME [full] [CASE...]
 *
 * Without `full` it does as much as fits into `make test`; `make torture` gives it. A case runs scenarios in
 * processes of their own, in fresh folders, and looks at what they left. */
#ifndef PERFTRACE_TESTS_TORTURE_H
#define PERFTRACE_TESTS_TORTURE_H

#include "perftrace_reader.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct torture_case {
    const char *name;
    void (*run)(void);
};

/* Runs the cases (all, or those named), prints a line for each, and "N passed, N failed" as the last; the result is
 * main's. A case without a single check counts as failed. */
int torture_main(int argc, char **argv, const struct torture_case *cases, size_t count);
bool torture_is_full(void);
/* How often to repeat something, in short and in full. */
unsigned long torture_times(unsigned long quick, unsigned long full);

/* Notes a failure of the case at hand with a text (the first ten are printed). Returns `fine`. */
__attribute__((format(printf, 2, 3))) bool torture_check(bool fine, const char *format, ...);
/* A figure to be shown with the case: what was measured or counted. */
__attribute__((format(printf, 1, 2))) void torture_note(const char *format, ...);
/* What the case needs is not here (a mount, root, a kernel's feature): it is left out, and says why. */
__attribute__((format(printf, 1, 2))) void torture_left_out(const char *format, ...);

/* ---- scenarios ---- */

/* Makes an empty folder the working folder; the one before it is removed, unless something failed since (its path is
 * printed then). In the folder trace.ptrace and trace.json are where perftrace writes by default. */
void torture_fresh_folder(void);
/* Runs scenario(argument) in a child process, which ends with exit(0) after it. */
pid_t torture_start(void (*scenario)(void *argument), void *argument);
/* Waits for it; after so many seconds it is killed, which is a failure. Returns its wait status; -1: it has none, or does not end for all that. */
int torture_wait(pid_t child, double seconds);
/* Both. */
int torture_run(void (*scenario)(void *argument), void *argument, double seconds);
/* Whether a command of the shell ends well, within a minute. */
bool torture_shell(const char *command);
/* In a scenario: memory shared with the test, zeroed, made once and before torture_start. */
void *torture_shared(size_t bytes);
/* Seconds of CLOCK_MONOTONIC. */
double torture_now(void);

/* ---- what they left ---- */

struct torture_trace {
    int error; /* 0, or why it could not be read: enum perftrace_error */
    struct perftrace_error_info why;
    struct perftrace_trace_info info; /* its texts are gone */
    uint64_t begun, ended, unfinished, events, counters, frames, tracks, lost;
    uint64_t damages;       /* how often the reader complained */
    char first_damage[256]; /* … and about what first */
    uint64_t backwards;     /* items whose time is before that of the one before on their track */
};
/* Reads a trace (or log) to its end; `hear` (may be NULL) gets each item. */
struct torture_trace
torture_read(const char *path, void (*hear)(void *context, const struct perftrace_item *item), void *context);
/* The same, and checks that it can be read without a complaint. */
struct torture_trace torture_read_intact(const char *path,
                                         void (*hear)(void *context, const struct perftrace_item *item),
                                         void *context);
/* How many files a folder has whose names begin so: "/dev/shm", "perftrace-". */
unsigned torture_count_files(const char *folder, const char *prefix);
/* The CLOCK blocks of a trace; to be freed. */
struct torture_reading {
    uint64_t ticks, ns;
    uint32_t error_ns;
};
struct torture_reading *torture_read_clocks(const char *path, size_t *count);
bool torture_is_named(const struct perftrace_item *item, const char *name);

#endif
