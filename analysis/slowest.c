/* A heap of the slowest calls. */
#include "slowest.h"

#include "part.h"

#include <stdlib.h>

static bool slower(const struct analysis_slow_call *a, const struct analysis_slow_call *b) {
    return a->elapsed_ns != b->elapsed_ns ? a->elapsed_ns > b->elapsed_ns
                                          : analysis_call_before(a->id, b->id);
}

static void sift_down(struct analysis_slow_call *heap, uint32_t count, uint32_t at) {
    struct analysis_slow_call moving = heap[at];
    for (;;) {
        uint32_t child = 2 * at + 1;
        if (child + 1 < count && slower(&heap[child], &heap[child + 1]))
            child++;
        if (child >= count || !slower(&moving, &heap[child]))
            break;
        heap[at] = heap[child];
        at = child;
    }
    heap[at] = moving;
}

/* A heap whose root is the fastest of the slowest. */
static void remember(struct analysis_slowest *slowest, uint32_t most, const struct analysis_slow_call *call) {
    struct analysis_slow_call *heap = slowest->calls;
    if (slowest->count == most) {
        if (most == 0 || !slower(call, &heap[0]))
            return;
        heap[0] = *call;
        sift_down(heap, most, 0);
        return;
    }
    uint32_t at = slowest->count++;
    for (; at > 0 && slower(&heap[(at - 1) / 2], call); at = (at - 1) / 2)
        heap[at] = heap[(at - 1) / 2];
    heap[at] = *call;
}

static int slowest_open(const struct analysis *analysis, void *state) {
    struct analysis_slowest *slowest = state;
    slowest->calls = calloc((size_t)analysis->options.slowest_max + 1, sizeof *slowest->calls);
    return slowest->calls != NULL ? 0 : -PERFTRACE_ERROR_MEMORY;
}

static int slowest_add(struct analysis *analysis, void *state, const struct analysis_call *call) {
    remember(state, analysis->options.slowest_max,
             &(struct analysis_slow_call){call->id, call->elapsed_ns, call->signature, call->milliseconds});
    return 0;
}

static int compare(const void *left, const void *right) {
    const struct analysis_slow_call *a = left, *b = right;
    return slower(b, a) - slower(a, b);
}

static int slowest_finish(struct analysis *analysis, void *state) {
    (void)analysis;
    struct analysis_slowest *slowest = state;
    qsort(slowest->calls, slowest->count, sizeof *slowest->calls, compare);
    return 0;
}

static void slowest_close(void *state) {
    struct analysis_slowest *slowest = state;
    free(slowest->calls);
}

const struct analysis_slowest *analysis_slowest(const struct analysis *analysis) {
    return analysis->parts[ANALYSIS_PART_slowest];
}

const struct analysis_part part_slowest = {
    .state_bytes = sizeof(struct analysis_slowest),
    .open = slowest_open,
    .add = slowest_add,
    .finish = slowest_finish,
    .close = slowest_close,
};
