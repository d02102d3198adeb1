/* What stands before pthread_create in tests with one thread. */
#ifndef PERFTRACE_TESTS_ONE_THREAD_H
#define PERFTRACE_TESTS_ONE_THREAD_H

#include <pthread.h>

/* Says that the test is to be run under ThreadSanitizer, too, and aborts. */
int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*run)(void *),
                          void *argument);

#endif
