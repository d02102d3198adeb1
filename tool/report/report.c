/* The list of sections, and what they share. */
#include "report.h"

#include "../support/terminal.h"
#include "../support/units.h"

#include <inttypes.h>
#include <stdlib.h>

#define SECTION(name) extern const struct report_section section_##name;
#include "list.h"
#undef SECTION

static const struct report_section *const sections[] = {
#define SECTION(name) &section_##name,
#include "list.h"
#undef SECTION
};
#define SECTION_COUNT (sizeof sections / sizeof *sections)

static int finish(struct report *report) {
    bool failed = report->failed || report->line.failed || report->json.scratch.failed;
    free(report->line.bytes);
    free(report->json.scratch.bytes);
    report->line = report->json.scratch = (struct perftrace_buffer){0};
    return failed ? -1 : 0;
}

int report_text(struct report *report) {
    for (size_t i = 0; i < SECTION_COUNT; i++)
        sections[i]->text(report);
    return finish(report);
}

int report_json(struct report *report) {
    report->json.file = report->out;
    json_object(&report->json, NULL);
    json_unsigned(&report->json, "perftrace_report", 1); /* the version of this form */
    for (size_t i = 0; i < SECTION_COUNT; i++) {
        json_object(&report->json, sections[i]->name);
        sections[i]->json(report);
        json_end_object(&report->json);
    }
    json_end_object(&report->json);
    return finish(report);
}

void report_heading(struct report *report, const char *title) {
    fprintf(report->out, "\n%s=== %s ===%s\n", report->color ? STYLE_BOLD : "", title,
            report->color ? STYLE_RESET : "");
}

void report_top_heading(struct report *report, const char *what) {
    char title[80];
    if (report->top == 0)
        snprintf(title, sizeof title, "All %s", what);
    else
        snprintf(title, sizeof title, "Top %" PRIu64 " %s", report->top, what);
    report_heading(report, title);
}

size_t report_shown(const struct report *report, size_t count) {
    return report->top == 0 || count < report->top ? count : (size_t)report->top;
}

void report_more(const struct report *report, size_t count) {
    size_t shown = report_shown(report, count);
    if (shown < count)
        fprintf(report->out, "  … and %zu more\n", count - shown);
}

void report_line(struct report *report) {
    perftrace_buffer_add(&report->line, "\n", 1);
    if (!report->line.failed)
        fwrite(report->line.bytes, 1, report->line.length, report->out);
    report->line.length = 0;
}

void report_json_line(struct report *report, const char *key) {
    json_text(&report->json, key, (struct perftrace_text){report->line.bytes, report->line.length});
    report->line.length = 0;
}

void report_column(struct report *report, const char *text, int columns) {
    perftrace_buffer_print(&report->line, "%*s", columns, text);
}

void report_time(struct report *report, uint64_t ns) {
    /* of nothing there is no unit: what is known may be milliseconds */
    report_column(report, ns != 0 ? units_duration(ns).text : "0", REPORT_TIME_COLUMNS);
}

void report_count(struct report *report, uint64_t count, int columns) {
    perftrace_buffer_print(&report->line, "%*" PRIu64, columns, count);
}

void report_call(struct report *report, struct analysis_call_id id) {
    perftrace_buffer_text(&report->line, "#");
    if (report->model->input_count > 1)
        perftrace_buffer_print(&report->line, "%" PRIu32 ":", id.input);
    perftrace_buffer_unsigned(&report->line, id.number);
}

/* " #42 #43 … and 7 more" */
static void add_calls(struct report *report, const struct analysis_call_id *ids, uint32_t count,
                      uint64_t calls) {
    for (uint32_t i = 0; i < count; i++) {
        perftrace_buffer_text(&report->line, " ");
        report_call(report, ids[i]);
    }
    if (count < calls)
        perftrace_buffer_print(&report->line, " … and %" PRIu64 " more", calls - count);
}

void report_calls(struct report *report, const struct analysis_signature *signature, uint32_t most) {
    uint32_t more = signature->number_count < most ? signature->number_count : most - 1;
    report_call(report, signature->first);
    add_calls(report, signature->numbers, more, signature->calls - 1);
}

void report_numbers(struct report *report, const struct analysis_call_id *ids, uint32_t count,
                    uint64_t calls) {
    perftrace_buffer_text(&report->line, "      Call numbers:");
    add_calls(report, ids, count, calls);
    report_line(report);
}

void report_signature(struct report *report, const struct analysis_signature *signature) {
    fprintf(report->out, "%4" PRIu64 " calls: ", signature->calls);
    analysis_signature_text(report->model, signature, &report->line);
    report_line(report);
    perftrace_buffer_text(&report->line, "      Call numbers: ");
    report_calls(report, signature, ANALYSIS_NUMBERS_MAX);
    report_line(report);
    uint64_t repeats = analysis_repeats(report->model, signature);
    if (repeats + 1 < signature->calls)
        fprintf(report->out, "      %" PRIu64 " of them asked what was known already, and still valid\n",
                repeats);
}

void report_json_call(struct report *report, struct analysis_call_id id) {
    json_unsigned(&report->json, "number", id.number);
    if (report->model->input_count > 1)
        json_unsigned(&report->json, "input", id.input);
}

static void json_call_number(struct report *report, struct analysis_call_id id) {
    if (report->model->input_count > 1) {
        json_object(&report->json, NULL);
        report_json_call(report, id);
        json_end_object(&report->json);
    } else {
        json_unsigned(&report->json, NULL, id.number);
    }
}

void report_json_numbers(struct report *report, const struct analysis_call_id *ids, uint32_t count) {
    json_array(&report->json, "call_numbers");
    for (uint32_t i = 0; i < count; i++)
        json_call_number(report, ids[i]);
    json_end_array(&report->json);
}

void report_within(struct report *report, const struct analysis_within *within) {
    if (within != NULL)
        fprintf(report->out, "      Within one parent: %" PRIu64 " again in %" PRIu64 " parent%s, %s\n",
                within->again, within->parents, within->parents == 1 ? "" : "s",
                units_duration(within->again_ns).text);
}

void report_json_within(struct report *report, const struct analysis_within *within) {
    struct json *json = &report->json;
    json_object(json, "within_one_parent");
    json_unsigned(json, "parents", within != NULL ? within->parents : 0);
    json_unsigned(json, "again", within != NULL ? within->again : 0);
    json_unsigned(json, "again_ns", within != NULL ? within->again_ns : 0);
    json_end_object(json);
}

void report_json_signature(struct report *report, const struct analysis_signature *signature) {
    const struct analysis *model = report->model;
    struct json *json = &report->json;
    const struct analysis_question *question = &model->questions[signature->question];
    analysis_signature_text(model, signature, &report->line);
    report_json_line(report, "signature");
    json_text(json, "function", model->functions[question->function].name);
    json_text(json, "caller", model->functions[signature->caller].name);
    json_unsigned(json, "calls", signature->calls);
    if (model->options.invalidations.count > 0)
        json_unsigned(json, "valid_repeats", analysis_repeats(model, signature));
    json_unsigned(json, "total_ns", signature->total_ns);
    json_array(json, "call_numbers"); /* the first ones */
    json_call_number(report, signature->first);
    for (uint32_t i = 0; i < signature->number_count; i++)
        json_call_number(report, signature->numbers[i]);
    json_end_array(json);
}

void report_no_repeats(struct report *report, const char *text) {
    bool rules = report->model->options.invalidations.count > 0;
    fprintf(report->out, "  %s%s.\n", text, rules ? " while the answer was valid" : "");
}

const struct analysis_signature **report_repeated(struct report *report, uint64_t calls_min, size_t *count) {
    const struct analysis_signature **repeated =
        rank_repeated(report->model, calls_min, (size_t)report->top, count);
    report->failed |= repeated == NULL;
    return repeated;
}

void report_json_repeated(struct report *report, uint64_t calls_min,
                          void (*more)(struct report *report, const struct analysis_signature *signature)) {
    size_t count;
    const struct analysis_signature **repeated = report_repeated(report, calls_min, &count);
    json_unsigned(&report->json, "count", count);
    json_array(&report->json, "entries");
    for (size_t i = 0; repeated != NULL && i < report_shown(report, count); i++) {
        json_object(&report->json, NULL);
        report_json_signature(report, repeated[i]);
        if (more != NULL)
            more(report, repeated[i]);
        json_end_object(&report->json);
    }
    json_end_array(&report->json);
    free(repeated);
}
