/* Calls that are known only from their children: children end first, and name their parent by its number. Each such
 * parent has a slot, a small number, from its first child's end to its own; parts keep by it what they gather for it. */
#ifndef PERFTRACE_ANALYSIS_OPEN_CALLS_H
#define PERFTRACE_ANALYSIS_OPEN_CALLS_H

#include "../core/budget.h"

#include <stdbool.h>
#include <stdint.h>

#define OPEN_CALLS_MAX (1u << 20) /* at once; children of further ones are as of an unknown parent */
#define OPEN_CALLS_NONE UINT32_MAX
#define OPEN_CALLS_TRACKS_MAX 64u /* on which children of one call are told apart */

struct open_call {
    uint64_t number;
    uint64_t children_ns; /* that calls of `track` took directly within it */
    uint32_t track;       /* of its first child */
    uint32_t others;      /* an unnumbered slot for another track, and so on; or OPEN_CALLS_NONE */
};

/* What the children of a call took beyond the call itself. They can't all be its own: where several processes wrote to one log, others have
 * the same numbers, and the next call of this number to end is taken for the parent of the rest. */
struct open_calls_excess {
    uint64_t number;
    uint64_t ns; /* 0: none */
    uint32_t track;
};

#define OPEN_CALLS_NEAR 256u
#define OPEN_CALLS_EXCESSES 256u

/* Zero-initialised is empty. A number is in `near` if its place there was free when it came, else in the table: few calls are open at
 * once in most inputs, so that most are found without a hash. */
struct open_calls {
    uint32_t near[OPEN_CALLS_NEAR]; /* slot + 1, or 0, by the lowest bits of its number */
    struct open_call *calls;        /* by slot */
    uint32_t count, capacity;
    uint32_t unused; /* slot + 1 of the first that was given back, and so on in `others` */
    uint32_t *table; /* slot + 1, or 0 */
    uint32_t table_size, in_table;
    uint64_t key; /* of the hashes */
    /* Some stand for callers of which no number is known (relatives.h), or there is an excess. */
    bool unusual;
    uint64_t exceeded; /* calls with one */
    /* By the lowest bits of the number: the last of each. */
    struct open_calls_excess excesses[OPEN_CALLS_EXCESSES];
    uint64_t refused; /* calls whose parent got no slot: too many at once, or no memory left */
    struct perftrace_budget *budget;
};

/* The slot of a call that now ends, which from here on is nobody's parent; OPEN_CALLS_NONE if no child has named it. The slot
 * stays as it is until open_calls_give. */
uint32_t open_calls_take_from_table(struct open_calls *open, uint64_t number);
static inline uint32_t open_calls_take(struct open_calls *open, uint64_t number) {
    uint32_t *near = &open->near[number % OPEN_CALLS_NEAR];
    if (*near != 0 && open->calls[*near - 1].number == number) {
        uint32_t slot = *near - 1;
        *near = 0;
        return slot;
    }
    return open->in_table == 0 ? OPEN_CALLS_NONE : open_calls_take_from_table(open, number);
}
/* What its children took of its own track's time. */
uint64_t open_calls_children_ns(const struct open_calls *open, uint32_t slot, uint32_t track);
void open_calls_give_back(struct open_calls *open, uint32_t slot);
static inline void open_calls_give(struct open_calls *open,
                                   uint32_t slot) { /* OPEN_CALLS_NONE: nothing happens */
    if (slot != OPEN_CALLS_NONE)
        open_calls_give_back(open, slot);
}

uint32_t open_calls_tell_other(struct open_calls *open, uint64_t parent, uint32_t track, uint64_t elapsed_ns);
/* The slot of the call that a child names as its parent (not 0), found or made; the child's time is added to it.
 * OPEN_CALLS_NONE, and counted in `refused`, where there is no room. */
static inline uint32_t open_calls_tell_parent(struct open_calls *open, uint64_t parent, uint32_t track,
                                              uint64_t elapsed_ns) {
    uint32_t near = open->near[parent % OPEN_CALLS_NEAR];
    if (near != 0 && open->calls[near - 1].number == parent && open->calls[near - 1].track == track) {
        open->calls[near - 1].children_ns += elapsed_ns;
        return near - 1;
    }
    return open_calls_tell_other(open, parent, track, elapsed_ns);
}

/* Keeps it, and takes it out again (0: there is none). */
void open_calls_exceed(struct open_calls *open, uint64_t number, uint32_t track, uint64_t ns);
uint64_t open_calls_take_excess(struct open_calls *open, uint64_t number, uint32_t track);

/* Forgets all: numbers mean something within one input. */
void open_calls_clear(struct open_calls *open);
void open_calls_free(struct open_calls *open);

#endif
