/* Two programs run in turns, each run recorded: ABBA ABBA …, so that whatever a machine does meanwhile, becoming warm or busy, happens to
 * both, and a steady drift is none of either. */
#ifndef PERFTRACE_TOOL_TURNS_H
#define PERFTRACE_TOOL_TURNS_H

#include "input.h"

enum { TURNS_SIDES = 2, TURNS_RUNS_MAX = 999 };

struct turns {
    const char *names[TURNS_SIDES];    /* "base", "head": their folders, and for messages */
    const char *commands[TURNS_SIDES]; /* for a shell */
    size_t runs;                       /* of each */
    const char *folder;                /* where traces go; it is there */
};

/* A new folder: `wanted`, which may be there already but must be empty, or, if that is NULL, one for what is temporary. To be freed with
 * free(). NULL after an error message. */
char *turns_folder(const char *wanted);
/* Removes it, and all that is in it. */
void turns_remove(const char *folder);

/* Runs all. Their traces become the lists, in the order of runs. A program that fails, is killed, or leaves no trace ends it. What a
 * program writes lies beside its trace. A signal that is to end this process ends it after the program's end. 0, or -1
 * after an error message; the lists are to be freed. */
int turns_run(const struct turns *turns, struct input_list lists[TURNS_SIDES]);

#endif
