/* Signatures and questions as texts. */
#include "collect.h"

void analysis_signature_text(const struct analysis *analysis, const struct analysis_signature *signature,
                             struct perftrace_buffer *buffer) {
    const struct analysis_question *question = &analysis->questions[signature->question];
    perftrace_buffer_field(buffer, analysis->functions[question->function].name);
    perftrace_buffer_text(buffer, "|caller=");
    perftrace_buffer_field(buffer, analysis->functions[signature->caller].name);
    perftrace_buffer_add(buffer, question->parameters.bytes, question->parameters.length);
}

void analysis_question_text(const struct analysis *analysis, const struct analysis_question *question,
                            struct perftrace_buffer *buffer) {
    perftrace_buffer_field(buffer, analysis->functions[question->function].name);
    perftrace_buffer_add(buffer, question->parameters.bytes, question->parameters.length);
}
