/* Sweeping over the begins and ends of each track: what was open between two of them gets the time. */
#include "explain.h"

#include <stdlib.h>

struct open_span {
    uint64_t number;
    uint32_t name;
};

struct explain_lane {
    uint32_t track;
    bool is_thread;
    uint64_t last_ns;
    struct open_span *open;
    uint32_t depth, capacity;
};

static bool is_own(const struct explain *explain, uint32_t track) {
    for (size_t i = 0; i < explain->count; i++)
        if (explain->stretches[i].input == explain->input && explain->stretches[i].track == track)
            return true;
    return false;
}

static struct explain_lane *find_lane(const struct explain *explain, uint32_t track) {
    uintptr_t known = (uintptr_t)perftrace_map_find(&explain->by_track, 0, track);
    return known != 0 ? &explain->lanes[known - 1] : NULL;
}

/* *lane: NULL for a track that is not looked at. */
static int lane_of(struct explain *explain, const struct perftrace_track_info *track,
                   struct explain_lane **lane) {
    *lane = find_lane(explain, track->id);
    if (*lane != NULL || (explain->lane_count >= EXPLAIN_TRACKS_MAX && !is_own(explain, track->id)))
        return 0;
    if (array_reserve((void **)&explain->lanes, explain->lane_count, &explain->lane_capacity,
                      sizeof *explain->lanes) != 0 ||
        !perftrace_map_put(&explain->by_track, 0, track->id, (void *)(uintptr_t)(explain->lane_count + 1)))
        return -PERFTRACE_ERROR_MEMORY;
    *lane = &explain->lanes[explain->lane_count++];
    **lane = (struct explain_lane){.track = track->id, .is_thread = track->kind == PERFTRACE_ON_THREAD};
    return 0;
}

/* A span that has ended on a track without a lane. */
static void leave_out(struct explain *explain, const struct perftrace_item *item) {
    const struct perftrace_call *call = item->call;
    for (size_t i = 0; i < explain->count && item->track->kind == PERFTRACE_ON_THREAD; i++) {
        struct explain_stretch *stretch = &explain->stretches[i];
        if (stretch->input == explain->input && call->start_ns < stretch->end_ns &&
            item->time_ns > stretch->start_ns)
            stretch->left_out++;
    }
}

static struct explain_part *part_of(struct explain_part **parts, uint32_t *count, uint32_t name) {
    bool fits = name < *count ||
                array_grow_zeros(NULL, (void **)parts, count, name < 16 ? 16 : name * 2, sizeof **parts);
    return fits ? &(*parts)[name] : NULL;
}

/* The part of a stretch that a span on this lane belongs to; NULL without memory. */
static struct explain_part *part_in(struct explain_stretch *stretch, const struct explain_lane *lane,
                                    uint32_t name) {
    return lane->track == stretch->track ? part_of(&stretch->own, &stretch->own_count, name)
                                         : part_of(&stretch->others, &stretch->others_count, name);
}

static int add_pair(struct explain_stretch *stretch, uint32_t ended, uint32_t went_on, uint64_t ns) {
    uint64_t key = pair_key(ended, went_on);
    uint32_t known = stretch->pairs.count;
    if (known >= EXPLAIN_PAIRS_MAX && pair_table_find(&stretch->pairs, key) == INTERN_NONE)
        return 0;
    if (array_reserve((void **)&stretch->pair_ns, known, &stretch->pair_capacity, sizeof *stretch->pair_ns) !=
        0)
        return -PERFTRACE_ERROR_MEMORY;
    uint32_t pair = pair_table_add(&stretch->pairs, key);
    if (pair == INTERN_NONE)
        return -PERFTRACE_ERROR_MEMORY;
    if (pair == known)
        stretch->pair_ns[pair] = 0;
    stretch->pair_ns[pair] += ns;
    return 0;
}

/* What the lane did from `from` to `end` went on beside whatever the other has been doing since its last item. */
static int pass_beside_one(struct explain_stretch *stretch, const struct explain_lane *lane,
                           const struct explain_lane *other, uint64_t from, uint64_t end) {
    bool own = other->track == stretch->track;
    if (other == lane || (!own && (!other->is_thread || other->depth == 0)))
        return 0;
    uint64_t both = other->last_ns > from ? other->last_ns : from;
    uint32_t name = other->depth > 0 ? other->open[other->depth - 1].name : EXPLAIN_IN_NONE;
    return both < end ? add_pair(stretch, lane->open[lane->depth - 1].name, name, end - both) : 0;
}

/* The lane has come to an end of what it did from `from` to `end`: beside whatever goes on on other threads. */
static int pass_beside(struct explain *explain, struct explain_stretch *stretch,
                       const struct explain_lane *lane, uint64_t from, uint64_t end) {
    uint32_t count = explain->lane_count < EXPLAIN_LANES_MAX ? explain->lane_count : EXPLAIN_LANES_MAX;
    int status = 0;
    for (uint32_t i = 0; i < count && status == 0; i++)
        status = pass_beside_one(stretch, lane, &explain->lanes[i], from, end);
    const struct explain_lane *own = find_lane(explain, stretch->track);
    if (status == 0 && own != NULL && own - explain->lanes >= EXPLAIN_LANES_MAX)
        status = pass_beside_one(stretch, lane, own, from, end);
    return status;
}

/* Gives the time since the lane's last item to what has been open. */
static int pass_time(struct explain *explain, struct explain_lane *lane, uint64_t now_ns) {
    for (size_t i = 0; i < explain->count; i++) {
        struct explain_stretch *stretch = &explain->stretches[i];
        bool own = stretch->track == lane->track;
        uint64_t from = lane->last_ns > stretch->start_ns ? lane->last_ns : stretch->start_ns;
        uint64_t end = now_ns < stretch->end_ns ? now_ns : stretch->end_ns;
        if (stretch->input != explain->input || from >= end || lane->depth == 0 || (!own && !lane->is_thread))
            continue;
        struct explain_part *part = part_in(stretch, lane, lane->open[lane->depth - 1].name);
        if (part == NULL)
            return -PERFTRACE_ERROR_MEMORY;
        part->self_ns += end - from;
        stretch->gap_ns -= own ? end - from : 0; /* made whole at the end of the input */
        if ((size_t)(lane - explain->lanes) < EXPLAIN_LANES_MAX &&
            pass_beside(explain, stretch, lane, from, end) != 0)
            return -PERFTRACE_ERROR_MEMORY;
    }
    lane->last_ns = now_ns > lane->last_ns ? now_ns : lane->last_ns;
    return 0;
}

static int begin_span(struct explain *explain, struct explain_lane *lane, const struct perftrace_call *call) {
    struct perftrace_text shown = call->site->name;
    uint32_t name = explain->names.count < EXPLAIN_NAMES_MAX
                        ? text_table_add(&explain->names, 0, shown.bytes, shown.length)
                        : text_table_find(&explain->names, 0, shown.bytes, shown.length, &(uint64_t){0});
    if (name == INTERN_NONE && explain->names.count < EXPLAIN_NAMES_MAX)
        return -PERFTRACE_ERROR_MEMORY;
    name = name == INTERN_NONE ? EXPLAIN_NAMES_MAX - 1 : name;
    if (array_reserve((void **)&lane->open, lane->depth, &lane->capacity, sizeof *lane->open) != 0)
        return -PERFTRACE_ERROR_MEMORY;
    lane->open[lane->depth++] = (struct open_span){call->number, name};
    for (size_t i = 0; i < explain->count; i++) {
        struct explain_stretch *stretch = &explain->stretches[i];
        if (stretch->input != explain->input || call->start_ns < stretch->start_ns ||
            call->start_ns >= stretch->end_ns || (stretch->track != lane->track && !lane->is_thread))
            continue;
        struct explain_part *part = part_in(stretch, lane, name);
        if (part == NULL)
            return -PERFTRACE_ERROR_MEMORY;
        part->calls++;
    }
    return 0;
}

static void end_span(struct explain_lane *lane, const struct perftrace_call *call) {
    for (uint32_t at = lane->depth; at > 0; at--)
        if (lane->open[at - 1].number == call->number) {
            lane->depth = at - 1;
            return;
        }
}

int explain_item(struct explain *explain, const struct perftrace_item *item) {
    if ((item->kind != PERFTRACE_ITEM_SPAN_BEGIN && item->kind != PERFTRACE_ITEM_SPAN_END) ||
        item->call->async)
        return 0;
    struct explain_lane *lane;
    int status = lane_of(explain, item->track, &lane);
    if (status == 0 && lane != NULL)
        status = pass_time(explain, lane, item->time_ns);
    if (status != 0)
        return status;
    if (lane == NULL) {
        if (item->kind == PERFTRACE_ITEM_SPAN_END)
            leave_out(explain, item);
        return 0;
    }
    if (item->kind == PERFTRACE_ITEM_SPAN_BEGIN)
        return begin_span(explain, lane, item->call);
    end_span(lane, item->call);
    return 0;
}

void explain_end_input(struct explain *explain) {
    for (size_t i = 0; i < explain->count; i++) /* so far it is what the spans took, negative */
        if (explain->stretches[i].input == explain->input)
            explain->stretches[i].gap_ns += explain->stretches[i].end_ns - explain->stretches[i].start_ns;
    for (uint32_t i = 0; i < explain->lane_count; i++)
        free(explain->lanes[i].open);
    explain->lane_count = 0;
    perftrace_map_free(&explain->by_track);
    explain->by_track = (struct perftrace_map){0};
    explain->input++;
}

void explain_free(struct explain *explain) {
    for (uint32_t i = 0; i < explain->lane_count; i++)
        free(explain->lanes[i].open);
    free(explain->lanes);
    perftrace_map_free(&explain->by_track);
    for (size_t i = 0; i < explain->count; i++) {
        free(explain->stretches[i].own);
        free(explain->stretches[i].others);
        pair_table_free(&explain->stretches[i].pairs);
        free(explain->stretches[i].pair_ns);
    }
    free(explain->stretches);
    text_table_free(&explain->names);
    *explain = (struct explain){0};
}

static int by_difference(const void *left, const void *right) {
    const struct explain_difference *a = left, *b = right;
    if (a->ns != b->ns)
        return a->ns > b->ns ? -1 : 1;
    if (a->first.calls != b->first.calls)
        return a->first.calls > b->first.calls ? -1 : 1;
    return (a->name.bytes > b->name.bytes) - (a->name.bytes < b->name.bytes);
}

struct explain_difference *explain_compare(const struct explain *explain, const struct explain_stretch *first,
                                           const struct explain_stretch *second, bool others, size_t *count) {
    static const struct explain_part none;
    struct explain_difference *differences = malloc((explain->names.count + 1) * sizeof *differences);
    if (differences == NULL)
        return NULL;
    *count = 0;
    for (uint32_t name = 0; name < explain->names.count; name++) {
        uint32_t of_first = others ? first->others_count : first->own_count;
        uint32_t of_second = others ? second->others_count : second->own_count;
        struct explain_difference difference = {
            .name = text_table_get(&explain->names, name),
            .first = name < of_first ? (others ? first->others : first->own)[name] : none,
            .second = name < of_second ? (others ? second->others : second->own)[name] : none};
        difference.ns = (int64_t)(difference.first.self_ns - difference.second.self_ns);
        if (difference.ns != 0 || difference.first.calls != difference.second.calls)
            differences[(*count)++] = difference;
    }
    if (!others && first->gap_ns != second->gap_ns)
        differences[(*count)++] = (struct explain_difference){.name = {"", 0},
                                                              .ns = (int64_t)(first->gap_ns - second->gap_ns),
                                                              .first = {.self_ns = first->gap_ns},
                                                              .second = {.self_ns = second->gap_ns}};
    qsort(differences, *count, sizeof *differences, by_difference);
    return differences;
}
