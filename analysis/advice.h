/* What to do: of all that the analysis has found, what would save most, each thing once.
 *
 * Savings are time that the program's user no longer waits for: what would not be done any more, divided by how many threads were
 * at work at a time on average, and never more than the whole, all together. Findings about the same calls, or about calls within
 * those of another finding, share their saving: the one that is told first has it, the other has what is left, and if that is
 * less than half it is not told, as it would be the same in other words; but unless it is a cache, it is told instead of those about the same
 * calls if it saves more than they do. Of more findings than there is room for, those are told that save most, and one of which nobody
 * knows how much.
 *
 * The order is that of what is simple to mend, and by saving among equals: what would save a quarter of the whole by asking less; what
 * two callers ask one after the other, and what could be asked at once; then what needs a cache. What can only be looked at, like
 * a function that is slow, comes last, and where nothing else is about it. */
#ifndef PERFTRACE_ANALYSIS_ADVICE_H
#define PERFTRACE_ANALYSIS_ADVICE_H

#include "breakdown.h"
#include "cache.h"
#include "siblings.h"

enum analysis_advice_kind {
    ADVICE_BATCH,    /* one call for all values instead of one for each */
    ADVICE_ASK_ONCE, /* what was asked before under the same parent */
    ADVICE_CACHE,    /* what was asked before anywhere */
    ADVICE_FASTER,   /* a function that takes much of all self time */
    ADVICE_AROUND,   /* a function that takes more time around its queries than in them */
    ADVICE_OUTLIER,  /* one call that took much longer than others of its function */
    ADVICE_KINDS,
};
/* "batch", "ask_once" … */
const char *analysis_advice_name(enum analysis_advice_kind kind);

#define ADVICE_MAX 7u
#define ADVICE_EVIDENCE_MAX 4u

struct analysis_advice {
    enum analysis_advice_kind kind;
    uint64_t saving_ns;
    bool at_most;   /* nothing tells how much of it can be saved */
    unsigned order; /* what is told first has the smaller one */
    uint32_t function;
    /* ADVICE_BATCH: the parent's function; ADVICE_ASK_ONCE: who asks again; else INTERN_NONE. */
    uint32_t caller;
    uint32_t first_caller; /* ADVICE_ASK_ONCE: who asked first */
    uint32_t question;     /* an example, or INTERN_NONE */
    uint64_t calls; /* that there are of it; ADVICE_BATCH, ADVICE_ASK_ONCE, ADVICE_CACHE: that need not be */
    uint64_t time_ns; /* ADVICE_FASTER: self; ADVICE_AROUND: around; ADVICE_OUTLIER: this call's */
    uint64_t of_ns; /* ADVICE_FASTER: of all; ADVICE_AROUND: of the function's; ADVICE_OUTLIER: its median */
    struct analysis_call_id evidence[ADVICE_EVIDENCE_MAX]; /* calls to look at */
    uint32_t evidence_count;
    const struct analysis_n_plus_one *n_plus_one; /* ADVICE_BATCH */
    const struct analysis_asked_again *asked;     /* ADVICE_ASK_ONCE */
    const struct analysis_cache_function *cache;  /* ADVICE_CACHE */
    const struct analysis_breakdown *breakdown;   /* ADVICE_AROUND */
};

struct analysis_advice_list {
    /* The largest saving first, and after them those of which it is `at_most`. */
    struct analysis_advice items[ADVICE_MAX];
    uint32_t count;
    uint64_t whole_ns; /* that savings are part of */
};

/* What other parts have found, of a finished analysis. */
struct analysis_findings {
    const struct analysis_siblings *siblings;
    const struct analysis_cache *cache;
    const struct analysis_breakdown *breakdowns;
    uint32_t breakdown_count;
};

/* 0, or -PERFTRACE_ERROR_MEMORY. The list points into the findings. */
int analysis_advise(const struct analysis *analysis, const struct analysis_findings *findings,
                    struct analysis_advice_list *list);

#endif
