/* Calls of a log as Chrome's complete events. */
#include "log_events.h"

#include "../../analysis/log_times.h"
#include "../../core/chrome_event.h"

#include <stdlib.h>
#include <string.h>

struct log_events {
    struct perftrace_output *output;
    struct log_times times;
    struct perftrace_chrome_writer writer;
    struct perftrace_buffer where;
};

struct log_events *log_events_open(struct perftrace_output *output) {
    struct log_events *events = calloc(1, sizeof *events);
    if (events != NULL)
        events->output = output;
    return events;
}

int log_events_item(struct log_events *events, const struct perftrace_item *item) {
    if (item->kind != PERFTRACE_ITEM_SPAN_END)
        return 0;
    const struct perftrace_call *call = item->call;
    struct log_time time = log_times_add(&events->times, call);
    struct perftrace_chrome_head head = {0};
    if (perftrace_chrome_head_make(&head, call->site, 0) != 0)
        return -PERFTRACE_ERROR_MEMORY;
    events->where.length = 0;
    perftrace_buffer_text(&events->where, ",\"pid\":0,\"tid\":");
    perftrace_buffer_unsigned(&events->where, call->track->id);
    bool failed = events->where.failed;
    const struct perftrace_chrome_event event = {
        .head = &head,
        .phase = 'X',
        .time_ns = time.start_ns,
        .elapsed_ns = time.span_ns,
        .where = {events->where.bytes, events->where.length},
        .more = {"", 0},
        .value_count = call->parameter_count,
        .values = call->parameters,
        .metric_count = call->metric_count,
        .metrics = call->metrics,
    };
    failed = failed || perftrace_chrome_event_make(&events->writer, &event) != 0;
    free(head.text);
    if (failed)
        return -PERFTRACE_ERROR_MEMORY;
    (void)events->output->write(events->output, events->writer.text.bytes, events->writer.text.length);
    return 0;
}

void log_events_close(struct log_events *events) {
    if (events == NULL)
        return;
    log_times_free(&events->times);
    free(events->writer.text.bytes);
    free(events->where.bytes);
    free(events);
}
