/* The cold path: everything about a record that the inline path does not do itself. */
#include "runtime.h"

#include <errno.h>
#include <string.h>

#define RECORD_BYTES_MAX 16384u
#define CLEAR_BYTES 4096u
#define FAST_NS 1000000u /* a segment filled in less */
#define WAITING_FEW 16u  /* segments of a thread that may wait without the drainer being woken */

/* Where another thread asks this one to look up (it sets the epoch to a value that no tick has), the answer must
 * not be overwritten. */
static void set_epoch(struct perftrace_runtime *runtime, struct perftrace_thread *thread, uint32_t epoch) {
    thread->epoch = epoch;
    __atomic_store_n(&thread->control.epoch, runtime->use_clock_gettime ? PERFTRACE_NO_EPOCH : epoch,
                     __ATOMIC_SEQ_CST);
    if (__atomic_load_n(&runtime->state, __ATOMIC_SEQ_CST) != PERFTRACE_STATE_RECORDING)
        __atomic_store_n(&thread->control.epoch, PERFTRACE_NO_EPOCH, __ATOMIC_SEQ_CST);
}

/* Fills the thread's segment with zeros up to `to` at least, but for its end. Ahead of the cursor there must always be
 * one, as that is where readers stop; the thread writes them itself, which brings the memory into the right processor's
 * cache, and step by step, as all at once would be microseconds in which the program waits. */
static void clear_up_to(struct perftrace_segment *segment, char **cleared, const char *to) {
    char *end = (char *)segment + PERFTRACE_SEGMENT_BYTES;
    if (*cleared >= to || *cleared == end)
        return;
    size_t wanted = (size_t)(to - *cleared), left = (size_t)(end - *cleared);
    size_t bytes = (wanted + CLEAR_BYTES - 1) / CLEAR_BYTES * CLEAR_BYTES;
    if (bytes > left)
        bytes = left;
    memset(*cleared, 0, bytes);
    *cleared += bytes;
}

/* The drainer looks by itself every flush_ms. It is woken for a thread that fills segments fast, so that this goes round in
 * few, which stay in the cache; not for others, to whom a wake-up costs more than all their records meanwhile. */
static void tell_drainer(struct perftrace_runtime *runtime, const struct perftrace_thread *thread,
                         uint64_t ticks) {
    uint32_t most = runtime->config.thread_buffer_bytes / PERFTRACE_SEGMENT_BYTES;
    uint32_t waiting = __atomic_load_n(&thread->waiting, __ATOMIC_RELAXED);
    bool fast = ticks < runtime->settle_ticks * (FAST_NS / PERFTRACE_SETTLE_NS);
    if (waiting > most / 2)
        perftrace_urge_drainer(runtime);
    else if (fast || waiting >= WAITING_FEW ||
             __atomic_load_n(&runtime->free_count, __ATOMIC_RELAXED) < PERFTRACE_SEGMENTS_SPARE / 4)
        perftrace_wake_drainer(runtime);
}

static void change_segments(struct perftrace_runtime *runtime, struct perftrace_thread *thread,
                            struct perftrace_segment *segment, bool whole) {
    char *cleared = (char *)(segment + 1);
    clear_up_to(segment, &cleared, cleared + 8);
    uint64_t now = perftrace_segment_start(runtime, segment), before = thread->segment_ticks;
    bool first = thread->segment == NULL;
    if (!first)
        perftrace_segment_hand_over(runtime, thread, whole ? thread->control.cursor : NULL);
    thread->segment = segment;
    thread->cleared = cleared;
    thread->segment_ticks = now;
    perftrace_losses_copy(thread);
    thread->control.cursor = (uint64_t *)(segment + 1);
    set_epoch(runtime, thread, (uint32_t)(now >> 32));
    if (!first)
        tell_drainer(runtime, thread, now - before);
}

/* Puts the thread, which has claimed its control block, on to its next segment. False: there is none. */
static bool next_segment(struct perftrace_runtime *runtime, struct perftrace_thread *thread, bool whole) {
    struct perftrace_segment *segment = NULL;
    __atomic_add_fetch(&runtime->taking, 1, __ATOMIC_SEQ_CST);
    if (__atomic_load_n(&runtime->state, __ATOMIC_SEQ_CST) == PERFTRACE_STATE_RECORDING &&
        thread->generation == runtime->generation)
        segment = perftrace_segment_take(runtime, thread);
    if (segment != NULL)
        change_segments(runtime, thread, segment, whole);
    __atomic_sub_fetch(&runtime->taking, 1, __ATOMIC_RELEASE);
    return segment != NULL;
}

/* Bytes left in the thread's segment. */
static size_t left(const struct perftrace_thread *thread) {
    if (thread->segment == NULL)
        return 0;
    return (size_t)((char *)thread->segment + PERFTRACE_SEGMENT_BYTES - (char *)thread->control.cursor);
}

static bool find_room(struct perftrace_runtime *runtime, struct perftrace_thread *thread, size_t words,
                      bool end_of_span, bool whole) {
    if (whole && left(thread) >= words * 8 + PERFTRACE_RESERVE_BYTES)
        return true;
    if (!perftrace_is_own_process(runtime))
        return whole && end_of_span && left(thread) >= words * 8;
    for (;;) {
        int pulse = __atomic_load_n(&runtime->pulse, __ATOMIC_ACQUIRE);
        if (next_segment(runtime, thread, whole))
            return true;
        if (runtime->threadless && perftrace_drain_here(runtime, false) &&
            next_segment(runtime, thread, whole))
            return true;
        if (whole && end_of_span && left(thread) >= words * 8)
            return true;
        if (runtime->config.when_full != PERFTRACE_FULL_WAIT || runtime->state != PERFTRACE_STATE_RECORDING)
            return false;
        perftrace_urge_drainer(runtime);
        perftrace_futex_wait(&runtime->pulse, pulse, 10000000);
    }
}

/* Makes sure that a record of so many words fits at the cursor, with a zero behind it. `whole`: it is known that the
 * records up to the cursor are. */
static bool make_room(struct perftrace_runtime *runtime, struct perftrace_thread *thread, size_t words,
                      bool end_of_span, bool whole) {
    if (!find_room(runtime, thread, words, end_of_span, whole))
        return false;
    const char *behind = (const char *)thread->control.cursor + (words + 1) * 8;
    /* With what the inline path may need next, it is not here again after a single record. */
    clear_up_to(thread->segment, &thread->cleared, behind + PERFTRACE_SLACK_);
    return true;
}

/* Claims the control block. False: it is claimed already. */
static bool claim(struct perftrace_thread *thread) {
    if (!perftrace_take_(&thread->control, PERFTRACE_FREE_))
        return true;
    perftrace_give_(&thread->control, PERFTRACE_FREE_);
    return false;
}

/* Ends the claim: room becomes what is left, as far as that has been cleared; a zero stays behind it. */
static void unclaim(struct perftrace_thread *thread) {
    int64_t room = (int64_t)left(thread) - (int64_t)PERFTRACE_RESERVE_BYTES;
    int64_t cleared = thread->segment != NULL ? thread->cleared - (char *)thread->control.cursor - 8 : 0;
    if (room > cleared)
        room = cleared;
    __atomic_store_n(&thread->control.room, PERFTRACE_FREE_ + (room > 0 ? room : 0), __ATOMIC_RELEASE);
}

/* The ticks of a record's first word, behind a REBASE where the epoch has changed. */
static uint64_t stamp(struct perftrace_runtime *runtime, struct perftrace_thread *thread) {
    uint64_t ticks = perftrace_ticks_now(runtime);
    if (ticks >> 32 != thread->epoch) {
        uint64_t *at = thread->control.cursor;
        at[1] = ticks & ~(uint64_t)UINT32_MAX;
        __atomic_store_n(at, (uint64_t)PERFTRACE_RECORD_REBASE << PERFTRACE_KIND_SHIFT, __ATOMIC_RELEASE);
        thread->control.cursor = at + 2;
        set_epoch(runtime, thread, (uint32_t)(ticks >> 32));
    }
    return ticks << 32;
}

static uint64_t write_record(struct perftrace_runtime *runtime, struct perftrace_thread *thread,
                             uint32_t state, uint64_t depth, const uint64_t *fixed, unsigned fixed_count,
                             const struct perftrace_value_ *values, unsigned value_count) {
    uint64_t word = state | (depth == UINT64_MAX ? thread->control.depth : depth);
    uint64_t ticks = stamp(runtime, thread);
    uint64_t *at = thread->control.cursor, *to = at + 1;
    for (unsigned i = 0; i < fixed_count; i++)
        *to++ = fixed[i];
    for (unsigned i = 0; i < value_count; i++)
        to = perftrace_put_(to, &values[i]);
    if (perftrace_word_kind(state) == PERFTRACE_RECORD_BEGIN)
        thread->control.depth++;
    __atomic_store_n(at, ticks | word, __ATOMIC_RELEASE);
    thread->control.cursor = to;
    return word;
}

static uint64_t record(struct perftrace_runtime *runtime, uint32_t state, uint64_t depth,
                       const uint64_t *fixed, unsigned fixed_count, const struct perftrace_value_ *values,
                       unsigned value_count) {
    struct perftrace_thread *thread = perftrace_thread_here(runtime);
    if (thread == NULL)
        return 0;
    if (!claim(thread)) {
        perftrace_count_lost(runtime, thread, PERFTRACE_LOSS_REENTRY);
        return 0;
    }
    size_t words = 1 + fixed_count + 2; /* a REBASE may come first */
    for (unsigned i = 0; i < value_count; i++)
        words += perftrace_words_(&values[i]);
    uint64_t word = 0;
    if (words * 8 > RECORD_BYTES_MAX)
        perftrace_count_lost(runtime, thread, PERFTRACE_LOSS_TOO_BIG);
    else if (make_room(runtime, thread, words, false, true))
        word = write_record(runtime, thread, state, depth, fixed, fixed_count, values, value_count);
    else
        perftrace_count_lost(runtime, thread,
                             thread->segment != NULL ? PERFTRACE_LOSS_FULL : PERFTRACE_LOSS_NO_RING);
    unclaim(thread);
    return word;
}

uint64_t perftrace_record_cold_(struct perftrace_site *site, uint64_t depth, const uint64_t *fixed,
                                unsigned fixed_count, const struct perftrace_value_ *values,
                                unsigned value_count) {
    int saved_errno = errno;
    struct perftrace_runtime *runtime = perftrace_active();
    uint64_t word = 0;
    uint32_t state = perftrace_state_(site);
    if (runtime != NULL && state != 0 && state != PERFTRACE_SITE_NEW_)
        word = record(runtime, state, depth, fixed, fixed_count, values, value_count);
    else if (runtime == NULL)
        perftrace_count_early();
    errno = saved_errno;
    return word;
}

uint32_t perftrace_meet_(struct perftrace_site *site) {
    int saved_errno = errno;
    struct perftrace_runtime *recording = perftrace_active(), *runtime = perftrace_here();
    uint32_t state = 0;
    if (runtime != NULL && perftrace_site_register(runtime, site))
        state = perftrace_state_(site);
    else if (recording == NULL)
        perftrace_count_early();
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
     * an exception (a handler that came in between could not have begun a span). What is behind the cursor may be
     * half written; the segment is given up with what is whole in it. */
    bool whole = claim(thread);
    if (!whole)
        thread->control.room = 0;
    if (make_room(runtime, thread, 3, true, whole)) {
        uint64_t ticks = stamp(runtime, thread);
        __atomic_store_n(thread->control.cursor, ticks | (word + PERFTRACE_KIND_STEP_), __ATOMIC_RELEASE);
        thread->control.cursor++;
        whole = true;
    } else {
        perftrace_count_lost(runtime, thread, PERFTRACE_LOSS_FULL);
    }
    thread->control.depth = (uint8_t)word;
    if (whole)
        unclaim(thread);
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
