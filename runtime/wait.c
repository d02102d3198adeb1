/* Waiting, and starting threads that wait. */
#include "wait.h"

#include "quiet.h"

#include <signal.h>
#include <unistd.h>

void perftrace_wait_init(pthread_mutex_t *lock, pthread_cond_t *work, pthread_cond_t *progress) {
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_mutex_init(lock, NULL);
    pthread_cond_init(work, NULL);
    pthread_cond_init(progress, &attributes);
    pthread_condattr_destroy(&attributes);
}

void perftrace_wait_free(pthread_mutex_t *lock, pthread_cond_t *work, pthread_cond_t *progress) {
    pthread_cond_destroy(work);
    pthread_cond_destroy(progress);
    pthread_mutex_destroy(lock);
}

struct timespec perftrace_wait_deadline(uint32_t ms) {
    struct timespec at;
    clock_gettime(CLOCK_MONOTONIC, &at);
    at.tv_sec += ms / 1000;
    at.tv_nsec += (long)(ms % 1000) * 1000000;
    if (at.tv_nsec >= 1000000000) {
        at.tv_sec++;
        at.tv_nsec -= 1000000000;
    }
    return at;
}

static unsigned quiet_threads; /* (atomic) */
static pid_t quiet_threads_of;

void perftrace_quiet_thread_ends(void) {
    __atomic_sub_fetch(&quiet_threads, 1, __ATOMIC_ACQ_REL);
}

unsigned perftrace_quiet_threads(void) {
    return __atomic_load_n(&quiet_threads, __ATOMIC_ACQUIRE);
}

void perftrace_quiet_threads_forget(void) {
    if (quiet_threads_of != getpid())
        __atomic_store_n(&quiet_threads, 0, __ATOMIC_RELEASE);
    quiet_threads_of = getpid();
}

int perftrace_quiet_thread(pthread_t *thread, void *(*function)(void *), void *argument) {
    sigset_t all, saved;
    sigfillset(&all);
    perftrace_signals_block(&all, &saved);
    __atomic_add_fetch(&quiet_threads, 1, __ATOMIC_ACQ_REL);
    int error = pthread_create(thread, NULL, function, argument);
    if (error != 0)
        perftrace_quiet_thread_ends();
    perftrace_signals_restore(&saved);
    return error;
}
