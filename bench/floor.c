/* The floor and the empty loop (floor.h says what they are for). */
#include "floor.h"

static __thread struct {
    uint64_t *next;
    uint64_t ring[FLOOR_RING_BYTES / sizeof(uint64_t)];
} of_thread;

static inline uint64_t ticks(void) {
#if defined(__x86_64__)
    uint32_t low, high;
    __asm__ volatile("rdtsc" : "=a"(low), "=d"(high));
    return (uint64_t)high << 32 | low;
#elif defined(__aarch64__)
    uint64_t count;
    __asm__ volatile("mrs %0, cntvct_el0" : "=r"(count));
    return count;
#else
#error "no tick counter known for this machine"
#endif
}

static inline void store(uint64_t what) {
    uint64_t *at = of_thread.next;
    if (__builtin_expect(at == of_thread.ring + FLOOR_RING_BYTES / sizeof(uint64_t), 0))
        at = of_thread.ring;
    at[0] = ticks();
    at[1] = what;
    of_thread.next = at + 2;
    user_code(); /* so that `next` is in memory, as it is when the next record comes from another function */
}

__attribute__((noinline)) void floor_spans(uint64_t spans) {
    if (of_thread.next == 0)
        of_thread.next = of_thread.ring;
    for (uint64_t i = 0; i < spans; i++) {
        store(i);
        store(i);
    }
}

__attribute__((noinline)) void empty_loop(uint64_t spans) {
    for (uint64_t i = 0; i < spans; i++)
        user_code();
}
