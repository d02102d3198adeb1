/* Records -> items. */
#include "stream_state.h"

struct perftrace_item *perftrace_item_start(struct perftrace_stream *stream, enum perftrace_item_kind kind,
                                            uint64_t time_ns, const struct perftrace_site_entry *site,
                                            const struct perftrace_track_state *track) {
    struct perftrace_item *item = &stream->item;
    item->kind = kind;
    item->time_ns = time_ns;
    item->site = site == NULL ? NULL : &site->info;
    item->track = &track->info;
    item->call = NULL;
    item->id = item->bytes = 0;
    item->value_count = 0;
    item->values = stream->values.values;
    return item;
}

void perftrace_call_take_kept(struct perftrace_stream *stream, const struct perftrace_site_entry *site,
                              struct perftrace_kept *kept) {
    struct perftrace_call *call = &stream->call;
    stream->release = kept;
    if (kept == NULL)
        return;
    if (!perftrace_values_start(&stream->values, kept->used)) {
        stream->no_memory = true;
        return;
    }
    if (kept->parameter_words > 0) {
        call->parameters = perftrace_values_add(&stream->values, site, kept->words);
        call->parameter_count = site->info.argument_count;
    }
    if (kept->metric_sites > 0)
        call->metrics = perftrace_values_add_metrics(&stream->values, kept, &call->metric_count);
}

/* The record is done with: `ns` is when it was. */
static void consume(struct perftrace_stream *stream, struct perftrace_track_state *track, uint64_t ns) {
    track->last_ns = ns;
    stream->advance = true;
    stream->info.records++;
    stream->any_handed_out = true;
}

static const struct perftrace_item *begin(struct perftrace_stream *stream,
                                          struct perftrace_track_state *track, uint64_t ns) {
    uint32_t depth = perftrace_word_depth(perftrace_head_words(track)[0]);
    if (track->open_count > 0) {
        uint32_t top = track->open[track->open_count - 1].depth;
        depth = perftrace_nearest_depth(top + 1, depth);
        if (top >= depth)
            return perftrace_span_pop(stream, track, track->last_ns, true);
    }
    consume(stream, track, ns);
    if (perftrace_span_push(stream, track, depth, ns))
        return perftrace_is_wanted(stream, PERFTRACE_ITEM_SPAN_BEGIN) ? perftrace_span_begun(stream, track)
                                                                      : NULL;
    stream->said[PERFTRACE_SAID_TOO_DEEP]++;
    return NULL;
}

static const struct perftrace_item *end(struct perftrace_stream *stream, struct perftrace_track_state *track,
                                        uint64_t ns) {
    size_t found = SIZE_MAX;
    if (track->open_count > 0) {
        uint32_t low_bits = perftrace_word_depth(perftrace_head_words(track)[0]);
        found = perftrace_span_find(
            track, perftrace_nearest_depth(track->open[track->open_count - 1].depth, low_bits));
    }
    if (found == SIZE_MAX || track->open[found].site != track->site) {
        consume(stream, track, ns);
        stream->said[PERFTRACE_SAID_NO_BEGIN]++;
        return NULL;
    }
    if (found + 1 < track->open_count)
        return perftrace_span_pop(stream, track, track->last_ns, true);
    consume(stream, track, ns);
    return perftrace_span_pop(stream, track, ns, false);
}

static void metric(struct perftrace_stream *stream, struct perftrace_track_state *track) {
    const uint64_t *words = perftrace_head_words(track);
    if (track->open_count == 0 || track->words == 1)
        return;
    uint32_t expected = track->open[track->open_count - 1].depth;
    size_t found =
        perftrace_span_find(track, perftrace_nearest_depth(expected, perftrace_word_depth(words[0])));
    if (found != SIZE_MAX)
        perftrace_span_add_metric(stream, track, &track->open[found]);
}

/* EVENT, COUNTER, FRAME, FLOW and MEMORY: what they say is all in the record. */
static const struct perftrace_item *instant(struct perftrace_stream *stream,
                                            struct perftrace_track_state *track, uint64_t ns,
                                            enum perftrace_item_kind kind) {
    if (!perftrace_is_wanted(stream, kind))
        return NULL;
    const uint64_t *words = perftrace_head_words(track);
    unsigned fixed = perftrace_record_fixed_words(track->site->record_kind);
    struct perftrace_item *item = perftrace_item_start(stream, kind, ns, track->site, track);
    if (fixed > 0)
        item->id = words[1];
    if (fixed > 1)
        item->bytes = words[2];
    if (track->site->info.argument_count == 0)
        return item;
    if (!perftrace_values_start(&stream->values, track->words)) {
        stream->no_memory = true;
        return NULL;
    }
    item->values = perftrace_values_add(&stream->values, track->site, words + 1 + fixed);
    item->value_count = track->site->info.argument_count;
    return item;
}

static enum perftrace_item_kind flow_kind(uint8_t phase) {
    return phase == PERFTRACE_PHASE_BEGIN  ? PERFTRACE_ITEM_FLOW_BEGIN
           : phase == PERFTRACE_PHASE_STEP ? PERFTRACE_ITEM_FLOW_STEP
                                           : PERFTRACE_ITEM_FLOW_END;
}

const struct perftrace_item *perftrace_deliver(struct perftrace_stream *stream,
                                               struct perftrace_track_state *track) {
    if (track->chunk->after_gap && track->open_count > 0) /* an END to come may be another span's */
        return perftrace_span_pop(stream, track, track->last_ns, true);
    track->chunk->after_gap = false;
    const uint64_t *words = perftrace_head_words(track);
    uint32_t kind = perftrace_word_kind(words[0]);
    uint64_t ns = perftrace_clock_ns(&stream->clock, track->tick);
    bool adjusted = ns < track->last_ns;
    if (adjusted)
        ns = track->last_ns;
    if (kind == PERFTRACE_RECORD_BEGIN || kind == PERFTRACE_RECORD_END) {
        const struct perftrace_item *item =
            kind == PERFTRACE_RECORD_BEGIN ? begin(stream, track, ns) : end(stream, track, ns);
        stream->info.clock_adjusted += adjusted && stream->advance;
        return item;
    }
    if (kind == PERFTRACE_RECORD_ASYNC_BEGIN) {
        const struct perftrace_item *item = perftrace_async_supersede(stream, track, words[1]);
        if (item != NULL)
            return item;
    }
    consume(stream, track, ns);
    stream->info.clock_adjusted += adjusted;
    switch (kind) {
    case PERFTRACE_RECORD_EVENT:
        return instant(stream, track, ns, PERFTRACE_ITEM_EVENT);
    case PERFTRACE_RECORD_COUNTER:
        return instant(stream, track, ns, PERFTRACE_ITEM_COUNTER);
    case PERFTRACE_RECORD_FRAME:
        return instant(stream, track, ns, PERFTRACE_ITEM_FRAME);
    case PERFTRACE_RECORD_METRIC:
        metric(stream, track);
        return NULL;
    case PERFTRACE_RECORD_ASYNC_BEGIN:
        return perftrace_async_begin(stream, track, ns, words[1], words + 2, track->words - 2);
    case PERFTRACE_RECORD_ASYNC_END:
        return perftrace_async_end(stream, track, ns, words[1], words + 2, track->words - 2);
    case PERFTRACE_RECORD_FLOW:
        return instant(stream, track, ns, flow_kind(track->site->info.phase));
    case PERFTRACE_RECORD_MEMORY:
        return instant(stream, track, ns,
                       track->site->info.phase == PERFTRACE_PHASE_BEGIN ? PERFTRACE_ITEM_ALLOCATE
                                                                        : PERFTRACE_ITEM_FREE);
    default: /* TRACK_SPAN, TRACK_EVENT, TRACK_COUNTER: find_head lets nothing else through */
        perftrace_placed_add(stream, track);
        return NULL;
    }
}
