/* The drainer: a background thread that brings what the rings hold into the trace file, in cycles. A cycle
 * takes a look at all segments, writes the metadata that their records may refer to, then the records, then a
 * SYNC block that says up to which tick the trace is now complete. */
#include "runtime.h"

#include <errno.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>

/* A reading for each cycle that tells of something: what is recorded between two of them is as good as they are, even
 * when NTP changes the clock's rate. A busy drainer has more cycles than that takes. */
#define CLOCK_INTERVAL_NS 10000000u
#define CLOCK_INTERVAL_FLIGHT_NS 5000000000u
#define CLOCK_INTERVAL_IDLE_NS 1000000000u
#define CLOCK_READINGS 64
#define CLOCK_ATTEMPTS 4
#define CLOCK_READINGS_OTHER 8
#define HELD_NS_MAX 1000000000u
#define PASSED                                                                                               \
    UINT64_MAX /* in runtime->held_ns: the trace has what comes after it, so nothing more of this */
#define GONE_INTERVAL_NS 10000000
#define RELEASE_AT_ONCE 16u  /* segments: a thread that waits for room goes on while the rest are drained */
#define BUSY_SLEEP_NS 200000 /* a thread that does nothing but record fills three segments meanwhile */

struct drainable {
    uint32_t index, track;
    uint64_t sequence;
    uint32_t state;
    bool more;    /* a record of a site that is not known yet: the rest waits */
    bool follows; /* the segment before it on its track is drained in this cycle as well */
    bool held;    /* it has to wait for one before it on its track */
    /* It is not waited for: the trace is told now of all that there is of it, if only that it was there. */
    bool passed;
};

static bool comes_before(const struct drainable *x, const struct drainable *y) {
    return x->track != y->track ? x->track < y->track : x->sequence < y->sequence;
}

/* By track and sequence; after Shell (1959), with Ciura's gaps: qsort may allocate memory, and this may be a child in which
 * nobody can. */
static void sort(struct drainable *found, size_t count) {
    static const size_t gaps[] = {1750, 701, 301, 132, 57, 23, 10, 4, 1};
    for (size_t g = 0; g < sizeof gaps / sizeof gaps[0]; g++)
        for (size_t i = gaps[g]; i < count; i++) {
            struct drainable moved = found[i];
            size_t at = i;
            for (; at >= gaps[g] && comes_before(&moved, &found[at - gaps[g]]); at -= gaps[g])
                found[at] = found[at - gaps[g]];
            found[at] = moved;
        }
}

static uint64_t nanoseconds(clockid_t clock) {
    struct timespec now;
    clock_gettime(clock, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* CLOCK_REALTIME and CLOCK_BOOTTIME, as they were at reading->monotonic_ns. */
static void read_other_clocks(struct perftrace_block_clock *reading) {
    uint64_t narrowest = UINT64_MAX;
    for (int i = 0; i < CLOCK_READINGS_OTHER; i++) {
        uint64_t before = nanoseconds(CLOCK_MONOTONIC), realtime = nanoseconds(CLOCK_REALTIME);
        uint64_t boottime = nanoseconds(CLOCK_BOOTTIME), after = nanoseconds(CLOCK_MONOTONIC);
        if (after - before >= narrowest)
            continue;
        narrowest = after - before;
        uint64_t since = before + narrowest / 2 - reading->monotonic_ns;
        reading->realtime_ns = realtime - since;
        reading->boottime_ns = boottime - since;
    }
}

static void read_once(const struct perftrace_runtime *runtime, struct perftrace_block_clock *reading) {
    struct perftrace_block_clock best = {0};
    uint64_t first_ticks = perftrace_ticks_now(runtime), first_ns = nanoseconds(CLOCK_MONOTONIC);
    uint64_t narrowest = UINT64_MAX, ticks = 0, ns = 0;
    for (int i = 0; i < CLOCK_READINGS; i++) {
        uint64_t before = perftrace_ticks_now(runtime);
        ns = nanoseconds(CLOCK_MONOTONIC);
        ticks = perftrace_ticks_now(runtime);
        if (ticks - before < narrowest) {
            narrowest = ticks - before;
            best.ticks = before + narrowest / 2;
            best.monotonic_ns = ns;
        }
    }
    /* Half of the bracket in nanoseconds, by the rate seen during these readings. */
    double rate = ticks > first_ticks ? (double)(ns - first_ns) / (double)(ticks - first_ticks) : 1.0;
    /* A counter that counts slowly may not move meanwhile: its last tick is part of the bracket. */
    best.error_ns = (uint32_t)((double)(narrowest + 1) * rate / 2 + 1);
    *reading = best;
}

/* A thread that has to share its processor may find no moment to itself in all 64 tries. */
void perftrace_clocks_read(struct perftrace_runtime *runtime, struct perftrace_block_clock *reading) {
    read_once(runtime, reading);
    for (int i = 1; i < CLOCK_ATTEMPTS && runtime->clock_error_ns != 0 &&
                    reading->error_ns > 4 * runtime->clock_error_ns;
         i++)
        read_once(runtime, reading);
    if (runtime->clock_error_ns == 0 || reading->error_ns < runtime->clock_error_ns)
        runtime->clock_error_ns = reading->error_ns;
    read_other_clocks(reading);
}

/* True: it was due, and has been written. */
static bool write_clock_when_due(struct perftrace_runtime *runtime, uint64_t interval_ns, bool at_once) {
    uint64_t now = nanoseconds(CLOCK_MONOTONIC);
    if (!at_once && now < runtime->clock_due)
        return false;
    struct perftrace_block_clock reading;
    perftrace_clocks_read(runtime, &reading);
    int error =
        perftrace_trace_block(&runtime->trace, PERFTRACE_BLOCK_CLOCK, &reading, sizeof reading, NULL, 0);
    runtime->clock_is_missing = error != 0;
    if (error != 0)
        return false; /* the next cycle tries again */
    runtime->clock_due = now + interval_ns;
    runtime->clock_written = now;
    if (runtime->clock_first == 0)
        runtime->clock_first = now;
    return true;
}

/* A flight recorder's records will need readings, if they are ever asked for: often at first, as the rate is not known
 * well, and then now and then, so that the trace does not grow much. */
static void write_clock_in_flight(struct perftrace_runtime *runtime) {
    uint64_t since = runtime->clock_written - runtime->clock_first, interval = CLOCK_INTERVAL_NS + since;
    write_clock_when_due(runtime, interval < CLOCK_INTERVAL_FLIGHT_NS ? interval : CLOCK_INTERVAL_FLIGHT_NS,
                         false);
}

/* Each second one goes into the ring file: who reads the rings of a killed program needs one that is not too old, and the
 * trace need not grow while nothing is recorded. */
static void leave_reading_when_due(struct perftrace_runtime *runtime) {
    uint64_t now = nanoseconds(CLOCK_MONOTONIC);
    if (now < runtime->clock_left_due)
        return;
    struct perftrace_ring_file *ring = runtime->ring;
    uint32_t which = ring->newest_reading == 1 ? 2 : 1;
    perftrace_clocks_read(runtime, &ring->readings[which - 1]);
    __atomic_store_n(&ring->newest_reading, which, __ATOMIC_RELEASE);
    runtime->clock_left_due = now + CLOCK_INTERVAL_IDLE_NS;
}

/* Learns the shapes of the records of new sites. */
static void learn_sites(struct perftrace_runtime *runtime, const char *blocks, size_t bytes) {
    for (size_t at = 0; at < bytes;) {
        struct perftrace_block_header header;
        struct perftrace_block_site site;
        memcpy(&header, blocks + at, sizeof header);
        at += sizeof header;
        if (header.kind == PERFTRACE_BLOCK_SITE) {
            memcpy(&site, blocks + at, sizeof site);
            struct perftrace_shape *shape = perftrace_shapes_add(&runtime->shapes, site.id);
            if (shape != NULL) {
                shape->kind = site.kind;
                shape->argument_count = site.argument_count;
                for (unsigned i = 0; i < site.argument_count; i++)
                    shape->types[i] =
                        (uint8_t)blocks[at + sizeof site + i * sizeof(struct perftrace_format_argument)];
                perftrace_shape_is_known(shape);
            }
        }
        at += header.bytes;
    }
}

/* *news: there was some. False: it could not be written; it stays where it is and is tried again, and until then
 * records would mean nothing. */
static bool drain_metadata(struct perftrace_runtime *runtime, bool *news) {
    uint64_t used = __atomic_load_n(&runtime->ring->metadata_used, __ATOMIC_ACQUIRE);
    uint64_t done = runtime->metadata_drained;
    if (used != done) {
        learn_sites(runtime, runtime->metadata + done, used - done);
        if (perftrace_trace_append_twice(&runtime->trace, runtime->metadata + done, used - done) != 0)
            return false;
        *news = true;
        runtime->metadata_drained = used;
    }
    /* Also where nothing was new: what came in the last time between the reading above and the lock may have been all that there
     * is room for. */
    if (used > PERFTRACE_METADATA_BYTES / 2) {
        sigset_t saved;
        perftrace_lock(runtime, &saved);
        if (runtime->ring->metadata_used == runtime->metadata_drained) {
            __atomic_store_n(&runtime->ring->metadata_used, 0, __ATOMIC_RELEASE);
            runtime->metadata_drained = 0;
            runtime->metadata_begun_anew = true;
        }
        perftrace_unlock(runtime, &saved);
    }
    return true;
}

static bool any_thread_is_writing(struct perftrace_runtime *runtime) {
    bool writing = false;
    sigset_t saved;
    perftrace_lock(runtime, &saved);
    for (struct perftrace_thread *thread = runtime->threads; thread != NULL; thread = thread->next)
        writing = writing || (thread->used && perftrace_writers_are_writing(thread));
    perftrace_unlock(runtime, &saved);
    return writing;
}

/* The tick before which every record is in place. While a thread is in the middle of a record (it may have been
 * put to sleep there), that moves on only every few cycles. `all`: whoever asks for a flush wants to see
 * what was recorded just before. */
static uint64_t settled_tick(struct perftrace_runtime *runtime, bool all) {
    struct timespec settle = {0, 2 * PERFTRACE_SETTLE_NS};
    if (all)
        nanosleep(&settle, NULL);
    uint64_t now = perftrace_ticks_now(runtime);
    if (!all && any_thread_is_writing(runtime) && ++runtime->unsettled < 4)
        return runtime->settled;
    runtime->unsettled = 0;
    runtime->settled = now > runtime->settle_ticks ? now - runtime->settle_ticks : 0;
    if (now == runtime->ticks_before)
        runtime->settled = now + 1; /* the counter stands still: there is nothing to wait for */
    runtime->ticks_before = now;
    return runtime->settled;
}

/* With the lock held. Threads take segments meanwhile, and one may lie where we have been already, but the next where we
 * are yet to come: that one must not be drained first. So none is looked at that was taken since the beginning. */
static bool is_too_new(const struct perftrace_runtime *runtime, uint32_t index) {
    const struct perftrace_segment *segment = runtime->segments[index];
    const struct perftrace_thread *owner = runtime->owners[index];
    return owner != NULL && owner->track == segment->track && segment->sequence >= owner->looked_at;
}

static size_t look(struct perftrace_runtime *runtime, struct drainable *found) {
    size_t count = 0;
    sigset_t saved;
    perftrace_lock(runtime, &saved);
    for (struct perftrace_thread *thread = runtime->threads; thread != NULL; thread = thread->next)
        thread->looked_at = __atomic_load_n(&thread->sequence, __ATOMIC_ACQUIRE);
    for (uint32_t i = 0; i < runtime->segment_count; i++) {
        const struct perftrace_segment *segment = runtime->segments[i];
        uint32_t state = __atomic_load_n(&segment->state, __ATOMIC_ACQUIRE);
        if ((state != PERFTRACE_SEGMENT_ACTIVE && state != PERFTRACE_SEGMENT_FULL) || is_too_new(runtime, i))
            continue;
        runtime->draining[i] = true;
        found[count++] = (struct drainable){
            .index = i, .track = segment->track, .sequence = segment->sequence, .state = state};
    }
    perftrace_unlock(runtime, &saved);
    sort(found, count);
    for (size_t i = 1; i < count; i++)
        found[i].follows =
            found[i - 1].track == found[i].track && found[i - 1].sequence + 1 == found[i].sequence;
    return count;
}

/* Losses of the segment's track that the trace has not been told of. */
static bool has_new_losses(const struct perftrace_thread *owner, const uint64_t *lost) {
    for (unsigned i = 0; i < PERFTRACE_LOSS_CAUSES; i++)
        if (lost[i] > owner->told[i])
            return true;
    return false;
}

static void note_told(struct perftrace_thread *owner, const uint64_t *lost) {
    for (unsigned i = 0; i < PERFTRACE_LOSS_CAUSES; i++)
        if (lost[i] > owner->told[i])
            owner->told[i] = lost[i];
}

/* Whether records of the track before the segment's, which the trace has `from` bytes of, may be missing: they could not be
 * written, or a flight recorder has overwritten them since it last looked. */
static bool is_behind_gap(const struct perftrace_runtime *runtime, const struct drainable *what,
                          uint32_t from) {
    bool overwrites = runtime->config.when_full == PERFTRACE_FULL_OVERWRITE;
    return runtime->owners[what->index]->gap_in == what->track || (overwrites && from == 0 && !what->follows);
}

/* Brings what is new of one segment, records and losses, into the trace, or counts it as lost where that fails or may not
 * be. True: there was something. */
static bool drain_segment(struct perftrace_runtime *runtime, struct drainable *what, bool may_write) {
    struct perftrace_segment *segment = runtime->segments[what->index];
    struct perftrace_thread *owner = runtime->owners[what->index];
    uint32_t from = segment->drained;
    uint32_t most = PERFTRACE_SEGMENT_RECORD_BYTES;
    if (what->state == PERFTRACE_SEGMENT_FULL && segment->end < most)
        most = segment->end;
    uint64_t base = from == 0 ? segment->base_tick : runtime->bases[what->index];
    struct perftrace_block_chunk head = {
        .track = segment->track, .first_byte = from, .base_tick = base, .sequence = segment->sequence};
    const uint64_t *records = (const uint64_t *)(const void *)((const char *)(segment + 1) + from);
    uint64_t count = 0;
    /* Sites registered since: their records wait for the next cycle. */
    size_t words =
        perftrace_records_walk(&runtime->shapes, records, (most - from) / 8, &base, &count, &what->more);
    for (unsigned i = 0; i < PERFTRACE_LOSS_CAUSES; i++)
        head.lost[i] = __atomic_load_n(&segment->lost[i], __ATOMIC_RELAXED);
    /* A segment that was left without a record is told of all the same: else there would seem to be a gap. */
    bool empty = (what->state == PERFTRACE_SEGMENT_FULL || what->passed) && from == 0 && words == 0;
    if (words == 0 && !empty && !has_new_losses(owner, head.lost))
        return false;
    head.flags = is_behind_gap(runtime, what, from) ? PERFTRACE_CHUNK_AFTER_GAP : 0;
    head.last_byte = from + (uint32_t)words * 8;
    if (may_write && perftrace_trace_block(&runtime->trace, PERFTRACE_BLOCK_CHUNK, &head, sizeof head,
                                           records, words * 8) == 0) {
        note_told(owner, head.lost);
        __atomic_add_fetch(&runtime->recorded, count, __ATOMIC_RELAXED);
        owner->gap_in = owner->gap_in == segment->track ? 0 : owner->gap_in;
    } else {
        __atomic_add_fetch(&runtime->ring->lost[PERFTRACE_LOSS_DISK], count, __ATOMIC_RELAXED);
        owner->gap_in = words > 0 ? segment->track : owner->gap_in;
    }
    runtime->bases[what->index] = base;
    __atomic_store_n(&segment->drained, head.last_byte, __ATOMIC_RELEASE);
    return true;
}

static bool fills_up(const struct perftrace_runtime *runtime, const struct drainable *what) {
    const struct perftrace_thread *owner = runtime->owners[what->index];
    uint32_t most = runtime->config.thread_buffer_bytes / PERFTRACE_SEGMENT_BYTES;
    return runtime->config.when_full != PERFTRACE_FULL_WAIT &&
           __atomic_load_n(&owner->waiting, __ATOMIC_RELAXED) > most / 2;
}

/* Whether found[i] has to wait: the segments of a track come one after the other. One that a thread has left in the middle
 * of a record (writers.c) gets that record yet; should it take too long, it is passed by. `all`: we can't wait. */
static bool must_wait(struct perftrace_runtime *runtime, struct drainable *found, size_t i, bool all,
                      bool may_write) {
    if (i == 0 || found[i - 1].track != found[i].track)
        return false;
    struct drainable *before = &found[i - 1];
    if (before->held || before->more || before->state != PERFTRACE_SEGMENT_ACTIVE)
        return before->held || before->more;
    uint64_t *held = &runtime->held_ns[before->index], now = nanoseconds(CLOCK_MONOTONIC);
    if (*held == PASSED)
        return false;
    if (*held == 0)
        *held = now;
    if (!all && now - *held <= HELD_NS_MAX && !fills_up(runtime, before))
        return true;
    before->passed = true;
    drain_segment(runtime, before, may_write);
    *held = before->more ? now : PASSED;
    return before->more;
}

/* The records of a segment that was passed by and has got more since: they are lost. */
static void count_late(struct perftrace_runtime *runtime, const struct drainable *what) {
    const struct perftrace_segment *segment = runtime->segments[what->index];
    uint32_t end =
        segment->end < PERFTRACE_SEGMENT_RECORD_BYTES ? segment->end : PERFTRACE_SEGMENT_RECORD_BYTES;
    uint32_t from = segment->drained < end ? segment->drained : end;
    uint64_t base = 0, count = 0;
    bool unknown = false;
    const char *records = (const char *)(segment + 1) + from;
    perftrace_records_walk(&runtime->shapes, (const uint64_t *)(const void *)records, (end - from) / 8, &base,
                           &count, &unknown);
    __atomic_add_fetch(&runtime->ring->lost[PERFTRACE_LOSS_REENTRY], count + unknown, __ATOMIC_RELAXED);
}

static bool is_used_up(const struct perftrace_runtime *runtime, const struct drainable *what) {
    const struct perftrace_segment *segment = runtime->segments[what->index];
    if (what->state != PERFTRACE_SEGMENT_FULL || what->held)
        return false;
    if (runtime->held_ns[what->index] == PASSED)
        return true;
    return segment->end == UINT32_MAX ? !what->more : segment->drained >= segment->end;
}

static void pulse(struct perftrace_runtime *runtime) {
    __atomic_add_fetch(&runtime->pulse, 1, __ATOMIC_RELEASE);
    perftrace_futex_wake(&runtime->pulse);
}

static void release(struct perftrace_runtime *runtime, const struct drainable *found, size_t count) {
    sigset_t saved;
    perftrace_lock(runtime, &saved);
    for (size_t i = 0; i < count; i++) {
        runtime->draining[found[i].index] = false;
        if (!is_used_up(runtime, &found[i]))
            continue;
        if (runtime->held_ns[found[i].index] == PASSED)
            count_late(runtime, &found[i]);
        perftrace_segment_free(runtime, found[i].index);
    }
    perftrace_unlock(runtime, &saved);
}

/* Losses outside any track. */
static uint64_t read_losses(const struct perftrace_runtime *runtime, struct perftrace_block_loss *loss) {
    uint64_t sum = 0;
    for (unsigned i = 0; i < PERFTRACE_LOSS_CAUSES; i++)
        sum += loss->lost[i] = __atomic_load_n(&runtime->ring->lost[i], __ATOMIC_RELAXED);
    return sum;
}

static void write_losses(struct perftrace_runtime *runtime) {
    struct perftrace_block_loss loss;
    uint64_t sum = read_losses(runtime, &loss);
    if (sum != runtime->losses_written &&
        perftrace_trace_block(&runtime->trace, PERFTRACE_BLOCK_LOSS, &loss, sizeof loss, NULL, 0) == 0)
        runtime->losses_written = sum;
}

/* Up to which tick the trace is complete now, behind a reading of the clocks by which the times of these ticks can be
 * told. What was recorded a moment ago, or since the last reading, is let go by the cycle after. */
static void write_times(struct perftrace_runtime *runtime, uint64_t settled, bool news, bool all) {
    bool was_read = write_clock_when_due(runtime, CLOCK_INTERVAL_NS, all);
    struct perftrace_block_sync sync = {.before_tick = settled};
    if (was_read)
        perftrace_trace_block(&runtime->trace, PERFTRACE_BLOCK_SYNC, &sync, sizeof sync, NULL, 0);
    runtime->untold = news || !was_read || runtime->unsettled > 0;
}

/* Seldom: it asks the kernel about each thread. The next cycle frees what they had. */
static void end_gone_when_due(struct perftrace_runtime *runtime) {
    uint64_t now = perftrace_now_ns();
    if (now - runtime->looked_for_gone_ns < GONE_INTERVAL_NS)
        return;
    runtime->looked_for_gone_ns = now;
    perftrace_threads_end_gone(runtime);
}

/* One round over everything. `found` has room for all segments. */
static void cycle(struct perftrace_runtime *runtime, struct drainable *found, bool all) {
    bool begun = perftrace_trace_mend(runtime), news = false;
    uint64_t settled = settled_tick(runtime, all);
    bool flight = runtime->config.when_full == PERFTRACE_FULL_OVERWRITE && !all;
    size_t count = flight ? 0 : look(runtime, found);
    bool may_write = begun && drain_metadata(runtime, &news);
    if (news) {
        __atomic_store_n(&runtime->elsewhere, true,
                         __ATOMIC_RELAXED); /* the loader's lock may be held by who waits for us */
        perftrace_modules_write(runtime);
        __atomic_store_n(&runtime->elsewhere, false, __ATOMIC_RELAXED);
    }
    for (size_t i = 0; i < count; i++) {
        found[i].held = must_wait(runtime, found, i, all, may_write);
        if (!found[i].held && runtime->held_ns[found[i].index] != PASSED)
            news = drain_segment(runtime, &found[i], may_write) || news;
        size_t held_back = i % RELEASE_AT_ONCE + 1;
        if (held_back == RELEASE_AT_ONCE || i == count - 1)
            release(runtime, &found[i + 1 - held_back], held_back);
        if (held_back == RELEASE_AT_ONCE)
            pulse(runtime);
    }
    if (begun) {
        write_losses(runtime);
        if (news || all || runtime->untold)
            write_times(runtime, settled, news, all);
        else if (flight)
            write_clock_in_flight(runtime);
        leave_reading_when_due(runtime);
    }
    if (runtime->sinks != NULL)
        perftrace_sinks_advance(runtime->sinks, runtime->trace.bytes);
    pulse(runtime);
    if (!runtime->threadless && !perftrace_rings_grow(runtime, PERFTRACE_SEGMENTS_SPARE, true))
        end_gone_when_due(runtime);
}

/* No thread's chunk will come any more to tell of what it has lost since its last. */
static void settle_losses(struct perftrace_runtime *runtime) {
    sigset_t saved;
    perftrace_lock(runtime, &saved);
    for (struct perftrace_thread *thread = runtime->threads; thread != NULL; thread = thread->next)
        if (thread->generation == runtime->generation)
            perftrace_losses_settle(runtime, thread);
    perftrace_unlock(runtime, &saved);
}

/* The blocks that end a trace, in one piece, for which there is space kept. */
struct last_blocks {
    struct perftrace_block_header clock_header; /* left out where the last cycle's was written */
    struct perftrace_block_clock clock;
    struct perftrace_block_header loss_header;
    struct perftrace_block_loss loss;
    struct perftrace_block_header sync_header;
    struct perftrace_block_sync sync;
    struct perftrace_block_header end_header;
    struct perftrace_block_end end;
};

static void write_end(struct perftrace_runtime *runtime) {
    struct last_blocks last = {0};
    for (int tries = 0; tries < 3 && !runtime->finished && perftrace_trace_mend(runtime); tries++) {
        settle_losses(runtime);
        read_losses(runtime, &last.loss);
        last.sync = (struct perftrace_block_sync){.before_tick = UINT64_MAX};
        last.end = (struct perftrace_block_end){.recorded = runtime->recorded,
                                                .before_tick = perftrace_ticks_now(runtime)};
        if (runtime->clock_is_missing)
            perftrace_clocks_read(runtime, &last.clock);
        size_t skip = runtime->clock_is_missing ? 0 : offsetof(struct last_blocks, loss_header);
        perftrace_block_seal(&last.clock_header, PERFTRACE_BLOCK_CLOCK, &last.clock, sizeof last.clock, NULL,
                             0);
        perftrace_block_seal(&last.loss_header, PERFTRACE_BLOCK_LOSS, &last.loss, sizeof last.loss, NULL, 0);
        perftrace_block_seal(&last.sync_header, PERFTRACE_BLOCK_SYNC, &last.sync, sizeof last.sync, NULL, 0);
        perftrace_block_seal(&last.end_header, PERFTRACE_BLOCK_END, &last.end, sizeof last.end, NULL, 0);
        runtime->finished =
            perftrace_trace_finish(&runtime->trace, (char *)&last + skip, sizeof last - skip) == 0;
    }
    settle_losses(runtime); /* where the ring file's header has to tell of them */
    if (runtime->sinks != NULL)
        perftrace_sinks_advance(runtime->sinks, runtime->trace.bytes);
}

static struct drainable found[PERFTRACE_SEGMENTS_MAX]; /* there is one drainer at a time */

void perftrace_drain(struct perftrace_runtime *runtime) {
    uint64_t filled_before = 0;
    prctl(PR_SET_TIMERSLACK, 10000, 0, 0, 0); /* ns: it sleeps for short times */
    for (;;) {
        bool stop = __atomic_load_n(&runtime->stop, __ATOMIC_ACQUIRE);
        uint32_t wanted = __atomic_load_n(&runtime->flush_wanted, __ATOMIC_ACQUIRE);
        uint64_t filled = __atomic_load_n(&runtime->filled, __ATOMIC_ACQUIRE);
        __atomic_store_n(&runtime->urgent, 0, __ATOMIC_SEQ_CST);
        cycle(runtime, found, stop || wanted != runtime->flush_done);
        __atomic_store_n(&runtime->flush_done, wanted, __ATOMIC_RELEASE);
        perftrace_futex_wake(&runtime->pulse);
        if (stop)
            break;
        if (filled != filled_before) { /* busy: more will come */
            filled_before = filled;
            perftrace_futex_wait(&runtime->urgent, 0, BUSY_SLEEP_NS);
            continue;
        }
        __atomic_store_n(&runtime->wake, 0, __ATOMIC_SEQ_CST);
        if (__atomic_load_n(&runtime->filled, __ATOMIC_SEQ_CST) == filled &&
            __atomic_load_n(&runtime->urgent, __ATOMIC_SEQ_CST) == 0)
            perftrace_futex_wait(&runtime->wake, 0, (int64_t)runtime->config.flush_ms * 1000000);
        __atomic_store_n(&runtime->wake, 1, __ATOMIC_SEQ_CST);
    }
    write_end(runtime);
}

/* ---- without a drainer ---- */

static bool enter(struct perftrace_runtime *runtime) {
    int free = 0;
    return __atomic_compare_exchange_n(&runtime->draining_here, &free, 1, false, __ATOMIC_ACQUIRE,
                                       __ATOMIC_RELAXED);
}

static void drain_once(struct perftrace_runtime *runtime, bool all, bool last) {
    struct perftrace_held_signals held;
    sigset_t every, saved;
    sigfillset(&every);
    perftrace_hold_signals(&held);
    perftrace_signals_block(&every, &saved); /* no handler may jump out of this */
    cycle(runtime, found, all);
    if (last)
        write_end(runtime);
    perftrace_own_file_close(&runtime->trace.own); /* it is not to be found by the program */
    perftrace_signals_restore(&saved);
    perftrace_release_signals(&held);
    __atomic_store_n(&runtime->draining_here, 0, __ATOMIC_RELEASE);
}

bool perftrace_drain_here(struct perftrace_runtime *runtime, bool all) {
    if (!enter(runtime))
        return false;
    drain_once(runtime, all, false);
    return true;
}

bool perftrace_drain_last_here(struct perftrace_runtime *runtime, uint64_t deadline_ns) {
    while (!enter(runtime)) {
        if (perftrace_now_ns() >= deadline_ns)
            return false; /* perhaps this is a signal handler, come into the middle of it */
        nanosleep(&(struct timespec){0, 1000000}, NULL);
    }
    drain_once(runtime, true, true);
    return true;
}
