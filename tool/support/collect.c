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

/* The program itself, what reads an input, the sections; and for what malloc needs beyond what it is asked for, a part. */
size_t collect_memory(uint64_t bytes) {
    uint64_t fixed = (uint64_t)20 << 20, part = bytes / 16, most = SIZE_MAX / 2;
    uint64_t left = (bytes - fixed - part) / 2;
    return (size_t)(left < most ? left : most);
}

/* What any report takes, however short its input, lies in large pages: they are touched for the first time in each run. */
static void prepare_heap(void) {
#ifdef __GLIBC__
    enum { FIRST_BYTES = 4 << 20, GROWTH_BYTES = 128 << 10 };
    uintptr_t end = (uintptr_t)sbrk(0), above = end % PERFTRACE_LARGE_PAGE;
    /* Large arrays by themselves: they grow without being copied, and leave no holes when they are freed. */
    mallopt(M_MMAP_THRESHOLD, 2 * GROWTH_BYTES);
    mallopt(M_ARENA_MAX, 1); /* another thread's would grow by a page at a time */
    mallopt(M_TRIM_THRESHOLD, 2 * FIRST_BYTES);
    mallopt(M_TOP_PAD, FIRST_BYTES);
    if (above != 0 && sbrk((intptr_t)(PERFTRACE_LARGE_PAGE - above)) != (void *)-1) {
        void *volatile grown =
            malloc(GROWTH_BYTES * 3 / 2); /* more than is left of what it has had until now */
        free(grown);
        perftrace_pages_advise((char *)end + PERFTRACE_LARGE_PAGE - above, FIRST_BYTES);
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

int collect_input(struct analysis *model, const char *path) {
    struct input input;
    const struct analysis_selection *selection = &model->options.selection;
    bool by_time = selection->since_ns != 0 || selection->until_ns != 0;
    if (input_open(&input, path, analysis_unwanted(model), by_time) != 0)
        return -1;
    int status = analysis_begin_input(model, input.name);
    if (status == 0)
        status = analysis_needs_items(model) ? collect_items(model, &input) : collect_calls(model, &input);
    if (status == 0) {
        const struct perftrace_trace_info info = input_info(&input);
        status = analysis_end_input(model, &info, count_threads(input.reader));
    }
    if (status == 0)
        name_tracks(model, input.reader);
    if (status != 0)
        message_error("%s: out of memory", input.name);
    else
        status = input_end(&input);
    input_close(&input);
    return status == 0 ? 0 : -1;
}
