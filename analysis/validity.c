/* Writes, counted; and of each question which of them was the last one about it. */
#include "validity.h"

#include <stdlib.h>

int validity_open(struct validity *validity, struct analysis_texts rules) {
    return cache_rules_open(&validity->rules, rules);
}

void validity_close(struct validity *validity) {
    cache_rules_close(&validity->rules, NULL);
    free(validity->functions);
    free(validity->changed);
    free(validity->of_signature);
    free(validity->of_question);
    *validity = (struct validity){0};
}

/* Out of memory: what is kept of single questions is given up. */
static void coarsen(struct validity *validity, struct perftrace_budget *budget) {
    validity->coarse = true;
    cache_rules_clear(&validity->rules, budget);
    for (uint32_t rule = 0; rule < validity->rules.count; rule++)
        validity->all[rule] = validity->writes;
}

/* Room for entry `number`, within the budget. */
static bool reserve(void **array, uint32_t number, uint32_t *capacity, size_t bytes,
                    struct perftrace_budget *budget) {
    return number < *capacity ||
           array_grow_zeros(budget, array, capacity, (uint64_t)number + number / 2 + 64, bytes);
}

static struct validity_function function_of(struct validity *validity, struct analysis *analysis,
                                            uint32_t number) {
    bool kept = reserve((void **)&validity->functions, number, &validity->function_capacity,
                        sizeof *validity->functions, &analysis->budget);
    if (kept && validity->functions[number].known)
        return validity->functions[number];
    struct perftrace_text name = analysis->functions[number].name;
    struct validity_function function = {.writes = cache_rules_of_writer(&validity->rules, name),
                                         .invalidated = cache_rules_of_function(&validity->rules, name),
                                         .known = true};
    if (kept)
        validity->functions[number] = function;
    return function;
}

static void write_by(struct validity *validity, struct analysis *analysis, uint32_t rule,
                     const struct analysis_call *call) {
    if (validity->coarse) {
        validity->all[rule] = validity->writes;
        return;
    }
    uint32_t cursor = 0, question, function;
    while ((question = cache_rules_take(&validity->rules, rule, call, &cursor, &function,
                                        &analysis->budget)) != CACHE_RULES_END) {
        if (question == CACHE_RULES_ALL)
            validity->all[rule] = validity->writes;
        else
            validity->changed[question] = validity->writes;
    }
}

/* What later writes are about is found by the values of its parameters. */
static bool remember(struct validity *validity, struct analysis *analysis, uint32_t rules,
                     const struct analysis_call *call) {
    return reserve((void **)&validity->changed, call->question, &validity->changed_capacity,
                   sizeof *validity->changed, &analysis->budget) &&
           cache_rules_put(&validity->rules, rules, call->question, call, &analysis->budget);
}

static uint32_t last_write(const struct validity *validity, uint32_t rules, uint32_t question) {
    uint32_t last = question < validity->changed_capacity ? validity->changed[question] : 0;
    for (; rules != 0; rules &= rules - 1) {
        uint32_t write = validity->all[__builtin_ctz(rules)];
        last = write > last ? write : last;
    }
    return last;
}

/* Whether it is a repetition; without memory it is none. */
static void count_repeats(struct validity *validity, struct perftrace_budget *budget,
                          const struct analysis_call *call) {
    if (!reserve((void **)&validity->of_signature, call->signature, &validity->signature_capacity,
                 sizeof *validity->of_signature, budget) ||
        !reserve((void **)&validity->of_question, call->question, &validity->question_capacity,
                 sizeof *validity->of_question, budget))
        return;
    struct validity_repeats *own = &validity->of_signature[call->signature],
                            *all = &validity->of_question[call->question];
    own->calls += own->last == call->validity + 1;
    own->last = call->validity + 1;
    if (all->last != call->validity + 1)
        all->first_signature = call->signature;
    all->calls += all->first_signature != call->signature;
    all->last = call->validity + 1;
}

static void write_now(struct validity *validity, struct analysis *analysis, uint32_t rules,
                      const struct analysis_call *call) {
    validity->writes += validity->writes < UINT32_MAX - 1;
    for (; rules != 0; rules &= rules - 1)
        write_by(validity, analysis, (uint32_t)__builtin_ctz(rules), call);
}

void validity_add_by_rules(struct validity *validity, struct analysis *analysis, struct analysis_call *call) {
    const struct validity_function function = function_of(validity, analysis, call->function);
    if (function.writes != 0)
        write_now(validity, analysis, function.writes, call);
    if (!call->asks || call->question == INTERN_NONE || call->signature == INTERN_NONE)
        return;
    if (function.writes != 0) {
        call->validity = validity->writes;
    } else if (function.invalidated != 0) {
        if (!validity->coarse && !remember(validity, analysis, function.invalidated, call))
            coarsen(validity, &analysis->budget);
        call->validity = last_write(validity, function.invalidated, call->question);
    }
    count_repeats(validity, &analysis->budget, call);
}
