/* Records with caller-supplied times (GPU queues, fibers): they come in the order in which they were
 * recorded, wait until their batch ends, and are handed out in order of time, the spans nested. */
#include "stream_state.h"

#include <stdlib.h>
#include <string.h>

#define PLACED_MAX 16384u
#define PLACED_WORDS_MAX 131072u
#define NONE SIZE_MAX

void perftrace_placed_add(struct perftrace_stream *stream, const struct perftrace_track_state *from) {
    struct perftrace_placed_list *list = &stream->placed;
    const uint64_t *words = perftrace_head_words(from);
    unsigned fixed = perftrace_record_fixed_words(from->site->record_kind);
    const struct perftrace_track_state *track =
        words[1] <= UINT32_MAX ? perftrace_tables_track(&stream->tables, (uint32_t)words[1]) : NULL;
    if (track == NULL) {
        stream->said[PERFTRACE_SAID_NO_TRACK]++;
        return;
    }
    if (list->count == list->capacity) {
        size_t capacity = list->capacity == 0 ? 64 : list->capacity * 2;
        struct perftrace_placed *bigger = realloc(list->placed, capacity * sizeof *bigger);
        if (bigger == NULL) {
            stream->no_memory = true;
            return;
        }
        list->placed = bigger;
        list->capacity = capacity;
    }
    struct perftrace_placed placed = {.track = track,
                                      .site = from->site,
                                      .begin_ns = words[2],
                                      .end_ns = words[2],
                                      .order = list->count,
                                      .record_kind = from->site->record_kind};
    if (placed.record_kind == PERFTRACE_RECORD_TRACK_SPAN)
        placed.end_ns = words[3] < words[2] ? words[2] : words[3];
    stream->info.clock_adjusted += placed.record_kind == PERFTRACE_RECORD_TRACK_SPAN && words[3] < words[2];
    size_t count = from->words - 1 - fixed;
    placed.kept = perftrace_keep(&stream->keeper, words + 1 + fixed, count);
    /* A counter item promises its value. */
    if (placed.kept == NULL && placed.record_kind == PERFTRACE_RECORD_TRACK_COUNTER)
        return;
    list->kept_words += count;
    list->placed[list->count++] = placed;
}

bool perftrace_placed_full(const struct perftrace_placed_list *list) {
    return list->count >= PLACED_MAX || list->kept_words >= PLACED_WORDS_MAX;
}

/* By track and time; of those that begin together the longest first, as it holds the others. */
static int by_time(const void *a, const void *b) {
    const struct perftrace_placed *x = a, *y = b;
    if (x->track != y->track)
        return x->track->info.id < y->track->info.id ? -1 : 1;
    if (x->begin_ns != y->begin_ns)
        return x->begin_ns < y->begin_ns ? -1 : 1;
    if (x->end_ns != y->end_ns)
        return x->end_ns > y->end_ns ? -1 : 1;
    return (x->order > y->order) - (x->order < y->order);
}

void perftrace_placed_start(struct perftrace_placed_list *list) {
    qsort(list->placed, list->count, sizeof *list->placed, by_time);
    list->emitting = true;
    list->next = 0;
    list->open = NONE;
}

static void describe(struct perftrace_stream *stream, const struct perftrace_placed *placed) {
    struct perftrace_call *call = &stream->call;
    *call = (struct perftrace_call){.number = placed->number,
                                    .site = &placed->site->info,
                                    .caller = {"unknown", 7},
                                    .track = &placed->track->info,
                                    .start_ns = placed->begin_ns,
                                    .children_ns = placed->children_ns,
                                    .depth = placed->depth,
                                    .parameters = stream->values.values,
                                    .metrics = stream->values.values};
    if (placed->parent == NONE)
        return;
    const struct perftrace_placed *parent = &stream->placed.placed[placed->parent];
    call->parent_number = parent->number;
    call->parent_site = &parent->site->info;
    call->caller = parent->site->info.name;
}

static const struct perftrace_item *begin_span(struct perftrace_stream *stream, size_t index) {
    struct perftrace_placed_list *list = &stream->placed;
    struct perftrace_placed *placed = &list->placed[index];
    placed->number = ++stream->calls;
    placed->parent = list->open;
    placed->depth = list->open == NONE ? 0 : list->placed[list->open].depth + 1;
    list->open = index;
    describe(stream, placed);
    struct perftrace_item *item = perftrace_item_start(stream, PERFTRACE_ITEM_SPAN_BEGIN, placed->begin_ns,
                                                       placed->site, placed->track);
    item->call = &stream->call;
    perftrace_call_take_kept(stream, placed->site, placed->kept);
    stream->release = NULL; /* the end needs it again */
    return item;
}

static const struct perftrace_item *end_span(struct perftrace_stream *stream) {
    struct perftrace_placed_list *list = &stream->placed;
    struct perftrace_placed *placed = &list->placed[list->open];
    describe(stream, placed);
    stream->call.elapsed_ns = placed->end_ns - placed->begin_ns;
    list->open = placed->parent;
    if (list->open != NONE)
        list->placed[list->open].children_ns += stream->call.elapsed_ns;
    struct perftrace_item *item =
        perftrace_item_start(stream, PERFTRACE_ITEM_SPAN_END, placed->end_ns, placed->site, placed->track);
    item->call = &stream->call;
    perftrace_call_take_kept(stream, placed->site, placed->kept);
    placed->kept = NULL;
    return item;
}

static const struct perftrace_item *instant(struct perftrace_stream *stream,
                                            struct perftrace_placed *placed) {
    struct perftrace_item *item = perftrace_item_start(
        stream,
        placed->record_kind == PERFTRACE_RECORD_TRACK_EVENT ? PERFTRACE_ITEM_EVENT : PERFTRACE_ITEM_COUNTER,
        placed->begin_ns, placed->site, placed->track);
    perftrace_call_take_kept(stream, placed->site, placed->kept);
    if (placed->kept != NULL) {
        item->values = stream->call.parameters;
        item->value_count = stream->call.parameter_count;
    }
    placed->kept = NULL;
    return item;
}

const struct perftrace_item *perftrace_placed_next(struct perftrace_stream *stream) {
    struct perftrace_placed_list *list = &stream->placed;
    struct perftrace_placed *next = list->next < list->count ? &list->placed[list->next] : NULL;
    if (list->open != NONE) {
        const struct perftrace_placed *open = &list->placed[list->open];
        /* One that begins within the open span but outlasts it is not within it: they overlap, side by side. */
        if (next == NULL || next->track != open->track || next->begin_ns >= open->end_ns ||
            next->end_ns > open->end_ns)
            return end_span(stream);
    }
    if (next == NULL) {
        list->emitting = false;
        list->count = list->kept_words = 0;
        return NULL;
    }
    list->next++;
    return next->record_kind == PERFTRACE_RECORD_TRACK_SPAN ? begin_span(stream, list->next - 1)
                                                            : instant(stream, next);
}

void perftrace_placed_free(struct perftrace_stream *stream) {
    for (size_t i = 0; i < stream->placed.count; i++)
        perftrace_keep_release(&stream->keeper, stream->placed.placed[i].kept);
    free(stream->placed.placed);
}
