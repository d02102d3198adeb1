/* Whether the process that recorded a trace still runs. */
#include "process.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The text of a small file of /proc; its length, 0 where there is none. */
static size_t read_text(const char *path, char *into, size_t bytes) {
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return 0;
    ssize_t got = read(fd, into, bytes - 1);
    close(fd);
    into[got > 0 ? got : 0] = 0;
    return got > 0 ? (size_t)got : 0;
}

static bool same_boot(const uint8_t boot_id[16]) {
    static const uint8_t unknown[16];
    char text[64];
    uint8_t here[16] = {0};
    size_t digits = 0;
    if (memcmp(boot_id, unknown, sizeof unknown) == 0 ||
        read_text("/proc/sys/kernel/random/boot_id", text, sizeof text) == 0)
        return true;
    for (const char *at = text; *at != 0 && digits < 32; at++) {
        static const char hex[] = "0123456789abcdef";
        const char *digit = strchr(hex, *at);
        if (digit == NULL)
            continue;
        here[digits / 2] = (uint8_t)(here[digits / 2] << 4 | (digit - hex));
        digits++;
    }
    return memcmp(here, boot_id, sizeof here) == 0;
}

bool perftrace_process_runs(const struct perftrace_block_process *process) {
    char path[64], text[1024];
    snprintf(path, sizeof path, "/proc/%u/stat", process->pid);
    if (process->pid == 0 || !same_boot(process->boot_id) || read_text(path, text, sizeof text) == 0)
        return false;
    /* The name, in brackets, may hold spaces and brackets: fields are counted from the last bracket on. */
    const char *at = strrchr(text, ')');
    if (at == NULL || at[1] != ' ')
        return false;
    char state = at[2];
    unsigned long long threads = 0;
    for (int field = 2; at != NULL && field < 22; field++) {
        if (field == 20)
            threads = strtoull(at, NULL, 10);
        at = strchr(at + 1, ' ');
    }
    /* A main thread that has ended looks like a dead process, but for the other threads. */
    if (state == 'X' || (state == 'Z' && threads < 2))
        return false;
    /* 0: the recorder could not tell. That any process of this number runs is then all there is to go by. */
    return at != NULL &&
           (process->process_start_ticks == 0 || strtoull(at, NULL, 10) == process->process_start_ticks);
}

bool perftrace_process_ended(const struct perftrace_block_process *process) {
    return same_boot(process->boot_id) && !perftrace_process_runs(process);
}
