/* Within one parent call: the same function with the same parameters again, by who asked first and who asked again. */
#include "report.h"

#include "../../analysis/siblings.h"
#include "../support/units.h"

#include <inttypes.h>

static void add_again(struct report *report, const struct analysis_asked_again *again) {
    const struct analysis_function *functions = report->model->functions;
    perftrace_buffer_visible(&report->line, functions[again->function].name);
    if (again->first_caller != again->again_caller) {
        perftrace_buffer_text(&report->line, ", first by ");
        perftrace_buffer_visible(&report->line, functions[again->first_caller].name);
    }
    perftrace_buffer_text(&report->line, ", again by ");
    perftrace_buffer_visible(&report->line, functions[again->again_caller].name);
}

static void asked_again_text(struct report *report) {
    const struct analysis_siblings *siblings = analysis_siblings(report->model);
    report_heading(report, "Asked Again Within One Call");
    if (siblings->asked_again_count == 0)
        fputs("  Nothing was asked again under the same call.\n", report->out);
    for (size_t i = 0; i < report_shown(report, siblings->asked_again_count); i++) {
        const struct analysis_asked_again *again = &siblings->asked_again[i];
        fprintf(report->out, "%4" PRIu64 " calls: ", again->again);
        add_again(report, again);
        report_line(report);
        fprintf(report->out, "      in %" PRIu64 " parent%s, %s saved if kept\n", again->parents,
                again->parents == 1 ? "" : "s", units_duration(again->saved_ns).text);
        perftrace_buffer_text(&report->line, "      Such as ");
        report_call(report, again->first);
        perftrace_buffer_text(&report->line, " ");
        report_call(report, again->second);
        perftrace_buffer_text(&report->line, ": ");
        analysis_question_text(report->model, &report->model->questions[again->question], &report->line);
        report_line(report);
    }
    report_more(report, siblings->asked_again_count);
}

static void asked_again_json(struct report *report) {
    const struct analysis *model = report->model;
    const struct analysis_siblings *siblings = analysis_siblings(model);
    struct json *json = &report->json;
    json_unsigned(json, "count", siblings->asked_again_count);
    json_array(json, "entries");
    for (size_t i = 0; i < report_shown(report, siblings->asked_again_count); i++) {
        const struct analysis_asked_again *again = &siblings->asked_again[i];
        json_object(json, NULL);
        json_text(json, "function", model->functions[again->function].name);
        json_text(json, "first_caller", model->functions[again->first_caller].name);
        json_text(json, "again_caller", model->functions[again->again_caller].name);
        json_boolean(json, "parents_known", !again->by_name);
        json_unsigned(json, "parents", again->parents);
        json_unsigned(json, "again", again->again);
        json_unsigned(json, "saved_ns", again->saved_ns);
        analysis_question_text(model, &model->questions[again->question], &report->line);
        report_json_line(report, "question");
        report_json_numbers(report, (struct analysis_call_id[]){again->first, again->second}, 2);
        json_end_object(json);
    }
    json_end_array(json);
}

REPORT_SECTION(asked_again);
