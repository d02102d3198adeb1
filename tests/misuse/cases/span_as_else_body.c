/* As the body of an `else`, with a level, and with a dynamic name. */
#include <perftrace.h>

void span_as_else_body(int x, const char *name);
void span_as_else_body(int x, const char *name) {
    (void)name;
    if (x == 0) {
        PERF_EVENT("zero");
    } else
#ifdef MISUSE
        PERF_SPAN_LEVEL(PERF_DEBUG, "a");
#else
    {
        PERF_SPAN_LEVEL(PERF_DEBUG, "a");
    }
#endif
}
