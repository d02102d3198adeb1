/* Which calls count: what the filters of a report ask for, and whether a call is such a one. A call that is left out changes nothing
 * of the others: their times, callers and parents stay what they are. */
#ifndef PERFTRACE_ANALYSIS_SELECT_H
#define PERFTRACE_ANALYSIS_SELECT_H

#include "../include/perftrace_items.h"

/* Texts of somebody else's. */
struct analysis_texts {
    const char *const *texts;
    size_t count;
};

/* Zero selects all. Patterns: `*` is any text, `?` one byte, all else itself; of several, one has to match. */
struct analysis_selection {
    struct analysis_texts functions; /* patterns of the function's name */
    struct analysis_texts callers;   /* of the caller's */
    /* Patterns of a track's name, or its number: the trace's, or the kernel's. */
    struct analysis_texts threads;
    uint64_t since_ns,
        until_ns;    /* began then or later, and before; from the first moment. until_ns 0: no end */
    uint64_t min_ns; /* took so long at least */
};

bool analysis_selects_all(const struct analysis_selection *selection);

/* Time in proportion to the product of both lengths at most: names come from the input. */
bool analysis_pattern_matches(const char *pattern, struct perftrace_text text);
bool analysis_patterns_match(struct analysis_texts patterns, struct perftrace_text text);

/* A selection at work: what the patterns say of a function is found out once. Zero-initialised, with `wanted`, is ready. */
struct analysis_selector {
    struct analysis_selection wanted;
    uint8_t *functions; /* by number: what is known of it as a function and as a caller */
    uint32_t function_capacity;
};
/* Whether a call of function number `function` by number `caller`, that began `moment_ns` after the first moment, counts. 1, 0, or
 * -PERFTRACE_ERROR_MEMORY. */
struct analysis_candidate {
    uint32_t function, caller;
    struct perftrace_text function_name, caller_name;
    uint64_t moment_ns;
};
int analysis_select(struct analysis_selector *selector, const struct perftrace_call *call,
                    const struct analysis_candidate *candidate);
void analysis_selector_free(struct analysis_selector *selector);

#endif
