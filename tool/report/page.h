/* The page of `analyze --html`: one file with all that it needs, for a browser. */
#ifndef PERFTRACE_TOOL_PAGE_H
#define PERFTRACE_TOOL_PAGE_H

#include "report.h"

/* The whole page to report->out. 0, or -1 without memory; failed writes are the file's affair. */
int report_page(struct report *report);

/* What its timelines and its flame graph show, as JSON to report->out. As above. */
int report_page_calls(struct report *report);
int report_page_flame(struct report *report);

#endif
