/* The program's other file. */
#define PERF_TARGET "user_other"
#include <perftrace.h>

#include "work.h"

int work(int rounds) {
    PERF_SPAN("user_rounds", "rounds", rounds, "kind", "plain");
    int sum = 0;
    for (int i = 0; i < rounds; i++) {
        PERF_SPAN_LEVEL(PERF_DEBUG, "user_round", "i", i);
        sum++;
    }
    PERF_METRIC("sum", sum);
    return sum;
}
