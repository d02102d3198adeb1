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
    struct perftrace_buffer where, more;
    struct perftrace_value *values; /* parameters and metrics in one array */
    size_t value_capacity;
};

struct log_events *log_events_open(struct perftrace_output *output) {
    struct log_events *events = calloc(1, sizeof *events);
    if (events != NULL)
        events->output = output;
    return events;
}

static int copy_values(struct log_events *events, const struct perftrace_call *call) {
    size_t count = call->parameter_count + call->metric_count;
    if (count > events->value_capacity) {
        struct perftrace_value *grown = realloc(events->values, count * sizeof *grown);
        if (grown == NULL)
            return -PERFTRACE_ERROR_MEMORY;
        events->values = grown;
        events->value_capacity = count;
    }
    for (size_t i = 0; i < call->parameter_count; i++)
        events->values[i] = call->parameters[i];
    for (size_t i = 0; i < call->metric_count; i++)
        events->values[call->parameter_count + i] = call->metrics[i];
    return 0;
}

/* Microseconds with three decimals, as everywhere in this format. */
static void add_microseconds(struct perftrace_buffer *buffer, uint64_t ns) {
    const char decimals[] = {'.', (char)('0' + ns / 100 % 10), (char)('0' + ns / 10 % 10),
                             (char)('0' + ns % 10)};
    perftrace_buffer_unsigned(buffer, ns / 1000);
    perftrace_buffer_add(buffer, decimals, sizeof decimals);
}

int log_events_item(struct log_events *events, const struct perftrace_item *item) {
    if (item->kind != PERFTRACE_ITEM_SPAN_END)
        return 0;
    const struct perftrace_call *call = item->call;
    struct log_time time = log_times_add(&events->times, call);
    struct perftrace_chrome_head head = {0};
    if (copy_values(events, call) != 0 || perftrace_chrome_head_make(&head, call->site, 0) != 0)
        return -PERFTRACE_ERROR_MEMORY;
    events->more.length = events->where.length = 0;
    perftrace_buffer_text(&events->where, ",\"pid\":0,\"tid\":");
    perftrace_buffer_unsigned(&events->where, call->track->id);
    perftrace_buffer_text(&events->more, ",\"dur\":");
    add_microseconds(&events->more, time.span_ns);
    bool failed = events->more.failed || events->where.failed;
    const struct perftrace_chrome_event event = {
        .head = &head,
        .phase = 'X',
        .time_ns = time.start_ns,
        .where = {events->where.bytes, events->where.length},
        .more = {events->more.bytes, events->more.length},
        .value_count = call->parameter_count + call->metric_count,
        .values = events->values,
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
    free(events->more.bytes);
    free(events->values);
    free(events);
}
