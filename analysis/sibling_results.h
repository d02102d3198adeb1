/* What was found under each parent, added up. */
#ifndef PERFTRACE_ANALYSIS_SIBLING_RESULTS_H
#define PERFTRACE_ANALYSIS_SIBLING_RESULTS_H

#include "../core/map.h"
#include "sibling_collection.h"

#define SIBLING_FILLS_MAX 64u /* loops watched at a time */

/* A loop that may turn out to have filled a cache: what was asked for its values later on. */
struct sibling_fill {
    uint32_t seen; /* bit i: the i-th value watched was asked for again */
    uint32_t sample_count;
    uint64_t last_number;        /* of its calls */
    uint64_t average_ns, min_ns; /* of its calls */
    uint64_t cheap, dear;        /* later calls with these values: cheaper, and not */
    uint64_t hits;               /* of the cheap ones, with a metric that says so */
    uint32_t input;
    uint32_t like;  /* another one, whose values they are: what is true of that one is of this */
    uint32_t asker; /* function of the cheap ones; INTERN_NONE: several */
    bool named;     /* caller or function is named so */
    bool only;      /* its parent was the only one */
    bool closed;    /* it is known to be none */
};

struct sibling_results {
    struct analysis_siblings found;
    struct pair_table findings, again, sequential; /* by hashes of what they are about; numbers are indices */
    struct pair_table within_signatures, within_questions;
    struct analysis_within *signatures, *questions; /* by number */
    struct sibling_fill *fills;                     /* by finding */
    uint32_t finding_capacity, fill_capacity, again_capacity, sequential_capacity, signature_capacity,
        question_capacity;
    uint32_t last_again;       /* entry that was added to */
    struct pair_table watched; /* values of fills */
    uint32_t *watched_fill;    /* by number: fill << 5 | sample */
    uint32_t watched_capacity;
    uint32_t watching; /* loops that may be fills */
    uint32_t watched_fills[SIBLING_FILLS_MAX];
    uint32_t open_fills; /* of them: not yet known to be none */
    uint64_t refused;    /* findings without room */
    uint64_t key;
};

/* The parent as a finding names it. */
struct sibling_origin {
    uint32_t function;
    struct analysis_call_id id; /* number 0: unknown */
    uint64_t serial;            /* another one for each parent */
    bool by_name;
};

void results_n_plus_one(struct sibling_results *results, struct analysis *analysis,
                        const struct sibling_shapes *shapes, struct sibling_patterns *patterns,
                        const struct sibling_origin *origin, const struct sibling_group *group,
                        const struct sibling_judgement *judgement);
void results_asked_again(struct sibling_results *results, struct analysis *analysis,
                         const struct sibling_origin *origin, const struct sibling_asked *first,
                         const struct analysis_call *call);
/* A run of so many calls; `numbers` of its first ones. */
void results_sequential(struct sibling_results *results, struct analysis *analysis, uint32_t signature,
                        uint64_t calls, uint64_t saved_ns, const uint64_t *numbers, uint32_t number_count);
/* A call that may ask for what a loop has fetched before. `hit`: it says that it was answered from a cache. */
void results_watch(struct sibling_results *results, const struct analysis *analysis,
                   const struct analysis_call *call, bool hit);
void results_finish(struct sibling_results *results, const struct analysis *analysis);
void results_free(struct sibling_results *results);

#endif
