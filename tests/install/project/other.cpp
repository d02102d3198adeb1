// The program's other file in C++: sites in a template and in an inline function.
#define PERF_TARGET "user_other"
#include <perftrace.h>

#include "work.h"

namespace {

inline int one(int i) {
    PERF_SPAN_LEVEL(PERF_DEBUG, "user_round", "i", i);
    return 1;
}

template <typename Number> Number sum_of(Number rounds) {
    PERF_SPAN("user_rounds", "rounds", rounds, "kind", "template");
    Number sum = 0;
    for (Number i = 0; i < rounds; i++)
        sum += one(i);
    PERF_METRIC("sum", sum);
    return sum;
}

} // namespace

int work(int rounds) {
    return sum_of(rounds);
}
