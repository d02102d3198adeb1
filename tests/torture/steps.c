/* Leading a child from instruction to instruction, and copies of its files. */
#define _GNU_SOURCE /* the rest of ptrace and waitpid */
#include "steps.h"

#include "../../core/crc32c.h"
#include "../../format/format.h"
#include "../unit/json_check.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- a step --------------------------------------------------------------------------------------- */

#if defined(__x86_64__)

#define DEBUG_REGISTER(n) ((void *)(offsetof(struct user, u_debugreg) + (n) * sizeof(long)))

static bool stops(pid_t thread, int *status) {
    while (waitpid(thread, status, __WALL) < 0)
        if (errno != EINTR)
            return false;
    return WIFSTOPPED(*status);
}

/* Whether it stopped because of an int3. */
static bool at_marker(pid_t thread) {
    siginfo_t why;
    return ptrace(PTRACE_GETSIGINFO, thread, NULL, &why) == 0 && why.si_code == SI_KERNEL;
}

struct start {
    void (*program)(void *);
    void *argument;
};

static void be_traced(void *argument) {
    const struct start *start = argument;
    if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) != 0)
        _exit(99);
    start->program(start->argument);
}

pid_t step_start(void (*program)(void *), void *argument) {
    struct start start = {program, argument};
    pid_t child = torture_start(be_traced, &start);
    int status = 0;
    if (stops(child, &status) && WSTOPSIG(status) == SIGTRAP)
        return child;
    torture_check(false, "no first marker: status %x", (unsigned)status);
    return 0;
}

bool step(pid_t thread) {
    int status;
    /* Refused, it was killed where it stood (another thread ended the process): then it has to be waited for, too, or else
     * nobody sees the process end. */
    if ((ptrace(PTRACE_SINGLESTEP, thread, NULL, NULL) != 0 && errno != ESRCH) || !stops(thread, &status))
        return false;
    return WSTOPSIG(status) == SIGTRAP && !at_marker(thread);
}

uint64_t step_where(pid_t thread) {
    return (uint64_t)ptrace(PTRACE_PEEKUSER, thread, (void *)offsetof(struct user, regs.rip), NULL);
}

bool step_to(pid_t thread, uint64_t address, unsigned long times) {
    int status;
    times -= step_where(thread) == address;
    if (times == 0)
        return true;
    /* A breakpoint of this thread only: the others share its code. */
    if (ptrace(PTRACE_POKEUSER, thread, DEBUG_REGISTER(0), address) != 0 ||
        ptrace(PTRACE_POKEUSER, thread, DEBUG_REGISTER(7), 1) != 0)
        return false;
    for (; times > 0; times--)
        if (ptrace(PTRACE_CONT, thread, NULL, NULL) != 0 || !stops(thread, &status) ||
            WSTOPSIG(status) != SIGTRAP || at_marker(thread))
            return false;
    return step_where(thread) == address;
}

bool step_to_call(pid_t thread) {
    int status;
    return ptrace(PTRACE_SYSCALL, thread, NULL, NULL) == 0 && stops(thread, &status) &&
           WSTOPSIG(status) == SIGTRAP && !at_marker(thread);
}

/* One stop of any thread of the child, which goes on. True: it was a system call. */
static bool pass_stop(pid_t thread, int status) {
    int signal = WSTOPSIG(status);
    bool call = signal == (SIGTRAP | 0x80);
    bool own = call || status >> 16 != 0 || signal == SIGSTOP || signal == SIGTRAP;
    ptrace(PTRACE_SYSCALL, thread, NULL, (void *)(long)(own ? 0 : signal));
    return call;
}

static void be_followed(void *argument) {
    const struct start *start = argument;
    raise(SIGSTOP);
    start->program(start->argument);
}

bool step_kill_at_call(void (*program)(void *), void *argument, unsigned long calls, pid_t *child) {
    struct start start = {program, argument};
    int status;
    *child = torture_start(be_followed, &start);
    bool ended = waitpid(*child, &status, WUNTRACED) != *child ||
                 ptrace(PTRACE_SEIZE, *child, NULL,
                        (void *)(long)(PTRACE_O_TRACECLONE | PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL)) != 0;
    kill(*child, SIGCONT);
    for (bool killed = false; !ended;) {
        pid_t thread = waitpid(-1, &status, __WALL);
        if (thread < 0 || (thread == *child && !WIFSTOPPED(status)))
            return killed;
        if (!WIFSTOPPED(status))
            continue;
        calls -= calls > 0 && WSTOPSIG(status) == (SIGTRAP | 0x80);
        if (calls == 0 && !killed) {
            kill(*child, SIGKILL);
            killed = true;
        } else if (!killed) {
            pass_stop(thread, status);
        }
    }
    return false;
}

#else

bool step_kill_at_call(void (*program)(void *), void *argument, unsigned long calls, pid_t *child) {
    (void)program;
    (void)argument;
    (void)calls;
    *child = 0;
    return false;
}

pid_t step_start(void (*program)(void *), void *argument) {
    (void)program;
    (void)argument;
    return 0;
}

bool step(pid_t thread) {
    (void)thread;
    return false;
}

uint64_t step_where(pid_t thread) {
    (void)thread;
    return 0;
}

bool step_to(pid_t thread, uint64_t address, unsigned long times) {
    (void)thread;
    (void)address;
    return times == 0;
}

bool step_to_call(pid_t thread) {
    (void)thread;
    return false;
}

#endif

static void three_steps(void *argument) {
    STEP_MARKER();
    *(volatile int *)argument = 1;
    STEP_MARKER();
    _exit(0);
}

bool steps_are_possible(void) {
#if !defined(__x86_64__)
    torture_left_out("it knows the instructions of x86-64 only");
    return false;
#else
    int status, *told = torture_shared(sizeof *told);
    pid_t child = torture_start(be_traced, &(struct start){three_steps, told});
    bool stopped = stops(child, &status) && WSTOPSIG(status) == SIGTRAP && at_marker(child);
    uint64_t first = stopped ? step_where(child) : 0;
    bool possible = stopped && step(child) && step_where(child) != first;
    uint64_t second = possible ? step_where(child) : 0;
    if (stopped)
        step_kill(child);
    child = torture_start(be_traced, &(struct start){three_steps, told});
    possible = possible && stops(child, &status) && step_to(child, second, 1);
    step_kill(child);
    if (!possible)
        torture_left_out("ptrace does not single-step here, or sets no breakpoints");
    return possible;
#endif
}

void step_kill(pid_t child) {
    kill(child, SIGKILL);
    torture_wait(child, 10);
}

pid_t step_seize(pid_t child, const char *name) {
    char path[300], comm[64];
    pid_t found = 0;
    snprintf(path, sizeof path, "/proc/%d/task", (int)child);
    DIR *tasks = opendir(path);
    for (struct dirent *entry; tasks != NULL && found == 0 && (entry = readdir(tasks)) != NULL;) {
        snprintf(path, sizeof path, "/proc/%d/task/%.20s/comm", (int)child, entry->d_name);
        FILE *file = fopen(path, "r");
        if (file != NULL && fgets(comm, sizeof comm, file) != NULL && strcspn(comm, "\n") == strlen(name) &&
            strncmp(comm, name, strlen(name)) == 0)
            found = atoi(entry->d_name);
        if (file != NULL)
            fclose(file);
    }
    if (tasks != NULL)
        closedir(tasks);
    int status;
    if (found == 0 || ptrace(PTRACE_SEIZE, found, NULL, NULL) != 0 ||
        ptrace(PTRACE_INTERRUPT, found, NULL, NULL) != 0 || waitpid(found, &status, __WALL) != found)
        return 0;
    return found;
}

/* ---- a path --------------------------------------------------------------------------------------- */

struct step_path step_through(pid_t thread, void (*each)(void *), void *context) {
    enum { SLOTS = 1 << 16 };
    static struct {
        uint64_t address;
        unsigned long times;
    } seen[SLOTS]; /* open addressing */
    struct step_path path = {0};
    size_t capacity = 0;
    memset(seen, 0, sizeof seen);
    for (uint64_t before = 0;;) {
        uint64_t at = step_where(thread);
        if (each != NULL)
            each(context);
        size_t slot = at * UINT64_C(0x9e3779b97f4a7c15) >> 48;
        while (seen[slot].address != 0 && seen[slot].address != at)
            slot = (slot + 1) % SLOTS;
        seen[slot].address = at;
        if (at != before) { /* else another round of a repeating instruction */
            if (path.count == capacity) {
                capacity = capacity == 0 ? 4096 : capacity * 2;
                path.address = realloc(path.address, capacity * sizeof *path.address);
                path.times = realloc(path.times, capacity * sizeof *path.times);
                if (path.address == NULL || path.times == NULL)
                    exit(2);
            }
            path.address[path.count] = at;
            path.times[path.count++] = ++seen[slot].times;
        }
        before = at;
        if (!step(thread))
            return path;
    }
}

void step_forget(struct step_path *path) {
    free(path->address);
    free(path->times);
    *path = (struct step_path){0};
}

/* ---- copies --------------------------------------------------------------------------------------- */

enum { BYTES_COMPARED = 8192 }; /* of each segment: where records change, they do so there */

static struct {
    char ring_path[PATH_MAX];
    int ring_fd;
    char *ring, *before; /* mapped; as last copied */
    size_t ring_bytes;
    off_t trace_bytes;
} seen = {.ring_fd = -1};

void step_copy_anew(void) {
    if (seen.ring != NULL)
        munmap(seen.ring, seen.ring_bytes);
    free(seen.before);
    if (seen.ring_fd >= 0)
        close(seen.ring_fd);
    memset(&seen, 0, sizeof seen);
    seen.ring_fd = -1;
}

static void write_block(FILE *to, struct perftrace_block_header header, const void *payload) {
    header.checksum = 0;
    header.checksum = perftrace_crc32c(perftrace_crc32c(0, &header, sizeof header), payload, header.bytes);
    fwrite(&header, sizeof header, 1, to);
    fwrite(payload, header.bytes, 1, to);
}

static void write_ring_block(FILE *to) {
    char folder[PATH_MAX - 64], payload[PATH_MAX + 16] = {0};
    struct perftrace_block_ring ring;
    if (getcwd(folder, sizeof folder) == NULL)
        exit(2);
    int length = snprintf(payload + sizeof ring, PATH_MAX, "%s/copy.ring", folder);
    ring = (struct perftrace_block_ring){.path_bytes = (uint16_t)length};
    memcpy(payload, &ring, sizeof ring);
    write_block(
        to,
        (struct perftrace_block_header){.kind = PERFTRACE_BLOCK_RING,
                                        .bytes = (uint32_t)(sizeof ring + ring.path_bytes + 7) / 8 * 8,
                                        .marker = PERFTRACE_BLOCK_MARKER},
        payload);
}

/* The ring file's path goes to seen.ring_path. */
static void copy_trace(void) {
    size_t length = 0, at = sizeof(struct perftrace_file_header);
    char *bytes = read_whole_file("trace.ptrace", &length);
    FILE *to = fopen("copy.ptrace", "w");
    if (bytes == NULL || to == NULL)
        exit(2);
    fwrite(bytes, length < at ? length : at, 1, to);
    struct perftrace_block_header header;
    for (; at + sizeof header <= length; at += sizeof header + header.bytes) {
        memcpy(&header, bytes + at, sizeof header);
        char *payload = bytes + at + sizeof header;
        if (header.bytes > length - at - sizeof header)
            break;
        if (header.kind == PERFTRACE_BLOCK_RING) {
            struct perftrace_block_ring ring;
            memcpy(&ring, payload, sizeof ring);
            snprintf(seen.ring_path, sizeof seen.ring_path, "%.*s", ring.path_bytes, payload + sizeof ring);
            write_ring_block(to);
        } else {
            if (header.kind == PERFTRACE_BLOCK_PROCESS) /* another that had the number, before */
                payload[offsetof(struct perftrace_block_process, process_start_ticks)] ^= 1;
            write_block(to, header, payload);
        }
    }
    fwrite(bytes + at, length > at ? length - at : 0, 1, to);
    fclose(to);
    free(bytes);
}

char *step_ring_path(void) {
    step_copy_anew();
    copy_trace();
    return strdup(seen.ring_path);
}

static bool map_ring(void) {
    struct stat status;
    if (seen.ring != NULL)
        return true;
    seen.ring_fd = open(seen.ring_path, O_RDONLY | O_CLOEXEC);
    if (seen.ring_fd < 0 || fstat(seen.ring_fd, &status) != 0)
        return false;
    seen.ring_bytes = (size_t)status.st_size;
    void *ring = mmap(NULL, seen.ring_bytes, PROT_READ, MAP_SHARED, seen.ring_fd, 0);
    seen.before = calloc(1, seen.ring_bytes);
    if (ring == MAP_FAILED || seen.before == NULL)
        exit(2);
    seen.ring = ring;
    return true;
}

/* Brings seen.before up to date; false: it was. */
static bool take_part(size_t at, size_t bytes) {
    if (memcmp(seen.before + at, seen.ring + at, bytes) == 0)
        return false;
    memcpy(seen.before + at, seen.ring + at, bytes);
    return true;
}

static bool take_ring(void) {
    const struct perftrace_ring_file *ring = (const void *)seen.ring;
    size_t first = ring->segments_offset;
    bool changed = take_part(0, ring->metadata_offset + 16384);
    for (size_t at = first; at + PERFTRACE_SEGMENT_BYTES <= seen.ring_bytes; at += PERFTRACE_SEGMENT_BYTES)
        changed = take_part(at, BYTES_COMPARED) || changed;
    return changed;
}

bool step_copy_files(void) {
    struct stat status;
    /* The ring first: what another thread moves from it to the trace meanwhile is in both then, and not in none. */
    bool have_ring = seen.ring_path[0] != '\0' && map_ring() && access(seen.ring_path, F_OK) == 0;
    bool changed = have_ring && take_ring();
    if (stat("trace.ptrace", &status) != 0 || (!changed && status.st_size == seen.trace_bytes && have_ring))
        return false;
    seen.trace_bytes = status.st_size;
    copy_trace();
    if (!have_ring && seen.ring_path[0] != '\0' && map_ring() && access(seen.ring_path, F_OK) == 0) {
        take_ring();
        have_ring = true;
    }
    unlink("copy.ring");
    FILE *to = have_ring ? fopen("copy.ring", "w") : NULL;
    if (to != NULL) {
        fwrite(seen.ring, seen.ring_bytes, 1, to);
        fclose(to);
    }
    return true;
}
