/* Running a program to its end, as a shell would: signals reach it, its exit is reported. */
#ifndef PERFTRACE_TOOL_CHILD_H
#define PERFTRACE_TOOL_CHILD_H

#include <sys/types.h>

struct child {
    pid_t pid;
    int status; /* its exit code */
    int signal; /* which one ended it, or 0 */
};

/* Exit codes of shells for what could not be run. */
enum { CHILD_NOT_EXECUTABLE = 126, CHILD_NOT_FOUND = 127 };

/* Runs arguments[0] (looked up in PATH) with this process's environment and waits for its end. SIGINT, SIGTERM,
 * SIGHUP and SIGQUIT sent to this process go to the program. 0, or the errno because of which it could
 * not be started. */
int child_run(struct child *child, char **arguments);

#endif
