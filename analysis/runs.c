/* Models of runs, added up under common numbers. */
#include "runs.h"

#include "call_tree.h"

#include <stdlib.h>
#include <string.h>

enum { ROOT = 0 };

/* Room for the cells of one more, zeros. Not touched before they are needed: there may be many runs. */
static int reserve_cells(void **cells, uint32_t count, uint32_t *capacity, size_t bytes, size_t runs) {
    uint32_t wanted = *capacity == 0 ? 4 : *capacity * 2;
    if (count < *capacity)
        return 0;
    void *grown = runs > 0 ? calloc(wanted * runs, bytes) : malloc(1);
    if (grown == NULL)
        return -PERFTRACE_ERROR_MEMORY;
    if (count > 0)
        memcpy(grown, *cells, count * bytes * runs);
    free(*cells);
    *cells = grown;
    *capacity = wanted;
    return 0;
}

static bool has_room(const struct runs *runs, uint32_t count) {
    return (uint64_t)count * runs->count < runs->cells_max;
}

/* ---- functions ------------------------------------------------------------------------------------------ */

/* *number: INTERN_NONE where there is no room. */
static int function_of(struct runs *runs, struct perftrace_text name, uint32_t *number) {
    uint64_t hash;
    *number = text_table_find(&runs->names, 0, name.bytes, name.length, &hash);
    if (*number != INTERN_NONE || !has_room(runs, runs->names.count))
        return 0;
    if (reserve_cells((void **)&runs->function_cells, runs->names.count, &runs->function_cell_capacity,
                      sizeof *runs->function_cells, runs->count) != 0)
        return -PERFTRACE_ERROR_MEMORY;
    *number = text_table_add(&runs->names, 0, name.bytes, name.length);
    return 0;
}

/* `numbers`: of the model's functions, here. */
static int add_functions(struct runs *runs, size_t run, const struct analysis *model, uint32_t *numbers) {
    for (uint32_t i = 0; i < model->function_count; i++) {
        const struct analysis_function *function = &model->functions[i];
        if (function_of(runs, function->name, &numbers[i]) != 0)
            return -PERFTRACE_ERROR_MEMORY;
        if (numbers[i] == INTERN_NONE) {
            runs->calls_left_out += function->calls;
            continue;
        }
        struct runs_function_figures *cell = &runs->function_cells[(size_t)numbers[i] * runs->count + run];
        cell->calls = function->calls;
        cell->self_ns = function->self_ns;
        cell->total_ns = function->total_ns;
    }
    for (uint32_t i = 0; i < model->signature_count; i++) {
        const struct analysis_signature *signature = &model->signatures[i];
        uint32_t number = numbers[model->questions[signature->question].function];
        if (signature->calls > 1 && number != INTERN_NONE)
            runs->function_cells[(size_t)number * runs->count + run].repeated += signature->calls - 1;
    }
    return 0;
}

/* ---- paths ---------------------------------------------------------------------------------------------- */

static int add_root(struct runs *runs) {
    if (array_reserve((void **)&runs->paths, 0, &runs->path_capacity, sizeof *runs->paths) != 0 ||
        reserve_cells((void **)&runs->path_cells, 0, &runs->path_cell_capacity, sizeof *runs->path_cells,
                      runs->count) != 0)
        return -PERFTRACE_ERROR_MEMORY;
    runs->paths[runs->path_count++] = (struct runs_path){INTERN_NONE, INTERN_NONE, INTERN_NONE, INTERN_NONE};
    return 0;
}

/* *number: that of the path above, where there is no room. */
static int path_of(struct runs *runs, uint32_t above, uint32_t function, uint32_t *number) {
    uint32_t found = pair_table_find(&runs->path_numbers, pair_key(above, function));
    if (found != INTERN_NONE) {
        *number = found + 1;
        return 0;
    }
    *number = above;
    if (!has_room(runs, runs->path_count))
        return 0;
    if (array_reserve((void **)&runs->paths, runs->path_count, &runs->path_capacity, sizeof *runs->paths) !=
            0 ||
        reserve_cells((void **)&runs->path_cells, runs->path_count, &runs->path_cell_capacity,
                      sizeof *runs->path_cells, runs->count) != 0)
        return -PERFTRACE_ERROR_MEMORY;
    found = pair_table_add(&runs->path_numbers, pair_key(above, function));
    if (found == INTERN_NONE)
        return -PERFTRACE_ERROR_MEMORY;
    *number = runs->path_count++; /* found + 1, as the root is not in the table */
    runs->paths[*number] = (struct runs_path){function, above, INTERN_NONE, runs->paths[above].first_child};
    runs->paths[above].first_child = *number;
    return 0;
}

/* What is a node's own, and its children, to the path `at`; `united`: it has no path of its own. */
static int add_node(struct runs *runs, size_t run, const struct call_tree *tree, uint32_t node,
                    const uint32_t *numbers, uint32_t at, bool united) {
    const struct call_tree_node *from = &tree->nodes[node];
    struct runs_path_figures *cell = &runs->path_cells[(size_t)at * runs->count + run];
    cell->self_ns += from->self_ns;
    if (united)
        runs->calls_cut += from->calls;
    else {
        cell->calls += from->calls;
        cell->total_ns += from->total_ns;
    }
    int status = 0;
    for (uint32_t child = from->first_child; child != INTERN_NONE && status == 0;
         child = tree->nodes[child].next) {
        uint32_t function = numbers[tree->nodes[child].function], path = at;
        if (function != INTERN_NONE)
            status = path_of(runs, at, function, &path);
        if (status == 0)
            status = add_node(runs, run, tree, child, numbers, path, path == at);
    }
    return status;
}

/* ---- all of it ------------------------------------------------------------------------------------------- */

int runs_open(struct runs *runs, size_t run_count) {
    *runs = (struct runs){.count = run_count, .cells_max = RUNS_CELLS_MAX};
    runs->names.arena.bytes_max = SIZE_MAX;
    runs->about = calloc(run_count + 1, sizeof *runs->about);
    return runs->about != NULL ? add_root(runs) : -PERFTRACE_ERROR_MEMORY;
}

/* Cells may be there twice, when there are more of them; names are to leave room for them. */
void runs_limit(struct runs *runs, size_t bytes_max) {
    size_t cells = bytes_max / 2 / (sizeof *runs->function_cells + sizeof *runs->path_cells);
    runs->cells_max = cells < RUNS_CELLS_MAX ? (uint32_t)cells : RUNS_CELLS_MAX;
    runs->names_budget.max = bytes_max / 4;
    runs->names.arena.budget = &runs->names_budget;
}

int runs_add(struct runs *runs, size_t run, const struct analysis *model, const struct runs_about *about) {
    const struct call_tree tree = analysis_call_tree(model);
    uint32_t *numbers = malloc((model->function_count + 1) * sizeof *numbers);
    runs->about[run] = *about;
    int status = numbers != NULL ? add_functions(runs, run, model, numbers) : -PERFTRACE_ERROR_MEMORY;
    if (status == 0)
        status = add_node(runs, run, &tree, ROOT, numbers, ROOT, false);
    free(numbers);
    return status;
}

void runs_free(struct runs *runs) {
    free(runs->about);
    free(runs->paths);
    free(runs->function_cells);
    free(runs->path_cells);
    text_table_free(&runs->names);
    pair_table_free(&runs->path_numbers);
    *runs = (struct runs){0};
}
