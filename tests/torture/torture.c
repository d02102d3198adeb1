/* Scenarios in processes of their own, what their traces hold, and the sums at the end. */
#define _GNU_SOURCE /* nftw */
#include "torture.h"

#include "../../format/format.h"

#include <dirent.h>
#include <errno.h>
#include <ftw.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define FAILURES_SHOWN 10
#define KILLED_SECONDS 10 /* more than any program takes to end */

static bool full;
static char start_folder[4096], folder[4200];
static unsigned long checks, failures, failures_at_folder;
static char notes[1024], reason[256];

bool torture_is_full(void) {
    return full;
}

unsigned long torture_times(unsigned long quick, unsigned long in_full) {
    return full ? in_full : quick;
}

double torture_now(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

/* ---- verdicts ---- */

bool torture_check(bool fine, const char *format, ...) {
    checks++;
    if (fine)
        return true;
    failures++;
    if (failures <= FAILURES_SHOWN) {
        va_list arguments;
        va_start(arguments, format);
        printf("    ");
        vprintf(format, arguments);
        printf("\n");
        va_end(arguments);
    }
    return false;
}

void torture_note(const char *format, ...) {
    size_t length = strlen(notes);
    va_list arguments;
    va_start(arguments, format);
    if (length > 0 && length + 2 < sizeof notes)
        length += (size_t)snprintf(notes + length, sizeof notes - length, ", ");
    vsnprintf(notes + length, sizeof notes - length, format, arguments);
    va_end(arguments);
}

void torture_left_out(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(reason, sizeof reason, format, arguments);
    va_end(arguments);
}

static bool is_wanted(const char *name, char **wanted, int count) {
    for (int i = 0; i < count; i++)
        if (strcmp(name, wanted[i]) == 0)
            return true;
    return count == 0;
}

static void leave_folder(void) {
    if (chdir(start_folder) != 0)
        exit(2);
    folder[0] = '\0';
}

/* True: passed, or left out. */
static bool run_case(const struct torture_case *one) {
    double start = torture_now();
    checks = failures = failures_at_folder = 0;
    notes[0] = reason[0] = '\0';
    one->run();
    torture_fresh_folder(); /* removes the last */
    char empty[sizeof folder];
    memcpy(empty, folder, sizeof empty);
    leave_folder();
    rmdir(empty);
    bool fine = failures == 0 && (checks > 0 || reason[0] != '\0');
    printf("%-8s%s: %lu checks", fine ? checks > 0 ? "ok" : "skipped" : "FAILED", one->name, checks);
    if (failures > 0)
        printf(", %lu failed", failures);
    printf(", %.1f s%s%s%s%s\n", torture_now() - start, notes[0] != '\0' ? "; " : "", notes,
           reason[0] != '\0' ? "; left out: " : "", reason);
    fflush(stdout);
    return fine;
}

int torture_main(int argc, char **argv, const struct torture_case *cases, size_t count) {
    unsigned passed = 0, failed = 0;
    int first = 1;
    if (argc > 1 && strcmp(argv[1], "full") == 0) {
        full = true;
        first = 2;
    }
    static const char *const variables[] = {"TRACE_FILE",      "PERF_TRACE_FILTER",  "RUST_LOG",
                                            "PERF_TRACE_LOG",  "PERF_TRACE_CONSOLE", "PERF_TRACE_CHROME",
                                            "PERF_TRACE_FULL", "PERF_TRACE_AUTO"};
    for (size_t i = 0; i < sizeof variables / sizeof variables[0]; i++)
        unsetenv(variables[i]);
    setvbuf(stdout, NULL, _IOLBF, 0);
    if (getcwd(start_folder, sizeof start_folder) == NULL)
        return 2;
    for (size_t i = 0; i < count; i++)
        if (is_wanted(cases[i].name, argv + first, argc - first)) {
            if (run_case(&cases[i]))
                passed++;
            else
                failed++;
        }
    if (passed + failed == 0)
        fprintf(stderr, "no such case\n");
    printf("%u passed, %u failed\n", passed, failed);
    return failed == 0 && passed > 0 ? 0 : passed + failed == 0 ? 2 : 1;
}

/* ---- scenarios ---- */

/* Some traces stay for the second reader, which looks at what all tests have left. */
static bool keep_trace(const char *path, off_t bytes) {
    enum { KEPT_MAX = 20, KEPT_BYTES_MAX = 1 << 20 };
    static unsigned kept;
    const char *ending = strrchr(path, '.');
    char to[sizeof start_folder + 32];
    if (ending == NULL || strcmp(ending, ".ptrace") != 0 || bytes == 0 || bytes > KEPT_BYTES_MAX ||
        kept == KEPT_MAX)
        return false;
    snprintf(to, sizeof to, "%s/kept", start_folder);
    mkdir(to, 0700);
    snprintf(to, sizeof to, "%s/kept/%u.ptrace", start_folder, kept++);
    return rename(path, to) == 0;
}

static int remove_one(const char *path, const struct stat *status, int type, struct FTW *where) {
    (void)where;
    if (type == FTW_F)
        perftrace_reader_fold(path, NULL); /* the rings of the killed are not left in memory */
    if (type != FTW_F || !keep_trace(path, status->st_size))
        remove(path);
    return 0;
}

void torture_fresh_folder(void) {
    if (folder[0] != '\0') {
        char old[sizeof folder];
        memcpy(old, folder, sizeof old);
        leave_folder();
        if (failures == failures_at_folder)
            nftw(old, remove_one, 16, FTW_DEPTH | FTW_PHYS);
        else
            printf("    left in %s\n", old);
    }
    failures_at_folder = failures;
    snprintf(folder, sizeof folder, "%s/torture-XXXXXX", start_folder);
    if (mkdtemp(folder) == NULL || chdir(folder) != 0) {
        perror(folder);
        exit(2);
    }
}

void *torture_shared(size_t bytes) {
    void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) {
        perror("mmap");
        exit(2);
    }
    return memory;
}

pid_t torture_start(void (*scenario)(void *), void *argument) {
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        scenario(argument);
        exit(0);
    }
    if (child < 0) {
        perror("fork");
        exit(2);
    }
    return child;
}

/* The child when it has ended, 0 when it has not after so many seconds, -1: there is none. */
static pid_t wait_within(pid_t child, double seconds, int *status) {
    double deadline = torture_now() + seconds;
    for (long pause_ns = 50000;; pause_ns = pause_ns < 5000000 ? pause_ns * 2 : pause_ns) {
        pid_t done = waitpid(child, status, WNOHANG);
        if (done == child || (done < 0 && errno != EINTR))
            return done;
        if (torture_now() > deadline)
            return 0;
        nanosleep(&(struct timespec){0, pause_ns}, NULL);
    }
}

int torture_wait(pid_t child, double seconds) {
    int status = 0;
    pid_t done = wait_within(child, seconds, &status);
    if (done == 0) {
        torture_check(false, "process %d still runs after %g s", (int)child, seconds);
        kill(child, SIGKILL);
        done = wait_within(child, KILLED_SECONDS, &status);
        torture_check(done != 0, "process %d does not end, though killed: is a thread of it led by somebody?",
                      (int)child);
    }
    return done == child ? status : -1;
}

int torture_run(void (*scenario)(void *), void *argument, double seconds) {
    return torture_wait(torture_start(scenario, argument), seconds);
}

static void be_shell(void *command) {
    execl("/bin/sh", "sh", "-c", (const char *)command, (char *)NULL);
    _exit(127);
}

bool torture_shell(const char *command) {
    return torture_run(be_shell, (void *)(uintptr_t)command, 60) == 0;
}

/* ---- what they left ---- */

bool torture_is_named(const struct perftrace_item *item, const char *name) {
    return item->site != NULL && item->site->name.length == strlen(name) &&
           memcmp(item->site->name.bytes, name, item->site->name.length) == 0;
}

static void note_damage(void *context, const struct perftrace_error_info *what) {
    struct torture_trace *trace = context;
    if (trace->damages++ == 0)
        snprintf(trace->first_damage, sizeof trace->first_damage, "%.200s (byte %llu)", what->message,
                 (unsigned long long)what->byte_offset);
}

static void count_item(struct torture_trace *trace, const struct perftrace_item *item) {
    switch (item->kind) {
    case PERFTRACE_ITEM_SPAN_BEGIN:
    case PERFTRACE_ITEM_ASYNC_BEGIN:
        trace->begun++;
        break;
    case PERFTRACE_ITEM_SPAN_END:
    case PERFTRACE_ITEM_ASYNC_END:
        if (item->call->unfinished)
            trace->unfinished++;
        else
            trace->ended++;
        break;
    case PERFTRACE_ITEM_EVENT:
        trace->events++;
        break;
    case PERFTRACE_ITEM_COUNTER:
        trace->counters++;
        break;
    case PERFTRACE_ITEM_FRAME:
        trace->frames++;
        break;
    case PERFTRACE_ITEM_TRACK:
        trace->tracks++;
        break;
    default:
        break;
    }
}

struct torture_trace torture_read(const char *path, void (*hear)(void *, const struct perftrace_item *),
                                  void *context) {
    enum { TRACKS = 4096 };
    static uint64_t last_ns[TRACKS]; /* by track, as far as that goes */
    memset(last_ns, 0, sizeof last_ns);
    struct torture_trace trace = {0};
    struct perftrace_reader_options options = {.on_damage = note_damage, .context = &trace};
    struct perftrace_reader *reader = perftrace_reader_open(path, &options, &trace.why);
    if (reader == NULL) {
        trace.error = (int)trace.why.code;
        return trace;
    }
    const struct perftrace_item *item;
    while ((item = perftrace_reader_next(reader)) != NULL) {
        count_item(&trace, item);
        if (item->track != NULL && item->track->id < TRACKS && item->kind != PERFTRACE_ITEM_TRACK) {
            uint64_t *last = &last_ns[item->track->id];
            trace.backwards += item->time_ns < *last;
            *last = item->time_ns;
        }
        if (hear != NULL)
            hear(context, item);
    }
    const struct perftrace_error_info *error = perftrace_reader_error(reader);
    if (error != NULL) {
        trace.error = (int)error->code;
        trace.why = *error;
    }
    trace.info = *perftrace_reader_info(reader);
    trace.info.process_name = trace.info.executable = (struct perftrace_text){"", 0};
    for (unsigned i = 0; i < PERFTRACE_LOSS_KINDS; i++)
        trace.lost += trace.info.lost[i];
    perftrace_reader_close(reader);
    return trace;
}

struct torture_trace torture_read_intact(const char *path,
                                         void (*hear)(void *, const struct perftrace_item *), void *context) {
    struct torture_trace trace = torture_read(path, hear, context);
    torture_check(trace.error == 0, "%s: %s", path, trace.why.message);
    torture_check(trace.damages == 0, "%s: %llu damages, first: %s", path, (unsigned long long)trace.damages,
                  trace.first_damage);
    torture_check(trace.backwards == 0, "%s: time runs backwards %llu times", path,
                  (unsigned long long)trace.backwards);
    return trace;
}

struct torture_reading *torture_read_clocks(const char *path, size_t *count) {
    static const size_t most = 1 << 20;
    struct torture_reading *readings = malloc(most * sizeof *readings);
    FILE *file = fopen(path, "rb");
    struct perftrace_block_header header;
    struct perftrace_block_clock clock;
    *count = 0;
    if (!torture_check(file != NULL && readings != NULL, "%s: %s", path, strerror(errno)))
        exit(2);
    fseek(file, sizeof(struct perftrace_file_header), SEEK_SET);
    while (*count < most && fread(&header, sizeof header, 1, file) == 1) {
        long payload = ftell(file);
        if (header.kind == PERFTRACE_BLOCK_CLOCK && fread(&clock, sizeof clock, 1, file) == 1)
            readings[(*count)++] = (struct torture_reading){clock.ticks, clock.monotonic_ns, clock.error_ns};
        fseek(file, payload + (long)header.bytes, SEEK_SET);
    }
    fclose(file);
    return readings;
}

unsigned torture_count_files(const char *path, const char *prefix) {
    unsigned count = 0;
    DIR *opened = opendir(path);
    for (struct dirent *entry; opened != NULL && (entry = readdir(opened)) != NULL;)
        count += strncmp(entry->d_name, prefix, strlen(prefix)) == 0;
    if (opened != NULL)
        closedir(opened);
    return count;
}
