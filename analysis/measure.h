/* What a budget's promises are about, measured: items of runs in, samples of each promise out. One pass over all of them. */
#ifndef PERFTRACE_ANALYSIS_MEASURE_H
#define PERFTRACE_ANALYSIS_MEASURE_H

#include "../include/perftrace_reader.h"
#include "judge.h"

/* What came of one promise. */
struct measured {
    struct samples samples;
    /* Calls of its span, marks of its frame, values of its counter …, in all runs, left out or not. */
    uint64_t seen;
    uint64_t scopes;      /* frames, or calls of the span that it is per */
    uint64_t tracks;      /* of `seen`, on a track that it asks for */
    uint64_t with_metric; /* and had the metric */
    uint64_t lost;        /* of `seen`, and of frames: those that there was no memory to count in a figure */
    char file[256];       /* of that site, or empty */
    uint32_t line;
};

struct measure;

/* The promises are the caller's. What is kept of the inputs takes `bytes_max` at most, about; 0: as much as there is. NULL without
 * memory. */
struct measure *measure_open(const struct promise *promises, size_t count, size_t bytes_max);
/* The kinds of items that it does nothing with, as PERFTRACE_ITEM_BITs. */
uint32_t measure_unwanted(const struct measure *measure);

/* A run is all items of one input. 0, or -PERFTRACE_ERROR_MEMORY; so are those below. */
int measure_begin_run(struct measure *measure);
int measure_item(struct measure *measure, const struct perftrace_item *item);
int measure_end_run(struct measure *measure);
/* A figure of the run that somebody else has counted: redundant calls. */
int measure_figure(struct measure *measure, size_t promise, double value);

const struct measured *measure_result(const struct measure *measure, size_t promise);
void measure_close(struct measure *measure); /* NULL: nothing happens */

#endif
