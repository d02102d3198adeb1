/* Calls in brief, many at once: what a call is one of is known by its key. The places in memory that calls need are brought near
 * before: most of the time would otherwise go into waiting for them. */
#include "model.h"
#include "relatives.h"

#include <string.h>

enum { BATCH = 64, NEAR_SIGNATURES = 1024 };

/* Remembers a site for brief calls that do not name theirs. */
static int remember_site(struct analysis *analysis, uint32_t function,
                         const struct perftrace_site_info *site) {
    struct analysis_state *state = analysis->state;
    if (function >= state->function_site_count &&
        !array_grow_zeros(NULL, (void **)&state->function_sites, &state->function_site_count,
                          analysis->function_count * 2, sizeof(*state->function_sites)))
        return -PERFTRACE_ERROR_MEMORY;
    state->function_sites[function] = site;
    return 0;
}

static bool has_key(const struct perftrace_call *call) {
    return (call->key[0] | call->key[1]) != 0 && !call->unfinished;
}

static int add_unknown(struct analysis *analysis, struct perftrace_reader *reader,
                       struct perftrace_call *call) {
    const uint64_t key[2] = {call->key[0], call->key[1]};
    bool keyed = has_key(call);
    if (!perftrace_reader_fill(reader, call, NULL))
        return 0;
    uint32_t signature;
    int result = analysis_call_add(analysis, call, &signature);
    if (result != 0 || !keyed || signature == INTERN_NONE || memcmp(key, call->key, sizeof key) != 0 ||
        known_find(&analysis->state->known, key) != INTERN_NONE)
        return result;
    uint32_t edge = analysis->signatures[signature].edge;
    if (edge == INTERN_NONE) /* one of the slowest calls, when there was no memory for more edges */
        return result;
    known_add(&analysis->state->known, key, signature);
    return remember_site(analysis, analysis->edges[edge].function, call->site);
}

static int add_known(struct analysis *analysis, struct perftrace_reader *reader, struct perftrace_call *call,
                     uint32_t number, struct model_tally *tally) {
    struct analysis_signature *signature = &analysis->signatures[number];
    uint32_t function = analysis->edges[signature->edge].function;
    if (call->brief && !call->key_tells_rest) {
        const uint64_t key[2] = {call->key[0], call->key[1]};
        if (!perftrace_reader_fill(
                reader, call, call->site != NULL ? call->site : analysis->state->function_sites[function]))
            return 0;
        if (memcmp(key, call->key, sizeof key) !=
            0) /* it was cut short: this is one that follows on its line */
            return analysis_call_add(analysis, call, &(uint32_t){0});
    }
    struct rounds *rounds = analysis->state->rounds;
    /* Every field by itself: to clear them all first would take as long again. */
    struct analysis_call *placed = rounds_next(rounds);
    placed->id = (struct analysis_call_id){call->number, analysis->input_count};
    placed->validity = 0; /* with rules of invalidation, calls come by items */
    placed->parent = call->parent_number;
    placed->function = function;
    placed->caller = signature->caller;
    placed->question = signature->question;
    placed->signature = number;
    placed->edge = signature->edge;
    placed->slot = open_calls_take(&analysis->open, call->number);
    placed->parent_slot = OPEN_CALLS_NONE;
    placed->parent_by_name = placed->first_asked = false;
    placed->caller_unknown = signature->caller_unknown;
    placed->track = call->track->id;
    placed->start_ns = call->start_ns;
    placed->elapsed_ns = call->elapsed_ns;
    placed->milliseconds = call->milliseconds;
    placed->async = call->async;
    placed->parameter_count = 0;
    placed->parameters = NULL;
    placed->metric_count = call->metric_count;
    placed->metrics = call->metrics;
    analysis_find_relatives(analysis, call, placed);
    model_count_signature(analysis, signature, placed);
    model_count_function(&analysis->functions[function], placed);
    model_tally(tally, placed);
    uint32_t slot = placed->slot;
    int result = rounds_join(rounds, placed, analysis->state->at_once);
    open_calls_give(&analysis->open, slot);
    return result;
}
/* Finds signatures by keys, and has what the calls will need brought near. Few signatures are near anyway. */
static void look_up(const struct analysis *analysis, const struct perftrace_call *calls, size_t count,
                    uint32_t *signatures) {
    const struct known *known = &analysis->state->known;
    const bool far = analysis->signature_count > NEAR_SIGNATURES;
    for (size_t i = 0; far && i < count; i++)
        known_prefetch(known, calls[i].key);
    for (size_t i = 0; i < count; i++) {
        signatures[i] = calls[i].unfinished ? INTERN_NONE : known_find(known, calls[i].key);
        if (far && signatures[i] != INTERN_NONE)
            __builtin_prefetch(&analysis->signatures[signatures[i]], 1);
    }
    for (size_t i = 0; far && i < count; i++) {
        if (signatures[i] == INTERN_NONE)
            continue;
        const struct analysis_signature *signature = &analysis->signatures[signatures[i]];
        if (signature->number_count != ANALYSIS_NUMBERS_MAX - 1 &&
            signature->number_count != model_numbers_room(signature->number_count))
            __builtin_prefetch(&signature->numbers[signature->number_count], 1);
    }
}

/* As many calls at a time as memory can be brought near for. */
static int add_some(struct analysis *analysis, struct perftrace_reader *reader, struct perftrace_call *calls,
                    size_t count) {
    struct model_tally tally = MODEL_TALLY_NONE;
    uint32_t signatures[BATCH];
    look_up(analysis, calls, count, signatures);
    int result = 0;
    for (size_t i = 0; i < count && result == 0; i++) {
        /* What was not known before may have been one of these. */
        if (signatures[i] == INTERN_NONE && !calls[i].unfinished)
            signatures[i] = known_find(&analysis->state->known, calls[i].key);
        result = signatures[i] == INTERN_NONE ? add_unknown(analysis, reader, &calls[i])
                                              : add_known(analysis, reader, &calls[i], signatures[i], &tally);
    }
    model_add_tally(analysis, &tally);
    return result;
}

int analysis_calls(struct analysis *analysis, struct perftrace_reader *reader, struct perftrace_call *calls,
                   size_t count) {
    int result = 0;
    /* What a trace tells of its calls is found so fast that handing them to another processor costs as much as is gained. */
    rounds_share(analysis->state->rounds, !perftrace_reader_info(reader)->native);
    /* Names of parameters that are left out are told from the parameters themselves. */
    analysis->state->at_once = analysis->options.ignored.count > 0;
    while (count > 0 && result == 0) {
        size_t now = count < BATCH ? count : BATCH;
        result = add_some(analysis, reader, calls, now);
        calls += now;
        count -= now;
    }
    return result;
}
