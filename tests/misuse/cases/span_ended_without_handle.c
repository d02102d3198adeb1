/* PERF_SPAN_END takes what PERF_SPAN_BEGIN gave. */
#include <perftrace.h>

void span_ended_without_handle(int n);
void span_ended_without_handle(int n) {
    struct perftrace_handle handle = PERF_SPAN_BEGIN("a");
#ifdef MISUSE
    PERF_SPAN_END("a", "n", n);
#endif
    PERF_SPAN_END(handle, "n", n);
}
