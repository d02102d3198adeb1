/* Where a program is told to record, and where its trace then is. */
#ifndef PERFTRACE_TOOL_RECORDING_H
#define PERFTRACE_TOOL_RECORDING_H

#include <stdbool.h>
#include <sys/stat.h>
#include <sys/types.h>

/* Zero-initialised is none. */
struct recording {
    char *chrome; /* absolute: the program may change its directory */
    char *native;
    struct stat before; /* of the trace, if there is one already */
    bool was_there;
};

/* The trace lies beside the Chrome file and has its stem; "x.ptrace" stands for "x.json". 0, or -1 with errno; then, too, to be freed. */
int recording_make(struct recording *recording, const char *output);
/* What the program is told, in this process's environment. 0, or -1 without memory. */
int recording_set_environment(const struct recording *recording);
/* After the program, that had this pid, has ended: whether it has left a trace. A program whose path another one held has put its pid into the
 * names, which are then these ("trace.123.json"). */
bool recording_find(struct recording *recording, pid_t pid);
void recording_free(struct recording *recording);

#endif
