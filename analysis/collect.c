/* The collector: one finished call updates its function, its edge, its signature and the slowest calls. */
#include "collect.h"

#include "model.h"
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

static int open_parts(struct analysis *analysis) {
    for (unsigned i = 0; i < ANALYSIS_PARTS; i++) {
        analysis->parts[i] = calloc(1, parts[i]->state_bytes);
        if (analysis->parts[i] == NULL ||
            (parts[i]->open != NULL && parts[i]->open(analysis, analysis->parts[i]) != 0))
            return -PERFTRACE_ERROR_MEMORY;
    }
    analysis->state->rounds = rounds_open(analysis);
    return analysis->state->rounds != NULL ? 0 : -PERFTRACE_ERROR_MEMORY;
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
        analysis->state->budget.max = analysis->budget.max;
        analysis->state->selector.wanted = options->selection;
        analysis->state->selects = !analysis_selects_all(&options->selection);
    }
    if (analysis->state == NULL || validity_open(&analysis->state->validity, options->invalidations) != 0 ||
        open_parts(analysis) != 0) {
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

size_t analysis_memory(const struct analysis *analysis) {
    return analysis->budget.used + analysis->state->budget.used;
}

void analysis_limit(struct analysis *analysis, size_t memory_max) {
    if (memory_max < analysis->budget.max)
        analysis->budget.max = analysis->state->budget.max = memory_max;
}

void analysis_close(struct analysis *analysis) {
    if (analysis == NULL)
        return;
    if (analysis->state != NULL) {
        rounds_close(analysis->state->rounds);
        validity_close(&analysis->state->validity);
    }
    close_parts(analysis);
    open_calls_free(&analysis->open);
    free(analysis->inputs);
    model_free(analysis);
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
    memset(state->known_names, 0, sizeof state->known_names); /* others will have their addresses */
    state->known.budget = &state->budget;
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
    int result = rounds_finish(analysis->state->rounds);
    for (unsigned i = 0; i < ANALYSIS_PARTS && result == 0; i++)
        if (parts[i]->end_input != NULL)
            result = parts[i]->end_input(analysis, analysis->parts[i]);
    open_calls_clear(&analysis->open);
    return result;
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

/* The call, but for what it is one of, which is to be filled in; its slot is to be given up, in any case. */
static struct analysis_call *start_call(struct analysis *analysis, const struct perftrace_call *call) {
    struct analysis_call *placed = rounds_next(analysis->state->rounds);
    *placed = (struct analysis_call){
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

static int add_left_out(struct analysis *analysis, struct analysis_call *placed) {
    placed->question = placed->signature = placed->edge = INTERN_NONE;
    validity_add(&analysis->state->validity, analysis, placed);
    return rounds_add(analysis->state->rounds, placed, ROUND_LEFT_OUT, analysis->state->at_once);
}

static int add_unfinished(struct analysis *analysis, struct analysis_call *placed) {
    analysis->unfinished++;
    analysis->functions[placed->function].unfinished++;
    return add_left_out(analysis, placed);
}

/* As what it is known, with its function known. */
static int place_and_show(struct analysis *analysis, const struct perftrace_call *call,
                          struct analysis_call *placed) {
    int selected = 1;
    placed->caller = model_caller_of(analysis, call);
    if (placed->caller == INTERN_NONE)
        return -PERFTRACE_ERROR_MEMORY;
    placed->caller_unknown = analysis->functions[placed->caller].unknown;
    analysis_find_relatives(analysis, call, placed);
    if (analysis->state->selects)
        selected = select_call(analysis, call, placed);
    if (selected < 0)
        return selected;
    if (selected == 0)
        return add_left_out(analysis, placed);
    if (call->unfinished)
        return add_unfinished(analysis, placed);
    int result = model_place(analysis, call, placed);
    if (result != 0)
        return result;
    model_count(analysis, placed);
    validity_add(&analysis->state->validity, analysis, placed);
    return rounds_add(analysis->state->rounds, placed,
                      placed->signature == INTERN_NONE ? ROUND_UNKEPT : ROUND_COUNTS,
                      analysis->state->at_once);
}

int analysis_call_add(struct analysis *analysis, const struct perftrace_call *call, uint32_t *signature) {
    struct analysis_call *placed = start_call(analysis, call);
    placed->function = model_function_of(analysis, call->site);
    placed->signature = INTERN_NONE;
    int result =
        placed->function != INTERN_NONE ? place_and_show(analysis, call, placed) : -PERFTRACE_ERROR_MEMORY;
    *signature = placed->signature;
    open_calls_give(&analysis->open, placed->slot);
    return result;
}

/* The first moment of an input: items come in order of time, about. A track's own item says nothing of when something happened. */
static void look_at_time(struct analysis_state *state, const struct perftrace_item *item) {
    if (item->kind == PERFTRACE_ITEM_TRACK)
        return;
    uint64_t ns = item->call != NULL ? item->call->start_ns : item->time_ns;
    if (ns != 0 && ns < state->first_ns)
        state->first_ns = ns;
}

int analysis_item(struct analysis *analysis, const struct perftrace_item *item) {
    if (analysis->state->selects)
        look_at_time(analysis->state, item);
    analysis->state->at_once = true;
    if (item->kind == PERFTRACE_ITEM_SPAN_END || item->kind == PERFTRACE_ITEM_ASYNC_END)
        return analysis_call_add(analysis, item->call, &(uint32_t){0});
    return 0;
}

bool analysis_needs_items(const struct analysis *analysis) {
    return analysis->state->selects || analysis->options.group_by.count > 0 ||
           analysis->options.invalidations.count > 0;
}

int analysis_finish(struct analysis *analysis) {
    int result = rounds_finish(analysis->state->rounds);
    model_finish(analysis);
    for (unsigned i = 0; i < ANALYSIS_PARTS && result == 0; i++)
        if (parts[i]->finish != NULL)
            result = parts[i]->finish(analysis, analysis->parts[i]);
    return result;
}

void analysis_approximations(const struct analysis *analysis, struct perftrace_buffer *text) {
    model_approximated(analysis, text);
    if (analysis->open.refused > 0) {
        perftrace_buffer_text(text, "Too many calls are open at once: parents of ");
        perftrace_buffer_unsigned(text, analysis->open.refused);
        perftrace_buffer_text(text, " calls are unknown.\n");
    }
    if (analysis->state->validity.coarse)
        perftrace_buffer_text(text, "Each write was taken to be about all that its rule is about.\n");
    if (analysis->open.exceeded > 0) {
        perftrace_buffer_unsigned(text, analysis->open.exceeded);
        perftrace_buffer_text(
            text,
            " times a call took less than the calls that give its number as their parent's: several programs "
            "seem to have written to one log, and which call is whose is not certain.\n");
    }
    for (unsigned i = 0; i < ANALYSIS_PARTS; i++)
        if (parts[i]->approximated != NULL)
            parts[i]->approximated(analysis, analysis->parts[i], text);
}

static uint64_t repeats(const struct validity_repeats *repeats, uint32_t capacity, size_t number) {
    return number < capacity ? repeats[number].calls : 0;
}

uint64_t analysis_repeats(const struct analysis *analysis, const struct analysis_signature *signature) {
    const struct validity *validity = &analysis->state->validity;
    if (validity->rules.count == 0 || !signature->asks)
        return signature->calls - 1;
    return repeats(validity->of_signature, validity->signature_capacity,
                   (size_t)(signature - analysis->signatures));
}

uint64_t analysis_repeats_of_others(const struct analysis *analysis,
                                    const struct analysis_question *question) {
    const struct validity *validity = &analysis->state->validity;
    if (validity->rules.count == 0)
        return question->signatures - 1;
    return repeats(validity->of_question, validity->question_capacity,
                   (size_t)(question - analysis->questions));
}

bool analysis_stands_still(const struct analysis *analysis) {
    return analysis->state->rounds->given == NULL;
}

uint64_t analysis_question_hash(const struct analysis *analysis, uint32_t question) {
    return analysis->state->parameters.entries[question].hash;
}

struct perftrace_text analysis_text(const struct analysis *analysis, uint32_t text) {
    return text_table_get(&analysis->state->texts, text);
}
