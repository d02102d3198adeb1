/* Who calls whom, all the way: one node for each path of functions from the outermost call down (a calling context tree).
 *
 * A function that calls itself has one node for all levels: the node counts all calls, its total is that of the outermost.
 * Where a log does not number parents, they are told by the callers' names (open_calls.h); callers that never stand in the log
 * themselves have a node without calls. */
#ifndef PERFTRACE_ANALYSIS_CALL_TREE_H
#define PERFTRACE_ANALYSIS_CALL_TREE_H

#include "collect.h"

#define CALL_TREE_LEVELS 128u /* at least so many are kept; what lies deeper counts for the last of them */

struct call_tree_node {
    uint32_t function; /* of the root: INTERN_NONE */
    uint32_t first_child,
        next;        /* nodes, or INTERN_NONE. After analysis_finish: the largest total first, ties by name */
    uint32_t recent; /* the child that was looked for last */
    uint32_t child_count;
    uint32_t levels;    /* below it */
    uint64_t calls;     /* 0: known from its children only, being unfinished, left out or not in the log */
    uint64_t recursive; /* of the calls: by the function itself */
    /* Without recursive calls. After analysis_finish, where there are no calls: its children's, and what was cut. */
    uint64_t total_ns;
    uint64_t self_ns;
    uint64_t cut; /* calls further down, which have no node of their own. Their self time is in self_ns */
};

struct call_tree {
    const struct call_tree_node *nodes; /* nodes[0] is the root; its total is the time in outermost calls */
    uint32_t count;                     /* of nodes that are in the tree, the root too */
    uint32_t levels;                    /* below the root */
    uint64_t cut;                       /* calls without a node of their own */
    bool by_name;                       /* some parents were told by name */
};

/* A node as it is listed: below its caller, one level deeper. */
struct call_tree_line {
    uint32_t node, parent; /* parent: the number of its line, from 0; INTERN_NONE: the root */
    uint32_t level;        /* from 0 */
};
/* The `most` paths (0: all) with the largest totals, so that each stands below its caller. An array to be freed with free(), and
 * its length in *count; NULL without memory. After analysis_finish. */
struct call_tree_line *call_tree_lines(const struct call_tree *tree, uint64_t most, size_t *count);

/* After analysis_finish, which also puts the time of outermost calls into analysis_function.outermost_ns. */
struct call_tree analysis_call_tree(const struct analysis *analysis);

#endif
