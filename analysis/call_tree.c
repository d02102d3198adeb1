/* Children end before their parents, so where a call belongs is known when its outermost call has ended. Calls wait for each other,
 * some hundred at a time, and are then placed in the reverse order: so most come after their parents, and find the node of these
 * by the slot. A parent that is still open by then has a node beside the tree; when it has ended, what is below that is put below
 * its place, children united with those of the same function that are there already, all the way down. */
#include "call_tree_nodes.h"

#include "part.h"
#include "rank.h"

#include <inttypes.h>
#include <stdlib.h>

enum { CALL_NODES = 3 }; /* that one call needs at most: its own, its parent's, and one to spare */

/* In slots places stand by themselves: 0 there is none, and CHILDREN one that is still to be made, for children that wait. The function
 * of an open call, with OPEN, is no other's. */
#define CHILDREN UINT32_MAX
#define OPEN 0x80000000u
#define SLOW __attribute__((noinline)) /* out of the way of what each call goes through */

/* ---- calls ---------------------------------------------------------------------------------------- */

static int tree_open(const struct analysis *analysis, void *state) {
    struct tree *tree = state;
    /* The budget is the analysis's own, which is not const where it lives. */
    tree->budget = tree->children.budget = (struct perftrace_budget *)(uintptr_t)&analysis->budget;
    tree->capacity = TREE_NODES_MIN;
    tree->nodes = calloc(tree->capacity, sizeof *tree->nodes);
    return tree->nodes != NULL && tree_new_node(tree, INTERN_NONE) == TREE_ROOT ? 0 : -PERFTRACE_ERROR_MEMORY;
}

/* A node's child of that function; INTERN_NONE where there is no room for it. Mostly it is the one that was looked for last, or one of
 * few. */
static inline uint32_t child_of(struct tree *tree, uint32_t parent, uint32_t function) {
    struct call_tree_node *nodes = tree->nodes;
    uint32_t child = nodes[parent].recent;
    if (child != INTERN_NONE && nodes[child].function == function)
        return child;
    child = nodes[parent].child_count <= TREE_LISTED_MAX ? nodes[parent].first_child : INTERN_NONE;
    while (child != INTERN_NONE && nodes[child].function != function)
        child = nodes[child].next;
    if (child == INTERN_NONE)
        return tree_find_or_make(tree, parent, function);
    return nodes[parent].recent = child;
}

/* The place of a call that was waited with, or, of one that is still open, its node, which may have to be made. */
static SLOW uint32_t make_place(struct tree *tree, uint32_t slot, uint32_t function) {
    uint32_t place = slot < tree->slot_capacity ? tree->slot_nodes[slot] : 0;
    if (place == CHILDREN) {
        place = tree_new_node(tree, function | OPEN);
        tree->slot_nodes[slot] = place = place != INTERN_NONE ? place : 0;
    }
    return place != 0 ? place : TREE_ROOT | TREE_ABOVE;
}

static inline uint32_t place_of_slot(struct tree *tree, uint32_t slot, uint32_t function) {
    uint32_t place = slot < tree->slot_capacity ? tree->slot_nodes[slot] : 0;
    return place != 0 && place != CHILDREN ? place : make_place(tree, slot, function);
}

/* The place below which a call belongs: its parent's; the root where it has none, or, if only its caller's name is known, a
 * node of that name below the root. */
static inline uint32_t parent_of(struct tree *tree, const struct analysis_call *call) {
    if (call->parent_slot != OPEN_CALLS_NONE)
        return place_of_slot(tree, call->parent_slot, call->caller);
    if (call->caller_unknown)
        return TREE_ROOT;
    uint32_t caller = child_of(tree, TREE_ROOT, call->caller);
    return caller != INTERN_NONE ? caller : TREE_ROOT | TREE_ABOVE;
}

/* Of a call below a place for which calls are counted as cut off, or for which there is no room. */
static SLOW uint32_t cut_call(struct tree *tree, uint32_t parent, const struct analysis_call *call,
                              bool counts) {
    struct call_tree_node *node = &tree->nodes[parent & ~TREE_ABOVE];
    if (counts) {
        node->cut++;
        node->self_ns += call->self_ns;
        tree->cut++;
    }
    return parent | TREE_ABOVE;
}

/* Counts a call, or makes its place only. */
static inline uint32_t place_below(struct tree *tree, uint32_t parent, const struct analysis_call *call,
                                   bool counts) {
    if ((parent & TREE_ABOVE) != 0)
        return cut_call(tree, parent, call, counts);
    bool same = tree->nodes[parent].function == call->function;
    uint32_t number = same ? parent : child_of(tree, parent, call->function);
    if (number == INTERN_NONE)
        return cut_call(tree, parent, call, counts);
    struct call_tree_node *node = &tree->nodes[number];
    if (counts) {
        node->calls++;
        node->recursive += same;
        node->total_ns += same ? 0 : call->elapsed_ns;
        node->self_ns += call->self_ns;
    }
    return number;
}

/* A call without relatives that it could wait for. */
static SLOW void add_alone(struct tree *tree, const struct analysis_call *call) {
    if (tree->crowded || tree->capacity - tree->used < CALL_NODES)
        tree_make_room(tree, CALL_NODES);
    place_below(tree, parent_of(tree, call), call, true);
}

/* Whether a call has neither parent nor children. */
static inline bool is_alone(const struct analysis_call *call) {
    return (call->slot & call->parent_slot) == OPEN_CALLS_NONE && call->caller_unknown;
}

/* Counts those of the first calls that are alone and of the function that such a call was of last, as most are that are alone. Returns
 * how many these are. */
static inline size_t count_alike(struct tree *tree, const struct analysis_call *calls, size_t count) {
    uint32_t recent = tree->nodes[TREE_ROOT].recent;
    if (recent == INTERN_NONE || tree->crowded || tree->capacity - tree->used < CALL_NODES)
        return 0;
    struct call_tree_node *node = &tree->nodes[recent];
    uint64_t total_ns = 0, self_ns = 0;
    const struct analysis_call *call = calls;
    for (; call < calls + count && is_alone(call) && call->function == node->function; call++) {
        total_ns += call->elapsed_ns;
        self_ns += call->self_ns;
    }
    node->calls += (size_t)(call - calls);
    node->total_ns += total_ns;
    node->self_ns += self_ns;
    return (size_t)(call - calls);
}

/* Takes what there is of a call's children from its slot, which is another's from now on. */
static inline uint32_t take_own(struct tree *tree, uint32_t slot) {
    if (slot >= tree->slot_capacity)
        return 0;
    uint32_t own = tree->slot_nodes[slot];
    tree->slot_nodes[slot] = 0;
    return own;
}

/* In the slot of the parent, if there is one. */
static inline void tell_parent(struct tree *tree, uint32_t slot) {
    if (slot >= tree->slot_capacity && slot != OPEN_CALLS_NONE)
        array_grow_zeros(tree->budget, (void **)&tree->slot_nodes, &tree->slot_capacity,
                         slot < TREE_NODES_MIN ? TREE_NODES_MIN : slot * 2, sizeof *tree->slot_nodes);
    if (slot < tree->slot_capacity && tree->slot_nodes[slot] == 0)
        tree->slot_nodes[slot] = CHILDREN;
}

/* Has the next call wait, if it has relatives. */
static inline void wait_or_add(struct tree *tree, const struct analysis_call *call, bool counts) {
    uint32_t own = take_own(tree, call->slot);
    tree->by_name |= call->parent_by_name;
    if (own == 0 && !counts)
        return;
    if (own == 0 && call->parent_slot == OPEN_CALLS_NONE) {
        add_alone(tree, call);
        return;
    }
    tell_parent(tree, call->parent_slot);
    struct tree_waiting *waiting = &tree->waiting[tree->waiting_count++];
    waiting->call = call;
    waiting->own = own;
}

static inline void place_call(struct tree *tree, struct tree_waiting *waiting, bool counts) {
    const struct analysis_call *call = waiting->call;
    uint32_t parent = parent_of(tree, call), node = place_below(tree, parent, call, counts);
    if (waiting->own == 0)
        return;
    if (waiting->own != CHILDREN)
        tree_unite(tree, node, waiting->own);
    waiting->parent = parent;
    waiting->node = node;
    waiting->next = tree->slot_nodes[call->slot];
    tree->slot_nodes[call->slot] = node;
}

/* Nodes get to know how many levels are below them. */
static SLOW void tell_levels(struct tree *tree) {
    struct call_tree_node *nodes = tree->nodes;
    bool deep = false;
    for (uint32_t i = 0; i < tree->waiting_count; i++) {
        const struct tree_waiting *waiting = &tree->waiting[i];
        if (waiting->own == 0 || (waiting->node & TREE_ABOVE) != 0 || waiting->node == waiting->parent)
            continue;
        uint32_t levels = nodes[waiting->node].levels + 1;
        if (nodes[waiting->parent].levels < levels)
            nodes[waiting->parent].levels = levels;
        deep |= levels > 2 * CALL_TREE_LEVELS;
    }
    tree->deeper = false;
    if (!deep)
        return;
    tree_limit_levels(tree, TREE_ROOT);
    for (uint32_t i = 0; i < tree->waiting_count; i++) {
        uint32_t slot = tree->waiting[i].call->parent_slot;
        if (slot < tree->slot_capacity && tree->slot_nodes[slot] != 0)
            tree_limit_levels(tree, tree->slot_nodes[slot]);
    }
}

static inline void place_waiting(struct tree *tree, bool counts) {
    tree_make_room(tree, CALL_NODES * tree->waiting_count);
    for (uint32_t i = tree->waiting_count; i-- > 0;)
        place_call(tree, &tree->waiting[i], counts);
    /* Slots get back what belongs to calls that are open. */
    for (const struct tree_waiting *waiting = tree->waiting, *end = waiting + tree->waiting_count;
         waiting < end; waiting++)
        if (waiting->own != 0)
            tree->slot_nodes[waiting->call->slot] = waiting->next;
    if (tree->deeper)
        tell_levels(tree);
}

static inline void add_calls(struct tree *tree, const struct analysis_call *calls, size_t count,
                             bool counts) {
    while (count > 0) {
        tree->waiting_count = 0;
        while (count > 0 && tree->waiting_count < TREE_WAITING) {
            size_t alike = counts && is_alone(calls) ? count_alike(tree, calls, count) : 0;
            if (alike == 0) {
                wait_or_add(tree, calls, counts);
                alike = 1;
            }
            calls += alike;
            count -= alike;
        }
        if (tree->waiting_count > 0)
            place_waiting(tree, counts);
    }
}

static int tree_add(struct analysis *analysis, void *state, const struct analysis_call *calls, size_t count) {
    (void)analysis;
    add_calls(state, calls, count, true);
    return 0;
}

static int tree_left_out(struct analysis *analysis, void *state, const struct analysis_call *calls,
                         size_t count) {
    (void)analysis;
    add_calls(state, calls, count, false);
    return 0;
}

/* What is still open has no end in this input. */
static int tree_end_input(struct analysis *analysis, void *state) {
    struct tree *tree = state;
    tree->full = false;
    for (uint32_t slot = 0; slot < tree->slot_capacity; slot++) {
        uint32_t open = tree->slot_nodes[slot];
        tree->slot_nodes[slot] = 0;
        if (open == 0)
            continue;
        tree_make_room(tree, CALL_NODES);
        uint32_t function = tree->nodes[open].function & ~OPEN, place = TREE_ROOT;
        if (!analysis->functions[function].unknown)
            place = child_of(tree, TREE_ROOT, function);
        tree_unite(tree, place != INTERN_NONE ? place : TREE_ROOT | TREE_ABOVE, open);
        if (place != INTERN_NONE && tree->nodes[TREE_ROOT].levels <= tree->nodes[place].levels)
            tree->nodes[TREE_ROOT].levels = tree->nodes[place].levels + 1;
        tree_limit_levels(tree, TREE_ROOT);
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
    int result = within != NULL ? finish_node(analysis, tree, TREE_ROOT, within) : -PERFTRACE_ERROR_MEMORY;
    free(within);
    return result;
}

struct call_tree analysis_call_tree(const struct analysis *analysis) {
    const struct tree *tree = analysis->parts[ANALYSIS_PART_call_tree];
    return (struct call_tree){tree->nodes, tree->used, tree->nodes[TREE_ROOT].levels, tree->cut,
                              tree->by_name};
}

static void tree_approximated(const struct analysis *analysis, const void *state,
                              struct perftrace_buffer *text) {
    (void)analysis;
    const struct tree *tree = state;
    if (tree->cut > 0)
        perftrace_buffer_print(
            text,
            "Call tree: %" PRIu64
            " %s counted for calls around them: very deep, very short, or too many at once\n",
            tree->cut, tree->cut == 1 ? "call is" : "calls are");
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
    .unkept = tree_add,
    .left_out = tree_left_out,
    .end_input = tree_end_input,
    .finish = tree_finish,
    .approximated = tree_approximated,
    .close = tree_close,
};
