/* Keeping samples: all of them as sums, some of them as they are. */
#include "samples.h"

#include "intern.h"

#include <stdlib.h>
#include <string.h>

int samples_begin_run(struct samples *samples) {
    if (array_reserve((void **)&samples->runs, samples->run_count, &samples->run_capacity,
                      sizeof *samples->runs) != 0)
        return -1;
    samples->runs[samples->run_count++] = (struct samples_run){0};
    return 0;
}

static void keep_worst(struct samples *samples, const struct promise *promise, const struct sample *sample) {
    bool ceiling = promise_has_ceiling(promise);
    uint32_t at = samples->worst_count;
    while (at > 0 && (ceiling ? sample->value > samples->worst[at - 1].value
                              : sample->value < samples->worst[at - 1].value))
        at--;
    if (at >= SAMPLES_WORST_MAX)
        return;
    uint32_t last = samples->worst_count < SAMPLES_WORST_MAX ? samples->worst_count : SAMPLES_WORST_MAX - 1;
    memmove(samples->worst + at + 1, samples->worst + at, (last - at) * sizeof *samples->worst);
    samples->worst[at] = *sample;
    samples->worst_count = last + 1;
}

/* Every second one of those that are kept goes. */
static void thin_out(struct samples *samples) {
    for (uint32_t i = 0; i < samples->kept_count / 2; i++)
        samples->kept[i] = samples->kept[(size_t)i * 2];
    samples->kept_count /= 2;
    samples->stride *= 2;
}

static int keep(struct samples *samples, const struct sample *sample) {
    if (samples->skip > 0) {
        samples->skip--;
        return 0;
    }
    if (samples->stride == 0)
        samples->stride = 1;
    if (samples->kept_count == (samples->kept_max != 0 ? samples->kept_max : SAMPLES_KEPT_MAX))
        thin_out(samples);
    if (array_reserve((void **)&samples->kept, samples->kept_count, &samples->kept_capacity,
                      sizeof *samples->kept) != 0)
        return -1;
    samples->kept[samples->kept_count++] = *sample;
    samples->skip = samples->stride - 1;
    return 0;
}

int samples_add(struct samples *samples, const struct promise *promise, const struct sample *sample) {
    struct samples_run *run = &samples->runs[samples->run_count - 1];
    bool passed = promise_is_passed(promise, sample->value);
    if (samples->count == 0)
        samples->min = samples->max = sample->value;
    samples->min = sample->value < samples->min ? sample->value : samples->min;
    samples->max = sample->value > samples->max ? sample->value : samples->max;
    samples->sum += sample->value;
    samples->count++;
    samples->passed += passed;
    run->count++;
    run->passed += passed;
    run->sum += sample->value;
    keep_worst(samples, promise, sample);
    return keep(samples, sample);
}

static int by_value(const void *left, const void *right) {
    const struct sample *a = *(const struct sample *const *)left, *b = *(const struct sample *const *)right;
    if (a->value < b->value || a->value > b->value)
        return a->value < b->value ? -1 : 1;
    uint64_t of_a = a->end_ns - a->start_ns, of_b = b->end_ns - b->start_ns;
    return of_a != of_b ? (of_a > of_b) - (of_a < of_b) : (a > b) - (a < b);
}

const struct sample *samples_median(const struct samples *samples) {
    if (samples->kept_count == 0)
        return NULL;
    const struct sample **sorted = malloc(samples->kept_count * sizeof *sorted);
    if (sorted == NULL)
        return NULL;
    for (uint32_t i = 0; i < samples->kept_count; i++)
        sorted[i] = &samples->kept[i];
    qsort(sorted, samples->kept_count, sizeof *sorted, by_value);
    const struct sample *median = sorted[(samples->kept_count - 1) / 2];
    free(sorted);
    return median;
}

void samples_free(struct samples *samples) {
    free(samples->kept);
    free(samples->runs);
    *samples = (struct samples){0};
}
