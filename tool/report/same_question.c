/* Calls of one function with the same parameters from different callers: what one of them learnt, the other
 * asks again. */
#include "report.h"

#include <inttypes.h>
#include <stdlib.h>

#define ASKERS_SHOWN 8u
#define NUMBERS_SHOWN 4u /* of each, since they stand on one line */

/* "exists_node #42, load_node #43" */
static void add_askers(struct report *report, const struct analysis_question *question) {
    size_t count;
    const struct analysis_signature **askers = rank_askers(report->model, question, &count);
    report->failed |= askers == NULL;
    for (size_t i = 0; askers != NULL && i < count && i < ASKERS_SHOWN; i++) {
        perftrace_buffer_text(&report->line, i == 0 ? "" : ", ");
        perftrace_buffer_visible(&report->line, report->model->functions[askers[i]->caller].name);
        perftrace_buffer_text(&report->line, " ");
        report_calls(report, askers[i], NUMBERS_SHOWN);
    }
    if (count > ASKERS_SHOWN)
        perftrace_buffer_print(&report->line, ", … and %zu more callers", count - ASKERS_SHOWN);
    free(askers);
}

static uint32_t number_of(const struct report *report, const struct analysis_question *question) {
    return (uint32_t)(question - report->model->questions);
}

static void same_question_text(struct report *report) {
    size_t count;
    const struct analysis_question **questions = rank_shared_questions(report->model, &count);
    report->failed |= questions == NULL;
    report_heading(report, "Same Question From Different Callers");
    if (count == 0)
        report_no_repeats(report, "No two callers made a call with the same parameters");
    for (size_t i = 0; questions != NULL && i < report_shown(report, count); i++) {
        fprintf(report->out, "%4" PRIu64 " calls: ", questions[i]->calls);
        analysis_question_text(report->model, questions[i], &report->line);
        perftrace_buffer_text(&report->line, "  (");
        add_askers(report, questions[i]);
        perftrace_buffer_text(&report->line, ")");
        report_line(report);
        report_within(report, analysis_within_question(report->model, number_of(report, questions[i])));
    }
    report_more(report, count);
    free(questions);
}

static void json_question(struct report *report, const struct analysis_question *question) {
    struct json *json = &report->json;
    size_t count;
    const struct analysis_signature **askers = rank_askers(report->model, question, &count);
    report->failed |= askers == NULL;
    json_object(json, NULL);
    analysis_question_text(report->model, question, &report->line);
    report_json_line(report, "question");
    json_text(json, "function", report->model->functions[question->function].name);
    json_unsigned(json, "calls", question->calls);
    report_json_within(report, analysis_within_question(report->model, number_of(report, question)));
    json_array(json, "callers");
    for (size_t i = 0; askers != NULL && i < count; i++) {
        json_object(json, NULL);
        report_json_signature(report, askers[i]);
        json_end_object(json);
    }
    json_end_array(json);
    json_end_object(json);
    free(askers);
}

static void same_question_json(struct report *report) {
    size_t count;
    const struct analysis_question **questions = rank_shared_questions(report->model, &count);
    report->failed |= questions == NULL;
    json_unsigned(&report->json, "count", count);
    json_array(&report->json, "entries");
    for (size_t i = 0; questions != NULL && i < report_shown(report, count); i++)
        json_question(report, questions[i]);
    json_end_array(&report->json);
    free(questions);
}

REPORT_SECTION(same_question);
