/* What the recorder's background threads wait with: a lock and two conditions whose timeouts are of CLOCK_MONOTONIC. */
#ifndef PERFTRACE_RUNTIME_WAIT_H
#define PERFTRACE_RUNTIME_WAIT_H

#include <pthread.h>
#include <stdint.h>
#include <time.h>

/* `work`: there is something to do; `progress`: something is done. */
void perftrace_wait_init(pthread_mutex_t *lock, pthread_cond_t *work, pthread_cond_t *progress);
void perftrace_wait_free(pthread_mutex_t *lock, pthread_cond_t *work, pthread_cond_t *progress);
struct timespec perftrace_wait_deadline(uint32_t ms);
/* Starts a thread in which all signals are blocked. 0 or an errno. */
int perftrace_quiet_thread(pthread_t *thread, void *(*function)(void *), void *argument);
/* Such a thread is about to return; how many have not; in a forked child there are none any more. */
void perftrace_quiet_thread_ends(void);
unsigned perftrace_quiet_threads(void);
void perftrace_quiet_threads_forget(void);

#endif
