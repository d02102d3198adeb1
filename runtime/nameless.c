/* Files that get their name when they are finished. */
#include "nameless.h"

#include "quiet.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int perftrace_nameless_open(const char *path) {
    char folder[PATH_MAX] = ".";
    const char *slash = strrchr(path, '/');
    size_t length = slash == NULL ? 0 : slash == path ? 1 : (size_t)(slash - path);
    if (length >= sizeof folder) {
        errno = ENAMETOOLONG;
        return -1;
    }
    if (length > 0) {
        memcpy(folder, path, length);
        folder[length] = '\0';
    }
    int fd = perftrace_above_standard(open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600));
    if (fd < 0 && errno == EISDIR) /* what kernels say that are older than such files */
        errno = EOPNOTSUPP;
    if (fd >= 0 && fchmod(fd, 0600) != 0) {
        int error = errno;
        close(fd);
        errno = error;
        return -1;
    }
    return fd;
}

int perftrace_nameless_link(int fd, const char *path) {
    char itself[64];
    snprintf(itself, sizeof itself, "/proc/thread-self/fd/%d", fd); /* see own_files.h */
    return linkat(AT_FDCWD, itself, AT_FDCWD, path, AT_SYMLINK_FOLLOW);
}
