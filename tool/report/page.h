/* The page of `analyze --html`: one file with all that it needs, for a browser. */
#ifndef PERFTRACE_TOOL_PAGE_H
#define PERFTRACE_TOOL_PAGE_H

#include "report.h"

/* The whole page to report->out. 0, or -1 without memory; failed writes are the file's affair. */
int report_page(struct report *report);

/* What its timelines and its flame graph show, as JSON to report->out. As above. */
int report_page_calls(struct report *report);
int report_page_flame(struct report *report);

/* Made by the build of page/: not ended by zero, and the SHA-256 of each in base64. */
extern const unsigned char page_style[], page_script[];
extern const size_t page_style_bytes, page_script_bytes;
extern const char page_style_sha256[], page_script_sha256[];

#endif
