/* A tree of stacks.
 *
 * What a call's descendants spent waits below a node of the call's own, which has no place yet; when the call ends, the node
 * gets its name, and goes below the node of the call's parent. If there is one of that name already, the two become one: of
 * each pair the children of the one that has fewer are moved, so that a child is moved but a few times, however deep the
 * stacks are. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* qsort_r */
#endif
#include "stacks.h"

#include <stdlib.h>
#include <string.h>

static uint32_t make_node(struct stacks *stacks, uint32_t name) {
    uint32_t number = stacks->unused, family;
    if (number != 0) {
        stacks->unused = stacks->nodes[number].next;
        family = stacks->nodes[number].family;
    } else {
        if (stacks->count == 0)
            stacks->count = 1; /* no node has the number 0 */
        if (array_reserve((void **)&stacks->nodes, stacks->count, &stacks->capacity, sizeof *stacks->nodes) !=
            0)
            return 0;
        family = number = stacks->count++;
    }
    stacks->nodes[number] = (struct stacks_node){.name = name, .family = family};
    return number;
}

static bool make_root(struct stacks *stacks) {
    return stacks->count > STACKS_ROOT || make_node(stacks, INTERN_NONE) == STACKS_ROOT;
}

static uint32_t child_of(const struct stacks *stacks, uint32_t above, uint32_t name) {
    return (uint32_t)(uintptr_t)perftrace_map_find(&stacks->by_name, name, stacks->nodes[above].family);
}

/* Of a name that no child has yet. */
static bool put_below(struct stacks *stacks, uint32_t above, uint32_t number) {
    struct stacks_node *node = &stacks->nodes[number], *parent = &stacks->nodes[above];
    if (!perftrace_map_put(&stacks->by_name, node->name, parent->family, (void *)(uintptr_t)number))
        return false;
    node->next = parent->first_child;
    parent->first_child = number;
    parent->children++;
    return true;
}

/* Notes that `number` is to become one with `into`, which is of the same name and stays where it is. */
static bool merge_later(struct stacks *stacks, uint32_t into, uint32_t number) {
    if (array_reserve((void **)&stacks->work, stacks->work_count + 1, &stacks->work_capacity,
                      2 * sizeof *stacks->work) != 0)
        return false;
    stacks->work[2 * stacks->work_count] = into;
    stacks->work[2 * stacks->work_count + 1] = number;
    stacks->work_count++;
    return true;
}

/* Moves the children of one node below another. */
static bool move_children(struct stacks *stacks, uint32_t into, uint32_t from) {
    uint32_t child = stacks->nodes[from].first_child, family = stacks->nodes[from].family;
    stacks->nodes[from].first_child = stacks->nodes[from].children = 0;
    while (child != 0) {
        uint32_t next = stacks->nodes[child].next, name = stacks->nodes[child].name;
        perftrace_map_remove(&stacks->by_name, name, family);
        uint32_t same = child_of(stacks, into, name);
        if (same != 0 ? !merge_later(stacks, same, child) : !put_below(stacks, into, child))
            return false;
        child = next;
    }
    return true;
}

/* The node with fewer children gives up its family: where that is the one that stays, they change families first. */
static void give_larger_family(struct stacks_node *a, struct stacks_node *b) {
    if (a->children >= b->children)
        return;
    struct stacks_node was = *a;
    a->family = b->family;
    a->children = b->children;
    a->first_child = b->first_child;
    b->family = was.family;
    b->children = was.children;
    b->first_child = was.first_child;
}

/* Does what has been noted. */
static bool merge(struct stacks *stacks) {
    while (stacks->work_count > 0) {
        stacks->work_count--;
        uint32_t into = stacks->work[2 * stacks->work_count],
                 number = stacks->work[2 * stacks->work_count + 1];
        struct stacks_node *a = &stacks->nodes[into], *b = &stacks->nodes[number];
        a->self_ns += b->self_ns;
        a->ended |= b->ended;
        give_larger_family(a, b);
        if (!move_children(stacks, into, number))
            return false;
        b->next = stacks->unused;
        stacks->unused = number;
    }
    return true;
}

/* Puts a node that has no place yet below another. */
static bool place(struct stacks *stacks, uint32_t above, uint32_t number) {
    uint32_t same = child_of(stacks, above, stacks->nodes[number].name);
    if (same == 0)
        return put_below(stacks, above, number);
    return merge_later(stacks, same, number) && merge(stacks);
}

static uint32_t name_of(struct stacks *stacks, struct perftrace_text text) {
    return text_table_add(&stacks->names, 0, text.bytes, text.length);
}

/* The node of a call that has not ended; `name` is its, should it never end. 0 without memory. */
static uint32_t waiting_of(struct stacks *stacks, uint64_t call, uint32_t name) {
    uint32_t number = (uint32_t)(uintptr_t)perftrace_map_find(&stacks->waiting, 0, call);
    if (number != 0)
        return number;
    number = make_node(stacks, name);
    return number != 0 && perftrace_map_put(&stacks->waiting, 0, call, (void *)(uintptr_t)number) ? number
                                                                                                  : 0;
}

/* The node below which a call's goes. A call without a known parent is on top; one whose caller is known by name only, as in a log
 * without parent_call, has that name above it. */
static uint32_t above_of(struct stacks *stacks, const struct perftrace_call *call) {
    static const char unknown[] = "unknown";
    bool named =
        call->caller.length != strlen(unknown) || memcmp(call->caller.bytes, unknown, strlen(unknown)) != 0;
    if (call->parent_number == 0 && !named)
        return STACKS_ROOT;
    uint32_t caller = name_of(stacks, call->caller);
    if (caller == INTERN_NONE)
        return 0;
    if (call->parent_number != 0)
        return waiting_of(stacks, call->parent_number, caller);
    uint32_t above = child_of(stacks, STACKS_ROOT, caller);
    if (above != 0)
        return above;
    above = make_node(stacks, caller);
    return above != 0 && put_below(stacks, STACKS_ROOT, above) ? above : 0;
}

int stacks_add(struct stacks *stacks, const struct perftrace_call *call) {
    uint32_t name = name_of(stacks, call->site->name);
    if (name == INTERN_NONE || !make_root(stacks))
        return -PERFTRACE_ERROR_MEMORY;
    uint32_t number = (uint32_t)(uintptr_t)perftrace_map_remove(&stacks->waiting, 0, call->number);
    if (number == 0)
        number = make_node(stacks, name);
    uint32_t above = number != 0 ? above_of(stacks, call) : 0;
    if (above == 0)
        return -PERFTRACE_ERROR_MEMORY;
    struct stacks_node *node = &stacks->nodes[number];
    node->name = name;
    node->ended = true;
    node->self_ns += call->elapsed_ns > call->children_ns ? call->elapsed_ns - call->children_ns : 0;
    return place(stacks, above, number) ? 0 : -PERFTRACE_ERROR_MEMORY;
}

int stacks_finish(struct stacks *stacks) {
    bool fine = make_root(stacks);
    for (size_t i = 0; i < stacks->waiting.size && fine; i++) {
        uint32_t number = (uint32_t)(uintptr_t)stacks->waiting.slots[i].value;
        fine = number == 0 || place(stacks, STACKS_ROOT, number);
    }
    perftrace_map_free(&stacks->waiting);
    return fine ? 0 : -PERFTRACE_ERROR_MEMORY;
}

static int compare_names(const void *a, const void *b, void *context) {
    const struct stacks *stacks = context;
    struct perftrace_text x = text_table_get(&stacks->names, stacks->nodes[*(const uint32_t *)a].name);
    struct perftrace_text y = text_table_get(&stacks->names, stacks->nodes[*(const uint32_t *)b].name);
    int order = memcmp(x.bytes, y.bytes, x.length < y.length ? x.length : y.length);
    return order != 0 ? order : (x.length > y.length) - (x.length < y.length);
}

uint32_t *stacks_children(const struct stacks *stacks, uint32_t node, uint32_t *count) {
    uint32_t *children = malloc(((size_t)stacks->nodes[node].children + 1) * sizeof *children);
    *count = 0;
    if (children == NULL)
        return NULL;
    for (uint32_t child = stacks->nodes[node].first_child; child != 0; child = stacks->nodes[child].next)
        children[(*count)++] = child;
    qsort_r(children, *count, sizeof *children, compare_names, (void *)(uintptr_t)stacks);
    return children;
}

void stacks_free(struct stacks *stacks) {
    text_table_free(&stacks->names);
    perftrace_map_free(&stacks->by_name);
    perftrace_map_free(&stacks->waiting);
    free(stacks->nodes);
    free(stacks->work);
    *stacks = (struct stacks){0};
}
