/* The union of the inputs' times. */
#include "time_span.h"

#include "call_tree.h"

#include <stdlib.h>
#include <string.h>

static int compare(const void *left, const void *right) {
    const struct analysis_input *a = *(const struct analysis_input *const *)left;
    const struct analysis_input *b = *(const struct analysis_input *const *)right;
    int boots = memcmp(a->boot_id, b->boot_id, sizeof a->boot_id);
    return boots != 0 ? boots : (a->first_ns > b->first_ns) - (a->first_ns < b->first_ns);
}

uint64_t analysis_time_span(const struct analysis *analysis) {
    const struct analysis_input **inputs = malloc((analysis->input_count + 1) * sizeof(*inputs));
    uint64_t sum_ns = 0, span_ns = 0, end_ns = 0;
    size_t count = 0;
    for (uint32_t i = 0; i < analysis->input_count; i++) {
        const struct analysis_input *input = &analysis->inputs[i];
        if (input->last_ns == 0)
            continue;
        sum_ns += input->last_ns - input->first_ns;
        if (inputs != NULL)
            inputs[count++] = input;
    }
    if (inputs == NULL)
        return sum_ns;
    qsort(inputs, count, sizeof(*inputs), compare);
    for (size_t i = 0; i < count; i++) {
        bool same_clock =
            i > 0 && memcmp(inputs[i]->boot_id, inputs[i - 1]->boot_id, sizeof inputs[i]->boot_id) == 0;
        uint64_t from_ns = same_clock && end_ns > inputs[i]->first_ns ? end_ns : inputs[i]->first_ns;
        if (!same_clock)
            end_ns = 0;
        if (inputs[i]->last_ns > from_ns)
            span_ns += inputs[i]->last_ns - from_ns;
        end_ns = inputs[i]->last_ns > end_ns ? inputs[i]->last_ns : end_ns;
    }
    free(inputs);
    return span_ns;
}

uint64_t analysis_whole_ns(const struct analysis *analysis) {
    uint64_t span_ns = analysis_time_span(analysis);
    return span_ns != 0 ? span_ns : analysis_call_tree(analysis).nodes[0].total_ns;
}
