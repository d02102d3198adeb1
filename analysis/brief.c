/* Calls in brief, many at once: what a call is one of is known by its key. The places in memory that calls need are brought near
 * some calls before: most of the time would otherwise go into waiting for them. */
#include "model.h"
#include "relatives.h"

#include <stdlib.h>
#include <string.h>

enum { BATCH = 64, SLOTS_AHEAD = 16, SIGNATURES_AHEAD = 8, QUESTIONS_AHEAD = 4 };

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

static bool has_key(const struct perftrace_call *call) {
    return call->brief && (call->key[0] | call->key[1]) != 0 && !call->unfinished;
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
    known_add(&analysis->state->known, key, signature);
    return remember_site(analysis, analysis->edges[analysis->signatures[signature].edge].function,
                         call->site);
}

static int add_known(struct analysis *analysis, struct perftrace_reader *reader, struct perftrace_call *call,
                     uint32_t number) {
    const struct analysis_signature *signature = &analysis->signatures[number];
    uint32_t function = analysis->edges[signature->edge].function;
    const struct perftrace_site_info *site =
        call->site != NULL ? call->site : analysis->state->function_sites[function];
    if (!perftrace_reader_fill(reader, call, site))
        return 0;
    struct analysis_call placed = analysis_call_start(analysis, call);
    placed.parameter_count = 0; /* they are not filled in */
    placed.function = function;
    placed.caller = signature->caller;
    placed.question = signature->question;
    placed.signature = number;
    placed.edge = signature->edge;
    analysis_find_relatives(analysis, call, &placed);
    int result = analysis_call_show(analysis, &placed);
    analysis_call_end(analysis, &placed);
    return result;
}

/* What is known of the calls ahead, with their memory on its way. */
struct ahead {
    const struct perftrace_call *calls;
    size_t count;
    uint32_t signatures[BATCH];
};

static void look_ahead(const struct analysis *analysis, struct ahead *ahead, size_t at) {
    const struct known *known = &analysis->state->known;
    size_t slot = at + SLOTS_AHEAD, signature = at + SIGNATURES_AHEAD, question = at + QUESTIONS_AHEAD;
    if (slot < ahead->count)
        known_prefetch(known, ahead->calls[slot].key);
    if (signature < ahead->count) {
        const struct perftrace_call *call = &ahead->calls[signature];
        uint32_t found = has_key(call) ? known_find(known, call->key) : INTERN_NONE;
        ahead->signatures[signature] = found;
        if (found != INTERN_NONE)
            __builtin_prefetch(&analysis->signatures[found], 1);
    }
    if (question < ahead->count && ahead->signatures[question] != INTERN_NONE) {
        const struct analysis_signature *expected = &analysis->signatures[ahead->signatures[question]];
        __builtin_prefetch(&analysis->questions[expected->question], 1);
        analysis_parts_expect(analysis, &(struct analysis_expected){
                                            .function = analysis->edges[expected->edge].function,
                                            .question = expected->question,
                                            .signature = ahead->signatures[question],
                                            .elapsed_ns = ahead->calls[question].elapsed_ns,
                                        });
    }
}

int analysis_calls(struct analysis *analysis, struct perftrace_reader *reader, struct perftrace_call *calls,
                   size_t count) {
    int result = 0;
    while (count > 0 && result == 0) {
        size_t now = count < BATCH ? count : BATCH;
        struct ahead ahead = {.calls = calls, .count = now};
        for (size_t i = 0; i < SLOTS_AHEAD && i < now; i++)
            known_prefetch(&analysis->state->known, calls[i].key);
        for (size_t i = 0; i < SIGNATURES_AHEAD && i < now; i++)
            ahead.signatures[i] =
                has_key(&calls[i]) ? known_find(&analysis->state->known, calls[i].key) : INTERN_NONE;
        for (size_t i = 0; i < now && result == 0; i++) {
            look_ahead(analysis, &ahead, i);
            uint32_t signature = ahead.signatures[i];
            /* What was not known some calls before may have been one of these. */
            if (signature == INTERN_NONE && has_key(&calls[i]))
                signature = known_find(&analysis->state->known, calls[i].key);
            result = signature == INTERN_NONE ? add_unknown(analysis, reader, &calls[i])
                                              : add_known(analysis, reader, &calls[i], signature);
        }
        calls += now;
        count -= now;
    }
    return result;
}
