/* The five lines. */
#include "summary.h"

#include "../../analysis/rank.h"

#include <stdlib.h>

static void add_count(struct perftrace_buffer *text, const char *label, uint64_t count) {
    perftrace_buffer_text(text, label);
    perftrace_buffer_unsigned(text, count);
}

void summary_print(const struct analysis *model, FILE *file) {
    struct perftrace_buffer text = {0};
    size_t functions;
    const struct analysis_function **ranked = rank_functions(model, RANK_CALLS, &functions);
    uint64_t lost = 0, threads = 0;
    for (uint32_t i = 0; i < model->input_count; i++)
        threads += model->inputs[i].threads;
    for (unsigned cause = 0; cause < PERFTRACE_LOSS_KINDS; cause++)
        lost += model->lost[cause];
    add_count(&text, "  calls      ", model->calls);
    if (model->unfinished > 0)
        add_count(&text, ", and unfinished ", model->unfinished);
    add_count(&text, "\n  functions  ", functions);
    add_count(&text, "\n  threads    ", threads);
    add_count(&text, "\n  lost       ", lost);
    perftrace_buffer_text(&text, "\n  top        ");
    if (functions > 0 && ranked != NULL) {
        perftrace_buffer_visible(&text, ranked[0]->name);
        add_count(&text, ", ", ranked[0]->calls);
        perftrace_buffer_text(&text, ranked[0]->calls == 1 ? " call" : " calls");
    } else {
        perftrace_buffer_text(&text, "none");
    }
    perftrace_buffer_text(&text, "\n");
    if (!text.failed)
        fwrite(text.bytes, 1, text.length, file);
    free(text.bytes);
    free(ranked);
}
