/* The page's timelines: the calls around those that may be chosen, as one row of numbers each, with the texts that these refer to. */
#include "page.h"

#include "../../analysis/neighbourhood.h"

#include <inttypes.h>
#include <stdlib.h>

#define TEXT_MAX 600u /* bytes of a text: what is longer, nobody reads in a timeline */

/* Texts as they are referred to: `places[id]` is 1 + where text `id` stands in the list. */
struct texts {
    uint32_t *places;
    uint32_t *order; /* the ids in the order of the list */
    uint32_t count;
};

static bool texts_open(struct texts *texts, uint32_t ids, uint32_t most) {
    *texts = (struct texts){calloc((size_t)ids + 1, sizeof *texts->places),
                            malloc(((size_t)most + 1) * sizeof *texts->order), 0};
    return texts->places != NULL && texts->order != NULL;
}

static uint32_t texts_place(struct texts *texts, uint32_t id) {
    if (texts->places[id] == 0) {
        texts->order[texts->count++] = id;
        texts->places[id] = texts->count;
    }
    return texts->places[id] - 1;
}

static void texts_close(struct texts *texts) {
    free(texts->places);
    free(texts->order);
}

/* Too large for a double: as a string. */
static void put_number(FILE *out, uint64_t value) {
    fprintf(out, value > (UINT64_C(1) << 53) ? "\"%" PRIu64 "\"" : "%" PRIu64, value);
}

static void put_text(struct report *report, struct perftrace_text text) {
    report->line.length = 0;
    perftrace_buffer_json(&report->line, text, TEXT_MAX);
    if (!report->line.failed)
        fwrite(report->line.bytes, 1, report->line.length, report->out);
    report->line.length = 0;
}

static void put_calls(struct report *report, const struct analysis_neighbourhood *found,
                      struct texts *functions, struct texts *questions) {
    uint64_t base_ns = 0; /* the first start of an input */
    fputs("\"calls\": [", report->out);
    for (uint32_t i = 0; i < found->call_count; i++) {
        const struct analysis_neighbour *call = &found->calls[i];
        if (i == 0 || call->id.input != call[-1].id.input)
            base_ns = call->start_ns;
        fputs(i == 0 ? "\n[" : ",\n[", report->out);
        put_number(report->out, call->id.number);
        fprintf(report->out, ",%" PRIu32 ",", call->id.input);
        put_number(report->out, call->parent);
        fprintf(report->out, ",%" PRIu32 ",%" PRIu32 ",%" PRIu32 ",", texts_place(functions, call->function),
                texts_place(questions, call->question), call->track);
        put_number(report->out, call->start_ns - base_ns);
        fputc(',', report->out);
        put_number(report->out, call->elapsed_ns);
        fputs(call->made_up ? ",1]" : ",0]", report->out);
    }
    fputs("]", report->out);
}

int report_page_calls(struct report *report) {
    const struct analysis *model = report->model;
    const struct analysis_neighbourhood *found = analysis_neighbourhood(model);
    struct texts functions = {0}, questions = {0};
    int result = -1;
    if (texts_open(&functions, model->function_count, found->call_count) &&
        texts_open(&questions, model->question_count, found->call_count)) {
        fputs("{", report->out);
        put_calls(report, found, &functions, &questions);
        fputs(",\n\"functions\": [", report->out);
        for (uint32_t i = 0; i < functions.count; i++) {
            fputs(i == 0 ? "\n" : ",\n", report->out);
            put_text(report, model->functions[functions.order[i]].name);
        }
        fputs("],\n\"parameters\": [", report->out);
        for (uint32_t i = 0; i < questions.count; i++) {
            fputs(i == 0 ? "\n" : ",\n", report->out);
            put_text(report, model->questions[questions.order[i]].parameters);
        }
        fputs("],\n\"tracks\": [", report->out);
        for (uint32_t i = 0; i < found->track_count; i++)
            fprintf(report->out, "%s%" PRIu32, i == 0 ? "" : ",", found->tracks[i].id);
        fputs("]}\n", report->out);
        result = report->line.failed ? -1 : 0;
    }
    texts_close(&functions);
    texts_close(&questions);
    return result;
}
