/* Args that have come before. */
#include "chrome_json_seen.h"

#include <stdlib.h>

/* Asking costs time, which is only saved where the answer is yes. */
enum { JUDGED_AFTER = 4096, FOUND_MIN = JUDGED_AFTER / 8, PAUSE = 16 * JUDGED_AFTER };

static inline struct perftrace_json_seen_args *set_of(const struct perftrace_json_seen *seen,
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

static inline uint64_t word_at(const char *bytes) {
    uint64_t word;
    memcpy(&word, bytes, sizeof word);
    return word;
}

/* As perftrace_hash_wide, but that each half is of every other 16 bytes only until they come together, for which there are half as many
 * multiplications, and as many at once. Nobody can make two texts that are the same in a half of 64 bits, and few are compared. */
static void hash_args(const uint64_t secret[2], const char *bytes, size_t length, uint64_t hash[2]) {
    const uint64_t other = secret[0] * UINT64_C(0x9e3779b97f4a7c15) + UINT64_C(0x8ebc6af09c88c6e3);
    const uint64_t another = secret[1] * UINT64_C(0x9e3779b97f4a7c15) + UINT64_C(0x8ebc6af09c88c6e3);
    uint64_t one = secret[0] ^ length * UINT64_C(0x589965cc75374cc3), two = secret[1];
    if (length < 32) {
        perftrace_hash_wide(secret, bytes, length, hash);
        return;
    }
    const char *last = bytes + length - 32; /* the last 32 bytes may overlap those before */
    for (; bytes < last; bytes += 32) {
        one = perftrace_hash_mix(word_at(bytes) ^ one, word_at(bytes + 8) ^ other);
        two = perftrace_hash_mix(word_at(bytes + 16) ^ two, word_at(bytes + 24) ^ another);
    }
    one = perftrace_hash_mix(word_at(last) ^ one, word_at(last + 8) ^ other);
    two = perftrace_hash_mix(word_at(last + 16) ^ two, word_at(last + 24) ^ another);
    hash[0] = perftrace_hash_mix(one ^ secret[1], two ^ other);
    hash[1] = perftrace_hash_mix(two ^ secret[0], one ^ another);
}

struct perftrace_json_seen_args *perftrace_json_seen_find(struct perftrace_json_seen *seen, const char *args,
                                                          size_t length, uint64_t hash[2]) {
    hash_args(seen->secret, args, length, hash);
    struct perftrace_json_seen_args *set = set_of(seen, hash);
    for (unsigned way = 0; way < PERFTRACE_JSON_SEEN_WAYS; way++)
        if (set[way].site != NULL && set[way].hash[0] == hash[0] && set[way].hash[1] == hash[1]) {
            seen->found++;
            return &set[way];
        }
    return NULL;
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
