/* A part of the analysis: one thing that is asked of all calls. It is given them, many at once, keeps what it needs of them, and answers
 * when there are no more. It may be given them while another part is, by another thread (rounds.h): all that is not its own but the budget
 * it only reads. Its file is named in list.h; its header says what it has found, and how to get it. */
#ifndef PERFTRACE_ANALYSIS_PART_H
#define PERFTRACE_ANALYSIS_PART_H

#include "collect.h"

/* `state` is the part's own, of state_bytes, zeros at first. All but state_bytes and add may be left out. */
struct analysis_part {
    size_t state_bytes;
    /* 0, or -PERFTRACE_ERROR_MEMORY; so is what comes below. */
    int (*open)(const struct analysis *analysis, void *state); /* options are known */
    /* Whether it has anything to do with calls, by the options; left out: always. */
    bool (*wants)(const struct analysis *analysis);
    /* `count` calls, at least one. */
    int (*add)(struct analysis *analysis, void *state, const struct analysis_call *calls, size_t count);
    /* The same of calls that count for nothing: options.selection leaves them out, or they have no end (elapsed_ns is up to the last thing
     * known of their track). But a part may be waiting for one: its children, or a call that it is the parent of, may count; what is
     * kept by its slot is given up. question, signature and edge are INTERN_NONE. */
    int (*left_out)(struct analysis *analysis, void *state, const struct analysis_call *calls, size_t count);
    /* The same of calls that count, but whose parameters there is no memory to keep: question and signature are INTERN_NONE, and edge may
     * be. Left out: they are as those above. */
    int (*unkept)(struct analysis *analysis, void *state, const struct analysis_call *calls, size_t count);
    /* add, left_out and unkept look at nothing but the calls, options and the part's own: the model may grow meanwhile, unless
     * analysis_stands_still. */
    bool apart;
    /* What belongs together is within one input: open spans, call numbers, slots, all of which are given up after it. */
    int (*end_input)(struct analysis *analysis, void *state);
    int (*finish)(struct analysis *analysis, void *state);
    /* Adds a line (with its end) on what it could not keep exact within analysis.budget, and by how much that is off; nothing
     * where all is exact. A part never fails for want of budget: it goes on with less. */
    void (*approximated)(const struct analysis *analysis, const void *state, struct perftrace_buffer *text);
    void (*close)(void *state);
};

#endif
