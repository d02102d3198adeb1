/* Reading inputs to their ends for the analysis. */
#include "collect.h"

#include "input.h"
#include "messages.h"

struct analysis *collect_open(const struct analysis_options *options) {
    struct analysis *model = analysis_open(options);
    if (model == NULL)
        message_error("out of memory");
    return model;
}

static uint32_t count_threads(const struct perftrace_reader *reader) {
    uint32_t threads = 0;
    for (size_t i = 0; i < perftrace_reader_track_count(reader); i++)
        threads += perftrace_reader_track(reader, i)->kind == PERFTRACE_ON_THREAD;
    return threads;
}

int collect_input(struct analysis *model, const char *path) {
    struct input input;
    if (input_open(&input, path) != 0)
        return -1;
    int status = analysis_begin_input(model, input.name);
    if (status == 0) {
        const struct perftrace_item *item;
        while (status == 0 && (item = input_next(&input)) != NULL) {
            if (!input.native)
                analysis_place(model, input.log_start_ns);
            status = analysis_item(model, item);
        }
        if (status == 0)
            status =
                analysis_end_input(model, perftrace_reader_info(input.reader), count_threads(input.reader));
    }
    if (status != 0)
        message_error("%s: out of memory", input.name);
    else
        status = input_end(&input);
    input_close(&input);
    return status == 0 ? 0 : -1;
}
