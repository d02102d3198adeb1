/* Straight over the records of a track that are as usual: spans that begin and end one within the other at times that rise,
 * and what METRIC records tell of the innermost. That is nearly all of nearly every trace, and so every instruction counts here.
 * The first record that is not so ends a run: deliver.c, which knows all cases, has it next. What it does of the usual ones,
 * and what is done here, is the same. */
#include "hash.h"
#include "stream_state.h"

/* Opens the span of a BEGIN, which has so many words. False: it isn't as usual. */
static inline bool open_span(struct perftrace_stream *stream, struct perftrace_track_state *track,
                             uint32_t word, size_t at, size_t words, const struct perftrace_site_entry *site,
                             uint64_t ns) {
    uint32_t depth = perftrace_word_depth(word), count = track->open_count;
    if (count == track->open_capacity || stream->open_spans == PERFTRACE_OPEN_SPANS_MAX)
        return false;
    struct perftrace_open_span *span = &track->open[count];
    if (count > 0) {
        uint32_t expected = span[-1].depth + 1;
        if (depth != (expected & PERFTRACE_DEPTH_MASK))
            return false;
        depth = expected;
    }
    track->open_count = count + 1;
    stream->open_spans++;
    *span = (struct perftrace_open_span){
        .site = site,
        .number = ++stream->calls,
        .start_ns = ns,
        .depth = depth,
        .end_word = perftrace_end_of_begin(word),
        .parameters_at = (uint16_t)(at + 1),
        .parameter_words = (uint16_t)(words - 1),
    };
    return true;
}

/* The words of the BEGIN or METRIC at `at`, after it has been dealt with; 0: it isn't as usual. */
static inline size_t step_over(struct perftrace_stream *stream, struct perftrace_track_state *track,
                               const struct perftrace_waiting *chunk, size_t at, uint64_t ns) {
    uint32_t word = (uint32_t)chunk->words[at], kind = perftrace_word_kind(word);
    const struct perftrace_site_entry *site =
        perftrace_tables_site(&stream->tables, perftrace_word_site(word));
    if (site == NULL || site->record_kind != kind)
        return 0;
    size_t length = perftrace_record_length(site, chunk->words + at, chunk->word_count - at);
    if (length == 0)
        return 0;
    if (kind == PERFTRACE_RECORD_BEGIN)
        return open_span(stream, track, word, at, length, site, ns) ? length : 0;
    if (kind != PERFTRACE_RECORD_METRIC || track->open_count == 0 || length == 1)
        return 0;
    struct perftrace_open_span *top = &track->open[track->open_count - 1];
    if (top->metric_at != 0 || top->kept != NULL || top->number <= chunk->calls_before ||
        perftrace_word_depth(word) != (top->depth & PERFTRACE_DEPTH_MASK))
        return 0;
    top->metric_at = (uint16_t)at;
    return length;
}

/* ---- into a batch --------------------------------------------------------------------------------- */

/* Two sums of the site, the caller's and the words of the parameters, each by products whose factors depend on secrets: 128 bits
 * that are equal for others with no chance worth mentioning, whatever the words are. */
static inline void make_key(const uint64_t secrets[4], uint64_t sites, const uint64_t *words, size_t count,
                            uint64_t key[2]) {
    uint64_t a = secrets[0] ^ sites, b = secrets[1] ^ sites;
    for (; count > 1; count -= 2, words += 2) {
        a = perftrace_hash_mix(words[0] ^ a, words[1] ^ secrets[2]);
        b = perftrace_hash_mix(words[0] ^ b, words[1] ^ secrets[3]);
    }
    if (count > 0) {
        b = perftrace_hash_mix(words[0] ^ b, secrets[3]);
        a ^= words[0];
    }
    key[0] = perftrace_hash_mix(a, secrets[2]);
    key[1] = b;
}

/* What was recorded of the span, for the call that it now is. */
static inline void add_recorded(struct perftrace_batch *batch, const struct perftrace_waiting *chunk,
                                const struct perftrace_open_span *span, uint64_t sites,
                                struct perftrace_call *call) {
    const uint64_t *parameters = chunk->words + span->parameters_at;
    size_t words = span->parameter_words;
    if (span->kept != NULL) {
        parameters = span->kept->words;
        words = span->kept->parameter_words;
        span->kept->next = batch->kept;
        batch->kept = span->kept;
    }
    make_key(batch->secrets, sites, parameters, words, call->key);
    batch->recorded[batch->count] = (struct perftrace_recorded){
        .site = span->site,
        .parameters = parameters,
        .parameter_words = words,
        .metric = span->metric_at != 0 ? chunk->words + span->metric_at : NULL,
        .kept = span->kept,
    };
    call->place = batch->count + 1;
    call->brief = true;
}

/* Ends the innermost open span as the batch's next call: it is not full, and the track stands in the span's chunk or another. */
static inline void end_in_batch(struct perftrace_batch *batch, struct perftrace_track_state *track,
                                const struct perftrace_waiting *chunk, uint64_t end_ns) {
    static const struct perftrace_text unknown = {"unknown", 7};
    uint32_t depth = --track->open_count;
    struct perftrace_open_span *span = &track->open[depth];
    struct perftrace_call *call = &batch->calls[batch->count];
    const struct perftrace_site_info *site = &span->site->info;
    uint64_t sites = (uint64_t)site->id << 32, elapsed_ns = end_ns - span->start_ns;
    call->number = span->number;
    call->site = site;
    call->track = &track->info;
    call->start_ns = span->start_ns;
    call->elapsed_ns = elapsed_ns;
    call->children_ns = span->children_ns;
    call->depth = depth;
    call->unfinished = call->at_end = call->milliseconds = call->async = call->brief = false;
    call->parameter_count = call->metric_count = 0;
    if (depth == 0) {
        call->parent_number = 0;
        call->parent_site = NULL;
        call->caller = unknown;
    } else {
        const struct perftrace_site_info *parent = &span[-1].site->info;
        sites |= parent->id;
        span[-1].children_ns += elapsed_ns;
        call->parent_number = span[-1].number;
        call->parent_site = parent;
        call->caller = parent->name;
    }
    if (span->parameter_words != 0 || span->metric_at != 0 || span->kept != NULL)
        add_recorded(batch, chunk, span, sites, call);
    else
        make_key(batch->secrets, sites, NULL, 0, call->key);
    batch->full |= ++batch->count == PERFTRACE_BATCH_CALLS;
}

/* ---- a run ---------------------------------------------------------------------------------------- */

bool perftrace_run(struct perftrace_stream *stream, const struct perftrace_item **item) {
    struct perftrace_track_state *track = stream->merge.run;
    struct perftrace_batch *batch = stream->batch;
    const struct perftrace_waiting *chunk = track->chunk;
    const struct perftrace_clock_quick quick = perftrace_clock_quick(&stream->clock);
    const uint64_t base = track->base, last_tick = stream->merge.run_last;
    const size_t first = track->at, count = chunk->after_gap ? 0 : chunk->word_count;
    const bool begins = perftrace_is_wanted(stream, PERFTRACE_ITEM_SPAN_BEGIN);
    uint64_t last_ns = track->last_ns, records = 0;
    size_t at = first;
    *item = NULL;
    while (at < count) {
        uint64_t word = chunk->words[at], tick = base + perftrace_word_ticks(word), ns;
        if (quick.jumps)
            tick = perftrace_clock_straight(&stream->clock, tick);
        if (tick > last_tick || !perftrace_clock_quick_ns(&quick, tick, &ns) || ns < last_ns)
            break;
        bool ends = track->open_count > 0 && (uint32_t)word == track->open[track->open_count - 1].end_word;
        size_t length = ends ? 1 : step_over(stream, track, chunk, at, ns);
        if (length == 0)
            break;
        last_ns = ns;
        records++;
        at += length;
        if (ends && batch != NULL) {
            stream->open_spans--;
            end_in_batch(batch, track, chunk, ns);
            if (batch->full)
                break;
        } else if (ends) {
            *item = perftrace_span_pop(stream, track, ns, false);
            break;
        } else if (begins && perftrace_word_kind(word) == PERFTRACE_RECORD_BEGIN) {
            *item = perftrace_span_begun(stream, track);
            break;
        }
    }
    if (at == first)
        return false;
    track->last_ns = last_ns;
    stream->info.records += records;
    track->at = (uint32_t)at;
    stream->any_handed_out = true;
    stream->running = true;
    return true;
}
