/* Samples of one promise. Sums, extremes and how many pass the limit are of all; of the values as many are kept as there is room
 * for, every second, fourth … of them, which leaves them in order. */
#ifndef PERFTRACE_ANALYSIS_SAMPLES_H
#define PERFTRACE_ANALYSIS_SAMPLES_H

#include "promise.h"

#include <stddef.h>
#include <stdint.h>

enum { SAMPLES_KEPT_MAX = 1 << 16, SAMPLES_WORST_MAX = 3 };

/* Where a sample comes from: what `explain` looks at again. */
struct sample {
    double value;
    uint64_t start_ns, end_ns; /* of a frame or second */
    uint64_t number;           /* of a call, in its input; of a frame: which, from 1 */
    uint32_t input;            /* from 0 */
    uint32_t track;
};

struct samples_run {
    uint64_t count, passed;
    double sum;
};

struct samples {
    uint64_t count, passed; /* in all; beyond the limit */
    double sum, min, max;
    struct sample *kept; /* every `stride`th */
    uint32_t kept_count, kept_capacity;
    uint32_t kept_max;     /* if there is room for less than SAMPLES_KEPT_MAX of them; else 0 */
    uint64_t stride, skip; /* and how many are to be left out before the next */
    struct sample worst
        [SAMPLES_WORST_MAX]; /* the worst first: the largest, or, where the limit is a least value, the smallest */
    uint32_t worst_count;
    struct samples_run *runs;
    uint32_t run_count, run_capacity;
};

/* Zero-initialised is empty. Samples of one run follow samples_begin_run. 0, or -1 without memory. */
int samples_begin_run(struct samples *samples);
int samples_add(struct samples *samples, const struct promise *promise, const struct sample *sample);
/* The one in the middle of those that were kept, by value and then by how long it took, or NULL. */
const struct sample *samples_median(const struct samples *samples);
void samples_free(struct samples *samples);

#endif
