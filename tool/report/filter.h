/* The head of a report says which calls it is about, where that is not all. */
#ifndef PERFTRACE_TOOL_FILTER_H
#define PERFTRACE_TOOL_FILTER_H

#include "report.h"

/* A line with the filters and how many calls they leave out; nothing without filters. */
void report_filter_text(struct report *report);
/* Member "left_out" and, with filters, the object "filter". */
void report_filter_json(struct report *report);

#endif
