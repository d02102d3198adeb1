/* The model's own: what a call is one of, by number, found or made. Shared by collect.c, brief.c and model.c only. */
#ifndef PERFTRACE_ANALYSIS_MODEL_H
#define PERFTRACE_ANALYSIS_MODEL_H

#include "admission.h"
#include "collect.h"
#include "known.h"
#include "rounds.h"
#include "validity.h"

/* Of a pair in a text: the bytes of the name, and of all; and the argument, with the number of its name, or INTERN_NONE. */
struct pair_bounds {
    size_t name_length, length;
    const struct perftrace_argument_info *argument;
    uint32_t name;
};

/* An argument of this input whose name is among the texts, in the place that its address gives it. */
struct known_name {
    const struct perftrace_argument_info *argument; /* NULL: none */
    uint32_t name;
};
enum { MODEL_KNOWN_NAMES = 64 };

struct analysis_state {
    struct rounds *rounds;
    /* Calls are shown to the parts one by one: they want parameters, or to go by what others have made of it. */
    bool at_once;
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
    struct pair_bounds *pairs; /* in it: of the call that is being placed */
    uint32_t pair_count, pair_capacity;
    struct known_name known_names[MODEL_KNOWN_NAMES];
    struct perftrace_budget budget; /* the model's: what it still needs can't be taken by the parts */
    struct admission admission;
    uint64_t without_edge, without_signature; /* calls */
    struct validity validity;
    bool selects; /* not all calls count */
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

void model_remember_number(struct analysis *analysis, struct analysis_signature *signature,
                           struct analysis_call_id id);

/* Whether all the numbers that a signature remembers are smaller, and as many as it may. Calls come input by input. */
static inline bool model_is_late(const struct analysis_signature *signature, struct analysis_call_id id) {
    return signature->number_count == ANALYSIS_NUMBERS_MAX - 1 &&
           (signature->last_input != (uint16_t)id.input || id.number >= signature->last_number);
}

/* What calls add to their input. Of many it is gathered first. */
struct model_tally {
    uint64_t calls, first_ns, last_ns;
};
#define MODEL_TALLY_NONE ((struct model_tally){.first_ns = UINT64_MAX})

static inline void model_tally(struct model_tally *tally, const struct analysis_call *call) {
    uint64_t end_ns = call->start_ns + call->elapsed_ns;
    tally->calls++;
    if (call->start_ns == 0)
        return;
    if (call->start_ns < tally->first_ns)
        tally->first_ns = call->start_ns;
    if (end_ns > tally->last_ns)
        tally->last_ns = end_ns;
}

void model_add_tally(struct analysis *analysis, const struct model_tally *tally);

/* What calls add to their function, but for what is added up from signatures at the end. */
static inline void model_count_function(struct analysis_function *function,
                                        const struct analysis_call *call) {
    uint64_t elapsed_ns = call->elapsed_ns;
    function->self_ns += call->self_ns;
    if (elapsed_ns < function->min_ns)
        function->min_ns = elapsed_ns;
    if (elapsed_ns > function->max_ns)
        function->max_ns = elapsed_ns;
}

/* Adds a placed call to its signature, and says whether it is the first of its question. */
static inline void model_count_signature(struct analysis *analysis, struct analysis_signature *signature,
                                         struct analysis_call *call) {
    call->asks = signature->asks;
    if (!model_is_late(signature, call->id)) {
        call->first_asked = signature->calls == 0 && analysis->questions[call->question].signatures == 1;
        model_remember_number(analysis, signature, call->id);
    }
    signature->calls++;
    signature->total_ns += call->elapsed_ns;
}

/* Adds a placed call to all that it belongs to. */
void model_count(struct analysis *analysis, struct analysis_call *call);
/* Once there are no more: what signatures add to functions, edges and questions. */
void model_finish(struct analysis *analysis);

/* Lines on what the budget did not allow for. */
void model_approximated(const struct analysis *analysis, struct perftrace_buffer *text);

void model_free(struct analysis *analysis);

/* In collect.c. A whole call. *signature: which it was of, or INTERN_NONE where it counts in none. */
int analysis_call_add(struct analysis *analysis, const struct perftrace_call *call, uint32_t *signature);

#endif
