/* Edges sorted by caller, and depth-first searches. */
#include "call_graph.h"

#include <stdlib.h>

int call_graph_make(struct call_graph *graph, const struct analysis *analysis, uint64_t steps_max) {
    uint32_t functions = analysis->function_count, edges = analysis->edge_count;
    *graph = (struct call_graph){.function_count = functions, .steps_left = steps_max};
    graph->first = calloc((size_t)functions + 2, sizeof *graph->first);
    graph->callees = malloc(((size_t)edges + 1) * sizeof *graph->callees);
    graph->visited = calloc((size_t)functions + 1, sizeof *graph->visited);
    graph->stack = malloc(((size_t)functions + 1) * sizeof *graph->stack);
    if (graph->first == NULL || graph->callees == NULL || graph->visited == NULL || graph->stack == NULL) {
        call_graph_free(graph);
        return -PERFTRACE_ERROR_MEMORY;
    }
    for (uint32_t i = 0; i < edges; i++)
        graph->first[analysis->edges[i].caller + 2]++;
    for (uint32_t i = 2; i < functions + 2; i++)
        graph->first[i] += graph->first[i - 1];
    /* One place further on each counts up, until it is where the next one's begin. */
    for (uint32_t i = 0; i < edges; i++)
        graph->callees[graph->first[analysis->edges[i].caller + 1]++] = analysis->edges[i].function;
    return 0;
}

bool call_graph_search(struct call_graph *graph, uint32_t function) {
    graph->search++;
    uint32_t depth = 0;
    graph->stack[depth++] = function;
    while (depth > 0) {
        uint32_t caller = graph->stack[--depth];
        uint32_t end = graph->first[caller + 1];
        if (graph->steps_left < end - graph->first[caller] + 1) {
            graph->steps_left = 0;
            return false;
        }
        graph->steps_left -= end - graph->first[caller] + 1;
        for (uint32_t i = graph->first[caller]; i < end; i++) {
            uint32_t callee = graph->callees[i];
            if (graph->visited[callee] == graph->search)
                continue;
            graph->visited[callee] = graph->search;
            if (callee != function) /* which has been on the stack */
                graph->stack[depth++] = callee;
        }
    }
    return true;
}

void call_graph_free(struct call_graph *graph) {
    free(graph->first);
    free(graph->callees);
    free(graph->visited);
    free(graph->stack);
    *graph = (struct call_graph){0};
}
