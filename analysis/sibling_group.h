/* The calls of one shape under one parent call, as a group: what they have in common, how the value that differs
 * moves, and what that makes of them. */
#ifndef PERFTRACE_ANALYSIS_SIBLING_GROUP_H
#define PERFTRACE_ANALYSIS_SIBLING_GROUP_H

#include "sibling_shape.h"
#include "siblings.h"

#define SIBLING_COUNTS_MAX 2u
#define SIBLING_SAMPLES_MAX 16u
#define SIBLING_CLOSELY_MAX 1024u /* calls of a group that are looked at closely: more tell nothing else */
#define SIBLING_N_MIN 3u          /* fewer calls are no loop */

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

/* A call under a parent: 48 bytes, as it is copied each time it goes up. All else is where the call is, which mostly is
 * judged before the round in which it came is over. */
struct sibling {
    const struct analysis_call *call;    /* of the round, or, `kept`, of a struct sibling_call */
    uint64_t told_ns;                    /* of its elapsed_ns, in calls that are findings already */
    uint64_t within;                     /* the parent's own child below which it lies; 0: it is one itself */
    uint32_t question, signature, track; /* as there */
    uint32_t shape, path;                /* see sibling_path.h */
    bool async;                          /* as there */
    bool adopted; /* it came from a call of the parent's own function within the parent */
    bool kept;
};
/* The same for calls of one shape and path. */
static inline uint64_t sibling_likeness(const struct sibling *call) {
    return (uint64_t)call->path << 32 | call->shape;
}
static inline bool sibling_is_like(const struct sibling *a, const struct sibling *b) {
    return sibling_likeness(a) == sibling_likeness(b);
}

/* A call that outlives its round: without its metrics, but with what they say. */
struct sibling_call {
    struct analysis_call call;
    struct sibling_answer answer;
};
/* What a call answered. */
void sibling_answer_of_call(struct sibling_shapes *shapes, const struct analysis_call *call,
                            struct sibling_answer *answer);
static inline void sibling_answer_of(struct sibling_shapes *shapes, const struct sibling *call,
                                     struct sibling_answer *answer) {
    if (call->kept)
        *answer = ((const struct sibling_call *)call->call)->answer;
    else
        sibling_answer_of_call(shapes, call->call, answer);
}
/* From now on the call is in `in`, which it was not before. */
void sibling_keep(struct sibling_shapes *shapes, struct sibling *call, struct sibling_call *in);

/* A call that answered a number above 1: so many things that others may then ask for. */
struct sibling_list {
    uint64_t number;
    uint32_t shape, count_count;
    int64_t counts[SIBLING_COUNTS_MAX];
};

struct sibling_group {
    uint32_t shape, path;
    bool suppressed;     /* the same finding is reported at another level */
    bool closely;        /* its calls are looked at closely */
    uint32_t pattern;    /* see sibling_pattern.h */
    uint64_t calls, own; /* of these, not adopted */
    uint64_t chained;    /* calls by the one before, or the other way round: a function that calls itself */
    uint64_t distinct;   /* questions */
    uint64_t branches;   /* of the parent's own children, in which these calls lie */
    uint64_t total_ns, self_ns, told_ns, min_ns;
    uint64_t differing; /* bit i: parameter i has had another value than in the first call */
    uint32_t example_count, sample_count;
    const struct sibling *last; /* the caller's; `kept` after sibling_group_keep */

    /* The value that differs, where it is one. */
    uint64_t followed;       /* calls that were looked at closely */
    uint64_t changes;        /* calls with another value than the one before */
    uint64_t numbers, lists; /* of changes: to a whole number, to a list */
    int64_t first_value, value, value_end, step;
    uint64_t steps_same, doubled; /* of changes: by the same step as before; to twice the value */
    uint64_t by_answer;           /* by a count of the call before */
    uint64_t onward;              /* a range that begins where the one before ended */
    uint64_t answered_before;     /* the value stood in the answer of the call before */

    /* Answers. Those of all calls but the last are compared with the first's. Only of calls that are looked at closely. */
    struct sibling_answer first_answer, last_answer;
    uint64_t answered, failed, hits, timed, at_most_one; /* calls; the last: no count above 1 */
    bool same_until_last, same_counts_until_last;
    bool failed_until_last;

    /* Pauses between a call's end and the next one's start, on one thread. */
    uint64_t pauses, grown, overlaps;
    uint64_t pause_ns, pause_ns_min, pause_ns_max, pause_ns_last;
    uint64_t period_ns_min, period_ns_max; /* between starts */

    struct sibling first, kept;
    struct sibling_call first_call, last_call; /* theirs, after sibling_group_keep */
    struct analysis_call_id examples[SIBLINGS_EXAMPLES_MAX];
    uint32_t samples[SIBLING_SAMPLES_MAX]; /* questions */
};

/* In which parameters two questions of one shape differ. */
static inline uint64_t sibling_differences(const struct analysis *analysis, const struct sibling_shape *shape,
                                           uint32_t question, uint32_t other) {
    const struct analysis_parameter *one =
        analysis->parameters + analysis->questions[question].first_parameter;
    const struct analysis_parameter *two = analysis->parameters + analysis->questions[other].first_parameter;
    uint64_t differing = 0;
    for (uint32_t i = 0; i < shape->parameter_count; i++)
        differing |= (uint64_t)(one[i].value != two[i].value) << i;
    return differing;
}
/* Of these parameters the one that differs: its index, or -1 where there are none or several. A query's text that differs
 * in its literals does not count beside another parameter, which is one of those. */
static inline int sibling_only_one(const struct sibling_shape *shape, uint64_t differing) {
    uint64_t mask = (differing & ~shape->statements) != 0 ? differing & ~shape->statements : differing;
    return mask != 0 && (mask & (mask - 1)) == 0 ? __builtin_ctzll(mask) : -1;
}
static inline int sibling_differing(const struct sibling_shapes *shapes, const struct sibling_group *group) {
    return sibling_only_one(&shapes->shapes[group->shape], group->differing);
}

void sibling_group_begin(struct sibling_group *group, const struct sibling *first);
/* What the judge wants to know of the next call. */
void sibling_group_follow(const struct analysis *analysis, struct sibling_shapes *shapes,
                          struct sibling_group *group, const struct sibling *call);
/* The next call, when it is known in what it differs, in the order of their numbers, where that can be. `is_new`: the
 * question was not asked under this parent before. `call` has to last until sibling_group_keep. */
static inline void sibling_group_add(const struct analysis *analysis, struct sibling_shapes *shapes,
                                     struct sibling_group *group, const struct sibling *call, bool is_new) {
    if (group->closely && group->followed < SIBLING_CLOSELY_MAX)
        sibling_group_follow(analysis, shapes, group, call);
    group->branches += group->calls == 0 || call->within == 0 || call->within != group->last->within;
    group->calls++;
    group->own += !call->adopted;
    group->chained += group->calls > 1 && (call->adopted | group->last->adopted) &&
                      (call->call->parent == group->last->call->id.number ||
                       group->last->call->parent == call->call->id.number);
    group->distinct += is_new;
    uint64_t elapsed_ns = call->call->elapsed_ns;
    group->total_ns += elapsed_ns;
    group->self_ns += call->call->self_ns;
    group->told_ns += call->told_ns;
    group->min_ns = elapsed_ns < group->min_ns ? elapsed_ns : group->min_ns;
    if (group->example_count < SIBLINGS_EXAMPLES_MAX)
        group->examples[group->example_count++] =
            (struct analysis_call_id){call->call->id.number, analysis->input_count};
    if (is_new && group->sample_count < SIBLING_SAMPLES_MAX)
        group->samples[group->sample_count++] = call->question;
    group->last = call;
}
/* Enough calls, of enough questions, in enough of the parent's own calls; and their time is not in other findings. */
bool sibling_group_is_loop(const struct sibling_group *group);
/* The first and the last call are the group's own from now on. */
void sibling_group_keep(struct sibling_shapes *shapes, struct sibling_group *group);

/* What is known of the parent when its calls are judged. */
struct sibling_parent {
    uint32_t function;
    uint64_t elapsed_ns, children_ns; /* both 0: unknown */
    const struct sibling_list *lists; /* its calls that may have listed what the others then ask for */
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
/* It is looked at closely. */
struct sibling_judgement sibling_judge(const struct analysis *analysis, struct sibling_shapes *shapes,
                                       const struct sibling_group *group,
                                       const struct sibling_parent *parent);

#endif
