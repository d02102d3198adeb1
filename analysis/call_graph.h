/* Who calls whom, directly or through others: the edges of the analysis as a graph. */
#ifndef PERFTRACE_ANALYSIS_CALL_GRAPH_H
#define PERFTRACE_ANALYSIS_CALL_GRAPH_H

#include "collect.h"

struct call_graph {
    uint32_t *first; /* by function, and one more: where its callees begin */
    uint32_t *callees;
    uint32_t *visited; /* by function: the last search that came by */
    uint32_t *stack;
    uint32_t search, function_count;
    uint64_t steps_left;
};

/* 0, or -PERFTRACE_ERROR_MEMORY. `steps_max` limits all searches together: functions and edges come from the input. */
int call_graph_make(struct call_graph *graph, const struct analysis *analysis, uint64_t steps_max);
/* Marks all that `function` calls, itself only where it is called again. False: too many steps; then nothing is known. */
bool call_graph_search(struct call_graph *graph, uint32_t function);
/* Whether the last search came by. */
static inline bool call_graph_calls(const struct call_graph *graph, uint32_t function) {
    return graph->visited[function] == graph->search;
}
void call_graph_free(struct call_graph *graph);

#endif
