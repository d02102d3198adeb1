/* Reading inputs to their ends for the analysis. */
#define _DEFAULT_SOURCE /* sbrk */
#include "collect.h"

#include "../../analysis/neighbourhood.h"
#include "../../core/pages.h"
#include "input.h"
#include "messages.h"

#include <malloc.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

bool collect_memory_suffices(uint64_t memory) {
    if (memory < COLLECT_MEMORY_MIN)
        message_error("--memory: at least %dM are needed", (int)(COLLECT_MEMORY_MIN >> 20));
    return memory >= COLLECT_MEMORY_MIN;
}

/* ---- who may take how much ------------------------------------------------------------------------------- */

/* A reader whose items have to wait for others: with that much it does what it can at all. */
enum { READER_PARTS = 6, ALL_PARTS = 11, READER_LEAST_PART = 8 };

static uint64_t lesser(uint64_t a, uint64_t b) {
    return a < b ? a : b;
}

/* The program itself, what reads an input in order, the sections; and for what malloc needs beyond what it is asked for, a part. */
static uint64_t shared_memory(uint64_t memory) {
    uint64_t fixed = (uint64_t)20 << 20, part = memory / 16;
    return memory - fixed - part;
}

/* Of an input by itself is known in time whether its reader needs a share; before a further one the model may have taken all that it may. */
size_t collect_memory(uint64_t memory, bool several) {
    uint64_t left = shared_memory(memory) - (several ? memory / READER_LEAST_PART : 0);
    return (size_t)lesser(left / 2, SIZE_MAX / 2);
}

size_t collect_reader_memory(uint64_t memory, const struct analysis *model) {
    uint64_t shared = shared_memory(memory), least = memory / READER_LEAST_PART;
    if (model == NULL)
        return (size_t)lesser(shared, PERFTRACE_READER_BYTES_MAX);
    uint64_t taken = analysis_memory(model), left = taken < shared ? shared - taken : 0;
    uint64_t part = lesser(lesser(shared / ALL_PARTS * READER_PARTS, PERFTRACE_READER_BYTES_MAX), left);
    return (size_t)(part < least ? least : part);
}

void collect_share(struct analysis *model, const struct perftrace_reader *reader, uint64_t memory) {
    if (perftrace_reader_info(reader)->chrome)
        analysis_limit(
            model,
            (size_t)lesser((shared_memory(memory) - collect_reader_memory(memory, model)) / 2, SIZE_MAX / 2));
}

/* ---- the model ------------------------------------------------------------------------------------------- */

/* What any report takes, however short its input, lies in large pages: they are touched for the first time in each run. Nothing may
 * have been touched of one before it is known to be one, so what malloc writes when its heap grows lies before the first. */
static void prepare_heap(void) {
#ifdef __GLIBC__
    enum { FIRST_BYTES = 4 << 20, GROWTH_BYTES = 128 << 10, BEFORE_BYTES = GROWTH_BYTES * 5 / 4 };
    /* Large arrays by themselves: they grow without being copied, and leave no holes when they are freed. */
    mallopt(M_MMAP_THRESHOLD, 2 * GROWTH_BYTES);
    mallopt(M_ARENA_MAX, 1); /* another thread's would grow by a page at a time */
    mallopt(M_TRIM_THRESHOLD, 2 * FIRST_BYTES);
    mallopt(M_TOP_PAD, FIRST_BYTES + BEFORE_BYTES);
    uintptr_t end = (uintptr_t)sbrk(0);
    uintptr_t gap = PERFTRACE_LARGE_PAGE - (end + BEFORE_BYTES) % PERFTRACE_LARGE_PAGE;
    if (sbrk((intptr_t)gap) != (void *)-1) {
        void *volatile grown = malloc(GROWTH_BYTES + GROWTH_BYTES / 8); /* more than is left of it by now */
        free(grown);
        perftrace_pages_advise((char *)end + gap + BEFORE_BYTES, FIRST_BYTES);
    }
    mallopt(M_TOP_PAD, GROWTH_BYTES);
#endif
}

struct analysis *collect_open(const struct analysis_options *options) {
    prepare_heap();
    struct analysis *model = analysis_open(options);
    if (model == NULL)
        message_error("out of memory");
    return model;
}

/* Those that are told apart: calls of a log without `thread` are on track 0. */
static uint32_t count_threads(const struct perftrace_reader *reader) {
    bool native = perftrace_reader_info(reader)->native;
    uint32_t threads = 0;
    for (size_t i = 0; i < perftrace_reader_track_count(reader); i++) {
        const struct perftrace_track_info *track = perftrace_reader_track(reader, i);
        threads += track->kind == PERFTRACE_ON_THREAD && (native || track->id != 0);
    }
    return threads;
}

static void name_tracks(struct analysis *model, const struct perftrace_reader *reader) {
    for (size_t i = 0; i < perftrace_reader_track_count(reader); i++)
        analysis_neighbourhood_name(model, perftrace_reader_track(reader, i));
}

/* The calls alone, and those that repeat others in brief. */
static int collect_calls(struct analysis *model, struct input *input) {
    struct perftrace_call *calls;
    size_t count;
    int status = 0;
    while (status == 0 && (count = input_calls(input, &calls)) > 0)
        status = analysis_calls(model, input->reader, calls, count);
    return status;
}

static int collect_items(struct analysis *model, struct input *input) {
    const struct perftrace_item *item;
    int status = 0;
    while (status == 0 && (item = input_next(input)) != NULL) {
        if (!input->native)
            analysis_place(model, input->log_start_ns);
        status = analysis_item(model, item);
    }
    return status;
}

static void tell_no_stamps(struct input *input) {
    progress_clear(&input->progress);
    message_warning(
        "%s: its PERF_TRACE lines have no date and time that is understood (2025-01-31T12:00:00Z, 2025/01/31 "
        "12:00:00, "
        "Jan 31 12:00:00, I0131 12:00:00): --since and --until go by calls laid out one behind the other on "
        "each thread",
        input->name);
}

int collect_input(struct analysis *model, const char *path, uint64_t memory) {
    struct input input;
    const struct analysis_selection *selection = &model->options.selection;
    bool by_time = selection->since_ns != 0 || selection->until_ns != 0;
    if (input_open(&input, path, analysis_unwanted(model), by_time, collect_reader_memory(memory, model)) !=
        0)
        return -1;
    collect_share(model, input.reader, memory);
    int status = analysis_begin_input(model, input.name);
    if (status == 0)
        status = analysis_needs_items(model) ? collect_items(model, &input) : collect_calls(model, &input);
    if (status == 0) {
        const struct perftrace_trace_info info = input_info(&input);
        status = analysis_end_input(model, &info, count_threads(input.reader));
    }
    if (status == 0)
        name_tracks(model, input.reader);
    if (status == 0 && by_time && !input.native && input.calls > 0 && input.log_first_ns == 0)
        tell_no_stamps(&input);
    if (status != 0)
        message_error("%s: out of memory", input.name);
    else
        status = input_end(&input);
    input_close(&input);
    return status == 0 ? 0 : -1;
}
