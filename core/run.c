/* Straight over the records of a track that are as usual: spans that begin and end one within the other at times that rise,
 * and what METRIC records tell of the innermost. That is nearly all of nearly every trace, and so every instruction counts here.
 * The first record that is not so ends a run: deliver.c, which knows all cases, has it next. What it does of the usual ones,
 * and what is done here, is the same. */
#include "stream_state.h"

/* Opens the span of a BEGIN, which has so many words. False: it isn't as usual. */
static bool open_span(struct perftrace_stream *stream, struct perftrace_track_state *track, size_t at,
                      size_t words, const struct perftrace_site_entry *site, uint64_t ns) {
    uint32_t word = (uint32_t)track->chunk->words[at], depth = perftrace_word_depth(word);
    if (track->open_count == track->open_capacity || stream->open_spans == PERFTRACE_OPEN_SPANS_MAX)
        return false;
    struct perftrace_open_span *span = &track->open[track->open_count];
    if (track->open_count > 0) {
        uint32_t expected = span[-1].depth + 1;
        if (depth != (expected & PERFTRACE_DEPTH_MASK))
            return false;
        depth = expected;
    }
    track->open_count++;
    stream->open_spans++;
    span->site = site;
    span->number = ++stream->calls;
    span->start_ns = ns;
    span->children_ns = 0;
    span->kept = NULL;
    span->depth = depth;
    span->end_word = perftrace_end_of_begin(word);
    span->parameters_at = (uint16_t)(at + 1);
    span->parameter_words = (uint16_t)(words - 1);
    span->metric_at = 0;
    return true;
}

/* The words of the BEGIN or METRIC at `at`, after it has been dealt with; 0: it isn't as usual. */
static size_t step_over(struct perftrace_stream *stream, struct perftrace_track_state *track, size_t at,
                        uint64_t ns) {
    const uint64_t *words = track->chunk->words + at;
    uint32_t kind = perftrace_word_kind(words[0]);
    const struct perftrace_site_entry *site =
        perftrace_tables_site(&stream->tables, perftrace_word_site(words[0]));
    if (site == NULL || site->record_kind != kind)
        return 0;
    size_t length = perftrace_record_length(site, words, track->chunk->word_count - at);
    if (length == 0)
        return 0;
    if (kind == PERFTRACE_RECORD_BEGIN)
        return open_span(stream, track, at, length, site, ns) ? length : 0;
    if (kind != PERFTRACE_RECORD_METRIC || track->open_count == 0 || length == 1)
        return 0;
    struct perftrace_open_span *top = &track->open[track->open_count - 1];
    if (top->metric_at != 0 || top->kept != NULL || top->number <= track->chunk->calls_before ||
        perftrace_word_depth(words[0]) != (top->depth & PERFTRACE_DEPTH_MASK))
        return 0;
    top->metric_at = (uint16_t)at;
    return length;
}

bool perftrace_run(struct perftrace_stream *stream, const struct perftrace_item **item) {
    struct perftrace_track_state *track = stream->merge.run;
    const struct perftrace_waiting *chunk = track->chunk;
    size_t at = track->at, first = at;
    const bool begins = perftrace_is_wanted(stream, PERFTRACE_ITEM_SPAN_BEGIN);
    *item = NULL;
    while (at < chunk->word_count && !chunk->after_gap) {
        uint64_t word = chunk->words[at], ns;
        uint64_t tick = perftrace_clock_straight(&stream->clock, track->base + perftrace_word_ticks(word));
        if (tick > stream->merge.run_last || !perftrace_clock_quick(&stream->clock, tick, &ns) ||
            ns < track->last_ns)
            break;
        if (track->open_count > 0 && (uint32_t)word == track->open[track->open_count - 1].end_word) {
            track->last_ns = ns;
            stream->info.records++;
            at++;
            if (stream->batch == NULL) {
                *item = perftrace_span_pop(stream, track, ns, false);
                break;
            }
            perftrace_batch_add(stream, track, ns);
            if (stream->batch->full)
                break;
            continue;
        }
        size_t length = step_over(stream, track, at, ns);
        if (length == 0)
            break;
        track->last_ns = ns;
        stream->info.records++;
        at += length;
        if (begins && perftrace_word_kind(word) == PERFTRACE_RECORD_BEGIN) {
            *item = perftrace_span_begun(stream, track);
            break;
        }
    }
    if (at == first)
        return false;
    track->at = (uint32_t)at;
    stream->any_handed_out = true;
    stream->running = true;
    return true;
}
