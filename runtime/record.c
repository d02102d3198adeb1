/* The cold path: everything about a record that the inline path does not do itself. */
#include "runtime.h"

#include <errno.h>

#define RECORD_BYTES_MAX 16384u

/* What a record is made of. */
struct making {
    uint32_t state;
    unsigned fixed_count, value_count;
    uint64_t depth; /* all ones: the thread's */
    const uint64_t *fixed;
    const struct perftrace_value_ *values;
    size_t words; /* at most: a REBASE may come first */
};

static bool is_end(const struct making *record) {
    return perftrace_word_kind(record->state) == PERFTRACE_RECORD_END;
}

/* The ticks of a record's first word, behind a REBASE where the epoch has changed. */
static uint64_t stamp(struct perftrace_runtime *runtime, struct perftrace_writer *writer) {
    uint64_t ticks = perftrace_ticks_now(runtime);
    if (ticks >> 32 != writer->epoch) {
        uint64_t *at = writer->control.cursor;
        at[1] = ticks & ~(uint64_t)UINT32_MAX;
        __atomic_store_n(at, (uint64_t)PERFTRACE_RECORD_REBASE << PERFTRACE_KIND_SHIFT, __ATOMIC_RELEASE);
        writer->control.cursor = at + 2;
        perftrace_writer_set_epoch(runtime, writer, (uint32_t)(ticks >> 32));
    }
    return ticks << 32;
}

/* False: the writer has been left between its claim and the reading of the ticks. From then on it may be: the record
 * comes first in time, and in order. */
static bool write_record(struct perftrace_runtime *runtime, struct perftrace_writer *writer,
                         const struct making *record, uint64_t *word) {
    uint64_t ticks = stamp(runtime, writer);
    if (perftrace_writer_is_left(writer))
        return false;
    *word = record->state | (record->depth == UINT64_MAX ? writer->control.depth : record->depth);
    uint64_t *at = writer->control.cursor, *to = at + 1;
    for (unsigned i = 0; i < record->fixed_count; i++)
        *to++ = record->fixed[i];
    for (unsigned i = 0; i < record->value_count; i++)
        to = perftrace_put_(to, &record->values[i]);
    if (perftrace_word_kind(record->state) == PERFTRACE_RECORD_BEGIN)
        writer->control.depth++;
    else if (is_end(record))
        writer->control.depth = (uint8_t)record->depth;
    __atomic_store_n(at, ticks | *word, __ATOMIC_RELEASE);
    writer->control.cursor = to;
    return true;
}

enum attempt { WRITTEN, INTERRUPTED, NO_ROOM, NO_WRITER };

static enum attempt try_to_record(struct perftrace_runtime *runtime, struct perftrace_thread *thread,
                                  const struct making *record, uint64_t *word, unsigned *cause) {
    struct perftrace_writer *writer = perftrace_writer_claim(runtime, thread, cause);
    if (writer == NULL)
        return *cause == PERFTRACE_LOSS_REENTRY ? NO_WRITER : NO_ROOM;
    if (is_end(record))
        writer = perftrace_writer_come_back(runtime, thread, writer, (uint8_t)record->depth);
    enum attempt result = INTERRUPTED;
    if (perftrace_writer_make_room(runtime, thread, writer, record->words, is_end(record))) {
        if (write_record(runtime, writer, record, word))
            result = WRITTEN;
    } else if (!perftrace_writer_is_left(writer)) {
        *cause = writer->segment != NULL ? PERFTRACE_LOSS_FULL : PERFTRACE_LOSS_NO_RING;
        result = NO_ROOM;
        if (is_end(record)) /* its span is over all the same */
            writer->control.depth = (uint8_t)record->depth;
    }
    perftrace_writer_give_back(writer);
    return result;
}

/* Returns the scope's word, or 0. */
static uint64_t record(struct perftrace_runtime *runtime, struct perftrace_thread *thread,
                       const struct making *record) {
    if (record->words * 8 > RECORD_BYTES_MAX) {
        perftrace_count_lost(runtime, thread, PERFTRACE_LOSS_TOO_BIG);
        return 0;
    }
    struct perftrace_patience patience = perftrace_patience(runtime);
    uint64_t word = 0;
    unsigned cause;
    enum attempt result = try_to_record(runtime, thread, record, &word, &cause);
    while (result == INTERRUPTED || (result == NO_ROOM && perftrace_wait_for_room(runtime, &patience))) {
        sigset_t all, saved; /* however often signals come, it must come to an end */
        sigfillset(&all);
        perftrace_signals_block(&all, &saved);
        result = try_to_record(runtime, thread, record, &word, &cause);
        perftrace_signals_restore(&saved);
    }
    if (result != WRITTEN)
        perftrace_count_lost(runtime, thread, cause);
    return word;
}

uint64_t perftrace_record_cold_(struct perftrace_site *site, uint64_t depth, const uint64_t *fixed,
                                unsigned fixed_count, const struct perftrace_value_ *values,
                                unsigned value_count) {
    int saved_errno = errno;
    struct perftrace_runtime *runtime = perftrace_active();
    uint64_t word = 0;
    uint32_t state = perftrace_state_(site);
    if (runtime != NULL && state != 0 && state != PERFTRACE_SITE_NEW_) {
        struct making making = {state, fixed_count, value_count, depth, fixed, values, 1 + fixed_count + 2};
        for (unsigned i = 0; i < value_count; i++)
            making.words += perftrace_words_(&values[i]);
        struct perftrace_thread *thread = perftrace_thread_here(runtime);
        word = thread != NULL ? record(runtime, thread, &making) : 0;
    } else if (runtime == NULL) {
        perftrace_count_early();
    }
    errno = saved_errno;
    return word;
}

uint32_t perftrace_meet_(struct perftrace_site *site) {
    int saved_errno = errno;
    struct perftrace_runtime *recording = perftrace_active(), *runtime = perftrace_here();
    uint32_t state = 0;
    bool refused = false;
    if (runtime != NULL && perftrace_site_register(runtime, site, &refused))
        state = perftrace_state_(site);
    else if (recording == NULL)
        perftrace_count_early();
    else if (refused) /* another thread may have had more luck since */
        perftrace_count_lost(recording, NULL, PERFTRACE_LOSS_NO_SITE);
    errno = saved_errno;
    return state;
}

/* The calling thread, if it has recorded anything in this trace. */
static struct perftrace_thread *known_thread(const struct perftrace_runtime *runtime) {
    struct perftrace_thread *thread = perftrace_thread_known();
    bool known = thread != NULL && thread->used && thread->generation == runtime->generation &&
                 thread->writer->segment != NULL;
    return known ? thread : NULL;
}

void perftrace_end_cold_(uint64_t word) {
    int saved_errno = errno;
    struct perftrace_runtime *runtime = perftrace_active();
    struct perftrace_thread *thread = runtime != NULL ? known_thread(runtime) : NULL;
    if (thread != NULL) { /* else the span began in another process, or another trace */
        uint32_t first = (uint32_t)word + PERFTRACE_KIND_STEP_;
        record(runtime, thread,
               &(struct making){.state = first & ~PERFTRACE_DEPTH_MASK,
                                .depth = first & PERFTRACE_DEPTH_MASK,
                                .words = 1 + 2});
    }
    errno = saved_errno;
}

uint64_t perftrace_new_id_(void) {
    struct perftrace_thread *thread = perftrace_thread_known();
    static uint64_t of_new_threads;
    if (thread == NULL)
        return (uint64_t)1 << 63 | __atomic_add_fetch(&of_new_threads, 1, __ATOMIC_RELAXED);
    /* One instruction apart from a handler's: a number may be skipped, never given twice. */
    return (uint64_t)1 << 63 | (uint64_t)(thread->track & 0x7fffff) << 40 |
           (__atomic_add_fetch(&thread->next_id, 1, __ATOMIC_RELAXED) & 0xffffffffff);
}
