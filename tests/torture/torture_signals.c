/* Handlers that record, three deep, ten thousand times a second: in each way of being full, in threads that begin, during the
 * functions, on small stacks, as the first of all, and such that leave by siglongjmp in the middle of a record. */
#define PERF_TRACE 1
#define PERF_TARGET "signals"
#include "perftrace.h"

#include "handled.h"

#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#ifndef AT_MINSIGSTKSZ
#define AT_MINSIGSTKSZ 51
#endif
#ifndef sigev_notify_thread_id
#define sigev_notify_thread_id _sigev_un._tid
#endif

enum {
    THREADS = 2,
    TIMERS = 3,
    STACK_BYTES = 4096 /* beyond what the kernel needs: docs/guide.md says so */
};

static struct {
    enum perftrace_when_full when_full;
    uint32_t thread_buffer_bytes;
} plan;
static volatile int stop;
static uint64_t *jumps; /* shared with the test */

/* ---- handlers and timers ---- */

static void on_signal(int signal) {
    int saved_errno = errno;
    handled_handle((unsigned)(signal - SIGRTMIN) + 1);
    errno = saved_errno;
}

/* A stack that ends where memory ends, for each of the handlers that may be on it at a time. */
static void use_small_stack(unsigned handlers) {
    size_t least = getauxval(AT_MINSIGSTKSZ) != 0 ? getauxval(AT_MINSIGSTKSZ) : MINSIGSTKSZ;
    size_t page = 4096, bytes = handlers * (least + STACK_BYTES), whole = (bytes + page - 1) / page * page;
    char *memory = mmap(NULL, whole + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED || mprotect(memory, page, PROT_NONE) != 0)
        exit(91);
    /* The kernel begins at the end; what is less than a page is cut off there. */
    stack_t stack = {.ss_sp = memory + page, .ss_size = bytes};
    if (sigaltstack(&stack, NULL) != 0)
        exit(92);
}

static void catch_signals(void (*handler)(int), int flags) {
    struct sigaction action = {.sa_handler = handler, .sa_flags = flags | SA_RESTART};
    sigemptyset(&action.sa_mask); /* they interrupt each other */
    for (int i = 0; i < TIMERS; i++)
        sigaction(SIGRTMIN + i, &action, NULL);
}

/* Each timer of the calling thread's has its signal; together they come ten thousand times a second. */
static void start_timers(timer_t timers[TIMERS]) {
    static const long intervals_ns[TIMERS] = {160000, 310000, 470000};
    for (int i = 0; i < TIMERS; i++) {
        struct sigevent event = {.sigev_notify = SIGEV_THREAD_ID, .sigev_signo = SIGRTMIN + i};
        event.sigev_notify_thread_id = (pid_t)syscall(SYS_gettid);
        struct itimerspec when = {{0, intervals_ns[i]}, {0, intervals_ns[i]}};
        if (timer_create(CLOCK_MONOTONIC, &event, &timers[i]) != 0 ||
            timer_settime(timers[i], 0, &when, NULL) != 0)
            exit(93);
    }
}

static void stop_timers(timer_t timers[TIMERS]) {
    for (int i = 0; i < TIMERS; i++)
        timer_delete(timers[i]);
}

static void start(void) {
    struct perftrace_config config = PERFTRACE_CONFIG_DEFAULT;
    config.chrome_output = false;
    config.when_full = plan.when_full;
    config.thread_buffer_bytes = plan.thread_buffer_bytes;
    if (perftrace_init(&config) != 0)
        exit(90);
}

static uint64_t check(int status, const struct handled_limits *limits) {
    torture_check(WIFEXITED(status) && WEXITSTATUS(status) == 0, "status %x", (unsigned)status);
    struct torture_trace trace = handled_check("trace.ptrace", limits);
    for (unsigned level = 1; level <= TIMERS; level++)
        torture_check(handled_runs(level) > 0, "no handler of level %u ran", level);
    torture_note("%llu handlers, %llu of %llu records lost",
                 (unsigned long long)(handled_runs(1) + handled_runs(2) + handled_runs(3)),
                 (unsigned long long)trace.lost, (unsigned long long)handled_made());
    return trace.lost;
}

/* ---- storms ---- */

static void *work(void *argument) {
    (void)argument;
    timer_t timers[TIMERS];
    use_small_stack(TIMERS);
    start_timers(timers);
    while (!stop)
        for (int i = 0; i < 20; i++)
            handled_work();
    stop_timers(timers);
    return NULL;
}

static void storm(void *argument) {
    (void)argument;
    catch_signals(on_signal, SA_ONSTACK);
    start();
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++)
        pthread_create(&threads[i], NULL, work, NULL);
    double end = torture_now() + (double)torture_times(300, 10000) / 1000;
    for (int i = 0; torture_now() < end; i++) {
        struct perftrace_statistics statistics;
        perftrace_statistics(&statistics);
        perftrace_set_filter(i % 2 == 0 ? "handled" : NULL);
        perftrace_flush();
        nanosleep(&(struct timespec){0, 1000000}, NULL);
    }
    stop = 1;
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
}

static void run_storm(enum perftrace_when_full when_full, uint32_t bytes, unsigned lost_permille) {
    torture_fresh_folder();
    handled_reset();
    plan.when_full = when_full;
    plan.thread_buffer_bytes = bytes;
    check(torture_run(storm, NULL, 60), &(struct handled_limits){.lost_permille = lost_permille});
}

static void waiting(void) {
    run_storm(PERFTRACE_FULL_WAIT, 0, 1);
}

static void waiting_for_one_segment(void) {
    run_storm(PERFTRACE_FULL_WAIT, 65536, 1);
}

static void dropping(void) {
    run_storm(PERFTRACE_FULL_DROP, 2 << 20, 1000);
}

/* ---- threads that begin ---- */

static void *short_life(void *argument) {
    (void)argument;
    timer_t timers[TIMERS];
    start_timers(timers);
    for (int i = 0; i < 3; i++)
        handled_work();
    stop_timers(timers);
    return NULL;
}

static void many_threads(void *argument) {
    (void)argument;
    catch_signals(on_signal, 0);
    plan.when_full = PERFTRACE_FULL_WAIT;
    start();
    for (unsigned long i = 0; i < torture_times(200, 4000); i++) {
        pthread_t thread;
        pthread_create(&thread, NULL, short_life, NULL);
        pthread_join(thread, NULL);
    }
    pthread_t last; /* so that each level has run */
    pthread_create(&last, NULL, work, NULL);
    nanosleep(&(struct timespec){0, 20000000}, NULL);
    stop = 1;
    pthread_join(last, NULL);
}

static void threads_that_begin(void) {
    torture_fresh_folder();
    handled_reset();
    check(torture_run(many_threads, NULL, 120), &(struct handled_limits){.lost_permille = 1});
}

/* The very first of everything, on a small stack: the sites', the names', the thread's. */
static void *only_handlers(void *argument) {
    (void)argument;
    use_small_stack(TIMERS);
    for (int i = 0; i < TIMERS; i++)
        raise(SIGRTMIN + i);
    return NULL;
}

static void first_in_handlers(void *argument) {
    (void)argument;
    catch_signals(on_signal, SA_ONSTACK);
    start();
    pthread_t thread;
    pthread_create(&thread, NULL, only_handlers, NULL);
    pthread_join(thread, NULL);
}

static void first_of_all(void) {
    static const struct handled_limits nothing;
    torture_fresh_folder();
    handled_reset();
    plan.when_full = PERFTRACE_FULL_DROP;
    check(torture_run(first_in_handlers, NULL, 30), &nothing);
}

/* ---- jumps ---- */

static sigjmp_buf back;
static volatile sig_atomic_t may_jump;

static void on_signal_jump(int signal) {
    handled_handle((unsigned)(signal - SIGRTMIN) + 1);
    if (!may_jump)
        return;
    may_jump = 0;
    siglongjmp(back, 1);
}

static void record_and_be_thrown_out(void) {
    if (sigsetjmp(back, 1) != 0) {
        ++*jumps;
        return;
    }
    may_jump = 1;
    while (may_jump)
        for (unsigned i = 1; i < handled_part_count; i++)
            handled_parts[i]();
    for (;;) /* it is on its way */
        handled_work();
}

/* Each handler may throw out of the record that it came in the middle of, and of one of another handler. */
static void jump(void *argument) {
    (void)argument;
    plan.when_full = PERFTRACE_FULL_WAIT;
    catch_signals(on_signal_jump, 0);
    start();
    timer_t timers[TIMERS];
    start_timers(timers);
    for (unsigned long i = 0; i < torture_times(500, 20000); i++)
        record_and_be_thrown_out();
    stop_timers(timers);
    for (int i = 0; i < 100; i++) {
        PERF_EVENT("afterwards");
    }
}

static void hear_afterwards(void *count, const struct perftrace_item *item) {
    if (item->kind == PERFTRACE_ITEM_EVENT && torture_is_named(item, "afterwards"))
        ++*(uint64_t *)count;
}

static void jumps_out(void) {
    uint64_t afterwards = 0;
    torture_fresh_folder();
    handled_reset();
    *jumps = 0;
    int status = torture_run(jump, NULL, 120);
    /* A jump leaves up to four levels in the middle of a record. */
    check(status, &(struct handled_limits){.jumped = *jumps * 4, .lost_permille = 1});
    torture_read("trace.ptrace", hear_afterwards, &afterwards);
    torture_check(afterwards == 100, "%llu of 100 records after the last jump",
                  (unsigned long long)afterwards);
    torture_check(*jumps > 100, "%llu jumps", (unsigned long long)*jumps);
    torture_note("%llu jumps", (unsigned long long)*jumps);
}

/* ---- errno ---- */

static int changes;

static void part_with_errno(unsigned i) {
    errno = 12345;
    handled_parts[i]();
    changes += errno != 12345;
}

static void record_with_errno(void *argument) {
    (void)argument;
    plan = (__typeof__(plan)){PERFTRACE_FULL_DROP, 65536};
    for (unsigned i = 0; i < handled_part_count; i++)
        part_with_errno(i);
    handled_reset();
    start();
    for (int round = 0; round < 2000; round++)
        for (unsigned i = 0; i < handled_part_count; i++)
            part_with_errno(i);
    exit(changes > 100 ? 100 : changes);
}

static void keeps_errno(void) {
    torture_fresh_folder();
    handled_reset();
    int status = torture_run(record_with_errno, NULL, 30);
    torture_check(WIFEXITED(status) && WEXITSTATUS(status) == 0, "errno changed: status %x",
                  (unsigned)status);
}

int main(int argc, char **argv) {
    jumps = torture_shared(sizeof *jumps);
    static const struct torture_case cases[] = {
        {"three deep, waiting", waiting},
        {"three deep, waiting for the only segment", waiting_for_one_segment},
        {"three deep, dropping", dropping},
        {"threads that begin", threads_that_begin},
        {"the first of all in a handler", first_of_all},
        {"jumps", jumps_out},
        {"errno", keeps_errno},
    };
    return torture_main(argc, argv, cases, sizeof cases / sizeof cases[0]);
}
