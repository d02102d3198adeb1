/* Counting what is in a trace. */
#include "overview.h"

#include "../core/text.h"
#include "intern.h"
#include "pairs.h"

#include <stdlib.h>

static struct overview_track *track_of(struct overview *overview, const struct perftrace_track_info *info) {
    struct overview_track *track = perftrace_map_find(&overview->track_map, 0, (uintptr_t)info);
    if (track != NULL)
        return track;
    overview->arena.bytes_max = SIZE_MAX;
    track = perftrace_arena_take(&overview->arena, sizeof *track);
    if (track == NULL || !perftrace_map_put(&overview->track_map, 0, (uintptr_t)info, track))
        return NULL;
    track->track = info;
    track->first_ns = UINT64_MAX;
    return track;
}

static int count_site(struct overview *overview, uint32_t id) {
    if (id >= overview->site_capacity &&
        !array_grow_zeros(NULL, (void **)&overview->site_items, &overview->site_capacity,
                          id < 512 ? 1024 : id * 2, sizeof *overview->site_items))
        return -PERFTRACE_ERROR_MEMORY;
    overview->site_items[id]++;
    return 0;
}

static int keep_open(struct overview *overview, const struct perftrace_call *call) {
    if (overview->open_count >= OVERVIEW_OPEN_MAX)
        return 0;
    if (array_reserve((void **)&overview->open, overview->open_count, &overview->open_capacity,
                      sizeof *overview->open) != 0)
        return -PERFTRACE_ERROR_MEMORY;
    struct perftrace_buffer text = {0};
    pairs_add(&text, call->parameters, call->parameter_count);
    struct perftrace_text parameters;
    overview->arena.bytes_max = SIZE_MAX;
    bool kept = !text.failed && perftrace_arena_text(&overview->arena, text.bytes, text.length, &parameters);
    free(text.bytes);
    if (!kept)
        return -PERFTRACE_ERROR_MEMORY;
    overview->open[overview->open_count++] = (struct overview_open){
        call->number, call->start_ns, call->elapsed_ns, call->site, call->track, parameters};
    return 0;
}

static void add_time(struct overview *overview, struct overview_track *track, uint64_t first_ns,
                     uint64_t last_ns) {
    if (last_ns == 0)
        return; /* a log tells no times */
    if (!overview->any_time || first_ns < overview->first_ns)
        overview->first_ns = first_ns;
    overview->any_time = true;
    if (last_ns > overview->last_ns)
        overview->last_ns = last_ns;
    if (first_ns < track->first_ns)
        track->first_ns = first_ns;
    if (last_ns > track->last_ns)
        track->last_ns = last_ns;
}

int overview_item(struct overview *overview, const struct perftrace_item *item) {
    bool end = item->kind == PERFTRACE_ITEM_SPAN_END || item->kind == PERFTRACE_ITEM_ASYNC_END;
    bool begin = item->kind == PERFTRACE_ITEM_SPAN_BEGIN || item->kind == PERFTRACE_ITEM_ASYNC_BEGIN;
    /* An async span counts where it began, wherever it ended. */
    const struct perftrace_track_info *on = end ? item->call->track : item->track;
    struct overview_track *track = on != NULL ? track_of(overview, on) : NULL;
    if (on != NULL && track == NULL)
        return -PERFTRACE_ERROR_MEMORY;
    overview->items[item->kind]++;
    if (track == NULL || begin || item->kind == PERFTRACE_ITEM_TRACK)
        return 0; /* what begins is counted when it ends */
    bool in_log = end && item->call->start_ns == 0;
    uint64_t first_ns = end ? item->call->start_ns : item->time_ns;
    add_time(overview, track, first_ns, in_log ? 0 : item->time_ns);
    if (end) {
        overview->spans++;
        track->spans++;
    } else {
        track->others++;
    }
    if (item->site != NULL && count_site(overview, item->site->id) != 0)
        return -PERFTRACE_ERROR_MEMORY;
    if (end && item->call->unfinished) {
        overview->unfinished++;
        overview->open_at_end += item->call->at_end;
        return item->call->at_end ? keep_open(overview, item->call) : 0;
    }
    return 0;
}

static int compare_open(const void *left, const void *right) {
    const struct overview_open *a = left, *b = right;
    return (a->number > b->number) - (a->number < b->number);
}

void overview_finish(struct overview *overview) {
    if (overview->open_count > 0)
        qsort(overview->open, overview->open_count, sizeof *overview->open, compare_open);
}

const struct overview_track *overview_track(const struct overview *overview,
                                            const struct perftrace_track_info *info) {
    return perftrace_map_find(&overview->track_map, 0, (uintptr_t)info);
}

uint64_t overview_site_items(const struct overview *overview, uint32_t site_id) {
    return site_id < overview->site_capacity ? overview->site_items[site_id] : 0;
}

void overview_free(struct overview *overview) {
    perftrace_map_free(&overview->track_map);
    free(overview->site_items);
    free(overview->open);
    perftrace_arena_free(&overview->arena);
    *overview = (struct overview){0};
}
