/* What a span costs where PERF_TRACE is not defined: this file is compiled without it. The loop is to be compared with
 * the empty one, time for time and instruction for instruction.
 *
 *     compiled_out [-c out|empty] [-m count] [-n LENGTH] [-r SLICES] */
#define PERF_TARGET "bench"
#include <perftrace.h>

#ifdef PERF_TRACE
#error "this measures what is left without PERF_TRACE"
#endif

#include "floor.h"
#include "measure.h"
#include "options.h"

#include <stdio.h>
#include <string.h>

static __attribute__((noinline)) void loop_out(uint64_t count) {
    for (uint64_t i = 0; i < count; i++) {
        PERF_SPAN("span", "index", i, "count", count);
        PERF_EVENT("event");
        user_code();
    }
}

/* What callgrind counts. */
static __attribute__((noinline)) void counted(const struct measure_plan *plan) {
    plan->loop(plan->length);
    user_code();
}

int main(int argc, char **argv) {
    struct options options = {.what = "out", .mode = "room", .length = 20000, .slices = 9};
    options_parse(&options, argc, argv);
    struct measure_plan plan = {.loop = strcmp(options.what, "empty") == 0 ? empty_loop : loop_out,
                                .length = options.length,
                                .slices = options.slices,
                                .threads = 1};
    if (strcmp(options.mode, "count") == 0) {
        counted(&plan);
        return 0;
    }
    printf("{");
    int error = measure_print(&plan);
    printf("}\n");
    return error == 0 ? 0 : 2;
}
