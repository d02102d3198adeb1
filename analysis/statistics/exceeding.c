/* The binomial test on samples beyond a limit, and how many samples it takes to decide. */
#include "exceeding.h"

#include "distributions.h"

#include <math.h>

#define SAMPLES_MAX 1e12 /* nobody waits for more */

/* Of dependent samples, as many as they are worth are tested; what is rounded is rounded to the side of not knowing. */
static double p_rarely(double samples, double exceed, double allowed, double dependence) {
    return statistics_binomial_at_most((uint64_t)floor(samples / dependence),
                                       (uint64_t)ceil(exceed / dependence), allowed);
}

static double p_often(double samples, double exceed, double allowed, double dependence) {
    return statistics_binomial_at_least((uint64_t)ceil(samples / dependence),
                                        (uint64_t)floor(exceed / dependence), allowed);
}

/* How many samples it takes, if the same share of them exceeds. */
static double enough(double share, double allowed, double dependence, double alpha) {
    double low = 1, high = 1;
    for (;; high *= 2) {
        double p = share < allowed ? p_rarely(high, share * high, allowed, dependence)
                                   : p_often(high, share * high, allowed, dependence);
        if (p <= alpha)
            break;
        if (high > SAMPLES_MAX)
            return INFINITY;
        low = high;
    }
    while (high - low > 1) {
        double middle = floor((low + high) / 2);
        double p = share < allowed ? p_rarely(middle, share * middle, allowed, dependence)
                                   : p_often(middle, share * middle, allowed, dependence);
        if (p <= alpha)
            high = middle;
        else
            low = middle;
    }
    return high;
}

struct exceeding statistics_exceeding(uint64_t samples, uint64_t exceed, double allowed, double dependence,
                                      double alpha) {
    dependence = dependence > 1 ? dependence : 1;
    double rarely = samples > 0 ? p_rarely((double)samples, (double)exceed, allowed, dependence) : 1;
    double often = samples > 0 ? p_often((double)samples, (double)exceed, allowed, dependence) : 1;
    if (rarely <= alpha)
        return (struct exceeding){EXCEEDING_RARELY, rarely, 0};
    if (often <= alpha)
        return (struct exceeding){EXCEEDING_OFTEN, often, 0};
    struct exceeding result = {EXCEEDING_UNDECIDED, rarely < often ? rarely : often, EXCEEDING_NEVER_KNOWN};
    double needed = enough(samples > 0 ? (double)exceed / (double)samples : 0, allowed, dependence, alpha);
    if (needed <= SAMPLES_MAX)
        result.more = needed > (double)samples ? (uint64_t)needed - samples : 1;
    return result;
}
