/* What /proc tells of processes. */
#include "process.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The text of a small file of /proc; its length, 0 where there is none (then errno says why). */
static size_t read_text(const char *path, char *into, size_t bytes) {
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return 0;
    ssize_t got;
    do
        got = read(fd, into, bytes - 1);
    while (got < 0 && errno == EINTR);
    int error = got == 0 ? ESRCH : errno;
    close(fd);
    errno = error;
    into[got > 0 ? got : 0] = 0;
    return got > 0 ? (size_t)got : 0;
}

bool perftrace_boot_id(uint8_t id[16]) {
    char text[64];
    size_t digits = 0;
    memset(id, 0, 16);
    if (read_text("/proc/sys/kernel/random/boot_id", text, sizeof text) == 0)
        return false;
    for (const char *at = text; *at != 0 && digits < 32; at++) {
        static const char hex[] = "0123456789abcdef";
        const char *digit = strchr(hex, *at);
        if (digit == NULL)
            continue;
        id[digits / 2] = (uint8_t)(id[digits / 2] << 4 | (digit - hex));
        digits++;
    }
    return true;
}

static bool same_boot(const uint8_t boot_id[16]) {
    static const uint8_t unknown[16];
    uint8_t here[16];
    return memcmp(boot_id, unknown, sizeof unknown) == 0 || !perftrace_boot_id(here) ||
           memcmp(here, boot_id, sizeof here) == 0;
}

struct status {
    char state;
    unsigned threads;
    uint64_t start_ticks;
};

/* /proc/…/stat, proc(5). */
static bool read_status(const char *path, struct status *status) {
    char text[1024];
    if (read_text(path, text, sizeof text) == 0)
        return false;
    /* The name, in brackets, may hold spaces and brackets: fields are counted from the last bracket on. */
    const char *at = strrchr(text, ')');
    if (at == NULL || at[1] != ' ')
        return false;
    *status = (struct status){.state = at[2]};
    for (int field = 2; at != NULL && field < 22; field++) {
        if (field == 20)
            status->threads = (unsigned)strtoull(at, NULL, 10);
        at = strchr(at + 1, ' ');
    }
    if (at != NULL)
        status->start_ticks = strtoull(at, NULL, 10);
    return at != NULL;
}

uint64_t perftrace_process_start(void) {
    struct status status;
    return read_status("/proc/self/stat", &status) ? status.start_ticks : 0;
}

unsigned perftrace_process_threads(bool *main_ended) {
    struct status status = {0};
    if (!read_status("/proc/self/stat", &status))
        return 0;
    *main_ended = status.state == 'Z';
    return status.threads;
}

bool perftrace_recorder_runs(const struct perftrace_block_process *process, uint32_t thread) {
    char path[96];
    struct status status;
    snprintf(path, sizeof path, "/proc/%u/stat", process->pid);
    if (process->pid == 0 || !same_boot(process->boot_id) || !read_status(path, &status))
        return false;
    /* A main thread that has ended looks like a dead process, but for the other threads. */
    if (status.state == 'X' || (status.state == 'Z' && status.threads < 2))
        return false;
    /* 0: the recorder could not tell. That a process of this number runs is then all there is to go by, if it is at least
     * known to be of this boot. */
    static const uint8_t unknown[sizeof process->boot_id];
    if (process->process_start_ticks == 0 ? memcmp(process->boot_id, unknown, sizeof unknown) == 0
                                          : status.start_ticks != process->process_start_ticks)
        return false;
    if (thread == 0)
        return true;
    snprintf(path, sizeof path, "/proc/%u/task/%u/stat", process->pid, thread);
    return read_status(path, &status) ? status.state != 'X' && status.state != 'Z'
                                      : errno != ENOENT && errno != ESRCH;
}

bool perftrace_recorder_ended(const struct perftrace_block_process *process, uint32_t thread) {
    return same_boot(process->boot_id) && !perftrace_recorder_runs(process, thread);
}
