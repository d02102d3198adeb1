/* For tests that ThreadSanitizer's build leaves out, as they have one thread: linked with --wrap=pthread_create, a test
 * that starts another ends here. */
#include "one_thread.h"

#include <stdio.h>
#include <stdlib.h>

int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*run)(void *),
                          void *argument) {
    (void)thread;
    (void)attributes;
    (void)run;
    (void)argument;
    fputs("This test starts a thread: add it to those with threads in tests/CMakeLists.txt.\n", stderr);
    abort();
}
