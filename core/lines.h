/* Items -> lines of text: PERF_TRACE log lines, and console lines for people. One write() a line. */
#ifndef PERFTRACE_CORE_LINES_H
#define PERFTRACE_CORE_LINES_H

#include "../include/perftrace_items.h"
#include "output.h"

/* One line for each finished span (SPAN_END, ASYNC_END, not unfinished ones); other items are passed over:
 *   PERF_TRACE|42|name|caller=load_node|part_id=root|elapsed_ms=14|query_ms=12|elapsed_us=14210|parent_call=41|thread=1
 * `|`, backslash, newline and control characters in a value, name or key are escaped as \xHH. elapsed_ms is
 * rounded down. Returns 0 or what write returned. */
int perftrace_log_item(struct perftrace_output *output, const struct perftrace_item *item);

/* One line for each finished span, event and frame, indented by depth, with the duration:
 *   [thread] "      load_node 14.2 ms  part_id=root  found=1"
 * Control characters, escapes and invalid UTF-8 are made visible, never passed through. */
int perftrace_console_item(struct perftrace_output *output, const struct perftrace_item *item);

#endif
