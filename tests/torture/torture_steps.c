/* A signal at every instruction: with the processor's trap flag set, each instruction of the recorder is followed by SIGTRAP,
 * whose handler records. The hot path and the cold one, a site's and a thread's first record, a change of segments, and
 * what is called from outside; and handlers that are interrupted at every instruction themselves. */
#define _GNU_SOURCE /* RTLD_NEXT, REG_EFL */
#define PERF_TRACE 1
#define PERF_TARGET "steps"
#include "perftrace.h"

#include "handled.h"

#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <ucontext.h>
#include <unistd.h>

#ifndef __x86_64__

int main(int argc, char **argv) {
    (void)argc;
    (void)argv;
    puts("left out: this processor's way of stepping is not known\n0 passed, 0 failed");
    return 77;
}

#else

#define TRAP_FLAG 0x100

static uint64_t *steps; /* shared with the test */

static void set_trap_flag(void) {
    __asm__ volatile(
        "lea -128(%%rsp), %%rsp\n\tpushfq\n\torq $0x100, (%%rsp)\n\tpopfq\n\tlea 128(%%rsp), %%rsp" ::
            : "memory", "cc");
}

static bool clear_trap_flag(void) {
    uint64_t flags;
    __asm__ volatile(
        "lea -128(%%rsp), %%rsp\n\tpushfq\n\tmov (%%rsp), %0\n\tandq $~0x100, (%%rsp)\n\tpopfq\n\tlea "
        "128(%%rsp), %%rsp"
        : "=r"(flags)
        :
        : "memory", "cc");
    return (flags & TRAP_FLAG) != 0;
}

/* ---- signals that are blocked ---- */

/* A trap while SIGTRAP is blocked ends the process. So it is not, and the handler does nothing instead, as would one that
 * waits. These two stand before those of libc. */
static __thread volatile bool traps_blocked;

int pthread_sigmask(int how, const sigset_t *set, sigset_t *old) {
    sigset_t without;
    bool blocked = traps_blocked;
    if (set != NULL) {
        without = *set;
        bool named = sigismember(set, SIGTRAP) == 1;
        sigdelset(&without, SIGTRAP);
        if (how == SIG_SETMASK ? named : how == SIG_BLOCK && named)
            traps_blocked = true;
    }
    long result = syscall(SYS_rt_sigprocmask, how, set != NULL ? &without : NULL, old, 8);
    if (old != NULL && blocked)
        sigaddset(old, SIGTRAP);
    if (set != NULL && how == SIG_SETMASK && sigismember(set, SIGTRAP) == 0)
        traps_blocked = false;
    return result == 0 ? 0 : errno;
}

/* libc's blocks signals by itself. */
int pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*main)(void *),
                   void *argument) {
    int (*real)(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);
    bool stepping = clear_trap_flag();
    *(void **)&real = dlsym(RTLD_NEXT, "pthread_create");
    int result = real(thread, attributes, main, argument);
    if (stepping)
        set_trap_flag();
    return result;
}

/* ---- handlers ---- */

static struct plan {
    void (*interrupted)(void);
    unsigned long every; /* at each n-th instruction */
    /* The handler is interrupted as well, at each n-th of its instructions; 0: it is not. */
    unsigned long deeper;
    bool not_yet; /* recording begins while stepping */
    /* The handler records more than its thread may have waiting, while there is a Chrome file, too. */
    bool floods;
    enum perftrace_when_full when_full;
} plan;
static __thread unsigned depth;
static __thread unsigned long since[2];

static void on_trap(int signal) {
    (void)signal;
    if (traps_blocked || depth == (plan.deeper > 0 ? 2 : 1) ||
        ++since[depth] % (depth == 0 ? plan.every : plan.deeper) != 0)
        return;
    int saved_errno = errno;
    depth++;
    __atomic_add_fetch(steps, 1, __ATOMIC_RELAXED);
    if (plan.deeper > 0 && depth == 1)
        set_trap_flag();
    handled_handle(depth);
    for (int i = 0; plan.floods && i < 40; i++)
        handled_parts[handled_part_count - 1]();
    if (plan.deeper > 0)
        clear_trap_flag();
    depth--;
    errno = saved_errno;
}

static void step_through(void (*what)(void)) {
    since[0] = since[1] = 0;
    set_trap_flag();
    what();
    clear_trap_flag();
}

static void start(void) {
    struct perftrace_config config = PERFTRACE_CONFIG_DEFAULT;
    config.chrome_output = plan.floods;
    config.thread_buffer_bytes = plan.floods ? 65536 : 0;
    config.when_full = plan.when_full;
    if (perftrace_init(&config) != 0)
        exit(90);
}

static void scenario(void *argument) {
    (void)argument;
    struct sigaction action = {.sa_handler = on_trap, .sa_flags = SA_NODEFER};
    sigaction(SIGTRAP, &action, NULL);
    if (!plan.not_yet)
        start();
    step_through(plan.interrupted);
}

/* ---- what is interrupted ---- */

static void (*part)(void);

/* The first time with sites and names that have never been reached, in a thread that has never recorded. */
static void twice(void) {
    part();
    part();
}

static void *in_thread(void *argument) {
    (void)argument;
    step_through(twice);
    return NULL;
}

static void in_new_threads(void) {
    clear_trap_flag();
    for (int i = 0; i < 2; i++) {
        pthread_t thread;
        pthread_create(&thread, NULL, in_thread, NULL);
        pthread_join(thread, NULL);
    }
}

/* A first segment and a change: a big event takes some 4 KiB. */
static void fill_segments(void) {
    for (int i = 0; i < 20; i++)
        handled_parts[handled_part_count - 1]();
}

static void flush(void) {
    handled_work();
    perftrace_flush();
    handled_work();
}

static void filter(void) {
    handled_work();
    perftrace_set_filter("handled=trace,elsewhere=off");
    struct perftrace_statistics statistics;
    perftrace_statistics(&statistics);
    handled_work();
}

static void names(void) {
    perftrace_thread_name("stepping");
    handled_work();
    perftrace_process_name("stepped");
    perftrace_track_create(PERFTRACE_TRACK_KIND_GPU, "queue");
    handled_work();
}

static void whole_life(void) {
    start();
    handled_work();
    perftrace_shutdown();
}

/* ---- cases ---- */

static void run(struct plan one, const struct handled_limits *limit, const char *what) {
    torture_fresh_folder();
    handled_reset();
    *steps = 0;
    plan = one;
    int status = torture_run(scenario, NULL, 300);
    torture_check(WIFEXITED(status) && WEXITSTATUS(status) == 0, "%s: status %x", what, (unsigned)status);
    torture_check(*steps > 20, "%s: %llu handlers", what, (unsigned long long)*steps);
    handled_check("trace.ptrace", limit);
}

static const struct handled_limits limits = {.lost_permille = 1};

static void parts(void) {
    uint64_t sum = 0;
    for (unsigned i = 0; i < handled_part_count; i++) {
        part = handled_parts[i];
        run((struct plan){.interrupted = in_new_threads, .every = 1, .when_full = PERFTRACE_FULL_WAIT},
            &limits, handled_part_names[i]);
        sum += *steps;
    }
    torture_note("%llu handlers", (unsigned long long)sum);
}

static void parts_two_deep(void) {
    uint64_t sum = 0;
    for (unsigned i = 0; i < handled_part_count; i++) {
        part = handled_parts[i];
        run((struct plan){.interrupted = in_new_threads, .every = torture_times(199, 11), .deeper = true},
            &limits, handled_part_names[i]);
        sum += *steps;
    }
    torture_note("%llu handlers", (unsigned long long)sum);
}

static void segment_changes(void) {
    static const enum perftrace_when_full modes[] = {PERFTRACE_FULL_DROP, PERFTRACE_FULL_WAIT,
                                                     PERFTRACE_FULL_OVERWRITE};
    for (unsigned i = 0; i < 3; i++)
        run((struct plan){.interrupted = fill_segments,
                          .every = torture_times(101, 3),
                          .when_full = modes[i]},
            &limits, "segments");
}

static void called_from_outside(void) {
    run((struct plan){.interrupted = flush, .every = 1}, &limits, "flush");
    run((struct plan){.interrupted = filter, .every = 1}, &limits, "set_filter");
    run((struct plan){.interrupted = names, .every = 1}, &limits, "names");
}

/* Nothing is to be left in the middle of a record: it would be given up before the handler has room for so much. */
static void nothing_but_a_flush(void) {
    clear_trap_flag();
    handled_work();
    set_trap_flag();
    perftrace_flush();
}

/* A handler that waits for the drainer, which waits for the lock that a flush waits with, if that is held then. */
static void waiting_in_a_flush(void) {
    static const struct handled_limits nothing;
    struct plan one = {.interrupted = nothing_but_a_flush,
                       .every = torture_times(5, 3),
                       .when_full = PERFTRACE_FULL_WAIT,
                       .floods = true};
    run(one, &nothing, "flush");
    torture_note("%llu handlers", (unsigned long long)*steps);
}

/* What handlers record before the beginning and after the end is not in the trace. */
static void beginning_and_end(void) {
    const struct handled_limits late = {.lost_permille = 1, .late = UINT32_MAX};
    run((struct plan){.interrupted = whole_life, .every = torture_times(7, 1), .not_yet = true}, &late,
        "life");
    torture_note("%llu handlers", (unsigned long long)*steps);
}

int main(int argc, char **argv) {
    steps = torture_shared(sizeof *steps);
    static const struct torture_case cases[] = {
        {"at each instruction", parts},
        {"at each instruction of the handler, too", parts_two_deep},
        {"changes of segments", segment_changes},
        {"functions", called_from_outside},
        {"a wait within a flush", waiting_in_a_flush},
        {"from beginning to end", beginning_and_end},
    };
    return torture_main(argc, argv, cases, sizeof cases / sizeof cases[0]);
}

#endif
