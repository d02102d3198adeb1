/* A span with a dynamic name as the body of an `if`. */
#include <perftrace.h>

void dynamic_span_as_if_body(int x, const char *name);
void dynamic_span_as_if_body(int x, const char *name) {
#ifdef MISUSE
    if (x)
        PERF_SPAN_DYNAMIC(name);
#else
    if (x) {
        PERF_SPAN_DYNAMIC(name);
    }
#endif
}
