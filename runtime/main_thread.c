/* The end of a process whose main thread calls pthread_exit: it comes when the last thread ends, and then what atexit has
 * registered runs in that one. The recorder's threads would keep the process alive for ever; and none of them may be the last, as
 * they do not have the program's descriptors. So a thread that has them watches, and ends the process in their place. */
#include "runtime.h"
#include "wait.h"

#include "../core/process.h"

#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define LOOK_NS 10000000

/* Whether nobody is left but the recorder's threads, this one, and what remains of the main thread. */
static bool only_ours_are_left(void) {
    bool main_ended = false;
    unsigned threads = perftrace_process_threads(&main_ended);
    return main_ended && threads <= perftrace_quiet_threads() + 1;
}

static void *watch(void *argument) {
    struct perftrace_runtime *runtime = argument;
    pthread_setname_np(pthread_self(), "perftrace-last");
    while (__atomic_load_n(&runtime->state, __ATOMIC_ACQUIRE) == PERFTRACE_STATE_RECORDING) {
        if (only_ours_are_left()) {
            sigset_t none;
            sigemptyset(&none);
            pthread_sigmask(SIG_SETMASK, &none, NULL); /* as what atexit has registered expects it */
            exit(0);                                   /* as the C library does in a process's last thread */
        }
        nanosleep(&(struct timespec){0, LOOK_NS}, NULL);
    }
    perftrace_quiet_thread_ends();
    return NULL;
}

static bool is_main_thread(void) {
    return (pid_t)syscall(SYS_gettid) == getpid();
}

static void start_watching(struct perftrace_runtime *runtime) {
    pthread_t thread;
    if (!__atomic_exchange_n(&runtime->watched, true, __ATOMIC_ACQ_REL) &&
        perftrace_quiet_thread(&thread, watch, runtime) == 0)
        pthread_detach(thread);
}

void perftrace_expect_main_end(struct perftrace_runtime *runtime) {
    if (is_main_thread())
        perftrace_hear_of_end();
    else
        start_watching(runtime); /* nothing tells of its end */
}

void perftrace_main_may_end(struct perftrace_runtime *runtime) {
    if (runtime != NULL && is_main_thread() && !runtime->threadless &&
        __atomic_load_n(&runtime->state, __ATOMIC_ACQUIRE) == PERFTRACE_STATE_RECORDING)
        start_watching(runtime);
}
