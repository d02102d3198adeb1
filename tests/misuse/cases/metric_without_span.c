/* A metric belongs to the span around it in the source. */
#include <perftrace.h>

void metric_without_span(int found);
void metric_without_span(int found) {
#ifndef MISUSE
    PERF_SPAN("a");
#endif
    PERF_METRIC("found", found);
}
