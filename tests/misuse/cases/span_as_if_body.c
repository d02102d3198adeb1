/* A span is a declaration: as the body of an `if` it would end at once, so it must not compile. */
#include <perftrace.h>

void span_as_if_body(int x);
void span_as_if_body(int x) {
#ifdef MISUSE
    if (x)
        PERF_SPAN("a");
#else
    if (x) {
        PERF_SPAN("a");
    }
#endif
}
