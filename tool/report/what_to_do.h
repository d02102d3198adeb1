/* What to do, in sentences. */
#ifndef PERFTRACE_TOOL_REPORT_WHAT_TO_DO_H
#define PERFTRACE_TOOL_REPORT_WHAT_TO_DO_H

#include "report.h"

#include "../../analysis/advice.h"

/* What the report's model has to say. -1 without memory. */
int what_to_do_list(const struct report *report, struct analysis_advice_list *list);
/* Adds "load_node asks query what exists_node has asked (…, such as #42 #43): ask once, …" to report->line, safe to show. */
void what_to_do_sentence(struct report *report, const struct analysis_advice *advice);

#endif
