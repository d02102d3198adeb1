/* One function called again and again under one parent call, with another value of one parameter each time. */
#include "report.h"

#include "../../analysis/siblings.h"
#include "../support/units.h"

#include <inttypes.h>

static const char assumption[] = "one call instead would take as long as the parent's fastest such call";

static void add_name(struct report *report, uint32_t function) {
    perftrace_buffer_visible(&report->line, report->model->functions[function].name);
}

/* "load -> helper -> query|id" */
static void add_what(struct report *report, const struct analysis_n_plus_one *finding) {
    add_name(report, finding->caller);
    for (uint32_t i = 0; i < finding->through_count; i++) {
        perftrace_buffer_text(&report->line, " -> ");
        add_name(report, finding->through[i]);
    }
    perftrace_buffer_text(&report->line, " -> ");
    add_name(report, finding->function);
    perftrace_buffer_text(&report->line, "|");
    struct perftrace_text parameter = analysis_text(report->model, finding->parameter);
    perftrace_buffer_add(&report->line, parameter.bytes, parameter.length);
    if (finding->confidence != ANALYSIS_CERTAIN)
        perftrace_buffer_print(&report->line, "  (%s)", analysis_confidence_name(finding->confidence));
}

/* "in 7 parents, up to 66 calls (#10): 158 us, saved if batched: 120 us" */
static void add_cost(struct report *report, const struct analysis_n_plus_one *finding) {
    perftrace_buffer_print(&report->line, "      in %" PRIu64 " parent%s", finding->parents,
                           finding->parents == 1 ? "" : "s");
    if (finding->largest.number != 0 || finding->parents > 1)
        perftrace_buffer_print(&report->line, ", up to %" PRIu64 " calls", (uint64_t)finding->largest_n);
    if (finding->largest.number != 0) {
        perftrace_buffer_text(&report->line, " (");
        report_call(report, finding->largest);
        perftrace_buffer_text(&report->line, ")");
    }
    perftrace_buffer_print(&report->line, ": %s, saved if batched: %s",
                           units_duration(finding->total_ns).text, units_duration(finding->saved_ns).text);
}

static void left_out(struct report *report, const struct analysis_siblings *siblings) {
    const char *separator = "  Not counted, as they only look like it: ";
    bool any = false;
    for (unsigned i = 0; i < ANALYSIS_LOOK_ALIKES; i++) {
        if (siblings->look_alikes[i] == 0)
            continue;
        fprintf(report->out, "%s%s %" PRIu64, separator, analysis_look_alike_name(i),
                siblings->look_alikes[i]);
        separator = ", ";
        any = true;
    }
    if (any)
        putc('\n', report->out);
}

static void n_plus_one_text(struct report *report) {
    const struct analysis_siblings *siblings = analysis_siblings(report->model);
    report_heading(report, "N+1 Calls");
    if (siblings->n_plus_one_count == 0)
        fputs("  No call made others one by one that differ in one parameter.\n", report->out);
    else
        fprintf(report->out, "Saved: %s.\n", assumption);
    bool by_name = false;
    for (size_t i = 0; i < report_shown(report, siblings->n_plus_one_count); i++) {
        const struct analysis_n_plus_one *finding = &siblings->n_plus_one[i];
        by_name |= finding->by_name;
        fprintf(report->out, "%4" PRIu64 " calls: ", finding->calls);
        add_what(report, finding);
        report_line(report);
        add_cost(report, finding);
        report_line(report);
        report_numbers(report, finding->examples, finding->example_count, finding->calls);
    }
    report_more(report, siblings->n_plus_one_count);
    if (by_name)
        fputs("  Without parent_call in the log, parents are told by the callers' names.\n", report->out);
    left_out(report, siblings);
}

static void json_finding(struct report *report, const struct analysis_n_plus_one *finding) {
    struct json *json = &report->json;
    const struct analysis *model = report->model;
    json_object(json, NULL);
    json_text(json, "caller", model->functions[finding->caller].name);
    json_array(json, "through");
    for (uint32_t i = 0; i < finding->through_count; i++)
        json_text(json, NULL, model->functions[finding->through[i]].name);
    json_end_array(json);
    json_text(json, "function", model->functions[finding->function].name);
    json_text(json, "parameter", analysis_text(model, finding->parameter));
    json_string(json, "confidence", analysis_confidence_name(finding->confidence));
    json_boolean(json, "parents_known", !finding->by_name);
    json_unsigned(json, "parents", finding->parents);
    json_unsigned(json, "calls", finding->calls);
    json_unsigned(json, "total_ns", finding->total_ns);
    json_unsigned(json, "saved_ns", finding->saved_ns);
    json_object(json, "largest");
    json_unsigned(json, "calls", finding->largest_n);
    if (finding->largest.number != 0)
        report_json_call(report, finding->largest);
    json_end_object(json);
    report_json_numbers(report, finding->examples, finding->example_count);
    json_end_object(json);
}

static void n_plus_one_json(struct report *report) {
    const struct analysis_siblings *siblings = analysis_siblings(report->model);
    struct json *json = &report->json;
    char key[JSON_KEY_MAX];
    json_unsigned(json, "count", siblings->n_plus_one_count);
    json_string(json, "saved_if", assumption);
    json_array(json, "entries");
    for (size_t i = 0; i < report_shown(report, siblings->n_plus_one_count); i++)
        json_finding(report, &siblings->n_plus_one[i]);
    json_end_array(json);
    json_object(json, "not_counted"); /* parents whose calls only look like it */
    for (unsigned i = 0; i < ANALYSIS_LOOK_ALIKES; i++)
        json_unsigned(json, json_key(analysis_look_alike_name(i), key), siblings->look_alikes[i]);
    json_end_object(json);
}

REPORT_SECTION(n_plus_one);
