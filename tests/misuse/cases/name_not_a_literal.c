/* So are names; PERF_SPAN_DYNAMIC is for the others. */
#include <perftrace.h>

void name_not_a_literal(const char *name);
void name_not_a_literal(const char *name) {
#ifdef MISUSE
    PERF_SPAN(name);
#else
    PERF_SPAN_DYNAMIC(name);
#endif
}
