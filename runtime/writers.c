/* Writers: what a thread goes on with when a signal handler has come in the middle of a record.
 *
 * The handler's records can't go where the interrupted one is being written. So the thread *leaves* that writer to its
 * record, and goes on with another, on the next segment. Nothing is lost and everything is in order: the interrupted
 * record has an earlier tick and lies in an earlier segment, and it is finished when the handler returns.
 *
 *   - Of a writer that has been left no claim succeeds any more, though interrupted code may still have a pointer to it
 *     in a register: its room is FREE less. It is done with its record when its room is not negative. Room is only added to
 *     and subtracted from, since interrupted code may be between a claim that fails and its undoing.
 *   - As long as a writer is left, the one in use is always cold: at each record we look whether the other is done.
 *     Until then spans are one deeper than the left one says, since it may be about to begin one; then its depth counts.
 *   - After that, yet another writer takes the segment over: interrupted code may have read the depth of the one before.
 *   - A handler may leave by siglongjmp, and then the record is never finished. That is known when a span ends that
 *     had begun before it. Until then the writer stays left: the record may be finished yet, in its own segment.
 */
#include "runtime.h"

#include <string.h>

#define LEFT_MIN 3u
#define LEFT_MAX 16u          /* writers of a thread left in the middle of a record, at most */
#define RESIGN_NS 1000000000u /* after which we go the quick way again, though one is still left */
#define CLEAR_BYTES 4096u
#define CLEAR_FIRST_BYTES 512u /* of a segment: the change to it takes long enough */
#define FAST_NS 1000000u       /* a segment filled in less */
#define WAITING_FEW 16u        /* segments of a thread that may wait without the drainer being woken */

static struct perftrace_thread *thread_of(const struct perftrace_writer *writer) {
    return (struct perftrace_thread *)((uintptr_t)writer & ~(uintptr_t)(PERFTRACE_THREAD_BYTES - 1));
}

static size_t bytes_left(const struct perftrace_writer *writer) {
    if (writer->segment == NULL)
        return 0;
    return (size_t)((char *)writer->segment + PERFTRACE_SEGMENT_BYTES - (char *)writer->control.cursor);
}

/* What control.room is, FREE left aside, when nobody has claimed the writer: what is left, as far as that has been cleared;
 * a zero stays behind it. */
static int64_t room_of(const struct perftrace_writer *writer) {
    if (writer->segment == NULL)
        return 0;
    int64_t room = (int64_t)bytes_left(writer) - (int64_t)PERFTRACE_RESERVE_BYTES;
    int64_t cleared = writer->cleared - (char *)writer->control.cursor - 8;
    if (room > cleared)
        room = cleared;
    return room > 0 ? room : 0;
}

static void add_room(struct perftrace_writer *writer, int64_t bytes) {
    __atomic_add_fetch(&writer->control.room, bytes, __ATOMIC_RELEASE);
}

bool perftrace_writer_try_claim(struct perftrace_writer *writer) {
    if (perftrace_take_(&writer->control, PERFTRACE_FREE_)) {
        perftrace_give_(&writer->control, PERFTRACE_FREE_);
        return false;
    }
    writer->room = room_of(writer);
    return true;
}

void perftrace_writer_give_back(struct perftrace_writer *writer) {
    add_room(writer, PERFTRACE_FREE_ + room_of(writer) - writer->room);
}

bool perftrace_writer_is_left(const struct perftrace_writer *writer) {
    return __atomic_load_n(&thread_of(writer)->writer, __ATOMIC_RELAXED) != writer;
}

static bool is_done(const struct perftrace_writer *left) {
    return __atomic_load_n(&left->control.room, __ATOMIC_RELAXED) >= 0;
}

/* Where another thread asks this one to look up (it sets the epoch to a value that no tick has), the answer must
 * not be overwritten. */
void perftrace_writer_set_epoch(struct perftrace_runtime *runtime, struct perftrace_writer *writer,
                                uint32_t epoch) {
    bool cold = runtime->use_clock_gettime || (writer->left != NULL && !writer->resigned);
    writer->epoch = epoch;
    __atomic_store_n(&writer->control.epoch, cold ? PERFTRACE_NO_EPOCH : epoch, __ATOMIC_SEQ_CST);
    if (__atomic_load_n(&runtime->state, __ATOMIC_SEQ_CST) != PERFTRACE_STATE_RECORDING)
        __atomic_store_n(&writer->control.epoch, PERFTRACE_NO_EPOCH, __ATOMIC_SEQ_CST);
}

void perftrace_writers_stop(struct perftrace_thread *thread) {
    for (unsigned i = 0; i < PERFTRACE_WRITERS; i++)
        __atomic_store_n(&thread->writers[i].control.epoch, PERFTRACE_NO_EPOCH, __ATOMIC_SEQ_CST);
}

bool perftrace_writers_are_writing(const struct perftrace_thread *thread) {
    const struct perftrace_writer *in_use = __atomic_load_n(&thread->writer, __ATOMIC_ACQUIRE);
    for (unsigned i = 0; i < PERFTRACE_WRITERS; i++) {
        const struct perftrace_writer *writer = &thread->writers[i];
        int64_t room = __atomic_load_n(&writer->control.room, __ATOMIC_RELAXED);
        if (__atomic_load_n(&writer->used, __ATOMIC_RELAXED) &&
            room < (writer == in_use ? PERFTRACE_FREE_ : 0))
            return true;
    }
    return false;
}

/* ---- with signals blocked --------------------------------------------------------------------------- */

static struct perftrace_writer *choose_unused(struct perftrace_thread *thread) {
    size_t at = thread->writer != NULL ? (size_t)(thread->writer - thread->writers) : 0;
    for (size_t i = 1; i <= PERFTRACE_WRITERS; i++) {
        struct perftrace_writer *writer = &thread->writers[(at + i) % PERFTRACE_WRITERS];
        if (!writer->used)
            return writer;
    }
    return NULL; /* no more than LEFT_MAX, the one in use and the next are */
}

/* The writer becomes the one in use. */
static void use(struct perftrace_thread *thread, struct perftrace_writer *writer) {
    __atomic_store_n(&writer->used, true, __ATOMIC_RELAXED);
    __atomic_store_n(&thread->writer, writer, __ATOMIC_RELEASE);
    __atomic_store_n(&perftrace_control_, &writer->control, __ATOMIC_RELAXED);
}

/* A writer that nobody writes with any more gives up what it has. */
static void retire(struct perftrace_writer *writer) {
    writer->segment = NULL;
    writer->left = NULL;
    writer->control.cursor = NULL;
    __atomic_store_n(&writer->used, false, __ATOMIC_RELAXED);
}

/* A left writer that is done: its segment goes to the drainer. */
static void put_away(struct perftrace_runtime *runtime, struct perftrace_thread *thread,
                     struct perftrace_writer *left) {
    add_room(left, -room_of(left));
    if (left->segment != NULL)
        perftrace_segment_hand_over(runtime, thread, left->segment, left->control.cursor);
    retire(left);
}

/* Whether the record for which the writer was left, which is never finished, is not to be seen: its first word is not there, nor
 * has the cursor been moved behind it, as is told by what the inline path or the cold one has taken from room. */
static bool is_missing(const struct perftrace_writer *left) {
    int64_t room = left->control.room + PERFTRACE_FREE_;
    return __atomic_load_n(left->control.cursor, __ATOMIC_RELAXED) == 0 &&
           (room == room_of(left) - PERFTRACE_SLACK_ || room == left->room);
}

/* A left writer whose record is never finished: what is behind the cursor may be half written. */
static void forsake(struct perftrace_runtime *runtime, struct perftrace_thread *thread,
                    struct perftrace_writer *left) {
    if (left->segment != NULL && is_missing(left))
        perftrace_count_lost(runtime, thread, PERFTRACE_LOSS_REENTRY);
    if (left->segment != NULL)
        perftrace_segment_hand_over(runtime, thread, left->segment, NULL);
    retire(left);
    __atomic_store_n(&left->control.room, 0, __ATOMIC_RELAXED);
}

static void let_go(struct perftrace_runtime *runtime, struct perftrace_thread *thread,
                   struct perftrace_writer *left) {
    if (is_done(left))
        put_away(runtime, thread, left);
    else
        forsake(runtime, thread, left);
}

/* Another writer takes over from the one in use, which is claimed, and so is it. */
static struct perftrace_writer *replace(struct perftrace_runtime *runtime, struct perftrace_thread *thread,
                                        struct perftrace_writer *writer) {
    struct perftrace_writer *next = choose_unused(thread);
    if (next == NULL)
        return writer;
    next->segment = writer->segment;
    next->cleared = writer->cleared;
    next->segment_ticks = writer->segment_ticks;
    next->left = writer->left;
    next->left_ns = writer->left_ns;
    next->floor = writer->floor;
    next->resigned = writer->left != NULL;
    next->control.cursor = writer->control.cursor;
    next->control.depth = writer->control.depth;
    next->room = writer->room;
    add_room(next, next->room);
    perftrace_writer_set_epoch(runtime, next, writer->epoch);
    use(thread, next);
    add_room(writer, -writer->room); /* and FREE stays taken */
    retire(writer);
    return next;
}

/* The one in use is claimed, and another was left for it. Returns the one to go on with, claimed. */
static struct perftrace_writer *settle(struct perftrace_runtime *runtime, struct perftrace_thread *thread,
                                       struct perftrace_writer *writer) {
    while (writer->left != NULL && is_done(writer->left)) {
        struct perftrace_writer *left = writer->left;
        if (!writer->resigned)
            writer->control.depth = left->control.depth;
        writer->left = left->left;
        writer->left_ns = left->left_ns;
        writer->floor = left->floor;
        put_away(runtime, thread, left);
    }
    if (writer->resigned ? writer->left != NULL
                         : writer->left != NULL && perftrace_now_ns() - writer->left_ns < RESIGN_NS)
        return writer;
    return replace(runtime, thread, writer);
}

/* ---- segments, with signals as they are -------------------------------------------------------------- */

static void block_all(sigset_t *saved) {
    sigset_t all;
    sigfillset(&all);
    perftrace_signals_block(&all, saved);
}

/* Fills the writer's segment with zeros up to `to` at least, but for its end. Ahead of the cursor there must always be
 * one, as that is where readers stop; the thread writes them itself, which brings the memory into the right processor's
 * cache, and step by step, as all at once would be microseconds in which the program waits. */
static char *clear_up_to(struct perftrace_segment *segment, char *cleared, const char *to) {
    char *end = (char *)segment + PERFTRACE_SEGMENT_BYTES;
    if (cleared >= to || cleared == end)
        return cleared;
    size_t wanted = (size_t)(to - cleared), left = (size_t)(end - cleared);
    size_t piece = cleared == (char *)(segment + 1) ? CLEAR_FIRST_BYTES : CLEAR_BYTES;
    size_t bytes = (wanted + piece - 1) / piece * piece;
    if (bytes > left)
        bytes = left;
    memset(cleared, 0, bytes);
    return cleared + bytes;
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

/* The writer goes on to the segment. */
static void enter(struct perftrace_runtime *runtime, struct perftrace_thread *thread,
                  struct perftrace_writer *writer, struct perftrace_segment *segment) {
    struct perftrace_segment *before = writer->segment;
    char *begin = (char *)(segment + 1), *cleared = clear_up_to(segment, begin, begin + 8);
    uint64_t now = perftrace_segment_start(runtime, segment), then = writer->segment_ticks;
    if (before != NULL)
        perftrace_segment_hand_over(runtime, thread, before, writer->control.cursor);
    writer->segment = segment;
    writer->cleared = cleared;
    writer->segment_ticks = now;
    writer->control.cursor = (uint64_t *)(void *)begin;
    perftrace_writer_set_epoch(runtime, writer, (uint32_t)(now >> 32));
    if (before != NULL)
        tell_drainer(runtime, thread, now - then);
}

/* Puts a writer on to its next segment. False: there is none, or a handler has left the writer meanwhile: the segments of a
 * thread are numbered in the order in which their records were made, without gaps. */
static bool next_segment(struct perftrace_runtime *runtime, struct perftrace_thread *thread,
                         struct perftrace_writer *writer) {
    struct perftrace_segment *segment = NULL;
    sigset_t saved; /* no handler may come in between, or jump out of this */
    if (perftrace_segments_are_full(runtime, thread))
        return false; /* which is to cost little, as each record asks now */
    block_all(&saved);
    if (!perftrace_writer_is_left(writer)) {
        __atomic_add_fetch(&runtime->taking, 1, __ATOMIC_SEQ_CST);
        if (__atomic_load_n(&runtime->state, __ATOMIC_SEQ_CST) == PERFTRACE_STATE_RECORDING &&
            thread->generation == runtime->generation)
            segment = perftrace_segment_take(runtime, thread);
        if (segment != NULL)
            enter(runtime, thread, writer, segment);
        __atomic_sub_fetch(&runtime->taking, 1, __ATOMIC_RELEASE);
    }
    perftrace_signals_restore(&saved);
    return segment != NULL;
}

bool perftrace_writer_make_room(struct perftrace_runtime *runtime, struct perftrace_thread *thread,
                                struct perftrace_writer *writer, size_t words, bool end_of_span) {
    bool enough = bytes_left(writer) >= words * 8 + PERFTRACE_RESERVE_BYTES;
    if (!enough && next_segment(runtime, thread, writer)) {
        perftrace_losses_copy(thread, writer);
        enough = true;
    }
    if (!enough && !(end_of_span && bytes_left(writer) >= words * 8))
        return false;
    const char *behind = (const char *)writer->control.cursor + (words + 1) * 8;
    /* With what the inline path may need next, it is not here again after a single record. */
    writer->cleared = clear_up_to(writer->segment, writer->cleared, behind + PERFTRACE_SLACK_);
    return true;
}

/* ---- with signals blocked --------------------------------------------------------------------------- */

/* Sees to it that the thread has not left too many: when a handler has jumped out of so many records, the oldest is not
 * waited for any longer. */
static void limit_left(struct perftrace_runtime *runtime, struct perftrace_thread *thread) {
    uint32_t most = runtime->segments_max / 4, count = 0;
    most = most < LEFT_MIN ? LEFT_MIN : most < LEFT_MAX ? most : LEFT_MAX;
    struct perftrace_writer *writer = thread->writer;
    for (; writer->left != NULL && writer->left->left != NULL; writer = writer->left)
        count++;
    if (writer->left == NULL || count + 2 <= most)
        return;
    let_go(runtime, thread, writer->left);
    writer->left = NULL;
}

/* Leaves the one in use, in the middle of a record, for another one, claimed. NULL: there is none, and *cause says why. */
static struct perftrace_writer *leave(struct perftrace_runtime *runtime, struct perftrace_thread *thread,
                                      unsigned *cause) {
    struct perftrace_writer *left = thread->writer;
    limit_left(runtime, thread);
    struct perftrace_writer *next = choose_unused(thread);
    *cause = PERFTRACE_LOSS_REENTRY;
    if (next == NULL)
        return NULL;
    *cause = left->segment != NULL ? PERFTRACE_LOSS_FULL : PERFTRACE_LOSS_NO_RING;
    next->left = left;
    next->resigned = false;
    use(thread, next);
    if (!next_segment(runtime, thread, next)) {
        use(thread, left);
        retire(next);
        return NULL;
    }
    next->left_ns = perftrace_now_ns();
    next->floor = (uint8_t)(left->control.depth + 1);
    next->control.depth = next->floor;
    next->room = room_of(next);
    add_room(next, next->room);
    add_room(left, -(int64_t)PERFTRACE_FREE_);
    perftrace_losses_copy(thread, next);
    tell_drainer(runtime, thread, next->segment_ticks - left->segment_ticks);
    return next;
}

void perftrace_writers_start(struct perftrace_thread *thread) {
    for (unsigned i = 0; i < PERFTRACE_WRITERS; i++)
        retire(&thread->writers[i]);
    struct perftrace_writer *writer = choose_unused(thread);
    writer->resigned = false;
    writer->epoch = 0;
    writer->control.epoch = PERFTRACE_NO_EPOCH;
    writer->control.depth = 0;
    __atomic_store_n(&writer->control.room, PERFTRACE_FREE_, __ATOMIC_RELAXED);
    use(thread, writer);
}

void perftrace_writers_end(struct perftrace_runtime *runtime, struct perftrace_thread *thread) {
    struct perftrace_writer *writer = thread->writer, *left;
    if (writer->control.room >= PERFTRACE_FREE_) {
        add_room(writer, -(int64_t)PERFTRACE_FREE_);
        left = writer->left;
        put_away(runtime, thread, writer);
        writer = left;
    }
    for (; writer != NULL; writer = left) {
        left = writer->left;
        let_go(runtime, thread, writer);
    }
}

/* ---- with signals as they are ----------------------------------------------------------------------- */

/* When the one in use has been claimed already, or another was left for it. */
static struct perftrace_writer *claim_slowly(struct perftrace_runtime *runtime,
                                             struct perftrace_thread *thread, unsigned *cause) {
    sigset_t saved;
    block_all(&saved);
    struct perftrace_writer *writer = thread->writer;
    if (!perftrace_writer_try_claim(writer))
        writer = leave(runtime, thread, cause);
    else if (writer->left != NULL)
        writer = settle(runtime, thread, writer);
    perftrace_signals_restore(&saved);
    return writer;
}

struct perftrace_writer *perftrace_writer_claim(struct perftrace_runtime *runtime,
                                                struct perftrace_thread *thread, unsigned *cause) {
    struct perftrace_writer *writer = __atomic_load_n(&thread->writer, __ATOMIC_RELAXED);
    if (writer->left == NULL && perftrace_writer_try_claim(writer))
        return writer;
    return claim_slowly(runtime, thread, cause);
}

struct perftrace_writer *perftrace_writer_come_back(struct perftrace_runtime *runtime,
                                                    struct perftrace_thread *thread,
                                                    struct perftrace_writer *writer, uint8_t depth) {
    if (writer->left == NULL || (int8_t)(uint8_t)(depth - writer->floor) >= 0)
        return writer;
    sigset_t saved;
    block_all(&saved);
    if (!perftrace_writer_is_left(writer)) {
        while (writer->left != NULL && (int8_t)(uint8_t)(depth - writer->floor) < 0) {
            struct perftrace_writer *left = writer->left;
            writer->left = left->left;
            writer->left_ns = left->left_ns;
            writer->floor = left->floor;
            let_go(runtime, thread, left);
        }
        if (writer->left == NULL)
            writer = replace(runtime, thread, writer);
    }
    perftrace_signals_restore(&saved);
    return writer;
}
