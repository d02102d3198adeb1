/* The tree grows from its leaves, as children end before their parents. A parent that is still open has a node as soon as
 * one child has ended, found by its slot; when it ends itself, its node is put below its own parent's, or united, children and
 * all, with the node of the same function that is there already. Each uniting frees a node, and each call makes one at most.
 *
 * Bounds: paths deeper than CALL_TREE_LEVELS are cut, now and then; when there are too many nodes, those of the shortest times. */
#include "call_tree.h"

#include "../core/map.h"
#include "part.h"
#include "rank.h"

#include <stdlib.h>

enum {
    NODES_MAX = 1 << 18,
    NODES_MIN = 64,
    LISTED_MAX = 16, /* children that are looked for one by one; more are in the map */
    CALL_NODES = 3,  /* that one call needs at most: its own, its parent's, and one to spare */
    ROOT = 0,
};

struct tree {
    struct call_tree_node *nodes;
    uint32_t count, capacity,
        unused; /* unused: the first of those that were given back, linked by `next`; 0: none */
    uint32_t used;
    uint32_t *slot_nodes; /* by slot: the node of an open call, or 0 */
    uint32_t slot_capacity;
    struct perftrace_map children; /* (node, function) to child + 1, of nodes with many */
    uint64_t cut;
    bool by_name;
    bool crowded; /* a node found no place in the map */
    bool full;    /* no more room can be made */
    struct perftrace_budget *budget;
};

/* ---- nodes ---------------------------------------------------------------------------------------- */

static bool grow(struct tree *tree) {
    uint32_t wanted = tree->capacity * 2;
    size_t more = (wanted - tree->capacity) * sizeof *tree->nodes;
    if (wanted > NODES_MAX || !perftrace_budget_take(tree->budget, more))
        return false;
    struct call_tree_node *grown = realloc(tree->nodes, wanted * sizeof *grown);
    if (grown == NULL) {
        perftrace_budget_give(tree->budget, more);
        return false;
    }
    tree->nodes = grown;
    tree->capacity = wanted;
    return true;
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
    if (tree->nodes[parent].child_count > LISTED_MAX)
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
    if (node->recent != INTERN_NONE && nodes[node->recent].function == function)
        return node->recent;
    uint32_t child = node->first_child;
    if (node->child_count > LISTED_MAX) {
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
    bool first = tree->nodes[parent].child_count == LISTED_MAX;
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
    if (node->child_count >= LISTED_MAX && !map_child(tree, parent, child)) {
        tree->crowded = true;
        return false;
    }
    added->next = node->first_child;
    node->first_child = node->recent = child;
    if (node->levels <= added->levels)
        node->levels = added->levels + 1;
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
    if (same != parent && nodes[parent].levels <= nodes[same].levels)
        nodes[parent].levels = nodes[same].levels + 1;
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

/* Only at twice the depth, so that it is not done at every call. */
static void limit_levels(struct tree *tree, uint32_t number) {
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

/* Sees to it that one call can be added. If need be it frees at least half of the nodes, of what has ended. */
static void make_room(struct tree *tree) {
    bool enough = tree->capacity - tree->used >= CALL_NODES;
    if (tree->full || (!tree->crowded && (enough || grow(tree))))
        return;
    tree->crowded = false;
    uint32_t goal = tree->used / 2;
    uint64_t total_ns = time_of(tree, ROOT);
    for (uint64_t ns = total_ns / 1000000 + 1; tree->used > goal && ns / 8 <= total_ns; ns *= 8)
        cut_shorter_than(tree, ROOT, ns);
    tree->full = tree->used > goal;
}

/* INTERN_NONE where there is no room. */
static uint32_t new_node(struct tree *tree, uint32_t function) {
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

/* ---- calls ---------------------------------------------------------------------------------------- */

static int tree_open(const struct analysis *analysis, void *state) {
    struct tree *tree = state;
    /* The budget is the analysis's own, which is not const where it lives. */
    tree->budget = tree->children.budget = (struct perftrace_budget *)(uintptr_t)&analysis->budget;
    tree->capacity = NODES_MIN;
    tree->nodes = calloc(tree->capacity, sizeof *tree->nodes);
    if (tree->nodes == NULL)
        return -PERFTRACE_ERROR_MEMORY;
    clear_node(&tree->nodes[ROOT], INTERN_NONE);
    tree->count = tree->used = 1;
    return 0;
}

static bool reserve_slots(struct tree *tree, uint32_t slot) {
    if (slot < tree->slot_capacity)
        return true;
    uint32_t wanted = slot < NODES_MIN ? NODES_MIN : slot * 2;
    size_t more = (wanted - tree->slot_capacity) * sizeof *tree->slot_nodes;
    if (!perftrace_budget_take(tree->budget, more))
        return false;
    uint32_t *grown = realloc(tree->slot_nodes, wanted * sizeof *grown);
    if (grown == NULL) {
        perftrace_budget_give(tree->budget, more);
        return false;
    }
    for (uint32_t i = tree->slot_capacity; i < wanted; i++)
        grown[i] = 0;
    tree->slot_nodes = grown;
    tree->slot_capacity = wanted;
    return true;
}

/* The node of an open call; INTERN_NONE where there is no room. */
static uint32_t node_of_slot(struct tree *tree, uint32_t slot, uint32_t function) {
    if (!reserve_slots(tree, slot))
        return INTERN_NONE;
    if (tree->slot_nodes[slot] != 0)
        return tree->slot_nodes[slot];
    uint32_t node = new_node(tree, function);
    if (node != INTERN_NONE)
        tree->slot_nodes[slot] = node;
    return node;
}

static uint32_t child_of(struct tree *tree, uint32_t parent, uint32_t function) {
    uint32_t child = find_child(tree, parent, function);
    if (child != INTERN_NONE)
        return child;
    child = new_node(tree, function);
    if (child != INTERN_NONE && !add_child(tree, parent, child)) {
        free_node(tree, child);
        child = INTERN_NONE;
    }
    return child;
}

/* Where a call belongs: below its parent's node; below the root where it has none, or, if only its caller's name is
 * known, below a node of that name; INTERN_NONE where there is no room for such a node. */
static uint32_t parent_of(struct tree *tree, const struct analysis_call *call) {
    if (call->parent_slot != OPEN_CALLS_NONE)
        return node_of_slot(tree, call->parent_slot, call->caller);
    if (call->caller_unknown)
        return ROOT;
    return child_of(tree, ROOT, call->caller);
}

static void count(struct call_tree_node *node, const struct analysis_call *call) {
    node->calls++;
    node->total_ns += call->elapsed_ns;
    node->self_ns += call->self_ns;
}

static void add_leaf(struct tree *tree, uint32_t parent, const struct analysis_call *call) {
    struct call_tree_node *node = &tree->nodes[parent != INTERN_NONE ? parent : ROOT];
    if (node->function == call->function) {
        node->calls++;
        node->recursive++;
        node->self_ns += call->self_ns;
        return;
    }
    uint32_t child = parent != INTERN_NONE ? child_of(tree, parent, call->function) : INTERN_NONE;
    if (child != INTERN_NONE) {
        count(&tree->nodes[child], call);
        return;
    }
    node->cut++;
    node->self_ns += call->self_ns;
    tree->cut++;
}

static int add_call(struct tree *tree, const struct analysis_call *call, bool counts) {
    uint32_t own = 0;
    if (call->slot < tree->slot_capacity) {
        own = tree->slot_nodes[call->slot];
        tree->slot_nodes[call->slot] = 0;
    }
    tree->by_name |= call->parent_by_name;
    if (own == 0 && !counts)
        return 0;
    make_room(tree);
    uint32_t parent = parent_of(tree, call);
    if (own == 0) {
        add_leaf(tree, parent, call);
        return 0;
    }
    tree->nodes[own].function = call->function;
    if (counts)
        count(&tree->nodes[own], call);
    if (parent == INTERN_NONE) {
        cut_off(tree, ROOT, own);
    } else {
        place(tree, parent, own);
        limit_levels(tree, parent);
    }
    return 0;
}

static int tree_add(struct analysis *analysis, void *state, const struct analysis_call *call) {
    (void)analysis;
    return add_call(state, call, true);
}

static int tree_left_out(struct analysis *analysis, void *state, const struct analysis_call *call) {
    (void)analysis;
    return add_call(state, call, false);
}

/* What is still open has no end in this input. */
static int tree_end_input(struct analysis *analysis, void *state) {
    struct tree *tree = state;
    tree->full = false;
    for (uint32_t slot = 0; slot < tree->slot_capacity; slot++) {
        uint32_t node = tree->slot_nodes[slot];
        tree->slot_nodes[slot] = 0;
        if (node == 0)
            continue;
        if (analysis->functions[tree->nodes[node].function].unknown) {
            move_children(tree, ROOT, node);
            free_node(tree, node);
        } else {
            place(tree, ROOT, node);
        }
        limit_levels(tree, ROOT);
    }
    return 0;
}

/* ---- results -------------------------------------------------------------------------------------- */

struct sorted_child {
    uint32_t number;
    uint64_t total_ns;
    struct perftrace_text name;
};

static int compare(const void *left, const void *right) {
    const struct sorted_child *a = left, *b = right;
    if (a->total_ns != b->total_ns)
        return a->total_ns > b->total_ns ? -1 : 1;
    return rank_texts(a->name, b->name);
}

static int sort_children(struct analysis *analysis, struct tree *tree, uint32_t number) {
    struct call_tree_node *nodes = tree->nodes, *node = &nodes[number];
    struct sorted_child *sorted = malloc((node->child_count + 1) * sizeof *sorted);
    if (sorted == NULL)
        return -PERFTRACE_ERROR_MEMORY;
    uint32_t children = 0;
    uint64_t total_ns = 0;
    for (uint32_t child = node->first_child; child != INTERN_NONE; child = nodes[child].next) {
        sorted[children++] = (struct sorted_child){child, nodes[child].total_ns,
                                                   analysis->functions[nodes[child].function].name};
        total_ns += nodes[child].total_ns;
    }
    if (node->calls == 0)
        node->total_ns = total_ns + node->self_ns;
    qsort(sorted, children, sizeof *sorted, compare);
    uint32_t next = INTERN_NONE;
    while (children-- > 0) {
        nodes[sorted[children].number].next = next;
        next = sorted[children].number;
    }
    node->first_child = next;
    free(sorted);
    return 0;
}

/* From the leaves up: a node without calls takes its total from its children. */
static int finish_node(struct analysis *analysis, struct tree *tree, uint32_t number, bool *within) {
    const struct call_tree_node *nodes = tree->nodes;
    uint32_t function = nodes[number].function;
    bool outermost = nodes[number].calls > 0 && !within[function];
    if (outermost)
        within[function] = true;
    int result = 0;
    for (uint32_t child = nodes[number].first_child; child != INTERN_NONE && result == 0;
         child = nodes[child].next)
        result = finish_node(analysis, tree, child, within);
    if (outermost) {
        within[function] = false;
        analysis->functions[function].outermost_ns += nodes[number].total_ns;
    }
    return result == 0 ? sort_children(analysis, tree, number) : result;
}

static int tree_finish(struct analysis *analysis, void *state) {
    struct tree *tree = state;
    bool *within = calloc((size_t)analysis->function_count + 1, sizeof *within);
    int result = within != NULL ? finish_node(analysis, tree, ROOT, within) : -PERFTRACE_ERROR_MEMORY;
    free(within);
    return result;
}

struct call_tree analysis_call_tree(const struct analysis *analysis) {
    const struct tree *tree = analysis->parts[ANALYSIS_PART_call_tree];
    return (struct call_tree){tree->nodes, tree->used, tree->nodes[ROOT].levels, tree->cut, tree->by_name};
}

static void tree_approximated(const struct analysis *analysis, const void *state,
                              struct perftrace_buffer *text) {
    (void)analysis;
    const struct tree *tree = state;
    if (tree->cut == 0)
        return;
    perftrace_buffer_text(text, "Call tree: ");
    perftrace_buffer_unsigned(text, tree->cut);
    perftrace_buffer_text(text, tree->cut == 1 ? " call is" : " calls are");
    perftrace_buffer_text(text,
                          " counted for calls around them: very deep, very short, or too many at once\n");
}

static void tree_close(void *state) {
    struct tree *tree = state;
    free(tree->nodes);
    free(tree->slot_nodes);
    perftrace_map_free(&tree->children);
}

const struct analysis_part part_call_tree = {
    .state_bytes = sizeof(struct tree),
    .open = tree_open,
    .add = tree_add,
    .apart = true,
    .takes_unkept = true,
    .left_out = tree_left_out,
    .end_input = tree_end_input,
    .finish = tree_finish,
    .approximated = tree_approximated,
    .close = tree_close,
};
