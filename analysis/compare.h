/* Two sets of runs, span by span: which spans have become slower or faster. Pure figures; who runs what is not its affair. */
#ifndef PERFTRACE_ANALYSIS_COMPARE_H
#define PERFTRACE_ANALYSIS_COMPARE_H

#include <stdbool.h>
#include <stddef.h>

enum compare_answer {
    COMPARE_SAME,    /* any difference is within the threshold */
    COMPARE_UNCLEAR, /* there may be one beyond it, but it is not certain */
    COMPARE_SLOWER,
    COMPARE_FASTER,
    COMPARE_TOO_FEW, /* runs: no difference whatsoever could be certain */
};

struct compare_options {
    double threshold; /* as a share: 0.02 */
    double alpha;     /* how probable it may be that any span is said to be slower that is not */
    bool pairs;       /* the first of base and the first of head ran one after the other, and so on */
    size_t base_count, head_count; /* runs */
};

struct compare_span {
    const double *base, *head; /* a figure of each run, > 0 */
    double weight; /* which spans are asked about first, where not all can be: their time in all runs */

    /* The answer: */
    enum compare_answer answer;
    double change, lower,
        upper; /* as a share: 0.05 is 5 % slower. Bounds as in struct shift; of pairs, where there are pairs */
    double p_slower, p_faster; /* after the adjustment for all that was asked */
};

/* Slower: the lower bound of the change exceeds the threshold, and no change at all is improbable after Holm's adjustment for all
 * spans, by Mann and Whitney's test. That test is not misled by pairs (what they share makes it careful), nor by a run that something else held up, but it
 * does not see through a machine that drifts more than the program has changed. Signed ranks of pairs do; yet n pairs never
 * give a probability below 2^-n, which is not improbable enough where many are asked. So a fifth of alpha is theirs, for as many spans as
 * they can tell of: those that weigh most, which does not depend on how they have changed. 0, or -1 without memory. */
int compare(struct compare_span *spans, size_t count, const struct compare_options *options);

/* How many runs of each side it takes so that a difference of any of `count` spans can become certain. */
size_t compare_runs_needed(size_t count, const struct compare_options *options);

#endif
