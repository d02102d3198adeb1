/* Running a program, or a part of this one, in a process of its own to its end, as a shell would: signals reach it, its exit is reported. */
#ifndef PERFTRACE_TOOL_CHILD_H
#define PERFTRACE_TOOL_CHILD_H

#include <sys/types.h>

struct child {
    pid_t pid;
    int status; /* its exit code */
    int signal; /* which one ended it, or 0 */
    int interrupted; /* which one asked this process to end meanwhile, or 0; the child may have ended in good order all the same */
};

/* Descriptors for its standard input, and for its output and errors together; -1: this process's own. */
struct child_files {
    int input, output;
};

/* Exit codes of shells for what could not be run. */
enum { CHILD_NOT_EXECUTABLE = 126, CHILD_NOT_FOUND = 127 };

/* Runs arguments[0] (looked up in PATH) with this process's environment and waits for its end. SIGINT, SIGTERM,
 * SIGHUP and SIGQUIT sent to this process go to the program. `files` may be NULL. 0, or the errno because of which it could
 * not be started. */
int child_run(struct child *child, char **arguments, const struct child_files *files);

/* The same of a function, whose result is the exit code. What this process has not yet written of its streams must be flushed. */
int child_call(struct child *child, int (*work)(void *context), void *context);

#endif
