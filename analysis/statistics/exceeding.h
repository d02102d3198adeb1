/* Whether a percentile keeps a limit, told from how many samples exceed it: the exact one-sided binomial test. */
#ifndef PERFTRACE_ANALYSIS_EXCEEDING_H
#define PERFTRACE_ANALYSIS_EXCEEDING_H

#include <stdint.h>

enum exceeding_answer { EXCEEDING_RARELY, EXCEEDING_OFTEN, EXCEEDING_UNDECIDED };

#define EXCEEDING_NEVER_KNOWN UINT64_MAX

struct exceeding {
    enum exceeding_answer answer;
    double p_value; /* of what was answered; undecided: the smaller of both */
    /* Undecided: about so many more samples would decide it, if they were as these are; or EXCEEDING_NEVER_KNOWN. */
    uint64_t more;
};

/* Of `samples`, `exceed` were beyond the limit, which a share of `allowed` (of 0.01, say) may be. RARELY: were the true share `allowed` or
 * more, then so few would be seen with probability `alpha` at most. OFTEN: were it `allowed` or less, then so many would.
 * `dependence` (1 or more): so many samples tell as much as one independent one does (dependence.h). */
struct exceeding statistics_exceeding(uint64_t samples, uint64_t exceed, double allowed, double dependence,
                                      double alpha);

#endif
