/* The schedule: systems that depend on one another, run once a frame by a pool of threads.
 *
 * A system is run in parts, which may run at the same time. It begins when all the systems that it comes after have ended. */
#ifndef ENGINE_JOBS_H
#define ENGINE_JOBS_H

#include <stdint.h>

#define SYSTEMS_MAX 32
#define AFTER_MAX 4
#define THREADS_MAX 64
#define PARTS_MAX (2 * THREADS_MAX)

struct engine;

struct system {
    const char *name;
    void (*run)(struct engine *engine, unsigned part);
    unsigned parts; /* how many; 0: as many as suit the number of threads (schedule_parts) */
    const char *after
        [AFTER_MAX]; /* names of the systems that must have ended; those that are not there don't count */
};

struct schedule;

/* A schedule with threads-1 threads of its own; the caller of schedule_run is one, too. NULL: no threads or memory. */
struct schedule *schedule_start(struct engine *engine, unsigned threads);
void schedule_stop(struct schedule *schedule);

/* Adds a system. 0, or -1 when there are too many or two of that name. */
int schedule_add(struct schedule *schedule, const struct system *system);

/* Makes the graph of what was added. NULL, or the name of a system that comes after itself. */
const char *schedule_link(struct schedule *schedule);

/* Runs all systems once. */
void schedule_run(struct schedule *schedule);

/* Into how many parts a system of 0 parts is divided. */
unsigned schedule_parts(const struct schedule *schedule);

/* What schedule_run has spent in a system so far, all its parts together. NULL: there is no such system. */
struct system_time {
    const char *name;
    uint64_t total_ns;
};
const struct system_time *schedule_time(const struct schedule *schedule, const char *name);

#endif
