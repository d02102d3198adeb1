/* Which functions were called most. */
#include "report.h"

#include <inttypes.h>
#include <stdlib.h>

static const char *const headings[RANK_ORDERS] = {
    [RANK_CALLS] = "Functions by Call Count", [RANK_TOTAL] = "Functions by Total Time",
    [RANK_SELF] = "Functions by Self Time",   [RANK_MAX] = "Functions by Longest Call",
    [RANK_NAME] = "Functions by Name",
};

static void top_functions_text(struct report *report) {
    size_t count;
    const struct analysis_function **functions = rank_functions(report->model, report->sort, &count);
    report->failed |= functions == NULL;
    report_top_heading(report, headings[report->sort]);
    if (count == 0)
        fputs("  No calls.\n", report->out);
    for (size_t i = 0; i < report_shown(report, count); i++) {
        fprintf(report->out, "%7" PRIu64 " ", functions[i]->calls);
        perftrace_buffer_visible(&report->line, functions[i]->name);
        report_line(report);
    }
    free(functions);
}

static void top_functions_json(struct report *report) {
    struct json *json = &report->json;
    size_t count;
    const struct analysis_function **functions = rank_functions(report->model, report->sort, &count);
    report->failed |= functions == NULL;
    json_unsigned(json, "count", count);
    json_array(json, "entries");
    for (size_t i = 0; i < report_shown(report, count); i++) {
        const struct analysis_function *function = functions[i];
        json_object(json, NULL);
        json_text(json, "function", function->name);
        json_unsigned(json, "calls", function->calls);
        json_unsigned(json, "unfinished", function->unfinished);
        json_unsigned(json, "total_ns", function->total_ns);
        json_unsigned(json, "self_ns", function->self_ns);
        json_unsigned(json, "min_ns", function->min_ns);
        json_unsigned(json, "max_ns", function->max_ns);
        json_end_object(json);
    }
    json_end_array(json);
    free(functions);
}

const struct report_section section_top_functions = {
    .name = "top_functions",
    .text = top_functions_text,
    .json = top_functions_json,
};
