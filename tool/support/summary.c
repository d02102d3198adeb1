/* The five lines. */
#include "summary.h"

#include "../../analysis/rank.h"

#include <inttypes.h>
#include <stdlib.h>

void summary_print(const struct analysis *model, FILE *file) {
    struct perftrace_buffer text = {0};
    size_t functions;
    const struct analysis_function **ranked = rank_functions(model, RANK_CALLS, &functions);
    uint64_t lost = 0, threads = 0;
    for (uint32_t i = 0; i < model->input_count; i++)
        threads += model->inputs[i].threads;
    for (unsigned cause = 0; cause < PERFTRACE_LOSS_KINDS; cause++)
        lost += model->lost[cause];
    perftrace_buffer_print(&text, "  calls      %" PRIu64, model->calls);
    if (model->unfinished > 0)
        perftrace_buffer_print(&text, ", and unfinished %" PRIu64, model->unfinished);
    perftrace_buffer_print(&text, "\n  functions  %zu\n  threads    %" PRIu64 "\n  lost       %" PRIu64,
                           functions, threads, lost);
    perftrace_buffer_text(&text, "\n  top        ");
    if (functions > 0 && ranked != NULL) {
        perftrace_buffer_visible(&text, ranked[0]->name);
        perftrace_buffer_print(&text, ", %" PRIu64 " call%s", ranked[0]->calls,
                               ranked[0]->calls == 1 ? "" : "s");
    } else {
        perftrace_buffer_text(&text, "none");
    }
    perftrace_buffer_text(&text, "\n");
    if (!text.failed)
        fwrite(text.bytes, 1, text.length, file);
    free(text.bytes);
    free(ranked);
}
