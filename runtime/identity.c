/* Who recorded: the process, its modules with their build ids, and whether its tick counter can be trusted. */
#include "runtime.h"

#include "../core/process.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

void perftrace_random(uint8_t *bytes, size_t count) {
    if (getrandom(bytes, count, GRND_NONBLOCK) == (ssize_t)count)
        return;
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    uint64_t mixed =
        (uint64_t)now.tv_nsec * 0x9e3779b97f4a7c15u ^ (uint64_t)now.tv_sec ^ (uint64_t)getpid() << 32;
    for (size_t i = 0; i < count; i++) {
        mixed ^= mixed << 13, mixed ^= mixed >> 7, mixed ^= mixed << 17; /* xorshift64, Marsaglia 2003 */
        bytes[i] = (uint8_t)(mixed >> 24);
    }
}

#if defined(__x86_64__)

/* Reads a small file whole, without its last newline. Returns its length; 0 when it can't be read. */
static size_t read_small(const char *path, char *buffer, size_t size) {
    buffer[0] = '\0';
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return 0;
    ssize_t length;
    do
        length = read(fd, buffer, size - 1);
    while (length < 0 && errno == EINTR);
    close(fd);
    if (length < 0)
        length = 0;
    if (length > 0 && buffer[length - 1] == '\n')
        length--;
    buffer[length] = '\0';
    return (size_t)length;
}

/* The kernel removes "tsc" from the list once it has found it unstable. */
bool perftrace_ticks_are_trusted(void) {
    char sources[256];
    if (read_small("/sys/devices/system/clocksource/clocksource0/available_clocksource", sources,
                   sizeof sources) == 0)
        return true; /* no sysfs: nothing speaks against it */
    for (char *rest = sources, *word; (word = strsep(&rest, " \n")) != NULL;)
        if (strcmp(word, "tsc") == 0)
            return true;
    return false;
}

#else

bool perftrace_ticks_are_trusted(void) {
    return true;
}

#endif

static uint64_t nanoseconds(clockid_t clock) {
    struct timespec now;
    clock_gettime(clock, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

#define PROCESS_BLOCK_BYTES (sizeof(struct perftrace_block_process) + 256 + 1024 + 8)

/* Puts the PROCESS block's payload together; returns its length. */
static size_t describe_process(const struct perftrace_runtime *runtime, char block[PROCESS_BLOCK_BYTES]) {
    char executable[1024];
    ssize_t length = readlink("/proc/self/exe", executable, sizeof executable);
    size_t executable_bytes = length > 0 ? (size_t)length : 0;
    size_t name_bytes = strlen(runtime->process_name);
    struct perftrace_block_process head = {
        .start_monotonic_ns = runtime->start_monotonic_ns,
        .start_realtime_ns = runtime->start_realtime_ns,
        .process_start_ticks = perftrace_process_start(),
        .pid = runtime->pid,
        .parent_pid = (uint32_t)getppid(),
        .clock = runtime->use_clock_gettime ? PERFTRACE_CLOCK_MONOTONIC : PERFTRACE_CLOCK_TSC,
        .mode = runtime->config.when_full == PERFTRACE_FULL_OVERWRITE ? PERFTRACE_MODE_FLIGHT
                                                                      : PERFTRACE_MODE_STREAM,
        .flags = (uint16_t)(runtime->ring != NULL && !runtime->ring_in_file ? PERFTRACE_PROCESS_NOT_CRASH_SAFE
                                                                            : 0),
        .name_bytes = (uint16_t)name_bytes,
        .executable_bytes = (uint16_t)executable_bytes};
    memcpy(head.parent_uuid, runtime->parent_uuid, 16);
    perftrace_boot_id(head.boot_id);
    memset(block, 0, PROCESS_BLOCK_BYTES);
    memcpy(block, &head, sizeof head);
    memcpy(block + sizeof head, runtime->process_name, name_bytes);
    memcpy(block + sizeof head + name_bytes, executable, executable_bytes);
    return (sizeof head + name_bytes + executable_bytes + 7) & ~(size_t)7;
}

/* Damage may hit one of them. */
static int write_twice(struct perftrace_runtime *runtime, uint16_t kind, const void *head, size_t head_bytes,
                       const void *body, size_t body_bytes) {
    int result = perftrace_trace_block(&runtime->trace, kind, head, head_bytes, body, body_bytes);
    return result != 0 ? result
                       : perftrace_trace_block(&runtime->trace, kind, head, head_bytes, body, body_bytes);
}

int perftrace_identity_write(struct perftrace_runtime *runtime) {
    char block[PROCESS_BLOCK_BYTES];
    runtime->start_monotonic_ns = nanoseconds(CLOCK_MONOTONIC);
    runtime->start_realtime_ns = nanoseconds(CLOCK_REALTIME);
    size_t bytes = describe_process(runtime, block);
    return write_twice(runtime, PERFTRACE_BLOCK_PROCESS, block, bytes, NULL, 0);
}

int perftrace_identity_write_ring(struct perftrace_runtime *runtime) {
    char path[PATH_MAX + 8] = {0};
    struct perftrace_block_ring ring = {.path_bytes = (uint16_t)strlen(runtime->ring_path),
                                        .recorder_thread = runtime->recorder_thread};
    memcpy(path, runtime->ring_path, ring.path_bytes);
    return write_twice(runtime, PERFTRACE_BLOCK_RING, &ring, sizeof ring, path, (ring.path_bytes + 7u) & ~7u);
}

void perftrace_identity_rename(struct perftrace_runtime *runtime) {
    char block[PROCESS_BLOCK_BYTES];
    size_t bytes = describe_process(runtime, block);
    perftrace_metadata_add(runtime, PERFTRACE_BLOCK_PROCESS, block, bytes);
}
