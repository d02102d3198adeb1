/* The tape with its marks, the tree over them, and the holes. */
#include "lru_stack.h"

#include <stdlib.h>
#include <string.h>

#define LRU_HOLE (UINT32_MAX - 1)
#define CAPACITY_MIN 64u
#define CAPACITY_MAX (UINT32_MAX / 2)

/* The first words of a tape, and what is kept of the next one from now on. A block that has got full becomes part of the tree: its own
 * marks and the sums of those that it stands for. */
void lru_stack_word_full(struct lru_stack *stack, uint32_t word) {
    uint16_t marks = (uint16_t)(stack->before[word] + lru_bits(stack->marks[word]));
    uint32_t next = word + 1, number = next / LRU_BLOCK_WORDS;
    bool full = next % LRU_BLOCK_WORDS == 0;
    stack->before[next] = full ? 0 : marks;
    if (!full)
        return;
    uint32_t sum = (uint32_t)marks;
    for (uint32_t part = number - 1; part > (number & (number - 1)); part &= part - 1)
        sum += stack->sums[part];
    stack->sums[number] = sum;
}

/* ---- holes: a heap with the topmost, which has the largest position, first -------------------------------------- */

static void holes_replace_top(struct lru_stack *stack, uint32_t position) {
    uint32_t *holes = stack->holes, at = 0;
    for (;;) {
        uint32_t child = 2 * at + 1;
        if (child + 1 < stack->hole_count && holes[child + 1] > holes[child])
            child++;
        if (child >= stack->hole_count || holes[child] < position)
            break;
        holes[at] = holes[child];
        at = child;
    }
    holes[at] = position;
}

static bool holes_add(struct lru_stack *stack, uint32_t position, struct perftrace_budget *budget) {
    if (stack->hole_count == stack->hole_capacity) {
        uint32_t wanted = stack->hole_capacity == 0 ? 16 : stack->hole_capacity * 2;
        size_t more = (wanted - stack->hole_capacity) * sizeof *stack->holes;
        if (!perftrace_budget_take(budget, more))
            return false;
        uint32_t *grown = realloc(stack->holes, wanted * sizeof *grown);
        if (grown == NULL) {
            perftrace_budget_give(budget, more);
            return false;
        }
        stack->holes = grown;
        stack->hole_capacity = wanted;
    }
    uint32_t at = stack->hole_count++;
    for (; at > 0 && stack->holes[(at - 1) / 2] < position; at = (at - 1) / 2)
        stack->holes[at] = stack->holes[(at - 1) / 2];
    stack->holes[at] = position;
    return true;
}

/* A key leaves `position` (0: it was outside) for the top. */
static void leave(struct lru_stack *stack, uint32_t position) {
    if (stack->hole_count == 0 || stack->holes[0] < position) {
        if (position != 0)
            lru_stack_unmark(stack, position);
        return;
    }
    lru_stack_unmark(stack, stack->holes[0]);
    if (position != 0) {
        stack->owners[position] = LRU_HOLE;
        holes_replace_top(stack, position);
    } else if (--stack->hole_count > 0) {
        holes_replace_top(stack, stack->holes[stack->hole_count]);
    }
}

/* ---- the tape ------------------------------------------------------------------------------------------------------- */

static size_t blocks_of(uint32_t capacity) {
    return (capacity >> LRU_BLOCK_BITS) + 1;
}

static size_t before_bytes(uint32_t capacity) {
    return blocks_of(capacity) * LRU_BLOCK_WORDS * sizeof(int16_t);
}

static size_t tape_bytes(uint32_t capacity) {
    return capacity / 64 * sizeof(uint64_t) + before_bytes(capacity) + capacity * sizeof(uint32_t) +
           blocks_of(capacity) * sizeof(uint32_t);
}

/* Pieces for so many positions. What can't be made larger or smaller stays as it is. False: not all are as large as that. */
static bool resize(struct lru_stack *stack, uint32_t capacity) {
    uint64_t *marks = realloc(stack->marks, capacity / 64 * sizeof *marks);
    stack->marks = marks != NULL ? marks : stack->marks;
    uint16_t *before = realloc(stack->before, before_bytes(capacity));
    stack->before = before != NULL ? before : stack->before;
    uint32_t *owners = realloc(stack->owners, capacity * sizeof *owners);
    stack->owners = owners != NULL ? owners : stack->owners;
    uint32_t *sums = realloc(stack->sums, blocks_of(capacity) * sizeof *sums);
    stack->sums = sums != NULL ? sums : stack->sums;
    return marks != NULL && before != NULL && owners != NULL && sums != NULL;
}

static bool grow(struct lru_stack *stack, struct perftrace_budget *budget) {
    uint64_t wanted = stack->capacity == 0 ? CAPACITY_MIN
                                           : (uint64_t)stack->capacity + (stack->capacity / 2 + 63) / 64 * 64;
    if (wanted > CAPACITY_MAX)
        return false;
    uint32_t capacity = (uint32_t)wanted;
    size_t more = tape_bytes(capacity) - (stack->capacity == 0 ? 0 : tape_bytes(stack->capacity));
    if (!perftrace_budget_take(budget, more))
        return false;
    if (!resize(stack, capacity)) {
        perftrace_budget_give(budget, more);
        return false;
    }
    memset(stack->marks + stack->capacity / 64, 0, (capacity - stack->capacity) / 64 * sizeof *stack->marks);
    if (stack->capacity == 0) {
        stack->next = 1; /* position 0 is none */
        stack->before[0] = 0;
    }
    stack->capacity = capacity;
    return true;
}

typedef uint32_t renumber_function(const void *context, uint32_t number);

/* What becomes of a mark's owner where only a half is kept. */
static uint32_t thinned(uint32_t owner, renumber_function *renumber, const void *context, uint32_t *holes) {
    if (owner != LRU_HOLE)
        return renumber(context, owner);
    return (*holes)++ % 2 == 0 ? LRU_HOLE : LRU_NONE;
}

/* Moves all marks to the beginning of the tape. Holes come in rising order; the other way round they are a heap. */
static void move_together(struct lru_stack *stack, struct lru_key *keys, renumber_function *renumber,
                          const void *context) {
    uint32_t to = 1, holes = 0, old_holes = 0, words = stack->capacity / 64;
    for (uint32_t word = 0; word < words; word++) {
        for (uint64_t left = stack->marks[word]; left != 0; left &= left - 1) {
            uint32_t owner = stack->owners[word * 64 + (uint32_t)__builtin_ctzll(left)];
            if (renumber != NULL && (owner = thinned(owner, renumber, context, &old_holes)) == LRU_NONE)
                continue;
            stack->owners[to] = owner;
            if (owner == LRU_HOLE)
                stack->holes[holes++] = to;
            else
                keys[owner].position = to;
            to++;
        }
    }
    for (uint32_t i = 0; i < holes / 2; i++) {
        uint32_t hole = stack->holes[i];
        stack->holes[i] = stack->holes[holes - 1 - i];
        stack->holes[holes - 1 - i] = hole;
    }
    stack->hole_count = holes;
    memset(stack->marks, 0, words * sizeof *stack->marks);
    memset(stack->marks, 0xff, to / 64 * sizeof *stack->marks);
    if (to % 64 != 0)
        stack->marks[to / 64] = (UINT64_C(1) << (to % 64)) - 1;
    stack->marks[0] &= ~UINT64_C(1);
    stack->next = to;
    stack->marked = to - 1;
    stack->before[0] = 0;
    for (uint32_t word = 0; word < to / 64; word++)
        lru_stack_word_full(stack, word);
}

/* Makes room at the end of the tape. Two thirds may be taken, so that moving together costs a few steps an access at most. */
static bool make_room(struct lru_stack *stack, struct lru_key *keys, struct perftrace_budget *budget) {
    if (stack->capacity != 0 && stack->marked <= stack->capacity / 3 * 2) {
        move_together(stack, keys, NULL, NULL);
        return true;
    }
    if (grow(stack, budget))
        return true;
    /* Rather slow than without: as long as there is some room at all. */
    if (stack->capacity == 0 || stack->marked + stack->marked / 16 + 2 > stack->capacity)
        return false;
    move_together(stack, keys, NULL, NULL);
    return true;
}

bool lru_stack_touch(struct lru_stack *stack, struct lru_key *keys, uint32_t number,
                     struct perftrace_budget *budget) {
    if (stack->next == stack->capacity && !make_room(stack, keys, budget))
        return false;
    leave(stack, keys[number].position);
    lru_stack_push(stack, &keys[number], number);
    return true;
}

bool lru_stack_remove(struct lru_stack *stack, struct lru_key *keys, uint32_t number,
                      struct perftrace_budget *budget) {
    if (!holes_add(stack, keys[number].position, budget))
        return false;
    stack->owners[keys[number].position] = LRU_HOLE;
    keys[number].position = 0;
    return true;
}

uint32_t lru_stack_clear(struct lru_stack *stack, struct lru_key *keys,
                         void (*removed)(void *context, uint32_t number), void *context) {
    uint32_t words = (stack->next + 63) / 64, count = stack->marked - stack->hole_count;
    for (uint32_t word = 0; word < words; word++)
        for (uint64_t left = stack->marks[word]; left != 0; left &= left - 1) {
            uint32_t owner = stack->owners[word * 64 + (uint32_t)__builtin_ctzll(left)];
            if (owner == LRU_HOLE)
                continue;
            keys[owner].position = 0;
            removed(context, owner);
        }
    if (words > 0)
        memset(stack->marks, 0, words * sizeof *stack->marks);
    stack->next = stack->capacity == 0 ? 0 : 1;
    stack->marked = stack->hole_count = 0;
    return count;
}

void lru_stack_thin(struct lru_stack *stack, struct lru_key *keys, renumber_function *renumber,
                    const void *context, struct perftrace_budget *budget) {
    if (stack->capacity == 0)
        return;
    move_together(stack, keys, renumber, context);
    uint32_t capacity = (stack->next + stack->next / 2 + 63) / 64 * 64 + 64;
    if (capacity >= stack->capacity)
        return;
    perftrace_budget_give(budget, tape_bytes(stack->capacity) - tape_bytes(capacity));
    stack->capacity = capacity;
    resize(stack, capacity);
}

void lru_stack_free(struct lru_stack *stack, struct perftrace_budget *budget) {
    if (stack->capacity != 0)
        perftrace_budget_give(budget, tape_bytes(stack->capacity));
    perftrace_budget_give(budget, stack->hole_capacity * sizeof *stack->holes);
    free(stack->marks);
    free(stack->before);
    free(stack->owners);
    free(stack->sums);
    free(stack->holes);
    *stack = (struct lru_stack){0};
}
