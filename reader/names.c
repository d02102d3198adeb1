/* Arrays with room for one more. */
#include "names.h"

#include <stdlib.h>
#include <string.h>

void *perftrace_names_grow_list(struct perftrace_budget *budget, void *list, size_t count, size_t *capacity) {
    if (count < *capacity)
        return list;
    size_t wanted = *capacity == 0 ? 64 : *capacity * 2;
    if (!perftrace_budget_take(budget, (wanted - *capacity) * sizeof(void *)))
        return NULL;
    void *larger = realloc(list, wanted * sizeof(void *));
    if (larger == NULL)
        perftrace_budget_give(budget, (wanted - *capacity) * sizeof(void *));
    else
        *capacity = wanted;
    return larger;
}

void *perftrace_names_grow_keys(struct perftrace_arena *arena, struct perftrace_site_info *site,
                                const void *keys, size_t key_bytes,
                                struct perftrace_argument_info **arguments, uint8_t *capacity) {
    size_t count = site->argument_count;
    if (count == PERFTRACE_NAMES_KEYS_MAX)
        return NULL;
    size_t wanted = count == 0 ? 4 : count < 128 ? count * 2 : PERFTRACE_NAMES_KEYS_MAX;
    void *more_keys = perftrace_arena_take(arena, wanted * key_bytes);
    struct perftrace_argument_info *more = perftrace_arena_take(arena, wanted * sizeof *more);
    if (more_keys == NULL || more == NULL)
        return NULL;
    if (count != 0) {
        memcpy(more_keys, keys, count * key_bytes);
        memcpy(more, *arguments, count * sizeof *more);
    }
    site->arguments = *arguments = more;
    *capacity = (uint8_t)wanted;
    return more_keys;
}
