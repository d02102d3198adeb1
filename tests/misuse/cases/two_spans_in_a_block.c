/* One span to a block: which of two would a metric belong to? */
#include <perftrace.h>

void two_spans_in_a_block(void);
void two_spans_in_a_block(void) {
    PERF_SPAN("a");
#ifdef MISUSE
    PERF_SPAN("b");
#else
    { PERF_SPAN("b"); }
#endif
}
