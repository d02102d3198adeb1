/* The collector: one finished call updates its function, its edge, its signature and the slowest calls. */
#include "collect.h"

#include "pairs.h"

#include <stdlib.h>
#include <string.h>

struct analysis_state {
    struct text_table names;      /* the number of a name is its function's */
    struct text_table parameters; /* owner: function; the number is the question's */
    struct pair_table edges;      /* (caller, function) */
    struct pair_table signatures; /* (question, caller) */
    uint32_t *site_functions;     /* by site id of this input: function + 1, or 0 */
    uint32_t site_count;
    uint32_t input_capacity, function_capacity, edge_capacity, signature_capacity, question_capacity;
    uint32_t slowest_max;
    struct perftrace_arena input_names;
    struct perftrace_buffer scratch;
};

bool analysis_call_before(struct analysis_call_id a, struct analysis_call_id b) {
    return a.input != b.input ? a.input < b.input : a.number < b.number;
}

struct analysis *analysis_open(uint32_t slowest_max) {
    struct analysis *analysis = calloc(1, sizeof *analysis);
    struct analysis_state *state = calloc(1, sizeof *state);
    struct analysis_slow_call *slowest = calloc((size_t)slowest_max + 1, sizeof *slowest);
    if (analysis == NULL || state == NULL || slowest == NULL) {
        free(analysis);
        free(state);
        free(slowest);
        return NULL;
    }
    state->slowest_max = slowest_max;
    analysis->state = state;
    analysis->slowest = slowest;
    return analysis;
}

void analysis_close(struct analysis *analysis) {
    if (analysis == NULL)
        return;
    struct analysis_state *state = analysis->state;
    for (uint32_t i = 0; i < analysis->signature_count; i++)
        free(analysis->signatures[i].numbers);
    free(analysis->inputs);
    free(analysis->functions);
    free(analysis->edges);
    free(analysis->signatures);
    free(analysis->questions);
    free(analysis->slowest);
    text_table_free(&state->names);
    text_table_free(&state->parameters);
    pair_table_free(&state->edges);
    pair_table_free(&state->signatures);
    perftrace_arena_free(&state->input_names);
    free(state->site_functions);
    free(state->scratch.bytes);
    free(state);
    free(analysis);
}

int analysis_begin_input(struct analysis *analysis, const char *name) {
    struct analysis_state *state = analysis->state;
    if (array_reserve((void **)&analysis->inputs, analysis->input_count, &state->input_capacity,
                      sizeof *analysis->inputs) != 0)
        return -PERFTRACE_ERROR_MEMORY;
    struct perftrace_text copy;
    state->input_names.bytes_max = SIZE_MAX;
    if (!perftrace_arena_text(&state->input_names, name, strlen(name), &copy))
        return -PERFTRACE_ERROR_MEMORY;
    analysis->inputs[analysis->input_count++] = (struct analysis_input){.name = copy.bytes};
    if (state->site_count != 0)
        memset(state->site_functions, 0, state->site_count * sizeof *state->site_functions);
    return 0;
}

void analysis_end_input(struct analysis *analysis, const struct perftrace_trace_info *info,
                        uint32_t threads) {
    struct analysis_input *input = &analysis->inputs[analysis->input_count - 1];
    input->finished = info->finished || !info->native;
    input->threads = threads;
    input->live = info->live;
    input->damaged = info->damaged;
    for (unsigned cause = 0; cause < PERFTRACE_LOSS_KINDS; cause++)
        analysis->lost[cause] += info->lost[cause];
}

/* The function of a name, made if need be; INTERN_NONE without memory. */
static uint32_t function_of_name(struct analysis *analysis, struct perftrace_text name) {
    struct analysis_state *state = analysis->state;
    uint32_t function = text_table_add(&state->names, 0, name.bytes, name.length);
    if (function == INTERN_NONE || function < analysis->function_count)
        return function;
    if (array_reserve((void **)&analysis->functions, function, &state->function_capacity,
                      sizeof *analysis->functions) != 0)
        return INTERN_NONE;
    analysis->functions[function] =
        (struct analysis_function){.name = text_table_get(&state->names, function), .min_ns = UINT64_MAX};
    analysis->function_count++;
    return function;
}

/* As above for a site's name, which is hashed once an input. */
static uint32_t function_of_site(struct analysis *analysis, const struct perftrace_site_info *site) {
    struct analysis_state *state = analysis->state;
    if (site->id < state->site_count && state->site_functions[site->id] != 0)
        return state->site_functions[site->id] - 1;
    uint32_t function = function_of_name(analysis, site->name);
    if (site->id >= state->site_count) {
        uint32_t wanted = site->id < 512 ? 1024 : site->id * 2;
        uint32_t *grown = realloc(state->site_functions, wanted * sizeof *grown);
        if (grown == NULL)
            return INTERN_NONE;
        memset(grown + state->site_count, 0, (wanted - state->site_count) * sizeof *grown);
        state->site_functions = grown;
        state->site_count = wanted;
    }
    state->site_functions[site->id] = function + 1; /* INTERN_NONE becomes 0: not known */
    return function;
}

static uint32_t edge_of(struct analysis *analysis, uint32_t caller, uint32_t function) {
    uint32_t edge = pair_table_add(&analysis->state->edges, pair_key(caller, function));
    if (edge == INTERN_NONE || edge < analysis->edge_count)
        return edge;
    if (array_reserve((void **)&analysis->edges, edge, &analysis->state->edge_capacity,
                      sizeof *analysis->edges) != 0)
        return INTERN_NONE;
    analysis->edges[edge] = (struct analysis_edge){caller, function, 0};
    analysis->edge_count++;
    return edge;
}

static uint32_t question_of(struct analysis *analysis, uint32_t function, const struct perftrace_call *call) {
    struct analysis_state *state = analysis->state;
    state->scratch.length = 0;
    if (call->parameter_count > 0) {
        perftrace_buffer_add(&state->scratch, "|", 1);
        pairs_add(&state->scratch, call->parameters, call->parameter_count);
    }
    if (state->scratch.failed)
        return INTERN_NONE;
    const char *bytes = state->scratch.length == 0 ? "" : state->scratch.bytes;
    uint32_t question = text_table_add(&state->parameters, function, bytes, state->scratch.length);
    if (question == INTERN_NONE || question < analysis->question_count)
        return question;
    if (array_reserve((void **)&analysis->questions, question, &state->question_capacity,
                      sizeof *analysis->questions) != 0)
        return INTERN_NONE;
    analysis->questions[question] = (struct analysis_question){
        .function = function,
        .first_signature = INTERN_NONE,
        .parameters = text_table_get(&state->parameters, question),
    };
    analysis->question_count++;
    return question;
}

static uint32_t signature_of(struct analysis *analysis, uint32_t question, uint32_t caller) {
    struct analysis_state *state = analysis->state;
    uint32_t signature = pair_table_add(&state->signatures, pair_key(question, caller));
    if (signature == INTERN_NONE || signature < analysis->signature_count)
        return signature;
    if (array_reserve((void **)&analysis->signatures, signature, &state->signature_capacity,
                      sizeof *analysis->signatures) != 0)
        return INTERN_NONE;
    struct analysis_question *asked = &analysis->questions[question];
    analysis->signatures[signature] =
        (struct analysis_signature){.question = question, .caller = caller, .next = asked->first_signature};
    asked->first_signature = signature;
    asked->signatures++;
    analysis->signature_count++;
    return signature;
}

/* Remembers the smallest numbers. Calls come in the order of their ends, so a number may be out of order. */
static int remember_number(struct analysis_signature *signature, struct analysis_call_id id) {
    if (signature->calls == 0) {
        signature->first = id;
        return 0;
    }
    if (analysis_call_before(id, signature->first)) {
        struct analysis_call_id later = signature->first;
        signature->first = id;
        id = later;
    }
    uint32_t count = signature->number_count;
    bool full = count == ANALYSIS_NUMBERS_MAX - 1;
    if (full && !analysis_call_before(id, signature->numbers[count - 1]))
        return 0;
    if (!full && count == signature->number_capacity) {
        uint32_t wanted = count == 0 ? 3 : ANALYSIS_NUMBERS_MAX - 1;
        struct analysis_call_id *grown = realloc(signature->numbers, wanted * sizeof *grown);
        if (grown == NULL)
            return -PERFTRACE_ERROR_MEMORY;
        signature->numbers = grown;
        signature->number_capacity = wanted;
    }
    uint32_t at = full ? count - 1 : count;
    for (; at > 0 && analysis_call_before(id, signature->numbers[at - 1]); at--)
        signature->numbers[at] = signature->numbers[at - 1];
    signature->numbers[at] = id;
    signature->number_count += !full;
    return 0;
}

static bool slower(const struct analysis_slow_call *a, const struct analysis_slow_call *b) {
    return a->elapsed_ns != b->elapsed_ns ? a->elapsed_ns > b->elapsed_ns
                                          : analysis_call_before(a->id, b->id);
}

static void sift_down(struct analysis_slow_call *heap, uint32_t count, uint32_t at) {
    struct analysis_slow_call moving = heap[at];
    for (;;) {
        uint32_t child = 2 * at + 1;
        if (child + 1 < count && slower(&heap[child], &heap[child + 1]))
            child++;
        if (child >= count || !slower(&moving, &heap[child]))
            break;
        heap[at] = heap[child];
        at = child;
    }
    heap[at] = moving;
}

/* A heap whose root is the fastest of the slowest. */
static void remember_slow(struct analysis *analysis, const struct analysis_slow_call *call) {
    struct analysis_slow_call *heap = analysis->slowest;
    if (analysis->slowest_count == analysis->state->slowest_max) {
        if (analysis->slowest_count == 0 || !slower(call, &heap[0]))
            return;
        heap[0] = *call;
        sift_down(heap, analysis->slowest_count, 0);
        return;
    }
    uint32_t at = analysis->slowest_count++;
    for (; at > 0 && slower(&heap[(at - 1) / 2], call); at = (at - 1) / 2)
        heap[at] = heap[(at - 1) / 2];
    heap[at] = *call;
}

static void add_to_function(struct analysis_function *function, const struct perftrace_call *call) {
    uint64_t elapsed_ns = call->elapsed_ns;
    function->calls++;
    function->total_ns += elapsed_ns;
    function->self_ns += elapsed_ns > call->children_ns ? elapsed_ns - call->children_ns : 0;
    function->min_ns = elapsed_ns < function->min_ns ? elapsed_ns : function->min_ns;
    function->max_ns = elapsed_ns > function->max_ns ? elapsed_ns : function->max_ns;
}

static int add_call(struct analysis *analysis, const struct perftrace_call *call) {
    uint32_t function = function_of_site(analysis, call->site);
    if (function == INTERN_NONE)
        return -PERFTRACE_ERROR_MEMORY;
    if (call->unfinished) {
        analysis->unfinished++;
        analysis->functions[function].unfinished++;
        return 0;
    }
    uint32_t caller = call->parent_site != NULL ? function_of_site(analysis, call->parent_site)
                                                : function_of_name(analysis, call->caller);
    if (caller == INTERN_NONE)
        return -PERFTRACE_ERROR_MEMORY;
    uint32_t edge = edge_of(analysis, caller, function);
    uint32_t question = question_of(analysis, function, call);
    uint32_t signature = question == INTERN_NONE ? INTERN_NONE : signature_of(analysis, question, caller);
    if (edge == INTERN_NONE || signature == INTERN_NONE)
        return -PERFTRACE_ERROR_MEMORY;
    struct analysis_call_id id = {call->number, analysis->input_count};
    struct analysis_signature *signed_calls = &analysis->signatures[signature];
    if (remember_number(signed_calls, id) != 0)
        return -PERFTRACE_ERROR_MEMORY;
    signed_calls->calls++;
    signed_calls->total_ns += call->elapsed_ns;
    struct analysis_question *asked = &analysis->questions[question];
    if (asked->calls++ == 0 || analysis_call_before(id, asked->first))
        asked->first = id;
    analysis->edges[edge].calls++;
    add_to_function(&analysis->functions[function], call);
    remember_slow(analysis,
                  &(struct analysis_slow_call){id, call->elapsed_ns, signature, call->milliseconds});
    analysis->calls++;
    analysis->inputs[analysis->input_count - 1].calls++;
    return 0;
}

int analysis_item(struct analysis *analysis, const struct perftrace_item *item) {
    if (item->kind == PERFTRACE_ITEM_SPAN_END || item->kind == PERFTRACE_ITEM_ASYNC_END)
        return add_call(analysis, item->call);
    return 0;
}

static int compare_slow(const void *left, const void *right) {
    const struct analysis_slow_call *a = left, *b = right;
    return slower(b, a) - slower(a, b);
}

void analysis_finish(struct analysis *analysis) {
    qsort(analysis->slowest, analysis->slowest_count, sizeof *analysis->slowest, compare_slow);
}

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
