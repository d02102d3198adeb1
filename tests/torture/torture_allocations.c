/* Each allocation, and each start of a thread, that the recorder asks the C library for fails in turn: the program does not notice,
 * the trace is readable, and all that was recorded is in it or counted as lost. Linked with --wrap for these functions. */
#include "subject.h"
#include "torture.h"

#include <errno.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#define MORE_MEMORY_KIB (8 << 10)

enum which { ALLOCATIONS, THREADS };

/* Shared with the program that fails. */
static struct {
    bool armed; /* in the child, once the recorder may be at work */
    enum which which;
    bool from_then_on;
    unsigned nth;           /* fails; 0: none */
    unsigned calls, failed; /* (atomic) */
} * plan;

static bool fails(enum which which) {
    if (plan == NULL || !plan->armed || plan->which != which)
        return false;
    unsigned call = __atomic_add_fetch(&plan->calls, 1, __ATOMIC_RELAXED);
    bool due = plan->nth != 0 && (plan->from_then_on ? call >= plan->nth : call == plan->nth);
    __atomic_add_fetch(&plan->failed, due, __ATOMIC_RELAXED);
    return due;
}

void *__real_malloc(size_t bytes);
void *__real_calloc(size_t count, size_t bytes);
void *__real_realloc(void *memory, size_t bytes);
int __real_pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*function)(void *),
                          void *argument);
void *__wrap_malloc(size_t bytes);
void *__wrap_calloc(size_t count, size_t bytes);
void *__wrap_realloc(void *memory, size_t bytes);
int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*function)(void *),
                          void *argument);

static void *no_memory(void) {
    errno = ENOMEM;
    return NULL;
}

void *__wrap_malloc(size_t bytes) {
    return fails(ALLOCATIONS) ? no_memory() : __real_malloc(bytes);
}

void *__wrap_calloc(size_t count, size_t bytes) {
    return fails(ALLOCATIONS) ? no_memory() : __real_calloc(count, bytes);
}

void *__wrap_realloc(void *memory, size_t bytes) {
    return fails(ALLOCATIONS) ? no_memory() : __real_realloc(memory, bytes);
}

int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*function)(void *),
                          void *argument) {
    return fails(THREADS) ? EAGAIN : __real_pthread_create(thread, attributes, function, argument);
}

static void run_armed(void *argument) {
    subject.prepare(argument);
    plan->armed = true;
    subject.run(argument);
}

static void try_plan(const char *what, long memory_kib, bool log) {
    const struct subject_excuse excuse = {.memory_kib = memory_kib, .losses = plan->nth != 0};
    subject_reset(log);
    plan->armed = false;
    plan->calls = plan->failed = 0;
    double begin = torture_now();
    pid_t pid = torture_start(run_armed, NULL);
    int status = torture_wait(pid, 2 * SUBJECT_SECONDS);
    plan->armed = false;
    subject_check(what, pid, status, torture_now() - begin, &excuse);
}

/* `apart`: so many calls lie between two that fail. */
static void fail_in_turn(enum which which, bool log, bool from_then_on, unsigned apart) {
    if (plan == NULL)
        plan = torture_shared(sizeof *plan);
    plan->which = which;
    plan->from_then_on = from_then_on;
    plan->nth = 0;
    try_plan("no fault", 0, log);
    unsigned calls = plan->calls, failed = 0, runs = 0;
    long memory_kib = subject_told->memory_kib + MORE_MEMORY_KIB;
    torture_check(calls > 0 && subject_told->statistics.recorded == subject_told->made,
                  "without a fault: %u calls, init gave %d", calls, subject_told->init_result);
    for (unsigned nth = 1; nth <= calls; nth += 1 + (unsigned)rand() % (2 * apart - 1)) {
        char what[96];
        plan->nth = nth;
        snprintf(what, sizeof what, "%s %u of %u%s", which == THREADS ? "thread" : "allocation", nth, calls,
                 from_then_on ? " and all after it" : "");
        try_plan(what, memory_kib, log);
        failed += plan->failed > 0;
        runs++;
    }
    torture_note("%u calls, %u runs, %u with faults", calls, runs, failed);
    torture_check(failed >= runs / 2, "only %u of %u faults were met with", failed, runs);
}

static unsigned apart(void) {
    srand(1);
    return (unsigned)torture_times(4, 1);
}

static void one_allocation(void) {
    fail_in_turn(ALLOCATIONS, false, false, apart());
    fail_in_turn(ALLOCATIONS, true, false, apart());
}

static void all_from_some_moment_on(void) {
    fail_in_turn(ALLOCATIONS, false, true, apart());
    fail_in_turn(ALLOCATIONS, true, true, apart());
}

static void threads(void) {
    fail_in_turn(THREADS, false, false, 1);
    fail_in_turn(THREADS, true, false, 1);
    fail_in_turn(THREADS, false, true, 1);
    fail_in_turn(THREADS, true, true, 1);
}

int main(int argc, char **argv) {
    static const struct torture_case cases[] = {
        {"one allocation fails", one_allocation},
        {"allocations fail from some moment on", all_from_some_moment_on},
        {"threads can't be started", threads},
    };
    return torture_main(argc, argv, cases, sizeof cases / sizeof cases[0]);
}
