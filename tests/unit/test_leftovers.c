/* Programs at full speed, read while they run and after they were killed at random moments: whatever they said
 * they had recorded is read, in order and once, also while another reader folds the rings in. */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#define PERF_TRACE 1
#define PERF_TARGET "leftovers_test"
#include "perftrace.h"
#include "perftrace_reader.h"

#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum { THREADS = 3, KILLS = 30, READS_WHILE_RUNNING = 20 };

static char folder[] = "/tmp/perftrace-test-XXXXXX";
static char path[64];

/* Shared with the program: what it has done so far. */
static struct {
    _Atomic long begun[THREADS]; /* its outermost span */
    _Atomic long done[THREADS];  /* spans that have ended */
} * told;

/* ---- the program ---- */

struct pace {
    unsigned flush_ms, pause;
    long thread;
};

static void *work(void *argument) {
    const struct pace *pace = argument;
    char name[32];
    snprintf(name, sizeof name, "%ld", pace->thread);
    perftrace_thread_name(name);
    PERF_SPAN("life");
    told->begun[pace->thread] = 1;
    for (long i = 0;; i++) {
        {
            PERF_SPAN("step", "i", i, "text", i % 7 == 0 ? "some longer text, now and then" : "");
            PERF_METRIC("half", i / 2);
        }
        told->done[pace->thread] = i + 1;
        for (unsigned j = 0; j < pace->pause; j++)
            __asm__ volatile("");
        if (i % 1000 == 0 && i < 1000000) { /* a new site, now and then */
            snprintf(name, sizeof name, "%ld/%ld", pace->thread, i);
            PERF_SPAN_DYNAMIC(name);
        }
    }
}

static void run(const struct pace *pace) {
    struct perftrace_config config = PERFTRACE_CONFIG_DEFAULT;
    config.chrome_output = false;
    config.trace_path = path;
    config.flush_ms = pace->flush_ms;
    config.when_full = PERFTRACE_FULL_WAIT;
    if (perftrace_init(&config) != 0)
        _exit(98);
    pthread_t ids[THREADS];
    struct pace paces[THREADS];
    for (int i = 0; i < THREADS; i++) {
        paces[i] = (struct pace){.pause = pace->pause, .thread = i};
        pthread_create(&ids[i], NULL, work, &paces[i]);
    }
    for (;;)
        pause();
}

/* Starts it, and waits until each thread is at work. */
static pid_t start(unsigned flush_ms, unsigned pace) {
    memset(told, 0, sizeof *told);
    fflush(NULL);
    pid_t program = fork();
    assert_true(program >= 0);
    if (program == 0)
        run(&(struct pace){.flush_ms = flush_ms, .pause = pace});
    for (int i = 0; i < THREADS; i++)
        while (told->done[i] == 0)
            usleep(100);
    return program;
}

static void end(pid_t program) {
    int status;
    kill(program, SIGKILL);
    assert_int_equal(waitpid(program, &status, 0), program);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

/* ---- reading ---- */

static void on_damage(void *context, const struct perftrace_error_info *what) {
    (void)context;
    fail_msg("byte %llu: %s", (unsigned long long)what->byte_offset, what->message);
}

/* Reads all; fails where something is missing, doubled, damaged, or not told as unfinished. */
static void read_all(bool running) {
    long before[THREADS], steps[THREADS] = {0}, lives[THREADS] = {0};
    for (int i = 0; i < THREADS; i++)
        before[i] = told->done[i];
    struct perftrace_reader_options options = {.on_damage = on_damage};
    struct perftrace_reader *reader = perftrace_reader_open(path, &options, NULL);
    assert_non_null(reader);
    const struct perftrace_item *item;
    while ((item = perftrace_reader_next(reader)) != NULL) {
        if (item->kind != PERFTRACE_ITEM_SPAN_END)
            continue;
        long thread = strtol(item->track->name.bytes, NULL, 10);
        assert_in_range(thread, 0, THREADS - 1);
        if (strcmp(item->site->name.bytes, "life") == 0) {
            assert_true(item->call->unfinished && item->call->at_end);
            lives[thread]++;
        } else if (strcmp(item->site->name.bytes, "step") == 0 && !item->call->unfinished) {
            assert_int_equal(item->call->parameters[0].i, steps[thread]);
            steps[thread]++;
        }
    }
    assert_null(perftrace_reader_error(reader));
    const struct perftrace_trace_info *info = perftrace_reader_info(reader);
    assert_int_equal(info->live, running);
    for (int i = 0; i < THREADS; i++) {
        assert_int_equal(lives[i], told->begun[i]);
        /* The last one may have ended just before it could be told. */
        assert_in_range(steps[i], before[i], running ? LONG_MAX : before[i] + 1);
    }
    for (unsigned i = 0; i < PERFTRACE_LOSS_KINDS; i++)
        assert_int_equal(info->lost[i], 0);
    perftrace_reader_close(reader);
}

static void test_while_running(void **state) {
    (void)state;
    for (unsigned flush_ms = 1; flush_ms < 100; flush_ms *= 30) {
        pid_t program = start(flush_ms, 2000);
        for (int i = 0; i < READS_WHILE_RUNNING; i++)
            read_all(true);
        end(program);
        read_all(false);
        assert_int_equal(perftrace_reader_fold(path, NULL), 1);
    }
}

static void test_killed(void **state) {
    (void)state;
    srand(1);
    for (int i = 0; i < KILLS; i++) {
        pid_t program = start(i % 3 == 0 ? 3600000 : 1, (unsigned)rand() % 500);
        usleep((useconds_t)rand() % 5000);
        end(program);
        read_all(false);
        fflush(NULL);
        pid_t other = fork();
        if (other == 0)
            _exit(perftrace_reader_fold(path, NULL) == 1 ? 0 : 1);
        read_all(false); /* meanwhile */
        int status;
        assert_int_equal(waitpid(other, &status, 0), other);
        assert_int_equal(status, 0);
        read_all(false);
    }
}

static int set_up(void **state) {
    (void)state;
    told = mmap(NULL, sizeof *told, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (told == MAP_FAILED || mkdtemp(folder) == NULL)
        return -1;
    snprintf(path, sizeof path, "%s/t.ptrace", folder);
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    munmap(told, sizeof *told);
    unlink(path);
    return rmdir(folder);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_while_running),
        cmocka_unit_test(test_killed),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
