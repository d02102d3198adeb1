/* The job system: a dependency graph over a pool of threads. One lock guards the graph; it is held for some tens of
 * nanoseconds a job, and a job is a share of a system's work, hundreds of microseconds: nothing finer is needed. */
#define PERF_TARGET "amp_engine"
#include <perftrace.h>

#include "jobs.h"
#include "measure.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct node {
    struct system system;
    unsigned parts;
    unsigned enables[SYSTEMS_MAX], enables_count; /* the systems that wait for this one */
    unsigned after_count;                         /* how many systems this one waits for */
    unsigned waiting, begun, ended;               /* in this frame: of the former; of its own parts */
    uint64_t flow; /* the arrow that leads here from what enabled it; 0: none */
    struct system_time time;
};

struct schedule {
    struct engine *engine;
    unsigned threads, parts;
    pthread_t thread[THREADS_MAX];
    pthread_mutex_t lock;   /* guards all below */
    pthread_cond_t changed; /* something is ready, or the frame is over, or stop */
    struct node node[SYSTEMS_MAX];
    unsigned count;
    unsigned ready[SYSTEMS_MAX], ready_first,
        ready_count;      /* a ring of systems with parts that have not begun */
    unsigned ready_parts; /* how many these are */
    unsigned left;        /* systems that have not ended in this frame */
    uint64_t flows;
    bool stop;
};

/* ---- running ---- */

/* With the lock. */
static void make_ready(struct schedule *schedule, unsigned index) {
    schedule->ready[(schedule->ready_first + schedule->ready_count++) % SYSTEMS_MAX] = index;
    schedule->ready_parts += schedule->node[index].parts;
}

/* With the lock: whether others are to be woken, as there is more to do than for the caller, or nothing more. To be done
 * without the lock: who is woken may get this very processor, and would wait for it. */
static bool others_wanted(const struct schedule *schedule) {
    return schedule->ready_parts > 1 || schedule->left == 0;
}

/* A part has ended, within the span of its job: from there an arrow leads to each system that it enables. Returns whether others
 * are to be woken. */
static bool end_part(struct schedule *schedule, struct node *node, uint64_t elapsed_ns) {
    pthread_mutex_lock(&schedule->lock);
    bool wake = false;
    node->time.total_ns += elapsed_ns;
    if (++node->ended == node->parts) {
        for (unsigned i = 0; i < node->enables_count; i++) {
            struct node *next = &schedule->node[node->enables[i]];
            if (--next->waiting > 0)
                continue;
            next->flow = ++schedule->flows;
            PERF_FLOW_BEGIN("enables", next->flow);
            make_ready(schedule, node->enables[i]);
        }
        schedule->left--;
        wake = others_wanted(schedule);
    }
    pthread_mutex_unlock(&schedule->lock);
    return wake;
}

/* With the lock, which it gives up meanwhile: runs the next part of the first system that is ready. */
static void run_ready(struct schedule *schedule) {
    struct node *node = &schedule->node[schedule->ready[schedule->ready_first]];
    unsigned part = node->begun++;
    bool wake;
    schedule->ready_parts--;
    if (node->begun == node->parts) {
        schedule->ready_first = (schedule->ready_first + 1) % SYSTEMS_MAX;
        schedule->ready_count--;
    }
    pthread_mutex_unlock(&schedule->lock);
    {
        PERF_SPAN_LEVEL(PERF_DEBUG, "execute_job", "system", node->system.name, "part", part);
        if (part == 0 && node->flow != 0)
            PERF_FLOW_END("enables", node->flow);
        uint64_t begin = measure_now_ns();
        node->system.run(schedule->engine, part);
        wake = end_part(schedule, node, measure_now_ns() - begin);
    }
    if (wake)
        pthread_cond_broadcast(&schedule->changed);
    pthread_mutex_lock(&schedule->lock);
}

static void *work(void *argument) {
    struct schedule *schedule = argument;
    pthread_mutex_lock(&schedule->lock);
    char name[32];
    unsigned number = 1;
    while (!pthread_equal(schedule->thread[number], pthread_self()))
        number++;
    snprintf(name, sizeof name, "worker %u", number);
    perftrace_thread_name(name);
    while (!schedule->stop) {
        if (schedule->ready_count > 0)
            run_ready(schedule);
        else
            pthread_cond_wait(&schedule->changed, &schedule->lock);
    }
    pthread_mutex_unlock(&schedule->lock);
    return NULL;
}

void schedule_run(struct schedule *schedule) {
    PERF_SPAN("run_schedule", "systems", schedule->count, "threads", schedule->threads);
    pthread_mutex_lock(&schedule->lock);
    schedule->left = schedule->count;
    for (unsigned i = 0; i < schedule->count; i++) {
        struct node *node = &schedule->node[i];
        node->waiting = node->after_count;
        node->begun = node->ended = 0;
        node->flow = 0;
        if (node->waiting == 0)
            make_ready(schedule, i);
    }
    pthread_cond_broadcast(&schedule->changed);
    while (schedule->left > 0) {
        if (schedule->ready_count > 0)
            run_ready(schedule);
        else
            pthread_cond_wait(&schedule->changed, &schedule->lock);
    }
    pthread_mutex_unlock(&schedule->lock);
}

/* ---- the graph ---- */

int schedule_add(struct schedule *schedule, const struct system *system) {
    if (schedule->count == SYSTEMS_MAX || schedule_time(schedule, system->name) != NULL)
        return -1;
    struct node *node = &schedule->node[schedule->count++];
    *node = (struct node){.system = *system, .parts = system->parts > 0 ? system->parts : schedule->parts};
    node->time.name = system->name;
    return 0;
}

static unsigned find(const struct schedule *schedule, const char *name) {
    unsigned i = 0;
    while (i < schedule->count && strcmp(schedule->node[i].system.name, name) != 0)
        i++;
    return i;
}

const char *schedule_link(struct schedule *schedule) {
    PERF_SPAN("link_schedule", "systems", schedule->count);
    for (unsigned i = 0; i < schedule->count; i++)
        schedule->node[i].enables_count = schedule->node[i].after_count = 0;
    for (unsigned i = 0; i < schedule->count; i++) {
        struct node *node = &schedule->node[i];
        for (unsigned k = 0; k < AFTER_MAX && node->system.after[k] != NULL; k++) {
            unsigned before = find(schedule, node->system.after[k]);
            if (before == schedule->count)
                continue;
            schedule->node[before].enables[schedule->node[before].enables_count++] = i;
            node->after_count++;
        }
    }
    /* In a graph without a ring, taking away what waits for nothing again and again leaves nothing. */
    bool gone[SYSTEMS_MAX] = {false};
    unsigned waiting[SYSTEMS_MAX];
    for (unsigned i = 0; i < schedule->count; i++)
        waiting[i] = schedule->node[i].after_count;
    for (unsigned round = 0; round < schedule->count; round++)
        for (unsigned i = 0; i < schedule->count; i++)
            if (!gone[i] && waiting[i] == 0) {
                gone[i] = true;
                for (unsigned k = 0; k < schedule->node[i].enables_count; k++)
                    waiting[schedule->node[i].enables[k]]--;
            }
    for (unsigned i = 0; i < schedule->count; i++)
        if (!gone[i])
            return schedule->node[i].system.name;
    return NULL;
}

unsigned schedule_parts(const struct schedule *schedule) {
    return schedule->parts;
}

const struct system_time *schedule_time(const struct schedule *schedule, const char *name) {
    unsigned i = find(schedule, name);
    return i < schedule->count ? &schedule->node[i].time : NULL;
}

/* ---- the threads ---- */

struct schedule *schedule_start(struct engine *engine, unsigned threads) {
    PERF_SPAN("start_threads", "threads", threads);
    struct schedule *schedule = calloc(1, sizeof *schedule);
    if (schedule == NULL)
        return NULL;
    schedule->engine = engine;
    schedule->threads = 1;
    schedule->parts =
        threads == 1 ? 1 : 2 * threads; /* so that who is late does not keep the others waiting long */
    pthread_mutex_init(&schedule->lock, NULL);
    pthread_cond_init(&schedule->changed, NULL);
    pthread_mutex_lock(&schedule->lock); /* until their numbers are known */
    while (schedule->threads < threads &&
           pthread_create(&schedule->thread[schedule->threads], NULL, work, schedule) == 0)
        schedule->threads++;
    pthread_mutex_unlock(&schedule->lock);
    if (schedule->threads == threads)
        return schedule;
    schedule_stop(schedule);
    return NULL;
}

void schedule_stop(struct schedule *schedule) {
    if (schedule == NULL)
        return;
    pthread_mutex_lock(&schedule->lock);
    schedule->stop = true;
    pthread_cond_broadcast(&schedule->changed);
    pthread_mutex_unlock(&schedule->lock);
    for (unsigned i = 1; i < schedule->threads; i++)
        pthread_join(schedule->thread[i], NULL);
    pthread_cond_destroy(&schedule->changed);
    pthread_mutex_destroy(&schedule->lock);
    free(schedule);
}
