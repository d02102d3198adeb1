/* A baseline: what was measured for the promises of a budget once, as a small text with one line each, in the order of their names, so
 * that it can be committed and compared. */
#ifndef PERFTRACE_TOOL_BASELINE_H
#define PERFTRACE_TOOL_BASELINE_H

#include "../../core/arena.h"

#include <stddef.h>
#include <stdint.h>

/* Of times in ns, of memory in bytes. Bounds are infinite where there were too few samples for them. */
struct baseline_line {
    const char *figure; /* "frame p99" */
    double value, lower, upper;
    uint64_t samples;
};

struct baseline {
    struct baseline_line *lines; /* in order of `figure` */
    uint32_t count, capacity;
    struct perftrace_arena arena;
};

enum { BASELINE_LINES_MAX = 100000 };

/* Zero-initialised is empty; a file that isn't there is, too, and *missing is true. -1 after an error message. */
int baseline_read(struct baseline *baseline, const char *path, _Bool *missing);
/* NULL: it is not in it. */
const struct baseline_line *baseline_find(const struct baseline *baseline, const char *figure);
/* Adds a line or renews it; the figure is copied. -1 without memory. */
int baseline_set(struct baseline *baseline, const struct baseline_line *line);
/* 0, or -1 after an error message. */
int baseline_write(const struct baseline *baseline, const char *path);
void baseline_free(struct baseline *baseline);

#endif
