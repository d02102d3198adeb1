/* Nodes: children by their functions, cutting, uniting. */
#include "call_tree_nodes.h"

enum {
    NODES_MAX = 1 << 18,
};

/* ---- nodes ---------------------------------------------------------------------------------------- */

static bool grow(struct tree *tree) {
    return tree->capacity * 2 <= NODES_MAX && array_grow(tree->budget, (void **)&tree->nodes, &tree->capacity,
                                                         tree->capacity * 2, sizeof *tree->nodes);
}

static void clear_node(struct call_tree_node *node, uint32_t function) {
    *node = (struct call_tree_node){
        .function = function, .first_child = INTERN_NONE, .next = INTERN_NONE, .recent = INTERN_NONE};
}

static void free_node(struct tree *tree, uint32_t number) {
    tree->nodes[number].next = tree->unused;
    tree->unused = number;
    tree->used--;
}

/* ---- children ------------------------------------------------------------------------------------- */

static void *map_value(uint32_t child) {
    return (void *)((uintptr_t)child + 1);
}

static void unmap_children(struct tree *tree, uint32_t parent) {
    const struct call_tree_node *nodes = tree->nodes;
    for (uint32_t child = nodes[parent].first_child; child != INTERN_NONE; child = nodes[child].next)
        perftrace_map_remove(&tree->children, parent, nodes[child].function);
}

static void forget_children(struct tree *tree, uint32_t parent) {
    if (tree->nodes[parent].child_count > TREE_LISTED_MAX)
        unmap_children(tree, parent);
}

/* Puts all children of a node into the map. False where that has no room. */
static bool map_children(struct tree *tree, uint32_t parent) {
    const struct call_tree_node *nodes = tree->nodes;
    for (uint32_t child = nodes[parent].first_child; child != INTERN_NONE; child = nodes[child].next) {
        if (!perftrace_map_put(&tree->children, parent, nodes[child].function, map_value(child))) {
            unmap_children(tree, parent);
            return false;
        }
    }
    return true;
}

static uint32_t find_child(struct tree *tree, uint32_t parent, uint32_t function) {
    struct call_tree_node *nodes = tree->nodes, *node = &nodes[parent];
    uint32_t child = node->first_child;
    if (node->child_count > TREE_LISTED_MAX) {
        void *found = perftrace_map_find(&tree->children, parent, function);
        child = found != NULL ? (uint32_t)((uintptr_t)found - 1) : INTERN_NONE;
    } else {
        while (child != INTERN_NONE && nodes[child].function != function)
            child = nodes[child].next;
    }
    if (child != INTERN_NONE)
        node->recent = child;
    return child;
}

/* Of a node that has as many as can be looked through already. False where there is no room: nothing happens. */
static bool map_child(struct tree *tree, uint32_t parent, uint32_t child) {
    bool first = tree->nodes[parent].child_count == TREE_LISTED_MAX;
    if (first && !map_children(tree, parent))
        return false;
    if (perftrace_map_put(&tree->children, parent, tree->nodes[child].function, map_value(child)))
        return true;
    if (first)
        unmap_children(tree, parent);
    return false;
}

/* False where there is no room: nothing happens. */
static bool add_child(struct tree *tree, uint32_t parent, uint32_t child) {
    struct call_tree_node *node = &tree->nodes[parent], *added = &tree->nodes[child];
    if (node->child_count >= TREE_LISTED_MAX && !map_child(tree, parent, child)) {
        tree->crowded = true;
        return false;
    }
    added->next = node->first_child;
    node->first_child = node->recent = child;
    if (node->levels <= added->levels) {
        node->levels = added->levels + 1;
        tree->deeper = true;
    }
    node->child_count++;
    return true;
}

/* ---- cutting -------------------------------------------------------------------------------------- */

static void cut_below(struct tree *tree, uint32_t number);

/* Takes a node that nothing leads to any more, and all below it, out of the tree; `parent` keeps the numbers. */
static void cut_off(struct tree *tree, uint32_t parent, uint32_t child) {
    struct call_tree_node *node = &tree->nodes[parent];
    cut_below(tree, child);
    node->cut += tree->nodes[child].calls + tree->nodes[child].cut;
    node->self_ns += tree->nodes[child].self_ns;
    tree->cut += tree->nodes[child].calls;
    free_node(tree, child);
}

/* Cuts off all children of a node. */
static void cut_below(struct tree *tree, uint32_t number) {
    struct call_tree_node *nodes = tree->nodes, *node = &nodes[number];
    forget_children(tree, number);
    for (uint32_t child = node->first_child, next; child != INTERN_NONE; child = next) {
        next = nodes[child].next;
        cut_off(tree, number, child);
    }
    node->first_child = node->recent = INTERN_NONE;
    node->child_count = node->levels = 0;
}

/* ---- uniting -------------------------------------------------------------------------------------- */

static void place(struct tree *tree, uint32_t parent, uint32_t child);

/* Puts the children of one node below another; the first is left without. */
static void move_children(struct tree *tree, uint32_t to, uint32_t from) {
    forget_children(tree, from);
    uint32_t child = tree->nodes[from].first_child;
    while (child != INTERN_NONE) {
        uint32_t next = tree->nodes[child].next;
        place(tree, to, child);
        child = next;
    }
}

static void add_numbers(struct call_tree_node *to, const struct call_tree_node *from) {
    to->calls += from->calls;
    to->recursive += from->recursive;
    to->self_ns += from->self_ns;
    to->cut += from->cut;
}

/* Puts a node below another: as a child of its own, or united with the one of its function, or, where a function calls itself, with
 * its parent. No deeper than the tree has levels. */
static void place(struct tree *tree, uint32_t parent, uint32_t child) {
    struct call_tree_node *nodes = tree->nodes;
    uint32_t function = nodes[child].function, same = parent;
    if (nodes[parent].function == function)
        nodes[child].recursive = nodes[child].calls;
    else
        same = find_child(tree, parent, function);
    if (same == INTERN_NONE) {
        if (!add_child(tree, parent, child))
            cut_off(tree, parent, child);
        return;
    }
    add_numbers(&nodes[same], &nodes[child]);
    if (same != parent)
        nodes[same].total_ns += nodes[child].total_ns;
    move_children(tree, same, child);
    if (same != parent && nodes[parent].levels <= nodes[same].levels) {
        nodes[parent].levels = nodes[same].levels + 1;
        tree->deeper = true;
    }
    free_node(tree, child);
}

/* ---- limits --------------------------------------------------------------------------------------- */

static void cut_deeper_than(struct tree *tree, uint32_t number, uint32_t levels) {
    struct call_tree_node *nodes = tree->nodes, *node = &nodes[number];
    if (node->levels <= levels)
        return;
    if (levels == 0) {
        cut_below(tree, number);
        return;
    }
    for (uint32_t child = node->first_child; child != INTERN_NONE; child = nodes[child].next)
        cut_deeper_than(tree, child, levels - 1);
    node->levels = levels;
}

void tree_limit_levels(struct tree *tree, uint32_t number) {
    if (tree->nodes[number].levels > 2 * CALL_TREE_LEVELS)
        cut_deeper_than(tree, number, CALL_TREE_LEVELS);
}

/* Where there are no calls, self time is that of what was cut off below. */
static uint64_t time_of(const struct tree *tree, uint32_t number) {
    const struct call_tree_node *nodes = tree->nodes, *node = &nodes[number];
    if (node->calls > 0)
        return node->total_ns;
    uint64_t ns = node->self_ns;
    for (uint32_t child = node->first_child; child != INTERN_NONE; child = nodes[child].next)
        ns += time_of(tree, child);
    return ns;
}

/* Cuts the paths that took less than `ns`. */
static void cut_shorter_than(struct tree *tree, uint32_t number, uint64_t ns) {
    struct call_tree_node *nodes = tree->nodes, *node = &nodes[number];
    uint32_t child = node->first_child;
    forget_children(tree, number);
    node->first_child = node->recent = INTERN_NONE;
    node->child_count = node->levels = 0;
    while (child != INTERN_NONE) {
        uint32_t next = nodes[child].next;
        if (time_of(tree, child) < ns) {
            cut_off(tree, number, child);
        } else {
            cut_shorter_than(tree, child, ns);
            if (!add_child(tree, number, child))
                cut_off(tree, number, child);
        }
        child = next;
    }
}

void tree_make_room(struct tree *tree, uint32_t nodes) {
    bool enough = tree->capacity - tree->used >= nodes;
    while (!enough && grow(tree))
        enough = tree->capacity - tree->used >= nodes;
    if (tree->full || (!tree->crowded && enough))
        return;
    tree->crowded = false;
    uint32_t goal = tree->used / 2;
    uint64_t total_ns = time_of(tree, TREE_ROOT);
    for (uint64_t ns = total_ns / 1000000 + 1; tree->used > goal && ns / 8 <= total_ns; ns *= 8)
        cut_shorter_than(tree, TREE_ROOT, ns);
    tree->full = tree->used > goal;
}

uint32_t tree_new_node(struct tree *tree, uint32_t function) {
    uint32_t number = tree->unused;
    if (number != 0)
        tree->unused = tree->nodes[number].next;
    else if (tree->count < tree->capacity)
        number = tree->count++;
    else
        return INTERN_NONE;
    clear_node(&tree->nodes[number], function);
    tree->used++;
    return number;
}

uint32_t tree_find_or_make(struct tree *tree, uint32_t parent, uint32_t function) {
    uint32_t child = find_child(tree, parent, function);
    if (child != INTERN_NONE)
        return child;
    child = tree_new_node(tree, function);
    if (child != INTERN_NONE && !add_child(tree, parent, child)) {
        free_node(tree, child);
        child = INTERN_NONE;
    }
    return child;
}

void tree_unite(struct tree *tree, uint32_t place, uint32_t beside) {
    if ((place & TREE_ABOVE) != 0) {
        cut_off(tree, place & ~TREE_ABOVE, beside);
        return;
    }
    add_numbers(&tree->nodes[place], &tree->nodes[beside]);
    move_children(tree, place, beside);
    free_node(tree, beside);
}
