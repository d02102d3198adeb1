/* A value is a number, a bool, a text or a pointer. */
#include <perftrace.h>

struct pair {
    int a, b;
};

void value_is_a_struct(struct pair pair);
void value_is_a_struct(struct pair pair) {
#ifdef MISUSE
    PERF_EVENT("a", "pair", pair);
#else
    PERF_EVENT("a", "pair", pair.a);
#endif
}
