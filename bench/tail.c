/* The tail: what the slowest of many spans cost that come one microsecond after the other, against the same loop without
 * them. All defaults, the Chrome file too.
 *
 *     tail [-n SPANS] [-r SLICES] -o TRACE        slices of SPANS each, with and without tracing in turns
 *
 * Prints a JSON object: of both, and of each slice, the 99.99th percentile and the maximum in nanoseconds; and both over
 * all slices together. */
#define PERF_TARGET "bench"
#include <perftrace.h>

#include "measure.h"
#include "options.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define PERIOD_NS 1000

static double ticks_per_ns;

static inline uint64_t ticks(void) {
    uint32_t epoch;
    uint64_t low = perftrace_stamp_(0, &epoch) >> 32;
    return (uint64_t)epoch << 32 | low;
}

static uint64_t now_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static void calibrate(void) {
    uint64_t start_ns = now_ns(), start = ticks();
    while (now_ns() - start_ns < 100000000)
        continue;
    ticks_per_ns = (double)(ticks() - start) / (double)(now_ns() - start_ns);
}

/* One microsecond after the last one began; at once where that is over already. */
static inline uint64_t wait_for(uint64_t due) {
    uint64_t now;
    do
        now = ticks();
    while ((int64_t)(now - due) < 0);
    return now;
}

static __attribute__((noinline)) void loop_empty(uint32_t *costs, uint64_t count) {
    const uint64_t period = (uint64_t)(PERIOD_NS * ticks_per_ns);
    for (uint64_t i = 0, due = ticks(); i < count; i++) {
        uint64_t start = wait_for(due);
        __asm__ volatile("" ::: "memory");
        costs[i] = (uint32_t)(ticks() - start);
        due = start + period;
    }
}

static __attribute__((noinline)) void loop_span(uint32_t *costs, uint64_t count) {
    const uint64_t period = (uint64_t)(PERIOD_NS * ticks_per_ns);
    for (uint64_t i = 0, due = ticks(); i < count; i++) {
        uint64_t start = wait_for(due);
        {
            PERF_SPAN("span");
            __asm__ volatile("" ::: "memory");
        }
        costs[i] = (uint32_t)(ticks() - start);
        due = start + period;
    }
}

static int by_size(const void *a, const void *b) {
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

struct tail {
    double p9999_ns, max_ns, median_ns;
};

static struct tail tail_of(uint32_t *costs, uint64_t count) {
    qsort(costs, count, sizeof *costs, by_size);
    return (struct tail){costs[count - 1 - count / 10000] / ticks_per_ns, costs[count - 1] / ticks_per_ns,
                         costs[count / 2] / ticks_per_ns};
}

static void print_tail(const char *before, struct tail tail) {
    printf("%s{\"p9999_ns\":%.1f,\"max_ns\":%.1f,\"median_ns\":%.1f}", before, tail.p9999_ns, tail.max_ns,
           tail.median_ns);
}

/* The costs of all slices, the last pages touched before anything is measured; sorted slice by slice for a look at each. */
static uint32_t *run(const struct options *options, const struct perftrace_config *config, const char *name,
                     void (*loop)(uint32_t *costs, uint64_t count), uint32_t *costs, unsigned slice) {
    uint32_t *own = costs + slice * options->length;
    if (config != NULL) {
        measure_step_aside(1); /* for the threads that begin now */
        int error = perftrace_init(config);
        if (error != 0) {
            fprintf(stderr, "%s\n", perftrace_error_text(error));
            exit(2);
        }
        measure_pin(0);
    }
    loop(own, options->length);
    if (config != NULL) {
        struct perftrace_statistics statistics;
        perftrace_flush();
        perftrace_statistics(&statistics);
        for (unsigned i = 0; i < PERFTRACE_LOST_CAUSES; i++)
            if (statistics.lost[i] > 0) {
                fprintf(stderr, "records were lost\n");
                exit(2);
            }
        perftrace_shutdown();
    }
    uint32_t *copy = malloc(options->length * sizeof *copy);
    if (copy == NULL)
        exit(2);
    memcpy(copy, own, options->length * sizeof *copy);
    printf("%s\"%s\":", slice == 0 && config == NULL ? "" : ",", name);
    print_tail("", tail_of(copy, options->length));
    free(copy);
    return own;
}

int main(int argc, char **argv) {
    struct options options = {.length = 1000000, .slices = 10};
    options_parse(&options, argc, argv);
    struct perftrace_config config = PERFTRACE_CONFIG_DEFAULT;
    config.trace_path = options.trace;
    size_t bytes = options.slices * options.length * sizeof(uint32_t);
    uint32_t *empty = malloc(bytes), *spans = malloc(bytes);
    if (empty == NULL || spans == NULL)
        return 2;
    memset(empty, 1, bytes);
    memset(spans, 1, bytes);
    measure_pin(0);
    calibrate();
    printf("{");
    for (unsigned i = 0; i < options.slices; i++) {
        char name[32];
        snprintf(name, sizeof name, "empty %u", i);
        run(&options, NULL, name, loop_empty, empty, i);
        snprintf(name, sizeof name, "spans %u", i);
        run(&options, &config, name, loop_span, spans, i);
    }
    print_tail(",\"empty\":", tail_of(empty, options.slices * options.length));
    print_tail(",\"spans\":", tail_of(spans, options.slices * options.length));
    printf("}\n");
    return 0;
}
