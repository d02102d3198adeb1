/* Calls made more than once by the same caller with the same parameters. */
#include "report.h"

#include <stdlib.h>

#define CALLS_MIN 2u

static uint32_t number_of(const struct report *report, const struct analysis_signature *signature) {
    return (uint32_t)(signature - report->model->signatures);
}

static void redundant_calls_text(struct report *report) {
    size_t count;
    const struct analysis_signature **repeated = report_repeated(report, CALLS_MIN, &count);
    report_heading(report, "Potential Redundant Calls");
    if (count == 0)
        report_no_repeats(report, "No call was made twice with the same parameters");
    for (size_t i = 0; repeated != NULL && i < report_shown(report, count); i++) {
        report_signature(report, repeated[i]);
        report_within(report, analysis_within_signature(report->model, number_of(report, repeated[i])));
    }
    report_more(report, count);
    free(repeated);
}

static void add_within(struct report *report, const struct analysis_signature *signature) {
    report_json_within(report, analysis_within_signature(report->model, number_of(report, signature)));
}

static void redundant_calls_json(struct report *report) {
    report_json_repeated(report, CALLS_MIN, add_within);
}

REPORT_SECTION(redundant_calls);
