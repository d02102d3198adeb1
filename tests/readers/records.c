/* Records traces for the comparison of the two readers (compare.py): records MODE. Each mode leaves something else for a
 * reader to get right; what is in them does not matter. */
#include <perftrace.h>

#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static void pause_us(long us) {
    nanosleep(&(struct timespec){.tv_sec = us / 1000000, .tv_nsec = us % 1000000 * 1000}, NULL);
}

static struct perftrace_config config = PERFTRACE_CONFIG_DEFAULT;

static void start(void) {
    int result = perftrace_init(&config);
    if (result != 0) {
        fprintf(stderr, "records: %s\n", perftrace_error_text(result));
        exit(2);
    }
}

/* A bit of everything that one thread can do. */
static void work(int turns, uint32_t track) {
    for (int i = 0; i < turns; i++) {
        PERF_SPAN("turn", "i", i, "name", i % 3 == 0 ? "three" : "other");
        for (int k = 0; k < i % 4; k++) {
            PERF_SPAN("inner", "k", k, "half", k / 2.0);
            PERF_METRIC("square", k * k);
            PERF_EVENT("within", "i", i);
        }
        PERF_COUNTER("turns", i);
        struct perftrace_handle handle = PERF_SPAN_BEGIN("handled", "i", i);
        uint64_t now = perftrace_now_ns();
        PERF_TRACK_SPAN(track, "placed inner", now - 500, now - 400, "i", i);
        PERF_TRACK_SPAN(track, "placed", now - 900, now - 300);
        PERF_FLOW_BEGIN("flow", (uint64_t)i);
        PERF_SPAN_END(handle, "result", i + 1);
        PERF_FLOW_END("flow", (uint64_t)i);
        PERF_METRIC("done", i == turns - 1);
    }
}

/* ---- threads, and killed in the middle of them ---- */

static int thread_turns = 150;

static void *work_thread(void *argument) {
    char name[32];
    snprintf(name, sizeof name, "worker %d", *(int *)argument);
    perftrace_thread_name(name);
    uint32_t track = perftrace_track_create(PERFTRACE_TRACK_KIND_FIBER, name);
    PERF_SPAN("thread");
    for (int part = 0; part < 10; part++) {
        work(thread_turns / 10, track);
        pause_us(3000);
    }
    return NULL;
}

static void run_threads(void) {
    enum { THREADS = 8 };
    static int numbers[THREADS];
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++) {
        numbers[i] = i;
        if (pthread_create(&threads[i], NULL, work_thread, &numbers[i]) != 0)
            abort();
    }
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
}

static void *kill_thread(void *argument) {
    (void)argument;
    pause_us(15000);
    kill(getpid(), SIGKILL);
    return NULL;
}

static void threads(void) {
    start();
    run_threads();
}

static void threads_killed(void) {
    pthread_t thread;
    start();
    if (pthread_create(&thread, NULL, kill_thread, NULL) != 0)
        abort();
    for (;;)
        run_threads();
}

/* ---- a flight recorder, which gives up the oldest ---- */

static void flight(void) {
    config.when_full = PERFTRACE_FULL_OVERWRITE;
    config.process_buffer_bytes = 4 * 65536;
    start();
    thread_turns = 3000;
    run_threads();
}

static void flight_killed(void) {
    flight();
    work(100, 1);
    raise(SIGKILL);
}

/* ---- losses ---- */

static void tiny(void) {
    config.thread_buffer_bytes = config.process_buffer_bytes = 65536;
    config.flush_ms = 200;
    start();
    for (int part = 0; part < 4; part++) {
        PERF_SPAN("part", "part", part);
        work(2000, 1);
        pause_us(250000);
    }
}

static void limited(void) {
    config.trace_bytes_max = 200000;
    start();
    for (int part = 0; part < 5; part++) {
        work(500, 1);
        perftrace_flush();
    }
}

static void on_alarm(int number) {
    (void)number;
    PERF_SPAN("signal handler");
    PERF_EVENT("signal");
}

static void signals(void) {
    start();
    timer_t timer;
    signal(SIGALRM, on_alarm);
    if (timer_create(CLOCK_MONOTONIC, NULL, &timer) != 0 ||
        timer_settime(timer, 0,
                      &(struct itimerspec){.it_value.tv_nsec = 100000, .it_interval.tv_nsec = 100000},
                      NULL) != 0)
        abort();
    for (int part = 0; part < 20; part++)
        work(200, 1);
}

/* ---- depth ---- */

static jmp_buf back;

static void dive(int depth, int to) {
    PERF_SPAN("dive", "depth", depth);
    if (depth < to)
        dive(depth + 1, to);
    if (depth == to)
        longjmp(back, 1);
}

static void jump_out_of(int depth) {
    if (setjmp(back) == 0)
        dive(0, depth);
}

static void deep(void) {
    start();
    PERF_SPAN("surface");
    for (int to = 1; to < 1000; to = to * 3) {
        PERF_SPAN("try", "to", to);
        jump_out_of(to);
        PERF_EVENT("back");
    }
}

/* ---- processes ---- */

static void forks(void) {
    start();
    PERF_SPAN("parent");
    for (int i = 0; i < 3; i++) {
        pid_t child = fork();
        if (child == 0) {
            PERF_SPAN("child", "i", i);
            work(20, 1);
            if (i == 1 && fork() == 0) {
                PERF_SPAN("grandchild");
                work(20, 1);
                exit(0);
            }
            while (wait(NULL) > 0)
                continue;
            if (i == 2)
                raise(SIGKILL);
            exit(0);
        }
        work(10, 1);
    }
    while (wait(NULL) > 0)
        continue;
}

/* ---- time ---- */

/* Longer than the 32 bits of a record's ticks reach. */
static void slow(void) {
    start();
    PERF_SPAN("long");
    for (int i = 0; i < 11; i++) {
        PERF_SPAN("second", "i", i);
        work(3, 1);
        pause_us(1000000);
    }
}

static void many(void) {
    config.when_full = PERFTRACE_FULL_WAIT;
    start();
    for (int i = 0; i < 60000; i++) {
        PERF_SPAN("many");
        PERF_EVENT("one", "i", i);
    }
}

static const struct {
    const char *name;
    void (*run)(void);
} modes[] = {
    {"threads", threads}, {"threads_killed", threads_killed},
    {"flight", flight},   {"flight_killed", flight_killed},
    {"tiny", tiny},       {"limited", limited},
    {"deep", deep},       {"signals", signals},
    {"forks", forks},     {"slow", slow},
    {"many", many},
};

int main(int argc, char **argv) {
    config.chrome_output = false;
    for (size_t i = 0; argc == 2 && i < sizeof modes / sizeof *modes; i++)
        if (strcmp(argv[1], modes[i].name) == 0) {
            modes[i].run();
            return 0;
        }
    fprintf(stderr, "usage: records MODE\n");
    return 2;
}
