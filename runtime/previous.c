/* What lies at a path already: whose trace it is, and whether a new one may take its place. */
#include "runtime.h"

#include "../core/process.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct previous {
    struct perftrace_file_header file;
    struct perftrace_block_process process;
    struct perftrace_block_ring ring;
    char ring_path[PATH_MAX]; /* "": none */
};

static void take_ring(struct previous *previous, const char *payload, size_t bytes) {
    struct perftrace_block_ring ring;
    if (bytes < sizeof ring)
        return;
    memcpy(&ring, payload, sizeof ring);
    if (ring.path_bytes > bytes - sizeof ring || ring.path_bytes >= sizeof previous->ring_path)
        return;
    previous->ring = ring;
    memset(previous->ring_path, 0, sizeof previous->ring_path);
    memcpy(previous->ring_path, payload + sizeof ring, ring.path_bytes);
}

/* Reads the first blocks. False: it is no trace. */
static bool read_beginning(int fd, struct previous *previous) {
    char buffer[8192];
    ssize_t have = pread(fd, buffer, sizeof buffer, 0);
    size_t at = sizeof previous->file;
    *previous = (struct previous){0};
    if (have < (ssize_t)at || memcmp(buffer, PERFTRACE_TRACE_MAGIC, sizeof previous->file.magic) != 0)
        return false;
    memcpy(&previous->file, buffer, sizeof previous->file);
    previous->process.pid = previous->file.pid;
    struct perftrace_block_header header;
    while (at + sizeof header <= (size_t)have) {
        memcpy(&header, buffer + at, sizeof header);
        at += sizeof header;
        if (header.marker != PERFTRACE_BLOCK_MARKER || header.bytes > (size_t)have - at)
            break;
        if (header.kind == PERFTRACE_BLOCK_RING)
            take_ring(previous, buffer + at, header.bytes);
        else if (header.kind == PERFTRACE_BLOCK_PROCESS && header.bytes >= sizeof previous->process)
            memcpy(&previous->process, buffer + at, sizeof previous->process);
        at += header.bytes;
    }
    return true;
}

/* Whether its recorder has ended it, and so will not come back to it. */
static bool has_end(int fd) {
    struct perftrace_block_header header;
    const off_t bytes = sizeof header + sizeof(struct perftrace_block_end);
    struct stat status;
    off_t end = fstat(fd, &status) == 0 ? status.st_size : 0;
    return end >= bytes && pread(fd, &header, sizeof header, end - bytes) == (ssize_t)sizeof header &&
           header.marker == PERFTRACE_BLOCK_MARKER && header.kind == PERFTRACE_BLOCK_END;
}

static bool is_of_this_boot(const struct previous *previous) {
    uint8_t boot_id[16];
    return perftrace_boot_id(boot_id) && memcmp(boot_id, previous->process.boot_id, sizeof boot_id) == 0;
}

static bool is_of_this_process(const struct perftrace_runtime *runtime, const struct previous *previous) {
    return previous->process.pid == runtime->pid &&
           previous->process.process_start_ticks == perftrace_process_start() && is_of_this_boot(previous);
}

/* A program that was killed leaves its ring file to whoever reads its trace; when the trace is replaced
 * unread, the ring file goes too. */
static void remove_ring(const struct previous *previous) {
    struct perftrace_ring_file left;
    int fd = previous->ring_path[0] == '\0'
                 ? -1
                 : open(previous->ring_path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    bool same = fd >= 0 && pread(fd, &left, sizeof left, 0) == (ssize_t)sizeof left &&
                memcmp(left.magic, PERFTRACE_RING_MAGIC, 8) == 0 &&
                memcmp(left.uuid, previous->file.uuid, sizeof left.uuid) == 0;
    if (fd >= 0)
        close(fd);
    if (same)
        unlink(previous->ring_path);
}

bool perftrace_previous_replace(const struct perftrace_runtime *runtime, int fd, uint64_t keep_since_ns) {
    struct previous previous;
    if (!read_beginning(fd, &previous))
        return true;
    uint64_t start_ns = previous.process.start_monotonic_ns;
    bool ours = is_of_this_process(runtime, &previous);
    if (ours ? start_ns < perftrace_image_start_ns() /* before it executed the program that now runs in it */
             : start_ns >= keep_since_ns && is_of_this_boot(&previous))
        return false;
    /* The lock should have told that already, but there are file systems without. */
    if (!ours && perftrace_recorder_runs(&previous.process, previous.ring.recorder_thread) && !has_end(fd))
        return false;
    remove_ring(&previous);
    return true;
}

uint64_t perftrace_previous_start_ns(int fd) {
    struct previous previous;
    return read_beginning(fd, &previous) && is_of_this_boot(&previous) ? previous.process.start_monotonic_ns
                                                                       : UINT64_MAX;
}
