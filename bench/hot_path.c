/* What recording costs: loops of spans and events, measured against the floor. Compiled as a user's program is, and
 * linked once with the static and once with the shared library.
 *
 *     hot_path -c CASE [-m MODE] [-t THREADS] [-n LENGTH] [-r SLICES] -o TRACE
 *
 * MODE room: slices shorter than the ring, which is emptied between them. wait, drop: each slice is a trace of its
 * own, and what is done with a full ring. count: one slice and nothing else, for callgrind. Prints a JSON object. */
#define PERF_TARGET "bench"
#include <perftrace.h>

#include "floor.h"
#include "measure.h"
#include "options.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *volatile sixteen_bytes = "sixteen bytes ok";
static struct perftrace_config config = PERFTRACE_CONFIG_DEFAULT;
static struct perftrace_statistics total = PERFTRACE_STATISTICS_NONE;

/* ---- the loops ---- */

static __attribute__((noinline)) void loop_span(uint64_t count) {
    for (uint64_t i = 0; i < count; i++) {
        PERF_SPAN("span");
        user_code();
    }
}

static __attribute__((noinline)) void loop_integers(uint64_t count) {
    for (uint64_t i = 0; i < count; i++) {
        PERF_SPAN("span", "index", i, "count", count);
        user_code();
    }
}

static __attribute__((noinline)) void loop_text(uint64_t count) {
    const char *text = sixteen_bytes;
    for (uint64_t i = 0; i < count; i++) {
        PERF_SPAN("span", "text", text);
        user_code();
    }
}

static __attribute__((noinline)) void loop_event(uint64_t count) {
    for (uint64_t i = 0; i < count; i++) {
        PERF_EVENT("event");
        user_code();
    }
}

static const struct bench_case {
    const char *name;
    void (*loop)(uint64_t count);
    const char *filter; /* set once the loop's sites are known; NULL: none */
} cases[] = {
    {"span", loop_span, NULL},   {"integers", loop_integers, NULL}, {"text", loop_text, NULL},
    {"event", loop_event, NULL}, {"off", loop_span, "off"},         {"floor", floor_spans, NULL},
    {"empty", empty_loop, NULL},
};

/* ---- around the slices ---- */

static void start(void) {
    int error = perftrace_init(&config);
    if (error != 0) {
        fprintf(stderr, "%s\n", perftrace_error_text(error));
        exit(2);
    }
}

static void empty_ring(void) {
    if (perftrace_flush() != 0) {
        fprintf(stderr, "the ring was not emptied in time\n");
        exit(2);
    }
}

static void add_statistics(void) {
    struct perftrace_statistics now;
    empty_ring();
    perftrace_statistics(&now);
    total.recorded += now.recorded;
    total.bytes += now.bytes;
    for (int i = 0; i < PERFTRACE_LOST_CAUSES; i++)
        total.lost[i] += now.lost[i];
}

static void stop(void) {
    add_statistics();
    perftrace_shutdown();
}

static void print_statistics(uint64_t passes) {
    uint64_t lost = 0;
    for (int i = 0; i < PERFTRACE_LOST_CAUSES; i++)
        lost += total.lost[i];
    printf(",\"passes\":%" PRIu64 ",\"recorded\":%" PRIu64 ",\"lost\":%" PRIu64 ",\"bytes\":%" PRIu64 "}\n",
           passes, total.recorded, lost, total.bytes);
}

static const struct bench_case *find_case(const char *name) {
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        if (strcmp(cases[i].name, name) == 0)
            return &cases[i];
    fprintf(stderr, "no case '%s'\n", name);
    exit(2);
}

/* What callgrind counts: the passes and nothing of what comes before the first. */
static __attribute__((noinline)) void counted(const struct bench_case *what, uint64_t length) {
    what->loop(length);
    user_code();
}

/* Registers the loop's sites, then sets the case's filter. */
static void meet_sites(const struct bench_case *what) {
    what->loop(1);
    if (what->filter != NULL)
        perftrace_set_filter(what->filter);
}

static int count(const struct bench_case *what, uint64_t length) {
    start();
    meet_sites(what);
    counted(what, length);
    perftrace_shutdown();
    return 0;
}

int main(int argc, char **argv) {
    struct options options = {.mode = "room", .length = 20000, .slices = 9, .threads = 1};
    options_parse(&options, argc, argv);
    const struct bench_case *what = options.what != NULL ? find_case(options.what) : &cases[0];
    config.trace_path = options.trace;
    config.chrome_output = false;
    if (strcmp(options.mode, "count") == 0)
        return count(what, options.length);
    if (measure_step_aside(options.threads) != 0) {
        fprintf(stderr, "fewer processors than threads\n");
        return 2;
    }
    struct measure_plan plan = {
        .loop = what->loop, .length = options.length, .slices = options.slices, .threads = options.threads};
    bool room = strcmp(options.mode, "room") == 0;
    if (room) {
        start();
        if (what->filter != NULL)
            meet_sites(what);
        plan.after = empty_ring;
    } else {
        config.when_full = strcmp(options.mode, "wait") == 0 ? PERFTRACE_FULL_WAIT : PERFTRACE_FULL_DROP;
        plan.before = start;
        plan.after = stop;
    }
    printf("{");
    if (measure_print(&plan) != 0)
        return 2;
    if (room)
        stop();
    print_statistics((plan.slices + 1) * plan.length * plan.threads);
    return 0;
}
