/* The calls of one shape under one parent call, as a group: what they have in common, how the value that differs moves, and what
 * that makes of them. */
#ifndef PERFTRACE_ANALYSIS_SIBLING_GROUP_H
#define PERFTRACE_ANALYSIS_SIBLING_GROUP_H

#include "sibling_shape.h"
#include "siblings.h"

#define SIBLING_COUNTS_MAX 2u
#define SIBLING_SAMPLES_MAX 16u
#define SIBLING_N_MIN 3u /* fewer calls are no loop */

/* What a call has answered, from its metrics but for times. */
struct sibling_answer {
    uint64_t hash;                      /* of all of it; 0: nothing */
    uint64_t text;                      /* of the last that is a text; 0: none */
    int64_t counts[SIBLING_COUNTS_MAX]; /* the first that are whole numbers and not about success */
    uint8_t count_count;
    bool failed; /* by the metrics' names: error=1, ok=0, status=503 */
    bool hit;    /* from a cache */
    bool timed;  /* parts of its time are known: query_ms */
};

/* A call under a parent, as far as it is kept. */
struct sibling {
    uint64_t number, start_ns, elapsed_ns, self_ns;
    uint64_t told_ns; /* of elapsed_ns, in calls that are findings already */

    struct sibling_answer answer;
    uint64_t within; /* the parent's own child below which it lies; 0: it is one itself */
    uint32_t question, signature, caller, shape, track;
    uint32_t path[SIBLINGS_THROUGH_MAX]; /* functions between, from the parent down */
    uint8_t path_length;
    bool async;
    bool adopted; /* it came from a call of the parent's own function within the parent */
};

struct sibling_group {
    uint32_t shape, path[SIBLINGS_THROUGH_MAX];
    uint8_t path_length;
    uint64_t calls, own; /* of these, not adopted */
    uint64_t distinct;   /* questions */
    uint64_t branches;   /* of the parent's own children, in which these calls lie */
    uint64_t total_ns, self_ns, told_ns, min_ns;
    struct sibling first, last;
    uint64_t differing; /* bit i: parameter i has had another value than in the first call */

    /* The value that differs, where it is one. */
    uint64_t changes;        /* calls with another value than the one before */
    uint64_t numbers, lists; /* of changes: to a whole number, to a list */
    int64_t first_value, value, value_end, step;
    uint64_t steps_same, doubled; /* of changes: by the same step as before; to twice the value */
    uint64_t by_answer;           /* by a count of the call before */
    uint64_t onward;              /* a range that begins where the one before ended */
    uint64_t answered_before;     /* the value stood in the answer of the call before */

    /* Answers. Those of all calls but the last are compared with the first's. */
    uint64_t answered, failed, hits, timed, at_most_one; /* calls; the last: no count above 1 */
    bool same_until_last, same_counts_until_last;
    bool failed_until_last;

    /* Pauses between a call's end and the next one's start, on one thread. */
    uint64_t pauses, grown, overlaps;
    uint64_t pause_ns, pause_ns_min, pause_ns_max, pause_ns_last;
    uint64_t period_ns_min, period_ns_max; /* between starts */

    struct analysis_call_id examples[SIBLINGS_EXAMPLES_MAX];
    uint32_t example_count;
    uint32_t samples[SIBLING_SAMPLES_MAX]; /* questions */
    uint32_t sample_count;
    bool suppressed; /* the same finding is reported at another level */
};

/* The parameter that differs: its index, or -1 where there are none or several. A query's text that differs in its literals
 * does not count beside another parameter, which is one of those. */
int sibling_differing(const struct sibling_shapes *shapes, const struct sibling_group *group);

void sibling_group_begin(struct sibling_group *group, const struct sibling *first);
/* In the order of their numbers, where that can be. `is_new`: the question was not asked under this parent before. */
void sibling_group_add(const struct analysis *analysis, const struct sibling_shapes *shapes,
                       struct sibling_group *group, const struct sibling *call, bool is_new);

/* What is known of the parent when its calls are judged. */
struct sibling_parent {
    uint32_t function;
    uint64_t elapsed_ns, children_ns; /* both 0: unknown */
    const struct sibling *lists;      /* its calls that may have listed what the others then ask for */
    size_t list_count;
    bool by_name;
};

enum sibling_verdict { SIBLING_NOTHING, SIBLING_FINDING, SIBLING_LOOK_ALIKE };
struct sibling_judgement {
    enum sibling_verdict verdict;
    enum analysis_look_alike what;       /* of a look-alike */
    enum analysis_confidence confidence; /* of a finding */
    uint32_t parameter;                  /* index of the one that differs */
};
struct sibling_judgement sibling_judge(const struct analysis *analysis, struct sibling_shapes *shapes,
                                       const struct sibling_group *group,
                                       const struct sibling_parent *parent);

/* The metrics of a call. */
struct sibling_answer sibling_answer_of(const struct perftrace_value *metrics, size_t count, uint64_t key);

#endif
