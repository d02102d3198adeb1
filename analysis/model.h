/* The model's own: what a call is one of, by number, found or made. Shared by collect.c, brief.c and model.c only. */
#ifndef PERFTRACE_ANALYSIS_MODEL_H
#define PERFTRACE_ANALYSIS_MODEL_H

#include "admission.h"
#include "collect.h"
#include "known.h"
#include "rounds.h"

struct analysis_state {
    struct rounds *rounds;
    bool
        at_once; /* calls are shown to the parts one by one: they want parameters, or to go by what others have made of it */
    struct text_table names;      /* the number of a name is its function's */
    struct text_table parameters; /* owner: function; the number is the question's */
    struct text_table texts;      /* names and values of parameters */
    struct pair_table edges;      /* (caller, function) */
    struct pair_table signatures; /* (question, caller) */
    uint32_t *site_functions;     /* by site id of this input: function + 1, or 0 */
    uint32_t site_count;
    struct known known; /* calls of this input */
    const struct perftrace_site_info *
        *function_sites; /* by function: the last one of its name in this input, or NULL */
    uint32_t function_site_count;
    uint32_t input_capacity, function_capacity, edge_capacity, signature_capacity, question_capacity,
        parameter_capacity;
    struct perftrace_arena input_names;
    struct perftrace_arena numbers; /* of signatures */
    struct perftrace_buffer scratch;
    struct perftrace_budget budget; /* the model's: what it still needs can't be taken by the parts */
    struct admission admission;
    uint64_t without_edge, without_signature; /* calls */
    bool selects;                             /* not all calls count */
    struct analysis_selector selector;
    uint64_t first_ns, placed_ns; /* first moment of this input; what analysis_place told */
};

/* How many numbers a signature has room for that remembers so many: more are taken when these are used up. */
static inline uint32_t model_numbers_room(uint32_t count) {
    return count == 0 ? 0 : count <= 3 ? 3 : ANALYSIS_NUMBERS_MAX - 1;
}

/* The function of a site, and the caller's; INTERN_NONE without memory. */
uint32_t model_function_of(struct analysis *analysis, const struct perftrace_site_info *site);
uint32_t model_caller_of(struct analysis *analysis, const struct perftrace_call *call);

/* Finds or makes all that the call belongs to, its function and its caller being known. Where the budget does not allow for more of these, it
 * belongs to none: INTERN_NONE. 0, or -PERFTRACE_ERROR_MEMORY. */
int model_place(struct analysis *analysis, const struct perftrace_call *call, struct analysis_call *placed);

/* Adds a placed call to all that it belongs to, and says whether it is the first of its question. */
void model_count(struct analysis *analysis, struct analysis_call *call);
/* Once there are no more: what signatures add to functions, edges and questions. */
void model_finish(struct analysis *analysis);

/* Lines on what the budget did not allow for. */
void model_approximated(const struct analysis *analysis, struct perftrace_buffer *text);

void model_free(struct analysis *analysis);

/* In collect.c. The call, but for what it is one of, which is to be filled in; to be ended with analysis_call_end, in any case. */
struct analysis_call *analysis_call_start(struct analysis *analysis, const struct perftrace_call *call);
void analysis_call_end(struct analysis *analysis, uint32_t slot);
/* Counts a placed call and shows it to the parts, or has it wait for them. */
int analysis_call_show(struct analysis *analysis, struct analysis_call *placed);
/* A whole call. *signature: which it was of, or INTERN_NONE where it counts in none. */
int analysis_call_add(struct analysis *analysis, const struct perftrace_call *call, uint32_t *signature);

#endif
