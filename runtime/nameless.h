/* Files that get their name when they are finished: a program killed before that leaves nothing behind. */
#ifndef PERFTRACE_RUNTIME_NAMELESS_H
#define PERFTRACE_RUNTIME_NAMELESS_H

/* A descriptor, open for reading and writing, of a new file (0600, whatever the umask) without a name, on the file system
 * where `path` is to be. -1 and errno where that can't be; EOPNOTSUPP: this file system knows no such files. */
int perftrace_nameless_open(const char *path);
/* Gives it the name, which must not be taken. 0, or -1 and errno: EEXIST; or another where the system has no
 * /proc to do it with. */
int perftrace_nameless_link(int fd, const char *path);

#endif
