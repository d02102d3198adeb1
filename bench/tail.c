/* The tail: what the slowest of many spans cost that come one microsecond after the other, against the same loop without
 * them. All defaults, the Chrome file too.
 *
 *     tail [-n SPANS] [-r SLICES] -o TRACE        slices of SPANS each, with and without tracing in turns
 *
 * The machine interrupts what it runs, at moments of its own, and what is measured catches the more of that the longer it
 * is: on one machine 96 interrupts of over five microseconds in a million spans of 55 ns, and 40 where nothing was
 * measured but the clock's reading, in 20 ns. So the loop without spans waits, at each, for as long as a span takes in the
 * middle; what it takes beyond that is its own jitter. Nothing of a span is taken off: the wait isn't counted.
 *
 * Prints a JSON object: the 99.99th percentile, the maximum and the median in nanoseconds, with spans and without, of each
 * slice and of all together. */
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

/* `wait`: ticks, what a span takes. */
static __attribute__((noinline)) void loop_empty(uint32_t *costs, uint64_t count, uint64_t wait) {
    const uint64_t period = (uint64_t)(PERIOD_NS * ticks_per_ns);
    for (uint64_t i = 0, due = ticks(); i < count; i++) {
        uint64_t start = wait_for(due);
        costs[i] = (uint32_t)(wait_for(start + wait) - start - wait);
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

/* Sorts the costs, and prints what is to be known of them. */
static void print_tail(uint32_t *costs, uint64_t count) {
    const uint32_t *median = costs + count / 2, *last = costs + count - 1, *p9999 = last - count / 10000;
    qsort(costs, count, sizeof *costs, by_size);
    printf("{\"p9999_ns\":%.1f,\"max_ns\":%.1f,\"median_ns\":%.1f}", *p9999 / ticks_per_ns,
           *last / ticks_per_ns, *median / ticks_per_ns);
}

/* Of one loop, slice by slice. */
static void print_slices(const char *name, const struct options *options, uint32_t *costs) {
    printf("\"%s\":[", name);
    for (unsigned i = 0; i < options->slices; i++) {
        if (i > 0)
            printf(",");
        print_tail(costs + i * options->length, options->length);
    }
    printf("],");
}

static void start(const struct perftrace_config *config) {
    measure_step_aside(1); /* for the threads that begin now */
    int error = perftrace_init(config);
    if (error != 0) {
        fprintf(stderr, "%s\n", perftrace_error_text(error));
        exit(2);
    }
    measure_pin(0);
}

static void stop(void) {
    struct perftrace_statistics statistics;
    perftrace_flush();
    perftrace_statistics(&statistics);
    perftrace_shutdown();
    for (unsigned i = 0; i < PERFTRACE_LOST_CAUSES; i++)
        if (statistics.lost[i] > 0) {
            fprintf(stderr, "records were lost\n");
            exit(2);
        }
}

/* Memory for costs, its pages touched before anything is measured. */
static uint32_t *costs_of(const struct options *options) {
    size_t bytes = options->slices * options->length * sizeof(uint32_t);
    uint32_t *costs = malloc(bytes);
    if (costs == NULL) {
        fprintf(stderr, "no memory\n");
        exit(2);
    }
    return memset(costs, 1, bytes);
}

int main(int argc, char **argv) {
    struct options options = {.length = 1000000, .slices = 10};
    options_parse(&options, argc, argv);
    struct perftrace_config config = PERFTRACE_CONFIG_DEFAULT;
    config.trace_path = options.trace;
    uint32_t *empty = costs_of(&options), *span = costs_of(&options);
    measure_pin(0);
    calibrate();
    for (unsigned i = 0; i < options.slices; i++) {
        uint32_t *slice = span + i * options.length;
        start(&config);
        loop_span(slice, options.length);
        stop();
        qsort(slice, options.length, sizeof *slice, by_size);
        loop_empty(empty + i * options.length, options.length, slice[options.length / 2]);
    }
    printf("{");
    print_slices("empty", &options, empty);
    print_slices("span", &options, span);
    printf("\"all\":{\"empty\":");
    print_tail(empty, options.slices * options.length);
    printf(",\"span\":");
    print_tail(span, options.slices * options.length);
    printf("}}\n");
    return 0;
}
