/* The same loop with uftrace: a span is a call of an instrumented function. To be run by `uftrace record`, or by itself
 * (then the calls go to libc's mcount, which does nothing).
 *
 *     uftrace_loop [-t THREADS] [-n LENGTH] [-r SLICES] */
#include "measure.h"
#include "options.h"
#include "uftrace_call.h"

#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

static void loop_call(uint64_t count) {
    for (uint64_t i = 0; i < count; i++)
        traced_call();
}

/* uftrace's recorder, another process, empties the buffers. */
static void let_record(void) {
    usleep(20000);
}

int main(int argc, char **argv) {
    struct options options = {.length = 20000, .slices = 9, .threads = 1};
    options_parse(&options, argc, argv);
    struct measure_plan plan = {.loop = loop_call,
                                .length = options.length,
                                .slices = options.slices,
                                .threads = options.threads,
                                .after = let_record};
    if (measure_step_aside(plan.threads) != 0) {
        fprintf(stderr, "fewer processors than threads\n");
        return 2;
    }
    printf("{");
    if (measure_print(&plan) != 0)
        return 2;
    printf(",\"passes\":%" PRIu64 "}\n", (plan.slices + 1) * plan.length * plan.threads);
    return 0;
}
