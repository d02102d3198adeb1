/* A key without a value. */
#include <perftrace.h>

void key_without_value(int n);
void key_without_value(int n) {
#ifdef MISUSE
    PERF_SPAN("a", "n", n, "m");
#else
    PERF_SPAN("a", "n", n, "m", n);
#endif
}
