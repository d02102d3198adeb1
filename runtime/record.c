/* The cold path: everything about a record that the inline path does not do itself. */
#include "runtime.h"

#include <errno.h>

#define RECORD_BYTES_MAX 16384u

/* Puts the thread on to its next segment. False: there is none. */
static bool next_segment(struct perftrace_runtime *runtime, struct perftrace_thread *thread, const uint64_t *end) {
    sigset_t saved;
    perftrace_lock(runtime, &saved);
    bool recording = runtime->state == PERFTRACE_STATE_RECORDING && thread->generation == runtime->generation;
    struct perftrace_segment *segment = recording ? perftrace_segment_take(runtime, thread) : NULL;
    perftrace_unlock(runtime, &saved);
    if (segment == NULL)
        return false;
    perftrace_segment_start(runtime, segment);
    if (thread->segment != NULL)
        perftrace_segment_hand_over(runtime, thread, end);
    char *limit = (char *)segment + PERFTRACE_SEGMENT_BYTES;
    thread->segment = segment;
    thread->hard_limit = (uint64_t *)(void *)limit;
    thread->control.epoch = (uint32_t)(segment->base_tick >> 32);
    if (!runtime->use_clock_gettime)
        thread->control.limit = (uint64_t *)(void *)(limit - PERFTRACE_RESERVE_BYTES - PERFTRACE_SLACK_BYTES);
    /* perftrace_shutdown sets the state first and the limits then: one of the two sees the other. */
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    if (__atomic_load_n(&runtime->state, __ATOMIC_RELAXED) != PERFTRACE_STATE_RECORDING)
        thread->control.limit = NULL;
    perftrace_wake_drainer(runtime);
    return true;
}

static bool fits(const struct perftrace_thread *thread, const uint64_t *at, size_t words, bool end_of_span) {
    if (thread->segment == NULL)
        return false;
    size_t left = (size_t)((const char *)thread->hard_limit - (const char *)at);
    size_t kept = end_of_span ? 0 : PERFTRACE_RESERVE_BYTES;
    return left >= words * 8 + kept;
}

/* Where the record of so many words goes; NULL: nowhere. `at` is where the last one ended, or CLAIMED where
 * that is not known. */
static uint64_t *make_room(struct perftrace_runtime *runtime, struct perftrace_thread *thread, uint64_t *at,
                           size_t words, bool end_of_span) {
    if (at != PERFTRACE_CLAIMED && fits(thread, at, words, false))
        return at;
    for (;;) {
        int pulse = __atomic_load_n(&runtime->pulse, __ATOMIC_ACQUIRE);
        if (next_segment(runtime, thread, at))
            return (uint64_t *)(thread->segment + 1);
        if (at != PERFTRACE_CLAIMED && end_of_span && fits(thread, at, words, true))
            return at;
        if (runtime->config.when_full != PERFTRACE_FULL_WAIT || runtime->state != PERFTRACE_STATE_RECORDING)
            return NULL;
        perftrace_wake_drainer(runtime);
        perftrace_futex_wait(&runtime->pulse, pulse, 10000000);
    }
}

/* The record's first word at *at, behind a REBASE where the epoch has changed. */
static uint64_t stamp(struct perftrace_runtime *runtime, struct perftrace_thread *thread, uint64_t **at,
                      uint64_t word) {
    uint64_t ticks = perftrace_ticks_now(runtime);
    if (ticks >> 32 != thread->control.epoch) {
        (*at)[1] = ticks & ~(uint64_t)UINT32_MAX;
        __atomic_store_n(*at, (uint64_t)PERFTRACE_RECORD_REBASE << PERFTRACE_KIND_SHIFT, __ATOMIC_RELEASE);
        *at += 2;
        thread->control.epoch = (uint32_t)(ticks >> 32);
    }
    return ticks << 32 | word;
}

static uint64_t record(struct perftrace_runtime *runtime, struct perftrace_site *site, uint64_t depth,
                       const uint64_t *fixed, unsigned fixed_count, const struct perftrace_value_ *values,
                       unsigned value_count) {
    struct perftrace_thread *thread = perftrace_thread_here(runtime);
    if (thread == NULL)
        return 0;
    uint64_t *before = thread->control.cursor;
    if (before == PERFTRACE_CLAIMED) {
        perftrace_count_lost(runtime, thread, PERFTRACE_LOSS_REENTRY);
        return 0;
    }
    size_t words = 1 + fixed_count;
    for (unsigned i = 0; i < value_count; i++)
        words += perftrace_words_(&values[i]);
    if (words * 8 > RECORD_BYTES_MAX) {
        perftrace_count_lost(runtime, thread, PERFTRACE_LOSS_TOO_BIG);
        return 0;
    }
    thread->control.cursor = PERFTRACE_CLAIMED;
    uint64_t *at = make_room(runtime, thread, before, words + 2, false);
    uint64_t word = 0;
    if (at != NULL) {
        word = (uint64_t)site->id << PERFTRACE_SITE_SHIFT | (uint64_t)site->kind << PERFTRACE_KIND_SHIFT |
               (depth == UINT64_MAX ? thread->control.depth : depth);
        uint64_t first = stamp(runtime, thread, &at, word);
        uint64_t *to = at + 1;
        for (unsigned i = 0; i < fixed_count; i++)
            *to++ = fixed[i];
        for (unsigned i = 0; i < value_count; i++)
            to = perftrace_put_(to, &values[i]);
        if (site->kind == PERFTRACE_RECORD_BEGIN)
            thread->control.depth++;
        perftrace_publish_(&thread->control, at, first, to);
    } else {
        perftrace_count_lost(runtime, thread,
                             thread->segment != NULL ? PERFTRACE_LOSS_FULL : PERFTRACE_LOSS_NO_RING);
        thread->control.cursor = before;
    }
    return word;
}

uint64_t perftrace_record_cold_(struct perftrace_site *site, uint64_t depth, const uint64_t *fixed,
                                unsigned fixed_count, const struct perftrace_value_ *values,
                                unsigned value_count) {
    int saved_errno = errno;
    struct perftrace_runtime *runtime = perftrace_active();
    uint64_t word = 0;
    if (runtime != NULL && perftrace_state_(site) != 0)
        word = record(runtime, site, depth, fixed, fixed_count, values, value_count);
    errno = saved_errno;
    return word;
}

uint32_t perftrace_meet_(struct perftrace_site *site) {
    int saved_errno = errno;
    struct perftrace_runtime *recording = perftrace_active(), *runtime = perftrace_here();
    uint32_t state = 0;
    if (runtime != NULL && perftrace_site_register(runtime, site))
        state = perftrace_state_(site);
    else if (recording != NULL && perftrace_state_(site) == PERFTRACE_SITE_NEW_)
        perftrace_count_lost(recording, NULL, PERFTRACE_LOSS_NO_SITE);
    errno = saved_errno;
    return state;
}

void perftrace_end_cold_(uint64_t word) {
    int saved_errno = errno;
    struct perftrace_runtime *runtime = perftrace_active();
    struct perftrace_thread *thread = (struct perftrace_thread *)(void *)perftrace_control_;
    if (runtime == NULL || perftrace_control_ == &perftrace_no_control || !thread->used ||
        thread->generation != runtime->generation || thread->segment == NULL) {
        errno = saved_errno;
        return; /* it began in another process, or another trace */
    }
    /* A span that was recorded ends while a record is being written: whoever was writing has been left by longjmp or
     * an exception (a handler that came in between could not have begun a span). Its segment is given up with what
     * is whole in it. */
    uint64_t *before = thread->control.cursor;
    thread->control.cursor = PERFTRACE_CLAIMED;
    uint64_t *at = make_room(runtime, thread, before, 3, true);
    if (at != NULL) {
        uint64_t first = stamp(runtime, thread, &at, word + PERFTRACE_KIND_STEP_);
        thread->control.depth = (uint8_t)word;
        perftrace_publish_(&thread->control, at, first, at + 1);
    } else {
        perftrace_count_lost(runtime, thread, PERFTRACE_LOSS_FULL);
        thread->control.depth = (uint8_t)word;
        thread->control.cursor = before;
    }
    errno = saved_errno;
}

uint64_t perftrace_new_id_(void) {
    struct perftrace_thread *thread = (struct perftrace_thread *)(void *)perftrace_control_;
    static uint64_t of_new_threads;
    if (perftrace_control_ == &perftrace_no_control)
        return (uint64_t)1 << 63 | __atomic_add_fetch(&of_new_threads, 1, __ATOMIC_RELAXED);
    /* One instruction apart from a handler's: a number may be skipped, never given twice. */
    return (uint64_t)1 << 63 | (uint64_t)(thread->track & 0x7fffff) << 40 |
           (__atomic_add_fetch(&thread->next_id, 1, __ATOMIC_RELAXED) & 0xffffffffff);
}
