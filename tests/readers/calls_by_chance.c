/* Calls by chance that resemble each other: few functions, small numbers and short texts as parameters, any of them within any.
 * calls_by_chance SEED THREADS ROUNDS */
#define PERF_TARGET "chance"
#include "perftrace.h"

#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>

static _Thread_local uint64_t state;

/* xorshift64 (Marsaglia, "Xorshift RNGs", 2003). */
static int below(unsigned limit) {
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (int)((state >> 11) % limit);
}

static void call_some(int depth);

static const char *text(void) {
    static const char *const texts[] = {"a", "bb", "ccc", "more than sixteen bytes", ""};
    return texts[below(5)];
}

static void plain(int depth) {
    PERF_SPAN("plain");
    call_some(depth);
}

static void one(int depth) {
    PERF_SPAN("one", "i", below(4));
    call_some(depth);
    if (below(2))
        PERF_METRIC("rows", below(3));
}

static void one_elsewhere(int depth) {
    PERF_SPAN("one", "i", below(4));
    call_some(depth);
}

static void two(int depth) {
    PERF_SPAN("two", "i", below(3), "j", below(3));
    call_some(depth);
    PERF_METRIC("rows", below(3), "query_us", below(9));
}

static void named(int depth) {
    PERF_SPAN("named", "text", text());
    call_some(depth);
    if (below(3) == 0)
        PERF_METRIC("note", text());
}

static void mixed(int depth) {
    PERF_SPAN("mixed", "i", below(4), "text", text(), "half", below(2) * 0.5, "flag", (bool)below(2));
    call_some(depth);
    PERF_METRIC("x", below(2) * 0.5);
    if (below(4) == 0)
        PERF_METRIC("y", (unsigned)below(2));
}

static void told(int depth) {
    PERF_SPAN("told");
    PERF_EVENT("event", "i", 1);
    call_some(depth);
    PERF_COUNTER("counter", below(100));
}

static void handled(int depth) {
    struct perftrace_handle handle = PERF_SPAN_BEGIN("handled", "i", below(3));
    call_some(depth);
    PERF_SPAN_END(handle);
}

static void call_some(int depth) {
    static void (*const functions[])(int) = {plain, one, one_elsewhere, two, named, mixed, told, handled};
    for (int count = depth > 0 ? below(4) : 0; count > 0; count--)
        functions[below(sizeof functions / sizeof functions[0])](depth - 1 - below(2));
}

struct work {
    pthread_t thread;
    uint64_t seed;
    int rounds;
};

static void *be_thread(void *argument) {
    const struct work *work = argument;
    state = work->seed;
    for (int i = 0; i < work->rounds; i++)
        call_some(6);
    return NULL;
}

int main(int argc, char **argv) {
    struct work work[8];
    unsigned threads = argc == 4 ? (unsigned)atoi(argv[2]) : 0;
    if (threads == 0 || threads > 8)
        return 2;
    perftrace_init_default();
    for (unsigned i = 0; i < threads; i++) {
        work[i].seed = (strtoull(argv[1], NULL, 10) * 8 + i + 1) * UINT64_C(0x9e3779b97f4a7c15);
        work[i].rounds = atoi(argv[3]);
        if (pthread_create(&work[i].thread, NULL, be_thread, &work[i]) != 0)
            return 2;
    }
    for (unsigned i = 0; i < threads; i++)
        pthread_join(work[i].thread, NULL);
    return 0;
}
