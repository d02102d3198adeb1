/* Faults on demand: runs a scenario whose system calls, but for those that it marks as its own, are looked at by the test,
 * which lets the kernel do them, or answers with an error, or does half of them (seccomp's user notifications). */
#ifndef PERFTRACE_TESTS_INJECT_H
#define PERFTRACE_TESTS_INJECT_H

#include <stdbool.h>
#include <sys/types.h>

enum inject_fault {
    INJECT_NOTHING, /* only count */
    INJECT_ERROR,   /* the call is not made; it fails with `error` */
    INJECT_SHORT,   /* a read or write that does half of what it was asked to */
    INJECT_LOST,    /* a futex's wake-up, of all who wait, that wakes nobody */
};

struct inject_plan {
    enum inject_fault fault;
    int error;
    long number;       /* of the system call: SYS_… */
    unsigned nth;      /* which of these calls, from 1 */
    bool from_then_on; /* that one and all after it */
};

enum { INJECT_CALLS = 512 };

struct inject_seen {
    unsigned calls[INJECT_CALLS]; /* how often each was made, by number */
    unsigned injected;            /* how many faults there were */
};

/* A system call that is not looked at: the scenario's own. As in syscall(2), with up to five arguments. */
long inject_own_call(long number, long a, long b, long c, long d, long e);

/* Whether this kernel, and whoever is in charge of us, allow it; else *why says what is in the way. */
bool inject_is_possible(const char **why);

struct inject_scenario {
    void (*prepare)(void *argument); /* before calls are looked at; may start threads. May be NULL */
    void (*run)(void *argument);     /* has to end by exiting */
    void *argument;
};

/* Runs it in a process of its own, whose pid is in *pid. Returns its wait status. After so many seconds it is killed, which
 * counts as a failure of the case at hand. */
int inject_run(const struct inject_scenario *scenario, const struct inject_plan *plan, double seconds,
               struct inject_seen *seen, pid_t *pid);

/* "writev", where it has a name here, else its number. The text lasts until the next call. */
const char *inject_call_name(long number);
/* Whether INJECT_SHORT can do something about it. */
bool inject_can_be_short(long number);

#endif
