/* Keys are string literals: they become part of the site. */
#include <perftrace.h>

void key_not_a_literal(const char *key, int n);
void key_not_a_literal(const char *key, int n) {
    (void)key;
#ifdef MISUSE
    PERF_EVENT("a", key, n);
#else
    PERF_EVENT("a", "key", n);
#endif
}
