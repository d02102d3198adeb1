/* Spans within spans, blocks within blocks, and jumps out of them: no shadowing, no warning. */
#include <perftrace.h>

int fine_nesting(int n);
int fine_nesting(int n) {
    PERF_SPAN("outer", "n", n);
    for (int i = 0; i < n; i++) {
        PERF_SPAN("middle", "i", i);
        if (i == 3)
            continue;
        if (i == 7)
            break;
        {
            PERF_SPAN("inner", "i", i);
            PERF_METRIC("i", i);
            if (i == 9)
                return i;
        }
        PERF_BLOCK("block") {
            PERF_BLOCK("block in a block", "i", i) {
                PERF_SPAN("span in a block");
                PERF_METRIC("i", i);
            }
            n += PERF_TIME("time", PERF_TIME("time in time", n + 1) - n);
        }
        PERF_METRIC("done", true);
    }
    switch (n) {
    case 1: {
        PERF_SPAN("case");
        PERF_EVENT("one");
        break;
    }
    default:
        PERF_EVENT("other");
    }
    if (n > 2)
        PERF_EVENT("more");
    else
        PERF_COUNTER("less", n);
    struct perftrace_handle first = PERF_SPAN_BEGIN("first", "n", n), second = PERF_SPAN_BEGIN("second");
    PERF_SPAN_END(first);
    PERF_SPAN_END(second, "n", n);
    return n;
}
