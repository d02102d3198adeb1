/* A table of functions: times in columns, the name last because it may be long. */
#include "functions.h"

#include "../../analysis/durations.h"

#include <stdlib.h>

static void header(struct report *report) {
    static const char *const columns[] = {"total", "self", "p50", "p90", "p99", "max"};
    for (size_t i = 0; i < sizeof columns / sizeof *columns; i++)
        report_column(report, columns[i], REPORT_TIME_COLUMNS);
    perftrace_buffer_text(&report->line, "  function");
    report_line(report);
}

static void row(struct report *report, const struct analysis_function *function) {
    uint32_t number = (uint32_t)(function - report->model->functions);
    struct analysis_percentiles percentiles = analysis_percentiles(report->model, number);
    const uint64_t times[] = {function->outermost_ns, function->self_ns,  percentiles.p50_ns,
                              percentiles.p90_ns,     percentiles.p99_ns, function->max_ns};
    for (size_t i = 0; i < sizeof times / sizeof *times; i++)
        report_time(report, times[i]);
    perftrace_buffer_text(&report->line, "  ");
    perftrace_buffer_visible(&report->line, function->name);
    report_line(report);
}

void report_function_times(struct report *report, enum rank_order order, const char *title) {
    size_t count;
    const struct analysis_function **functions = rank_functions(report->model, order, &count);
    report->failed |= functions == NULL;
    report_top_heading(report, title);
    if (count == 0)
        fputs("  No calls.\n", report->out);
    else
        header(report);
    for (size_t i = 0; functions != NULL && i < report_shown(report, count); i++)
        row(report, functions[i]);
    free(functions);
}

void report_json_functions(struct report *report, enum rank_order order) {
    struct json *json = &report->json;
    size_t count;
    const struct analysis_function **functions = rank_functions(report->model, order, &count);
    report->failed |= functions == NULL;
    json_unsigned(json, "count", count);
    json_array(json, "entries");
    for (size_t i = 0; functions != NULL && i < report_shown(report, count); i++) {
        const struct analysis_function *function = functions[i];
        struct analysis_percentiles percentiles =
            analysis_percentiles(report->model, (uint32_t)(function - report->model->functions));
        json_object(json, NULL);
        json_text(json, "function", function->name);
        json_unsigned(json, "calls", function->calls);
        json_unsigned(json, "unfinished", function->unfinished);
        json_unsigned(json, "total_ns", function->total_ns);
        json_unsigned(json, "outermost_ns", function->outermost_ns);
        json_unsigned(json, "self_ns", function->self_ns);
        json_unsigned(json, "min_ns", function->min_ns);
        json_unsigned(json, "p50_ns", percentiles.p50_ns);
        json_unsigned(json, "p90_ns", percentiles.p90_ns);
        json_unsigned(json, "p99_ns", percentiles.p99_ns);
        json_unsigned(json, "max_ns", function->max_ns);
        json_double(json, "percentile_error", percentiles.error); /* 0: exact; else of the value, at most */
        json_end_object(json);
    }
    json_end_array(json);
    free(functions);
}
