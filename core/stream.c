/* Blocks in, items out: takes blocks, and hands out items by callback or one by one. */
#include "stream_state.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BUFFER_BYTES_MAX ((size_t)64 << 20)
#define MOVED_NS_MIN 1000000 /* of clocks; less may be because they are read one after the other */
#define NAMES_BYTES_MAX ((size_t)1 << 20)

void perftrace_stream_note(struct perftrace_stream *stream, uint64_t offset, bool left_out,
                           const char *format, ...) {
    struct perftrace_error_info what = {.code = PERFTRACE_ERROR_FORMAT, .byte_offset = offset};
    stream->info.damaged |= left_out;
    if (stream->options.on_damage == NULL)
        return;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(what.message, sizeof what.message, format, arguments);
    va_end(arguments);
    stream->options.on_damage(stream->options.context, &what);
}

struct perftrace_stream *perftrace_stream_open(const struct perftrace_stream_options *options) {
    struct perftrace_stream *stream = calloc(1, sizeof *stream);
    if (stream == NULL)
        return NULL;
    stream->options = *options;
    if (stream->options.buffer_bytes_max == 0)
        stream->options.buffer_bytes_max = BUFFER_BYTES_MAX;
    stream->budget.max = PERFTRACE_STREAM_BYTES_MAX;
    stream->keeper.budget = stream->async.open.budget = stream->names.budget = &stream->budget;
    perftrace_tables_limit(&stream->tables, &stream->budget);
    stream->names.bytes_max = NAMES_BYTES_MAX;
    stream->keeper.bytes_max = PERFTRACE_KEPT_BYTES_MAX;
    stream->info.native = true;
    stream->info.process_name = stream->info.executable = (struct perftrace_text){"", 0};
    stream->call.parameters = stream->call.metrics = stream->values.values;
    return stream;
}

static void free_open_spans(struct perftrace_stream *stream) {
    for (size_t i = 0; i < stream->tables.track_count; i++) {
        struct perftrace_track_state *track = stream->tables.tracks[i];
        while (track->open_count > 0)
            perftrace_keep_release(&stream->keeper, track->open[--track->open_count].kept);
        free(track->open);
    }
}

void perftrace_stream_close(struct perftrace_stream *stream) {
    if (stream == NULL)
        return;
    perftrace_keep_release(&stream->keeper, stream->release);
    free_open_spans(stream);
    perftrace_async_free(stream);
    perftrace_placed_free(stream);
    perftrace_merge_free(stream);
    perftrace_batch_free(stream);
    perftrace_keeper_free(&stream->keeper);
    perftrace_arena_free(&stream->names);
    perftrace_tables_free(&stream->tables);
    free(stream->values.texts);
    free(stream);
}

/* ---- items out ------------------------------------------------------------------------------------ */

/* What is left when all records are handed out: the spans still open, then what was only counted. */
static const struct perftrace_item *finish_next(struct perftrace_stream *stream) {
    for (; stream->finish_track < stream->tables.track_count; stream->finish_track++) {
        struct perftrace_track_state *track = stream->tables.tracks[stream->finish_track];
        if (track->open_count > 0) {
            const struct perftrace_item *item = perftrace_span_pop(stream, track, track->last_ns, true);
            stream->call.at_end = true;
            return item;
        }
    }
    const struct perftrace_item *item = perftrace_async_finish(stream);
    stream->call.at_end = item != NULL;
    if (item != NULL || stream->finished)
        return item;
    stream->finished = true;
    static const char *const words[PERFTRACE_SAID_KINDS] = {
        [PERFTRACE_SAID_NO_BEGIN] = "ends of spans whose beginnings are missing were passed over",
        [PERFTRACE_SAID_TOO_DEEP] = "spans were left out, as there was no room for as many open ones",
        [PERFTRACE_SAID_NO_ROOM] = "times there was no room to keep the arguments of an open span",
        [PERFTRACE_SAID_NO_TRACK] = "records for tracks that nothing tells of were left out",
    };
    stream->said[PERFTRACE_SAID_NO_ROOM] = stream->keeper.refused;
    if (stream->flight)
        stream->said[PERFTRACE_SAID_NO_BEGIN] = 0;
    for (size_t i = 0; i < PERFTRACE_SAID_KINDS; i++)
        if (stream->said[i] > 0)
            perftrace_stream_note(stream, 0, i != PERFTRACE_SAID_NO_BEGIN, "%llu %s",
                                  (unsigned long long)stream->said[i], words[i]);
    if (stream->recorded > stream->info.records)
        perftrace_stream_note(stream, 0, true, "%llu of %llu records are missing",
                              (unsigned long long)(stream->recorded - stream->info.records),
                              (unsigned long long)stream->recorded);
    return NULL;
}

/* The track whose first record is next; NULL when none may be handed out now. */
static struct perftrace_track_state *next_track(struct perftrace_stream *stream) {
    struct perftrace_track_state *track = stream->merge.run;
    if (track != NULL && track->tick <= stream->merge.run_last)
        return track;
    return perftrace_merge_choose(stream);
}

/* Does what had to wait until the last item was no longer looked at. */
static void leave_item(struct perftrace_stream *stream) {
    if (stream->release != NULL) {
        perftrace_keep_release(&stream->keeper, stream->release);
        stream->release = NULL;
    }
    if (stream->advance) {
        stream->advance = false;
        perftrace_merge_step(stream);
    }
}

/* merge.run stands at a record again that has been looked at. */
static void leave_run(struct perftrace_stream *stream) {
    if (stream->running) {
        stream->running = false;
        perftrace_merge_look(stream);
    }
}

const struct perftrace_item *perftrace_stream_next(struct perftrace_stream *stream) {
    if (stream->told_track != NULL && perftrace_is_wanted(stream, PERFTRACE_ITEM_TRACK)) {
        const struct perftrace_track_state *track = stream->told_track;
        stream->told_track = NULL;
        return perftrace_item_start(stream, PERFTRACE_ITEM_TRACK, track->last_ns, NULL, track);
    }
    const struct perftrace_item *item = NULL;
    while (item == NULL || !perftrace_is_wanted(stream, item->kind)) {
        item = NULL;
        leave_item(stream);
        if (stream->no_memory || (stream->batch != NULL && stream->batch->full))
            return NULL;
        if (stream->running && perftrace_run(stream, &item))
            continue;
        leave_run(stream);
        if (stream->placed.emitting || perftrace_placed_full(&stream->placed)) {
            if (!stream->placed.emitting)
                perftrace_placed_start(&stream->placed);
            item = perftrace_placed_next(stream);
            continue;
        }
        struct perftrace_track_state *track = next_track(stream);
        if (track != NULL) {
            if (!perftrace_run(stream, &item))
                item = perftrace_deliver(stream, track);
        } else if (stream->placed.count > 0)
            perftrace_placed_start(&stream->placed);
        else if (!stream->finishing || (item = finish_next(stream)) == NULL)
            return NULL;
    }
    return item;
}

int perftrace_stream_error(const struct perftrace_stream *stream) {
    return stream->no_memory ? -PERFTRACE_ERROR_MEMORY : 0;
}

bool perftrace_stream_lacks_room(const struct perftrace_stream *stream) {
    return stream->lacks_room || stream->keeper.refused > 0;
}

/* Hands out what can be, unless the caller wants to fetch it itself. */
static int hand_out(struct perftrace_stream *stream) {
    const struct perftrace_item *item;
    if (stream->options.on_item != NULL)
        while ((item = perftrace_stream_next(stream)) != NULL)
            stream->options.on_item(stream->options.context, item);
    return perftrace_stream_error(stream);
}

/* ---- blocks in ------------------------------------------------------------------------------------ */

struct block {
    const unsigned char *payload;
    size_t bytes;
    uint64_t offset;
};

/* Copies the fixed part of a block; false (and told) when the block is too short for it. */
static bool take_fixed(struct perftrace_stream *stream, const struct block *block, void *fixed, size_t bytes,
                       const char *what) {
    if (block->bytes < bytes) {
        perftrace_stream_note(stream, block->offset, true, "a %s block that is too short", what);
        return false;
    }
    memcpy(fixed, block->payload, bytes);
    return true;
}

/* Everything before a tick is here: it may be handed out, as far as its time is known. With `last` no more will be known
 * of that. */
static void let_before(struct perftrace_stream *stream, uint64_t tick, bool last) {
    if (!stream->clock.ready)
        return;
    if (tick == UINT64_MAX) {
        perftrace_merge_let(&stream->merge, UINT64_MAX);
        return;
    }
    uint64_t before = perftrace_clock_straight(&stream->clock, tick);
    uint64_t known = perftrace_clock_known_ticks(&stream->clock);
    if (!last && before > known)
        before = known;
    if (before > 0)
        perftrace_merge_let(&stream->merge, before - 1);
}

static void let_everything(struct perftrace_stream *stream, uint64_t offset) {
    if (perftrace_clock_force(&stream->clock) && stream->merge.count > 0)
        perftrace_stream_note(
            stream, offset, false,
            "with %u clock readings ticks can't be told as time: one is taken for a nanosecond",
            stream->clock.pairs);
    perftrace_merge_let(&stream->merge, UINT64_MAX);
}

static void take_process(struct perftrace_stream *stream, const struct block *block) {
    struct perftrace_block_process fixed;
    if (!take_fixed(stream, block, &fixed, sizeof fixed, "process"))
        return;
    struct perftrace_trace_info *info = &stream->info;
    memcpy(info->parent_uuid, fixed.parent_uuid, sizeof info->parent_uuid);
    memcpy(info->boot_id, fixed.boot_id, sizeof info->boot_id);
    info->pid = fixed.pid;
    info->parent_pid = fixed.parent_pid;
    info->start_monotonic_ns = fixed.start_monotonic_ns;
    info->start_realtime_ns = fixed.start_realtime_ns;
    stream->flight = fixed.mode == PERFTRACE_MODE_FLIGHT;
    info->crash_safe = (fixed.flags & PERFTRACE_PROCESS_NOT_CRASH_SAFE) == 0;
    /* Not once a reading of it has come, or a time has been told: they would no longer go together. */
    if (stream->clock.pairs == 0 && !stream->any_handed_out) {
        info->clock = fixed.clock;
        stream->clock.identity = fixed.clock == PERFTRACE_CLOCK_MONOTONIC;
        stream->clock.ready = stream->clock.identity;
        info->ticks_per_second = perftrace_clock_ticks_per_second(&stream->clock);
    }
    const unsigned char *texts = block->payload + sizeof fixed;
    if ((size_t)fixed.name_bytes + fixed.executable_bytes > block->bytes - sizeof fixed)
        perftrace_stream_note(stream, block->offset, true, "a process block with texts longer than itself");
    else if (!perftrace_arena_text(&stream->names, texts, fixed.name_bytes, &info->process_name) ||
             !perftrace_arena_text(&stream->names, texts + fixed.name_bytes, fixed.executable_bytes,
                                   &info->executable))
        perftrace_stream_note(stream, block->offset, true, "no room for the names of the process");
}

static void take_site(struct perftrace_stream *stream, const struct block *block) {
    const char *why;
    switch (perftrace_tables_add_site(&stream->tables, block->payload, block->bytes, &why)) {
    case PERFTRACE_TABLE_BAD:
        perftrace_stream_note(stream, block->offset, true, "a site with %s", why);
        break;
    case PERFTRACE_TABLE_FULL:
        stream->lacks_room = true;
        perftrace_stream_note(stream, block->offset, true, "no room for another site");
        break;
    default:
        break;
    }
}

static void take_track(struct perftrace_stream *stream, const struct block *block) {
    const char *why;
    struct perftrace_track_state *track;
    switch (perftrace_tables_add_track(&stream->tables, block->payload, block->bytes, &track, &why)) {
    case PERFTRACE_TABLE_ADDED:
        stream->told_track = track;
        break;
    case PERFTRACE_TABLE_BAD:
        perftrace_stream_note(stream, block->offset, true, "a track with %s", why);
        break;
    case PERFTRACE_TABLE_FULL:
        stream->lacks_room = true;
        perftrace_stream_note(stream, block->offset, true, "no room for another track");
        break;
    default:
        break;
    }
}

static uint64_t magnitude(int64_t value) {
    return value < 0 ? (uint64_t)0 - (uint64_t)value : (uint64_t)value;
}

/* How CLOCK_BOOTTIME and CLOCK_REALTIME have moved against CLOCK_MONOTONIC since the first reading. */
static void note_other_clocks(struct perftrace_stream *stream, const struct perftrace_block_clock *reading) {
    struct perftrace_trace_info *info = &stream->info;
    int64_t boottime = (int64_t)(reading->boottime_ns - reading->monotonic_ns);
    int64_t realtime = (int64_t)(reading->realtime_ns - reading->monotonic_ns);
    if (info->clock_pairs == 0) {
        stream->boottime_ahead = boottime;
        stream->realtime_ahead = realtime;
    }
    int64_t suspended = (int64_t)((uint64_t)boottime - (uint64_t)stream->boottime_ahead);
    if (reading->boottime_ns != 0 && suspended >= MOVED_NS_MIN)
        info->suspended_ns = (uint64_t)suspended;
    int64_t set = (int64_t)((uint64_t)realtime - (uint64_t)stream->realtime_ahead - info->suspended_ns);
    if (reading->realtime_ns != 0 && magnitude(set) >= MOVED_NS_MIN &&
        magnitude(set) > magnitude(info->realtime_set_ns))
        info->realtime_set_ns = set;
}

static void take_clock(struct perftrace_stream *stream, const struct block *block) {
    struct perftrace_block_clock fixed;
    if (!take_fixed(stream, block, &fixed, PERFTRACE_CLOCK_BLOCK_BYTES_MIN, "clock"))
        return;
    fixed.boottime_ns = 0;
    if (block->bytes >= sizeof fixed)
        memcpy(&fixed, block->payload, sizeof fixed);
    struct perftrace_clock *clock = &stream->clock;
    enum perftrace_clock_verdict verdict =
        perftrace_clock_read(clock, fixed.ticks, fixed.monotonic_ns, fixed.error_ns);
    if (verdict == PERFTRACE_CLOCK_WRONG)
        perftrace_stream_note(stream, block->offset, true,
                              "a clock reading that contradicts the one before it");
    if (verdict != PERFTRACE_CLOCK_TAKEN)
        return;
    if (clock->jumps > 0)
        perftrace_merge_straighten(stream);
    note_other_clocks(stream, &fixed);
    stream->info.clock_pairs = clock->pairs;
    stream->info.clock_jumps = clock->jumps;
    stream->info.ticks_per_second = perftrace_clock_ticks_per_second(&stream->clock);
    if (fixed.error_ns > stream->info.clock_error_ns)
        stream->info.clock_error_ns = fixed.error_ns;
}

/* Counts of losses only grow: takes over what is more than is known. */
static void take_losses(struct perftrace_stream *stream, uint64_t known[PERFTRACE_LOSS_CAUSES],
                        const uint64_t told[PERFTRACE_LOSS_CAUSES]) {
    static_assert((int)PERFTRACE_LOSS_KINDS == (int)PERFTRACE_LOSS_CAUSES,
                  "as many in the API as in the format");
    for (unsigned i = 0; i < PERFTRACE_LOSS_CAUSES; i++) {
        if (told[i] <= known[i])
            continue;
        uint64_t more = told[i] - known[i], *sum = &stream->info.lost[i];
        *sum = *sum + more < more ? UINT64_MAX : *sum + more;
        known[i] = told[i];
    }
}

/* Where the records of a chunk begin that have not been taken before; UINT32_MAX: there are none. */
static uint32_t new_from(const struct perftrace_track_state *track,
                         const struct perftrace_block_chunk *chunk) {
    if (!track->any_taken || chunk->sequence > track->sequence)
        return chunk->first_byte;
    if (chunk->sequence < track->sequence || chunk->last_byte <= track->taken)
        return UINT32_MAX;
    return chunk->first_byte > track->taken ? chunk->first_byte : track->taken;
}

/* Whether records between the track's last chunk and this one are missing. */
static bool is_behind_gap(const struct perftrace_track_state *track,
                          const struct perftrace_block_chunk *chunk) {
    if (!track->any_taken)
        return false;
    if ((chunk->flags & PERFTRACE_CHUNK_AFTER_GAP) != 0 || chunk->sequence > track->sequence + 1)
        return true;
    return chunk->first_byte > (chunk->sequence == track->sequence ? track->taken : 0);
}

static void queue_records(struct perftrace_stream *stream, struct perftrace_track_state *track,
                          const struct perftrace_block_chunk *chunk, const struct block *block) {
    uint32_t from = new_from(track, chunk);
    if (from == UINT32_MAX && chunk->first_byte == chunk->last_byte)
        return; /* it only tells of losses */
    if (from == UINT32_MAX) {
        perftrace_stream_note(stream, block->offset, false, "records of track %u that have been told before",
                              chunk->track);
        return;
    }
    track->gap |= is_behind_gap(track, chunk);
    track->any_taken = true;
    track->sequence = chunk->sequence;
    track->taken = chunk->last_byte;
    if (stream->options.leave_records)
        return;
    const unsigned char *records = block->payload + sizeof *chunk;
    uint64_t base = chunk->base_tick;
    size_t skip = (from - chunk->first_byte) / 8, words = (chunk->last_byte - chunk->first_byte) / 8;
    if (skip > 0) {
        /* The base tick has to be followed through what was taken before. */
        uint64_t *aligned = malloc(skip * sizeof *aligned), count = 0;
        bool damaged = false;
        if (aligned == NULL) {
            stream->no_memory = true;
            return;
        }
        memcpy(aligned, records, skip * sizeof *aligned);
        perftrace_records_walk(&stream->tables.shapes, aligned, skip, &base, &count, &damaged);
        free(aligned);
    }
    if (words > skip &&
        !perftrace_merge_add(stream, track, base, records + skip * 8, words - skip, block->offset))
        stream->no_memory = true;
}

static void take_track_losses(struct perftrace_stream *stream, struct perftrace_track_state *track,
                              const struct perftrace_block_chunk *chunk) {
    uint64_t any = 0;
    for (unsigned i = 0; i < PERFTRACE_LOSS_CAUSES; i++)
        any |= chunk->lost[i];
    uint64_t *known = any != 0 ? perftrace_tables_losses(&stream->tables, track) : NULL;
    if (known != NULL)
        take_losses(stream, known, chunk->lost);
}

static void take_chunk(struct perftrace_stream *stream, const struct block *block) {
    struct perftrace_block_chunk chunk;
    if (!take_fixed(stream, block, &chunk, sizeof chunk, "chunk"))
        return;
    if (chunk.last_byte < chunk.first_byte || chunk.first_byte % 8 != 0 || chunk.last_byte % 8 != 0 ||
        chunk.last_byte - chunk.first_byte != block->bytes - sizeof chunk) {
        perftrace_stream_note(stream, block->offset, true, "a chunk whose range of bytes is not its size");
        return;
    }
    if (chunk.last_byte > PERFTRACE_SEGMENT_RECORD_BYTES) {
        perftrace_stream_note(stream, block->offset, true, "a chunk that goes beyond its segment");
        return;
    }
    struct perftrace_track_state *track = perftrace_tables_track(&stream->tables, chunk.track);
    if (track == NULL) {
        perftrace_stream_note(stream, block->offset, true, "records of track %u, which nothing tells of",
                              chunk.track);
        track = perftrace_tables_make_track(&stream->tables, chunk.track);
        if (track == NULL) {
            stream->lacks_room = true;
            return;
        }
    }
    take_track_losses(stream, track, &chunk);
    queue_records(stream, track, &chunk, block);
    if (stream->merge.waiting_bytes > stream->options.buffer_bytes_max)
        let_everything(stream, block->offset);
}

static void take_sync(struct perftrace_stream *stream, const struct block *block) {
    struct perftrace_block_sync fixed;
    if (take_fixed(stream, block, &fixed, sizeof fixed, "sync"))
        let_before(stream, fixed.before_tick, (fixed.flags & PERFTRACE_SYNC_NO_CLOCK_FOLLOWS) != 0);
}

static void take_end(struct perftrace_stream *stream, const struct block *block) {
    struct perftrace_block_end fixed;
    if (!take_fixed(stream, block, &fixed, sizeof fixed, "end"))
        return;
    stream->info.finished = true;
    stream->recorded = fixed.recorded;
    let_before(stream, fixed.before_tick, true);
}

int perftrace_stream_block(struct perftrace_stream *stream, const struct perftrace_block_header *header,
                           const void *payload, uint64_t offset) {
    const struct block block = {payload, header->bytes, offset};
    struct perftrace_block_loss loss;
    leave_item(stream);
    leave_run(stream);
    perftrace_merge_shut(&stream->merge);
    switch (header->kind) {
    case PERFTRACE_BLOCK_PROCESS:
        take_process(stream, &block);
        break;
    case PERFTRACE_BLOCK_SITE:
        take_site(stream, &block);
        break;
    case PERFTRACE_BLOCK_TRACK:
        take_track(stream, &block);
        break;
    case PERFTRACE_BLOCK_CLOCK:
        take_clock(stream, &block);
        break;
    case PERFTRACE_BLOCK_CHUNK:
        take_chunk(stream, &block);
        break;
    case PERFTRACE_BLOCK_SYNC:
        take_sync(stream, &block);
        break;
    case PERFTRACE_BLOCK_LOSS:
        if (take_fixed(stream, &block, &loss, sizeof loss, "loss"))
            take_losses(stream, stream->process_lost, loss.lost);
        break;
    case PERFTRACE_BLOCK_END:
        take_end(stream, &block);
        break;
    default: /* MODULE and RING are not told on; others are of the future */
        break;
    }
    return hand_out(stream);
}

int perftrace_stream_finish(struct perftrace_stream *stream) {
    leave_item(stream);
    leave_run(stream);
    let_everything(stream, 0);
    stream->finishing = true;
    return hand_out(stream);
}

/* ---- what is known -------------------------------------------------------------------------------- */

struct perftrace_trace_info *perftrace_stream_info(struct perftrace_stream *stream) {
    return &stream->info;
}

size_t perftrace_stream_site_count(const struct perftrace_stream *stream) {
    return stream->tables.site_count;
}

const struct perftrace_site_info *perftrace_stream_site(const struct perftrace_stream *stream, size_t index) {
    return index < stream->tables.site_count ? &stream->tables.sites[index]->info : NULL;
}

size_t perftrace_stream_track_count(const struct perftrace_stream *stream) {
    return stream->tables.track_count;
}

const struct perftrace_track_info *perftrace_stream_track(const struct perftrace_stream *stream,
                                                          size_t index) {
    return index < stream->tables.track_count ? &stream->tables.tracks[index]->info : NULL;
}

uint64_t perftrace_stream_last_reading(const struct perftrace_stream *stream) {
    const struct perftrace_clock *clock = &stream->clock;
    return clock->count > 0 ? clock->kept[clock->count - 1].ns : 0;
}

uint32_t perftrace_stream_drained(const struct perftrace_stream *stream, uint32_t track, uint64_t sequence) {
    const struct perftrace_track_state *state = perftrace_tables_track(&stream->tables, track);
    if (state == NULL || !state->any_taken || sequence > state->sequence)
        return 0;
    return sequence == state->sequence ? state->taken : UINT32_MAX;
}

bool perftrace_stream_is_flight(const struct perftrace_stream *stream) {
    return stream->flight;
}

const uint64_t *perftrace_stream_lost(const struct perftrace_stream *stream, uint32_t track) {
    const struct perftrace_track_state *state = perftrace_tables_track(&stream->tables, track);
    return state != NULL ? state->lost : NULL;
}

const struct perftrace_shapes *perftrace_stream_shapes(const struct perftrace_stream *stream) {
    return &stream->tables.shapes;
}
