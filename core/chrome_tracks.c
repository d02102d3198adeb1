/* Tracks of a Chrome file: thread ids, and the times of what begins and ends on them. */
#include "chrome_tracks.h"

#include <stdlib.h>

#define TRACKS_BYTES_MAX ((size_t)64 << 20)
#define LANES_MAX 16u /* of one track; further spans that overlap have their begin put off */
/* Thread ids that are made up begin here, beyond all that a kernel gives: of tracks, and of their further lanes. */
#define MADE_UP_TID UINT64_C(1000000000)
#define LANE_TID UINT64_C(2000000000)

enum { BY_TRACK, BY_TID };

/* The thread's id where it has one and no earlier track had the same (kernels use them again). */
struct perftrace_chrome_track *perftrace_chrome_track(struct perftrace_chrome_tracks *tracks,
                                                      const struct perftrace_track_info *info) {
    struct perftrace_chrome_track *track = perftrace_map_find(&tracks->map, BY_TRACK, info->id);
    if (track != NULL)
        return track;
    tracks->memory.bytes_max = TRACKS_BYTES_MAX;
    track = perftrace_arena_take(&tracks->memory, sizeof *track);
    if (track == NULL)
        return NULL;
    bool made_up = info->os_id == 0 || info->os_id >= MADE_UP_TID ||
                   perftrace_map_find(&tracks->map, BY_TID, info->os_id) != NULL;
    track->lane.tid = made_up ? MADE_UP_TID + info->id : info->os_id;
    if ((!made_up && !perftrace_map_put(&tracks->map, BY_TID, info->os_id, track)) ||
        !perftrace_map_put(&tracks->map, BY_TRACK, info->id, track))
        return NULL;
    track->next = tracks->all;
    tracks->all = track;
    return track;
}

/* What a double holds of a time in microseconds is 2^-52 of it; twice that is still seen after a sum. */
static uint64_t step_ns(uint64_t time_ns) {
    return 1 + (time_ns >> 51);
}

/* The time of the next begin or end on the lane. */
static uint64_t advance(struct perftrace_chrome_lane *lane, uint64_t time_ns) {
    lane->last_given_ns = time_ns;
    if (lane->used && time_ns < lane->last_ns + step_ns(lane->last_ns))
        time_ns = lane->last_ns + step_ns(lane->last_ns);
    lane->used = true;
    return lane->last_ns = time_ns;
}

/* A lane on which nothing is later than `time_ns`, or NULL. */
static struct perftrace_chrome_lane *find_lane(struct perftrace_chrome_tracks *tracks,
                                               struct perftrace_chrome_track *track, uint64_t time_ns) {
    struct perftrace_chrome_lane *lane = &track->lane;
    for (unsigned i = 1;; i++) {
        if (!lane->used || lane->last_given_ns <= time_ns)
            return lane;
        if (i == LANES_MAX)
            return NULL;
        if (lane->next == NULL)
            break;
        lane = lane->next;
    }
    lane->next = perftrace_arena_take(&tracks->memory, sizeof *lane);
    if (lane->next != NULL)
        lane->next->tid = LANE_TID + tracks->lanes_made++;
    return lane->next;
}

struct perftrace_chrome_lane *perftrace_chrome_track_begin(struct perftrace_chrome_tracks *tracks,
                                                           struct perftrace_chrome_track *track,
                                                           bool may_overlap, uint64_t time_ns) {
    if (track->open_count == track->open_capacity) {
        size_t capacity = track->open_capacity == 0 ? 8 : track->open_capacity * 2;
        struct perftrace_chrome_open *open = realloc(track->open, capacity * sizeof *open);
        if (open == NULL)
            return NULL;
        track->open = open;
        track->open_capacity = capacity;
    }
    struct perftrace_chrome_lane *lane =
        track->open_count > 0 ? track->open[track->open_count - 1].lane : &track->lane;
    if (may_overlap && lane->used && time_ns < lane->last_given_ns) {
        struct perftrace_chrome_lane *other = find_lane(tracks, track, time_ns);
        lane = other == NULL ? lane : other;
    }
    track->open[track->open_count++] = (struct perftrace_chrome_open){advance(lane, time_ns), lane};
    return lane;
}

struct perftrace_chrome_span perftrace_chrome_track_end(struct perftrace_chrome_track *track,
                                                        uint64_t begin_ns, uint64_t end_ns) {
    struct perftrace_chrome_span span = {.lane = &track->lane};
    if (track->open_count > 0) {
        const struct perftrace_chrome_open *open = &track->open[--track->open_count];
        span.lane = open->lane;
        span.begin_ns = open->begin_ns;
    } else {
        span.begin_ns = advance(span.lane, begin_ns);
    }
    span.end_ns = advance(span.lane, end_ns);
    return span;
}

struct perftrace_chrome_span perftrace_chrome_track_open(const struct perftrace_chrome_track *track,
                                                         size_t index, uint64_t now_ns) {
    const struct perftrace_chrome_open *open = &track->open[index];
    uint64_t least_ns = open->lane->last_ns, step = step_ns(least_ns);
    /* The inner ones end first. */
    uint64_t end_ns = (now_ns > least_ns ? now_ns : least_ns) + (track->open_count - index) * step;
    return (struct perftrace_chrome_span){open->lane, open->begin_ns, end_ns};
}

void perftrace_chrome_tracks_free(struct perftrace_chrome_tracks *tracks) {
    for (struct perftrace_chrome_track *track = tracks->all; track != NULL; track = track->next)
        free(track->open);
    perftrace_map_free(&tracks->map);
    perftrace_arena_free(&tracks->memory);
}
