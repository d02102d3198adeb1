/* Arguments are looked at even where they are not evaluated. */
#include <perftrace.h>

void no_such_variable(int n);
void no_such_variable(int n) {
#ifdef MISUSE
    PERF_EVENT("a", "n", m);
#else
    PERF_EVENT("a", "n", n);
#endif
}
