/* Where a Chrome file shows spans: the thread ids of tracks, what is open on them, and when it begins and ends there.
 *
 * Times of begins and ends are kept apart: on one thread id each is later than the one before, by what a double, which is
 * what viewers compute in, can still tell. Most clocks do that by themselves; where they don't (a coarse tick counter, spans of
 * a GPU that begin together), a viewer could not tell which of two spans is the outer one, and would drop one of them. */
#ifndef PERFTRACE_CORE_CHROME_TRACKS_H
#define PERFTRACE_CORE_CHROME_TRACKS_H

#include "../include/perftrace_items.h"
#include "arena.h"
#include "map.h"

/* A thread id as viewers see it. */
struct perftrace_chrome_lane {
    uint64_t tid;
    uint64_t last_ns;       /* of the begins and ends on it, when there are any … */
    uint64_t last_given_ns; /* … and before it was put off */
    bool used, introduced;
    struct perftrace_chrome_lane *next; /* of the same track */
};

struct perftrace_chrome_open {
    uint64_t begin_ns;
    struct perftrace_chrome_lane *lane;
};

/* A track is one lane. Where its times are supplied by the caller, spans may overlap without one being within the other,
 * which viewers can't show: those that begin within another that ends before them go to further lanes. */
struct perftrace_chrome_track {
    struct perftrace_chrome_lane lane;
    struct perftrace_chrome_open *open; /* outermost first */
    size_t open_count, open_capacity;
    struct perftrace_chrome_track *next; /* of all */
};

/* Zero-initialised is empty. */
struct perftrace_chrome_tracks {
    struct perftrace_map map; /* (BY_TRACK, id) and (BY_TID, thread id) -> struct perftrace_chrome_track */
    struct perftrace_arena memory;
    struct perftrace_chrome_track *all;
    uint64_t lanes_made; /* beyond one for each track */
};

struct perftrace_chrome_span {
    struct perftrace_chrome_lane *lane;
    uint64_t begin_ns, end_ns;
};

/* The track, made when it is new. NULL without memory. */
struct perftrace_chrome_track *perftrace_chrome_track(struct perftrace_chrome_tracks *tracks,
                                                      const struct perftrace_track_info *info);
/* The lane on which the span begins; NULL without memory. */
struct perftrace_chrome_lane *perftrace_chrome_track_begin(struct perftrace_chrome_tracks *tracks,
                                                           struct perftrace_chrome_track *track,
                                                           bool may_overlap, uint64_t time_ns);
/* Ends the innermost one, or one whose begin is not known and was at `begin_ns`. */
struct perftrace_chrome_span perftrace_chrome_track_end(struct perftrace_chrome_track *track,
                                                        uint64_t begin_ns, uint64_t end_ns);
/* One that is still open, as if all ended now: `index` counts from the outermost, and is below open_count. */
struct perftrace_chrome_span perftrace_chrome_track_open(const struct perftrace_chrome_track *track,
                                                         size_t index, uint64_t now_ns);
void perftrace_chrome_tracks_free(struct perftrace_chrome_tracks *tracks);

#endif
