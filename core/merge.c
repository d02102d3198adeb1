/* Which record is next: each track's chunks wait in a queue, and a heap of tracks merges them by time. */
#include "stream_state.h"

#include <stdlib.h>
#include <string.h>

/* ---- the heap ------------------------------------------------------------------------------------- */

static bool before(const struct perftrace_track_state *a, const struct perftrace_track_state *b) {
    return a->tick != b->tick ? a->tick < b->tick : a->info.id < b->info.id;
}

static void sift_up(struct perftrace_merge *merge, size_t at) {
    struct perftrace_track_state *track = merge->heap[at];
    for (; at > 0 && before(track, merge->heap[(at - 1) / 2]); at = (at - 1) / 2)
        merge->heap[at] = merge->heap[(at - 1) / 2];
    merge->heap[at] = track;
}

static void sift_down(struct perftrace_merge *merge, size_t at) {
    struct perftrace_track_state *track = merge->heap[at];
    for (;;) {
        size_t child = 2 * at + 1;
        if (child >= merge->count)
            break;
        if (child + 1 < merge->count && before(merge->heap[child + 1], merge->heap[child]))
            child++;
        if (!before(merge->heap[child], track))
            break;
        merge->heap[at] = merge->heap[child];
        at = child;
    }
    merge->heap[at] = track;
}

static bool heap_add(struct perftrace_merge *merge, struct perftrace_track_state *track) {
    if (merge->count == merge->capacity) {
        size_t capacity = merge->capacity == 0 ? 16 : merge->capacity * 2;
        struct perftrace_track_state **bigger = realloc(merge->heap, capacity * sizeof(*bigger));
        if (bigger == NULL)
            return false;
        merge->heap = bigger;
        merge->capacity = capacity;
    }
    merge->heap[merge->count] = track;
    sift_up(merge, merge->count++);
    return true;
}

/* After a run: puts its track where it now belongs. */
static void settle(struct perftrace_merge *merge) {
    if (merge->run == NULL)
        return;
    if (merge->run->chunk == NULL)
        merge->heap[0] = merge->heap[--merge->count];
    if (merge->count > 0)
        sift_down(merge, 0);
    merge->run = NULL;
}

/* ---- a track's queue ------------------------------------------------------------------------------ */

/* track->chunk is another one now. */
static void become_first(const struct perftrace_stream *stream, struct perftrace_track_state *track) {
    track->base = track->chunk->base_tick;
    track->at = 0;
    track->chunk->calls_before = stream->calls;
}

static void drop_chunk(struct perftrace_stream *stream, struct perftrace_track_state *track) {
    struct perftrace_waiting *chunk = track->chunk;
    perftrace_spans_keep(stream, track);
    track->chunk = chunk->next;
    if (track->chunk == NULL)
        track->last_chunk = NULL;
    else
        become_first(stream, track);
    stream->merge.waiting_bytes -= sizeof *chunk + chunk->word_count * sizeof chunk->words[0];
    if (stream->batch != NULL)
        perftrace_batch_keep_chunk(stream->batch, chunk);
    else
        free(chunk);
}

static void drop_damaged(struct perftrace_stream *stream, struct perftrace_track_state *track) {
    size_t left = (track->chunk->word_count - track->at) * sizeof(uint64_t);
    perftrace_stream_note(stream, track->chunk->offset, true,
                          "%zu bytes of records of track %u make no sense and are left out", left,
                          track->info.id);
    stream->info.damaged_bytes += left;
    drop_chunk(stream, track);
    if (track->chunk != NULL)
        track->chunk->after_gap = true;
    else
        track->gap = true;
}

/* The words of the record at `words`, or 0 for damage; sets track->site. */
static size_t measure(const struct perftrace_stream *stream, struct perftrace_track_state *track,
                      const uint64_t *words, size_t available) {
    uint32_t kind = perftrace_word_kind(words[0]);
    const struct perftrace_site_entry *site =
        perftrace_tables_site(&stream->tables, perftrace_word_site(words[0]));
    track->site = site;
    if (site == NULL)
        return 0;
    if (kind == PERFTRACE_RECORD_END)
        return site->record_kind == PERFTRACE_RECORD_BEGIN ? 1 : 0;
    return kind == site->record_kind ? perftrace_record_length(site, words, available) : 0;
}

static uint64_t straight_tick(const struct perftrace_stream *stream,
                              const struct perftrace_track_state *track) {
    uint64_t word = perftrace_head_words(track)[0];
    return perftrace_clock_straight(&stream->clock, track->base + perftrace_word_ticks(word));
}

/* Makes the track stand at a record, from track->at on; false when it has no more. */
static bool find_head(struct perftrace_stream *stream, struct perftrace_track_state *track) {
    while (track->chunk != NULL) {
        const struct perftrace_waiting *chunk = track->chunk;
        if (track->at == chunk->word_count) {
            drop_chunk(stream, track);
            continue;
        }
        const uint64_t *words = chunk->words + track->at;
        size_t available = chunk->word_count - track->at;
        uint32_t kind = perftrace_word_kind(words[0]);
        if (kind == PERFTRACE_RECORD_REBASE && available >= 2) {
            track->base = words[1];
            track->at += 2;
            continue;
        }
        if (kind == PERFTRACE_RECORD_EXTENDED && available > perftrace_word_site(words[0])) {
            track->at += 1 + perftrace_word_site(words[0]);
            continue;
        }
        track->words = (uint32_t)measure(stream, track, words, available);
        if (track->words == 0) {
            drop_damaged(stream, track);
            continue;
        }
        track->tick = straight_tick(stream, track);
        return true;
    }
    return false;
}

/* ---- what the others call ------------------------------------------------------------------------- */

bool perftrace_merge_add(struct perftrace_stream *stream, struct perftrace_track_state *track,
                         uint64_t base_tick, const void *words, size_t word_count, uint64_t offset) {
    settle(&stream->merge);
    size_t bytes = sizeof(struct perftrace_waiting) + word_count * sizeof(uint64_t);
    struct perftrace_waiting *chunk = malloc(bytes);
    if (chunk == NULL)
        return false;
    chunk->next = NULL;
    chunk->after_gap = track->gap;
    track->gap = false;
    chunk->base_tick = base_tick;
    chunk->offset = offset;
    chunk->word_count = word_count;
    memcpy(chunk->words, words, word_count * sizeof(uint64_t));
    stream->merge.waiting_bytes += bytes;
    if (track->chunk != NULL) {
        track->last_chunk->next = chunk;
        track->last_chunk = chunk;
        return true;
    }
    track->chunk = track->last_chunk = chunk;
    become_first(stream, track);
    return !find_head(stream, track) || heap_add(&stream->merge, track);
}

void perftrace_merge_let(struct perftrace_merge *merge, uint64_t last) {
    settle(merge);
    merge->open = true;
    merge->last = last;
}

void perftrace_merge_shut(struct perftrace_merge *merge) {
    settle(merge);
    merge->open = false;
}

struct perftrace_track_state *perftrace_merge_choose(struct perftrace_stream *stream) {
    struct perftrace_merge *merge = &stream->merge;
    settle(merge);
    if (!merge->open || merge->count == 0 || merge->heap[0]->tick > merge->last)
        return NULL;
    merge->run = merge->heap[0];
    merge->run_last = merge->last;
    for (size_t child = 1; child <= 2 && child < merge->count; child++) {
        const struct perftrace_track_state *other = merge->heap[child];
        /* The run's own first record comes before the other's, so the subtraction can't go below zero. */
        uint64_t last = merge->run->info.id < other->info.id ? other->tick : other->tick - 1;
        if (last < merge->run_last)
            merge->run_last = last;
    }
    return merge->run;
}

void perftrace_merge_straighten(struct perftrace_stream *stream) {
    struct perftrace_merge *merge = &stream->merge;
    settle(merge);
    for (size_t i = 0; i < merge->count; i++)
        merge->heap[i]->tick = straight_tick(stream, merge->heap[i]);
    for (size_t i = merge->count / 2; i-- > 0;)
        sift_down(merge, i);
}

void perftrace_merge_look(struct perftrace_stream *stream) {
    if (!find_head(stream, stream->merge.run))
        settle(&stream->merge);
}

void perftrace_merge_step(struct perftrace_stream *stream) {
    stream->merge.run->at += stream->merge.run->words;
    perftrace_merge_look(stream);
}

void perftrace_merge_free(struct perftrace_stream *stream) {
    for (size_t i = 0; i < stream->tables.track_count; i++)
        while (stream->tables.tracks[i]->chunk != NULL)
            drop_chunk(stream, stream->tables.tracks[i]);
    free(stream->merge.heap);
}
