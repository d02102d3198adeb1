/* A promise: what somebody said that a program will keep, as a value. What a line of a budget means (docs/ci.md has the language). */
#ifndef PERFTRACE_ANALYSIS_PROMISE_H
#define PERFTRACE_ANALYSIS_PROMISE_H

#include <stdbool.h>
#include <stdint.h>

enum promise_subject {
    PROMISE_SPAN,      /* calls of `name` */
    PROMISE_FRAME,     /* frames, by marks of `name`; NULL: of the first name that has any */
    PROMISE_MEMORY,    /* bytes in use of the pool `name` */
    PROMISE_COUNTER,   /* the counter `name` */
    PROMISE_REDUNDANT, /* calls that ask what was asked before within the same parent call (siblings.h) */
};

enum promise_measure {
    PROMISE_TIME,   /* ns */
    PROMISE_SELF,   /* ns, without what was called on the same thread */
    PROMISE_METRIC, /* a metric of the call */
    PROMISE_CPU,    /* ns: the metric cpu_ns, cpu_us or cpu_ms */
    PROMISE_CALLS,  /* how many */
    PROMISE_VALUE,  /* of a counter; bytes of a pool */
};

/* One sample is a call, or what calls took together in each frame, call of `scope_name` (at any depth), second, or run. */
enum promise_scope {
    PROMISE_PER_CALL,
    PROMISE_PER_FRAME,
    PROMISE_PER_SPAN,
    PROMISE_PER_SECOND,
    PROMISE_PER_RUN
};

enum promise_statistic {
    PROMISE_EVERY, /* each sample keeps the limit */
    PROMISE_SUM,
    PROMISE_MEAN,
    PROMISE_MIN,
    PROMISE_MAX,
    PROMISE_PERCENTILE,
    PROMISE_GROWTH, /* of a value, by second */
};

enum promise_relation { PROMISE_AT_MOST, PROMISE_BELOW, PROMISE_AT_LEAST, PROMISE_ABOVE };

struct promise {
    enum promise_subject subject;
    enum promise_measure measure;
    enum promise_statistic statistic;
    enum promise_scope scope;
    enum promise_relation relation;
    const char *name, *scope_name, *metric; /* or NULL */
    const char *track;       /* only what is on such a track: a pattern of its name, or gpu; NULL: any */
    double percentile;       /* between 0 and 100 */
    double limit;            /* ns, bytes, or a number; of growth, by second */
    bool relative;           /* `limit` is what may be added to the baseline's value: 0.05 of it */
    uint64_t warmup_samples; /* so many of each run are left out, and those that began */
    uint64_t warmup_ns;      /* so soon after its first moment */
    const char *text;        /* as it was written, in one space each: its name */
    const char *figure;      /* the part of it that says what is measured: its name in a baseline */
    unsigned line;           /* of the budget */
};

/* Whether a value is on the wrong side of the promise's limit. */
static inline bool promise_is_passed(const struct promise *promise, double value) {
    switch (promise->relation) {
    case PROMISE_AT_MOST:
        return value > promise->limit;
    case PROMISE_BELOW:
        return !(value < promise->limit);
    case PROMISE_AT_LEAST:
        return value < promise->limit;
    case PROMISE_ABOVE:
        break;
    }
    return !(value > promise->limit);
}
/* Whether its figures are times. */
static inline bool promise_is_time(const struct promise *promise) {
    return promise->measure == PROMISE_TIME || promise->measure == PROMISE_SELF ||
           promise->measure == PROMISE_CPU;
}
static inline bool promise_has_ceiling(const struct promise *promise) {
    return promise->relation == PROMISE_AT_MOST || promise->relation == PROMISE_BELOW;
}

#endif
