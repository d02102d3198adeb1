/* Functions with their times: what the lists of functions share. */
#ifndef PERFTRACE_TOOL_REPORT_FUNCTIONS_H
#define PERFTRACE_TOOL_REPORT_FUNCTIONS_H

#include "report.h"

/* A section's text and JSON: functions in that order, under "=== Top 10 TITLE ===", with their times as a table. */
void report_function_times(struct report *report, enum rank_order order, const char *title);
void report_json_functions(struct report *report, enum rank_order order);

#endif
