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

struct compare_span;

struct compare_options {
    double threshold; /* as a share: 0.02 */
    double alpha;     /* how probable it may be that any span is said to be slower or faster that is not */
    bool pairs;       /* the first of base and the first of head ran one after the other, and so on */
    size_t base_count, head_count; /* runs; of pairs as many of each */
    struct compare_span *
        whole; /* or NULL: filled in with the answer about what all spans share (its inputs are not looked at) */
};

struct compare_span {
    const double *base, *head; /* a figure of each run, > 0 */
    double weight; /* its time in all runs: those that take as long are looked at for how much spans spread */

    /* The answer: */
    enum compare_answer answer;
    double change, lower,
        upper; /* as a share: 0.05 is 5 % slower. Each bound alone is passed by the true change with probability alpha */
    double p_slower, p_faster; /* after the adjustment for all that was asked, each way; one of them is 1 */
    /* The change is that by which it differs from what all spans share, which may be the machine's (see below). */
    bool relative;
};

/* Slower: no change at all is improbable, for all spans together (statistics/together.h),
 * and the lower bound of the change (Hodges and Lehmann's, of runs whose outliers are drawn in) exceeds the threshold. Pairs
 * that are so few that their signs could not tell, eight or fewer with the usual alpha, are taken for two sets of runs.
 *
 * What all spans share in a run is for the most part the machine: another program on it, the weather, the frequency. So of five
 * spans or more it is also asked how each differs from what they share, the median over spans (weighted by how little they vary),
 * as sizes of samples are told from genes that most are alike (S. Anders, W. Huber, Genome Biology 11, 2010). Whether
 * what they share has changed is a question of its own, `whole`: if that is certain, its bounds are added to those of
 * the spans; if it is not, a span's bounds reach from the change without it to that with it, as it is estimated. So
 * nothing is called slower because everything else has become faster. 0, or -1 without memory. */
int compare(struct compare_span *spans, size_t count, const struct compare_options *options);

/* How many runs of each side it takes so that a difference can become certain: of any number of spans. */
size_t compare_runs_needed(const struct compare_options *options);

#endif
