/* Chrome's Trace Event Format, for DevTools, Perfetto UI and speedscope: an object with the array of events. */
#include "../../core/chrome.h"
#include "export.h"
#include "log_events.h"

#include <stdlib.h>
#include <string.h>

/* Events are gathered before they go to the file: two calls of stdio for each would take a quarter of the time. */
#define GATHERED_BYTES (64u << 10)

struct chrome_export {
    struct perftrace_output output; /* first: the callback finds the rest behind it */
    FILE *file;
    struct perftrace_chrome *chrome; /* of a trace */
    struct log_events *log;          /* of a log; the other one is NULL */
    bool has_events;
    size_t gathered;
    char text[GATHERED_BYTES];
};

/* Failed writes are kept by the file. */
static void write_gathered(struct chrome_export *state) {
    fwrite(state->text, 1, state->gathered, state->file);
    state->gathered = 0;
}

static int write_event(struct perftrace_output *output, const char *text, size_t length) {
    struct chrome_export *state = (struct chrome_export *)output;
    if (length + 2 > sizeof state->text - state->gathered)
        write_gathered(state);
    if (state->has_events) {
        memcpy(state->text + state->gathered, ",\n", 2);
        state->gathered += 2;
    }
    state->has_events = true;
    if (length > sizeof state->text - state->gathered) {
        write_gathered(state);
        fwrite(text, 1, length, state->file);
        return 0;
    }
    memcpy(state->text + state->gathered, text, length);
    state->gathered += length;
    return 0;
}

static struct perftrace_chrome *open_process(struct chrome_export *state,
                                             const struct export_context *context) {
    return perftrace_chrome_open(&(struct perftrace_chrome_options){
        .output = &state->output, .info = context->info, .pid = context->pid});
}

/* Viewers take processes one after the other as well as mixed. */
static int chrome_next_input(void *opaque, const struct export_context *context) {
    struct chrome_export *state = opaque;
    perftrace_chrome_close(state->chrome);
    state->chrome = open_process(state, context);
    return state->chrome != NULL ? 0 : -PERFTRACE_ERROR_MEMORY;
}

static void *chrome_open(const struct export_context *context) {
    struct chrome_export *state = calloc(1, sizeof *state);
    if (state == NULL)
        return NULL;
    state->output.write = write_event;
    state->file = context->file;
    if (context->info->native)
        state->chrome = open_process(state, context);
    else
        state->log = log_events_open(&state->output);
    if (state->chrome == NULL && state->log == NULL) {
        free(state);
        return NULL;
    }
    fputs("{\"displayTimeUnit\":\"ns\",\"traceEvents\":[\n", context->file);
    return state;
}

static int chrome_item(void *opaque, const struct perftrace_item *item) {
    struct chrome_export *state = opaque;
    int status =
        state->log != NULL ? log_events_item(state->log, item) : perftrace_chrome_item(state->chrome, item);
    return status == 0 ? 0 : -PERFTRACE_ERROR_MEMORY;
}

static int chrome_finish(void *opaque) {
    struct chrome_export *state = opaque;
    write_gathered(state);
    fputs("\n]}\n", state->file);
    return 0;
}

static void chrome_close(void *opaque) {
    struct chrome_export *state = opaque;
    perftrace_chrome_close(state->chrome);
    log_events_close(state->log);
    free(state);
}

const struct exporter export_chrome = {
    .name = "chrome",
    .extension = ".json",
    .summary = "Chrome trace events (JSON), for DevTools, Perfetto UI and speedscope",
    .unwanted = PERFTRACE_ITEM_BEGIN_PARAMETERS,
    .open = chrome_open,
    .item = chrome_item,
    .next_input = chrome_next_input,
    .finish = chrome_finish,
    .close = chrome_close,
};
