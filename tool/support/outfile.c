/* Writing result files. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* asprintf */
#endif
#include "outfile.h"

#include "messages.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define BUFFER_BYTES (1u << 20)

static int fail(struct outfile *out) {
    message_error("%s: %s", out->name, strerror(errno));
    outfile_discard(out);
    return -1;
}

static int open_beside(struct outfile *out, const char *path) {
    out->path = realpath(path, NULL);
    if (out->path == NULL && errno == ENOENT)
        out->path = strdup(path);
    if (out->path == NULL || asprintf(&out->temporary, "%s.%ld.tmp", out->path, (long)getpid()) < 0) {
        out->temporary = NULL;
        return -1;
    }
    int descriptor = open(out->temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (descriptor < 0) {
        int reason = errno;
        free(out->temporary); /* not ours to remove */
        out->temporary = NULL;
        errno = reason;
    }
    return descriptor;
}

/* A recorder holds a lock on the files that it writes. */
static bool is_held(const char *path) {
    int descriptor = open(path, O_RDONLY | O_CLOEXEC);
    if (descriptor < 0)
        return false;
    bool held = flock(descriptor, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK;
    close(descriptor);
    return held;
}

/* A device or a FIFO. Whoever reads from the FIFO is waited for, but not for ever. */
static int open_direct(const char *path, const struct stat *status) {
    enum { WAIT_MS = 3000, STEP_MS = 10 };
    if (!S_ISFIFO(status->st_mode))
        return open(path, O_WRONLY | O_CLOEXEC | O_NOCTTY);
    for (int waited = 0;; waited += STEP_MS) {
        int descriptor = open(path, O_WRONLY | O_CLOEXEC | O_NONBLOCK);
        if (descriptor >= 0)
            fcntl(descriptor, F_SETFL, O_WRONLY);
        if (descriptor >= 0 || errno != ENXIO || waited >= WAIT_MS)
            return descriptor;
        nanosleep(&(struct timespec){0, STEP_MS * 1000000}, NULL);
    }
}

int outfile_open(struct outfile *out, const char *path) {
    *out = (struct outfile){.name = path};
    if (strcmp(path, "-") == 0) {
        out->name = "standard output";
        out->file = stdout;
        out->terminal = isatty(STDOUT_FILENO);
        return 0;
    }
    struct stat status;
    bool exists = stat(path, &status) == 0;
    if (exists && S_ISDIR(status.st_mode)) {
        errno = EISDIR;
        return fail(out);
    }
    if (exists && S_ISREG(status.st_mode) && is_held(path))
        return message_error("%s: a running program is writing it; name another file", path);
    bool direct = exists && !S_ISREG(status.st_mode);
    int descriptor = direct ? open_direct(path, &status) : open_beside(out, path);
    if (descriptor < 0)
        return fail(out);
    out->terminal = isatty(descriptor);
    out->file = fdopen(descriptor, "w");
    if (out->file == NULL) {
        close(descriptor);
        return fail(out);
    }
    setvbuf(out->file, NULL, _IOFBF, BUFFER_BYTES);
    return 0;
}

int outfile_commit(struct outfile *out) {
    if (out->file == stdout) {
        out->file = NULL;
        return message_finish_stdout(EXIT_FINE) == EXIT_FINE ? 0 : -1;
    }
    errno = 0;
    int failed = ferror(out->file);
    failed |= fflush(out->file);
    int reason = errno;
    failed |= fclose(out->file);
    out->file = NULL;
    if (failed != 0) {
        errno = reason != 0 ? reason : errno != 0 ? errno : EIO;
        return fail(out);
    }
    if (out->temporary != NULL && rename(out->temporary, out->path) != 0)
        return fail(out);
    free(out->temporary);
    out->temporary = NULL;
    outfile_discard(out);
    return 0;
}

void outfile_discard(struct outfile *out) {
    if (out->file != NULL && out->file != stdout)
        fclose(out->file);
    if (out->temporary != NULL)
        unlink(out->temporary);
    free(out->temporary);
    free(out->path);
    out->file = NULL;
    out->temporary = out->path = NULL;
}
