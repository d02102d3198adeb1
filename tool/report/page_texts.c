/* Texts and numbers of the page's own data. */
#include "page_texts.h"

#include <inttypes.h>
#include <stdlib.h>

#define TEXT_MAX 600u /* bytes */

bool page_texts_open(struct page_texts *texts, uint32_t numbers, uint32_t most) {
    texts->places = calloc((size_t)numbers + 1, sizeof *texts->places);
    texts->order = malloc(((size_t)most + 1) * sizeof *texts->order);
    texts->count = 0;
    return texts->places != NULL && texts->order != NULL;
}

void page_texts_close(struct page_texts *texts) {
    free(texts->places);
    free(texts->order);
}

uint32_t page_texts_place(struct page_texts *texts, uint32_t number) {
    if (texts->places[number] == 0) {
        texts->order[texts->count++] = number;
        texts->places[number] = texts->count;
    }
    return texts->places[number] - 1;
}

void page_row(FILE *out, const uint64_t *values, size_t count) {
    for (size_t i = 0; i < count; i++) {
        fputc(i == 0 ? '[' : ',', out);
        fprintf(out, values[i] > (UINT64_C(1) << 53) ? "\"%" PRIu64 "\"" : "%" PRIu64, values[i]);
    }
    fputc(']', out);
}

void page_text(struct report *report, struct perftrace_text text) {
    report->line.length = 0;
    perftrace_buffer_json(&report->line, text, TEXT_MAX);
    if (!report->line.failed)
        fwrite(report->line.bytes, 1, report->line.length, report->out);
    report->line.length = 0;
}

void page_function_names(struct report *report, const struct page_texts *functions) {
    fputc('[', report->out);
    for (uint32_t i = 0; i < functions->count; i++) {
        fputs(i == 0 ? "\n" : ",\n", report->out);
        page_text(report, report->model->functions[functions->order[i]].name);
    }
    fputc(']', report->out);
}

void page_question_parameters(struct report *report, const struct page_texts *questions) {
    fputc('[', report->out);
    for (uint32_t i = 0; i < questions->count; i++) {
        fputs(i == 0 ? "\n" : ",\n", report->out);
        page_text(report, report->model->questions[questions->order[i]].parameters);
    }
    fputc(']', report->out);
}
