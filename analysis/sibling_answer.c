/* What a call answered: its metrics, told apart by their names as far as names tell anything. */
#include "../core/hash.h"
#include "sibling_group.h"

#include <string.h>

enum metric_kind {
    METRIC_OTHER,
    METRIC_TIME,    /* how long, which differs from call to call and answers nothing */
    METRIC_SUCCESS, /* zero: it failed */
    METRIC_FAILURE, /* not zero: it failed */
    METRIC_STATUS,  /* as of HTTP: from 400 on it failed */
    METRIC_HIT,
};

static bool ends_with(struct perftrace_text name, const char *end) {
    size_t length = strlen(end);
    return name.length >= length && memcmp(name.bytes + name.length - length, end, length) == 0;
}

static enum metric_kind kind_of(struct perftrace_text name) {
    if (ends_with(name, "_ms") || ends_with(name, "_us") || ends_with(name, "_ns") ||
        sibling_name_has(name, "elapsed duration time seconds cpu"))
        return METRIC_TIME;
    if (sibling_name_has(name,
                         "error errors err errno fail failed failure "
                         "failures timeout timedout exception "
                         "refused busy"))
        return METRIC_FAILURE;
    if (sibling_name_has(name, "status code http"))
        return METRIC_STATUS;
    if (sibling_name_has(name,
                         "ok success succeeded successful ready done "
                         "complete completed available "
                         "acquired connected finished"))
        return METRIC_SUCCESS;
    if (sibling_name_has(name, "hit hits cached cache"))
        return METRIC_HIT;
    return METRIC_OTHER;
}

static __attribute__((noinline)) void learn_kind(struct sibling_kinds *kinds, size_t at,
                                                 const struct perftrace_argument_info *argument) {
    kinds->known[at].argument = argument;
    kinds->known[at].kind = kind_of(argument->name);
}

static inline enum metric_kind known_kind(struct sibling_kinds *kinds,
                                          const struct perftrace_argument_info *argument) {
    size_t at = ((uintptr_t)argument >> 4 ^ (uintptr_t)argument >> 12) % SIBLING_KINDS_KNOWN;
    if (kinds->known[at].argument != argument)
        learn_kind(kinds, at, argument);
    return (enum metric_kind)kinds->known[at].kind;
}

static bool failed_by_text(struct perftrace_text text) {
    return sibling_name_has(text,
                            "error fail failed failure timeout busy locked "
                            "pending unavailable refused "
                            "retry aborted denied");
}

/* What counts nothing; returns the bits by which it differs from others. */
static __attribute__((noinline)) uint64_t add_other(struct sibling_answer *answer, enum metric_kind kind,
                                                    const struct perftrace_value *metric, uint64_t key) {
    uint64_t bits = metric->u;
    if (metric->type == PERFTRACE_TYPE_STRING) {
        bits = answer->text = perftrace_hash_text(key, metric->text.bytes, metric->text.length) | 1;
        answer->failed |= kind == METRIC_FAILURE ? metric->text.length > 0 : failed_by_text(metric->text);
    } else if (metric->type == PERFTRACE_TYPE_DOUBLE)
        memcpy(&bits, &metric->d, sizeof bits);
    else if (kind == METRIC_SUCCESS)
        answer->failed |= metric->i == 0;
    else if (kind == METRIC_FAILURE)
        answer->failed |= metric->i != 0;
    else if (kind == METRIC_STATUS)
        answer->failed |= metric->i >= 400 || metric->i < 0;
    else
        answer->hit |= metric->i != 0;
    return bits;
}

void sibling_answer_of_call(struct sibling_shapes *shapes, const struct analysis_call *call,
                            struct sibling_answer *answer) {
    const uint64_t key = shapes->key;
    const uint64_t other = key * UINT64_C(0x9e3779b97f4a7c15);
    uint64_t hash = 0;
    *answer = (struct sibling_answer){0};
    for (size_t i = 0; i < call->metric_count; i++) {
        const struct perftrace_value *metric = &call->metrics[i];
        enum metric_kind kind = known_kind(&shapes->kinds, metric->argument);
        if (kind == METRIC_TIME) {
            answer->timed = true;
            continue;
        }
        uint64_t bits = metric->u;
        if (kind != METRIC_OTHER || metric->type == PERFTRACE_TYPE_STRING ||
            metric->type == PERFTRACE_TYPE_DOUBLE)
            bits = add_other(answer, kind, metric, key);
        else if (answer->count_count < SIBLING_COUNTS_MAX)
            answer->counts[answer->count_count++] = metric->i;
        hash = perftrace_hash_mix(hash ^ key, (bits + i) ^ other) | 1;
    }
    answer->hash = hash;
}

void sibling_keep(struct sibling_shapes *shapes, struct sibling *call, struct sibling_call *in) {
    sibling_answer_of(shapes, call, &in->answer);
    in->call = *call->call;
    in->call.metrics = NULL;
    in->call.metric_count = 0;
    call->call = &in->call;
    call->kept = true;
}
