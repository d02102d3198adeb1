/* The page's timelines: the calls around those that may be chosen, as one row of numbers each, with the texts that these refer to. */
#include "page.h"
#include "page_texts.h"

#include "../../analysis/neighbourhood.h"

#include <inttypes.h>

static void put_calls(struct report *report, const struct analysis_neighbourhood *found,
                      struct page_texts *functions, struct page_texts *questions) {
    uint64_t base_ns = 0; /* the first start of an input */
    fputs("\"calls\": [", report->out);
    for (uint32_t i = 0; i < found->call_count; i++) {
        const struct analysis_neighbour *call = &found->calls[i];
        if (i == 0 || call->id.input != call[-1].id.input)
            base_ns = call->start_ns;
        const uint64_t row[] = {call->id.number,
                                call->id.input,
                                call->parent,
                                page_texts_place(functions, call->function),
                                page_texts_place(questions, call->question),
                                call->track,
                                call->start_ns - base_ns,
                                call->elapsed_ns,
                                call->made_up};
        fputs(i == 0 ? "\n" : ",\n", report->out);
        page_row(report->out, row, sizeof row / sizeof *row);
    }
    fputs("]", report->out);
}

int report_page_calls(struct report *report) {
    const struct analysis *model = report->model;
    const struct analysis_neighbourhood *found = analysis_neighbourhood(model);
    struct page_texts functions = {0}, questions = {0};
    int result = -1;
    if (page_texts_open(&functions, model->function_count, found->call_count) &&
        page_texts_open(&questions, model->question_count, found->call_count)) {
        fputs("{", report->out);
        put_calls(report, found, &functions, &questions);
        fputs(",\n\"functions\": ", report->out);
        page_function_names(report, &functions);
        fputs(",\n\"parameters\": ", report->out);
        page_question_parameters(report, &questions);
        fputs(",\n\"tracks\": [", report->out);
        for (uint32_t i = 0; i < found->track_count; i++) {
            fprintf(report->out, "%s[%" PRIu32 ",%u,", i == 0 ? "" : ",", found->tracks[i].id,
                    found->tracks[i].kind);
            page_text(report, found->tracks[i].name);
            fputc(']', report->out);
        }
        fputs("]}\n", report->out);
        result = report->line.failed ? -1 : 0;
    }
    page_texts_close(&functions);
    page_texts_close(&questions);
    return result;
}
