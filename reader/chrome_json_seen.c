/* Args that have come before. */
#include "chrome_json_seen.h"

#include <stdlib.h>

/* Asking costs about a tenth of what is saved where the answer is yes. */
enum { JUDGED_AFTER = 4096, FOUND_MIN = JUDGED_AFTER / 8, PAUSE = 16 * JUDGED_AFTER };

static struct perftrace_json_seen_args *set_of(const struct perftrace_json_seen *seen,
                                               const uint64_t hash[2]) {
    return seen->sets[hash[0] % PERFTRACE_JSON_SEEN_SETS];
}

static bool make_sets(struct perftrace_json_seen *seen) {
    size_t bytes = PERFTRACE_JSON_SEEN_SETS * sizeof *seen->sets;
    if (!perftrace_budget_take(seen->arena.budget, bytes))
        return false;
    seen->sets = calloc(PERFTRACE_JSON_SEEN_SETS, sizeof *seen->sets);
    if (seen->sets == NULL)
        perftrace_budget_give(seen->arena.budget, bytes);
    return seen->sets != NULL;
}

bool perftrace_json_seen_pays(struct perftrace_json_seen *seen) {
    if (seen->pause > 0) {
        seen->pause--;
        return false;
    }
    if (seen->asked++ < JUDGED_AFTER)
        return seen->sets != NULL || make_sets(seen);
    seen->pause = seen->found < FOUND_MIN ? PAUSE : 0;
    seen->asked = seen->found = 0;
    return false;
}

bool perftrace_json_seen_find(struct perftrace_json_seen *seen, const char *args, size_t length,
                              uint64_t hash[2]) {
    perftrace_hash_wide(seen->secret, args, length, hash);
    const struct perftrace_json_seen_args *set = set_of(seen, hash);
    for (unsigned way = 0; way < PERFTRACE_JSON_SEEN_WAYS; way++)
        if (set[way].site != NULL && set[way].hash[0] == hash[0] && set[way].hash[1] == hash[1]) {
            seen->found++;
            return true;
        }
    return false;
}

struct perftrace_json_seen_args *perftrace_json_seen_place(struct perftrace_json_seen *seen,
                                                           const uint64_t hash[2],
                                                           const struct perftrace_json_site *site,
                                                           bool metrics) {
    struct perftrace_json_seen_args *set = set_of(seen, hash);
    for (unsigned way = 0; way < PERFTRACE_JSON_SEEN_WAYS; way++)
        if (set[way].site == site && set[way].metrics == metrics && set[way].hash[0] == hash[0] &&
            set[way].hash[1] == hash[1])
            return &set[way];
    unsigned free = 0;
    while (free < PERFTRACE_JSON_SEEN_WAYS && set[free].site != NULL)
        free++;
    if (free == PERFTRACE_JSON_SEEN_WAYS)
        free = seen->next_way++ % PERFTRACE_JSON_SEEN_WAYS;
    set[free] =
        (struct perftrace_json_seen_args){.hash = {hash[0], hash[1]}, .site = site, .metrics = metrics};
    return NULL;
}

void perftrace_json_seen_free(struct perftrace_json_seen *seen) {
    free(seen->sets);
    perftrace_arena_free(&seen->arena);
}
