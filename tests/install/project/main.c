/* The program's main part: begins the trace and does some work. */
#define PERF_TARGET "user_main"
#include <perftrace.h>

#include <stdio.h>

#include "work.h"

int main(void) {
    if (perftrace_init_default() != 0)
        return 1;
    int done = 0;
    for (int frame = 0; frame < 3; frame++) {
        PERF_SPAN("user_frame", "frame", frame);
        done += PERF_TIME("user_work", work(10));
        PERF_METRIC("done", done);
        PERF_FRAME();
    }
    PERF_EVENT("user_done", "rounds", done);
    perftrace_shutdown();
    printf("%d\n", done);
    return done == 30 ? 0 : 1;
}
