/* The page's flame graph: the calling context tree, its largest nodes, as one row of numbers each. */
#include "page.h"
#include "page_texts.h"

#include "../../analysis/call_tree.h"
#include "../support/page_frame.h"

#include <inttypes.h>
#include <stdlib.h>

struct placed {
    uint32_t node;
    uint32_t parent; /* its row; 0: the root */
};

/* The total of the smallest node that is shown. UINT64_MAX without memory. */
static uint64_t smallest_shown(const struct call_tree *tree) {
    double *totals = malloc(((size_t)tree->count + 1) * sizeof *totals);
    if (totals == NULL)
        return UINT64_MAX;
    for (uint32_t i = 0; i < tree->count; i++)
        totals[i] = (double)tree->nodes[i].total_ns;
    double smallest = page_smallest_shown(totals, tree->count);
    free(totals);
    return smallest < 1e19 ? (uint64_t)smallest : (uint64_t)1e19; /* UINT64_MAX is no size */
}

/* Adds a node's children that are shown to the end of the list: the largest come first. */
static uint32_t place_children(const struct call_tree *tree, uint32_t node, uint32_t row,
                               uint64_t smallest_ns, struct placed *list, uint32_t count) {
    for (uint32_t child = tree->nodes[node].first_child; child != INTERN_NONE;
         child = tree->nodes[child].next) {
        if (count == PAGE_NODES_MAX || tree->nodes[child].total_ns < smallest_ns)
            break;
        list[count++] = (struct placed){child, row};
    }
    return count;
}

static void put_node(struct report *report, const struct call_tree *tree, struct placed placed,
                     struct page_texts *functions) {
    const struct call_tree_node *node = &tree->nodes[placed.node];
    const uint64_t row[] = {placed.parent, page_texts_place(functions, node->function),
                            node->calls,   node->total_ns,
                            node->self_ns, node->recursive,
                            node->cut};
    page_row(report->out, row, sizeof row / sizeof *row);
}

int report_page_flame(struct report *report) {
    const struct call_tree tree = analysis_call_tree(report->model);
    uint64_t smallest_ns = smallest_shown(&tree);
    struct placed *list = malloc(PAGE_NODES_MAX * sizeof *list);
    struct page_texts functions = {0};
    int result = -1;
    if (list != NULL && smallest_ns != UINT64_MAX &&
        page_texts_open(&functions, report->model->function_count, PAGE_NODES_MAX)) {
        uint32_t count = place_children(&tree, 0, 0, smallest_ns, list, 0);
        fputs("{\"nodes\": [", report->out);
        for (uint32_t i = 0; i < count; i++) {
            fputs(i == 0 ? "\n" : ",\n", report->out);
            put_node(report, &tree, list[i], &functions);
            count = place_children(&tree, list[i].node, i + 1, smallest_ns, list, count);
        }
        fprintf(report->out, "],\n\"left_out\": %" PRIu32 ",\n\"functions\": ", tree.count - 1 - count);
        page_function_names(report, &functions);
        fputs("}\n", report->out);
        result = report->line.failed ? -1 : 0;
    }
    page_texts_close(&functions);
    free(list);
    return result;
}
