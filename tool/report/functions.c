/* Which functions were called most, or the order that was asked for; and which took longest, with and without what they called. */
#include "report.h"

#include "../../analysis/durations.h"

#include <stdlib.h>

static const char *const titles[RANK_ORDERS] = {
    [RANK_CALLS] = "Functions by Call Count",    [RANK_TOTAL] = "Functions by Total Time",
    [RANK_SELF] = "Functions by Self Time",      [RANK_MAX] = "Functions by Longest Call",
    [RANK_P99] = "Functions by 99th Percentile", [RANK_NAME] = "Functions by Name",
};

static const struct analysis_function **functions_in(struct report *report, enum rank_order order,
                                                     size_t *count) {
    const struct analysis_function **functions = rank_functions(report->model, order, count);
    report->failed |= functions == NULL;
    return functions;
}

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

/* Times in columns, the name last because it may be long; in the order of call counts only those. */
static void list_text(struct report *report, enum rank_order order) {
    size_t count;
    const struct analysis_function **functions = functions_in(report, order, &count);
    report_top_heading(report, titles[order]);
    if (count == 0)
        fputs("  No calls.\n", report->out);
    else if (order != RANK_CALLS)
        header(report);
    for (size_t i = 0; functions != NULL && i < report_shown(report, count); i++) {
        if (order != RANK_CALLS) {
            row(report, functions[i]);
            continue;
        }
        report_count(report, functions[i]->calls, 7);
        perftrace_buffer_text(&report->line, " ");
        perftrace_buffer_visible(&report->line, functions[i]->name);
        report_line(report);
    }
    free(functions);
}

static void list_json(struct report *report, enum rank_order order) {
    struct json *json = &report->json;
    size_t count;
    const struct analysis_function **functions = functions_in(report, order, &count);
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

/* ---- sections -------------------------------------------------------------------------------------- */

static void top_functions_text(struct report *report) {
    list_text(report, report->sort);
}

static void top_functions_json(struct report *report) {
    list_json(report, report->sort);
}

REPORT_SECTION(top_functions);

static void functions_by_total_text(struct report *report) {
    if (report->sort != RANK_TOTAL && report->model->calls > 0) /* else the list before says it all */
        list_text(report, RANK_TOTAL);
}

static void functions_by_total_json(struct report *report) {
    list_json(report, RANK_TOTAL);
}

REPORT_SECTION(functions_by_total);

static void functions_by_self_text(struct report *report) {
    if (report->sort != RANK_SELF && report->model->calls > 0)
        list_text(report, RANK_SELF);
}

static void functions_by_self_json(struct report *report) {
    list_json(report, RANK_SELF);
}

REPORT_SECTION(functions_by_self);
