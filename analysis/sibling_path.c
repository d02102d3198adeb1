/* A path is its first function, and the rest of it. */
#include "sibling_path.h"

#include <string.h>

static uint32_t add_longer(struct sibling_paths *paths, struct perftrace_budget *budget, uint64_t key) {
    uint32_t index = pair_table_find(&paths->longer, key);
    /* About what the table grows by for one. */
    if (index == INTERN_NONE && perftrace_budget_take(budget, 6 * sizeof(uint64_t)))
        index = pair_table_add(&paths->longer, key);
    return index < SIBLING_PATH_LONGER - 1 ? SIBLING_PATH_LONGER + index : SIBLING_PATH_NONE;
}

uint32_t sibling_path_add(struct sibling_paths *paths, struct perftrace_budget *budget, uint32_t function,
                          uint32_t rest) {
    if (rest == SIBLING_PATH_DIRECT)
        return sibling_path_of(function);
    uint64_t key = pair_key(function, rest);
    if (paths->last != 0 && paths->last_key == key)
        return paths->last;
    uint32_t path = add_longer(paths, budget, key);
    if (path != SIBLING_PATH_NONE) {
        paths->last_key = key;
        paths->last = path;
    }
    return path;
}

uint32_t sibling_path_functions(const struct sibling_paths *paths, uint32_t path,
                                uint32_t functions[SIBLINGS_THROUGH_MAX]) {
    uint32_t count = 0;
    memset(functions, 0, SIBLINGS_THROUGH_MAX * sizeof *functions);
    for (; path >= SIBLING_PATH_LONGER; count++) {
        uint64_t key = paths->longer.keys[path - SIBLING_PATH_LONGER];
        functions[count] = (uint32_t)(key >> 32);
        path = (uint32_t)key;
    }
    if (path != SIBLING_PATH_DIRECT)
        functions[count++] = path - 1;
    return count;
}

void sibling_paths_free(struct sibling_paths *paths) {
    pair_table_free(&paths->longer);
    *paths = (struct sibling_paths){0};
}
