/* Every macro and function of perftrace.h in the places where programs put them; compiled as C and as C++, with and
 * without what strip.py deletes, to see that without PERF_TRACE nothing is left. It is never run. */
#define PERF_TARGET "all_macros"
#include <perftrace.h>

#include <stdio.h>

#ifdef __cplusplus
extern "C" {
#endif
int all_macros(int count, const char *path, double ratio);
int work(int input);
#ifdef __cplusplus
}
#endif

static int rows_of(int count) {
    return count * 3;
}

/* Used for what is recorded, and for nothing else. */
static const char *const kinds[] = {"even", "odd"};
static int half_of(int count) {
    return count / 2;
}

static int nested(int count) {
    PERF_SPAN("nested", "count", count, "kind", kinds[count % 2], "half", half_of(count));
    PERF_METRIC("kind", kinds[count % 2]);
    int sum = 0;
    for (int i = 0; i < count; i++) {
        PERF_SPAN_LEVEL(PERF_DEBUG, "step", "i", i, "half", i / 2.0);
        if (i % 2 == 0)
            PERF_EVENT("even", "i", i);
        else
            PERF_EVENT_LEVEL(PERF_WARN, "odd");
        sum += work(i);
        PERF_METRIC("sum", sum);
    }
    switch (count) {
    case 0:
        PERF_COUNTER("zero", 0);
        break;
    default: {
        PERF_SPAN_DYNAMIC(count > 3 ? "many" : "few", "count", count);
        sum++;
    }
    }
    return sum;
}

static void across(int count, const char *path) {
    struct perftrace_handle load = PERF_SPAN_BEGIN("load", "file", path, /* a comment, with a comma */
                                                   "count", count);
    unsigned long long id = (unsigned long long)count;
    PERF_ASYNC_BEGIN("request", id, "path", path);
    PERF_FLOW_BEGIN("request", id);
    PERF_FLOW_STEP("request", id);
    PERF_FLOW_END("request", id);
    PERF_ASYNC_END("request", id, "rows", rows_of(count));
    PERF_ASYNC_BEGIN("bare", id);
    PERF_ASYNC_END("bare", id);
    PERF_SPAN_END(load, "bytes", count * 512);
    struct perftrace_handle bare = PERF_SPAN_BEGIN("bare");
    PERF_SPAN_END(bare);
}

static void on_tracks(uint64_t now_ns) {
    uint32_t queue = perftrace_track_create(PERFTRACE_TRACK_KIND_GPU, "queue 0");
    PERF_TRACK_SPAN(queue, "draw", now_ns, now_ns + 1000, "triangles", 3);
    PERF_TRACK_EVENT(queue, "present", now_ns);
    PERF_TRACK_COUNTER(queue, "memory", now_ns, 4096);
}

int all_macros(int count, const char *path, double ratio) {
    if (perftrace_init_default() != 0)
        fprintf(stderr, "no trace\n");
    perftrace_thread_name("main");
    perftrace_process_name("all \"macros\"; {");
    perftrace_set_filter("all_macros=debug");

    PERF_SPAN("all", "one", 1, "two", 2u, "three", 3L, "four", ratio, "five", path, "six", (void *)0, "seven",
              count > 7, "eight", 'c', "nine", 9ull, "ten", "10", "eleven", (short)11, "twelve", 12.0f);
    static char pool[64];
    PERF_ALLOC("pool", pool, sizeof pool);
    int sum = 0;
    PERF_BLOCK("inner block", "count", count) {
        sum += nested(count);
    }
    sum += PERF_TIME("nested", nested(PERF_TIME("inner", work(count))));
    PERF_TIME("across", across(count, path));
    on_tracks(17);
    PERF_FRAME();
    PERF_FRAME_NAMED("physics");
    PERF_FREE("pool", pool);
    PERF_METRIC("sum", sum, "ratio", ratio);
    perftrace_flush();
    perftrace_shutdown();
    return sum;
}
