/* One of everything that the recording API has, with names and values that are hard on readers of JSON. What is to be in
 * the file is said in everything.jq.
 *
 *     everything [killed|hurried] [SPANS [TRUTH]]
 *
 * `killed`: it ends by SIGKILL with spans open. `hurried`: at its end it has no time. SPANS: at first as many on each of several threads (crowd.h). */
#define PERF_TARGET "every \"thing\""
#include <perftrace.h>

#include "crowd.h"

#include <math.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static void pause_us(long us) {
    nanosleep(&(struct timespec){.tv_nsec = us * 1000}, NULL);
}

static void recurse(int depth) {
    PERF_SPAN("recurse", "depth", depth);
    if (depth < 9)
        recurse(depth + 1);
    PERF_METRIC("left", 9 - depth);
}

static void nesting(void) {
    PERF_SPAN("outer");
    {
        PERF_SPAN("first");
        { PERF_SPAN("inner"); }
        { PERF_SPAN("inner"); }
    }
    PERF_BLOCK("block", "kind", "block") {
        PERF_SPAN_LEVEL(PERF_DEBUG, "debug");
    }
    for (int i = 0; i < 100; i++) {
        PERF_SPAN("empty");
    }
    int value = PERF_TIME("timed", 6 * 7);
    PERF_METRIC("value", value, "again", true);
    recurse(0);
}

static void values(void) {
    PERF_BLOCK("integers", "smallest", INT64_MIN, "largest", UINT64_MAX, "exact", (int64_t)1 << 53, "minus",
               -1, "char", 'A', "no", (bool)false, "yes", (bool)true) {
    }
    PERF_SPAN_DYNAMIC("numbers", "tenth", 0.1, "huge", 1e300, "nan", (double)NAN, "infinite",
                      (double)INFINITY, "zero", 0.0);
}

static void texts(const char *nothing) {
    char longest[600];
    memset(longest, 'x', sizeof longest - 1);
    longest[sizeof longest - 1] = '\0';
    PERF_SPAN("texts", "hard", HARD, "bad", NOT_UTF8, "empty", "", "null", nothing, "long", longest,
              "pointer", (void *)0x1234, HARD, 1);
    PERF_METRIC("metric", HARD);
    PERF_BLOCK("twelve", "a", 1, "b", 2, "c", 3, "d", 4, "e", 5, "f", 6, "g", 7, "h", 8, "i", 9, "j", 10, "k",
               11, "l", 12) {
        PERF_SPAN(HARD);
    }
    { PERF_SPAN_DYNAMIC(NOT_UTF8); }
}

static void instants(void) {
    PERF_EVENT("plain event");
    PERF_EVENT("event " HARD, "text", HARD);
    PERF_EVENT_LEVEL(PERF_WARN, "warning", "code", 7);
    for (int i = 0; i < 20; i++) {
        PERF_COUNTER("queue \"length\"", i % 5 - 2);
        PERF_COUNTER("load", i * 0.25);
        PERF_FRAME();
    }
    PERF_FRAME_NAMED("simulation");
    PERF_FRAME_NAMED("simulation");
    static char memory[2];
    PERF_ALLOC("pool", &memory[0], 100);
    PERF_ALLOC("pool", &memory[1], 50);
    PERF_FREE("pool", &memory[0]);
    PERF_FREE("pool", &memory[1]);
}

/* Overlapping ones of one name, ones with the same id under two names, and one that changes threads. */
static struct perftrace_handle asyncs(void) {
    struct perftrace_handle crossing = PERF_SPAN_BEGIN("async crossing", "from", "main");
    struct perftrace_handle first = PERF_SPAN_BEGIN("async overlap", "number", 1);
    struct perftrace_handle second = PERF_SPAN_BEGIN("async overlap", "number", 2);
    PERF_ASYNC_BEGIN("async read", 7, "file", "a");
    PERF_ASYNC_BEGIN("async write", 7, "file", "b");
    pause_us(100);
    PERF_SPAN_END(first);
    PERF_ASYNC_END("async read", 7, "bytes", 10);
    pause_us(100);
    PERF_ASYNC_END("async write", 7);
    PERF_SPAN_END(second, "result", "ok");
    return crossing;
}

static void placed(void) {
    uint64_t now = perftrace_now_ns() - 1000000;
    uint32_t queue = perftrace_track_create(PERFTRACE_TRACK_KIND_GPU, "GPU queue 0");
    uint32_t fiber = perftrace_track_create(PERFTRACE_TRACK_KIND_FIBER, "fiber \"one\"");
    PERF_TRACK_SPAN(queue, "gpu inner", now + 200000, now + 300000, "draws", 12);
    PERF_TRACK_SPAN(queue, "gpu pass", now + 100000, now + 400000, "pass", "shadow");
    PERF_TRACK_EVENT(queue, "gpu fence", now + 350000, "value", 1);
    PERF_TRACK_COUNTER(queue, "gpu memory", now + 360000, 4096);
    PERF_TRACK_SPAN(fiber, "fiber slice", now + 500000, now + 600000);
    /* What begins, or ends, or both, together; no length, with parameters and without; one right behind its like. */
    uint32_t equal = perftrace_track_create(PERFTRACE_TRACK_KIND_GPU, "equal times");
    PERF_TRACK_SPAN(equal, "equal outer", now, now + 1000, "number", 1);
    PERF_TRACK_SPAN(equal, "equal middle", now, now + 1000);
    PERF_TRACK_SPAN(equal, "equal first", now, now + 500);
    PERF_TRACK_SPAN(equal, "equal last", now + 500, now + 1000);
    PERF_TRACK_SPAN(equal, "no length", now + 1000, now + 1000, "number", 2);
    for (uint64_t i = 2; i < 6; i++)
        PERF_TRACK_SPAN(equal, "again", now + i * 1000, now + (i + 1) * 1000);
    /* Work of a GPU that overlaps. */
    uint32_t busy = perftrace_track_create(PERFTRACE_TRACK_KIND_GPU, "overlap");
    for (uint64_t i = 0; i < 4; i++)
        PERF_TRACK_SPAN(busy, "overlapping", now + i * 1000, now + i * 1000 + 2500, "number", i);
}

static void *work(void *argument) {
    perftrace_thread_name("worker \xf0\x9f\x94\xa7");
    PERF_SPAN("work");
    PERF_FLOW_STEP("flow", 42);
    pause_us(50);
    {
        PERF_SPAN("deliver");
        PERF_FLOW_END("flow", 42);
    }
    PERF_SPAN_END(*(struct perftrace_handle *)argument, "to", "worker");
    return NULL;
}

static void threads(struct perftrace_handle handle) {
    PERF_SPAN("send");
    PERF_FLOW_BEGIN("flow", 42);
    pthread_t thread;
    if (pthread_create(&thread, NULL, work, &handle) != 0)
        abort();
    pthread_join(thread, NULL);
}

int main(int argc, char **argv) {
    bool killed = argc > 1 && strcmp(argv[1], "killed") == 0;
    bool hurried = argc > 1 && strcmp(argv[1], "hurried") == 0;
    char **more = argv + 1 + (killed || hurried);
    struct perftrace_config config = PERFTRACE_CONFIG_DEFAULT;
    config.shutdown_ms = hurried ? 100 : 0;
    int result = perftrace_init(&config);
    if (result != 0) {
        fprintf(stderr, "everything: %s\n", perftrace_error_text(result));
        return 2;
    }
    perftrace_process_name("everything \"here\"");
    perftrace_thread_name("main");
    if (*more != NULL && crowd_record(strtoul(more[0], NULL, 10), more[1], killed) != 0) {
        fputs("everything: the crowd could not be recorded\n", stderr);
        return 2;
    }
    nesting();
    values();
    texts(argc < 1 ? argv[0] : NULL);
    instants();
    /* Whether the next spans share a lane in the Chrome file depends on whether they reach it together: the drainer is to be asleep. */
    perftrace_flush();
    pause_us(5000);
    placed();
    threads(asyncs());
    PERF_ASYNC_BEGIN("async open", 1);
    PERF_SPAN("open at the end");
    if (killed) {
        PERF_SPAN("open within");
        pause_us(500000); /* so that the Chrome file shows it */
        raise(SIGKILL);
    }
    perftrace_shutdown();
    return 0;
}
