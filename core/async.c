/* Spans that are begun and ended by handle or id, on whatever tracks: the table of the open ones. */
#include "stream_state.h"

#include <stdlib.h>

/* Handles are unique in the process and have this bit set; other ids are the user's own, and only mean
 * something together with the name. */
#define HANDLE_BIT (UINT64_C(1) << 63)

static uint32_t group_of(const struct perftrace_site_entry *site, uint64_t id) {
    return (id & HANDLE_BIT) != 0 ? 0 : site->group;
}

static void describe(struct perftrace_stream *stream, const struct perftrace_open_async *span) {
    struct perftrace_call *call = &stream->call;
    *call = (struct perftrace_call){.number = span->number,
                                    .parent_number = span->parent_number,
                                    .site = &span->site->info,
                                    .caller = {"unknown", 7},
                                    .track = &span->track->info,
                                    .start_ns = span->start_ns,
                                    .depth = span->depth,
                                    .async = true,
                                    .parameters = stream->values.values,
                                    .metrics = stream->values.values};
    if (span->parent_site != NULL) {
        call->parent_site = &span->parent_site->info;
        call->caller = call->parent_site->name;
    }
}

/* Frees `span`, which is out of the table, and gives its ASYNC_END. */
static struct perftrace_item *close_span(struct perftrace_stream *stream, struct perftrace_open_async *span,
                                         const struct perftrace_track_state *track, uint64_t ns) {
    describe(stream, span);
    stream->call.elapsed_ns = ns > span->start_ns ? ns - span->start_ns : 0;
    struct perftrace_item *item =
        perftrace_item_start(stream, PERFTRACE_ITEM_ASYNC_END, ns, span->site, track);
    item->call = &stream->call;
    item->id = span->id;
    perftrace_call_take_kept(stream, span->site, span->kept);
    perftrace_budget_give(&stream->budget, sizeof *span);
    free(span);
    stream->open_spans--;
    return item;
}

static const struct perftrace_item *close_unfinished(struct perftrace_stream *stream,
                                                     struct perftrace_open_async *span) {
    const struct perftrace_track_state *track = span->track;
    uint64_t ns = track->last_ns > span->start_ns ? track->last_ns : span->start_ns;
    struct perftrace_item *item = close_span(stream, span, track, ns);
    stream->call.unfinished = true;
    return item;
}

/* NULL where there is no room for another. */
static struct perftrace_open_async *open_span(struct perftrace_stream *stream,
                                              const struct perftrace_track_state *track, uint64_t ns,
                                              uint64_t id) {
    struct perftrace_open_async *span = NULL;
    if (stream->open_spans < PERFTRACE_OPEN_SPANS_MAX && perftrace_budget_take(&stream->budget, sizeof *span))
        span = calloc(1, sizeof *span);
    if (span == NULL || !perftrace_map_put(&stream->async.open, group_of(track->site, id), id, span)) {
        if (span != NULL)
            perftrace_budget_give(&stream->budget, sizeof *span);
        free(span);
        return NULL;
    }
    stream->open_spans++;
    span->site = track->site;
    span->track = track;
    span->id = id;
    span->group = group_of(track->site, id);
    span->number = ++stream->calls;
    span->start_ns = ns;
    span->depth = (uint32_t)track->open_count;
    if (track->open_count > 0) {
        span->parent_number = track->open[track->open_count - 1].number;
        span->parent_site = track->open[track->open_count - 1].site;
    }
    return span;
}

const struct perftrace_item *perftrace_async_supersede(struct perftrace_stream *stream,
                                                       const struct perftrace_track_state *track,
                                                       uint64_t id) {
    struct perftrace_open_async *old =
        perftrace_map_remove(&stream->async.open, group_of(track->site, id), id);
    return old == NULL ? NULL : close_unfinished(stream, old);
}

const struct perftrace_item *perftrace_async_begin(struct perftrace_stream *stream,
                                                   struct perftrace_track_state *track, uint64_t ns,
                                                   uint64_t id, const uint64_t *words, size_t count) {
    struct perftrace_open_async *span = open_span(stream, track, ns, id);
    if (span == NULL) {
        stream->said[PERFTRACE_SAID_TOO_DEEP]++;
        return NULL;
    }
    if (!perftrace_values_start(&stream->values, count)) {
        stream->no_memory = true;
        return NULL;
    }
    describe(stream, span);
    struct perftrace_item *item =
        perftrace_item_start(stream, PERFTRACE_ITEM_ASYNC_BEGIN, ns, track->site, track);
    item->call = &stream->call;
    item->id = id;
    stream->call.parameters = perftrace_values_add(&stream->values, track->site, words);
    stream->call.parameter_count = track->site->info.argument_count;
    span->kept = perftrace_keep(&stream->keeper, words, count);
    return item;
}

const struct perftrace_item *perftrace_async_end(struct perftrace_stream *stream,
                                                 struct perftrace_track_state *track, uint64_t ns,
                                                 uint64_t id, const uint64_t *words, size_t count) {
    struct perftrace_open_async *span =
        perftrace_map_remove(&stream->async.open, group_of(track->site, id), id);
    if (span == NULL) {
        stream->said[PERFTRACE_SAID_NO_BEGIN]++;
        return NULL;
    }
    if (count > 0)
        perftrace_keep_metric(&stream->keeper, &span->kept, track->site, words, count);
    return close_span(stream, span, track, ns);
}

/* ---- the end -------------------------------------------------------------------------------------- */

static int by_number(const void *a, const void *b) {
    const struct perftrace_open_async *const *x = a, *const *y = b;
    return ((*x)->number > (*y)->number) - ((*x)->number < (*y)->number);
}

/* Moves what is open from the table into a list by number: the table's order is not the same twice. */
static bool list_left(struct perftrace_async *async) {
    async->left = malloc(async->open.count * sizeof *async->left);
    if (async->left == NULL)
        return false;
    for (size_t i = 0; i < async->open.size; i++)
        if (async->open.slots[i].value != NULL)
            async->left[async->left_count++] = async->open.slots[i].value;
    perftrace_map_free(&async->open);
    qsort(async->left, async->left_count, sizeof *async->left, by_number);
    return true;
}

const struct perftrace_item *perftrace_async_finish(struct perftrace_stream *stream) {
    struct perftrace_async *async = &stream->async;
    if (async->open.count > 0 && !list_left(async)) {
        stream->no_memory = true;
        return NULL;
    }
    if (async->left_next == async->left_count)
        return NULL;
    return close_unfinished(stream, async->left[async->left_next++]);
}

void perftrace_async_free(struct perftrace_stream *stream) {
    struct perftrace_async *async = &stream->async;
    while (async->left_next < async->left_count) {
        struct perftrace_open_async *span = async->left[async->left_next++];
        perftrace_keep_release(&stream->keeper, span->kept);
        free(span);
    }
    free(async->left);
    for (size_t i = 0; i < async->open.size; i++) {
        struct perftrace_open_async *span = async->open.slots[i].value;
        if (span == NULL)
            continue;
        perftrace_keep_release(&stream->keeper, span->kept);
        free(span);
    }
    perftrace_map_free(&async->open);
}
