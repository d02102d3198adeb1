/* Slices of the floor and of a loop in turns (measure.h). */
#define _GNU_SOURCE /* sched_setaffinity */
#include "measure.h"

#include "floor.h"

#include <inttypes.h>
#include <pthread.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define SLICES_MAX 1000

static cpu_set_t allowed; /* as the program was started */
static struct team {
    const struct measure_plan *plan;
    pthread_barrier_t start, end;
    /* Threads that are about to begin: they go when all are there, without a system call between. */
    unsigned waiting;
    void (*loop)(uint64_t count); /* NULL: no more */
    double ns[MEASURE_THREADS_MAX];
} team;

/* The first processors that the program may use, in order. Returns how many of the wanted there are. */
static unsigned first_processors(unsigned wanted, cpu_set_t *set) {
    if (CPU_COUNT(&allowed) == 0)
        sched_getaffinity(0, sizeof allowed, &allowed);
    unsigned found = 0;
    CPU_ZERO(set);
    for (unsigned i = 0; i < CPU_SETSIZE && found < wanted; i++)
        if (CPU_ISSET(i, &allowed)) {
            CPU_SET(i, set);
            found++;
        }
    return found;
}

int measure_step_aside(unsigned threads) {
    cpu_set_t taken, others;
    if (first_processors(threads, &taken) < threads)
        return -1;
    CPU_XOR(&others, &allowed, &taken);
    if (CPU_COUNT(&others) > 0)
        sched_setaffinity(0, sizeof others, &others);
    return 0;
}

void measure_pin(unsigned index) {
    cpu_set_t before, set;
    first_processors(index, &before);
    first_processors(index + 1, &set);
    CPU_XOR(&set, &set, &before);
    sched_setaffinity(0, sizeof set, &set);
}

static double now_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

static void *member(void *argument) {
    double *ns = argument;
    measure_pin((unsigned)(ns - team.ns));
    for (;;) {
        pthread_barrier_wait(&team.start);
        if (team.loop == NULL)
            return NULL;
        __atomic_sub_fetch(&team.waiting, 1, __ATOMIC_ACQ_REL);
        while (__atomic_load_n(&team.waiting, __ATOMIC_ACQUIRE) != 0)
            continue;
        double start = now_ns();
        team.loop(team.plan->length);
        *ns = now_ns() - start;
        pthread_barrier_wait(&team.end);
    }
}

/* One slice on all threads: nanoseconds of one pass. */
static double slice(void (*loop)(uint64_t count)) {
    team.loop = loop;
    team.waiting = team.plan->threads;
    pthread_barrier_wait(&team.start);
    if (loop == NULL)
        return 0;
    pthread_barrier_wait(&team.end);
    double sum = 0;
    for (unsigned i = 0; i < team.plan->threads; i++)
        sum += team.ns[i];
    return sum / team.plan->threads / (double)team.plan->length;
}

static double slice_of_loop(void) {
    const struct measure_plan *plan = team.plan;
    if (plan->before != NULL)
        plan->before();
    double ns = slice(plan->loop);
    if (plan->after != NULL)
        plan->after();
    return ns;
}

static void print_numbers(const char *name, const double *numbers, unsigned count) {
    printf("\"%s\":[", name);
    for (unsigned i = 0; i < count; i++)
        printf("%s%.4f", i > 0 ? "," : "", numbers[i]);
    printf("]");
}

int measure_print(const struct measure_plan *plan) {
    static double floors[SLICES_MAX + 1], loops[SLICES_MAX];
    pthread_t threads[MEASURE_THREADS_MAX];
    if (plan->slices > SLICES_MAX || plan->threads < 1 || plan->threads > MEASURE_THREADS_MAX) {
        fprintf(stderr, "at most %d slices and %d threads\n", SLICES_MAX, MEASURE_THREADS_MAX);
        return -1;
    }
    team.plan = plan;
    pthread_barrier_init(&team.start, NULL, plan->threads + 1);
    pthread_barrier_init(&team.end, NULL, plan->threads + 1);
    for (unsigned i = 0; i < plan->threads; i++)
        if (pthread_create(&threads[i], NULL, member, &team.ns[i]) != 0) {
            fprintf(stderr, "no thread to be had\n");
            return -1;
        }
    slice(floor_spans); /* once each without being looked at: pages and predictors get warm */
    slice_of_loop();
    for (unsigned i = 0; i < plan->slices; i++) {
        floors[i] = slice(floor_spans);
        loops[i] = slice_of_loop();
    }
    floors[plan->slices] = slice(floor_spans);
    slice(NULL);
    for (unsigned i = 0; i < plan->threads; i++)
        pthread_join(threads[i], NULL);
    print_numbers("floor_ns", floors, plan->slices + 1);
    printf(",");
    print_numbers("loop_ns", loops, plan->slices);
    return 0;
}

static void let_consume(void) {
    usleep(20000);
}

int measure_consumed(void (*loop)(uint64_t count), uint64_t length, unsigned slices, unsigned threads) {
    const struct measure_plan plan = {
        .loop = loop, .length = length, .slices = slices, .threads = threads, .after = let_consume};
    if (measure_step_aside(threads) != 0) {
        fprintf(stderr, "fewer processors than threads\n");
        return 2;
    }
    printf("{");
    if (measure_print(&plan) != 0)
        return 2;
    printf(",\"passes\":%" PRIu64 "}\n", (slices + 1) * length * threads);
    return 0;
}
