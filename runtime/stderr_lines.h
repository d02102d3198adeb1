/* Lines for standard error, each written in one piece by a thread of their own. That thread shares the program's
 * descriptors, which the sinks' does not (own_files.h): wherever the program turns its standard error to, the lines follow. */
#ifndef PERFTRACE_RUNTIME_STDERR_LINES_H
#define PERFTRACE_RUNTIME_STDERR_LINES_H

#include "../core/output.h"

#include <stdatomic.h>
#include <stdbool.h>

struct perftrace_stderr_lines;

/* Starts the thread (all signals blocked in it, named "perftrace-lines"); to be called by one of the program's threads. NULL
 * and errno on failure. */
struct perftrace_stderr_lines *perftrace_stderr_lines_open(void);

/* For the lines' writers: one write is one line. They are gathered and handed to the thread in batches. */
struct perftrace_output *perftrace_stderr_lines_output(struct perftrace_stderr_lines *lines);

/* Waits until all lines are written. False: not all, since standard error failed, or the lines were told to give up. */
bool perftrace_stderr_lines_flush(struct perftrace_stderr_lines *lines);
/* Standard error has failed (and not just been slow): no line will come out any more. */
bool perftrace_stderr_lines_failed(const struct perftrace_stderr_lines *lines);

/* From now on whoever waits for lines to be written is let go. May be called from another thread. */
void perftrace_stderr_lines_give_up(struct perftrace_stderr_lines *lines);
/* Ends the thread and frees everything; lines that are still gathered are dropped. A thread that does not return from the kernel
 * (standard error is a pipe that nobody reads) is left behind after half a second, and frees everything if it
 * ever comes back. NULL is allowed. */
void perftrace_stderr_lines_close(struct perftrace_stderr_lines *lines);

#endif
