/* A part of the analysis: one thing that is asked of all calls. It is given each, keeps what it needs of them, and answers when
 * there are no more. Its file is named in list.h; its header says what it has found, and how to get it. */
#ifndef PERFTRACE_ANALYSIS_PART_H
#define PERFTRACE_ANALYSIS_PART_H

#include "collect.h"

/* `state` is the part's own, of state_bytes, zeros at first. All but state_bytes may be left out. */
struct analysis_part {
    size_t state_bytes;
    /* 0, or -PERFTRACE_ERROR_MEMORY; so is what comes below. */
    int (*open)(const struct analysis *analysis, void *state); /* options are known */
    int (*add)(struct analysis *analysis, void *state, const struct analysis_call *call);
    /* What belongs together is within one input: open spans, call numbers. */
    int (*end_input)(struct analysis *analysis, void *state);
    int (*finish)(struct analysis *analysis, void *state);
    void (*close)(void *state);
};

#endif
