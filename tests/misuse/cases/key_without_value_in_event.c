/* A key without a value, in an event. */
#include <perftrace.h>

void key_without_value_in_event(int n);
void key_without_value_in_event(int n) {
#ifdef MISUSE
    PERF_EVENT("a", "n", n, "m");
#else
    PERF_EVENT("a", "n", n);
#endif
}
