/* Opening whatever somebody names as an input. */
#define _GNU_SOURCE /* SEEK_DATA */
#include "input.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/sysmacros.h>
#include <unistd.h>

static bool refuse(struct perftrace_error_info *error, const char *path, const char *why, int system_error) {
    *error = (struct perftrace_error_info){.code = system_error != 0 ? PERFTRACE_ERROR_SYSTEM
                                                                     : PERFTRACE_ERROR_FORMAT};
    if (system_error != 0)
        snprintf(error->message, sizeof error->message, "can't open %s: %s", path, strerror(system_error));
    else
        snprintf(error->message, sizeof error->message, "%s %s", path, why);
    return false;
}

/* Terminals, and /dev/null (Linux, Documentation/admin-guide/devices.txt). */
static bool is_harmless(const struct stat *status) {
    unsigned kind = major(status->st_rdev);
    return (kind == 1 && minor(status->st_rdev) == 3) || kind == 4 || kind == 5 ||
           (kind >= 136 && kind <= 143);
}

static bool is_device(const struct stat *status) {
    return S_ISBLK(status->st_mode) || (S_ISCHR(status->st_mode) && !is_harmless(status));
}

static bool lies_in(int fd, unsigned long magic) {
    struct statfs system;
    return fstatfs(fd, &system) == 0 && (unsigned long)system.f_type == magic;
}

/* What has been opened may be another file than the one that was looked at. */
static bool look(const char *path, struct perftrace_input_file *file, struct perftrace_error_info *error) {
    struct stat status;
    if (fstat(file->fd, &status) != 0)
        return refuse(error, path, NULL, errno);
    if (is_device(&status))
        return refuse(error, path, "is a device, not a trace or log", 0);
    if (S_ISREG(status.st_mode) && lies_in(file->fd, PROC_SUPER_MAGIC))
        return refuse(error, path, "is made up by the kernel, and neither a trace nor a log", 0);
    if (S_ISREG(status.st_mode) && status.st_size > 0)
        file->bytes = (uint64_t)status.st_size;
    file->fifo = file->fifo && S_ISFIFO(status.st_mode) && !lies_in(file->fd, PIPEFS_MAGIC);
    return true;
}

bool perftrace_input_open(const char *path, struct perftrace_input_file *file,
                          struct perftrace_error_info *error) {
    struct stat status;
    bool standard_input = strcmp(path, "-") == 0;
    const char *name = standard_input ? "standard input" : path;
    *file = (struct perftrace_input_file){.fd = -1, .bytes = UINT64_MAX};
    if (standard_input) {
        file->fd = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 0);
    } else if (stat(path, &status) == 0) {
        if (is_device(&status))
            return refuse(error, path, "is a device, not a trace or log", 0);
        file->fifo = S_ISFIFO(status.st_mode);
        file->fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | (file->fifo ? O_NONBLOCK : 0));
    }
    if (file->fd < 0)
        return refuse(error, name, NULL, errno);
    if (look(name, file, error))
        return true;
    close(file->fd);
    return false;
}

uint64_t perftrace_input_skip_hole(int fd) {
    off_t at = lseek(fd, 0, SEEK_CUR);
    if (at < 0)
        return 0;
    off_t data = lseek(fd, at, SEEK_DATA);
    if (data < 0 && errno == ENXIO) /* nothing but a hole up to the end */
        data = lseek(fd, 0, SEEK_END);
    if (data > at)
        return (uint64_t)(data - at);
    lseek(fd, at, SEEK_SET);
    return 0;
}
