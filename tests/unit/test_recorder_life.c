/* The life of a recording: threads, kills, forks, full buffers, signals, places that can't be written. */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#define PERF_TRACE 1
#define PERF_TARGET "life_test"
#include "perftrace.h"
#include "recorded.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

static struct perftrace_config quiet(void) {
    struct perftrace_config config = PERFTRACE_CONFIG_DEFAULT;
    config.chrome_output = false;
    return config;
}

static void start(const struct perftrace_config *config) {
    if (perftrace_init(config) != 0) {
        fprintf(stderr, "%s\n", perftrace_error_text(-PERFTRACE_SYSTEM));
        _exit(98);
    }
}

static void *record_some(void *argument) {
    long count = (long)argument;
    for (long i = 0; i < count; i++) {
        PERF_SPAN("work", "i", i);
    }
    return NULL;
}

static void in_threads(int threads, long spans) {
    pthread_t ids[64];
    for (int i = 0; i < threads; i++)
        pthread_create(&ids[i], NULL, record_some, (void *)spans);
    for (int i = 0; i < threads; i++)
        pthread_join(ids[i], NULL);
}

/* ---- threads ---- */

static void short_threads(void *argument) {
    (void)argument;
    struct perftrace_config config = quiet();
    config.when_full =
        PERFTRACE_FULL_WAIT; /* each thread fills up a segment: a drainer that gets no processor lags */
    start(&config);
    for (int i = 0; i < 500; i++)
        in_threads(2, 3);
}

static void test_short_threads(void **state) {
    (void)state;
    assert_int_equal(run_scenario(short_threads, NULL), 0);
    struct recorded trace = read_recorded(NULL);
    assert_int_equal(count_items(&trace, PERFTRACE_ITEM_SPAN_END, "work"), 3000);
    assert_int_equal(trace.lost, 0);
    free_recorded(&trace);
}

/* ---- killed ---- */

static void killed(void *argument) {
    struct perftrace_config config = quiet();
    config.flush_ms =
        3600000; /* nothing but full segments reaches the file: the rest is read from the ring */
    start(&config);
    PERF_SPAN("outer", "who", "me");
    in_threads(3, 1000);
    {
        PERF_SPAN_DYNAMIC("still open");
        if (argument == NULL)
            kill(getpid(), SIGKILL);
        else
            _exit(0);
    }
}

static void test_killed(void **state) {
    (void)state;
    for (int how = 0; how < 2; how++) {
        int status = run_scenario(killed, how == 0 ? NULL : &status);
        assert_true(how == 0 ? WIFSIGNALED(status) : WIFEXITED(status));
        struct recorded trace = read_recorded(NULL);
        assert_int_equal(count_items(&trace, PERFTRACE_ITEM_SPAN_END, "work"), 3000);
        assert_false(find_item(&trace, PERFTRACE_ITEM_SPAN_END, "work", 2999)->unfinished);
        const struct recorded_item *outer = find_item(&trace, PERFTRACE_ITEM_SPAN_END, "outer", 0);
        assert_true(outer->unfinished);
        assert_string_equal(outer->parameters[0].text, "me");
        assert_true(find_item(&trace, PERFTRACE_ITEM_SPAN_END, "still open", 0)->unfinished);
        assert_true(!trace.info.finished && !trace.info.live);
        free_recorded(&trace);
    }
}

/* ---- forked ---- */

static void forks(void *argument) {
    (void)argument;
    struct perftrace_config config = quiet();
    start(&config);
    PERF_SPAN("parent");
    pid_t child = fork();
    if (child == 0) {
        { PERF_SPAN("in the child"); }
        exit(0); /* "parent" ends here too, in a trace that never saw it begin */
    }
    waitpid(child, NULL, 0);
    FILE *file = fopen("child", "w");
    fprintf(file, "trace.%d.ptrace", (int)child);
    fclose(file);
}

static void test_forks(void **state) {
    (void)state;
#ifdef PERFTRACE_EMULATED /* in qemu 7.2 the child of a program with threads can't start any (an assertion of qemu's fails) */
    skip();
#endif
    assert_int_equal(run_scenario(forks, NULL), 0);
    struct recorded trace = read_recorded(NULL);
    assert_int_equal(count_items(&trace, PERFTRACE_ITEM_SPAN_END, NULL), 1);
    char path[512], name[64] = "";
    snprintf(path, sizeof path, "%s/child", scenario_folder());
    FILE *file = fopen(path, "r");
    assert_int_equal(fscanf(file, "%63s", name), 1);
    fclose(file);
    struct recorded child = read_recorded(name);
    assert_int_equal(count_items(&child, PERFTRACE_ITEM_SPAN_END, NULL), 1);
    assert_non_null(find_item(&child, PERFTRACE_ITEM_SPAN_END, "in the child", 0));
    assert_memory_equal(child.info.parent_uuid, trace.info.uuid, 16);
    free_recorded(&trace);
    free_recorded(&child);
}

/* ---- a path that is taken, a path that can't be had ---- */

static void takes_path(void *argument) {
    (void)argument;
    int ready[2];
    char byte;
    if (pipe(ready) != 0)
        _exit(90);
    pid_t other = fork();
    struct perftrace_config config = quiet();
    if (other == 0) { /* records to the same path until it is killed */
        start(&config);
        PERF_EVENT("first");
        perftrace_flush();
        if (write(ready[1], "x", 1) == 1)
            pause();
        _exit(0);
    }
    if (read(ready[0], &byte, 1) != 1)
        _exit(91);
    start(&config);
    PERF_EVENT("second");
    perftrace_shutdown();
    kill(other, SIGKILL);
    waitpid(other, NULL, 0);
    char own[64];
    snprintf(own, sizeof own, "trace.%d.ptrace", (int)getpid());
    if (rename(own, "second.ptrace") != 0)
        _exit(92);
}

static void test_taken_path(void **state) {
    (void)state;
    assert_int_equal(run_scenario(takes_path, NULL), 0);
    struct recorded first = read_recorded(NULL), second = read_recorded("second.ptrace");
    assert_non_null(find_item(&first, PERFTRACE_ITEM_EVENT, "first", 0));
    assert_null(find_item(&first, PERFTRACE_ITEM_EVENT, "second", 0));
    assert_non_null(find_item(&second, PERFTRACE_ITEM_EVENT, "second", 0));
    free_recorded(&first);
    free_recorded(&second);
}

static void cannot_write(void *argument) {
    struct perftrace_config config = quiet();
    config.trace_path = argument;
    if (strcmp(argument, "link") == 0 && symlink("elsewhere", "link") != 0)
        _exit(95);
    int result = perftrace_init(&config);
    PERF_EVENT("goes nowhere");
    const char *text = perftrace_error_text(result);
    _exit(result < 0 && strstr(text, argument) != NULL && access("elsewhere", F_OK) != 0 ? 0 : 96);
}

static void test_cannot_write(void **state) {
    (void)state;
    char *paths[] = {"missing/trace.ptrace", "/proc/trace.ptrace", "link", "."};
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++)
        assert_int_equal(run_scenario(cannot_write, paths[i]), 0);
}

static void meets_file_size_limit(void *argument) {
    const struct rlimit limit = {*(rlim_t *)argument, RLIM_INFINITY};
    setrlimit(RLIMIT_FSIZE, &limit);
    struct perftrace_config config = quiet();
    int result = perftrace_init(&config);
    record_some((void *)200000);
    perftrace_shutdown();
    _exit(result <= 0 ? 0 : 96); /* alive, whatever could be recorded */
}

static void test_file_size_limit(void **state) {
    (void)state;
    rlim_t limits[] = {10, 200000, 3 << 20};
    for (size_t i = 0; i < sizeof limits / sizeof limits[0]; i++)
        assert_int_equal(run_scenario(meets_file_size_limit, &limits[i]), 0);
}

static void mode_of_file(void *argument) {
    (void)argument;
    umask(0);
    struct perftrace_config config = quiet();
    start(&config);
    PERF_EVENT("e");
}

static void test_mode(void **state) {
    (void)state;
    assert_int_equal(run_scenario(mode_of_file, NULL), 0);
    char path[512];
    struct stat status;
    snprintf(path, sizeof path, "%s/trace.ptrace", scenario_folder());
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_mode & 07777, 0600);
}

/* ---- full buffers ---- */

static void overflows(void *argument) {
    struct perftrace_config config = quiet();
    config.thread_buffer_bytes = 65536;
    config.process_buffer_bytes = 1 << 20;
    config.when_full = *(enum perftrace_when_full *)argument;
    config.flush_ms = 1000;
    start(&config);
    in_threads(4, 50000);
    struct perftrace_statistics statistics;
    perftrace_flush();
    perftrace_statistics(&statistics);
    FILE *file = fopen("statistics", "w");
    fprintf(file, "%llu %llu", (unsigned long long)statistics.recorded,
            (unsigned long long)statistics.lost[PERFTRACE_LOST_FULL]);
    fclose(file);
}

static void read_statistics(unsigned long long *kept, unsigned long long *lost) {
    char path[512];
    snprintf(path, sizeof path, "%s/statistics", scenario_folder());
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    assert_int_equal(fscanf(file, "%llu %llu", kept, lost), 2);
    fclose(file);
}

static void test_overflow_drops_and_counts(void **state) {
    (void)state;
    enum perftrace_when_full mode = PERFTRACE_FULL_DROP;
    unsigned long long kept, lost;
    assert_int_equal(run_scenario(overflows, &mode), 0);
    read_statistics(&kept, &lost);
    /* A begin that is dropped takes its end with it, uncounted; an end has room kept for it. */
    assert_int_equal(kept / 2 + lost, 200000);
    assert_int_equal(kept % 2, 0);
    struct recorded trace = read_recorded(NULL);
    assert_int_equal(trace.lost, lost);
    assert_int_equal(trace.info.records, kept);
    free_recorded(&trace);
}

static void test_overflow_waits(void **state) {
    (void)state;
    enum perftrace_when_full mode = PERFTRACE_FULL_WAIT;
    unsigned long long kept, lost;
    assert_int_equal(run_scenario(overflows, &mode), 0);
    read_statistics(&kept, &lost);
    assert_int_equal(kept, 400000);
    assert_int_equal(lost, 0);
}

static void flies(void *argument) {
    (void)argument;
    struct perftrace_config config = quiet();
    config.when_full = PERFTRACE_FULL_OVERWRITE;
    config.process_buffer_bytes = 1 << 20;
    start(&config);
    record_some((void *)300000);
}

static void test_flight_recorder(void **state) {
    (void)state;
    assert_int_equal(run_scenario(flies, NULL), 0);
    struct recorded trace = read_recorded(NULL);
    size_t kept = count_items(&trace, PERFTRACE_ITEM_SPAN_BEGIN, "work");
    assert_true(kept > 4000); /* read_recorded keeps no more than 5000 of them */
    const struct recorded_item *first = find_item(&trace, PERFTRACE_ITEM_SPAN_BEGIN, "work", 0);
    assert_true(first->parameters[0].i > 200000); /* the newest, and the trace is small */
    assert_true(trace.info.bytes < 2 << 20);
    free_recorded(&trace);
}

/* ---- signals ---- */

static volatile sig_atomic_t handled;

static void on_timer(int signal_number) {
    (void)signal_number;
    PERF_SPAN("handler");
    PERF_EVENT("tick", "n", (int)handled);
    handled++;
}

static void interrupted(void *argument) {
    (void)argument;
    struct perftrace_config config = quiet();
    config.when_full = PERFTRACE_FULL_WAIT;
    start(&config);
    struct sigaction action = {.sa_handler = on_timer};
    sigaction(SIGALRM, &action, NULL);
    struct itimerval interval = {{0, 200}, {0, 200}};
    setitimer(ITIMER_REAL, &interval, NULL);
    while (handled < 1000)
        record_some((void *)100);
    struct itimerval off = {{0, 0}, {0, 0}};
    setitimer(ITIMER_REAL, &off, NULL);
    struct perftrace_statistics statistics;
    perftrace_flush();
    perftrace_statistics(&statistics);
    FILE *file = fopen("statistics", "w");
    fprintf(file, "%llu %llu", (unsigned long long)handled,
            (unsigned long long)statistics.lost[PERFTRACE_LOST_REENTRY]);
    fclose(file);
}

static void test_signal_handler(void **state) {
    (void)state;
    assert_int_equal(run_scenario(interrupted, NULL), 0);
    unsigned long long runs, lost;
    read_statistics(&runs, &lost);
    struct recorded trace = read_recorded(NULL);
    size_t counted = 0, ticks = 0;
    for (size_t i = 0; i < trace.count; i++) {
        counted +=
            trace.items[i].kind == PERFTRACE_ITEM_SPAN_END && strcmp(trace.items[i].name, "handler") == 0;
        ticks += trace.items[i].kind == PERFTRACE_ITEM_EVENT;
    }
    assert_true(trace.count < RECORDED_MAX);
    assert_true(counted > 0);
    assert_int_equal(counted + ticks + lost, 2 * runs);
    assert_int_equal(trace.lost, lost); /* and nothing else was lost */
    free_recorded(&trace);
}

/* ---- again ---- */

static void twice(void *argument) {
    (void)argument;
    struct perftrace_config config = quiet();
    start(&config);
    if (perftrace_init(&config) != -PERFTRACE_BUSY)
        _exit(95);
    record_some((void *)10);
    perftrace_shutdown();
    record_some((void *)10); /* to nowhere */
    config.trace_path = "second.ptrace";
    start(&config);
    record_some((void *)20);
    in_threads(1, 5);
}

static void test_twice(void **state) {
    (void)state;
    assert_int_equal(run_scenario(twice, NULL), 0);
    struct recorded first = read_recorded(NULL), second = read_recorded("second.ptrace");
    assert_int_equal(count_items(&first, PERFTRACE_ITEM_SPAN_END, "work"), 10);
    assert_int_equal(count_items(&second, PERFTRACE_ITEM_SPAN_END, "work"), 25);
    assert_true(first.info.finished && second.info.finished);
    free_recorded(&first);
    free_recorded(&second);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_short_threads),   cmocka_unit_test(test_killed),
        cmocka_unit_test(test_forks),           cmocka_unit_test(test_taken_path),
        cmocka_unit_test(test_cannot_write),    cmocka_unit_test(test_mode),
        cmocka_unit_test(test_file_size_limit), cmocka_unit_test(test_overflow_drops_and_counts),
        cmocka_unit_test(test_overflow_waits),  cmocka_unit_test(test_flight_recorder),
        cmocka_unit_test(test_signal_handler),  cmocka_unit_test(test_twice),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
