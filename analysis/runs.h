/* Runs of a program side by side: what each span, and each path of spans from the outermost one down, took in each run. Runs belong to
 * one of two sides, base and head. One model (collect.h) for each run goes in; numbers of functions and paths are common to all. */
#ifndef PERFTRACE_ANALYSIS_RUNS_H
#define PERFTRACE_ANALYSIS_RUNS_H

#include "collect.h"

enum runs_side { RUNS_BASE, RUNS_HEAD };
enum { RUNS_SIDES = 2 };

/* Of one run. */
struct runs_about {
    enum runs_side side;
    bool complete;   /* else something is missing in it: records were lost, it was cut off … */
    uint64_t frames; /* marks of the first kind of frame that there is; 0: there are none */
    bool inexact;    /* memory did not suffice to count everything apart */
};

struct runs_path_figures {
    uint64_t calls, self_ns, total_ns; /* as in struct call_tree_node */
};

struct runs_function_figures {
    uint64_t calls, self_ns, total_ns; /* of total_ns recursion counts each level */
    /* Calls with a signature (function, caller, parameters) that was there before in the run. */
    uint64_t repeated;
};

/* A path: a function under all that are around it. It stands behind the one above it. */
struct runs_path {
    uint32_t function;          /* of the root, paths[0]: INTERN_NONE */
    uint32_t parent;            /* of the root: INTERN_NONE */
    uint32_t first_child, next; /* or INTERN_NONE; in no particular order */
};

/* All of it is to be read only. */
struct runs {
    size_t count;             /* runs, known from the beginning */
    struct runs_about *about; /* by run */
    struct text_table names;  /* of functions, as they are in the input; their numbers are the functions' */
    struct runs_path *paths;
    uint32_t path_count;
    uint64_t calls_left_out; /* of functions for which there was no room */
    uint64_t calls_cut;      /* that count for the path above, since there was no room for one of their own */
    /* By function or path, and then by run: */
    struct runs_function_figures *function_cells;
    struct runs_path_figures *path_cells;
    uint32_t path_capacity, path_cell_capacity, function_cell_capacity;
    struct pair_table path_numbers; /* (path above, function) -> number - 1 */
    uint32_t cells_max;
    struct perftrace_budget names_budget;
};

enum { RUNS_CELLS_MAX = 1 << 21 }; /* functions x runs, and paths x runs, at most, in any memory */

/* 0, or -PERFTRACE_ERROR_MEMORY; then, too, to be freed. */
int runs_open(struct runs *runs, size_t run_count);
/* Before the first run: all of it is to take so many bytes at most, about. It stays where it is from here on. */
void runs_limit(struct runs *runs, size_t bytes_max);
/* What a model has found of one run, after analysis_finish; each run once, in any order. As above. */
int runs_add(struct runs *runs, size_t run, const struct analysis *model, const struct runs_about *about);
void runs_free(struct runs *runs);

static inline const struct runs_function_figures *runs_function(const struct runs *runs, uint32_t function,
                                                                size_t run) {
    return &runs->function_cells[(size_t)function * runs->count + run];
}
static inline const struct runs_path_figures *runs_path(const struct runs *runs, uint32_t path, size_t run) {
    return &runs->path_cells[(size_t)path * runs->count + run];
}
static inline struct perftrace_text runs_name(const struct runs *runs, uint32_t function) {
    return text_table_get(&runs->names, function);
}

#endif
