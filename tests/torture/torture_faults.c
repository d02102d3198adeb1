/* Each system call that the recorder makes fails in turn: the program does not notice, the trace is readable, and all that
 * was recorded is in it or counted as lost. Which calls there are is found out by a run without faults. */
#include "inject.h"
#include "subject.h"
#include "torture.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>

/* Memory that a run with a fault may need beyond one without: an arena of malloc's, at most. */
#define MORE_MEMORY_KIB (8 << 10)
#define WRITES 40 /* so many calls of writev, or more, fail one by one */

static struct inject_seen usual; /* calls of a run without faults */
static long usual_memory_kib;

static bool removes(long number) {
#ifdef SYS_unlink
    if (number == SYS_unlink)
        return true;
#endif
    return number == SYS_unlinkat;
}

/* Those for which EINTR says that a signal came, and the call is to be made again. */
static bool is_interruptible(long number) {
    static const long calls[] = {SYS_read,      SYS_write, SYS_writev,    SYS_pread64,         SYS_pwrite64,
                                 SYS_ftruncate, SYS_futex, SYS_fallocate, SYS_clock_nanosleep, SYS_close,
                                 SYS_openat,    SYS_fcntl, SYS_getrandom, SYS_rt_sigtimedwait};
    for (size_t i = 0; i < sizeof calls / sizeof calls[0]; i++)
        if (number == calls[i])
            return true;
    return false;
}

static void try_plan(const char *what, const struct inject_plan *plan, bool log, struct inject_seen *seen) {
    pid_t pid;
    bool writing_fails = plan->from_then_on && plan->number == SYS_writev;
    bool harmless = plan->fault != INJECT_ERROR || (plan->error == EINTR && is_interruptible(plan->number));
    const struct subject_excuse excuse = {.unfinished = writing_fails,
                                          .files_stay = removes(plan->number),
                                          .mask_sticks =
                                              plan->from_then_on && plan->number == SYS_rt_sigprocmask,
                                          .losses = !harmless,
                                          .lines_end = plan->number == SYS_write,
                                          .memory_kib = usual_memory_kib};
    subject_reset(log);
    double begin = torture_now();
    int status = inject_run(&subject, plan, 2 * SUBJECT_SECONDS, seen, &pid);
    subject_check(what, pid, status, torture_now() - begin, &excuse);
}

/* What the kernel makes no error of, or glibc takes for the end of the world: starting a thread needs rseq and the list of robust
 * mutexes, and a futex that fails otherwise than by EINTR "returned an unexpected error code". */
static bool may_fail(long number, const struct inject_plan *plan) {
    static const long never[] = {SYS_exit,    SYS_getpid, SYS_getppid,         SYS_gettid,
                                 SYS_geteuid, SYS_rseq,   SYS_set_robust_list, SYS_sched_yield};
    for (size_t i = 0; i < sizeof never / sizeof never[0]; i++)
        if (number == never[i])
            return false;
    if (plan->fault == INJECT_SHORT)
        return inject_can_be_short(number);
    if (number == SYS_futex)
        return !plan->from_then_on && (plan->fault == INJECT_LOST || plan->error == EINTR);
    return plan->fault == INJECT_ERROR;
}

struct fault {
    enum inject_fault fault;
    int error;
    const char *name;
};
static const struct fault faults[] = {
    {INJECT_ERROR, ENOSPC, "ENOSPC"}, {INJECT_ERROR, EIO, "EIO"},       {INJECT_ERROR, EINTR, "EINTR"},
    {INJECT_ERROR, EMFILE, "EMFILE"}, {INJECT_ERROR, ENOMEM, "ENOMEM"}, {INJECT_ERROR, EDQUOT, "EDQUOT"},
    {INJECT_ERROR, EPERM, "EPERM"},   {INJECT_SHORT, 0, "short"},       {INJECT_LOST, 0, "lost"},
};
enum { FAULTS = sizeof faults / sizeof faults[0] };

/* Runs without a fault, to learn what there is to fail. False: not possible here. */
static bool learn_calls(bool log) {
    const char *why;
    if (!inject_is_possible(&why)) {
        torture_left_out("%s", why);
        return false;
    }
    static const struct inject_plan nothing = {.fault = INJECT_NOTHING};
    usual_memory_kib = 0;
    try_plan("no fault", &nothing, log, &usual);
    usual_memory_kib = subject_told->memory_kib + MORE_MEMORY_KIB;
    return torture_check(subject_told->init_result == 0 &&
                             subject_told->statistics.recorded == subject_told->made,
                         "without a fault: init gave %d, %llu recorded", subject_told->init_result,
                         (unsigned long long)subject_told->statistics.recorded);
}

/* Which of so many calls are to fail: all, where there are few; the first ones, the last, and some in between. */
static bool is_chosen(unsigned nth, unsigned calls, unsigned most) {
    if (calls <= most || nth <= most / 4 || nth == calls)
        return true;
    return (unsigned)rand() % calls < most;
}

/* What happens most, and therefore at each of the first calls. */
static bool is_full_disk(const struct inject_plan *plan) {
    return plan->number == SYS_writev && plan->error == ENOSPC;
}

static void try_calls(bool log, bool from_then_on, unsigned most, unsigned most_faults) {
    if (!learn_calls(log))
        return;
    unsigned runs = 0, numbers = 0, injected = 0;
    for (long number = 0; number < INJECT_CALLS; number++) {
        if (usual.calls[number] == 0)
            continue;
        numbers++;
        for (unsigned nth = 1; nth <= usual.calls[number]; nth++) {
            if (!is_chosen(nth, usual.calls[number], number == SYS_writev && !log ? WRITES : most))
                continue;
            for (unsigned i = 0; i < FAULTS; i++) {
                const struct inject_plan plan = {faults[i].fault, faults[i].error, number, nth, from_then_on};
                bool chosen = (unsigned)rand() % FAULTS < most_faults || is_full_disk(&plan);
                if (!may_fail(number, &plan) || (from_then_on && plan.error == EINTR) || !chosen)
                    continue;
                struct inject_seen seen;
                char what[96];
                snprintf(what, sizeof what, "%s %s, %u%s", inject_call_name(number), faults[i].name, nth,
                         from_then_on ? " and all after it" : "");
                try_plan(what, &plan, log, &seen);
                runs++;
                injected += seen.injected;
            }
        }
    }
    torture_note("%u different calls, %u runs, %u faults", numbers, runs, injected);
    torture_check(injected >= runs / 2, "only %u of %u faults were met with", injected, runs);
}

static void once(void) {
    srand(1);
    try_calls(false, false, (unsigned)torture_times(2, 24), (unsigned)torture_times(2, FAULTS));
}

static void for_good(void) {
    srand(2);
    try_calls(false, true, (unsigned)torture_times(1, 6), (unsigned)torture_times(1, FAULTS));
}

static void with_lines(void) {
    srand(3);
    try_calls(true, false, (unsigned)torture_times(1, 6), (unsigned)torture_times(1, FAULTS));
}

int main(int argc, char **argv) {
    static const struct torture_case cases[] = {
        {"one call fails once", once},
        {"one call fails from some moment on", for_good},
        {"one call fails, with lines on stderr", with_lines},
    };
    return torture_main(argc, argv, cases, sizeof cases / sizeof cases[0]);
}
