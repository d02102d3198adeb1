/* As the body of a loop, with arguments. */
#include <perftrace.h>

void span_as_loop_body(int x);
void span_as_loop_body(int x) {
    while (x-- > 0)
#ifdef MISUSE
        PERF_SPAN("a", "x", x);
#else
    {
        PERF_SPAN("a", "x", x);
    }
#endif
}
