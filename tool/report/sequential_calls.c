/* The same call again at once: the caller should keep what it has learnt. */
#include "report.h"

#include "../../analysis/siblings.h"
#include "../support/units.h"

#include <inttypes.h>

static void sequential_calls_text(struct report *report) {
    const struct analysis_siblings *siblings = analysis_siblings(report->model);
    report_heading(report, "Sequential Duplicates");
    if (siblings->sequential_count == 0)
        fputs("  No call was made again at once.\n", report->out);
    for (size_t i = 0; i < report_shown(report, siblings->sequential_count); i++) {
        const struct analysis_sequential *run = &siblings->sequential[i];
        fprintf(report->out, "%4" PRIu64 " calls: ", run->calls);
        analysis_signature_text(report->model, &report->model->signatures[run->signature], &report->line);
        report_line(report);
        fprintf(report->out, "      %" PRIu64 " time%s, up to %" PRIu64 " in a row, %s saved if kept\n",
                run->runs, run->runs == 1 ? "" : "s", run->longest, units_duration(run->saved_ns).text);
        report_numbers(report, run->numbers, run->number_count, run->calls);
    }
    report_more(report, siblings->sequential_count);
}

static void sequential_calls_json(struct report *report) {
    const struct analysis *model = report->model;
    const struct analysis_siblings *siblings = analysis_siblings(model);
    struct json *json = &report->json;
    json_unsigned(json, "count", siblings->sequential_count);
    json_array(json, "entries");
    for (size_t i = 0; i < report_shown(report, siblings->sequential_count); i++) {
        const struct analysis_sequential *run = &siblings->sequential[i];
        const struct analysis_signature *signature = &model->signatures[run->signature];
        json_object(json, NULL);
        analysis_signature_text(model, signature, &report->line);
        report_json_line(report, "signature");
        json_text(json, "function", model->functions[model->questions[signature->question].function].name);
        json_text(json, "caller", model->functions[signature->caller].name);
        json_unsigned(json, "runs", run->runs);
        json_unsigned(json, "calls", run->calls);
        json_unsigned(json, "longest", run->longest);
        json_unsigned(json, "saved_ns", run->saved_ns);
        report_json_numbers(report, run->numbers, run->number_count);
        json_end_object(json);
    }
    json_end_array(json);
}

REPORT_SECTION(sequential_calls);
