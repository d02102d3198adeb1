/* What of the head of a report says which calls it is about. */
#include "filter.h"

#include "../support/units.h"

#include <inttypes.h>
#include <string.h>

static void add_patterns(struct report *report, const char **separator, const char *what,
                         struct analysis_texts patterns) {
    for (size_t i = 0; i < patterns.count; i++) {
        perftrace_buffer_print(&report->line, "%s%s", i == 0 ? *separator : " or ", i == 0 ? what : "");
        perftrace_buffer_visible(&report->line,
                                 (struct perftrace_text){patterns.texts[i], strlen(patterns.texts[i])});
        *separator = ", ";
    }
}

static void add_time(struct report *report, const char **separator, const char *what, uint64_t ns) {
    if (ns == 0)
        return;
    perftrace_buffer_print(&report->line, "%s%s%s", *separator, what, units_duration(ns).text);
    *separator = ", ";
}

void report_filter_text(struct report *report) {
    const struct analysis_selection *wanted = &report->model->options.selection;
    const char *separator = "Only calls: ";
    if (analysis_selects_all(wanted))
        return;
    add_patterns(report, &separator, "of ", wanted->functions);
    add_patterns(report, &separator, "by ", wanted->callers);
    add_patterns(report, &separator, "on thread ", wanted->threads);
    add_time(report, &separator, "begun from ", wanted->since_ns);
    add_time(report, &separator, "begun before ", wanted->until_ns);
    add_time(report, &separator, "of at least ", wanted->min_ns);
    perftrace_buffer_print(&report->line, " (%" PRIu64 " %s left out)", report->model->left_out,
                           report->model->left_out == 1 ? "other is" : "others are");
    report_line(report);
}

static void json_texts(struct json *json, const char *key, struct analysis_texts texts) {
    json_array(json, key);
    for (size_t i = 0; i < texts.count; i++)
        json_string(json, NULL, texts.texts[i]);
    json_end_array(json);
}

void report_filter_json(struct report *report) {
    const struct analysis_selection *wanted = &report->model->options.selection;
    struct json *json = &report->json;
    json_unsigned(json, "left_out", report->model->left_out);
    if (analysis_selects_all(wanted))
        return;
    json_object(json, "filter");
    json_texts(json, "functions", wanted->functions);
    json_texts(json, "callers", wanted->callers);
    json_texts(json, "threads", wanted->threads);
    json_unsigned(json, "since_ns", wanted->since_ns);
    if (wanted->until_ns != 0)
        json_unsigned(json, "until_ns", wanted->until_ns);
    json_unsigned(json, "min_ns", wanted->min_ns);
    json_end_object(json);
}
