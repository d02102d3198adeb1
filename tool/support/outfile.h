/* A result file that appears whole or not at all: written beside its place and renamed at the end. */
#ifndef PERFTRACE_TOOL_OUTFILE_H
#define PERFTRACE_TOOL_OUTFILE_H

#include <stdbool.h>
#include <stdio.h>

struct outfile {
    FILE *file;
    char *path;       /* what it is to be called; NULL: standard output, or a device written directly */
    char *temporary;  /* what it is called so far */
    const char *name; /* for messages */
    bool terminal;    /* bytes go to a terminal: they must be made visible */
};

/* `path` "-" is standard output. A symbolic link is followed; something that is not a regular file (a pipe, /dev/null)
 * is written directly. Files are made private (0600), as traces are. 0, or -1 after an error message. */
int outfile_open(struct outfile *out, const char *path);
/* All is written: gives the file its name. 0, or -1 after an error message, and nothing is left behind. */
int outfile_commit(struct outfile *out);
/* Gives up and removes what was written; also right after a failed open or commit. */
void outfile_discard(struct outfile *out);

#endif
