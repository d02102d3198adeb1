/* Variables and parameters that only perftrace looks at count as used. */
#include <perftrace.h>

void fine_unused(int parameter, const char *name);
void fine_unused(int parameter, const char *name) {
    int local = 3;
    int rows = 0;
    uint64_t id = 7;
    uint32_t track = perftrace_track_create(PERFTRACE_TRACK_KIND_GPU, "queue");
    PERF_SPAN_DYNAMIC(name, "parameter", parameter, "local", local);
    rows += 2;
    PERF_METRIC("rows", rows);
    PERF_ASYNC_BEGIN("request", id, "rows", rows);
    PERF_ASYNC_END("request", id);
    PERF_TRACK_EVENT(track, "present", 1000u);
}
