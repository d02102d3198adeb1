/* The same loops with LTTng-UST: a span is two tracepoints. bench/others.py starts a session for it, or does not (then
 * the tracepoints are switched off).
 *
 *     lttng_loop -c span|integers|text|event [-t THREADS] [-n LENGTH] [-r SLICES] */
#define LTTNG_UST_TRACEPOINT_CREATE_PROBES
#define LTTNG_UST_TRACEPOINT_DEFINE
#include "lttng_provider.h"

#include "floor.h"
#include "measure.h"
#include "options.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *volatile sixteen_bytes = "sixteen bytes ok";

static __attribute__((noinline)) void loop_span(uint64_t count) {
    for (uint64_t i = 0; i < count; i++) {
        lttng_ust_tracepoint(perftrace_bench, begin);
        user_code();
        lttng_ust_tracepoint(perftrace_bench, end);
    }
}

static __attribute__((noinline)) void loop_integers(uint64_t count) {
    for (uint64_t i = 0; i < count; i++) {
        lttng_ust_tracepoint(perftrace_bench, begin_integers, i, count);
        user_code();
        lttng_ust_tracepoint(perftrace_bench, end);
    }
}

static __attribute__((noinline)) void loop_text(uint64_t count) {
    const char *text = sixteen_bytes;
    for (uint64_t i = 0; i < count; i++) {
        lttng_ust_tracepoint(perftrace_bench, begin_text, text);
        user_code();
        lttng_ust_tracepoint(perftrace_bench, end);
    }
}

static __attribute__((noinline)) void loop_event(uint64_t count) {
    for (uint64_t i = 0; i < count; i++) {
        lttng_ust_tracepoint(perftrace_bench, begin);
        user_code();
    }
}

static const struct {
    const char *name;
    void (*loop)(uint64_t count);
} cases[] = {{"span", loop_span}, {"integers", loop_integers}, {"text", loop_text}, {"event", loop_event}};

static void (*find_loop(const char *name))(uint64_t count) {
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        if (strcmp(cases[i].name, name) == 0)
            return cases[i].loop;
    fprintf(stderr, "no case '%s'\n", name);
    exit(2);
}

int main(int argc, char **argv) {
    struct options options = {.what = "span", .length = 20000, .slices = 9, .threads = 1};
    options_parse(&options, argc, argv);
    return measure_consumed(find_loop(options.what), options.length, options.slices, options.threads);
}
