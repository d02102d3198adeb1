/* The program that the faults are tried on, and what must hold of it whatever fails. */
#define PERF_TRACE 1
#define PERF_TARGET "torture"
#include "perftrace.h"

#include "subject.h"

#include "inject.h"
#include "tests/unit/json_check.h"
#include "torture.h"

#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
    EVENTS = 400, /* of each of two threads, in two halves; the Chrome file gets some pages of them */
    SPANS = 20,   /* in each half, where lines are on */
    EXIT_CODE = 37,
    SIGNALS = 64,
};
static const char output[] = "the program's own output\n";

struct subject_told *subject_told;

/* ---- the program ----------------------------------------------------------------------------------- */

struct kernel_action { /* of rt_sigaction; at least as long as on any machine */
    char bytes[64];
};

static struct {
    struct kernel_action actions[SIGNALS + 1];
    uint64_t mask;
    int go, worker_did; /* (atomic) halves to be done, and done */
    uint64_t worker_made;
} program;

static void pause_a_moment(void) {
    struct timespec moment = {0, 200000};
    inject_own_call(SYS_nanosleep, (long)&moment, 0, 0, 0, 0);
}

static void look_at_signals(struct kernel_action actions[SIGNALS + 1], uint64_t *mask) {
    for (int i = 1; i <= SIGNALS; i++)
        inject_own_call(SYS_rt_sigaction, i, 0, (long)&actions[i], 8, 0);
    inject_own_call(SYS_rt_sigprocmask, SIG_BLOCK, 0, (long)mask, 8, 0);
}

static void record_half(uint64_t *made) {
    for (int i = 0; i < EVENTS / 2; i++, ++*made)
        switch (i % 4) {
        case 0:
            PERF_COUNTER("level", i);
            break;
        case 1:
            PERF_EVENT("with a text", "text", "some text that makes the record longer", "number", i);
            break;
        default:
            PERF_EVENT("plain");
        }
}

static void record_spans(void) {
    for (int i = 0; i < SPANS; i++) {
        PERF_SPAN("span", "number", i);
    }
    subject_told->made += 2 * SPANS;
    subject_told->spans += SPANS;
}

static void *work(void *argument) {
    (void)argument;
    for (int half = 1; half <= 2; half++) {
        while (__atomic_load_n(&program.go, __ATOMIC_ACQUIRE) < half)
            pause_a_moment();
        record_half(&program.worker_made);
        __atomic_store_n(&program.worker_did, half, __ATOMIC_RELEASE);
    }
    return NULL;
}

static void both_do(int half) {
    __atomic_store_n(&program.go, half, __ATOMIC_RELEASE);
    record_half(&subject_told->made);
    if (subject_told->log)
        record_spans();
    while (__atomic_load_n(&program.worker_did, __ATOMIC_ACQUIRE) < half)
        pause_a_moment();
}

static void prepare(void *argument) {
    (void)argument;
    int out = open("output", O_WRONLY | O_CREAT | O_TRUNC, 0600);
    int err = open("errors", O_WRONLY | O_CREAT | O_TRUNC | O_APPEND, 0600);
    pthread_t worker;
    if (dup2(out, STDOUT_FILENO) < 0 || dup2(err, STDERR_FILENO) < 0 ||
        pthread_create(&worker, NULL, work, NULL) != 0)
        _exit(97);
    look_at_signals(program.actions, &program.mask);
}

static void run(void *argument) {
    (void)argument;
    struct perftrace_config config = PERFTRACE_CONFIG_DEFAULT;
    config.log_output = subject_told->log;
    config.shutdown_ms = 1000;
    subject_told->init_result = perftrace_init(&config);
    snprintf(subject_told->init_text, sizeof subject_told->init_text, "%s",
             perftrace_error_text(subject_told->init_result));
    both_do(1);
    perftrace_flush();
    both_do(2);
    perftrace_shutdown();
    perftrace_statistics(&subject_told->statistics);
    subject_told->made += program.worker_made;

    struct kernel_action actions[SIGNALS + 1] = {0};
    uint64_t mask = 0;
    look_at_signals(actions, &mask);
    for (int i = 1; i <= SIGNALS; i++)
        subject_told->actions_changed += memcmp(&actions[i], &program.actions[i], sizeof actions[i]) != 0;
    subject_told->mask_changed = mask != program.mask;
    struct rusage usage;
    inject_own_call(SYS_getrusage, RUSAGE_SELF, (long)&usage, 0, 0, 0);
    subject_told->memory_kib = usage.ru_maxrss;
    inject_own_call(SYS_write, STDOUT_FILENO, (long)output, sizeof output - 1, 0, 0);
    inject_own_call(SYS_exit_group, EXIT_CODE, 0, 0, 0, 0);
}

const struct inject_scenario subject = {.prepare = prepare, .run = run};

static time_t begun_at;

void subject_reset(bool log) {
    begun_at = time(NULL);
    torture_fresh_folder();
    if (subject_told == NULL)
        subject_told = torture_shared(sizeof *subject_told);
    *subject_told = (struct subject_told){.log = log};
}

uint64_t subject_lost(const struct perftrace_statistics *statistics) {
    uint64_t sum = 0;
    for (unsigned i = 0; i < PERFTRACE_LOST_CAUSES; i++)
        sum += statistics->lost[i];
    return sum;
}

/* ---- what must hold, whatever fails ---------------------------------------------------------------- */

static void check_program(const char *what, int status, const struct subject_excuse *excuse) {
    torture_check(WIFEXITED(status) && WEXITSTATUS(status) == EXIT_CODE, "%s: the program ended with %x",
                  what, (unsigned)status);
    char *text = read_whole_file("output", NULL);
    torture_check(text != NULL && strcmp(text, output) == 0, "%s: the output is another", what);
    free(text);
    torture_check(subject_told->actions_changed == 0, "%s: %u signal actions have changed", what,
                  subject_told->actions_changed);
    torture_check(!subject_told->mask_changed || excuse->mask_sticks, "%s: the signal mask has changed",
                  what);
    torture_check(excuse->memory_kib == 0 || subject_told->memory_kib <= excuse->memory_kib,
                  "%s: %ld KiB of memory", what, subject_told->memory_kib);
}

/* What is said on stderr are whole lines of ours. */
struct said {
    uint64_t lines; /* of spans */
    bool of_chrome, anything;
};

static struct said check_errors(const char *what) {
    char *text = read_whole_file("errors", NULL), *rest = text;
    struct said said = {0};
    for (char *line; rest != NULL && *rest != '\0' && (line = strsep(&rest, "\n")) != NULL;) {
        if (subject_told->log && strncmp(line, "PERF_TRACE|", 11) == 0) {
            said.lines++;
            continue;
        }
        said.anything = true;
        said.of_chrome = said.of_chrome || strstr(line, "trace.json") != NULL;
        torture_check(strncmp(line, "perftrace: ", 11) == 0, "%s: on stderr: %.80s", what, line);
    }
    free(text);
    return said;
}

static uint64_t count_text(const char *text, const char *part) {
    uint64_t count = 0;
    for (; text != NULL && (text = strstr(text, part)) != NULL; text += strlen(part))
        count++;
    return count;
}

static void check_chrome(const char *what, bool something_is_said) {
    static const char *const kinds[] = {"\"ph\":\"i\"", "\"ph\":\"C\"", "\"ph\":\"B\"", "\"ph\":\"E\""};
    char *json = read_whole_file("trace.json", NULL);
    if (json != NULL)
        torture_check(json_check_file("trace.json"), "%s: trace.json is no JSON", what);
    uint64_t events = 2 * count_text(json, "\"ph\":\"X\""), recorded = subject_told->statistics.recorded;
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
        events += count_text(json, kinds[i]);
    torture_check(something_is_said || events == recorded,
                  "%s: trace.json has %llu of %llu events, and nothing is said of it", what,
                  (unsigned long long)events, (unsigned long long)recorded);
    free(json);
}

/* The trace, joined with what is left of the rings where it could not be ended. */
static void check_trace(const char *what, const struct subject_excuse *excuse) {
    struct torture_trace trace = torture_read("trace.ptrace", NULL, NULL);
    const struct perftrace_statistics *said = &subject_told->statistics;
    uint64_t made = subject_told->made, counted = trace.info.records + trace.lost;
    torture_check(trace.error == 0 && trace.damages == 0, "%s: the trace: %s%s", what, trace.why.message,
                  trace.first_damage);
    torture_check(trace.info.finished || excuse->unfinished, "%s: the trace is not finished", what);
    torture_check(trace.lost == 0 || excuse->losses, "%s: %llu records were lost", what,
                  (unsigned long long)trace.lost);
    /* A span that could not begin has no end that could be lost. */
    torture_check(counted <= made && counted >= made - (trace.lost > 0 ? subject_told->spans : 0),
                  "%s: %llu read + %llu lost of %llu made", what, (unsigned long long)trace.info.records,
                  (unsigned long long)trace.lost, (unsigned long long)made);
    torture_check(trace.info.records == said->recorded &&
                      memcmp(trace.info.lost, said->lost, sizeof said->lost) == 0,
                  "%s: the trace says %llu recorded, %llu lost, the statistics %llu, %llu", what,
                  (unsigned long long)trace.info.records, (unsigned long long)trace.lost,
                  (unsigned long long)said->recorded, (unsigned long long)subject_lost(said));
    if (!trace.info.finished && trace.info.crash_safe) {
        torture_check(perftrace_reader_fold("trace.ptrace", NULL) == 1, "%s: nothing was left of the rings",
                      what);
        struct torture_trace folded = torture_read("trace.ptrace", NULL, NULL);
        torture_check(folded.damages == 0 && folded.info.records == trace.info.records &&
                          folded.lost == trace.lost,
                      "%s: folded, it says something else", what);
    }
}

/* Those of this run: a process of the same number may have left one long ago. */
static unsigned count_rings(pid_t pid) {
    char prefix[64], path[320];
    struct stat status;
    unsigned count = 0;
    snprintf(prefix, sizeof prefix, "perftrace-%u-%d-", (unsigned)geteuid(), (int)pid);
    DIR *folder = opendir("/dev/shm");
    for (struct dirent *entry; folder != NULL && (entry = readdir(folder)) != NULL;) {
        snprintf(path, sizeof path, "/dev/shm/%s", entry->d_name);
        count += strncmp(entry->d_name, prefix, strlen(prefix)) == 0 && stat(path, &status) == 0 &&
                 status.st_ctim.tv_sec + 1 >= begun_at;
    }
    if (folder != NULL)
        closedir(folder);
    return count;
}

void subject_check(const char *what, pid_t pid, int status, double seconds,
                   const struct subject_excuse *excuse) {
    bool begun = subject_told->init_result == 0;
    torture_check(seconds < SUBJECT_SECONDS, "%s: it took %.1f s", what, seconds);
    check_program(what, status, excuse);
    struct said said = check_errors(what);
    if (begun) {
        check_trace(what, excuse);
        check_chrome(what, said.of_chrome);
        torture_check(said.lines == subject_told->spans || said.anything || excuse->lines_end ||
                          subject_lost(&subject_told->statistics) > 0,
                      "%s: there are %llu lines for %llu spans, and nothing is said of it", what,
                      (unsigned long long)said.lines, (unsigned long long)subject_told->spans);
    } else {
        torture_check(subject_told->init_result < 0 && subject_told->init_text[0] != '\0' &&
                          strcmp(subject_told->init_text, "unknown error") != 0,
                      "%s: init gave %d, %s", what, subject_told->init_result, subject_told->init_text);
    }
    if (excuse->files_stay)
        return;
    torture_check(count_rings(pid) == 0, "%s: a ring file is left", what);
    torture_check(torture_count_files(".", begun ? "trace.json." : "trace") == 0, "%s: a file is left", what);
}
