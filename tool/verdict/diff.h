/* Two sets of runs compared: what `perftrace diff` does, but for its options. Who wants to show more of it than findings do finds all
 * figures in `runs` (of each span and each path in each run) and `changes`. */
#ifndef PERFTRACE_TOOL_DIFF_H
#define PERFTRACE_TOOL_DIFF_H

#include "../../analysis/changes.h"
#include "../support/input.h"
#include "findings.h"

struct diff_input {
    const char *path;
    char why[INPUT_WHY_MAX]; /* what is missing in it; empty: nothing */
    uint64_t began_ns;       /* when it was recorded, since 1970; 0: not known */
    bool inexact;            /* memory did not suffice to tell all its calls apart */
};

/* Where a span is recorded. */
struct diff_place {
    const char *file; /* NULL: not known */
    unsigned line;
    bool of_head;
};

struct diff {
    const struct input_list *sides[RUNS_SIDES];
    struct changes_options options;
    bool counts_fail; /* more calls, or more repeated ones, are a regression */
    uint64_t memory;  /* that reading a run may take */
    /* Filled in by diff_inputs: */
    struct runs runs; /* those of base first */
    struct changes changes;
    struct diff_input *inputs; /* by run */
    struct diff_place *places; /* by function */
    struct perftrace_arena texts;
};

/* Reads all inputs and compares them. -1 after an error message: one can't be read, or the sides have no span in common. */
int diff_inputs(struct diff *diff);
/* What has changed, those that matter most first; and what has not. -1 without memory. */
int diff_judge(const struct diff *diff, struct findings *findings);
void diff_close(struct diff *diff);

/* The page of `diff --html`: the findings, and a flame graph of both sides. 0, or -1 without memory; failed writes are the file's affair. */
int diff_page(const struct diff *diff, const struct findings *findings, FILE *out);

/* ---- between its files -------------------------------------------------------------------------------- */

/* What is said of a change: "5.2 % slower, …", and so on; added to `text`. */
void diff_say_time(const struct diff *diff, const struct change *change, struct perftrace_buffer *text);
/* A line: the path where most of the difference is; nothing where there is only one. */
void diff_say_where(const struct diff *diff, const struct change *change, struct perftrace_buffer *text);
void diff_say_presence(const struct diff *diff, const struct change *change, struct perftrace_buffer *text);
void diff_say_calls(const struct diff *diff, const struct change *change, struct perftrace_buffer *text);
void diff_say_repeated(const struct diff *diff, const struct change *change, struct perftrace_buffer *text);
/* Who calls it now, and did not, and the other way round. False: nothing of the kind. */
bool diff_say_callers(const struct diff *diff, const struct change *change, struct perftrace_buffer *text);
/* Lines: all spans together, what is not listed, how it was compared. */
void diff_say_notes(const struct diff *diff, struct perftrace_buffer *text);
/* One line without its end: how many spans are slower, and so on. */
void diff_say_summary(const struct diff *diff, const struct findings *findings,
                      struct perftrace_buffer *text);

#endif
