/* Ended spans, many at once and in brief: what perftrace_reader_calls promises, for traces. */
#ifndef PERFTRACE_CORE_BATCH_H
#define PERFTRACE_CORE_BATCH_H

#include "values.h"

struct perftrace_waiting;

/* Where what was recorded of a call lies: in its chunk, or all in `kept`. */
struct perftrace_recorded {
    const struct perftrace_site_entry *site;
    const uint64_t *parameters; /* behind a BEGIN's first word, or in `kept`; NULL: none */
    const uint64_t *metric;     /* a METRIC record of which no values have been made; NULL: none */
    const struct perftrace_kept *kept;
};

enum { PERFTRACE_BATCH_CALLS = 64, PERFTRACE_BATCH_METRICS = 4 * PERFTRACE_BATCH_CALLS };

struct perftrace_batch {
    size_t count;
    bool full; /* no more calls, or memory for what they are made of, should be taken */
    uint64_t secrets[4];
    struct perftrace_call calls[PERFTRACE_BATCH_CALLS + 1]; /* the last one is whole, if any is */
    struct perftrace_recorded recorded[PERFTRACE_BATCH_CALLS];
    size_t recorded_count, metric_count;
    struct perftrace_value metrics[PERFTRACE_BATCH_METRICS]; /* that are numbers, of all calls */
    /* What the calls lie in, until the next batch. */
    struct perftrace_kept *kept;
    struct perftrace_waiting *chunks;
    size_t chunk_bytes;
    struct perftrace_values values; /* of the call filled last; the whole call's are the stream's */
};

#endif
