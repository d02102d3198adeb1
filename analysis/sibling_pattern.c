/* A table by the parent's function, shape and path. */
#include "sibling_pattern.h"

#include "../core/hash.h"

#include <stdlib.h>

uint64_t sibling_pattern_key(uint64_t key, uint32_t function, uint32_t shape, uint32_t path) {
    return perftrace_hash_number(perftrace_hash_number(key, pair_key(function, shape)), path);
}

uint32_t sibling_pattern_of(struct sibling_patterns *patterns, struct analysis *analysis,
                            const struct sibling_shapes *shapes, uint32_t function,
                            const struct sibling *first) {
    uint64_t key = sibling_pattern_key(shapes->key, function, first->shape, first->path);
    uint32_t index = pair_table_find(&patterns->table, key);
    if (index != INTERN_NONE)
        return index;
    /* About what the tables grow by for one. */
    if (!perftrace_budget_take(&analysis->budget, 2 * (sizeof *patterns->patterns + 3 * sizeof(uint64_t))) ||
        array_reserve((void **)&patterns->patterns, patterns->table.count, &patterns->capacity,
                      sizeof *patterns->patterns) != 0)
        return INTERN_NONE;
    index = pair_table_add(&patterns->table, key);
    if (index != INTERN_NONE)
        patterns->patterns[index] = (struct sibling_pattern){.finding = INTERN_NONE};
    return index;
}

bool sibling_pattern_is_open(const struct sibling_patterns *patterns, uint32_t pattern) {
    return pattern == INTERN_NONE || patterns->patterns[pattern].streak < SIBLING_PATTERN_SETTLED ||
           patterns->patterns[pattern].parents % SIBLING_PATTERN_SETTLED == 0;
}

static bool is_same(const struct sibling_judgement *a, const struct sibling_judgement *b) {
    return a->verdict == b->verdict && a->parameter == b->parameter &&
           (a->verdict != SIBLING_LOOK_ALIKE || a->what == b->what);
}

struct sibling_judgement sibling_pattern_judge(struct sibling_patterns *patterns,
                                               const struct analysis *analysis, struct sibling_shapes *shapes,
                                               const struct sibling_group *group,
                                               const struct sibling_parent *parent) {
    struct sibling_judgement judgement = {.verdict = SIBLING_NOTHING};
    if (!sibling_group_is_loop(group) || sibling_differing(shapes, group) < 0)
        return judgement;
    if (group->pattern == INTERN_NONE)
        return sibling_judge(analysis, shapes, group, parent);
    struct sibling_pattern *pattern = &patterns->patterns[group->pattern];
    pattern->parents++;
    if (!group->closely && pattern->judgement.parameter == (uint32_t)sibling_differing(shapes, group))
        return pattern->judgement;
    if (!group->closely)
        return judgement;
    judgement = sibling_judge(analysis, shapes, group, parent);
    bool same = is_same(&judgement, &pattern->judgement);
    pattern->streak = !same                                       ? 0
                      : pattern->streak < SIBLING_PATTERN_SETTLED ? pattern->streak + 1
                                                                  : pattern->streak;
    pattern->judgement = judgement;
    if (!same)
        pattern->finding = INTERN_NONE;
    return judgement;
}

void sibling_patterns_free(struct sibling_patterns *patterns) {
    pair_table_free(&patterns->table);
    free(patterns->patterns);
    *patterns = (struct sibling_patterns){0};
}
