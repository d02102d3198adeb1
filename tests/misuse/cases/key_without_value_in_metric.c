/* A key without a value, in a metric. */
#include <perftrace.h>

void key_without_value_in_metric(int n);
void key_without_value_in_metric(int n) {
    PERF_SPAN("a");
#ifdef MISUSE
    PERF_METRIC("n", n, "m");
#else
    PERF_METRIC("n", n);
#endif
}
