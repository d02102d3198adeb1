/* All other ways in which a program ends without ending its trace: what had been recorded is there as after a kill. */
#define PERF_TRACE 1
#define PERF_TARGET "lanes"
#include "killed.h"
#include "perftrace.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MAIN, WORKERS = 2, LANES }; /* lanes: of the main thread, and of two that go on meanwhile */

static struct told {
    unsigned rings_before, deep;
    struct lane lane[LANES];
} * told;

static struct lanes_heard heard;

/* ---- ways to end ---------------------------------------------------------------------------------- */

static void segmentation_fault(void) {
    *(volatile int *)mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) = 1;
}

static void bus_error(void) {
    int fd = open("hole", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    *(volatile int *)mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0) = 1;
}

static void abortion(void) {
    abort();
}

/* Each level is a span. */
static unsigned deeper(unsigned level) { // NOLINT(misc-no-recursion): that is what it is about
    volatile char room[64] = {0};
    PERF_SPAN("around", "lane", (uint32_t)MAIN);
    room[level % sizeof room] = 1;
    __atomic_store_n(&told->deep, level, __ATOMIC_SEQ_CST);
    return level < UINT_MAX ? deeper(level + 1) + (unsigned)room[0] : 0;
}

static void stack_overflow(void) {
    deeper(1);
}

static void immediate_exit(void) {
    _exit(7);
}

static void quick(void) {
    quick_exit(7);
}

static void termination(void) {
    raise(SIGTERM);
}

static void illegal_instruction(void) {
    __builtin_trap();
}

void throw_uncaught(void); /* throws.cpp */

/* The kernel kills with SIGKILL whoever is beyond the hard limit. */
static void cpu_limit(void) {
    struct rlimit limit = {1, 1};
    setrlimit(RLIMIT_CPU, &limit);
    for (double next = 0;;)
        if (torture_now() > next) {
            lane_round(&told->lane[MAIN], MAIN);
            next = torture_now() + 0.001;
        }
}

/* Until the group's memory is used up. */
static void all_memory(void) {
    for (;;) {
        enum { BYTES = 1 << 20 };
        char *memory = mmap(NULL, BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (memory == MAP_FAILED)
            _exit(92);
        memset(memory, 1, BYTES);
        lane_round(&told->lane[MAIN], MAIN);
    }
}

/* ---- the program ---------------------------------------------------------------------------------- */

static void *work(void *id) {
    for (uint64_t i = 0;; i++) {
        lane_round(&told->lane[*(uint32_t *)id], *(uint32_t *)id);
        if (i % 16 == 0)
            usleep(i < 2000 ? 200 : 20000);
    }
    return NULL;
}

static void record_and_end(void *argument) {
    static uint32_t ids[WORKERS] = {1, 2};
    void (*const *end)(void) = argument;
    pthread_t thread;
    told->rings_before = killed_rings_left(getpid());
    if (perftrace_init_default() != 0)
        _exit(90);
    for (int i = 0; i < WORKERS; i++)
        if (pthread_create(&thread, NULL, work, &ids[i]) != 0)
            _exit(91);
    PERF_SPAN("around", "lane", (uint32_t)MAIN);
    for (int i = 0; i < 2000; i++)
        lane_round(&told->lane[MAIN], MAIN);
    usleep(20000); /* some of it is in the trace by now */
    for (int i = 0; i < 20; i++)
        lane_round(&told->lane[MAIN], MAIN);
    (*end)();
    _exit(93);
}

static int run(void (*end)(void), const char *group) {
    torture_fresh_folder();
    memset(told, 0, sizeof *told);
    struct rlimit none = {0, 0};
    setrlimit(RLIMIT_CORE, &none);
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        if (freopen("/dev/null", "w", stderr) == NULL) /* what the C++ runtime has to say */
            _exit(94);
        if (group != NULL) {
            FILE *members = fopen(group, "w");
            if (members == NULL || fprintf(members, "%d", (int)getpid()) < 0 || fclose(members) != 0)
                _exit(95);
        }
        record_and_end(&end);
    }
    int status = torture_wait(child, 20);
    struct killed killed = {.pid = child,
                            .rings_before = told->rings_before,
                            .lanes = told->lane,
                            .lane_count = LANES,
                            .begun = true,
                            .chrome = true};
    struct torture_trace trace = killed_check(&killed, &heard);
    const struct lane_heard *main_lane = &heard.lane[MAIN];
    unsigned spans = 1 + told->deep;
    torture_check(!trace.info.finished, "it is taken for a trace that was ended in good order");
    torture_check(trace.lost == 0, "%llu records are lost", (unsigned long long)trace.lost);
    torture_check(main_lane->around == spans || (told->deep > 0 && main_lane->around == spans + 1),
                  "%u spans around it, of %u", main_lane->around, spans);
    torture_check(main_lane->around_at_end == main_lane->around, "%u of %u are open at the end",
                  main_lane->around_at_end, main_lane->around);
    torture_note("%llu records", (unsigned long long)trace.info.records);
    return status;
}

static void by_signal(void (*end)(void), int signal) {
    int status = run(end, NULL);
    torture_check(WIFSIGNALED(status) && WTERMSIG(status) == signal, "status %x", (unsigned)status);
}

static void by_exit(void (*end)(void)) {
    int status = run(end, NULL);
    torture_check(WIFEXITED(status) && WEXITSTATUS(status) == 7, "status %x", (unsigned)status);
}

/* ---- cases ---------------------------------------------------------------------------------------- */

static void case_segmentation_fault(void) {
    by_signal(segmentation_fault, SIGSEGV);
}

static void case_bus_error(void) {
    by_signal(bus_error, SIGBUS);
}

static void case_abort(void) {
    by_signal(abortion, SIGABRT);
}

static void case_stack_overflow(void) {
    by_signal(stack_overflow, SIGSEGV);
    torture_check(told->deep > 1000, "only %u levels deep", told->deep);
    torture_note("%u spans deep", told->deep);
}

static void case_trap(void) {
    int status = run(illegal_instruction, NULL);
    torture_check(WIFSIGNALED(status) && (WTERMSIG(status) == SIGILL || WTERMSIG(status) == SIGTRAP),
                  "status %x", (unsigned)status);
}

static void case_immediate_exit(void) {
    by_exit(immediate_exit);
}

static void case_quick_exit(void) {
    by_exit(quick);
}

static void case_termination(void) {
    by_signal(termination, SIGTERM);
}

static void case_exception(void) {
    by_signal(throw_uncaught, SIGABRT);
}

static void case_cpu_limit(void) {
    by_signal(cpu_limit, SIGKILL);
}

static bool put(const char *folder, const char *name, const char *text) {
    char path[600];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    bool done = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);
    if (fd >= 0)
        close(fd);
    return done;
}

/* A control group, of version 2 or of the older one, in which 64 MiB are all that there is. */
static bool make_group(char *folder, size_t size) {
    bool second = access("/sys/fs/cgroup/cgroup.controllers", R_OK) == 0;
    snprintf(folder, size, "/sys/fs/cgroup/%sperftrace-torture-%d", second ? "" : "memory/", (int)getpid());
    const char *limit = second ? "memory.max" : "memory.limit_in_bytes";
    if (mkdir(folder, 0700) != 0 || !put(folder, limit, "67108864")) {
        torture_left_out("%s can't be made, or has no limit of memory: %s", folder, strerror(errno));
        rmdir(folder);
        return false;
    }
    put(folder, second ? "memory.swap.max" : "memory.memsw.limit_in_bytes", second ? "0" : "67108864");
    return true;
}

static void case_out_of_memory(void) {
    char folder[512], members[600];
    if (!make_group(folder, sizeof folder))
        return;
    snprintf(members, sizeof members, "%s/cgroup.procs", folder);
    int status = run(all_memory, members);
    torture_check(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL, "status %x", (unsigned)status);
    rmdir(folder);
}

int main(int argc, char **argv) {
    static const struct torture_case cases[] = {
        {"segmentation fault", case_segmentation_fault},
        {"bus error", case_bus_error},
        {"abort", case_abort},
        {"trap", case_trap},
        {"stack overflow", case_stack_overflow},
        {"_exit", case_immediate_exit},
        {"quick_exit", case_quick_exit},
        {"SIGTERM", case_termination},
        {"uncaught exception", case_exception},
        {"killed by the kernel: processor time", case_cpu_limit},
        {"killed by the kernel: memory", case_out_of_memory},
    };
    told = torture_shared(sizeof *told);
    return torture_main(argc, argv, cases, sizeof cases / sizeof cases[0]);
}
