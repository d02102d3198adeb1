/* The parents whose calls are coming: children end before them, so that a parent is known by its children first. */
#ifndef PERFTRACE_ANALYSIS_SIBLING_PARENTS_H
#define PERFTRACE_ANALYSIS_SIBLING_PARENTS_H

#include "../core/map.h"
#include "sibling_collection.h"

#define PARENT_CALLS_MAX 64u /* kept one by one; then they go into a collection */
#define PARENTS_MAX 16384u   /* open at a time: the one whose last call is longest ago ends then */
#define PARENT_PAIRS_MAX 8u
#define PARENTS_CALLS_MAX (1u << 16)  /* kept one by one, of all parents */
#define PARENTS_SPARE_CALLS_MAX 1024u /* what parents that are not in use keep room for */

/* The parent's last direct call, and how often it came at once again. */
#define RUN_ASIDE UINT32_MAX
struct sibling_run {
    uint32_t signature; /* of the call; INTERN_NONE: none, or another came after it, without parameters */
    uint32_t last;      /* where it is, in the parent's `calls`; RUN_ASIDE: it is in `aside` */
    uint32_t calls;     /* so many were the same */
    /* Once there are two: */
    bool same_until_last, failed_until_last;
    uint64_t same, again_ns;            /* calls that got the same answer as the one before */
    uint64_t pauses;                    /* calls after a pause */
    uint64_t first_answer, last_answer; /* their hashes */
    bool last_failed;
    uint64_t numbers[SIBLINGS_EXAMPLES_MAX];
    struct sibling aside;
    struct sibling_call aside_call; /* its place */
};

/* How a parent is known. */
enum parent_kind {
    PARENT_BY_NUMBER,
    PARENT_BY_NAME, /* by track and name of the function */
    PARENT_NOBODY,  /* the same of calls without a caller: only what comes at once again is seen */
    PARENT_KINDS,
};

/* A question that was asked just before by somebody else. */
struct sibling_pair {
    struct sibling_asked first;
    struct analysis_call again;
};

struct open_parent {
    uint64_t number; /* or track and function */
    uint64_t serial;
    struct open_parent *newer, *older;
    enum parent_kind kind;
    uint32_t function; /* its own, as its calls name their caller */
    uint32_t slot;     /* by which it is found; OPEN_CALLS_NONE: it is in the map */
    uint32_t capacity, count;
    uint32_t kept;  /* so many of its calls, the first ones, are kept beyond the round in which they came */
    uint64_t round; /* in which it was asked for last */
    struct sibling *calls;
    struct sibling_collection *all; /* NULL: they fit into `calls` */
    uint64_t told_ns;               /* of its calls' time, in findings */
    uint64_t children_ns;
    uint64_t elapsed_ns; /* once it has ended */
    uint32_t mixed;      /* not 0: its calls are of several threads, or async: not in order */
    bool ended;          /* but more calls may come */
    bool has_calls;      /* direct ones; where it is known by name */
    /* Calls that a call of its own function made: these may be of other threads than `mixed` tells. */
    bool adopts;
    uint64_t first_number, last_number; /* once it has_calls */
    /* Counted if the parent itself is never seen, so that nothing else can be told. */
    struct sibling_pair *pairs;
    uint32_t pair_count; /* where there are any */
    struct sibling_run run;
};

/* Zero-initialised is empty. */
struct open_parents {
    struct open_parent **slots; /* by slot (open_calls.h); NULL: none */
    uint32_t slot_capacity;
    struct perftrace_map map; /* by kind and number: those without a slot, known by name, or ended */
    struct open_parent *newest, *oldest, *unused;
    struct open_parent *recent[PARENT_KINDS]; /* of those in the map */
    uint32_t mapped[PARENT_KINDS];            /* so many of each kind are in the map */
    uint32_t count;
    uint32_t calls, spare; /* there is room for so many; of them, with parents that are not in use */
    uint64_t serial;
    uint64_t round; /* the one at hand */
};

struct open_parent *parents_find_mapped(struct open_parents *parents, enum parent_kind kind, uint64_t number);
/* `slot`: of the parent's call, OPEN_CALLS_NONE where it has none. NULL: not open. */
static inline struct open_parent *parents_find(struct open_parents *parents, enum parent_kind kind,
                                               uint64_t number, uint32_t slot) {
    struct open_parent *parent = slot < parents->slot_capacity ? parents->slots[slot] : NULL;
    if (parent != NULL && parent->number == number)
        return parent;
    return parents->map.count == 0 ? NULL : parents_find_mapped(parents, kind, number);
}
/* The one that got a call last, in this round: most often the next call is its, too. NULL: it has another number. */
static inline struct open_parent *parents_newest(const struct open_parents *parents, uint64_t number) {
    struct open_parent *newest = parents->newest;
    return newest != NULL && newest->number == number && newest->kind == PARENT_BY_NUMBER &&
                   newest->round == parents->round
               ? newest
               : NULL;
}
static inline void parents_link_newest(struct open_parents *parents, struct open_parent *parent) {
    parent->newer = NULL;
    parent->older = parents->newest;
    *(parents->newest != NULL ? &parents->newest->newer : &parents->oldest) = parent;
    parents->newest = parent;
}
/* Has one in `unused` that can be found by slot, or else by kind and number. False: there is no room. */
bool parents_prepare(struct open_parents *parents, struct analysis *analysis, enum parent_kind kind,
                     uint64_t number, uint32_t *slot);
/* A new one, of the first call by it that has ended; NULL without room. */
static inline struct open_parent *parents_open(struct open_parents *parents, struct analysis *analysis,
                                               enum parent_kind kind, uint64_t number,
                                               const struct analysis_call *call) {
    uint32_t slot = kind == PARENT_BY_NUMBER ? call->parent_slot : OPEN_CALLS_NONE;
    if ((parents->unused == NULL || slot >= parents->slot_capacity) &&
        !parents_prepare(parents, analysis, kind, number, &slot))
        return NULL;
    struct open_parent *parent = parents->unused;
    parents->unused = parent->older;
    parents->spare -= parent->capacity;
    if (slot != OPEN_CALLS_NONE)
        parents->slots[slot] = parent;
    parent->number = number;
    parent->serial = ++parents->serial;
    parent->kind = kind;
    parent->function = call->caller;
    parent->slot = slot;
    parent->count = parent->mixed = parent->kept = 0;
    parent->round = parents->round;
    parent->told_ns = parent->children_ns = parent->elapsed_ns = 0;
    parent->ended = parent->has_calls = parent->adopts = false;
    parent->run.signature = INTERN_NONE;
    parent->run.last = RUN_ASIDE;
    parent->run.calls = 1;
    parents_link_newest(parents, parent);
    parents->count++;
    return parent;
}
/* Its slot is given up while it stays open. False without memory: it can't be found any more. */
bool parents_lose_slot(struct open_parents *parents, struct open_parent *parent);
void parents_unmap(struct open_parents *parents, struct open_parent *parent);
static inline void parents_take_out(struct open_parents *parents, struct open_parent *parent) {
    *(parent->newer != NULL ? &parent->newer->older : &parents->newest) = parent->older;
    *(parent->older != NULL ? &parent->older->newer : &parents->oldest) = parent->newer;
}
/* Takes it out; it is still the caller's until parents_release. */
static inline void parents_close(struct open_parents *parents, struct open_parent *parent) {
    if (parent->slot != OPEN_CALLS_NONE)
        parents->slots[parent->slot] = NULL;
    else
        parents_unmap(parents, parent);
    parents_take_out(parents, parent);
    parents->count--;
}
/* It got a call. */
static inline void parents_touch(struct open_parents *parents, struct open_parent *parent) {
    parent->round = parents->round;
    if (parents->newest == parent)
        return;
    parents_take_out(parents, parent);
    parents_link_newest(parents, parent);
}
void parents_give_rest(struct open_parents *parents, struct analysis *analysis, struct open_parent *parent);
static inline void parents_release(struct open_parents *parents, struct analysis *analysis,
                                   struct open_parent *parent) {
    if (parent->all != NULL || parent->pairs != NULL ||
        parents->spare + parent->capacity > PARENTS_SPARE_CALLS_MAX)
        parents_give_rest(parents, analysis, parent);
    parents->spare += parent->capacity;
    parent->older = parents->unused;
    parents->unused = parent;
}
/* False: no room. */
bool parents_add_pair(struct analysis *analysis, struct open_parent *parent, const struct sibling_pair *pair);
/* Room for `more` in `calls`, of at most PARENT_CALLS_MAX in all. */
bool parents_grow(struct open_parents *parents, struct analysis *analysis, struct open_parent *parent,
                  uint32_t more);
static inline bool parents_reserve(struct open_parents *parents, struct analysis *analysis,
                                   struct open_parent *parent, uint32_t more) {
    return parent->capacity - parent->count >= more || parents_grow(parents, analysis, parent, more);
}
void parents_free(struct open_parents *parents, struct analysis *analysis);

#endif
