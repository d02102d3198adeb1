/* A table of descriptors apart from the program's; or, where there can be none, care. */
#include "own_files.h"

#include "quiet.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef SYS_close_range
#define SYS_close_range 436 /* Linux 5.9; the same number everywhere */
#endif
#define CLOSE_RANGE_UNSHARE_FLAG (1u << 1) /* linux/close_range.h, not there in older headers */

/* A sanitizer writes what it finds to standard error, from whatever thread. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define FIRST_CLOSED 3u
#else
#define FIRST_CLOSED 0u
#endif

/* ThreadSanitizer takes descriptors of one number for one file, in whichever table they are. */
#ifdef __SANITIZE_THREAD__
#define CAN_SEPARATE false
#else
#define CAN_SEPARATE true
#endif

static bool in_programs_table; /* (atomic) */

/* For Linux before 5.9. Closing what the program has open has no effect on the program: locks (fcntl) belong to its own table. */
static bool separate_and_close(void) {
    long limit = sysconf(_SC_OPEN_MAX);
    if (limit < 0 || limit > 1 << 20 || unshare(CLONE_FILES) != 0)
        return false;
    for (int fd = (int)FIRST_CLOSED; fd < (int)limit; fd++)
        close(fd);
    return true;
}

bool perftrace_files_separate(void) {
    bool separate =
        CAN_SEPARATE && (syscall(SYS_close_range, FIRST_CLOSED, UINT_MAX, CLOSE_RANGE_UNSHARE_FLAG) == 0 ||
                         separate_and_close());
    __atomic_store_n(&in_programs_table, !separate, __ATOMIC_RELAXED);
    return separate;
}

void perftrace_files_share(void) {
    __atomic_store_n(&in_programs_table, true, __ATOMIC_RELAXED);
}

static bool stands_for_file(const struct perftrace_own_file *file, int fd) {
    struct stat status;
    return fstat(fd, &status) == 0 && status.st_dev == file->device && status.st_ino == file->inode;
}

int perftrace_own_file_take(struct perftrace_own_file *file, int fd, const char *path, int flags) {
    struct stat status;
    int error = fstat(fd, &status) == 0 ? 0 : -errno;
    *file = (struct perftrace_own_file){
        .fd = fd, .flags = flags, .path = path, .device = status.st_dev, .inode = status.st_ino};
    if (error != 0) {
        close(fd);
        file->fd = -1;
    }
    return error;
}

bool perftrace_own_file_reach(struct perftrace_own_file *file) {
    if (file->fd >= 0) {
        if (!__atomic_load_n(&in_programs_table, __ATOMIC_RELAXED) || stands_for_file(file, file->fd))
            return true;
        file->fd = -1; /* not ours any more, and not to be closed by us */
    }
    if (file->path == NULL)
        return false;
    int fd = perftrace_above_standard(open(file->path, file->flags | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
    if (fd >= 0 && !stands_for_file(file, fd)) {
        close(fd);
        fd = -1;
    }
    file->fd = fd;
    return fd >= 0;
}

int perftrace_own_file_close(struct perftrace_own_file *file) {
    int fd = file->fd, result = 0;
    bool ours =
        fd >= 0 && (!__atomic_load_n(&in_programs_table, __ATOMIC_RELAXED) || stands_for_file(file, fd));
    if (ours && close(fd) != 0 && errno != EINTR)
        result = -errno;
    file->fd = -1;
    return result;
}
