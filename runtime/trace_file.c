/* The trace file: opened so that nobody else's is touched, appended to block by block, always whole up to
 * its last block. docs/trace_format.md describes what is in it. */
#include "runtime.h"

#include "../core/crc32c.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

/* Space for what closes a trace (LOSS, SYNC, END) is kept free behind it: on a disk that is full these still fit, so that
 * the trace says what it lacks. */
#define CLOSING_BYTES 4096u
#define STEP_BYTES_MIN (UINT64_C(64) << 10)
#define STEP_BYTES_MAX (UINT64_C(4) << 20)

#define NUMBERS_MAX 9999u /* of images that a process executes one after the other */

/* Appends all the parts. 0 or a negative errno. */
static int write_parts(int fd, struct iovec *parts, int count) {
    while (count > 0) {
        ssize_t written = writev(fd, parts, count);
        if (written < 0 && errno == EINTR)
            continue;
        if (written <= 0)
            return written < 0 ? -errno : -ENOSPC;
        while (count > 0 && (size_t)written >= parts->iov_len) {
            written -= (ssize_t)parts->iov_len;
            parts++;
            count--;
        }
        if (count > 0) {
            parts->iov_base = (char *)parts->iov_base + written;
            parts->iov_len -= (size_t)written;
        }
    }
    return 0;
}

/* How long the file may become. */
static uint64_t most_bytes(const struct perftrace_trace_file *file) {
    uint64_t most = file->bytes_max != 0 ? file->bytes_max : UINT64_MAX;
    struct rlimit limit;
    if (getrlimit(RLIMIT_FSIZE, &limit) == 0 && limit.rlim_cur < most)
        most = limit.rlim_cur;
    return most;
}

/* Makes sure of the space up to `end`, where the file system can: 0, or why there is none, a negative errno. */
static int reserve(struct perftrace_trace_file *file, uint64_t end) {
    if (end <= file->reserved)
        return 0;
    uint64_t most = most_bytes(file), step = file->bytes / 8;
    if (end > most)
        return -EFBIG;
    step = step < STEP_BYTES_MIN ? STEP_BYTES_MIN : step > STEP_BYTES_MAX ? STEP_BYTES_MAX : step;
    uint64_t goal = most - end < step ? most : end + step;
    while (!file->cannot_reserve) {
        if (fallocate(file->own.fd, FALLOC_FL_KEEP_SIZE, (off_t)file->reserved,
                      (off_t)(goal - file->reserved)) == 0) {
            file->reserved = goal;
            return 0;
        }
        int error = errno;
        if (error == EINTR)
            continue;
        if (error != ENOSPC && error != EDQUOT && error != EFBIG && error != EIO && error != ENOMEM)
            file->cannot_reserve = true;
        else if (goal > end)
            goal = end;
        else
            return -error;
    }
    return 0;
}

/* Cuts off what was written of a block that did not fit. */
static void tidy(struct perftrace_trace_file *file) {
    int result;
    do
        result = ftruncate(file->own.fd, (off_t)file->bytes);
    while (result != 0 && errno == EINTR);
    file->untidy = result != 0;
    if (result == 0) /* the space behind it went too */
        file->reserved = file->bytes;
}

/* All or nothing. */
static int append(struct perftrace_trace_file *file, struct iovec *parts, int count, size_t bytes,
                  bool closing) {
    if (!perftrace_own_file_reach(&file->own))
        return -EBADF;
    if (file->untidy)
        tidy(file); /* where that fails again, the reader finds the next block by its marker */
    int result = closing ? 0 : reserve(file, file->bytes + bytes + CLOSING_BYTES);
    if (result == 0) {
        result = write_parts(file->own.fd, parts, count);
        if (result == 0)
            __atomic_store_n(&file->bytes, file->bytes + bytes,
                             __ATOMIC_RELEASE); /* perftrace_statistics reads it */
        else
            tidy(file);
    }
    if (result != 0)
        file->error = -result;
    return result;
}

void perftrace_block_seal(struct perftrace_block_header *header, uint16_t kind, const void *head,
                          size_t head_bytes, const void *body, size_t body_bytes) {
    *header = (struct perftrace_block_header){
        .kind = kind, .bytes = (uint32_t)(head_bytes + body_bytes), .marker = PERFTRACE_BLOCK_MARKER};
    uint32_t crc = perftrace_crc32c(0, header, sizeof *header);
    crc = perftrace_crc32c(crc, head, head_bytes);
    header->checksum = body_bytes > 0 ? perftrace_crc32c(crc, body, body_bytes) : crc;
}

int perftrace_trace_block(struct perftrace_trace_file *file, uint16_t kind, const void *head,
                          size_t head_bytes, const void *body, size_t body_bytes) {
    struct perftrace_block_header header;
    perftrace_block_seal(&header, kind, head, head_bytes, body, body_bytes);
    struct iovec parts[3] = {
        {&header, sizeof header}, {(void *)head, head_bytes}, {(void *)body, body_bytes}};
    return append(file, parts, body_bytes > 0 ? 3 : 2, sizeof header + head_bytes + body_bytes, false);
}

int perftrace_trace_append(struct perftrace_trace_file *file, const void *blocks, size_t bytes) {
    struct iovec part = {(void *)blocks, bytes};
    return append(file, &part, 1, bytes, false);
}

int perftrace_trace_finish(struct perftrace_trace_file *file, const void *blocks, size_t bytes) {
    struct iovec part = {(void *)blocks, bytes};
    return append(file, &part, 1, bytes, true);
}

int perftrace_trace_append_twice(struct perftrace_trace_file *file, const char *blocks, size_t bytes) {
    enum { AT_ONCE = 32 };
    struct iovec parts[2 * AT_ONCE];
    int result = 0;
    for (size_t at = 0; at < bytes && result == 0;) {
        int count = 0;
        size_t sum = 0;
        for (; at < bytes && count < 2 * AT_ONCE; count += 2) {
            struct perftrace_block_header header;
            memcpy(&header, blocks + at, sizeof header);
            size_t length = sizeof header + header.bytes;
            parts[count] = parts[count + 1] = (struct iovec){(void *)(blocks + at), length};
            at += length;
            sum += 2 * length;
        }
        result = append(file, parts, count, sum, false);
    }
    return result;
}

void perftrace_trace_close(struct perftrace_trace_file *file) {
    if (perftrace_own_file_reach(&file->own) && (file->untidy || file->reserved > file->bytes))
        tidy(file);
    perftrace_own_file_close(&file->own);
}

void perftrace_trace_remove(struct perftrace_trace_file *file) {
    struct stat named;
    if (file->own.fd >= 0 && lstat(file->path, &named) == 0 && named.st_dev == file->own.device &&
        named.st_ino == file->own.inode)
        unlink(file->path);
    perftrace_own_file_close(&file->own);
}

enum perftrace_trace_fate perftrace_trace_look(struct perftrace_trace_file *file) {
    struct stat status;
    if (!perftrace_own_file_reach(&file->own) || fstat(file->own.fd, &status) != 0)
        return PERFTRACE_TRACE_WHOLE;
    uint64_t bytes = (uint64_t)status.st_size;
    if (bytes < file->bytes)
        return PERFTRACE_TRACE_CUT;
    if (bytes > file->bytes && !file->untidy) /* somebody has added to it: damage that readers step over */
        __atomic_store_n(&file->bytes, bytes, __ATOMIC_RELEASE);
    return status.st_nlink == 0 ? PERFTRACE_TRACE_GONE : PERFTRACE_TRACE_WHOLE;
}

int perftrace_trace_begin(struct perftrace_runtime *runtime) {
    struct perftrace_trace_file *file = &runtime->trace;
    __atomic_store_n(&file->bytes, 0, __ATOMIC_RELEASE);
    tidy(file);
    if (file->untidy)
        return -EIO; /* the header has to come first */
    struct perftrace_file_header header = {.version = PERFTRACE_FORMAT_VERSION,
                                           .header_bytes = sizeof header,
                                           .pid = runtime->pid,
                                           .start_realtime_ns = file->start_realtime_ns};
    memcpy(header.magic, PERFTRACE_TRACE_MAGIC, sizeof header.magic);
    memcpy(header.uuid, file->uuid, sizeof header.uuid);
    header.checksum = perftrace_crc32c(0, &header, sizeof header);
    return perftrace_trace_append(file, &header, sizeof header);
}

/* dir/name.ext -> dir/name.PID.ext; or dir/name.PID-2.ext … */
static void insert_pid(char *path, size_t size, const char *base, uint32_t pid, unsigned number) {
    const char *slash = strrchr(base, '/');
    const char *dot = strrchr(slash != NULL ? slash : base, '.');
    char again[16] = "";
    if (dot == NULL || dot == base || dot[-1] == '/')
        dot = base + strlen(base);
    if (number > 1)
        snprintf(again, sizeof again, "-%u", number);
    snprintf(path, size, "%.*s.%u%s%s", (int)(dot - base), base, pid, again, dot);
}

/* A descriptor of the regular file at `path`, locked against other recorders and empty, or a negative errno: EWOULDBLOCK when
 * it is not to be touched. Then *keep_since_ns becomes the time when its trace began, if that was before.
 *
 * It is appended to wherever it ends: if somebody empties it meanwhile, its length tells (perftrace_trace_look). */
static int open_locked(const struct perftrace_runtime *runtime, const char *path, uint64_t *keep_since_ns) {
    const int flags = O_RDWR | O_APPEND | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK;
    int low = open(path, flags | O_CREAT | O_EXCL, 0600);
    bool made = low >= 0; /* and to be removed where nothing comes of it */
    if (!made && errno == EEXIST)
        low = open(path, flags);
    int fd = perftrace_above_standard(low), error = fd < 0 ? -errno : 0;
    struct stat status;
    if (fd < 0) {
        if (made)
            unlink(path);
        return error;
    }
    if (fstat(fd, &status) != 0)
        error = -errno;
    else if (!S_ISREG(status.st_mode))
        error = -EINVAL;
    else if (status.st_nlink > 1)
        error = -EMLINK; /* it is another file as well, which whoever named this one may not know */
    else if (flock(fd, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK)
        error = -EWOULDBLOCK; /* without locks there is still what the trace itself says */
    else if (!perftrace_previous_replace(runtime, fd, *keep_since_ns))
        error = -EWOULDBLOCK;
    else if (fchmod(fd, 0600) != 0 || ftruncate(fd, 0) != 0)
        error = -errno;
    if (error == -EWOULDBLOCK) {
        uint64_t start_ns = perftrace_previous_start_ns(fd);
        *keep_since_ns = start_ns < *keep_since_ns ? start_ns : *keep_since_ns;
    }
    if (error != 0) {
        if (made && error != -EWOULDBLOCK) /* else somebody has been quick */
            unlink(path);
        close(fd);
        return error;
    }
    return fd;
}

/* At the path that was asked for, or, where that is taken, at the first with .PID in it that is not. A process that runs for long may have
 * more children than there are pids: what one of them has left under a pid that comes again is kept, as its trace
 * began after that of the first. */
static int open_first_free(struct perftrace_runtime *runtime, bool own_name) {
    char *trace = runtime->trace.path, *chrome = runtime->chrome_path, base[PATH_MAX], chrome_base[PATH_MAX];
    uint64_t keep_since_ns = UINT64_MAX;
    int fd = own_name ? -EWOULDBLOCK : open_locked(runtime, trace, &keep_since_ns);
    if (runtime->run_start_ns < keep_since_ns)
        keep_since_ns = runtime->run_start_ns;
    memcpy(base, trace, sizeof base);
    memcpy(chrome_base, chrome, sizeof chrome_base);
    for (unsigned number = 1; fd == -EWOULDBLOCK && number <= NUMBERS_MAX; number++) {
        insert_pid(trace, sizeof runtime->trace.path, base, runtime->pid, number);
        insert_pid(chrome, sizeof runtime->chrome_path, chrome_base, runtime->pid, number);
        fd = open_locked(runtime, trace, &keep_since_ns);
    }
    return fd;
}

int perftrace_trace_open(struct perftrace_runtime *runtime, bool own_name) {
    struct perftrace_trace_file *file = &runtime->trace;
    int fd = open_first_free(runtime, own_name);
    file->own.fd = -1;
    if (fd < 0)
        return fd;
    int error = perftrace_own_file_take(&file->own, fd, file->path, O_RDWR | O_APPEND);
    if (error != 0) {
        unlink(file->path); /* it is empty now */
        return error;
    }
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    file->start_realtime_ns = (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
    file->bytes_max = runtime->config.trace_bytes_max;
    perftrace_random(file->uuid, sizeof file->uuid);
    return perftrace_trace_begin(runtime);
}
