/* A benchmark without a library: a loop whose turns are spans. */
#define PERF_TARGET "benchmarks"
#include <perftrace.h>

#include <stdint.h>

static char text[20000];
static volatile uint32_t result;

static uint32_t hash(const char *bytes, size_t count) {
    uint32_t sum = 2166136261u;
    for (size_t i = 0; i < count; i++)
        sum = (sum ^ (unsigned char)bytes[i]) * 16777619u;
    return sum;
}

int main(void) {
    for (int turn = 0; turn < 2000; turn++) {
        PERF_SPAN("hash");
        result = hash(text, sizeof text);
    }
    for (int turn = 0; turn < 2000; turn++) {
        PERF_SPAN("hash_words");
        for (size_t at = 0; at < sizeof text; at += 10)
            result = hash(text + at, 10);
    }
}
