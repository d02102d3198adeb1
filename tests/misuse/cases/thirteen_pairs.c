/* Twelve pairs are the most. */
#include <perftrace.h>

#ifdef MISUSE
#define LAST(n) "12", n, "13", n
#else
#define LAST(n) "12", n
#endif

void thirteen_pairs(int n);
void thirteen_pairs(int n) {
    PERF_SPAN("a", "1", n, "2", n, "3", n, "4", n, "5", n, "6", n, "7", n, "8", n, "9", n, "10", n, "11", n,
              LAST(n));
}
