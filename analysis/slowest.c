/* A heap of the slowest calls. */
#include "slowest.h"

#include "pairs.h"
#include "part.h"

#include <stdlib.h>

#define METRICS_BYTES_MAX 1024u

struct slowest {
    struct analysis_slowest found;
    struct perftrace_buffer scratch;
    uint64_t left_out; /* metrics of calls that there was no memory for */
};

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

/* The metrics' text, in the memory that the entry has. Whole ones only. */
static bool keep_metrics(struct slowest *slowest, struct perftrace_budget *budget,
                         struct analysis_slow_call *entry, const struct analysis_call *call) {
    struct perftrace_buffer *scratch = &slowest->scratch, *metrics = &entry->metrics;
    scratch->length = metrics->length = 0;
    for (size_t i = 0; i < call->metric_count; i++) {
        size_t before = scratch->length;
        if (i > 0)
            perftrace_buffer_add(scratch, "|", 1);
        pairs_add_one(scratch, &call->metrics[i]);
        if (scratch->length <= METRICS_BYTES_MAX)
            continue;
        scratch->length = before;
        perftrace_buffer_text(scratch, i > 0 ? "|…" : "…");
        break;
    }
    if (scratch->failed)
        return false;
    if (scratch->length > metrics->capacity) {
        /* As the buffer grows: by doubling. */
        size_t wanted = scratch->length < 256 ? 256 : 2 * scratch->length;
        if (!perftrace_budget_take(budget, wanted - metrics->capacity)) {
            slowest->left_out++;
            return true;
        }
        perftrace_buffer_reserve(metrics, scratch->length);
    }
    perftrace_buffer_add(metrics, scratch->bytes, scratch->length);
    return !metrics->failed;
}

/* Puts an entry above those that are slower, from the place `at` upwards. */
static void sift_up(struct analysis_slow_call *heap, uint32_t at) {
    struct analysis_slow_call moving = heap[at];
    for (; at > 0 && slower(&heap[(at - 1) / 2], &moving); at = (at - 1) / 2)
        heap[at] = heap[(at - 1) / 2];
    heap[at] = moving;
}

static int slowest_open(const struct analysis *analysis, void *state) {
    struct analysis_slowest *slowest = state; /* the first member */
    slowest->calls = calloc((size_t)analysis->options.slowest_max + 1, sizeof *slowest->calls);
    return slowest->calls != NULL ? 0 : -PERFTRACE_ERROR_MEMORY;
}

static __attribute__((noinline)) int remember(struct analysis *analysis, struct slowest *slowest,
                                              const struct analysis_call *call) {
    struct analysis_slow_call *heap = slowest->found.calls; /* the root is the fastest of the slowest */
    uint32_t most = analysis->options.slowest_max;
    bool full = slowest->found.count == most;
    struct analysis_slow_call entry = {call->id, call->elapsed_ns, call->signature, call->milliseconds,
                                       .metrics = {0}};
    if (full && !slower(&entry, &heap[0]))
        return 0;
    uint32_t at = full ? 0 : slowest->found.count++;
    entry.metrics = heap[at].metrics; /* of the one that it replaces, or none */
    heap[at] = entry;
    if (!keep_metrics(slowest, &analysis->budget, &heap[at], call))
        return -PERFTRACE_ERROR_MEMORY;
    if (full)
        sift_down(heap, most, 0);
    else
        sift_up(heap, at);
    return 0;
}

/* A call of less is none of the slowest, whatever its number. */
static uint64_t least_ns(const struct analysis *analysis, const struct slowest *slowest) {
    return slowest->found.count == analysis->options.slowest_max ? slowest->found.calls[0].elapsed_ns : 0;
}

static int slowest_add(struct analysis *analysis, void *state, const struct analysis_call *calls,
                       size_t count) {
    struct slowest *slowest = state;
    if (analysis->options.slowest_max == 0)
        return 0;
    uint64_t least = least_ns(analysis, slowest);
    for (const struct analysis_call *call = calls; call < calls + count; call++) {
        if (call->elapsed_ns < least)
            continue; /* nearly always */
        if (remember(analysis, slowest, call) != 0)
            return -PERFTRACE_ERROR_MEMORY;
        least = least_ns(analysis, slowest);
    }
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

static void slowest_approximated(const struct analysis *analysis, const void *state,
                                 struct perftrace_buffer *text) {
    (void)analysis;
    const struct slowest *slowest = state;
    if (slowest->left_out > 0)
        perftrace_buffer_text(text, "Slowest calls: some are without their metrics.\n");
}

static void slowest_close(void *state) {
    struct slowest *slowest = state;
    for (uint32_t i = 0; slowest->found.calls != NULL && i < slowest->found.count; i++)
        free(slowest->found.calls[i].metrics.bytes);
    free(slowest->found.calls);
    free(slowest->scratch.bytes);
}

bool analysis_slowest_keeps(const struct analysis *analysis, struct analysis_call_id id,
                            uint64_t elapsed_ns) {
    const struct analysis_slowest *slowest = analysis->parts[ANALYSIS_PART_slowest];
    return slowest->count < analysis->options.slowest_max ||
           (slowest->count > 0 &&
            slower(&(struct analysis_slow_call){.id = id, .elapsed_ns = elapsed_ns}, &slowest->calls[0]));
}

const struct analysis_slowest *analysis_slowest(const struct analysis *analysis) {
    return analysis->parts[ANALYSIS_PART_slowest];
}

const struct analysis_part part_slowest = {
    .state_bytes = sizeof(struct slowest),
    .open = slowest_open,
    .add = slowest_add,
    .apart = true,
    .finish = slowest_finish,
    .approximated = slowest_approximated,
    .close = slowest_close,
};
