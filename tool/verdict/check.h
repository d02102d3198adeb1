/* A budget held against inputs: what `perftrace check` does, but for its options. */
#ifndef PERFTRACE_TOOL_CHECK_H
#define PERFTRACE_TOOL_CHECK_H

#include "../../analysis/explain.h"
#include "../../analysis/intern.h"
#include "../../analysis/measure.h"
#include "../support/input.h"
#include "baseline.h"
#include "budget_file.h"
#include "findings.h"

enum { CHECK_NAMES_MAX = 4096, CHECK_DETAILS_PARTS = 8, CHECK_TRACKS = 1 << 16 };

/* What is wrong with an input, so that nothing that is in it is a pass; empty: nothing. */
struct check_input {
    char why[INPUT_WHY_MAX];
};

struct check {
    const struct budget_file *budget;
    const char *budget_path;
    const struct input_list *inputs;
    const struct baseline *baseline; /* or NULL */
    bool renew;                      /* relative promises are not held against it: it is made anew */
    double alpha;
    uint64_t memory; /* that all of it is to take at most */
    /* Filled in by check_inputs: */
    struct promise *promises; /* of the budget; those that refer to the baseline have their limits by it … */
    bool *unlimited;          /* … but for these, that have none there */
    struct measure *measure;
    struct check_input *states; /* of each input */
    struct text_table names;    /* of what recorded; owner: the kind of site, or CHECK_TRACKS */
    uint64_t gpu_tracks;
    bool redundant_inexact;            /* memory did not suffice to tell all parameters apart */
    struct perftrace_buffer redundant; /* lines: what is repeated most */
};

/* Reads all inputs. -1 after an error message: one can't be read. */
int check_inputs(struct check *check);
/* One finding for each promise, in their order. -1 without memory. */
int check_judge(struct check *check, struct findings *findings);
void check_close(struct check *check);

/* ---- between its files -------------------------------------------------------------------------------- */

/* What reading an input may take of check->memory, and all that is made of it but for what is measured. */
uint64_t check_memory_of_input(const struct check *check);

/* A value of what a promise is about, with its unit. */
enum { CHECK_VALUE_MAX = 96 };
void check_value_text(const struct promise *promise, double value, char text[CHECK_VALUE_MAX]);
/* "frames", "calls", "calls of load": what one sample is. */
void check_samples_name(const struct promise *promise, uint64_t count, struct perftrace_buffer *text);
/* Names like that one among sites of that kind, or CHECK_TRACKS: "; there is A, B, C", or nothing. */
void check_nearest(const struct check *check, unsigned kind, const char *name, struct perftrace_buffer *text);

/* Lines on the worst samples of a broken promise, and what they did that the median one did not: read from the inputs a second time, for
 * all promises at once. `parts` of the findings are filled in, too. -1 without memory; an input that can't be read again is
 * told of in a warning. */
struct check_broken {
    size_t promise;
    struct finding *finding;
};
int check_explain(const struct check *check, struct findings *findings, const struct check_broken *broken,
                  size_t count);

#endif
