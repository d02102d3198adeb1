/* The head of the report: how many calls there were, and what is missing from them. */
#include "report.h"

#include "../../analysis/call_tree.h"
#include "../../analysis/time_span.h"
#include "../support/terminal.h"
#include "../support/units.h"

#include <inttypes.h>
#include <string.h>

static uint64_t lost_in_all(const struct analysis *model) {
    uint64_t lost = 0;
    for (unsigned cause = 0; cause < PERFTRACE_LOSS_KINDS; cause++)
        lost += model->lost[cause];
    return lost;
}

static void losses(struct report *report) {
    const struct analysis *model = report->model;
    uint64_t lost = lost_in_all(model);
    if (lost == 0)
        return;
    fprintf(report->out, "Lost records: %" PRIu64 " (", lost);
    const char *separator = "";
    for (unsigned cause = 0; cause < PERFTRACE_LOSS_KINDS; cause++) {
        if (model->lost[cause] == 0)
            continue;
        const char *name = perftrace_loss_name(cause);
        fprintf(report->out, "%s%s %" PRIu64, separator, name != NULL ? name : "unknown", model->lost[cause]);
        separator = ", ";
    }
    fputs("): the counts below are too low\n", report->out);
}

static uint64_t functions_called(const struct analysis *model) {
    uint64_t count = 0;
    for (uint32_t i = 0; i < model->function_count; i++)
        count += model->functions[i].calls > 0;
    return count;
}

static uint64_t threads(const struct analysis *model) {
    uint64_t count = 0;
    for (uint32_t i = 0; i < model->input_count; i++)
        count += model->inputs[i].threads;
    return count;
}

/* What is not known is left out. */
static void sizes(struct report *report) {
    const struct analysis *model = report->model;
    uint64_t span_ns = analysis_time_span(model), outermost_ns = analysis_call_tree(model).nodes[0].total_ns;
    fprintf(report->out, "Functions: %" PRIu64 "\n", functions_called(model));
    if (threads(model) > 0)
        fprintf(report->out, "Threads: %" PRIu64 "\n", threads(model));
    if (span_ns > 0)
        fprintf(report->out, "Time span: %s\n", units_duration(span_ns).text);
    if (outermost_ns > 0)
        fprintf(report->out, "Time in outermost calls: %s\n", units_duration(outermost_ns).text);
}

static void add_patterns(struct report *report, const char **separator, const char *what,
                         struct analysis_texts patterns) {
    for (size_t i = 0; i < patterns.count; i++) {
        perftrace_buffer_print(&report->line, "%s%s", i == 0 ? *separator : " or ", i == 0 ? what : "");
        perftrace_buffer_visible(&report->line, perftrace_text_of(patterns.texts[i]));
        *separator = ", ";
    }
}

static void add_time(struct report *report, const char **separator, const char *what, uint64_t ns) {
    if (ns == 0)
        return;
    perftrace_buffer_print(&report->line, "%s%s%s", *separator, what, units_duration(ns).text);
    *separator = ", ";
}

/* A line with the filters and how many calls they leave out; nothing without filters. */
static void filter_text(struct report *report) {
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

/* Member "left_out" and, with filters, the object "filter". */
static void filter_json(struct report *report) {
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

/* What memory did not suffice for, a line each; until report->line is used again. */
static const char *approximations(struct report *report) {
    analysis_approximations(report->model, &report->line);
    perftrace_buffer_add(&report->line, "", 1);
    report->line.length = 0;
    return report->line.failed ? "" : report->line.bytes;
}

static void approximations_text(struct report *report) {
    for (const char *line = approximations(report); *line != '\0';) {
        size_t length = strcspn(line, "\n");
        fprintf(report->out, "Not exact: %.*s\n", (int)length, line);
        line += length + (line[length] == '\n');
    }
}

static void inputs(struct report *report) {
    const struct analysis *model = report->model;
    for (uint32_t i = 0; i < model->input_count; i++) {
        const struct analysis_input *input = &model->inputs[i];
        const char *state = input->finished ? ""
                            : input->live   ? ", still running"
                                            : ", ended without finishing its trace";
        if (model->input_count == 1 && input->finished && !input->damaged)
            return;
        perftrace_buffer_print(&report->line, "Input %" PRIu32 ": ", i + 1);
        perftrace_buffer_visible(&report->line, perftrace_text_of(input->name));
        perftrace_buffer_print(&report->line, " (%" PRIu64 " call%s%s%s)", input->calls,
                               input->calls == 1 ? "" : "s", state, input->damaged ? ", damaged" : "");
        report_line(report);
    }
}

static void totals_text(struct report *report) {
    static const char rule[] = "===================================";
    const struct analysis *model = report->model;
    fprintf(report->out, "%s%s\nPerformance Analysis Report\n%s%s\n", report->color ? STYLE_BOLD : "", rule,
            rule, report->color ? STYLE_RESET : "");
    fprintf(report->out, "Total traces: %" PRIu64 "\n", model->calls);
    if (model->unfinished > 0)
        fprintf(report->out, "Unfinished: %" PRIu64 " (spans without an end, not counted below)\n",
                model->unfinished);
    if (model->calls > 0)
        sizes(report);
    filter_text(report);
    losses(report);
    approximations_text(report);
    inputs(report);
}

static void totals_json(struct report *report) {
    char key[JSON_KEY_MAX];
    const struct analysis *model = report->model;
    struct json *json = &report->json;
    json_unsigned(json, "calls", model->calls);
    json_unsigned(json, "unfinished", model->unfinished);
    filter_json(report);
    json_unsigned(json, "functions", functions_called(model));
    json_unsigned(json, "threads", threads(model));                 /* 0: not known */
    json_unsigned(json, "time_span_ns", analysis_time_span(model)); /* 0: not known */
    json_unsigned(json, "outermost_ns", analysis_call_tree(model).nodes[0].total_ns);
    json_unsigned(json, "signatures", model->signature_count);
    json_object(json, "lost");
    for (unsigned cause = 0; cause < PERFTRACE_LOSS_KINDS; cause++)
        if (perftrace_loss_name(cause) != NULL)
            json_unsigned(json, json_key(perftrace_loss_name(cause), key), model->lost[cause]);
    json_end_object(json);
    json_lines(json, "approximations", approximations(report));
    json_array(json, "inputs");
    for (uint32_t i = 0; i < model->input_count; i++) {
        const struct analysis_input *input = &model->inputs[i];
        json_object(json, NULL);
        json_string(json, "name", input->name);
        json_unsigned(json, "calls", input->calls);
        json_boolean(json, "finished", input->finished);
        json_boolean(json, "live", input->live);
        json_boolean(json, "damaged", input->damaged);
        json_end_object(json);
    }
    json_end_array(json);
}

REPORT_SECTION(totals);
