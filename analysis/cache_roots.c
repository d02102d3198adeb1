/* Open root calls, by track and by serial number. */
#include "cache_roots.h"

#include <stdlib.h>
#include <string.h>

#define OPEN_SLOTS (2 * CACHE_ROOTS_OPEN_MAX)

/* Room for one more track. */
static bool reserve_tracks(struct cache_roots *roots) {
    uint32_t before = roots->track_capacity;
    if (array_reserve((void **)&roots->tracks, roots->track_count, &roots->track_capacity,
                      sizeof *roots->tracks) != 0)
        return false;
    if (roots->track_capacity != before)
        memset(roots->recent, 0, sizeof roots->recent); /* they are elsewhere now */
    return true;
}

/* NULL: not known, and not to be added, or no memory. */
static struct cache_root_track *track_of(struct cache_roots *roots, uint32_t track, bool add) {
    struct cache_root_track *recent = cache_roots_recent(roots, track);
    if (recent != NULL)
        return recent;
    uint32_t number = pair_table_find(&roots->numbers, track);
    if (number == INTERN_NONE) {
        if (!add || !reserve_tracks(roots) ||
            !perftrace_budget_take(roots->beside.budget, CACHE_ROOT_TRACK_BYTES))
            return NULL;
        number = pair_table_add(&roots->numbers, track);
        if (number == INTERN_NONE) {
            perftrace_budget_give(roots->beside.budget, CACHE_ROOT_TRACK_BYTES);
            return NULL;
        }
        roots->tracks[number] = (struct cache_root_track){0, 0};
        roots->track_count = number + 1;
    }
    roots->recent[track % CACHE_ROOTS_RECENT] = (struct cache_root_recent){&roots->tracks[number], track};
    return &roots->tracks[number];
}

/* Serials whose slot is taken are skipped; that there are too many of them, or no numbers left, shows as 0. */
static uint32_t open_root(struct cache_roots *roots) {
    if (roots->open_count == CACHE_ROOTS_OPEN_MAX)
        return 0;
    do {
        if (roots->serial == UINT32_MAX)
            return 0;
        roots->serial++;
    } while (roots->open[roots->serial % OPEN_SLOTS] != 0);
    roots->open[roots->serial % OPEN_SLOTS] = roots->serial;
    roots->open_count++;
    return roots->serial;
}

/* Leaves out what belongs to root calls that have ended, before the map would grow for it. */
static void purge(struct cache_roots *roots) {
    struct perftrace_map kept = {.budget = roots->beside.budget};
    for (size_t i = 0; i < roots->beside.size; i++) {
        const struct perftrace_map_slot *slot = &roots->beside.slots[i];
        if (slot->value != NULL && cache_roots_open(roots, slot->group) &&
            !perftrace_map_put(&kept, slot->group, slot->id, slot->value))
            break; /* some hits less */
    }
    perftrace_map_free(&roots->beside);
    roots->beside = kept;
}

static void put_beside(struct cache_roots *roots, uint32_t serial, uint64_t number) {
    if (perftrace_map_find(&roots->beside, serial, number) != NULL)
        return;
    if (roots->beside.count >= roots->purge_at) {
        purge(roots);
        roots->purge_at = roots->beside.count < 32 ? 64 : roots->beside.count * 2;
    }
    perftrace_map_put(&roots->beside, serial, number, roots);
}

bool cache_roots_ask_slowly(struct cache_roots *roots, uint32_t track, uint64_t number, uint32_t *root) {
    struct cache_root_track *on = track_of(roots, track, true);
    if (on == NULL)
        return false;
    if (on->serial == 0)
        on->serial = open_root(roots);
    if (on->asked < 2 && ++on->asked == 2)
        roots->busy++;
    if (on->serial == 0)
        return false;
    if (*root == on->serial)
        return true;
    bool hit = roots->beside.count > 0 && perftrace_map_find(&roots->beside, on->serial, number) != NULL;
    if (cache_roots_open(roots, *root))
        put_beside(roots, *root, number);
    *root = on->serial;
    return hit;
}

void cache_roots_forget(struct cache_roots *roots, uint64_t number, uint32_t *root) {
    *root = 0;
    if (roots->beside.count == 0)
        return;
    for (uint32_t slot = 0, left = roots->open_count; left > 0 && slot < OPEN_SLOTS; slot++)
        if (roots->open[slot] != 0) {
            perftrace_map_remove(&roots->beside, roots->open[slot], number);
            left--;
        }
}

void cache_roots_renumbered(struct cache_roots *roots) {
    perftrace_map_free(&roots->beside);
}

void cache_roots_end(struct cache_roots *roots, uint32_t track) {
    struct cache_root_track *on = track_of(roots, track, false);
    if (on == NULL)
        return;
    on->asked = 0;
    if (on->serial == 0)
        return;
    roots->open[on->serial % OPEN_SLOTS] = 0;
    roots->open_count--;
    on->serial = 0;
}

void cache_roots_end_all(struct cache_roots *roots) {
    memset(roots->open, 0, sizeof roots->open);
    roots->open_count = 0;
    perftrace_budget_give(roots->beside.budget, roots->numbers.count * CACHE_ROOT_TRACK_BYTES);
    pair_table_free(&roots->numbers);
    roots->track_count = 0;
    memset(roots->recent, 0, sizeof roots->recent);
    perftrace_map_free(&roots->beside);
}

void cache_roots_free(struct cache_roots *roots) {
    cache_roots_end_all(roots);
    free(roots->tracks);
    roots->tracks = NULL;
    roots->track_capacity = 0;
}
