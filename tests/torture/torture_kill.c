/* Programs killed at random instants: what had been recorded is read back, nothing is torn. */
#define PERF_TRACE 1
#define PERF_TARGET "torture"
#include "perftrace.h"
#include "torture.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>

static uint64_t *completed; /* spans that have ended, told after each */

static void record_until_killed(void *argument) {
    (void)argument;
    struct perftrace_config config = PERFTRACE_CONFIG_DEFAULT;
    if (perftrace_init(&config) != 0)
        exit(90);
    for (;;) {
        { PERF_SPAN("work", "number", *completed); }
        __atomic_add_fetch(completed, 1, __ATOMIC_RELEASE);
    }
}

static void at_random_instants(void) {
    completed = torture_shared(sizeof *completed);
    srand(1);
    for (unsigned long i = 0; i < torture_times(20, 1000); i++) {
        torture_fresh_folder();
        *completed = 0;
        pid_t child = torture_start(record_until_killed, NULL);
        nanosleep(&(struct timespec){0, 3000000 + rand() % 20000000}, NULL);
        kill(child, SIGKILL);
        int status = torture_wait(child, 5);
        torture_check(WIFSIGNALED(status), "status %x", (unsigned)status);
        if (*completed == 0)
            continue;
        struct torture_trace trace = torture_read_intact("trace.ptrace", NULL, NULL);
        torture_check(trace.ended + trace.lost >= *completed, "%llu of %llu spans",
                      (unsigned long long)trace.ended, (unsigned long long)*completed);
    }
}

int main(int argc, char **argv) {
    static const struct torture_case cases[] = {{"at random instants", at_random_instants}};
    return torture_main(argc, argv, cases, sizeof cases / sizeof cases[0]);
}
