/* Slots for open calls: a dense array, and a hash table of their numbers with open addressing. */
#include "open_calls.h"

#include "intern.h"

#include "../core/hash.h"

#include <stdlib.h>
#include <string.h>

#define TABLE_MIN 64u

static uint32_t place_of(const struct open_calls *open, uint64_t number) {
    return (uint32_t)perftrace_hash_number(open->key, number) & (open->table_size - 1);
}

/* Where the number is in the table, or the empty place where it belongs. */
static uint32_t find(const struct open_calls *open, uint64_t number) {
    uint32_t at = place_of(open, number);
    while (open->table[at] != 0 && open->calls[open->table[at] - 1].number != number)
        at = (at + 1) & (open->table_size - 1);
    return at;
}

/* At most half full, so that most searches end at once. */
static bool reserve_table(struct open_calls *open) {
    if (open->in_table < open->table_size / 2)
        return true;
    uint32_t wanted = open->table_size == 0 ? TABLE_MIN : open->table_size * 2;
    if (!perftrace_budget_take(open->budget, wanted * sizeof *open->table))
        return false;
    uint32_t *old = open->table, old_size = open->table_size;
    uint32_t *table = calloc(wanted, sizeof *table);
    if (table == NULL) {
        perftrace_budget_give(open->budget, wanted * sizeof *open->table);
        return false;
    }
    if (open->key == 0)
        open->key = perftrace_hash_key();
    open->table = table;
    open->table_size = wanted;
    for (uint32_t i = 0; i < old_size; i++)
        if (old[i] != 0)
            table[find(open, open->calls[old[i] - 1].number)] = old[i];
    free(old);
    perftrace_budget_give(open->budget, old_size * sizeof *open->table);
    return true;
}

static bool reserve_calls(struct open_calls *open) {
    if (open->unused != 0 || open->count < open->capacity)
        return true;
    uint32_t wanted = open->capacity == 0 ? TABLE_MIN : open->capacity * 2;
    return wanted <= OPEN_CALLS_MAX &&
           array_grow(open->budget, (void **)&open->calls, &open->capacity, wanted, sizeof *open->calls);
}

static uint32_t new_slot(struct open_calls *open, uint64_t number, uint32_t track, uint64_t elapsed_ns) {
    if (!reserve_calls(open))
        return OPEN_CALLS_NONE;
    uint32_t slot = open->count;
    if (open->unused != 0) {
        slot = open->unused - 1;
        open->unused = open->calls[slot].others;
    } else {
        open->count++;
    }
    open->calls[slot] = (struct open_call){number, elapsed_ns, track, OPEN_CALLS_NONE};
    return slot;
}

/* Takes an entry out so that those behind it are still found: each that may be moves into the gap. */
static void close_gap(struct open_calls *open, uint32_t gap) {
    uint32_t mask = open->table_size - 1;
    for (uint32_t at = (gap + 1) & mask; open->table[at] != 0; at = (at + 1) & mask) {
        uint32_t home = place_of(open, open->calls[open->table[at] - 1].number);
        if (((at - home) & mask) < ((at - gap) & mask))
            continue;
        open->table[gap] = open->table[at];
        gap = at;
    }
    open->table[gap] = 0;
}

uint32_t open_calls_take_from_table(struct open_calls *open, uint64_t number) {
    uint32_t at = find(open, number);
    if (open->table[at] == 0)
        return OPEN_CALLS_NONE;
    uint32_t slot = open->table[at] - 1;
    close_gap(open, at);
    open->in_table--;
    return slot;
}

uint64_t open_calls_children_ns(const struct open_calls *open, uint32_t slot, uint32_t track) {
    for (; slot != OPEN_CALLS_NONE; slot = open->calls[slot].others)
        if (open->calls[slot].track == track)
            return open->calls[slot].children_ns;
    return 0;
}

void open_calls_give_back(struct open_calls *open, uint32_t slot) {
    while (slot != OPEN_CALLS_NONE) {
        uint32_t next = open->calls[slot].others;
        open->calls[slot].others = open->unused;
        open->unused = slot + 1;
        slot = next;
    }
}

static void add_child(struct open_calls *open, uint32_t slot, uint32_t track, uint64_t elapsed_ns) {
    uint32_t last = slot, tracks = 1;
    for (; slot != OPEN_CALLS_NONE; slot = open->calls[slot].others, tracks++) {
        if (open->calls[slot].track == track) {
            open->calls[slot].children_ns += elapsed_ns;
            return;
        }
        last = slot;
    }
    if (tracks > OPEN_CALLS_TRACKS_MAX)
        return;
    uint32_t more = new_slot(open, 0, track, elapsed_ns);
    open->calls[last].others = more;
}

/* It is not where near ones are. */
static uint32_t find_or_make(struct open_calls *open, uint64_t parent, uint32_t track) {
    bool room = reserve_table(open); /* without it those that are there are still found */
    if (open->table_size == 0)
        return OPEN_CALLS_NONE;
    uint32_t at = find(open, parent);
    if (open->table[at] != 0)
        return open->table[at] - 1;
    uint32_t slot = room ? new_slot(open, parent, track, 0) : OPEN_CALLS_NONE;
    if (slot != OPEN_CALLS_NONE) {
        open->table[at] = slot + 1;
        open->in_table++;
    }
    return slot;
}

uint32_t open_calls_tell_other(struct open_calls *open, uint64_t parent, uint32_t track,
                               uint64_t elapsed_ns) {
    uint32_t *near = &open->near[parent % OPEN_CALLS_NEAR], slot;
    if (*near == 0 && (open->in_table == 0 || open->table[find(open, parent)] == 0)) {
        slot = new_slot(open, parent, track, elapsed_ns);
        *near = slot + 1; /* OPEN_CALLS_NONE becomes 0 */
    } else {
        bool is_near = *near != 0 && open->calls[*near - 1].number == parent;
        slot = is_near ? *near - 1 : find_or_make(open, parent, track);
        if (slot != OPEN_CALLS_NONE)
            add_child(open, slot, track, elapsed_ns);
    }
    open->refused += slot == OPEN_CALLS_NONE;
    return slot;
}

void open_calls_exceed(struct open_calls *open, uint64_t number, uint32_t track, uint64_t ns) {
    open->excesses[number % OPEN_CALLS_EXCESSES] = (struct open_calls_excess){number, ns, track};
    open->exceeded++;
    open->unusual = true;
}

uint64_t open_calls_take_excess(struct open_calls *open, uint64_t number, uint32_t track) {
    struct open_calls_excess *excess = &open->excesses[number % OPEN_CALLS_EXCESSES];
    if (excess->number != number || excess->track != track)
        return 0;
    uint64_t ns = excess->ns;
    excess->ns = 0;
    return ns;
}

void open_calls_clear(struct open_calls *open) {
    for (uint32_t i = 0; i < open->table_size; i++)
        open->table[i] = 0;
    memset(open->near, 0, sizeof open->near);
    open->count = open->unused = open->in_table = 0;
    memset(open->excesses, 0, sizeof open->excesses);
    open->unusual = false;
}

void open_calls_free(struct open_calls *open) {
    perftrace_budget_give(open->budget, open->table_size * sizeof *open->table);
    perftrace_budget_give(open->budget, open->capacity * sizeof *open->calls);
    free(open->table);
    free(open->calls);
    *open = (struct open_calls){0};
}
