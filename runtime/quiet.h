/* Doing what a recorder must without the program noticing: no signal, no wait, none of its descriptors. */
#ifndef PERFTRACE_RUNTIME_QUIET_H
#define PERFTRACE_RUNTIME_QUIET_H

#include <signal.h>

/* Blocks signals of the calling thread, and puts the mask as it was into *saved; sets that again. */
void perftrace_signals_block(const sigset_t *which, sigset_t *saved);
void perftrace_signals_restore(const sigset_t *saved);

/* Between these two, what a thread of the program writes sends it no signal: SIGXFSZ, SIGPIPE, SIGTTOU. */
struct perftrace_held_signals {
    sigset_t mask, pending; /* as they were */
    int cancel_state;       /* what is called in between may be a cancellation point */
};
void perftrace_hold_signals(struct perftrace_held_signals *held);
void perftrace_release_signals(const struct perftrace_held_signals *held);

/* A line on stderr, ending in a newline, in one write; left out where that would have to wait for long. */
__attribute__((format(printf, 1, 2))) void perftrace_say(const char *format, ...);

/* Takes a fresh descriptor (or a negative one, with errno) and returns one that can't be taken for one of the standard
 * streams, in a program that has closed them; negative, with errno, when there is none. */
int perftrace_above_standard(int fd);

#endif
