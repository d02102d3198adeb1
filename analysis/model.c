/* Functions, edges, questions and signatures: found or made for each call, and added to. */
#include "model.h"

#include "large.h"
#include "pairs.h"
#include "slowest.h"

#include <stdlib.h>
#include <string.h>

_Static_assert(sizeof(struct analysis_signature) == 64, "in one line of the cache");

/* What one more takes, with its share of tables (which double) and of what ranking it in reports takes. */
enum {
    TABLE_BYTES = 16,
    TEXT_BYTES = sizeof(struct text_entry) + TABLE_BYTES + 16,
    RANK_BYTES = 16,
    EDGE_BYTES = sizeof(struct analysis_edge) + sizeof(uint64_t) + TABLE_BYTES + RANK_BYTES,
    QUESTION_BYTES = sizeof(struct analysis_question) + TEXT_BYTES + RANK_BYTES,
    PARAMETER_BYTES = sizeof(struct analysis_parameter),
    SIGNATURE_BYTES = sizeof(struct analysis_signature) + sizeof(uint64_t) + TABLE_BYTES + RANK_BYTES,
};

/* ---- functions ------------------------------------------------------------------------------------ */

/* Readers limit how many names there are: they are taken as they come. INTERN_NONE without memory. */
static uint32_t function_of_name(struct analysis *analysis, struct perftrace_text name) {
    struct analysis_state *state = analysis->state;
    uint32_t function = text_table_add(&state->names, 0, name.bytes, name.length);
    if (function == INTERN_NONE || function < analysis->function_count)
        return function;
    if (array_reserve((void **)&analysis->functions, function, &state->function_capacity,
                      sizeof *analysis->functions) != 0)
        return INTERN_NONE;
    size_t bytes = sizeof *analysis->functions + TEXT_BYTES + name.length,
           left = analysis->state->budget.max - analysis->state->budget.used;
    perftrace_budget_take(&analysis->state->budget, bytes < left ? bytes : left);
    analysis->functions[function] =
        (struct analysis_function){.name = text_table_get(&state->names, function),
                                   .min_ns = UINT64_MAX,
                                   .unknown = name.length == 7 && memcmp(name.bytes, "unknown", 7) == 0};
    analysis->function_count++;
    return function;
}

/* As above for a site's name, which is hashed once an input. */
uint32_t model_function_of(struct analysis *analysis, const struct perftrace_site_info *site) {
    struct analysis_state *state = analysis->state;
    if (site->id < state->site_count && state->site_functions[site->id] != 0)
        return state->site_functions[site->id] - 1;
    uint32_t function = function_of_name(analysis, site->name);
    if (site->id >= state->site_count &&
        !array_grow_zeros(NULL, (void **)&state->site_functions, &state->site_count,
                          site->id < 512 ? 1024 : site->id * 2, sizeof *state->site_functions))
        return INTERN_NONE;
    state->site_functions[site->id] = function + 1; /* INTERN_NONE becomes 0: not known */
    return function;
}

uint32_t model_caller_of(struct analysis *analysis, const struct perftrace_call *call) {
    return call->parent_site != NULL ? model_function_of(analysis, call->parent_site)
                                     : function_of_name(analysis, call->caller);
}

/* ---- edges ---------------------------------------------------------------------------------------- */

static int edge_of(struct analysis *analysis, uint32_t caller, uint32_t function, uint32_t *edge) {
    struct analysis_state *state = analysis->state;
    uint64_t key = pair_key(caller, function);
    *edge = pair_table_find(&state->edges, key);
    if (*edge != INTERN_NONE || !perftrace_budget_take(&analysis->state->budget, EDGE_BYTES))
        return 0;
    if (array_reserve((void **)&analysis->edges, analysis->edge_count, &state->edge_capacity,
                      sizeof *analysis->edges) != 0)
        return -PERFTRACE_ERROR_MEMORY;
    *edge = pair_table_add(&state->edges, key);
    if (*edge == INTERN_NONE)
        return -PERFTRACE_ERROR_MEMORY;
    analysis->edges[analysis->edge_count++] = (struct analysis_edge){.caller = caller, .function = function};
    return 0;
}

/* ---- questions ------------------------------------------------------------------------------------ */

static bool is_ignored(const struct analysis *analysis, const struct perftrace_value *parameter) {
    return analysis->options.ignored.count > 0 &&
           analysis_patterns_match(analysis->options.ignored, parameter->argument->name);
}

/* The number of a name or value, whose bytes are counted. */
static uint32_t text_of(struct analysis *analysis, const char *bytes, size_t length) {
    struct analysis_state *state = analysis->state;
    uint32_t before = state->texts.count, text = text_table_add(&state->texts, 0, bytes, length);
    size_t taken = TEXT_BYTES + length, left = analysis->state->budget.max - analysis->state->budget.used;
    if (state->texts.count > before)
        perftrace_budget_take(&analysis->state->budget, taken < left ? taken : left);
    return text;
}

static struct known_name *known_name_of(struct analysis_state *state,
                                        const struct perftrace_argument_info *argument) {
    uint64_t mixed = (uintptr_t)argument * UINT64_C(0x9e3779b97f4a7c15);
    return &state->known_names[mixed >> 32 & (MODEL_KNOWN_NAMES - 1)];
}

/* A name and a value, as they stand in the text of their question. */
static int add_parameter(struct analysis *analysis, const char *pair, struct pair_bounds bounds) {
    struct analysis_state *state = analysis->state;
    if (array_reserve((void **)&analysis->parameters, analysis->parameter_count, &state->parameter_capacity,
                      sizeof *analysis->parameters) != 0)
        return -PERFTRACE_ERROR_MEMORY;
    struct analysis_parameter parameter = {
        .name = bounds.name != INTERN_NONE ? bounds.name : text_of(analysis, pair, bounds.name_length),
        .value = text_of(analysis, pair + bounds.name_length + 1, bounds.length - bounds.name_length - 1),
    };
    if (parameter.name == INTERN_NONE || parameter.value == INTERN_NONE)
        return -PERFTRACE_ERROR_MEMORY;
    *known_name_of(state, bounds.argument) = (struct known_name){bounds.argument, parameter.name};
    analysis->parameters[analysis->parameter_count++] = parameter;
    return 0;
}

/* The question whose text, `|` and a pair for each parameter, is the newest of state->parameters. */
static int make_question(struct analysis *analysis, uint32_t function) {
    struct analysis_state *state = analysis->state;
    uint32_t question = analysis->question_count;
    if (large_reserve((void **)&analysis->questions, question, &state->question_capacity,
                      sizeof *analysis->questions) != 0)
        return -PERFTRACE_ERROR_MEMORY;
    struct perftrace_text text = text_table_get(&state->parameters, question);
    analysis->questions[question] = (struct analysis_question){
        .function = function,
        .first_signature = INTERN_NONE,
        .parameters = text,
        .first_parameter = analysis->parameter_count,
        .parameter_count = state->pair_count,
    };
    analysis->question_count++;
    const char *pair = text.bytes;
    for (uint32_t i = 0; i < state->pair_count; i++) {
        if (add_parameter(analysis, pair + 1, state->pairs[i]) != 0)
            return -PERFTRACE_ERROR_MEMORY;
        pair += 1 + state->pairs[i].length;
    }
    return 0;
}

/* Whether it is one of the slowest calls so far, which are always known by their signatures. */
static bool is_slow(struct analysis *analysis, const struct analysis_call *placed) {
    return rounds_finish(analysis->state->rounds) != 0 ||
           analysis_slowest_keeps(analysis, placed->id, placed->elapsed_ns);
}

/* Whether a question that is not kept yet is to be. */
static bool is_wanted(struct analysis *analysis, const struct analysis_call *placed, uint64_t hash,
                      size_t length, size_t parameter_count) {
    struct perftrace_budget *budget = &analysis->state->budget;
    size_t bytes = QUESTION_BYTES + length + parameter_count * PARAMETER_BYTES;
    bool wanted = admission_ask(&analysis->state->admission, budget, hash);
    if (wanted && perftrace_budget_take(budget, bytes))
        return true;
    return is_slow(analysis, placed);
}

/* Writes the parameters that are part of questions, and notes where. */
static int write_pairs(struct analysis *analysis, const struct perftrace_call *call) {
    struct analysis_state *state = analysis->state;
    struct perftrace_buffer *text = &state->scratch;
    text->length = 0;
    state->pair_count = 0;
    for (size_t i = 0; i < call->parameter_count; i++) {
        const struct perftrace_value *value = &call->parameters[i];
        if (is_ignored(analysis, value))
            continue;
        if (array_reserve((void **)&state->pairs, state->pair_count, &state->pair_capacity,
                          sizeof *state->pairs) != 0)
            return -PERFTRACE_ERROR_MEMORY;
        perftrace_buffer_add(text, "|", 1);
        size_t before = text->length;
        struct pair_bounds pair = {.argument = value->argument, .name = INTERN_NONE};
        const struct known_name *known = known_name_of(state, value->argument);
        if (known->argument == value->argument) {
            struct perftrace_text name = text_table_get(&state->texts, known->name);
            perftrace_buffer_add(text, name.bytes, name.length);
            pairs_add_value(text, value);
            pair.name = known->name;
            pair.name_length = name.length;
        } else {
            pair.name_length = pairs_add_one(text, value);
        }
        pair.length = text->length - before;
        state->pairs[state->pair_count++] = pair;
    }
    return text->failed ? -PERFTRACE_ERROR_MEMORY : 0;
}

static int question_of(struct analysis *analysis, const struct perftrace_call *call,
                       struct analysis_call *placed) {
    struct analysis_state *state = analysis->state;
    struct perftrace_buffer *text = &state->scratch;
    if (write_pairs(analysis, call) != 0)
        return -PERFTRACE_ERROR_MEMORY;
    const char *bytes = text->length == 0 ? "" : text->bytes;
    uint64_t hash;
    placed->question = text_table_find(&state->parameters, placed->function, bytes, text->length, &hash);
    if (placed->question != INTERN_NONE)
        return 0;
    if (!is_wanted(analysis, placed, hash, text->length, state->pair_count)) {
        placed->question_hash = state->pair_count > 0 ? hash : 0;
        return 0;
    }
    placed->question = text_table_add_new(&state->parameters, placed->function, bytes, text->length, hash);
    return placed->question != INTERN_NONE ? make_question(analysis, placed->function)
                                           : -PERFTRACE_ERROR_MEMORY;
}

/* ---- signatures ----------------------------------------------------------------------------------- */

static int signature_of(struct analysis *analysis, struct analysis_call *placed) {
    struct analysis_state *state = analysis->state;
    uint64_t key = pair_key(placed->question, placed->caller);
    placed->signature = pair_table_find(&state->signatures, key);
    if (placed->signature != INTERN_NONE)
        return 0;
    if (!perftrace_budget_take(&analysis->state->budget, SIGNATURE_BYTES) && !is_slow(analysis, placed)) {
        if (analysis->questions[placed->question].parameter_count > 0)
            placed->question_hash = analysis_question_hash(analysis, placed->question);
        placed->question = INTERN_NONE; /* all or nothing */
        return 0;
    }
    if (large_reserve((void **)&analysis->signatures, analysis->signature_count, &state->signature_capacity,
                      sizeof *analysis->signatures) != 0)
        return -PERFTRACE_ERROR_MEMORY;
    placed->signature = pair_table_add(&state->signatures, key);
    if (placed->signature == INTERN_NONE)
        return -PERFTRACE_ERROR_MEMORY;
    struct analysis_question *asked = &analysis->questions[placed->question];
    analysis->signatures[analysis->signature_count++] = (struct analysis_signature){
        .question = placed->question,
        .caller = placed->caller,
        .edge = placed->edge,
        .asks = asked->parameter_count > 0,
        .caller_unknown = placed->caller_unknown,
        .next = asked->first_signature,
    };
    asked->first_signature = placed->signature;
    asked->signatures++;
    return 0;
}

/* Room for more numbers of a signature that has as many as there was room for. False: there is none, and those that it has are all. */
static bool more_numbers(struct analysis *analysis, struct analysis_signature *signature) {
    uint32_t wanted = model_numbers_room(signature->number_count + 1u);
    struct perftrace_arena *arena = &analysis->state->numbers;
    arena->bytes_max = SIZE_MAX;
    arena->budget = &analysis->state->budget;
    struct analysis_call_id *numbers = perftrace_arena_take(arena, wanted * sizeof *numbers);
    if (numbers == NULL)
        return false;
    if (signature->number_count != 0)
        memcpy(numbers, signature->numbers, signature->number_count * sizeof *numbers);
    signature->numbers = numbers;
    return true;
}

static void remember_last(struct analysis_signature *signature, struct analysis_call_id id) {
    signature->last_number = id.number;
    signature->last_input = (uint16_t)id.input;
}

/* A number that is out of order, or for which there is no room yet. */
static void insert_number(struct analysis *analysis, struct analysis_signature *signature,
                          struct analysis_call_id id) {
    uint32_t count = signature->number_count;
    bool full = count == model_numbers_room(count);
    if (analysis_call_before(id, signature->first)) {
        struct analysis_call_id later = signature->first;
        signature->first = id;
        id = later;
    }
    if (full && count < ANALYSIS_NUMBERS_MAX - 1)
        full = !more_numbers(analysis, signature);
    if (full && (count == 0 || !analysis_call_before(id, signature->numbers[count - 1])))
        return;
    uint32_t at = full ? count - 1 : count;
    for (; at > 0 && analysis_call_before(id, signature->numbers[at - 1]); at--)
        signature->numbers[at] = signature->numbers[at - 1];
    signature->numbers[at] = id;
    signature->number_count = (uint8_t)(count + !full);
    remember_last(signature, signature->numbers[signature->number_count - 1]);
}

/* Remembers the smallest numbers. Calls come in the order of their ends, so a number may be out of order. The largest one that is
 * remembered stands beside the counts, so that a full list is looked at only where it changes. */
void model_remember_number(struct analysis *analysis, struct analysis_signature *signature,
                           struct analysis_call_id id) {
    uint32_t count = signature->number_count;
    if (signature->calls == 0) {
        signature->first = id;
    } else if (count != model_numbers_room(count) && signature->last_input == (uint16_t)id.input &&
               id.number > signature->last_number) {
        signature->numbers[count] = id;
        signature->number_count = (uint8_t)(count + 1);
        remember_last(signature, id);
    } else {
        insert_number(analysis, signature, id);
    }
}

/* ---- all together --------------------------------------------------------------------------------- */

int model_place(struct analysis *analysis, const struct perftrace_call *call, struct analysis_call *placed) {
    placed->signature = INTERN_NONE;
    int result = edge_of(analysis, placed->caller, placed->function, &placed->edge);
    if (result == 0)
        result = question_of(analysis, call, placed);
    if (result == 0 && placed->question != INTERN_NONE)
        result = signature_of(analysis, placed);
    return result;
}

static void add_calls(struct analysis *analysis, uint32_t function, uint32_t edge, uint64_t calls,
                      uint64_t total_ns) {
    analysis->functions[function].calls += calls;
    analysis->functions[function].total_ns += total_ns;
    if (edge != INTERN_NONE) {
        analysis->edges[edge].calls += calls;
        analysis->edges[edge].total_ns += total_ns;
    }
}

void model_add_tally(struct analysis *analysis, const struct model_tally *tally) {
    struct analysis_input *input = &analysis->inputs[analysis->input_count - 1];
    input->calls += tally->calls;
    analysis->calls += tally->calls;
    if (tally->last_ns == 0)
        return;
    input->first_ns =
        input->first_ns == 0 || tally->first_ns < input->first_ns ? tally->first_ns : input->first_ns;
    input->last_ns = tally->last_ns > input->last_ns ? tally->last_ns : input->last_ns;
}

void model_count(struct analysis *analysis, struct analysis_call *call) {
    struct model_tally tally = MODEL_TALLY_NONE;
    if (call->signature != INTERN_NONE) {
        model_count_signature(analysis, &analysis->signatures[call->signature], call);
    } else {
        analysis->state->without_signature++;
        add_calls(analysis, call->function, call->edge, 1, call->elapsed_ns);
    }
    analysis->state->without_edge += call->edge == INTERN_NONE;
    model_count_function(&analysis->functions[call->function], call);
    model_tally(&tally, call);
    model_add_tally(analysis, &tally);
}

void model_finish(struct analysis *analysis) {
    for (uint32_t i = 0; i < analysis->signature_count; i++) {
        const struct analysis_signature *signature = &analysis->signatures[i];
        struct analysis_question *question = &analysis->questions[signature->question];
        add_calls(analysis, question->function, signature->edge, signature->calls, signature->total_ns);
        if (question->calls == 0 || analysis_call_before(signature->first, question->first))
            question->first = signature->first;
        question->calls += signature->calls;
    }
}

static void add_count(struct perftrace_buffer *text, uint64_t count, const char *of) {
    perftrace_buffer_unsigned(text, count);
    perftrace_buffer_text(text, of);
    perftrace_buffer_text(text, count == 1 ? "" : "s");
}

void model_approximated(const struct analysis *analysis, struct perftrace_buffer *text) {
    const struct analysis_state *state = analysis->state;
    if (state->without_signature > 0) {
        add_count(text, state->without_signature, " call");
        perftrace_buffer_text(text, state->without_signature == 1 ? " counts" : " count");
        perftrace_buffer_text(
            text,
            " for functions and call patterns only, as their parameters were not kept: what is "
            "said of equal parameters may be too low by as many calls in all.\n");
    }
    if (state->without_edge > 0) {
        perftrace_buffer_text(text, "Call patterns leave out ");
        add_count(text, state->without_edge, " call");
        perftrace_buffer_text(text, ".\n");
    }
}

void model_free(struct analysis *analysis) {
    struct analysis_state *state = analysis->state;
    free(analysis->functions);
    free(analysis->edges);
    free(analysis->parameters);
    if (state == NULL)
        return;
    large_free(analysis->signatures, state->signature_capacity, sizeof *analysis->signatures);
    large_free(analysis->questions, state->question_capacity, sizeof *analysis->questions);
    text_table_free(&state->names);
    text_table_free(&state->parameters);
    text_table_free(&state->texts);
    pair_table_free(&state->edges);
    pair_table_free(&state->signatures);
    perftrace_arena_free(&state->input_names);
    perftrace_arena_free(&state->numbers);
    analysis_selector_free(&state->selector);
    known_free(&state->known);
    admission_free(&state->admission, &analysis->state->budget);
    free(state->function_sites);
    free(state->site_functions);
    free(state->scratch.bytes);
    free(state->pairs);
    free(state);
}
