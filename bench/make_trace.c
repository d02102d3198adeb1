/* Writes a trace for the reading benchmarks, and prints how many spans it holds.
 *
 *     make_trace [-c plain|store] [-n SPANS] -o TRACE
 *
 * plain: spans without arguments; store: what a storage engine might record. */
#define PERF_TARGET "bench"
#include <perftrace.h>

#include "options.h"

#include <stdbool.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static uint64_t made;

static __attribute__((noinline)) void plain(void) {
    PERF_SPAN("plain");
    made++;
}

static __attribute__((noinline)) void query_records(uint64_t part) {
    static const char *const kinds[] = {"node", "edge", "property"};
    PERF_SPAN("query_records", "part_id", part, "kind", kinds[part % 3]);
    PERF_METRIC("rows", part & 15);
    made++;
}

static __attribute__((noinline)) void load_node(uint64_t node) {
    PERF_SPAN("load_node", "node_id", node);
    query_records(node % 997);
    query_records(node % 991);
    made++;
}

static __attribute__((noinline)) void frame(uint64_t number) {
    {
        PERF_SPAN("frame");
        for (uint64_t i = 0; i < 16; i++)
            load_node((number * 7 + i) % 5000);
        PERF_COUNTER("nodes", number & 1023);
        made++;
    }
    PERF_FRAME();
}

int main(int argc, char **argv) {
    struct options options = {.what = "store", .length = 1000000};
    options_parse(&options, argc, argv);
    bool only_plain = strcmp(options.what, "plain") == 0;
    struct perftrace_config config = PERFTRACE_CONFIG_DEFAULT;
    config.trace_path = options.trace;
    config.chrome_output = false;
    config.when_full = PERFTRACE_FULL_WAIT;
    int error = perftrace_init(&config);
    if (error != 0) {
        fprintf(stderr, "%s\n", perftrace_error_text(error));
        return 2;
    }
    for (uint64_t i = 0; made < options.length; i++) {
        if (only_plain)
            plain();
        else
            frame(i);
    }
    perftrace_shutdown();
    printf("%" PRIu64 "\n", made);
    return 0;
}
