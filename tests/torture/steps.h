/* Programs that are led from instruction to instruction by ptrace, on x86-64: stepped through one by one, or sent to a certain
 * one and killed there; and the state in which their files are at that moment. */
#ifndef PERFTRACE_TESTS_STEPS_H
#define PERFTRACE_TESTS_STEPS_H

#include "torture.h"

/* In the program, without a call around it: where it is to be led from, and to. */
#if defined(__x86_64__)
#define STEP_MARKER() __asm__ volatile("int3" : : : "memory")
#else
#define STEP_MARKER() ((void)0)
#endif

/* Whether all this works here; if not, the case is left out. */
bool steps_are_possible(void);

/* Starts the program in a child and stops at its first marker. 0: it has ended before that (a failure). Children are all
 * alike: an instruction has the same address in each. */
pid_t step_start(void (*program)(void *), void *argument);
/* Executes one instruction of a stopped thread (or one round of a repeating one). False: it was a marker, or the thread has
 * ended. */
bool step(pid_t thread);
/* The address of the next instruction. */
uint64_t step_where(pid_t thread);
/* Lets it run until it has come to `address` so many times. False: it has come to a marker instead. */
bool step_to(pid_t thread, uint64_t address, unsigned long times);
/* Lets it run until it begins or ends its next system call. False: it has come to a marker instead. */
bool step_to_call(pid_t thread);
/* Starts the program in a child and lets all of its threads run until they have begun or ended so many system calls, together.
 * False: it has ended before that; else it is as dead as if it had been killed then, and waited for. */
bool step_kill_at_call(void (*program)(void *), void *argument, unsigned long calls, pid_t *child);
/* Takes hold of another thread of a running child, by its name, and stops it. 0: there is none. */
pid_t step_seize(pid_t child, const char *name);
/* Kills the child, and waits. */
void step_kill(pid_t child);

/* The instructions that a stepped thread has come by. */
struct step_path {
    uint64_t *address;
    unsigned long *times; /* how often it had been there, this one included */
    size_t count;
};
/* Steps on to the next marker and notes the way; `each` (may be NULL) is called before every instruction. */
struct step_path step_through(pid_t thread, void (*each)(void *context), void *context);
void step_forget(struct step_path *path);

/* ---- the files at that moment ---- */

/* Copies trace.ptrace to copy.ptrace and its ring file to copy.ring as they are, but such that a reader takes their program for
 * dead. False: nothing in them has changed since the last time that this was true (or there is no trace yet). */
bool step_copy_files(void);
/* Where trace.ptrace says that its ring file is; to be freed. */
char *step_ring_path(void);
/* What the last copy was compared with is forgotten. */
void step_copy_anew(void);

#endif
