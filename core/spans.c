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

bool perftrace_span_push(struct perftrace_stream *stream, struct perftrace_track_state *track, uint32_t depth,
                         uint64_t start_ns) {
    if (stream->open_spans == PERFTRACE_OPEN_SPANS_MAX || !make_room(stream, track))
        return false;
    track->open[track->open_count++] = (struct perftrace_open_span){
        .site = track->site,
        .number = ++stream->calls,
        .start_ns = start_ns,
        .depth = depth,
        .end_word = perftrace_end_of_begin((uint32_t)perftrace_head_words(track)[0]),
        .parameters_at = (uint16_t)(track->at + 1),
        .parameter_words = (uint16_t)(track->words - 1),
    };
    stream->open_spans++;
    return true;
}

/* ---- what was recorded of open spans ---------------------------------------------------------------- */

/* Whether the span began in the track's first chunk, where what was recorded of it lies if it isn't kept. */
static bool is_here(const struct perftrace_track_state *track, const struct perftrace_open_span *span) {
    return track->chunk != NULL && span->number > track->chunk->calls_before && span->kept == NULL;
}

static const struct perftrace_site_entry *site_at(const struct perftrace_stream *stream,
                                                  const struct perftrace_waiting *chunk, size_t at) {
    return perftrace_tables_site(&stream->tables, perftrace_word_site(chunk->words[at]));
}

static size_t words_at(const struct perftrace_site_entry *site, const struct perftrace_waiting *chunk,
                       size_t at) {
    return perftrace_record_length(site, chunk->words + at, chunk->word_count - at);
}

/* Keeps what lies in the chunk. */
static void keep(struct perftrace_stream *stream, const struct perftrace_track_state *track,
                 struct perftrace_open_span *span) {
    const struct perftrace_waiting *chunk = track->chunk;
    span->kept = perftrace_keep(&stream->keeper, chunk->words + span->parameters_at, span->parameter_words);
    if (span->metric_at != 0) {
        const struct perftrace_site_entry *site = site_at(stream, chunk, span->metric_at);
        perftrace_keep_metric(&stream->keeper, &span->kept, site, chunk->words + span->metric_at + 1,
                              words_at(site, chunk, span->metric_at) - 1);
    }
    span->parameter_words = span->metric_at = 0;
}

void perftrace_spans_keep(struct perftrace_stream *stream, const struct perftrace_track_state *track) {
    for (size_t i = track->open_count; i > 0 && track->open[i - 1].number > track->chunk->calls_before; i--)
        if (is_here(track, &track->open[i - 1]))
            keep(stream, track, &track->open[i - 1]);
}

void perftrace_span_add_metric(struct perftrace_stream *stream, const struct perftrace_track_state *track,
                               struct perftrace_open_span *span) {
    if (is_here(track, span)) {
        if (span->metric_at == 0) {
            span->metric_at = (uint16_t)track->at;
            return;
        }
        keep(stream, track, span);
    }
    perftrace_keep_metric(&stream->keeper, &span->kept, track->site, perftrace_head_words(track) + 1,
                          track->words - 1);
}

/* Sets stream->call's values; what is kept is not released. */
static void take_values(struct perftrace_stream *stream, const struct perftrace_track_state *track,
                        const struct perftrace_open_span *span) {
    struct perftrace_call *call = &stream->call;
    const struct perftrace_waiting *chunk = track->chunk;
    if (span->kept != NULL) {
        perftrace_call_take_kept(stream, span->site, span->kept);
        stream->release = NULL;
        return;
    }
    if (span->parameter_words == 0 && span->metric_at == 0)
        return;
    const struct perftrace_site_entry *metric_site =
        span->metric_at != 0 ? site_at(stream, chunk, span->metric_at) : NULL;
    size_t metric_words = metric_site != NULL ? words_at(metric_site, chunk, span->metric_at) : 0;
    if (!perftrace_values_start(&stream->values, span->parameter_words + metric_words)) {
        stream->no_memory = true;
        return;
    }
    if (span->parameter_words > 0) {
        call->parameters =
            perftrace_values_add(&stream->values, span->site, chunk->words + span->parameters_at);
        call->parameter_count = span->site->info.argument_count;
    }
    if (metric_site != NULL) {
        call->metrics =
            perftrace_values_add(&stream->values, metric_site, chunk->words + span->metric_at + 1);
        call->metric_count = metric_site->info.argument_count;
    }
}

/* ---- items ------------------------------------------------------------------------------------------ */

const struct perftrace_item *perftrace_span_begun(struct perftrace_stream *stream,
                                                  const struct perftrace_track_state *track) {
    const struct perftrace_open_span *span = &track->open[track->open_count - 1];
    describe(stream, track, track->open_count - 1);
    struct perftrace_item *item =
        perftrace_item_start(stream, PERFTRACE_ITEM_SPAN_BEGIN, span->start_ns, span->site, track);
    item->call = &stream->call;
    if ((stream->options.unwanted & PERFTRACE_ITEM_BEGIN_PARAMETERS) == 0)
        take_values(stream, track, span);
    return item;
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
    take_values(stream, track, span);
    stream->release = span->kept;
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
        take_values(stream, track, span);
        return item;
    }
}
