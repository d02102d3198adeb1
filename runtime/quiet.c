/* Quietly: what would send the program a signal, or make it wait, is done here so that it does neither. Writing beyond
 * RLIMIT_FSIZE means SIGXFSZ to the thread that writes, writing to a pipe that nobody reads from SIGPIPE, writing to a
 * terminal from the background SIGTTOU: all three end or stop a program that has not asked for them. */
#include "quiet.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#define SAY_WAIT_MS 100 /* for a reader of stderr that is slow */

static const int caused[] = {SIGXFSZ, SIGPIPE, SIGTTOU};
#define CAUSED (sizeof caused / sizeof caused[0])

/* The kernel has no reason to refuse these calls, a sandbox's filter may have one. A mask that was not read must
 * not be set afterwards. */
void perftrace_signals_block(const sigset_t *which, sigset_t *saved) {
    bool was_read = false;
    for (int tries = 0; tries < 3 && !was_read; tries++)
        was_read = pthread_sigmask(SIG_BLOCK, tries < 2 ? which : NULL, saved) == 0;
    if (!was_read)
        sigemptyset(saved);
}

void perftrace_signals_restore(const sigset_t *saved) {
    if (pthread_sigmask(SIG_SETMASK, saved, NULL) != 0)
        pthread_sigmask(SIG_SETMASK, saved, NULL);
}

void perftrace_hold_signals(struct perftrace_held_signals *held) {
    sigset_t which;
    sigemptyset(&which);
    for (size_t i = 0; i < CAUSED; i++)
        sigaddset(&which, caused[i]);
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &held->cancel_state);
    perftrace_signals_block(&which, &held->mask);
    if (sigpending(&held->pending) != 0)
        sigemptyset(&held->pending);
}

void perftrace_release_signals(const struct perftrace_held_signals *held) {
    static const struct timespec at_once;
    sigset_t pending, one;
    if (sigpending(&pending) != 0)
        sigfillset(&pending);
    for (size_t i = 0; i < CAUSED; i++) {
        if (!sigismember(&pending, caused[i]) || sigismember(&held->pending, caused[i]))
            continue; /* none, or one that waits for the program */
        sigemptyset(&one);
        sigaddset(&one, caused[i]);
        while (sigtimedwait(&one, NULL, &at_once) < 0 && errno == EINTR)
            continue;
    }
    perftrace_signals_restore(&held->mask);
    pthread_setcancelstate(held->cancel_state, NULL);
}

void perftrace_say(const char *format, ...) {
    char line[4096]; /* a pipe takes as much as this in one piece, or nothing */
    struct perftrace_held_signals held;
    int saved_errno = errno;
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    if (length >= (int)sizeof line) {
        length = (int)sizeof line - 1;
        line[length - 1] = '\n';
    }
    for (int i = 0; i + 1 < length; i++) /* a path may hold anything, and stderr be a terminal */
        if ((unsigned char)line[i] < ' ' || line[i] == 0x7f)
            line[i] = '?';
    perftrace_hold_signals(&held);
    struct pollfd ready = {.fd = STDERR_FILENO, .events = POLLOUT};
    if (length > 0 && poll(&ready, 1, SAY_WAIT_MS) > 0)
        (void)!write(STDERR_FILENO, line, (size_t)length); /* else there is nobody to tell */
    perftrace_release_signals(&held);
    errno = saved_errno;
}

int perftrace_above_standard(int fd) {
    if (fd < 0 || fd > STDERR_FILENO)
        return fd;
    int moved = fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1), error = errno;
    close(fd);
    errno = error;
    return moved;
}
