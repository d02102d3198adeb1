/* Which functions were called most; or the order that was asked for. */
#include "functions.h"

#include <inttypes.h>
#include <stdlib.h>

static const char *const headings[RANK_ORDERS] = {
    [RANK_CALLS] = "Functions by Call Count",    [RANK_TOTAL] = "Functions by Total Time",
    [RANK_SELF] = "Functions by Self Time",      [RANK_MAX] = "Functions by Longest Call",
    [RANK_P99] = "Functions by 99th Percentile", [RANK_NAME] = "Functions by Name",
};

static void top_functions_text(struct report *report) {
    if (report->sort != RANK_CALLS) {
        report_function_times(report, report->sort, headings[report->sort]);
        return;
    }
    size_t count;
    const struct analysis_function **functions = rank_functions(report->model, report->sort, &count);
    report->failed |= functions == NULL;
    report_top_heading(report, headings[report->sort]);
    if (count == 0)
        fputs("  No calls.\n", report->out);
    for (size_t i = 0; functions != NULL && i < report_shown(report, count); i++) {
        fprintf(report->out, "%7" PRIu64 " ", functions[i]->calls);
        perftrace_buffer_visible(&report->line, functions[i]->name);
        report_line(report);
    }
    free(functions);
}

static void top_functions_json(struct report *report) {
    report_json_functions(report, report->sort);
}

REPORT_SECTION(top_functions);
