/* The call tree as a list: which paths to show, each below its caller. */
#include "call_tree.h"

#include <stdlib.h>

/* A path, and the smallest total from the root down to it: no more than its caller's, so that with a path all of its callers
 * are among those with the largest. */
struct path {
    struct call_tree_line line;
    uint64_t weight_ns;
};

struct paths {
    const struct call_tree_node *nodes;
    struct path *items;
    uint32_t count;
};

static void add_children(struct paths *paths, uint32_t node, uint32_t parent, uint32_t level,
                         uint64_t weight_ns) {
    const struct call_tree_node *nodes = paths->nodes;
    for (uint32_t child = nodes[node].first_child; child != INTERN_NONE; child = nodes[child].next) {
        uint64_t ns = nodes[child].total_ns < weight_ns ? nodes[child].total_ns : weight_ns;
        uint32_t number = paths->count++;
        paths->items[number] = (struct path){{child, parent, level}, ns};
        add_children(paths, child, number, level + 1, ns);
    }
}

static int compare_weights(const void *left, const void *right) {
    uint64_t a = *(const uint64_t *)left, b = *(const uint64_t *)right;
    return (a < b) - (a > b);
}

/* The weight of the last of the `most` that are shown, and in *ties how many of that weight are. */
static uint64_t least_weight(const struct paths *paths, uint64_t most, uint64_t *weights, uint64_t *ties) {
    for (uint32_t i = 0; i < paths->count; i++)
        weights[i] = paths->items[i].weight_ns;
    qsort(weights, paths->count, sizeof *weights, compare_weights);
    uint64_t least = weights[most - 1];
    *ties = 0;
    for (uint64_t i = most; i > 0 && weights[i - 1] == least; i--)
        ++*ties;
    return least;
}

struct call_tree_line *call_tree_lines(const struct call_tree *tree, uint64_t most, size_t *count) {
    struct paths paths = {.nodes = tree->nodes, .items = malloc((tree->count + 1) * sizeof *paths.items)};
    uint64_t *weights = malloc((tree->count + 1) * sizeof *weights);
    uint32_t *places = malloc((tree->count + 1) * sizeof *places); /* of paths, in the list */
    struct call_tree_line *lines = malloc((tree->count + 1) * sizeof *lines);
    *count = 0;
    if (paths.items == NULL || weights == NULL || places == NULL || lines == NULL) {
        free(lines);
        lines = NULL;
        goto done;
    }
    add_children(&paths, 0, INTERN_NONE, 0, UINT64_MAX);
    bool all = most == 0 || most >= paths.count;
    uint64_t ties = 0, least = all ? 0 : least_weight(&paths, most, weights, &ties);
    for (uint32_t i = 0; i < paths.count; i++) {
        const struct path *path = &paths.items[i];
        if (!all && (path->weight_ns < least || (path->weight_ns == least && ties-- == 0))) {
            ties += path->weight_ns == least; /* none was left */
            continue;
        }
        places[i] = (uint32_t)*count;
        lines[*count] = path->line;
        if (path->line.parent != INTERN_NONE)
            lines[*count].parent = places[path->line.parent];
        ++*count;
    }
done:
    free(paths.items);
    free(weights);
    free(places);
    return lines;
}
