/* Calls by the values of the keys of --group-by. */
#include "../../analysis/groups.h"
#include "report.h"

#include "../support/units.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static void add_keys(struct report *report) {
    const struct analysis_texts *keys = &report->model->options.group_by;
    for (size_t i = 0; i < keys->count; i++) {
        perftrace_buffer_text(&report->line, i == 0 ? "" : ", ");
        perftrace_buffer_visible(&report->line, perftrace_text_of(keys->texts[i]));
    }
}

static void heading(struct report *report) {
    perftrace_buffer_text(&report->line, "Groups by ");
    add_keys(report);
    perftrace_buffer_add(&report->line, "", 1);
    report_top_heading(report, report->line.failed ? "Groups" : report->line.bytes);
    report->line.length = 0;
}

static void row(struct report *report, const struct analysis_group *group) {
    const uint64_t times[] = {group->total_ns, group->self_ns, group->total_ns / group->calls, group->max_ns};
    report_count(report, group->calls, 7);
    for (size_t i = 0; i < sizeof times / sizeof *times; i++)
        report_time(report, times[i]);
    perftrace_buffer_text(&report->line, "  ");
    perftrace_buffer_add(&report->line, group->text.bytes, group->text.length);
    if (group->missed_ns > 0)
        perftrace_buffer_print(&report->line, "  (or more: up to %s before are not counted)",
                               units_duration(group->missed_ns).text);
    report_line(report);
}

static void rest(struct report *report, struct analysis_groups_total total) {
    if (total.without_calls > 0)
        fprintf(report->out, "  %" PRIu64 " calls have none of these keys.\n", total.without_calls);
    if (total.least_ns > 0)
        fprintf(report->out,
                "  There were too many groups for the memory allowed: none of those left out took more than "
                "%s.\n",
                units_duration(total.least_ns).text);
}

static void groups_text(struct report *report) {
    size_t count;
    if (report->model->options.group_by.count == 0)
        return;
    const struct analysis_group **groups = analysis_groups(report->model, report->group_sort, &count);
    report->failed |= groups == NULL;
    heading(report);
    if (count == 0) {
        fputs("  No call has any of these keys.\n", report->out);
    } else {
        static const char *const columns[] = {"total", "self", "mean", "max"};
        report_column(report, "calls", 7);
        for (size_t i = 0; i < sizeof columns / sizeof *columns; i++)
            report_column(report, columns[i], REPORT_TIME_COLUMNS);
        perftrace_buffer_text(&report->line, "  group");
        report_line(report);
    }
    for (size_t i = 0; i < report_shown(report, count); i++)
        row(report, groups[i]);
    report_more(report, count);
    if (count > 0)
        rest(report, analysis_groups_total(report->model));
    free(groups);
}

static void groups_json(struct report *report) {
    struct json *json = &report->json;
    const struct analysis_texts *keys = &report->model->options.group_by;
    const struct analysis_groups_total total = analysis_groups_total(report->model);
    size_t count;
    const struct analysis_group **groups = analysis_groups(report->model, report->group_sort, &count);
    report->failed |= groups == NULL;
    json_array(json, "keys");
    for (size_t i = 0; i < keys->count; i++)
        json_string(json, NULL, keys->texts[i]);
    json_end_array(json);
    json_unsigned(json, "count", count);
    json_unsigned(json, "without_calls", total.without_calls);
    json_unsigned(json, "dropped_calls", total.dropped_calls);
    json_unsigned(json, "dropped_ns", total.dropped_ns);
    json_unsigned(json, "least_ns", total.least_ns);
    json_array(json, "entries");
    for (size_t i = 0; i < report_shown(report, count); i++) {
        json_object(json, NULL);
        json_text(json, "group", groups[i]->text);
        json_unsigned(json, "calls", groups[i]->calls);
        json_unsigned(json, "total_ns", groups[i]->total_ns);
        json_unsigned(json, "self_ns", groups[i]->self_ns);
        json_unsigned(json, "max_ns", groups[i]->max_ns);
        json_unsigned(json, "missed_ns", groups[i]->missed_ns);
        json_end_object(json);
    }
    json_end_array(json);
    free(groups);
}

REPORT_SECTION(groups);
