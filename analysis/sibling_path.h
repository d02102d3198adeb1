/* The functions between a parent and a call below it, from the parent down: each such path has a number. */
#ifndef PERFTRACE_ANALYSIS_SIBLING_PATH_H
#define PERFTRACE_ANALYSIS_SIBLING_PATH_H

#include "../core/budget.h"
#include "intern.h"
#include "siblings.h"

#define SIBLING_PATH_DIRECT 0u                  /* nothing lies between */
#define SIBLING_PATH_LONGER (UINT32_C(1) << 31) /* below: the one function that does, + 1 */
#define SIBLING_PATH_NONE UINT32_MAX

/* Zero-initialised is empty. */
struct sibling_paths {
    struct pair_table longer; /* first function and number of the rest */
    uint64_t last_key;        /* what was asked for last, and its number; 0: nothing was */
    uint32_t last;
};

/* The path of one function. */
static inline uint32_t sibling_path_of(uint32_t function) {
    return function < SIBLING_PATH_LONGER - 1 ? function + 1 : SIBLING_PATH_NONE;
}
/* The path that begins with `function` and goes on with `rest`. SIBLING_PATH_NONE without room. */
uint32_t sibling_path_add(struct sibling_paths *paths, struct perftrace_budget *budget, uint32_t function,
                          uint32_t rest);
/* Its functions, with zeros behind the last; returns how many. */
uint32_t sibling_path_functions(const struct sibling_paths *paths, uint32_t path,
                                uint32_t functions[SIBLINGS_THROUGH_MAX]);
void sibling_paths_free(struct sibling_paths *paths);

#endif
