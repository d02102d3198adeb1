/* Pairs begin and end: the stack of open spans of each track. */
#include "stream_state.h"

#include <stdlib.h>

uint32_t perftrace_nearest_depth(uint32_t expected, uint32_t low_bits) {
    int64_t depth = (int64_t)expected + (int8_t)(uint8_t)(low_bits - expected);
    return (uint32_t)(depth < 0 ? depth + 256 : depth);
}

/* Gives up the stacks of tracks where nothing is open. Not before as many records have passed as there are tracks: then it costs
 * nothing that grows with their number. */
static bool give_up_empty(struct perftrace_stream *stream) {
    if (stream->info.records - stream->swept < stream->tables.track_count)
        return false;
    stream->swept = stream->info.records;
    for (size_t i = 0; i < stream->tables.track_count; i++) {
        struct perftrace_track_state *track = stream->tables.tracks[i];
        if (track->open_count > 0)
            continue;
        perftrace_budget_give(&stream->budget, track->open_capacity * sizeof *track->open);
        free(track->open);
        track->open = NULL;
        track->open_capacity = 0;
    }
    return true;
}

/* False where there is no room for another open span. */
static bool make_room(struct perftrace_stream *stream, struct perftrace_track_state *track) {
    if (track->open_count < track->open_capacity)
        return true;
    uint32_t capacity = track->open_capacity == 0 ? 2 : track->open_capacity * 2;
    size_t more = (capacity - track->open_capacity) * sizeof *track->open;
    if (!perftrace_budget_take(&stream->budget, more) &&
        !(give_up_empty(stream) && perftrace_budget_take(&stream->budget, more)))
        return false;
    struct perftrace_open_span *bigger = realloc(track->open, capacity * sizeof *bigger);
    if (bigger == NULL) {
        perftrace_budget_give(&stream->budget, more);
        stream->no_memory = true;
        return false;
    }
    track->open = bigger;
    track->open_capacity = capacity;
    return true;
}

/* Fills stream->call from an open span; the values are the caller's affair. */
static void describe(struct perftrace_stream *stream, const struct perftrace_track_state *track,
                     size_t index) {
    const struct perftrace_open_span *span = &track->open[index];
    struct perftrace_call *call = &stream->call;
    call->number = span->number;
    call->site = &span->site->info;
    call->track = &track->info;
    call->start_ns = span->start_ns;
    call->elapsed_ns = 0;
    call->children_ns = span->children_ns;
    call->depth = (uint32_t)index;
    call->unfinished = call->at_end = call->async = false;
    call->parameter_count = call->metric_count = 0;
    if (call->depth == 0) {
        call->parent_number = 0;
        call->parent_site = NULL;
        call->caller = (struct perftrace_text){"unknown", 7};
        return;
    }
    call->parent_number = span[-1].number;
    call->parent_site = &span[-1].site->info;
    call->caller = call->parent_site->name;
}

struct perftrace_open_span *perftrace_span_push(struct perftrace_stream *stream,
                                                struct perftrace_track_state *track,
                                                const struct perftrace_site_entry *site, uint32_t depth,
                                                uint64_t start_ns) {
    if (stream->open_spans == PERFTRACE_OPEN_SPANS_MAX || !make_room(stream, track))
        return NULL;
    struct perftrace_open_span *span = &track->open[track->open_count++];
    *span = (struct perftrace_open_span){
        .site = site, .number = ++stream->calls, .start_ns = start_ns, .depth = depth};
    stream->open_spans++;
    describe(stream, track, track->open_count - 1);
    return span;
}

const struct perftrace_item *perftrace_span_pop(struct perftrace_stream *stream,
                                                struct perftrace_track_state *track, uint64_t end_ns,
                                                bool unfinished) {
    describe(stream, track, track->open_count - 1);
    struct perftrace_open_span *span = &track->open[--track->open_count];
    stream->open_spans--;
    struct perftrace_call *call = &stream->call;
    call->elapsed_ns = end_ns - span->start_ns;
    call->unfinished = unfinished;
    if (track->open_count > 0)
        span[-1].children_ns += call->elapsed_ns;
    struct perftrace_item *item =
        perftrace_item_start(stream, PERFTRACE_ITEM_SPAN_END, end_ns, span->site, track);
    item->call = call;
    perftrace_call_take_kept(stream, span->site, span->kept);
    return item;
}

size_t perftrace_span_find(const struct perftrace_track_state *track, uint32_t depth) {
    size_t at = track->open_count;
    /* Depths rise towards the top, and `depth` is within 128 of the top's: this is short. */
    while (at > 0 && track->open[at - 1].depth > depth)
        at--;
    return at > 0 && track->open[at - 1].depth == depth ? at - 1 : SIZE_MAX;
}

static void find_open_tracks(const struct perftrace_stream *stream, struct perftrace_open_walk *walk) {
    walk->started = true;
    for (size_t i = 0; i < stream->tables.track_count && walk->count < PERFTRACE_OPEN_WALK_TRACKS; i++)
        if (stream->tables.tracks[i]->open_count > 0)
            walk->tracks[walk->count++] = stream->tables.tracks[i];
}

const struct perftrace_item *perftrace_stream_open_span(struct perftrace_stream *stream,
                                                        struct perftrace_open_walk *walk) {
    if (!walk->started)
        find_open_tracks(stream, walk);
    for (;;) {
        if (walk->at == walk->count) {
            if (!walk->any)
                return NULL;
            walk->any = false;
            walk->at = 0;
            walk->depth++;
        }
        const struct perftrace_track_state *track = walk->tracks[walk->at++];
        if (track->open_count <= walk->depth)
            continue;
        walk->any = true;
        const struct perftrace_open_span *span = &track->open[walk->depth];
        describe(stream, track, walk->depth);
        struct perftrace_item *item =
            perftrace_item_start(stream, PERFTRACE_ITEM_SPAN_END, track->last_ns, span->site, track);
        item->call = &stream->call;
        stream->call.elapsed_ns = track->last_ns - span->start_ns;
        stream->call.unfinished = stream->call.at_end = true;
        perftrace_call_take_kept(stream, span->site, span->kept);
        stream->release = NULL; /* it is still needed */
        return item;
    }
}
