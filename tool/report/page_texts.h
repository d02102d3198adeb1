/* The texts that the page's rows of numbers refer to: each is on the page once. */
#ifndef PERFTRACE_TOOL_PAGE_TEXTS_H
#define PERFTRACE_TOOL_PAGE_TEXTS_H

#include "report.h"

/* Numbers of the model, in the order in which they were first referred to. */
struct page_texts {
    uint32_t *places; /* of each number: 1 + its place in `order`, or 0 */
    uint32_t *order;
    uint32_t count;
};

/* Of numbers below `numbers`, at most `most` different ones. False without memory; page_texts_close in any case. */
bool page_texts_open(struct page_texts *texts, uint32_t numbers, uint32_t most);
void page_texts_close(struct page_texts *texts);
uint32_t page_texts_place(struct page_texts *texts, uint32_t number);

/* To report->out, as JSON: an array of the functions' names, or of the questions' parameters; a text, cut where nobody would read
 * on; numbers, which are strings where they are too large for a double. */
void page_function_names(struct report *report, const struct page_texts *functions);
void page_question_parameters(struct report *report, const struct page_texts *questions);
void page_text(struct report *report, struct perftrace_text text);
void page_row(FILE *out, const uint64_t *values, size_t count);

#endif
