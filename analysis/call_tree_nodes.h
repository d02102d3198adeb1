/* The nodes of the call tree (call_tree.h), while it grows. Shared by call_tree.c and call_tree_nodes.c only.
 *
 * Bounds: paths deeper than CALL_TREE_LEVELS are cut, now and then; when there are too many nodes, those of the shortest times. */
#ifndef PERFTRACE_ANALYSIS_CALL_TREE_NODES_H
#define PERFTRACE_ANALYSIS_CALL_TREE_NODES_H

#include "../core/map.h"
#include "call_tree.h"

enum {
    TREE_ROOT = 0,
    TREE_NODES_MIN = 64,
    TREE_LISTED_MAX = 16, /* children that are looked for one by one; more are in the map */
    TREE_WAITING = 512,   /* calls, at most */
};

/* Places are nodes; or, with TREE_ABOVE, those for which calls below are counted as cut off. */
#define TREE_ABOVE 0x80000000u

struct tree_waiting {
    const struct analysis_call *call;
    /* What its slot had of its children; 0: nothing, and then nothing of what follows is known. */
    uint32_t own;
    uint32_t parent, node; /* places */
    uint32_t next;         /* what its slot had of the calls that came to it after this one */
};

/* Zero-initialised, but for nodes and capacity, budget and children.budget, is without nodes. */
struct tree {
    struct call_tree_node *nodes;
    uint32_t count, capacity,
        unused; /* unused: the first of those that were given back, linked by `next`; 0: none */
    uint32_t used;
    struct perftrace_map children; /* (node, function) to child + 1, of nodes with many */
    uint64_t cut;
    bool crowded; /* a node found no place in the map */
    bool full;    /* no more room can be made */
    bool deeper;  /* a node has got more levels below it, which those above do not know yet */
    struct perftrace_budget *budget;
    /* ---- of calls ---- */
    bool by_name;
    uint32_t *slot_nodes; /* by slot: the place of a call */
    uint32_t slot_capacity;
    uint32_t waiting_count;
    struct tree_waiting waiting[TREE_WAITING];
};

/* INTERN_NONE where there is no room. The first one is the root. */
uint32_t tree_new_node(struct tree *tree, uint32_t function);
/* A node's child of that function; INTERN_NONE where there is no room for it. */
uint32_t tree_find_or_make(struct tree *tree, uint32_t parent, uint32_t function);
/* Adds a node that stands beside the tree to a place, with all that is below it. */
void tree_unite(struct tree *tree, uint32_t place, uint32_t beside);
/* Cuts what is too deep below a node; only at twice the depth, so that it is not done at every call. */
void tree_limit_levels(struct tree *tree, uint32_t number);
/* Sees to it that so many nodes can be added. If need be it frees at least half of all, of what is below the root. */
void tree_make_room(struct tree *tree, uint32_t nodes);

#endif
