/* Descriptors that the program can't see, close or take over.
 *
 * A program may close descriptors that it has not opened (closefrom, daemon, a shell's exec), and its next open() gets a
 * number that was ours: what we write would go into its file. And a child that it forks would hold our files, with
 * the lock on the trace, for as long as it lives. So the recorder's threads leave the program's table of descriptors and have one of their
 * own. Where the system does not allow that (a sandbox, Linux before 5.9 with one), they look before each use whether a
 * descriptor still stands for the file that they opened, and never close it if not: not quite safe, as it may change hands
 * in between, but the best there is. */
#ifndef PERFTRACE_RUNTIME_OWN_FILES_H
#define PERFTRACE_RUNTIME_OWN_FILES_H

#include <stdbool.h>
#include <sys/types.h>

/* Gives the calling thread, and those that it starts, an empty table of descriptors. False: it stays in the program's. */
bool perftrace_files_separate(void);

/* For a thread that opens its files for a moment only: it is, and stays, in the program's. */
void perftrace_files_share(void);

struct perftrace_own_file {
    int fd;           /* -1: closed, or lost to the program */
    int flags;        /* to open it again with; -1: it can't be */
    const char *path; /* where it lies; borrowed */
    dev_t device;
    ino_t inode;
};

/* Takes over a descriptor (not negative), with the path at which its file can be found again, or NULL. 0 or a negative
 * errno, and then it is closed. */
int perftrace_own_file_take(struct perftrace_own_file *file, int fd, const char *path, int flags);
/* Before each use: the descriptor stands for the file, or has been opened again. False: the file is out of reach. */
bool perftrace_own_file_reach(struct perftrace_own_file *file);
/* Closes it, if it is still ours. 0 or a negative errno. */
int perftrace_own_file_close(struct perftrace_own_file *file);

#endif
