/* Which single calls took longest. */
#include "report.h"

#include "../../analysis/slowest.h"
#include "../support/units.h"

static void slowest_calls_text(struct report *report) {
    const struct analysis *model = report->model;
    const struct analysis_slowest *slowest = analysis_slowest(model);
    report_top_heading(report, "Slowest Calls");
    if (slowest->count == 0)
        fputs("  No calls.\n", report->out);
    for (uint32_t i = 0; i < slowest->count; i++) {
        const struct analysis_slow_call *call = &slowest->calls[i];
        perftrace_buffer_print(&report->line, "%s  ", units_elapsed(call->elapsed_ns, 6).text);
        report_call(report, call->id);
        perftrace_buffer_text(&report->line, " ");
        analysis_signature_text(model, &model->signatures[call->signature], &report->line);
        report_line(report);
        if (call->metrics.length == 0)
            continue;
        perftrace_buffer_text(&report->line, "      Metrics: ");
        perftrace_buffer_add(&report->line, call->metrics.bytes, call->metrics.length);
        report_line(report);
    }
}

static void slowest_calls_json(struct report *report) {
    const struct analysis *model = report->model;
    const struct analysis_slowest *slowest = analysis_slowest(model);
    struct json *json = &report->json;
    json_unsigned(json, "count", slowest->count);
    json_array(json, "entries");
    for (uint32_t i = 0; i < slowest->count; i++) {
        const struct analysis_slow_call *call = &slowest->calls[i];
        const struct analysis_signature *signature = &model->signatures[call->signature];
        json_object(json, NULL);
        report_json_call(report, call->id);
        json_unsigned(json, "elapsed_ns", call->elapsed_ns);
        json_boolean(json, "exact", !call->milliseconds);
        json_text(json, "function", model->functions[model->questions[signature->question].function].name);
        analysis_signature_text(model, signature, &report->line);
        report_json_line(report, "signature");
        json_text(json, "metrics",
                  (struct perftrace_text){call->metrics.length > 0 ? call->metrics.bytes : "",
                                          call->metrics.length});
        json_end_object(json);
    }
    json_end_array(json);
}

REPORT_SECTION(slowest_calls);
