/* Frame times and memory, for programs of the engine. */
#include "measure.h"

#include <inttypes.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

uint64_t measure_now_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000U + (uint64_t)now.tv_nsec;
}

size_t measure_resident_bytes(void) {
    FILE *file = fopen("/proc/self/statm", "r");
    if (file == NULL)
        return 0;
    char line[128];
    size_t pages = 0;
    if (fgets(line, sizeof line, file) != NULL) {
        char *rest;
        strtoul(line, &rest, 10); /* the size of the address space */
        pages = strtoul(rest, NULL, 10);
    }
    fclose(file);
    return pages * (size_t)sysconf(_SC_PAGESIZE);
}

int frame_times_init(struct frame_times *times, uint64_t capacity) {
    *times = (struct frame_times){calloc(capacity, sizeof *times->elapsed_ns), 0, capacity, 1};
    return times->elapsed_ns != NULL ? 0 : -1;
}

void frame_times_add(struct frame_times *times, uint64_t elapsed_ns) {
    uint64_t at = times->count++;
    if (at >= times->capacity) { /* Vitter's algorithm R */
        times->random = times->random * 6364136223846793005U + 1442695040888963407U;
        at = (times->random >> 33) % times->count;
    }
    if (at < times->capacity)
        times->elapsed_ns[at] = elapsed_ns;
}

static int compare(const void *left, const void *right) {
    const uint64_t *a = left, *b = right;
    return (*a > *b) - (*a < *b);
}

void frame_times_print(struct frame_times *times, FILE *out) {
    uint64_t kept = times->count < times->capacity ? times->count : times->capacity;
    if (kept == 0)
        return;
    qsort(times->elapsed_ns, kept, sizeof *times->elapsed_ns, compare);
    fprintf(out, "frame time");
    static const struct {
        const char *name;
        unsigned per_mille;
    } shown[] = {{"p50", 500}, {"p90", 900}, {"p99", 990}, {"p99.9", 999}, {"max", 1000}};
    for (size_t i = 0; i < sizeof shown / sizeof shown[0]; i++) {
        uint64_t rank = (kept * shown[i].per_mille + 999) / 1000; /* nearest rank */
        fprintf(out, "  %s %.3f ms", shown[i].name, (double)times->elapsed_ns[rank > 0 ? rank - 1 : 0] / 1e6);
    }
    fprintf(out, "  (%" PRIu64 " frames)\n", times->count);
}

void frame_times_free(struct frame_times *times) {
    free(times->elapsed_ns);
}
