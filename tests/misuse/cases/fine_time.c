/* PERF_TIME is its expression, with its type; void too. */
#include <perftrace.h>

static int value;

static void nothing(void) {
    value++;
}
static int *place(void) {
    return &value;
}

int fine_time(const char *text);
int fine_time(const char *text) {
    PERF_TIME("nothing", nothing());
    *PERF_TIME("place", place()) = 3;
    const char *first = PERF_TIME("text", text + 1);
    double ratio = PERF_TIME("ratio", 1.5 * 2);
    if (PERF_TIME("condition", ratio > 2))
        return PERF_TIME("result", first[0]);
    return 0;
}
