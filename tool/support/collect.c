/* Reading inputs to their ends for the analysis. */
#include "collect.h"

#include "../../analysis/neighbourhood.h"
#include "input.h"
#include "messages.h"

#include <malloc.h>

/* The program itself, what reads an input, the sections; and for what malloc needs beyond what it is asked for, a part. */
size_t collect_memory(uint64_t bytes) {
    uint64_t fixed = (uint64_t)20 << 20, part = bytes / 16, most = SIZE_MAX / 2;
    uint64_t left = (bytes - fixed - part) / 2;
    return (size_t)(left < most ? left : most);
}

struct analysis *collect_open(const struct analysis_options *options) {
#ifdef __GLIBC__
    /* Large arrays by themselves: they grow without being copied, and leave no holes when they are freed. */
    mallopt(M_MMAP_THRESHOLD, 256 << 10);
#endif
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
