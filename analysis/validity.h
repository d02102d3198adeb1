/* Whether an answer could have been kept: what calls of functions that write have made invalid since, by the rules of
 * options.invalidations (cache_rules.h). Each question has a number that is another after such a call has ended: of two calls that ask the
 * same the second is redundant only where both have got the same one. As for caches, calls count in the order of their ends. */
#ifndef PERFTRACE_ANALYSIS_VALIDITY_H
#define PERFTRACE_ANALYSIS_VALIDITY_H

#include "cache_rules.h"

struct validity_function {
    uint32_t writes,
        invalidated; /* rules, as bits: those of which it is the writer, and those about what it answers */
    bool known;      /* the two are */
};

/* Of a signature: calls that asked what the same caller had been answered before. Of a question: what the first caller to ask it, since it
 * was last made invalid, had been answered before another asked. */
struct validity_repeats {
    uint64_t calls;
    uint32_t last;            /* number of the last call, + 1; 0: there was none */
    uint32_t first_signature; /* to ask it with that number; of a question */
};

/* Zero-initialised: without rules. */
struct validity {
    struct cache_rules rules;
    struct validity_function *functions;
    uint32_t *changed; /* by question: the last write that was about it, or 0 */
    struct validity_repeats *of_signature, *of_question;
    uint32_t function_capacity, changed_capacity, signature_capacity, question_capacity;
    uint32_t all[CACHE_RULES_MAX]; /* the last write that was about all of a rule's questions */
    uint32_t writes;
    bool coarse; /* for want of memory, writes are about all of their rules' questions */
};

/* 0, or -PERFTRACE_ERROR_MEMORY. */
int validity_open(struct validity *validity, struct analysis_texts rules);
void validity_close(struct validity *validity);

/* See below. */
void validity_add_by_rules(struct validity *validity, struct analysis *analysis, struct analysis_call *call);
/* Sets the call's `validity`: its question's number; where it is one of a function that writes, one that no other call gets. Of each call,
 * once, with its parameters. */
static inline void validity_add(struct validity *validity, struct analysis *analysis,
                                struct analysis_call *call) {
    if (validity->rules.count > 0)
        validity_add_by_rules(validity, analysis, call);
}

#endif
