/* What groups of one shape under parents of one function have been so far: where it has been the same for many
 * parents, the next ones need not be looked at closely. */
#ifndef PERFTRACE_ANALYSIS_SIBLING_PATTERN_H
#define PERFTRACE_ANALYSIS_SIBLING_PATTERN_H

#include "sibling_group.h"

#define SIBLING_PATTERN_SETTLED 16u /* parents in a row; from then on each sixteenth is looked at closely */

struct sibling_pattern {
    struct sibling_judgement judgement; /* of the last */
    uint32_t streak;                    /* parents with the same, up to SIBLING_PATTERN_SETTLED */
    uint32_t parents;
    uint32_t finding; /* of the results; INTERN_NONE: none yet */
};

/* Zero-initialised is empty. */
struct sibling_patterns {
    struct pair_table table;
    struct sibling_pattern *patterns; /* by number */
    uint32_t capacity;
};

/* A hash of what groups under parents of `function` have in common. */
uint64_t sibling_pattern_key(uint64_t key, uint32_t function, uint32_t shape, uint32_t path);
/* The number of what is known of groups like this under parents of `function`; INTERN_NONE without room. */
uint32_t sibling_pattern_of(struct sibling_patterns *patterns, struct analysis *analysis,
                            const struct sibling_shapes *shapes, uint32_t function,
                            const struct sibling *first);
/* Whether the next parent's calls have to be looked at closely. */
bool sibling_pattern_is_open(const struct sibling_patterns *patterns, uint32_t pattern);
/* The group's judgement: as always, or by looking. */
struct sibling_judgement sibling_pattern_judge(struct sibling_patterns *patterns,
                                               const struct analysis *analysis, struct sibling_shapes *shapes,
                                               const struct sibling_group *group,
                                               const struct sibling_parent *parent);
void sibling_patterns_free(struct sibling_patterns *patterns);

#endif
