/* Threads in every number and at every moment: many at once, many one after the other, at the process's beginning and end, cancelled,
 * on other stacks. */
#define _GNU_SOURCE
#define PERF_TRACE 1
#define PERF_TARGET "torture"
#include "perftrace.h"
#include "torture.h"

#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>

static struct {
    uint64_t made;
    unsigned count;
    bool stop, flag;
    long own_kb_before, own_kb_after;
    double exit_began;
} * told;

static void init(bool chrome) {
    struct perftrace_config config = PERFTRACE_CONFIG_DEFAULT;
    config.chrome_output = chrome;
    if (perftrace_init(&config) != 0)
        exit(90);
}

/* Each thread leaves a segment: where threads come and go fast, the drainer falls behind. */
static void init_waiting(void) {
    struct perftrace_config config = PERFTRACE_CONFIG_DEFAULT;
    config.chrome_output = false;
    config.when_full = PERFTRACE_FULL_WAIT;
    if (perftrace_init(&config) != 0)
        exit(90);
}

static void record(unsigned count) {
    for (unsigned i = 0; i < count; i++) {
        PERF_SPAN("work", "i", i);
        __atomic_add_fetch(&told->made, 1, __ATOMIC_RELAXED);
    }
}

static void pause_ms(long ms) {
    nanosleep(&(struct timespec){ms / 1000, ms % 1000 * 1000000}, NULL);
}

/* What the process has in memory of its own; of the rings there is as much as waits, within process_buffer_bytes. */
static long own_kb(void) {
    char line[256];
    long kb = -1;
    FILE *file = fopen("/proc/self/status", "r");
    while (file != NULL && kb < 0 && fgets(line, sizeof line, file) != NULL)
        if (sscanf(line, "RssAnon: %ld", &kb) != 1)
            kb = -1;
    if (kb < 0)
        exit(92);
    fclose(file);
    return kb;
}

/* Runs it, and checks that all that was made is in the trace or counted. */
static struct torture_trace run(void (*scenario)(void *), void *argument, bool finished) {
    torture_fresh_folder();
    memset(told, 0, sizeof *told);
    told->count = argument != NULL ? *(unsigned *)argument : 0;
    int status = torture_run(scenario, argument, 120);
    torture_check(status == 0, "status %x", (unsigned)status);
    struct torture_trace trace = torture_read_intact("trace.ptrace", NULL, NULL);
    torture_check(trace.info.finished == finished, "finished: %d", trace.info.finished);
    torture_check(trace.ended + trace.lost == told->made, "%llu spans and %llu lost, of %llu",
                  (unsigned long long)trace.ended, (unsigned long long)trace.lost,
                  (unsigned long long)told->made);
    return trace;
}

/* ---- many, one after the other ---- */

static void *short_thread(void *argument) {
    record(3);
    return argument;
}

static void many_short(void *argument) {
    unsigned count = *(unsigned *)argument;
    init_waiting();
    for (unsigned i = 0; i < count; i += 4) {
        pthread_t threads[4];
        for (int k = 0; k < 4; k++)
            pthread_create(&threads[k], NULL, short_thread, NULL);
        for (int k = 0; k < 4; k++)
            pthread_join(threads[k], NULL);
        if (i == count / 10 / 4 * 4)
            told->own_kb_before = own_kb();
    }
    told->own_kb_after = own_kb();
}

static void short_threads(void) {
    unsigned count = (unsigned)torture_times(8000, 100000);
    struct torture_trace trace = run(many_short, &count, true);
    struct stat status = {0};
    stat("trace.ptrace", &status);
    long grown = told->own_kb_after - told->own_kb_before;
    torture_check(trace.tracks == count && trace.lost == 0, "%llu tracks, %llu lost",
                  (unsigned long long)trace.tracks, (unsigned long long)trace.lost);
    /* An ended thread's page is kept while its segment waits, of which there are 1,024: that is 4 MiB, not a page a thread. */
    torture_check(grown < 4096 + 2048, "the process grew by %ld kB", grown);
    torture_check(status.st_size / count < 400, "%ld bytes a thread", (long)status.st_size / count);
    torture_note("%u threads, %ld bytes each, %ld kB more", count, (long)status.st_size / count, grown);
}

/* ---- many at once ---- */

static pthread_barrier_t barrier;

static void *one_of_many(void *argument) {
    record(5);
    pthread_barrier_wait(&barrier); /* now all of them have begun */
    record(5);
    return argument;
}

static void many_at_once(void *argument) {
    unsigned count = *(unsigned *)argument;
    pthread_t *threads = calloc(count, sizeof *threads);
    pthread_attr_t attributes;
    struct perftrace_config config = PERFTRACE_CONFIG_DEFAULT;
    config.chrome_output = false;
    config.when_full = told->flag ? PERFTRACE_FULL_WAIT : PERFTRACE_FULL_DROP;
    if (perftrace_init(&config) != 0)
        exit(90);
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, 65536);
    pthread_barrier_init(&barrier, NULL, count);
    for (unsigned i = 0; i < count; i++)
        if (pthread_create(&threads[i], &attributes, one_of_many, NULL) != 0)
            exit(91);
    for (unsigned i = 0; i < count; i++)
        pthread_join(threads[i], NULL);
    free(threads);
}

static void threads_at_once(void) {
    unsigned few = 900, many = 1500; /* there are segments for 1,024 */
    struct torture_trace trace = run(many_at_once, &few, true);
    torture_check(trace.lost == 0, "%llu lost", (unsigned long long)trace.lost);
    trace = run(many_at_once, &many, true);
    torture_check(trace.lost > 0, "nothing lost of more threads than there are segments");
    torture_note("of %u threads %llu of %llu spans lost", many, (unsigned long long)trace.lost,
                 (unsigned long long)told->made);
}

/* ---- the end ---- */

static void *record_on(void *argument) {
    (void)argument;
    while (!__atomic_load_n(&told->stop, __ATOMIC_RELAXED)) {
        for (int i = 0; i < 50; i++) {
            PERF_SPAN("busy");
            PERF_EVENT("event");
        }
        nanosleep(&(struct timespec){0, 1000000}, NULL);
    }
    return NULL;
}

static void *exit_here(void *argument) {
    (void)argument;
    pause_ms(50);
    told->exit_began = torture_now();
    exit(0);
}

static void exits_in_the_middle(void *argument) {
    bool in_thread = argument != NULL;
    pthread_t thread;
    init(false);
    for (int i = 0; i < 64; i++)
        pthread_create(&thread, NULL, record_on, NULL);
    record(100);
    if (in_thread) {
        pthread_create(&thread, NULL, exit_here, NULL);
        pause();
    }
    exit_here(NULL);
}

static void exit_in_the_middle(void) {
    double slowest = 0;
    for (unsigned long i = 0; i < torture_times(4, 40); i++) {
        torture_fresh_folder();
        memset(told, 0, sizeof *told);
        int status = torture_run(exits_in_the_middle, i % 2 == 0 ? NULL : told, 30);
        double took = torture_now() - told->exit_began;
        slowest = took > slowest ? took : slowest;
        torture_check(status == 0, "status %x", (unsigned)status);
        torture_check(took < 1, "it took %.2f s", took);
        struct torture_trace trace = torture_read_intact("trace.ptrace", NULL, NULL);
        torture_check(trace.info.finished && trace.ended >= 100, "finished: %d, %llu spans",
                      trace.info.finished, (unsigned long long)trace.ended);
    }
    torture_note("%.2f s at most", slowest);
}

static void at_the_end(void) {
    record(1);
    fputs("atexit", stdout);
}

static void *goes_on(void *argument) {
    pause_ms(50);
    record(100);
    return argument;
}

static void main_leaves(void *argument) {
    pthread_t thread;
    (void)argument;
    if (freopen("output", "w", stdout) == NULL)
        exit(93);
    init(true);
    atexit(at_the_end); /* runs before the recording ends */
    pthread_create(&thread, NULL, goes_on, NULL);
    pthread_exit(NULL); /* the process ends with the other thread, and with status 0 */
}

static void main_thread_leaves(void) {
    struct torture_trace trace = run(main_leaves, NULL, true);
    char text[16] = "";
    FILE *file = fopen("output", "r");
    torture_check(trace.ended >= 100, "%llu spans", (unsigned long long)trace.ended);
    torture_check(file != NULL && fgets(text, sizeof text, file) != NULL && strcmp(text, "atexit") == 0,
                  "what atexit had registered wrote \"%s\"", text);
    if (file != NULL)
        fclose(file);
}

/* ---- before main, and after it ---- */

static pthread_key_t key;

static void record_in_destructor(void *pointer) {
    uintptr_t left = (uintptr_t)pointer;
    record(2);
    if (left > 1) /* once more, after the recorder's own */
        pthread_setspecific(key, (void *)(left - 1));
}

static void *with_destructor(void *argument) {
    pthread_setspecific(key, (void *)(uintptr_t)4);
    record(1);
    return argument;
}

static void destructors(void *argument) {
    unsigned count = *(unsigned *)argument;
    pthread_key_create(&key, record_in_destructor);
    init_waiting();
    atexit(at_the_end);
    for (unsigned i = 0; i < count; i++) {
        pthread_t thread;
        pthread_create(&thread, NULL, with_destructor, NULL);
        pthread_join(thread, NULL);
    }
}

static void in_destructors(void) {
    unsigned count = (unsigned)torture_times(300, 3000);
    struct torture_trace trace = run(destructors, &count, true);
    torture_check(trace.lost == 0, "%llu lost", (unsigned long long)trace.lost);
}

/* ---- cancelled ---- */

static void *cancelled_thread(void *argument) {
    int type;
    pthread_setcanceltype(argument != NULL ? PTHREAD_CANCEL_ASYNCHRONOUS : PTHREAD_CANCEL_DEFERRED, &type);
    for (;;) {
        PERF_SPAN("until cancelled");
        PERF_EVENT("with a text", "text", "that is copied while somebody cancels the thread");
        if (argument == NULL)
            pthread_testcancel();
    }
    return NULL;
}

static void cancels(void *argument) {
    unsigned count = *(unsigned *)argument;
    init(false);
    for (unsigned i = 0; i < count; i++) {
        pthread_t thread;
        pthread_create(&thread, NULL, cancelled_thread, i % 2 == 0 ? told : NULL);
        nanosleep(&(struct timespec){0, 50000 + (long)(i * 7919 % 1000) * 1000}, NULL);
        pthread_cancel(thread);
        pthread_join(thread, NULL);
        record(1); /* nobody holds a lock */
    }
}

static void cancelled(void) {
    unsigned count = (unsigned)torture_times(400, 5000);
    torture_fresh_folder();
    memset(told, 0, sizeof *told);
    int status = torture_run(cancels, &count, 120);
    torture_check(status == 0, "status %x", (unsigned)status);
    struct torture_trace trace = torture_read_intact("trace.ptrace", NULL, NULL);
    torture_check(trace.info.finished && trace.ended >= count, "finished: %d, %llu spans",
                  trace.info.finished, (unsigned long long)trace.ended);
    torture_note("%llu spans, %llu unfinished, %llu lost", (unsigned long long)trace.ended,
                 (unsigned long long)trace.unfinished, (unsigned long long)trace.lost);
}

/* ---- other stacks ---- */

enum { FIBERS = 4 };
static ucontext_t scheduler, fibers[FIBERS];
static char stacks[FIBERS][65536];

static void be_fiber(int number) {
    for (int i = 0; i < 1000; i++) {
        PERF_SPAN("fiber", "number", number);
        told->made++;
        swapcontext(&fibers[number], &scheduler);
        PERF_EVENT("on");
    }
}

static void *run_fibers(void *argument) {
    for (int i = 0; i < 500; i++)
        for (int k = 0; k < FIBERS; k++)
            swapcontext(&scheduler, &fibers[(k * 3 + i) % FIBERS]);
    return argument;
}

static void switches(void *argument) {
    pthread_t thread;
    (void)argument;
    init(false);
    for (int i = 0; i < FIBERS; i++) {
        getcontext(&fibers[i]);
        fibers[i].uc_stack.ss_sp = stacks[i];
        fibers[i].uc_stack.ss_size = sizeof stacks[i];
        fibers[i].uc_link = &scheduler;
        makecontext(&fibers[i], (void (*)(void))be_fiber, 1, i);
    }
    run_fibers(NULL);
    pthread_create(&thread, NULL, run_fibers, NULL); /* the same contexts, now in another thread */
    pthread_join(thread, NULL);
    record(10);
}

static jmp_buf outside;

__attribute__((noinline)) static void jump_out(int depth) {
    PERF_SPAN("jumped out of", "depth", depth);
    told->made++;
    if (told->flag) /* never: it is for compilers that see a recursion without an end */
        return;
    if (depth == 0)
        longjmp(outside, 1);
    jump_out(depth - 1);
}

__attribute__((noinline)) static void come_back(int depth) {
    if (setjmp(outside) == 0)
        jump_out(depth);
}

static void jumps(void *argument) {
    (void)argument;
    init(false);
    for (int i = 0; i < 2000; i++) {
        PERF_SPAN("around");
        told->made++;
        come_back(i % 100); /* depths are told modulo 256 */
        record(1);
    }
}

static void other_stacks(void) {
    void (*const scenarios[])(void *) = {switches, jumps};
    for (int i = 0; i < 2; i++) {
        torture_fresh_folder();
        memset(told, 0, sizeof *told);
        int status = torture_run(scenarios[i], NULL, 60);
        torture_check(status == 0, "status %x", (unsigned)status);
        /* Of contexts that change places the reader says that ends are without beginnings; nothing else is wrong. */
        struct torture_trace trace = i == 0 ? torture_read("trace.ptrace", NULL, NULL)
                                            : torture_read_intact("trace.ptrace", NULL, NULL);
        torture_check(trace.error == 0 && trace.info.finished && trace.lost == 0 && trace.backwards == 0,
                      "finished: %d, %llu lost", trace.info.finished, (unsigned long long)trace.lost);
        torture_check(i == 1 || trace.damages == 0 || strstr(trace.first_damage, "ends of spans") != NULL,
                      "%s", trace.first_damage);
        torture_check(trace.begun == told->made && trace.ended + trace.unfinished == told->made,
                      "%llu begun, %llu ended, %llu unfinished, of %llu", (unsigned long long)trace.begun,
                      (unsigned long long)trace.ended, (unsigned long long)trace.unfinished,
                      (unsigned long long)told->made);
    }
}

int main(int argc, char **argv) {
    static const struct torture_case cases[] = {
        {"short threads", short_threads},
        {"many threads at once", threads_at_once},
        {"exit with 64 threads recording", exit_in_the_middle},
        {"main's thread leaves", main_thread_leaves},
        {"in destructors", in_destructors},
        {"cancelled", cancelled},
        {"other stacks, and jumps", other_stacks},
    };
    told = torture_shared(sizeof *told);
    return torture_main(argc, argv, cases, sizeof cases / sizeof cases[0]);
}
