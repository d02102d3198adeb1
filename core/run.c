/* Straight over the records of a track that are as usual: spans that begin and end one within the other at times that rise,
 * and what METRIC records tell of the innermost. That is nearly all of nearly every trace, and so every instruction counts here.
 * The first record that is not so ends a run: deliver.c, which knows all cases, has it next. What it does of the usual ones,
 * and what is done here, is the same. */
#include "hash.h"
#include "stream_state.h"

#define RUN_INLINE static inline __attribute__((always_inline)) /* what a run knows stays in registers */

struct run {
    struct perftrace_stream *stream;
    struct perftrace_track_state *track;
    const uint64_t *word, *end;      /* it stands at that, of the track's first chunk */
    struct perftrace_open_span *top; /* the innermost open span, or NULL */
    struct perftrace_call *call;     /* the next of the batch, if there is one */
    struct perftrace_clock_quick clock;
    bool other_clock; /* which is not a quick one */
    uint64_t last_ns;
};

/* Where ticks are nanoseconds, or the tick counter has jumped. */
static bool time_by_other_clock(const struct perftrace_stream *stream, uint32_t ticks, uint64_t *ns) {
    const struct perftrace_clock *clock = &stream->clock;
    uint64_t tick = perftrace_clock_straight(clock, stream->merge.run->base + ticks);
    uint64_t passed = tick - clock->piece.ticks;
    if (tick > stream->merge.run_last || (!clock->identity && passed >= clock->quick_span))
        return false;
    *ns = clock->identity
              ? tick
              : clock->piece.ns + (uint64_t)(int64_t)((double)(int64_t)passed * clock->piece_slope);
    return true;
}

/* The time of a record by its first word. False: it isn't the run's turn, time goes back, or it takes more to tell it. */
RUN_INLINE bool time_of(const struct run *run, uint64_t word, uint64_t least_ns, uint64_t *ns) {
    uint32_t ticks = perftrace_word_ticks(word);
    return (run->other_clock ? time_by_other_clock(run->stream, ticks, ns)
                             : perftrace_clock_quick_ns(&run->clock, ticks, ns)) &&
           *ns >= least_ns;
}

/* The site and the length of the record that a BEGIN or a METRIC may be; NULL: it is none. */
RUN_INLINE const struct perftrace_site_entry *site_at(const struct run *run, const uint64_t *record,
                                                      size_t *length) {
    const struct perftrace_site_entry *site =
        perftrace_tables_site(&run->stream->tables, perftrace_word_site(record[0]));
    if (site == NULL || site->record_kind != perftrace_word_kind(record[0]))
        return NULL;
    *length = perftrace_record_length(site, record, (size_t)(run->end - record));
    return *length != 0 ? site : NULL;
}

/* ---- open spans ----------------------------------------------------------------------------------- */

/* Whether a BEGIN may follow: it is one deeper than the innermost open span, and there may be more. */
RUN_INLINE bool may_begin(const struct run *run, uint32_t word) {
    return run->stream->open_spans != PERFTRACE_OPEN_SPANS_MAX &&
           (run->top == NULL || perftrace_word_depth(word) == ((run->top->depth + 1) & PERFTRACE_DEPTH_MASK));
}

/* Opens its span. False: there is no room. */
RUN_INLINE bool open_span(struct run *run, const struct perftrace_site_entry *site, size_t length,
                          uint64_t ns) {
    struct perftrace_track_state *track = run->track;
    uint32_t word = (uint32_t)run->word[0];
    if (track->open_count == track->open_capacity)
        return false;
    struct perftrace_open_span *span = run->top != NULL ? run->top + 1 : track->open;
    *span = (struct perftrace_open_span){
        .site = site,
        .number = ++run->stream->calls,
        .start_ns = ns,
        .depth = run->top != NULL ? run->top->depth + 1 : perftrace_word_depth(word),
        .end_word = perftrace_end_of_begin(word),
        .parameters_at = (uint16_t)(run->word + 1 - track->chunk->words),
        .parameter_words = (uint16_t)(length - 1),
    };
    run->top = span;
    track->open_count++;
    run->stream->open_spans++;
    return true;
}

/* Takes a METRIC. False: it isn't the first one of the innermost open span. */
RUN_INLINE bool take_metric(const struct run *run, size_t length) {
    struct perftrace_open_span *top = run->top;
    const struct perftrace_waiting *chunk = run->track->chunk;
    if (top == NULL || length == 1 || top->metric_at != 0 || top->kept != NULL ||
        top->number <= chunk->calls_before ||
        perftrace_word_depth(run->word[0]) != (top->depth & PERFTRACE_DEPTH_MASK))
        return false;
    top->metric_at = (uint16_t)(run->word - chunk->words);
    return true;
}

/* ---- into a batch --------------------------------------------------------------------------------- */

/* What was recorded of a span that has ended. */
struct arguments {
    const uint64_t *parameters; /* if there are any words of them */
    size_t parameter_words;
    const uint64_t *metric; /* a METRIC record, or NULL */
    const struct perftrace_site_entry *metric_site;
    struct perftrace_kept *kept; /* what the parameters lie in, and maybe more metrics; or NULL */
};

/* Two sums of the sites (the span's and its caller's) and the words of the parameters, each by products both of whose factors
 * depend on secrets: 128 bits that are equal for others with no chance worth mentioning, whatever the words are. The sites are a
 * word like the others: were they added to one, a difference between sites could make up for one between parameters. */
RUN_INLINE void make_key(const uint64_t secrets[4], uint64_t sites, const uint64_t *words, size_t count,
                         uint64_t key[2]) {
    uint64_t a = secrets[0] ^ sites, b = secrets[1] ^ sites;
    for (; count > 1; count -= 2, words += 2) {
        a = perftrace_hash_mix(a, words[0] ^ secrets[2]) ^ words[1];
        b = perftrace_hash_mix(b, words[0] ^ secrets[3]) ^ words[1];
    }
    if (count > 0) {
        a = perftrace_hash_mix(a, words[0] ^ secrets[2]);
        b = perftrace_hash_mix(b, words[0] ^ secrets[3]);
    } else {
        b = perftrace_hash_mix(b, secrets[3]);
    }
    key[0] = perftrace_hash_mix(a, secrets[2]);
    key[1] = b;
}

/* Metrics are numbers for the most part: those become values at once. False: they don't. */
RUN_INLINE bool add_metrics(struct perftrace_batch *batch, const struct arguments *arguments,
                            struct perftrace_call *call) {
    const struct perftrace_site_entry *site = arguments->metric_site;
    size_t count = site->info.argument_count;
    if (site->texts != 0 || count > PERFTRACE_BATCH_METRICS - batch->metric_count)
        return false;
    struct perftrace_value *value = &batch->metrics[batch->metric_count];
    batch->metric_count += count;
    call->metrics = value;
    call->metric_count = count;
    const struct perftrace_argument_info *argument = site->arguments;
    for (const uint64_t *word = arguments->metric + 1; count > 0; count--, argument++, value++, word++) {
        value->argument = argument;
        value->type = argument->type;
        value->cut = value->null = false;
        value->u = value->type == PERFTRACE_TYPE_BOOLEAN ? *word != 0 : *word;
    }
    return true;
}

/* What was recorded of the span, for the call that it now is. */
RUN_INLINE void add_arguments(struct perftrace_batch *batch, const struct perftrace_site_entry *site,
                              const struct arguments *arguments, struct perftrace_call *call) {
    bool metrics_known = arguments->metric == NULL || add_metrics(batch, arguments, call);
    if (arguments->kept != NULL) {
        arguments->kept->next = batch->kept;
        batch->kept = arguments->kept;
    } else if (metrics_known && arguments->parameter_words == 0) {
        return;
    }
    batch->recorded[batch->recorded_count++] = (struct perftrace_recorded){
        .site = site,
        .parameters = arguments->parameter_words != 0 ? arguments->parameters : NULL,
        .metric = metrics_known ? NULL : arguments->metric,
        .kept = arguments->kept,
    };
    call->place = batch->recorded_count;
    call->brief = true;
    call->key_tells_rest = metrics_known && arguments->kept == NULL;
}

/* A span has ended, which `top` is around: makes it the batch's next call. */
RUN_INLINE void add_call(struct run *run, const struct perftrace_site_entry *entry, uint64_t number,
                         uint64_t start_ns, uint64_t end_ns, uint64_t children_ns,
                         const struct arguments *arguments) {
    static const struct perftrace_text unknown = {"unknown", 7};
    struct perftrace_batch *batch = run->stream->batch;
    struct perftrace_call *call = run->call++;
    const struct perftrace_site_info *site = &entry->info;
    uint64_t sites = (uint64_t)site->id << 32, elapsed_ns = end_ns - start_ns;
    call->number = number;
    call->site = site;
    call->track = &run->track->info;
    call->start_ns = start_ns;
    call->elapsed_ns = elapsed_ns;
    call->children_ns = children_ns;
    call->depth = run->track->open_count;
    call->unfinished = call->at_end = call->milliseconds = call->async = call->brief = call->key_tells_rest =
        false;
    call->parameter_count = call->metric_count = 0;
    if (run->top == NULL) {
        call->parent_number = 0;
        call->parent_site = NULL;
        call->caller = unknown;
    } else {
        const struct perftrace_site_info *parent = &run->top->site->info;
        run->top->children_ns += elapsed_ns;
        sites |= parent->id;
        call->parent_number = run->top->number;
        call->parent_site = parent;
        call->caller = parent->name;
    }
    make_key(batch->secrets, sites, arguments->parameters, arguments->parameter_words, call->key);
    if (arguments->parameter_words != 0 || arguments->metric != NULL || arguments->kept != NULL)
        add_arguments(batch, entry, arguments, call);
}

/* Ends the innermost open span. */
RUN_INLINE void end_span(struct run *run, uint64_t end_ns) {
    const struct perftrace_open_span *span = run->top;
    const uint64_t *words = run->track->chunk->words;
    struct arguments arguments = {
        .parameters = words + span->parameters_at,
        .parameter_words = span->parameter_words,
        .kept = span->kept,
    };
    if (span->kept != NULL) {
        arguments.parameters = span->kept->words;
        arguments.parameter_words = span->kept->parameter_words;
    }
    if (span->metric_at != 0) {
        arguments.metric = words + span->metric_at;
        arguments.metric_site =
            perftrace_tables_site(&run->stream->tables, perftrace_word_site(arguments.metric[0]));
    }
    run->stream->open_spans--;
    run->top = --run->track->open_count > 0 ? run->top - 1 : NULL;
    add_call(run, span->site, span->number, span->start_ns, end_ns, span->children_ns, &arguments);
}

/* A span that nothing else begins in, as most are: its BEGIN, METRIC (if any) and END follow one another, and it need not be opened. False:
 * it isn't one. Else the run stands behind it. */
RUN_INLINE bool take_whole(struct run *run, const struct perftrace_site_entry *site, size_t length,
                           uint64_t start_ns) {
    const uint64_t *begin = run->word, *next = begin + length;
    uint32_t end_word = perftrace_end_of_begin((uint32_t)begin[0]);
    uint64_t metric_ns = start_ns, end_ns;
    struct arguments arguments = {.parameters = begin + 1, .parameter_words = length - 1};
    if (next < run->end && (uint32_t)next[0] != end_word) {
        arguments.metric = next;
        if (perftrace_word_kind(next[0]) != PERFTRACE_RECORD_METRIC ||
            perftrace_word_depth(next[0]) != perftrace_word_depth(begin[0]) ||
            !time_of(run, next[0], start_ns, &metric_ns) ||
            (arguments.metric_site = site_at(run, next, &length)) == NULL || length == 1)
            return false;
        next += length;
    }
    if (next >= run->end || (uint32_t)next[0] != end_word || !time_of(run, next[0], metric_ns, &end_ns))
        return false;
    run->stream->info.records += arguments.metric != NULL ? 3 : 2;
    run->last_ns = end_ns;
    run->word = next + 1;
    add_call(run, site, ++run->stream->calls, start_ns, end_ns, 0, &arguments);
    return true;
}

/* ---- a run ---------------------------------------------------------------------------------------- */

/* Of the record at which the run stands, or the span. False: the run ends before it. With *item it ends behind it. */
RUN_INLINE bool take_record(struct run *run, bool in_batch, bool begins, const struct perftrace_item **item) {
    uint64_t word = run->word[0], ns;
    size_t length = 1;
    if (!time_of(run, word, run->last_ns, &ns))
        return false;
    if (run->top != NULL && (uint32_t)word == run->top->end_word) {
        if (in_batch)
            end_span(run, ns);
        else
            *item = perftrace_span_pop(run->stream, run->track, ns, false);
    } else {
        const struct perftrace_site_entry *site = site_at(run, run->word, &length);
        if (site == NULL)
            return false;
        if (perftrace_word_kind(word) == PERFTRACE_RECORD_BEGIN) {
            if (!may_begin(run, (uint32_t)word))
                return false;
            if (in_batch && take_whole(run, site, length, ns))
                return true;
            if (!open_span(run, site, length, ns))
                return false;
            if (begins)
                *item = perftrace_span_begun(run->stream, run->track);
        } else if (perftrace_word_kind(word) != PERFTRACE_RECORD_METRIC || !take_metric(run, length)) {
            return false;
        }
    }
    run->stream->info.records++;
    run->last_ns = ns;
    run->word += length;
    return true;
}

RUN_INLINE bool go_on(struct perftrace_stream *stream, bool in_batch, bool other_clock,
                      const struct perftrace_item **item) {
    struct perftrace_track_state *track = stream->merge.run;
    struct perftrace_batch *batch = stream->batch;
    const struct perftrace_waiting *chunk = track->chunk;
    const uint64_t *first = chunk->words + track->at;
    const bool begins = !in_batch && perftrace_is_wanted(stream, PERFTRACE_ITEM_SPAN_BEGIN);
    const struct perftrace_call *full = in_batch ? &batch->calls[PERFTRACE_BATCH_CALLS] : NULL;
    struct run run = {
        .stream = stream,
        .track = track,
        .word = first,
        .end = chunk->after_gap ? first : chunk->words + chunk->word_count,
        .top = track->open_count > 0 ? &track->open[track->open_count - 1] : NULL,
        .call = in_batch ? &batch->calls[batch->count] : NULL,
        .clock = perftrace_clock_quick(&stream->clock, track->base, stream->merge.run_last),
        .other_clock = other_clock,
        .last_ns = track->last_ns,
    };
    *item = NULL;
    while (run.word < run.end && take_record(&run, in_batch, begins, item) &&
           (in_batch ? run.call != full : *item == NULL))
        ;
    if (run.word == first)
        return false;
    if (in_batch) {
        batch->count = (size_t)(run.call - batch->calls);
        batch->full |= run.call == full;
    }
    track->last_ns = run.last_ns;
    track->at = (uint32_t)(run.word - chunk->words);
    stream->any_handed_out = true;
    stream->running = true;
    return true;
}

bool perftrace_run(struct perftrace_stream *stream, const struct perftrace_item **item) {
    bool other_clock = stream->clock.identity || stream->clock.jumps != 0;
    if (stream->batch == NULL)
        return go_on(stream, false, other_clock, item);
    return other_clock ? go_on(stream, true, true, item) : go_on(stream, true, false, item);
}
