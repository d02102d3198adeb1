/* What a log does not say of its calls, told from the order of its lines, in which calls stand when they
 * have ended: how long their children took, and where on a timeline they may have been. */
#ifndef PERFTRACE_ANALYSIS_LOG_TIMES_H
#define PERFTRACE_ANALYSIS_LOG_TIMES_H

#include "../core/arena.h"
#include "../core/map.h"
#include "../include/perftrace_reader.h"

#define LOG_PARENTS_MAX (1u << 20) /* open calls remembered; children of further ones count for nothing */

struct log_parent;

/* Zero-initialised is empty. */
struct log_times {
    /* Of call numbers: struct log_parent; of tracks: when their last call ended. */
    struct perftrace_map known;
    struct perftrace_arena arena;
    struct log_parent *unused;
    uint32_t parents;
};

struct log_time {
    uint64_t start_ns;    /* made up: each call of a track begins when the one before has ended */
    uint64_t span_ns;     /* of the timeline: elapsed_ns, or more where its children took longer (rounding) */
    uint64_t children_ns; /* of elapsed_ns, in calls of the same track that name it as their parent */
};

/* The times of the next call of a log. Out of memory, times are those of a call without relatives. */
struct log_time log_times_add(struct log_times *times, const struct perftrace_call *call);
void log_times_free(struct log_times *times);

#endif
