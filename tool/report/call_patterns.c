/* Who calls whom, how often, and for how long. */
#include "report.h"

#include "../support/units.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* Behind the line, unless it gets too long by that. */
static void add_time(struct report *report, uint64_t ns) {
    enum { COUNT_COLUMNS = 8, LINE_COLUMNS = 80 };
    char text[UNITS_TEXT_MAX + 8];
    snprintf(text, sizeof text, "  (%s)", units_duration(ns).text);
    if (COUNT_COLUMNS + report->line.length + strlen(text) <= LINE_COLUMNS)
        perftrace_buffer_text(&report->line, text);
}

static void call_patterns_text(struct report *report) {
    size_t count;
    const struct analysis_edge **edges = rank_edges(report->model, &count);
    const struct analysis_function *functions = report->model->functions;
    report->failed |= edges == NULL;
    report_heading(report, "Call Patterns");
    if (count == 0)
        fputs("  No calls.\n", report->out);
    for (size_t i = 0; edges != NULL && i < report_shown(report, count); i++) {
        fprintf(report->out, "%7" PRIu64 " ", edges[i]->calls);
        perftrace_buffer_visible(&report->line, functions[edges[i]->caller].name);
        perftrace_buffer_text(&report->line, " -> ");
        perftrace_buffer_visible(&report->line, functions[edges[i]->function].name);
        add_time(report, edges[i]->total_ns);
        report_line(report);
    }
    report_more(report, count);
    free(edges);
}

static void call_patterns_json(struct report *report) {
    struct json *json = &report->json;
    size_t count;
    const struct analysis_edge **edges = rank_edges(report->model, &count);
    const struct analysis_function *functions = report->model->functions;
    report->failed |= edges == NULL;
    json_unsigned(json, "count", count);
    json_array(json, "entries");
    for (size_t i = 0; edges != NULL && i < report_shown(report, count); i++) {
        json_object(json, NULL);
        json_text(json, "caller", functions[edges[i]->caller].name);
        json_text(json, "function", functions[edges[i]->function].name);
        json_unsigned(json, "calls", edges[i]->calls);
        json_unsigned(json, "total_ns", edges[i]->total_ns);
        json_end_object(json);
    }
    json_end_array(json);
    free(edges);
}

REPORT_SECTION(call_patterns);
