/* Chrome trace events of a log, which knows no begin of a call and no time of day: complete events (X) on a timeline that
 * keeps durations and nesting. */
#ifndef PERFTRACE_TOOL_LOG_EVENTS_H
#define PERFTRACE_TOOL_LOG_EVENTS_H

#include "../../core/output.h"
#include "../../include/perftrace_reader.h"

struct log_events;

/* The output is borrowed. NULL without memory. */
struct log_events *log_events_open(struct perftrace_output *output);
/* 0, or -PERFTRACE_ERROR_MEMORY. */
int log_events_item(struct log_events *events, const struct perftrace_item *item);
void log_events_close(struct log_events *events);

#endif
