/* Segments: 64 KiB of records each. A thread fills one at a time, the drainer empties and frees it. Free ones are
 * used again last in, first out, so that a drainer that keeps up makes a thread go round in a few segments that
 * stay in the processor's cache. */
#include "runtime.h"

void perftrace_segment_push(struct perftrace_runtime *runtime, uint32_t index) {
    uint64_t head = __atomic_load_n(&runtime->free_segments, __ATOMIC_RELAXED), next;
    do {
        __atomic_store_n(&runtime->next_free[index], (uint32_t)head, __ATOMIC_RELAXED);
        next = ((head >> 32) + 1) << 32 | (index + 1);
    } while (!__atomic_compare_exchange_n(&runtime->free_segments, &head, next, false, __ATOMIC_RELEASE,
                                          __ATOMIC_RELAXED));
    __atomic_add_fetch(&runtime->free_count, 1, __ATOMIC_RELAXED);
}

/* The index of a free segment, which is no longer free; UINT32_MAX: there is none. */
static uint32_t pop(struct perftrace_runtime *runtime) {
    uint64_t head = __atomic_load_n(&runtime->free_segments, __ATOMIC_ACQUIRE), next;
    do {
        if ((uint32_t)head == 0)
            return UINT32_MAX;
        uint32_t second = __atomic_load_n(&runtime->next_free[(uint32_t)head - 1], __ATOMIC_RELAXED);
        next = ((head >> 32) + 1) << 32 | second;
    } while (!__atomic_compare_exchange_n(&runtime->free_segments, &head, next, false, __ATOMIC_ACQUIRE,
                                          __ATOMIC_ACQUIRE));
    __atomic_sub_fetch(&runtime->free_count, 1, __ATOMIC_RELAXED);
    return (uint32_t)head - 1;
}

/* The flight recorder gives up the oldest. */
static void overwrite_oldest(struct perftrace_runtime *runtime) {
    uint32_t oldest = UINT32_MAX;
    sigset_t saved;
    perftrace_lock(runtime, &saved);
    for (uint32_t i = 0; i < runtime->segment_count; i++)
        if (__atomic_load_n(&runtime->segments[i]->state, __ATOMIC_ACQUIRE) == PERFTRACE_SEGMENT_FULL &&
            !runtime->draining[i] &&
            (oldest == UINT32_MAX || runtime->segments[i]->filled < runtime->segments[oldest]->filled))
            oldest = i;
    if (oldest != UINT32_MAX)
        perftrace_segment_free(runtime, oldest);
    perftrace_unlock(runtime, &saved);
}

bool perftrace_segments_are_full(const struct perftrace_runtime *runtime,
                                 const struct perftrace_thread *thread) {
    uint32_t most = runtime->config.thread_buffer_bytes / PERFTRACE_SEGMENT_BYTES;
    return runtime->config.when_full != PERFTRACE_FULL_OVERWRITE &&
           __atomic_load_n(&thread->waiting, __ATOMIC_RELAXED) >= most;
}

/* The index of a segment that may be had, or UINT32_MAX. */
static uint32_t find_segment(struct perftrace_runtime *runtime, const struct perftrace_thread *thread) {
    bool overwrites = runtime->config.when_full == PERFTRACE_FULL_OVERWRITE;
    if (perftrace_segments_are_full(runtime, thread))
        return UINT32_MAX;
    uint32_t index = pop(runtime);
    if (index != UINT32_MAX ||
        !perftrace_is_own_process(runtime)) /* vfork's child may be killed with a lock */
        return index;
    while (index == UINT32_MAX && !__atomic_load_n(&runtime->cannot_grow, __ATOMIC_RELAXED) &&
           perftrace_rings_grow(runtime, 1, false))
        index = pop(runtime); /* others may have been quicker */
    if (index == UINT32_MAX && overwrites) {
        overwrite_oldest(runtime);
        index = pop(runtime);
    }
    return index;
}

struct perftrace_segment *perftrace_segment_take(struct perftrace_runtime *runtime,
                                                 struct perftrace_thread *thread) {
    uint32_t index = find_segment(runtime, thread);
    if (index == UINT32_MAX)
        return NULL;
    struct perftrace_segment *segment = runtime->segments[index];
    runtime->owners[index] = thread;
    for (unsigned i = 0; i < PERFTRACE_LOSS_CAUSES; i++)
        segment->lost[i] = 0; /* until the thread owns it */
    __atomic_store_n(&segment->state, PERFTRACE_SEGMENT_CLEARING, __ATOMIC_RELEASE);
    segment->track = thread->track;
    segment->sequence = thread->sequence;
    /* Only now that the one before it is there to be seen, by a drainer that finds this number (drain.c). */
    __atomic_store_n(&thread->sequence, segment->sequence + 1, __ATOMIC_RELEASE);
    return segment;
}

uint64_t perftrace_segment_start(struct perftrace_runtime *runtime, struct perftrace_segment *segment) {
    uint64_t now = perftrace_ticks_now(runtime);
    segment->base_tick = now & ~(uint64_t)UINT32_MAX;
    segment->drained = 0;
    segment->end = 0;
    __atomic_store_n(&segment->state, PERFTRACE_SEGMENT_ACTIVE, __ATOMIC_RELEASE);
    return now;
}

void perftrace_segment_hand_over(struct perftrace_runtime *runtime, struct perftrace_thread *thread,
                                 struct perftrace_segment *segment, const uint64_t *end) {
    __atomic_add_fetch(&thread->waiting, 1, __ATOMIC_RELAXED);
    segment->filled = __atomic_add_fetch(&runtime->filled, 1, __ATOMIC_RELAXED);
    segment->end = end == NULL ? UINT32_MAX : (uint32_t)((const char *)end - (const char *)(segment + 1));
    __atomic_store_n(&segment->state, PERFTRACE_SEGMENT_FULL, __ATOMIC_RELEASE);
}

void perftrace_segment_free(struct perftrace_runtime *runtime, uint32_t index) {
    struct perftrace_segment *segment = runtime->segments[index];
    struct perftrace_thread *owner = runtime->owners[index];
    if (owner != NULL && owner->track == segment->track)
        if (__atomic_sub_fetch(&owner->waiting, 1, __ATOMIC_RELAXED) == 0 && !owner->used)
            perftrace_losses_settle(runtime, owner);
    runtime->owners[index] = NULL;
    runtime->held_ns[index] = 0;
    __atomic_store_n(&runtime->hopeless, false, __ATOMIC_RELAXED);
    __atomic_store_n(&segment->state, PERFTRACE_SEGMENT_FREE, __ATOMIC_RELEASE);
    perftrace_segment_push(runtime, index);
}
