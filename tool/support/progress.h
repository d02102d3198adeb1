/* A progress bar on standard error while something takes long; nothing where that is not a terminal. */
#ifndef PERFTRACE_TOOL_PROGRESS_H
#define PERFTRACE_TOOL_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

struct progress {
    const char *what; /* borrowed */
    uint64_t total;   /* 0: unknown, no bar */
    uint64_t next_ns; /* not shown again before */
    bool visible;
};

void progress_begin(struct progress *progress, const char *what, uint64_t total);
void progress_show(struct progress *progress, uint64_t done);
void progress_clear(struct progress *progress);

#endif
