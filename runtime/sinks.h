/* The sinks: Chrome file, log lines and console lines, made from the trace file by a thread of their own.
 * They follow the file as any reader would, so they may lag behind but hold nobody up. */
#ifndef PERFTRACE_RUNTIME_SINKS_H
#define PERFTRACE_RUNTIME_SINKS_H

#include "stderr_lines.h"

#include <stdbool.h>
#include <stdint.h>

struct perftrace_sinks;

struct perftrace_sinks_options {
    int trace_fd;            /* readable; duplicated, and read with pread only */
    const char *trace_path;  /* where it can be found again (own_files.h), or NULL; borrowed */
    const char *chrome_path; /* NULL: no Chrome file. Created 0600, links not followed; borrowed */
    struct perftrace_stderr_lines *lines; /* where lines go, or NULL; given away if this succeeds */
    bool log, console;                    /* which lines; both are switched off when stderr fails */
    unsigned *lines_missing; /* counts those for which there was no memory (atomic), or NULL; borrowed */
};

/* Starts the thread (all signals blocked in it, named "perftrace-sink"). NULL, with errno set, when the
 * Chrome file or the thread can't be had. */
struct perftrace_sinks *perftrace_sinks_open(const struct perftrace_sinks_options *options);

/* The trace is complete up to this byte (a block's end). Never blocks for long; wakes the thread. */
void perftrace_sinks_advance(struct perftrace_sinks *sinks, uint64_t trace_bytes);

/* Waits until the sinks have written out everything up to the last advance; at most `timeout_ms`. True: done.
 * (Records that no SYNC block covers yet are taken, but come out later.) */
bool perftrace_sinks_wait(struct perftrace_sinks *sinks, uint32_t timeout_ms);

/* Waits as above (after which open spans are handed out as such), ends the thread and frees everything. When
 * time runs out, what has been written so far stays (a valid file), the thread is told to stop at once and
 * joined, and the result is the number of trace bytes that the sinks have not written out; else 0. A thread
 * that does not return from the kernel (its disk is gone) is left behind after another half second, and frees everything
 * if it ever comes back.
 *
 * *write_errno: 0, or why the Chrome file could not be written to its end. It then holds all events up to
 * there, since one with holes would tell lies, and the trace is read no further for it. */
uint64_t perftrace_sinks_close(struct perftrace_sinks *sinks, uint32_t timeout_ms, int *write_errno);

#endif
