/* A supervisor for the system calls of a scenario, by seccomp's user notifications (Linux 5.7; seccomp_unotify(2)). */
#define _GNU_SOURCE /* process_vm_readv */
#include "inject.h"

#include "torture.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/futex.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

/* What a call of the scenario's own has as its sixth argument, which none of them needs. */
#define MARK UINT64_C(0x746f727475726531)

#ifndef SECCOMP_FILTER_FLAG_TSYNC_ESRCH
#define SECCOMP_FILTER_FLAG_TSYNC_ESRCH (1UL << 4)
#endif

#if defined(__x86_64__)
#define ARCHITECTURE AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define ARCHITECTURE AUDIT_ARCH_AARCH64
#endif

long inject_own_call(long number, long a, long b, long c, long d, long e) {
    return syscall(number, a, b, c, d, e, (long)MARK);
}

/* ---- in the scenario's process --------------------------------------------------------------------- */

static int install_filter(void) {
    enum { SIXTH = offsetof(struct seccomp_data, args) + 5 * sizeof(uint64_t) };
    struct sock_filter program[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ARCHITECTURE, 0, 7),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, SIXTH), /* both machines are little-endian */
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)MARK, 0, 2),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, SIXTH + 4),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)(MARK >> 32), 3, 0),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_exit_group, 1, 0),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog filter = {sizeof program / sizeof program[0], program};
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    return (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER,
                        SECCOMP_FILTER_FLAG_NEW_LISTENER | SECCOMP_FILTER_FLAG_TSYNC |
                            SECCOMP_FILTER_FLAG_TSYNC_ESRCH,
                        &filter);
}

union control {
    struct cmsghdr header;
    char bytes[CMSG_SPACE(sizeof(int))];
};

static bool send_listener(int socket, int listener) {
    union control control = {0};
    char byte = 0;
    struct iovec part = {&byte, 1};
    struct msghdr message = {
        .msg_iov = &part, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
    control.header = (struct cmsghdr){
        .cmsg_len = CMSG_LEN(sizeof listener), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS};
    memcpy(CMSG_DATA(&control.header), &listener, sizeof listener);
    return inject_own_call(SYS_sendmsg, socket, (long)&message, 0, 0, 0) == 1;
}

static int receive_listener(int socket) {
    union control control = {0};
    char byte;
    int listener = -1;
    struct iovec part = {&byte, 1};
    struct msghdr message = {
        .msg_iov = &part, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
    if (recvmsg(socket, &message, MSG_CMSG_CLOEXEC) == 1 &&
        control.header.cmsg_len == CMSG_LEN(sizeof listener))
        memcpy(&listener, CMSG_DATA(&control.header), sizeof listener);
    return listener;
}

static pid_t start(const struct inject_scenario *scenario, int *listener) {
    int sockets[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets) != 0) {
        perror("socketpair");
        exit(2);
    }
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        close(sockets[0]);
        if (scenario->prepare != NULL)
            scenario->prepare(scenario->argument);
        int own = install_filter();
        if (own < 0 || !send_listener(sockets[1], own))
            inject_own_call(SYS_exit_group, 98, 0, 0, 0, 0);
        inject_own_call(SYS_close, own, 0, 0, 0, 0);
        inject_own_call(SYS_close, sockets[1], 0, 0, 0, 0);
        scenario->run(scenario->argument);
        inject_own_call(SYS_exit_group, 99, 0, 0, 0, 0);
    }
    close(sockets[1]);
    *listener = child > 0 ? receive_listener(sockets[0]) : -1;
    close(sockets[0]);
    return child;
}

/* ---- the supervisor -------------------------------------------------------------------------------- */

static bool is_read(long number) {
    return number == SYS_read || number == SYS_pread64 || number == SYS_readv;
}

bool inject_can_be_short(long number) {
    return is_read(number) || number == SYS_write || number == SYS_writev || number == SYS_pwrite64;
}

enum { SHORT_BYTES = 1 << 20, SHORT_PARTS = 64 };

/* The parts of memory that a read or write is about; their number, 0 when that can't be found out. */
static unsigned find_parts(const struct seccomp_notif *call, struct iovec parts[SHORT_PARTS]) {
    const __u64 *arguments = call->data.args;
    if (call->data.nr != SYS_writev && call->data.nr != SYS_readv) {
        parts[0] = (struct iovec){(void *)(uintptr_t)arguments[1], arguments[2]};
        return 1;
    }
    size_t bytes = arguments[2] * sizeof *parts;
    struct iovec here = {parts, bytes}, there = {(void *)(uintptr_t)arguments[1], bytes};
    if (arguments[2] > SHORT_PARTS ||
        process_vm_readv((pid_t)call->pid, &here, 1, &there, 1, 0) != (ssize_t)bytes)
        return 0;
    return (unsigned)arguments[2];
}

/* Cuts the parts to half of their bytes, which is returned. */
static size_t halve(struct iovec *parts, unsigned *count) {
    size_t bytes = 0;
    for (unsigned i = 0; i < *count; i++)
        bytes += parts[i].iov_len;
    bytes /= 2;
    size_t left = bytes;
    for (unsigned i = 0; i < *count; i++) {
        if (parts[i].iov_len > left)
            parts[i].iov_len = left;
        left -= parts[i].iov_len;
    }
    while (*count > 0 && parts[*count - 1].iov_len == 0)
        --*count;
    return bytes;
}

/* Opens once more what the thread's descriptor stands for. */
static int open_the_same(const struct seccomp_notif *call, bool to_read) {
    char path[64];
    snprintf(path, sizeof path, "/proc/%u/fdinfo/%d", call->pid, (int)call->data.args[0]);
    FILE *info = fopen(path, "re");
    char line[128];
    unsigned flags = 0;
    while (info != NULL && fgets(line, sizeof line, info) != NULL)
        if (sscanf(line, "flags: %o", &flags) == 1)
            break;
    if (info != NULL)
        fclose(info);
    snprintf(path, sizeof path, "/proc/%u/fd/%d", call->pid, (int)call->data.args[0]);
    return open(path, (to_read ? O_RDONLY : O_WRONLY) | ((int)flags & O_APPEND) | O_CLOEXEC | O_NOCTTY);
}

/* Does half of a read or write in the thread's place. Returns how many bytes, or -1: nothing was done. */
static ssize_t do_half(const struct seccomp_notif *call) {
    static char buffer[SHORT_BYTES];
    struct iovec parts[SHORT_PARTS];
    unsigned count = find_parts(call, parts);
    size_t bytes = halve(parts, &count);
    if (bytes == 0 || bytes > sizeof buffer)
        return -1;
    bool to_read = is_read(call->data.nr);
    bool at_offset = call->data.nr == SYS_pread64 || call->data.nr == SYS_pwrite64;
    off_t offset = (off_t)call->data.args[3];
    struct iovec here = {buffer, bytes};
    int fd = open_the_same(call, to_read);
    ssize_t done = -1;
    if (fd >= 0 && to_read) {
        done = at_offset ? pread(fd, buffer, bytes, offset) : read(fd, buffer, bytes);
        here.iov_len = done > 0 ? (size_t)done : 0;
        if (done > 0 && process_vm_writev((pid_t)call->pid, &here, 1, parts, count, 0) != done)
            done = -1;
    } else if (fd >= 0 && process_vm_readv((pid_t)call->pid, &here, 1, parts, count, 0) == (ssize_t)bytes) {
        done = at_offset ? pwrite(fd, buffer, bytes, offset) : write(fd, buffer, bytes);
    }
    if (fd >= 0)
        close(fd);
    return done;
}

static bool is_wake(const struct seccomp_notif *call) {
    return call->data.nr == SYS_futex && ((int)call->data.args[1] & FUTEX_CMD_MASK) == FUTEX_WAKE;
}

/* glibc wakes one where one is to go on, and counts on the kernel for that. */
static bool wakes_all(const struct seccomp_notif *call) {
    return is_wake(call) && (int)call->data.args[2] == INT_MAX;
}

/* Fills in the answer with the fault. False: it makes no sense for this call. */
static bool answer(const struct inject_plan *plan, const struct seccomp_notif *call,
                   struct seccomp_notif_resp *response) {
    ssize_t done;
    switch (plan->fault) {
    case INJECT_ERROR:
        if (is_wake(call))
            return false; /* it has none */
        response->error = -plan->error;
        return true;
    case INJECT_SHORT:
        done = do_half(call);
        response->val = done;
        return done >= 0;
    case INJECT_LOST:
        return wakes_all(call);
    default:
        return false;
    }
}

static void handle(int listener, const struct inject_plan *plan, struct inject_seen *seen) {
    struct seccomp_notif call = {0};
    if (ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &call) != 0)
        return; /* the thread was killed meanwhile */
    struct seccomp_notif_resp response = {.id = call.id};
    unsigned number = (unsigned)call.data.nr < INJECT_CALLS ? (unsigned)call.data.nr : 0;
    unsigned nth = ++seen->calls[number];
    bool due = plan->fault != INJECT_NOTHING && call.data.nr == plan->number &&
               (plan->from_then_on ? nth >= plan->nth : nth == plan->nth);
    if (due && answer(plan, &call, &response))
        seen->injected++;
    else
        response = (struct seccomp_notif_resp){.id = call.id, .flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE};
    ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &response);
}

int inject_run(const struct inject_scenario *scenario, const struct inject_plan *plan, double seconds,
               struct inject_seen *seen, pid_t *pid) {
    double deadline = torture_now() + seconds;
    int listener, status = -1;
    *seen = (struct inject_seen){0};
    *pid = start(scenario, &listener);
    if (*pid < 0) {
        perror("fork");
        exit(2);
    }
    struct pollfd ready = {.fd = listener, .events = POLLIN};
    while (listener >= 0 && torture_now() < deadline) {
        int got = poll(&ready, 1, 100);
        if (got > 0 && (ready.revents & POLLIN) != 0)
            handle(listener, plan, seen);
        else if (got > 0)
            break; /* nobody is left who could make calls */
    }
    status = torture_wait(*pid, deadline - torture_now());
    if (listener >= 0)
        close(listener);
    return status;
}

static void do_nothing(void *argument) {
    (void)argument;
    inject_own_call(SYS_exit_group, 0, 0, 0, 0, 0);
}

bool inject_is_possible(const char **why) {
    static const struct inject_plan nothing = {0};
    struct inject_seen seen;
    pid_t pid;
    const struct inject_scenario scenario = {.run = do_nothing};
    int status = inject_run(&scenario, &nothing, 10, &seen, &pid);
    *why = "seccomp's user notifications are not allowed here";
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

/* ---- names ----------------------------------------------------------------------------------------- */

#define NAME(name) {SYS_##name, #name},
static const struct {
    long number;
    const char *name;
} names[] = {
    NAME(read) NAME(write) NAME(close) NAME(fstat) NAME(mmap) NAME(mprotect) NAME(munmap) NAME(brk)
        NAME(writev) NAME(rt_sigprocmask) NAME(rt_sigpending) NAME(rt_sigtimedwait) NAME(pread64)
            NAME(pwrite64) NAME(mremap) NAME(madvise) NAME(nanosleep) NAME(clock_nanosleep) NAME(getpid)
                NAME(getppid) NAME(gettid) NAME(geteuid) NAME(fcntl) NAME(flock) NAME(ftruncate) NAME(fchmod)
                    NAME(prctl) NAME(futex) NAME(openat) NAME(linkat) NAME(fallocate) NAME(prlimit64)
                        NAME(getrandom) NAME(memfd_create) NAME(clone) NAME(clone3) NAME(rseq)
                            NAME(set_robust_list) NAME(close_range) NAME(getcwd) NAME(exit) NAME(unlinkat)
                                NAME(readlinkat) NAME(unshare) NAME(sched_yield) NAME(lseek) NAME(newfstatat)
#ifdef SYS_open /* what newer machines do without */
                                    NAME(open) NAME(poll) NAME(rename) NAME(unlink) NAME(readlink)
                                        NAME(getrlimit) NAME(lstat)
#endif
};
#undef NAME

const char *inject_call_name(long number) {
    static char text[32];
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (names[i].number == number)
            return names[i].name;
    snprintf(text, sizeof text, "call %ld", number);
    return text;
}
