/* A metric after its span's scope. */
#include <perftrace.h>

void metric_after_span(int found);
void metric_after_span(int found) {
    {
        PERF_SPAN("a");
#ifndef MISUSE
        PERF_METRIC("found", found);
#endif
    }
#ifdef MISUSE
    PERF_METRIC("found", found);
#else
    (void)found;
#endif
}
