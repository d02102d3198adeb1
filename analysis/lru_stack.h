/* An LRU stack: at place d stands what a cache of d entries holds and one of d - 1 does not. It answers at which place a key
 * is, in logarithmic time, and moves it to the top.
 *
 * Each access gets the next position on a tape, and a mark there, which moves on with the key: its place is the number of marks
 * from its own on. Marks are bits. How many there are before one is added up from its word, what is kept of each word (the marks
 * before it in its block), and a Fenwick tree (P. M. Fenwick, 1994) of blocks. When the tape is full, the marks are moved together, in order (F. Olken: Efficient methods for
 * calculating the success function of fixed space replacement policies, 1981, has a balanced tree in its stead).
 *
 * What is removed leaves a hole: a place that caches of that size and larger have free. The next key that comes to the top
 * from below, or is new, fills the topmost hole above its place: caches too small to have held the key put it there, and in the
 * larger ones it is where the key came from that is free now. So places are exact with removals, too. */
#ifndef PERFTRACE_ANALYSIS_LRU_STACK_H
#define PERFTRACE_ANALYSIS_LRU_STACK_H

#include "../core/budget.h"

#include <stdint.h>

/* What is known of a key; keys are numbers into an array of these that the owner of the stack has, and belong to one stack. */
struct lru_key {
    uint32_t position; /* on the tape; 0: not in the stack. The stack's alone */
    uint32_t root;     /* this and the next are the owner's, here since they are wanted at the same moment */
    uint64_t saved_ns;
};

/* Zero-initialised is empty. */
struct lru_stack {
    uint64_t *marks;  /* a bit for each position: a key's or a hole's */
    uint16_t *before; /* by word of marks: those before it in its block; beyond the word of `next` anything */
    uint32_t *owners; /* by position: which key, or LRU_HOLE */
    uint32_t *sums;   /* the tree: of marks in blocks that are full */
    uint32_t *holes;  /* their positions, a heap with the topmost first */
    uint32_t next, capacity;
    uint32_t marked; /* keys and holes */
    uint32_t hole_count, hole_capacity;
};

#define LRU_BLOCK_BITS 10u /* positions in a block of the tree */
#define LRU_BLOCK_WORDS (1u << (LRU_BLOCK_BITS - 6))
/* Half of the `before` of a block: as much as all machines change at once. */
typedef uint16_t lru_words __attribute__((vector_size(LRU_BLOCK_WORDS), aligned(2), may_alias));
typedef int16_t lru_numbers __attribute__((vector_size(LRU_BLOCK_WORDS)));

/* How many bits are set: by an instruction, where the machine has it. */
static inline uint32_t lru_bits(uint64_t word) {
#ifdef __x86_64__
    if (__builtin_cpu_supports("popcnt")) {
        uint64_t bits;
        __asm__("popcnt %1, %0" : "=r"(bits) : "r"(word) : "cc");
        return (uint32_t)bits;
    }
#endif
    word -= word >> 1 & UINT64_C(0x5555555555555555);
    word = (word & UINT64_C(0x3333333333333333)) + (word >> 2 & UINT64_C(0x3333333333333333));
    word = (word + (word >> 4)) & UINT64_C(0x0f0f0f0f0f0f0f0f);
    return (uint32_t)(word * UINT64_C(0x0101010101010101) >> 56);
}

/* The place of a mark, from 1. */
static inline uint32_t lru_stack_place(const struct lru_stack *stack, uint32_t position) {
    uint32_t word = position >> 6, before = stack->before[word];
    uint32_t upto = before + lru_bits(stack->marks[word] << (~position & 63));
    for (uint32_t block = position >> LRU_BLOCK_BITS; block > 0; block &= block - 1)
        upto += stack->sums[block];
    return stack->marked + 1 - upto;
}

static inline void lru_stack_unmark(struct lru_stack *stack, uint32_t position) {
    const lru_numbers low = {0, 1, 2, 3, 4, 5, 6, 7}, high = {8, 9, 10, 11, 12, 13, 14, 15};
    uint32_t word = position >> 6, full = stack->next >> LRU_BLOCK_BITS; /* blocks */
    stack->marks[word] &= ~(UINT64_C(1) << (position & 63));
    stack->marked--;
    lru_words *before = (lru_words *)&stack->before[word & ~(LRU_BLOCK_WORDS - 1)];
    int16_t number = (int16_t)(word & (LRU_BLOCK_WORDS - 1));
    before[0] += (lru_words)(low > number); /* -1 for words behind it */
    before[1] += (lru_words)(high > number);
    for (uint32_t block = (position >> LRU_BLOCK_BITS) + 1; block <= full; block += block & (0u - block))
        stack->sums[block]--;
}

void lru_stack_word_full(struct lru_stack *stack, uint32_t word);
/* Puts a key on top that is not in the stack; the tape has room. */
static inline void lru_stack_push(struct lru_stack *stack, struct lru_key *key, uint32_t number) {
    uint32_t next = stack->next;
    stack->marks[next >> 6] |= UINT64_C(1) << (next & 63);
    stack->owners[next] = number;
    stack->marked++;
    key->position = next;
    stack->next = next + 1;
    if ((stack->next & 63) == 0)
        lru_stack_word_full(stack, next >> 6);
}

/* A key that is in the stack comes to the top, in the usual case: nothing has been removed. Returns the place where it was; 0 where it is
 * not so simple: then nothing is done. */
static inline uint32_t lru_stack_again(struct lru_stack *stack, struct lru_key *key, uint32_t number) {
    uint32_t position = key->position;
    if (position == 0)
        return 0;
    if (position == stack->next - 1)
        return 1;
    if (stack->next == stack->capacity || stack->hole_count != 0)
        return 0;
    uint32_t place = lru_stack_place(stack, position);
    lru_stack_unmark(stack, position);
    lru_stack_push(stack, key, number);
    return place;
}

/* And one that is not in the stack. False: as above. */
static inline bool lru_stack_new(struct lru_stack *stack, struct lru_key *key, uint32_t number) {
    if (key->position != 0 || stack->next == stack->capacity || stack->hole_count != 0)
        return false;
    lru_stack_push(stack, key, number);
    return true;
}

/* Brings a key to the top, from its place or from outside. False without memory, within the budget: nothing has changed. */
bool lru_stack_touch(struct lru_stack *stack, struct lru_key *keys, uint32_t number,
                     struct perftrace_budget *budget);
/* Takes a key out that is in the stack, leaving a hole. False as above. */
bool lru_stack_remove(struct lru_stack *stack, struct lru_key *keys, uint32_t number,
                      struct perftrace_budget *budget);
/* Takes everything out, after a word on each key; no holes are left. Returns how many keys that were. */
uint32_t lru_stack_clear(struct lru_stack *stack, struct lru_key *keys,
                         void (*removed)(void *context, uint32_t number), void *context);
/* Leaves out every second hole, and the keys for which `renumber` says LRU_NONE; `keys` has the others already under their new
 * numbers. Gives back what is not needed any more. */
#define LRU_NONE UINT32_MAX
void lru_stack_thin(struct lru_stack *stack, struct lru_key *keys,
                    uint32_t (*renumber)(const void *context, uint32_t number), const void *context,
                    struct perftrace_budget *budget);
void lru_stack_free(struct lru_stack *stack, struct perftrace_budget *budget);

#endif
