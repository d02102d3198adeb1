/* What a call answered: its metrics, told apart by their names as far as names tell anything. */
#include "../core/hash.h"
#include "sibling_group.h"

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

static size_t place_of(const struct perftrace_argument_info *argument) {
    return ((uintptr_t)argument >> 4 ^ (uintptr_t)argument >> 12) % SIBLING_KINDS_KNOWN;
}

static enum metric_kind known_kind(struct sibling_kinds *kinds,
                                   const struct perftrace_argument_info *argument) {
    size_t at = place_of(argument);
    if (kinds->known[at].argument != argument) {
        kinds->known[at].argument = argument;
        kinds->known[at].kind = kind_of(argument->name);
    }
    return (enum metric_kind)kinds->known[at].kind;
}

static bool failed_by_text(struct perftrace_text text) {
    return sibling_name_has(text,
                            "error fail failed failure timeout busy locked "
                            "pending unavailable refused "
                            "retry aborted denied");
}

/* As many bits of the answer, in which metric `index` has these. */
static inline void add_bits(struct sibling_answer *answer, size_t index, uint64_t bits, uint64_t key) {
    answer->hash = perftrace_hash_number(answer->hash ^ key, bits + index) | 1;
}

static inline void add_count(struct sibling_answer *answer, int64_t number) {
    if (answer->count_count < SIBLING_COUNTS_MAX)
        answer->counts[answer->count_count++] = number;
}

static void add_number(struct sibling_answer *answer, enum metric_kind kind, int64_t number) {
    if (kind == METRIC_SUCCESS)
        answer->failed |= number == 0;
    else if (kind == METRIC_FAILURE)
        answer->failed |= number != 0;
    else if (kind == METRIC_STATUS)
        answer->failed |= number >= 400 || number < 0;
    else if (kind == METRIC_HIT)
        answer->hit |= number != 0;
    else
        add_count(answer, number);
}

/* All metrics from `index` on. */
static __attribute__((noinline)) void add_metrics(struct sibling_kinds *kinds,
                                                  const struct perftrace_value *metrics, size_t index,
                                                  size_t count, uint64_t key, struct sibling_answer *answer) {
    for (; index < count; index++) {
        const struct perftrace_value *metric = &metrics[index];
        enum metric_kind kind = known_kind(kinds, metric->argument);
        uint64_t bits = metric->u;
        if (kind == METRIC_TIME) {
            answer->timed = true;
            continue;
        }
        if (metric->type == PERFTRACE_TYPE_STRING) {
            bits = answer->text = perftrace_hash_text(key, metric->text.bytes, metric->text.length) | 1;
            answer->failed |= kind == METRIC_FAILURE ? metric->text.length > 0 : failed_by_text(metric->text);
        } else if (metric->type == PERFTRACE_TYPE_DOUBLE)
            memcpy(&bits, &metric->d, sizeof bits);
        else
            add_number(answer, kind, metric->i);
        add_bits(answer, index, bits, key);
    }
}

/* Times and counts are the usual ones. */
void sibling_answer_of(struct sibling_kinds *kinds, const struct perftrace_value *metrics, size_t count,
                       uint64_t key, struct sibling_answer *answer) {
    *answer = (struct sibling_answer){0};
    for (size_t i = 0; i < count; i++) {
        const struct perftrace_value *metric = &metrics[i];
        size_t at = place_of(metric->argument);
        bool known = kinds->known[at].argument == metric->argument;
        if (known && kinds->known[at].kind == METRIC_TIME) {
            answer->timed = true;
            continue;
        }
        if (!known || kinds->known[at].kind != METRIC_OTHER || metric->type == PERFTRACE_TYPE_STRING ||
            metric->type == PERFTRACE_TYPE_DOUBLE) {
            add_metrics(kinds, metrics, i, count, key, answer);
            return;
        }
        add_count(answer, metric->i);
        add_bits(answer, i, metric->u, key);
    }
}
