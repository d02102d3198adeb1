/* Programs that close descriptors which are not theirs, run out of them, or have theirs counted: the recorder's are out of their
 * reach, and what they write into files with the same numbers is what they wrote. */
#define _GNU_SOURCE /* close_range */
#define PERF_TRACE 1
#define PERF_TARGET "torture"
#include "../unit/json_check.h"
#include "perftrace.h"
#include "torture.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define FILES 40

static struct {
    uint64_t made;
    int result;
    char text[256];
} * told;

static void init(bool lines) {
    struct perftrace_config config = PERFTRACE_CONFIG_DEFAULT;
    config.log_output = lines;
    config.flush_ms = 10;
    if (perftrace_init(&config) != 0) {
        fprintf(stderr, "%s\n", perftrace_error_text(-PERFTRACE_SYSTEM));
        exit(90);
    }
}

static void record(unsigned count) {
    for (unsigned i = 0; i < count; i++) {
        PERF_SPAN("work", "i", i);
        __atomic_add_fetch(&told->made, 1, __ATOMIC_RELAXED);
    }
}

static void pause_ms(long ms) {
    nanosleep(&(struct timespec){ms / 1000, ms % 1000 * 1000000}, NULL);
}

/* What the system call gives instead of being made: as a sandbox does. */
static void deny(const long *calls, size_t count) {
    struct sock_filter filter[16] = {BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr))};
    size_t at = 1;
    for (size_t i = 0; i < count; i++) {
        filter[at++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)calls[i], 0, 1);
        filter[at++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM);
    }
    filter[at++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
    const struct sock_fprog program = {(unsigned short)at, filter};
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
        prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0)
        exit(91);
}

/* ---- everything is closed ---- */

static void close_everything(void) {
    for (int fd = 3; fd < 256; fd++)
        close(fd);
}

/* The files get the numbers that have just become free. */
static void open_own(int files[FILES]) {
    for (int i = 0; i < FILES; i++) {
        char name[32];
        snprintf(name, sizeof name, "own.%d", i);
        files[i] = open(name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
        if (files[i] < 0)
            exit(92);
    }
}

static void write_own(const int files[FILES], const char *text) {
    for (int i = 0; i < FILES; i++)
        if (write(files[i], text, strlen(text)) != (ssize_t)strlen(text))
            exit(93);
}

static void *record_on(void *stop) {
    while (!__atomic_load_n((bool *)stop, __ATOMIC_RELAXED)) {
        record(100);
        pause_ms(1);
    }
    return NULL;
}

static void closes_everything(void *argument) {
    static const long own_table[] = {SYS_close_range, SYS_unshare};
    bool in_sandbox = argument != NULL, stop = false;
    int files[FILES];
    pthread_t thread;
    if (in_sandbox)
        deny(own_table, 2);
    init(false);
    record(1000);
    perftrace_flush();
    if (!in_sandbox) /* in a sandbox the descriptors can be seen, and must not be used at this very moment */
        pthread_create(&thread, NULL, record_on, &stop);
    close_everything();
    open_own(files);
    write_own(files, "begin");
    for (int i = 0; i < 20; i++) {
        record(5000);
        pause_ms(5);
        write_own(files, ".");
        if (!in_sandbox && i % 5 == 4) { /* again and again */
            close_everything();
            for (int k = 0; k < FILES; k++) {
                char name[32];
                snprintf(name, sizeof name, "own.%d", k);
                files[k] = open(name, O_RDWR | O_APPEND | O_CLOEXEC);
            }
        }
    }
    stop = true;
    if (!in_sandbox)
        pthread_join(thread, NULL);
    told->result = perftrace_flush();
    write_own(files, "end");
}

static void look_at_own(void) {
    for (int i = 0; i < FILES; i++) {
        char name[32];
        size_t length = 0;
        snprintf(name, sizeof name, "own.%d", i);
        char *text = read_whole_file(name, &length);
        torture_check(text != NULL && strcmp(text, "begin....................end") == 0,
                      "%s has %zu bytes: %.80s", name, length, text != NULL ? text : "?");
        free(text);
    }
}

static unsigned count_spans(const char *path) {
    size_t length = 0;
    char *text = read_whole_file(path, &length);
    unsigned count = 0;
    for (const char *at = text; at != NULL && (at = strstr(at, "\"ph\":\"X\"")) != NULL; at++)
        count++;
    free(text);
    return count;
}

static void look_at_traces(void) {
    struct torture_trace trace = torture_read_intact("trace.ptrace", NULL, NULL);
    torture_check(trace.info.finished, "the trace has no end");
    torture_check(trace.ended + trace.lost == told->made, "%llu spans and %llu lost, of %llu",
                  (unsigned long long)trace.ended, (unsigned long long)trace.lost,
                  (unsigned long long)told->made);
    torture_check(trace.lost == 0, "%llu lost", (unsigned long long)trace.lost);
    torture_check(json_check_file("trace.json"), "trace.json is not JSON");
    torture_check(count_spans("trace.json") == told->made, "trace.json has %u spans, of %llu",
                  count_spans("trace.json"), (unsigned long long)told->made);
}

static void everything_closed(void) {
    for (unsigned long i = 0; i < torture_times(2, 20); i++) {
        torture_fresh_folder();
        *told = (typeof(*told)){0};
        int status = torture_run(closes_everything, NULL, 20);
        torture_check(status == 0, "status %x", (unsigned)status);
        torture_check(told->result == 0, "the flush answers %d", told->result);
        look_at_own();
        look_at_traces();
    }
}

static void everything_closed_in_a_sandbox(void) {
    for (unsigned long i = 0; i < torture_times(2, 20); i++) {
        torture_fresh_folder();
        *told = (typeof(*told)){0};
        int status = torture_run(closes_everything, (void *)told, 20);
        torture_check(status == 0, "status %x", (unsigned)status);
        look_at_own();
        look_at_traces();
    }
}

/* ---- numbers ---- */

static int lowest_free(void) {
    int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    close(fd);
    return fd;
}

static unsigned count_open(void) {
    unsigned count = 0;
    for (int fd = 0; fd < 1024; fd++)
        count += fcntl(fd, F_GETFD) >= 0;
    return count;
}

static void counts_numbers(void *argument) {
    (void)argument;
    int before = lowest_free();
    unsigned open_before = count_open();
    int null = open("/dev/null", O_WRONLY);
    dup2(null, STDERR_FILENO);
    close(null);
    init(true);
    record(10);
    perftrace_flush();
    told->result = lowest_free() - before;
    pid_t child = fork();
    if (child == 0)
        _exit((int)(count_open() - open_before));
    int status = 0;
    waitpid(child, &status, 0);
    told->made = (uint64_t)status;
}

static void numbers_as_without(void) {
    torture_fresh_folder();
    int status = torture_run(counts_numbers, NULL, 20);
    torture_check(status == 0, "status %x", (unsigned)status);
    torture_check(told->result == 0, "the next descriptor is %d higher", told->result);
    torture_check(told->made == 0, "a child has other descriptors: %llx", (unsigned long long)told->made);
}

/* As many as there may be are open all the time. */
static void has_none_left(void *argument) {
    (void)argument;
    const struct rlimit limit = {64, 64};
    setrlimit(RLIMIT_NOFILE, &limit);
    init(false);
    int count = 0;
    while (open("/dev/null", O_RDONLY | O_CLOEXEC) >= 0)
        count++;
    told->result = count;
    for (int i = 0; i < 50; i++) {
        record(1000);
        pause_ms(1);
    }
    perftrace_flush();
}

static void none_left(void) {
    torture_fresh_folder();
    *told = (typeof(*told)){0};
    int status = torture_run(has_none_left, NULL, 20);
    torture_check(status == 0, "status %x", (unsigned)status);
    torture_check(told->result >= 64 - 8, "the program could open %d", told->result);
    look_at_traces();
}

static void has_no_standard(void *argument) {
    (void)argument;
    for (int fd = 0; fd < 3; fd++)
        close(fd);
    init(true); /* its lines go nowhere, and above all not into the files that are 0, 1 and 2 now */
    int files[FILES];
    record(100);
    for (int i = 0; i < FILES; i++) {
        char name[32];
        snprintf(name, sizeof name, "own.%d", i);
        files[i] = open(name, O_RDWR | O_CREAT | O_EXCL, 0600);
    }
    told->result = files[0];
    close(files[2]); /* what stands for stderr */
    files[2] = open("own.2", O_RDWR | O_APPEND);
    record(1000);
    perftrace_flush();
}

static void no_standard_streams(void) {
    torture_fresh_folder();
    *told = (typeof(*told)){0};
    int status = torture_run(has_no_standard, NULL, 20);
    torture_check(status == 0, "status %x", (unsigned)status);
    torture_check(told->result == 0, "the first descriptor is %d", told->result);
    for (int i = 0; i < FILES; i++) {
        char name[32];
        struct stat state = {0};
        snprintf(name, sizeof name, "own.%d", i);
        torture_check(stat(name, &state) == 0 && (i == 2 || state.st_size == 0), "%s has %ld bytes", name,
                      (long)state.st_size);
    }
    look_at_traces();
}

/* ---- standard error is the program's ---- */

static void turns_stderr(void *argument) {
    (void)argument;
    int first = open("first", O_RDWR | O_CREAT, 0600), second = open("second", O_RDWR | O_CREAT, 0600);
    dup2(first, STDERR_FILENO);
    init(true);
    record(10);
    perftrace_flush();
    dup2(second, STDERR_FILENO);
    record(20);
    perftrace_flush();
}

static unsigned count_lines(const char *path) {
    char *text = read_whole_file(path, NULL);
    unsigned count = 0;
    for (const char *at = text; at != NULL && (at = strchr(at, '\n')) != NULL; at++)
        count++;
    free(text);
    return count;
}

static void lines_follow_stderr(void) {
    torture_fresh_folder();
    int status = torture_run(turns_stderr, NULL, 20);
    torture_check(status == 0, "status %x", (unsigned)status);
    torture_check(count_lines("first") == 10, "%u lines before", count_lines("first"));
    torture_check(count_lines("second") == 20, "%u lines after", count_lines("second"));
}

/* Whoever reads the program's output must see its end when the program has closed it, though it goes on. */
static void closes_output(void *argument) {
    const int *ends = argument;
    close(ends[0]);
    dup2(ends[1], STDOUT_FILENO);
    dup2(ends[1], STDERR_FILENO);
    close(ends[1]);
    init(true);
    record(3);
    perftrace_flush();
    int null = open("/dev/null", O_RDWR);
    dup2(null, STDOUT_FILENO);
    dup2(null, STDERR_FILENO);
    pause_ms(20000);
}

static void output_ends(void) {
    int ends[2];
    char text[4096];
    torture_fresh_folder();
    if (pipe(ends) != 0)
        return;
    pid_t child = torture_start(closes_output, ends);
    close(ends[1]);
    double start = torture_now();
    while (read(ends[0], text, sizeof text) > 0)
        continue;
    torture_check(torture_now() - start < 10, "the end came after %.1f s", torture_now() - start);
    close(ends[0]);
    kill(child, SIGKILL);
    torture_wait(child, 5);
}

int main(int argc, char **argv) {
    static const struct torture_case cases[] = {
        {"all descriptors closed, their numbers used again", everything_closed},
        {"the same in a sandbox without tables of one's own", everything_closed_in_a_sandbox},
        {"numbers as without tracing", numbers_as_without},
        {"no descriptor left", none_left},
        {"no standard streams", no_standard_streams},
        {"lines follow standard error", lines_follow_stderr},
        {"closed output ends", output_ends},
    };
    told = torture_shared(sizeof *told);
    return torture_main(argc, argv, cases, sizeof cases / sizeof cases[0]);
}
