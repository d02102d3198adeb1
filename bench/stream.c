/* Spans back to back for as long as it takes: what is lost, and what the whole process spends, the background thread
 * included, against as many spans of the floor.
 *
 *     stream [-m wait|drop] [-n SPANS] [-r RUNS] -o TRACE        -m: what is done with a full ring */
#define PERF_TARGET "bench"
#include <perftrace.h>

#include "floor.h"
#include "measure.h"
#include "options.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

static __attribute__((noinline)) void loop_span(uint64_t count) {
    for (uint64_t i = 0; i < count; i++) {
        PERF_SPAN("span");
        user_code();
    }
}

static double wall_s(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static double process_cpu_s(void) {
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
           (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

/* One trace of `spans` spans, and the floor before it. Prints a JSON object. */
static int run(const struct perftrace_config *config, uint64_t spans) {
    double cpu = process_cpu_s();
    floor_spans(spans);
    double floor_cpu = process_cpu_s() - cpu;

    cpu = process_cpu_s();
    double wall = wall_s();
    measure_step_aside(1);
    int error = perftrace_init(config);
    if (error != 0) {
        fprintf(stderr, "%s\n", perftrace_error_text(error));
        return -1;
    }
    measure_pin(0);
    loop_span(spans);
    double loop_wall = wall_s() - wall;
    perftrace_flush();
    struct perftrace_statistics statistics;
    perftrace_statistics(&statistics);
    perftrace_shutdown();
    cpu = process_cpu_s() - cpu;
    uint64_t lost = 0;
    for (int i = 0; i < PERFTRACE_LOST_CAUSES; i++)
        lost += statistics.lost[i];
    printf("{\"spans\":%" PRIu64 ",\"recorded\":%" PRIu64 ",\"lost\":%" PRIu64 ",\"bytes\":%" PRIu64
           ",\"floor_cpu_s\":%.6f,\"cpu_s\":%.6f,\"wall_s\":%.6f}",
           spans, statistics.recorded, lost, statistics.bytes, floor_cpu, cpu, loop_wall);
    return 0;
}

int main(int argc, char **argv) {
    struct options options = {.mode = "wait", .length = 1000000, .slices = 1};
    options_parse(&options, argc, argv);
    struct perftrace_config config = PERFTRACE_CONFIG_DEFAULT;
    config.when_full = strcmp(options.mode, "wait") == 0 ? PERFTRACE_FULL_WAIT : PERFTRACE_FULL_DROP;
    config.trace_path = options.trace;
    config.chrome_output = false;
    measure_pin(0);
    printf("[");
    for (unsigned i = 0; i < options.slices; i++) {
        if (i > 0)
            printf(",");
        if (run(&config, options.length) != 0)
            return 2;
    }
    printf("]\n");
    return 0;
}
