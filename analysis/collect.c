/* The collector: one finished call updates its function, its edge, its signature and the slowest calls. */
#include "collect.h"

#include "known.h"
#include "pairs.h"
#include "part.h"
#include "relatives.h"

#include <stdlib.h>
#include <string.h>

#define PART(name) extern const struct analysis_part part_##name;
#include "list.h"
#undef PART

static const struct analysis_part *const parts[] = {
#define PART(name) &part_##name,
#include "list.h"
#undef PART
};

/* A part that is shown calls. */
struct adder {
    int (*add)(struct analysis *analysis, void *part, const struct analysis_call *call);
    void *part;
};

struct analysis_state {
    struct adder adders[ANALYSIS_PARTS];
    unsigned adder_count;
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
    struct perftrace_buffer scratch;
    bool selects; /* not all calls count */
    struct analysis_selector selector;
    uint64_t first_ns, placed_ns; /* first moment of this input; what analysis_place told */
};

bool analysis_call_before(struct analysis_call_id a, struct analysis_call_id b) {
    return a.input != b.input ? a.input < b.input : a.number < b.number;
}

static int open_parts(struct analysis *analysis) {
    for (unsigned i = 0; i < ANALYSIS_PARTS; i++) {
        analysis->parts[i] = calloc(1, parts[i]->state_bytes);
        if (analysis->parts[i] == NULL ||
            (parts[i]->open != NULL && parts[i]->open(analysis, analysis->parts[i]) != 0))
            return -PERFTRACE_ERROR_MEMORY;
        if (parts[i]->add != NULL)
            analysis->state->adders[analysis->state->adder_count++] =
                (struct adder){parts[i]->add, analysis->parts[i]};
    }
    return 0;
}

struct analysis *analysis_open(const struct analysis_options *options) {
    struct analysis *analysis = calloc(1, sizeof *analysis);
    if (analysis == NULL)
        return NULL;
    analysis->options = *options;
    analysis->budget.max = options->memory_max != 0 ? options->memory_max : SIZE_MAX;
    analysis->open.budget = &analysis->budget;
    analysis->state = calloc(1, sizeof *analysis->state);
    if (analysis->state != NULL) {
        analysis->state->selector.wanted = options->selection;
        analysis->state->selects = !analysis_selects_all(&options->selection);
    }
    if (analysis->state == NULL || open_parts(analysis) != 0) {
        analysis_close(analysis);
        return NULL;
    }
    return analysis;
}

static void close_parts(struct analysis *analysis) {
    for (unsigned i = 0; i < ANALYSIS_PARTS; i++) {
        if (analysis->parts[i] != NULL && parts[i]->close != NULL)
            parts[i]->close(analysis->parts[i]);
        free(analysis->parts[i]);
    }
}

static void free_state(struct analysis_state *state) {
    if (state == NULL)
        return;
    text_table_free(&state->names);
    text_table_free(&state->parameters);
    text_table_free(&state->texts);
    pair_table_free(&state->edges);
    pair_table_free(&state->signatures);
    perftrace_arena_free(&state->input_names);
    analysis_selector_free(&state->selector);
    known_free(&state->known);
    free(state->function_sites);
    free(state->site_functions);
    free(state->scratch.bytes);
    free(state);
}

void analysis_close(struct analysis *analysis) {
    if (analysis == NULL)
        return;
    close_parts(analysis);
    for (uint32_t i = 0; i < analysis->signature_count; i++)
        free(analysis->signatures[i].numbers);
    free(analysis->inputs);
    free(analysis->functions);
    free(analysis->edges);
    free(analysis->signatures);
    free(analysis->questions);
    free(analysis->parameters);
    open_calls_free(&analysis->open);
    free_state(analysis->state);
    free(analysis);
}

uint32_t analysis_unwanted(const struct analysis *analysis) {
    /* The first moment of an input, from which a selection's times count, may be that of any item. */
    if (analysis->state->selects)
        return 0;
    return ~(PERFTRACE_ITEM_BIT(PERFTRACE_ITEM_SPAN_END) | PERFTRACE_ITEM_BIT(PERFTRACE_ITEM_ASYNC_END));
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
    state->first_ns = UINT64_MAX;
    state->placed_ns = 0;
    known_clear(&state->known);
    state->known.budget = &analysis->budget;
    state->function_site_count = 0;
    return 0;
}

void analysis_place(struct analysis *analysis, uint64_t start_ns) {
    analysis->state->placed_ns = start_ns;
}

int analysis_end_input(struct analysis *analysis, const struct perftrace_trace_info *info, uint32_t threads) {
    struct analysis_input *input = &analysis->inputs[analysis->input_count - 1];
    input->finished = info->finished || !info->native;
    input->threads = threads;
    memcpy(input->boot_id, info->boot_id, sizeof input->boot_id);
    input->live = info->live;
    input->damaged = info->damaged;
    for (unsigned cause = 0; cause < PERFTRACE_LOSS_KINDS; cause++)
        analysis->lost[cause] += info->lost[cause];
    int result = 0;
    for (unsigned i = 0; i < ANALYSIS_PARTS && result == 0; i++)
        if (parts[i]->end_input != NULL)
            result = parts[i]->end_input(analysis, analysis->parts[i]);
    open_calls_clear(&analysis->open);
    return result;
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
        (struct analysis_function){.name = text_table_get(&state->names, function),
                                   .min_ns = UINT64_MAX,
                                   .unknown = name.length == 7 && memcmp(name.bytes, "unknown", 7) == 0};
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
    analysis->edges[edge] = (struct analysis_edge){.caller = caller, .function = function};
    analysis->edge_count++;
    return edge;
}

/* Its name and value by themselves, as pairs_add writes both. */
static int add_parameter(struct analysis *analysis, const struct perftrace_value *value) {
    struct analysis_state *state = analysis->state;
    if (array_reserve((void **)&analysis->parameters, analysis->parameter_count, &state->parameter_capacity,
                      sizeof *analysis->parameters) != 0)
        return -PERFTRACE_ERROR_MEMORY;
    state->scratch.length = 0;
    size_t name_length = pairs_add_one(&state->scratch, value);
    if (state->scratch.failed)
        return -PERFTRACE_ERROR_MEMORY;
    const char *bytes = state->scratch.bytes;
    struct analysis_parameter parameter = {
        .name = text_table_add(&state->texts, 0, bytes, name_length),
        .value = text_table_add(&state->texts, 0, bytes + name_length + 1,
                                state->scratch.length - name_length - 1),
    };
    if (parameter.name == INTERN_NONE || parameter.value == INTERN_NONE)
        return -PERFTRACE_ERROR_MEMORY;
    analysis->parameters[analysis->parameter_count++] = parameter;
    return 0;
}

static bool is_ignored(const struct analysis *analysis, const struct perftrace_value *parameter) {
    return analysis->options.ignored.count > 0 &&
           analysis_patterns_match(analysis->options.ignored, parameter->argument->name);
}

static uint32_t question_of(struct analysis *analysis, uint32_t function, const struct perftrace_call *call) {
    struct analysis_state *state = analysis->state;
    state->scratch.length = 0;
    for (size_t i = 0; i < call->parameter_count; i++) {
        if (is_ignored(analysis, &call->parameters[i]))
            continue;
        perftrace_buffer_add(&state->scratch, "|", 1);
        pairs_add_one(&state->scratch, &call->parameters[i]);
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
        .first_parameter = analysis->parameter_count,
    };
    struct analysis_question *made = &analysis->questions[analysis->question_count++];
    for (size_t i = 0; i < call->parameter_count; i++) {
        if (is_ignored(analysis, &call->parameters[i]))
            continue;
        if (add_parameter(analysis, &call->parameters[i]) != 0)
            return INTERN_NONE;
        made->parameter_count++;
    }
    return question;
}

static uint32_t signature_of(struct analysis *analysis, uint32_t question, uint32_t caller, uint32_t edge) {
    struct analysis_state *state = analysis->state;
    uint32_t signature = pair_table_add(&state->signatures, pair_key(question, caller));
    if (signature == INTERN_NONE || signature < analysis->signature_count)
        return signature;
    if (array_reserve((void **)&analysis->signatures, signature, &state->signature_capacity,
                      sizeof *analysis->signatures) != 0)
        return INTERN_NONE;
    struct analysis_question *asked = &analysis->questions[question];
    analysis->signatures[signature] = (struct analysis_signature){
        .question = question, .caller = caller, .edge = edge, .next = asked->first_signature};
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

static void add_to_function(struct analysis_function *function, const struct analysis_call *call) {
    uint64_t elapsed_ns = call->elapsed_ns;
    function->calls++;
    function->total_ns += elapsed_ns;
    function->self_ns += call->self_ns;
    function->min_ns = elapsed_ns < function->min_ns ? elapsed_ns : function->min_ns;
    function->max_ns = elapsed_ns > function->max_ns ? elapsed_ns : function->max_ns;
}

static uint32_t caller_of(struct analysis *analysis, const struct perftrace_call *call) {
    return call->parent_site != NULL ? function_of_site(analysis, call->parent_site)
                                     : function_of_name(analysis, call->caller);
}

/* Finds or makes all that the call belongs to. */
static int place_call(struct analysis *analysis, const struct perftrace_call *call,
                      struct analysis_call *placed) {
    placed->edge = edge_of(analysis, placed->caller, placed->function);
    placed->question = question_of(analysis, placed->function, call);
    if (placed->edge == INTERN_NONE || placed->question == INTERN_NONE)
        return -PERFTRACE_ERROR_MEMORY;
    placed->signature = signature_of(analysis, placed->question, placed->caller, placed->edge);
    return placed->signature != INTERN_NONE ? 0 : -PERFTRACE_ERROR_MEMORY;
}

static void add_to_input(struct analysis_input *input, const struct analysis_call *call) {
    input->calls++;
    if (call->start_ns == 0)
        return;
    uint64_t end_ns = call->start_ns + call->elapsed_ns;
    input->first_ns =
        input->first_ns == 0 || call->start_ns < input->first_ns ? call->start_ns : input->first_ns;
    input->last_ns = end_ns > input->last_ns ? end_ns : input->last_ns;
}

static int count_call(struct analysis *analysis, const struct analysis_call *call) {
    struct analysis_signature *signature = &analysis->signatures[call->signature];
    if (remember_number(signature, call->id) != 0)
        return -PERFTRACE_ERROR_MEMORY;
    signature->calls++;
    signature->total_ns += call->elapsed_ns;
    struct analysis_question *question = &analysis->questions[call->question];
    if (question->calls++ == 0 || analysis_call_before(call->id, question->first))
        question->first = call->id;
    analysis->edges[call->edge].calls++;
    analysis->edges[call->edge].total_ns += call->elapsed_ns;
    add_to_function(&analysis->functions[call->function], call);
    analysis->calls++;
    add_to_input(&analysis->inputs[analysis->input_count - 1], call);
    return 0;
}

/* 1: it counts. 0: it does not. */
static int select_call(struct analysis *analysis, const struct perftrace_call *call,
                       struct analysis_call *placed) {
    struct analysis_state *state = analysis->state;
    uint64_t start_ns = call->start_ns != 0 ? call->start_ns : state->placed_ns;
    uint64_t first_ns = call->start_ns != 0 ? state->first_ns : 0;
    int selected = analysis_select(&state->selector, call,
                                   &(struct analysis_candidate){
                                       .function = placed->function,
                                       .caller = placed->caller,
                                       .function_name = analysis->functions[placed->function].name,
                                       .caller_name = analysis->functions[placed->caller].name,
                                       .moment_ns = start_ns > first_ns ? start_ns - first_ns : 0,
                                   });
    if (selected == 0)
        analysis->left_out++;
    return selected;
}

/* The call, but for what it is one of. To be ended with end_call. */
static struct analysis_call start_call(struct analysis *analysis, const struct perftrace_call *call) {
    struct analysis_call placed = {
        .id = {call->number, analysis->input_count},
        .parent = call->parent_number,
        .slot = open_calls_take(&analysis->open, call->number),
        .parent_slot = OPEN_CALLS_NONE,
        .track = call->track->id,
        .start_ns = call->start_ns,
        .elapsed_ns = call->elapsed_ns,
        .milliseconds = call->milliseconds,
        .async = call->async,
        .parameter_count = call->parameter_count,
        .parameters = call->parameters,
        .metric_count = call->metric_count,
        .metrics = call->metrics,
    };
    return placed;
}

static void end_call(struct analysis *analysis, const struct analysis_call *placed) {
    open_calls_give(&analysis->open, placed->slot);
}

static int add_left_out(struct analysis *analysis, struct analysis_call *placed) {
    int result = 0;
    placed->question = placed->signature = placed->edge = INTERN_NONE;
    for (unsigned i = 0; i < ANALYSIS_PARTS && result == 0; i++)
        if (parts[i]->left_out != NULL)
            result = parts[i]->left_out(analysis, analysis->parts[i], placed);
    return result;
}

static int add_unfinished(struct analysis *analysis, struct analysis_call *placed) {
    analysis->unfinished++;
    analysis->functions[placed->function].unfinished++;
    return add_left_out(analysis, placed);
}

static int show_parts(struct analysis *analysis, const struct analysis_call *placed) {
    int result = count_call(analysis, placed);
    const struct analysis_state *state = analysis->state;
    for (unsigned i = 0; i < state->adder_count && result == 0; i++)
        result = state->adders[i].add(analysis, state->adders[i].part, placed);
    return result;
}

/* As what it is known, with its function known. */
static int place_and_show(struct analysis *analysis, const struct perftrace_call *call,
                          struct analysis_call *placed) {
    int selected = 1;
    placed->caller = caller_of(analysis, call);
    if (placed->caller == INTERN_NONE)
        return -PERFTRACE_ERROR_MEMORY;
    analysis_find_relatives(analysis, call, placed);
    if (analysis->state->selects)
        selected = select_call(analysis, call, placed);
    if (selected < 0)
        return selected;
    if (selected == 0)
        return add_left_out(analysis, placed);
    if (call->unfinished)
        return add_unfinished(analysis, placed);
    int result = place_call(analysis, call, placed);
    return result == 0 ? show_parts(analysis, placed) : result;
}

/* *signature: which it was of, or INTERN_NONE where it counts in none. */
static int add_call(struct analysis *analysis, const struct perftrace_call *call, uint32_t *signature) {
    struct analysis_call placed = start_call(analysis, call);
    placed.function = function_of_site(analysis, call->site);
    placed.signature = INTERN_NONE;
    int result =
        placed.function != INTERN_NONE ? place_and_show(analysis, call, &placed) : -PERFTRACE_ERROR_MEMORY;
    *signature = placed.signature;
    end_call(analysis, &placed);
    return result;
}

/* The first moment of an input: items come in order of time, about. */
static void look_at_time(struct analysis_state *state, const struct perftrace_item *item) {
    uint64_t ns = item->call != NULL ? item->call->start_ns : item->time_ns;
    if (ns != 0 && ns < state->first_ns)
        state->first_ns = ns;
}

int analysis_item(struct analysis *analysis, const struct perftrace_item *item) {
    if (analysis->state->selects)
        look_at_time(analysis->state, item);
    if (item->kind == PERFTRACE_ITEM_SPAN_END || item->kind == PERFTRACE_ITEM_ASYNC_END)
        return add_call(analysis, item->call, &(uint32_t){0});
    return 0;
}

bool analysis_needs_items(const struct analysis *analysis) {
    return analysis->state->selects || analysis->options.group_by.count > 0 ||
           analysis->options.invalidations.count > 0;
}

/* ---- brief calls ---------------------------------------------------------------------------------- */

/* Remembers a site for brief calls that do not name theirs. */
static int remember_site(struct analysis *analysis, uint32_t function,
                         const struct perftrace_site_info *site) {
    struct analysis_state *state = analysis->state;
    if (function >= state->function_site_count) {
        uint32_t wanted = analysis->function_count * 2;
        const struct perftrace_site_info **grown = realloc(state->function_sites, wanted * sizeof(*grown));
        if (grown == NULL)
            return -PERFTRACE_ERROR_MEMORY;
        state->function_sites = grown;
        while (state->function_site_count < wanted)
            state->function_sites[state->function_site_count++] = NULL;
    }
    state->function_sites[function] = site;
    return 0;
}

static int add_unknown(struct analysis *analysis, struct perftrace_reader *reader,
                       struct perftrace_call *call) {
    uint64_t key[2] = {call->key[0], call->key[1]};
    bool brief = call->brief;
    if (!perftrace_reader_fill(reader, call, NULL))
        return 0;
    uint32_t signature;
    int result = add_call(analysis, call, &signature);
    if (result != 0 || !brief || (key[0] | key[1]) == 0 || signature == INTERN_NONE ||
        memcmp(key, call->key, sizeof key) != 0)
        return result;
    known_add(&analysis->state->known, key, signature);
    return remember_site(analysis, analysis->questions[analysis->signatures[signature].question].function,
                         call->site);
}

static int add_known(struct analysis *analysis, struct perftrace_reader *reader, struct perftrace_call *call,
                     uint32_t number) {
    const struct analysis_signature *signature = &analysis->signatures[number];
    uint32_t function = analysis->questions[signature->question].function;
    const struct perftrace_site_info *site =
        call->site != NULL ? call->site : analysis->state->function_sites[function];
    if (!perftrace_reader_fill(reader, call, site))
        return 0;
    struct analysis_call placed = start_call(analysis, call);
    placed.parameter_count = 0; /* they are not filled in */
    placed.function = function;
    placed.caller = signature->caller;
    placed.question = signature->question;
    placed.signature = number;
    placed.edge = signature->edge;
    analysis_find_relatives(analysis, call, &placed);
    int result = show_parts(analysis, &placed);
    end_call(analysis, &placed);
    return result;
}

int analysis_calls(struct analysis *analysis, struct perftrace_reader *reader, struct perftrace_call *calls,
                   size_t count) {
    enum { AHEAD = 8 };
    const struct known *known = &analysis->state->known;
    int result = 0;
    for (size_t i = 0; i < count && result == 0; i++) {
        struct perftrace_call *call = &calls[i];
        if (i + AHEAD < count)
            known_prefetch(known, calls[i + AHEAD].key);
        uint32_t signature = call->brief && (call->key[0] | call->key[1]) != 0 && !call->unfinished
                                 ? known_find(known, call->key)
                                 : INTERN_NONE;
        result = signature == INTERN_NONE ? add_unknown(analysis, reader, call)
                                          : add_known(analysis, reader, call, signature);
    }
    return result;
}

int analysis_finish(struct analysis *analysis) {
    int result = 0;
    for (unsigned i = 0; i < ANALYSIS_PARTS && result == 0; i++)
        if (parts[i]->finish != NULL)
            result = parts[i]->finish(analysis, analysis->parts[i]);
    return result;
}

void analysis_approximations(const struct analysis *analysis, struct perftrace_buffer *text) {
    if (analysis->open.refused > 0) {
        perftrace_buffer_text(text, "Too many calls are open at once: parents of ");
        perftrace_buffer_unsigned(text, analysis->open.refused);
        perftrace_buffer_text(text, " calls are unknown.\n");
    }
    for (unsigned i = 0; i < ANALYSIS_PARTS; i++)
        if (parts[i]->approximated != NULL)
            parts[i]->approximated(analysis, analysis->parts[i], text);
}

struct perftrace_text analysis_text(const struct analysis *analysis, uint32_t text) {
    return text_table_get(&analysis->state->texts, text);
}
