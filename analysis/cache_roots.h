/* Which calls a cache would hit that lives for one root call, the outermost call of its thread, and has no limit ("within one
 * transaction"). Calls that overlap others of their thread (async) are in none.
 *
 * Each root call has a serial number while it is open, which a key keeps from its last call. Where several threads ask one
 * question in turn, keys of open root calls that had to give way are kept beside. */
#ifndef PERFTRACE_ANALYSIS_CACHE_ROOTS_H
#define PERFTRACE_ANALYSIS_CACHE_ROOTS_H

#include "../core/map.h"
#include "intern.h"

#define CACHE_ROOTS_OPEN_MAX 1024u /* root calls open at once; in further ones nothing is hit */
#define CACHE_ROOT_TRACK_BYTES 48u /* what one takes from the budget */
#define CACHE_ROOTS_RECENT 64u

struct cache_root_track {
    uint32_t serial; /* of its open root call; 0: none */
    uint32_t asked;  /* calls in it, up to 2 */
};

/* Zero-initialised but for beside.budget is empty. */
struct cache_roots {
    struct pair_table numbers; /* of tracks */
    struct cache_root_track *tracks;
    uint32_t track_count, track_capacity;
    struct cache_root_recent {
        struct cache_root_track *on; /* NULL: none */
        uint32_t track;
    } recent[CACHE_ROOTS_RECENT];            /* where a track may be found at once */
    uint32_t open[2 * CACHE_ROOTS_OPEN_MAX]; /* serials, each in the slot of its lower bits */
    uint32_t open_count;
    uint32_t serial;             /* the last one */
    struct perftrace_map beside; /* (serial, key's number): it was asked */
    size_t purge_at;             /* so many beside: those of ended root calls are looked for */
    uint64_t busy;               /* root calls with two calls or more in them */
};

/* NULL: it has to be looked for, or is not known. */
static inline struct cache_root_track *cache_roots_recent(const struct cache_roots *roots, uint32_t track) {
    const struct cache_root_recent *recent = &roots->recent[track % CACHE_ROOTS_RECENT];
    return recent->track == track ? recent->on : NULL;
}

static inline bool cache_roots_open(const struct cache_roots *roots, uint32_t serial) {
    return serial != 0 && roots->open[serial % (2 * CACHE_ROOTS_OPEN_MAX)] == serial;
}

/* The next call of a key on a track: whether it is hit. *root is the key's own. False without memory as well. */
bool cache_roots_ask_slowly(struct cache_roots *roots, uint32_t track, uint64_t number, uint32_t *root);
static inline bool cache_roots_ask(struct cache_roots *roots, uint32_t track, uint64_t number,
                                   uint32_t *root) {
    struct cache_root_track *on = cache_roots_recent(roots, track);
    if (on != NULL && on->serial != 0) { /* its root call is open */
        if (on->asked < 2 && ++on->asked == 2)
            roots->busy++;
        if (*root == on->serial)
            return true;
        if (roots->beside.count == 0 && !cache_roots_open(roots, *root)) {
            *root = on->serial;
            return false;
        }
    }
    return cache_roots_ask_slowly(roots, track, number, root);
}
/* What the key's last calls have left is not valid any more. */
void cache_roots_forget(struct cache_roots *roots, uint64_t number, uint32_t *root);
/* Keys have other numbers from now on: what was kept beside is forgotten. */
void cache_roots_renumbered(struct cache_roots *roots);
/* The root call of a track has ended. */
void cache_roots_end(struct cache_roots *roots, uint32_t track);
/* All root calls have, and tracks are others from now on. */
void cache_roots_end_all(struct cache_roots *roots);
void cache_roots_free(struct cache_roots *roots);

#endif
