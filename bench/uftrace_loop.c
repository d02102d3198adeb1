/* The same loop with uftrace: a span is a call of an instrumented function. To be run by `uftrace record`, or by itself
 * (then the calls go to libc's mcount, which does nothing).
 *
 *     uftrace_loop [-t THREADS] [-n LENGTH] [-r SLICES] */
#include "measure.h"
#include "options.h"
#include "uftrace_call.h"

static void loop_call(uint64_t count) {
    for (uint64_t i = 0; i < count; i++)
        traced_call();
}

int main(int argc, char **argv) {
    struct options options = {.length = 20000, .slices = 9, .threads = 1};
    options_parse(&options, argc, argv);
    return measure_consumed(loop_call, options.length, options.slices, options.threads);
}
