/* A promise and what was measured for it: kept, broken, or not to be told yet. */
#ifndef PERFTRACE_ANALYSIS_JUDGE_H
#define PERFTRACE_ANALYSIS_JUDGE_H

#include "promise.h"
#include "samples.h"

enum verdict { VERDICT_PASS, VERDICT_FAIL, VERDICT_INCONCLUSIVE };

#define JUDGE_NEVER_KNOWN UINT64_MAX

struct judged {
    enum verdict verdict;
    double value; /* the statistic, of all samples together */
    double lower,
        upper; /* of a percentile, mean or growth: each is passed by the true one with probability alpha at most */
    double p_value;    /* of the verdict; 1 where it is exact and no chance is involved */
    double dependence; /* so many samples tell as much as one independent one */
    double allowed;    /* of a percentile: so many samples may pass the limit */
    /* Inconclusive for want of samples: about so many more would decide; or JUDGE_NEVER_KNOWN. */
    uint64_t more;
    bool more_runs; /* inconclusive for want of runs */
};

/* Of times that are not compared with a baseline, a percentile (but for tails, p98 and beyond) or mean that is nearer to its limit than whole runs differ (3 %, less of several) is inconclusive, and
 * more runs would tell: one run tells of itself only.
 * `alpha`: how probable a wrong verdict may be. Without samples it is inconclusive. 0, or -1 without memory. */
int judge(const struct promise *promise, const struct samples *samples, double alpha, struct judged *judged);

#endif
