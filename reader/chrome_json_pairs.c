/* Which end belongs to which begin. */
#include "chrome_json_pairs.h"

#include "chrome_json_make.h"

#include <stdlib.h>
#include <string.h>

enum { LOOK_FOR_NAME_MAX = 256 }; /* so many levels above the one that ends may be jumped out of */

/* An end whose begin may still come. */
struct perftrace_json_stray {
    struct perftrace_json_track *track;
    struct perftrace_json_text name; /* its site's, which stays */
    struct perftrace_json_blob *args;
    int64_t ns;
    uint64_t group;
    uint32_t order;
    bool async;
};

/* ---- open spans ------------------------------------------------------------------------------------ */

static struct perftrace_json_open *make_open(struct perftrace_json_pairs *pairs) {
    struct perftrace_json_open *open = pairs->free;
    if (open != NULL) {
        pairs->free = open->below;
        *open = (struct perftrace_json_open){0};
        return open;
    }
    pairs->arena.budget = pairs->budget;
    pairs->arena.bytes_max = SIZE_MAX;
    return perftrace_arena_take(&pairs->arena, sizeof *open);
}

void perftrace_json_pairs_done(struct perftrace_json_pairs *pairs, struct perftrace_json_open *open) {
    open->below = pairs->free;
    pairs->free = open;
}

static struct perftrace_json_open *top_of(const struct perftrace_json_pairs *pairs,
                                          const struct perftrace_json_mark *mark) {
    return mark->async ? perftrace_map_find(&pairs->by_id, 0, mark->group) : mark->track->open;
}

/* NULL: there is none any more. */
static bool set_top(struct perftrace_json_pairs *pairs, const struct perftrace_json_mark *mark,
                    struct perftrace_json_open *open) {
    if (!mark->async) {
        mark->track->open = open;
        return true;
    }
    perftrace_map_remove(&pairs->by_id, 0, mark->group);
    return open == NULL || perftrace_map_put(&pairs->by_id, 0, mark->group, open);
}

bool perftrace_json_pairs_begin(struct perftrace_json_pairs *pairs, const struct perftrace_json_mark *mark) {
    pairs->by_id.budget = pairs->budget;
    struct perftrace_json_open *open = make_open(pairs), *below = top_of(pairs, mark);
    if (open == NULL)
        goto no_room;
    *open = (struct perftrace_json_open){.below = below,
                                         .site = mark->site,
                                         .track = mark->track,
                                         .args = mark->args,
                                         .start_ns = mark->ns,
                                         .end_ns = INT64_MAX,
                                         .id = mark->id,
                                         .async = mark->async};
    if (!set_top(pairs, mark, open))
        goto no_room;
    struct perftrace_json_held *held = perftrace_json_list_add(pairs->list, mark->ns);
    if (held == NULL) {
        set_top(pairs, mark, below);
        goto no_room;
    }
    open->held = (uint32_t)(held - pairs->list->held);
    held->end_ns = INT64_MAX;
    held->open = open;
    held->end_args = NULL;
    held->site = mark->site;
    held->track = mark->track;
    held->kind = mark->async ? PERFTRACE_JSON_ASYNC : PERFTRACE_JSON_OPEN;
    held->unfinished = held->at_end = false;
    if (mark->async)
        held->end_ns = mark->ns; /* it holds nothing */
    return true;
no_room:
    if (open != NULL)
        perftrace_json_pairs_done(pairs, open);
    perftrace_json_release(pairs->store, mark->args);
    return false;
}

enum how { WITH_ITS_END, JUMPED_OUT_OF, OPEN_AT_THE_END };

/* It is off its stack. */
static void end(struct perftrace_json_pairs *pairs, struct perftrace_json_open *open, int64_t ns,
                struct perftrace_json_track *track, struct perftrace_json_blob *args, enum how how) {
    open->end_ns = ns > open->start_ns ? ns : open->start_ns;
    open->end_args = args;
    open->end_track = track;
    open->ended = true;
    open->unfinished = how != WITH_ITS_END;
    open->at_end = how == OPEN_AT_THE_END;
    if (open->held == PERFTRACE_JSON_SWEPT && open->span == NULL) { /* it was left out */
        perftrace_json_release(pairs->store, args);
        perftrace_json_pairs_done(pairs, open);
        return;
    }
    if (open->held == PERFTRACE_JSON_SWEPT) {
        perftrace_json_make_ending(pairs->maker, open->span);
        return;
    }
    if (open->async)
        return; /* what waits in the list asks `open` */
    struct perftrace_json_held *held = &pairs->list->held[open->held];
    held->kind = PERFTRACE_JSON_SPAN;
    held->end_ns = open->end_ns;
    held->args = open->args;
    held->end_args = args;
    held->unfinished = open->unfinished;
    held->at_end = open->at_end;
    perftrace_json_pairs_done(pairs, open);
}

/* ---- ends ------------------------------------------------------------------------------------------ */

static bool is_called(const struct perftrace_json_open *open, const struct perftrace_json_text *name) {
    return name->length == 0 || perftrace_json_same(name, &open->site->name);
}

static bool keep_stray(struct perftrace_json_pairs *pairs, const struct perftrace_json_mark *mark) {
    if (pairs->unmatched++ == 0)
        pairs->unmatched_offset = mark->offset;
    if (pairs->stray_count == pairs->stray_capacity) {
        size_t wanted = pairs->stray_capacity == 0 ? 64 : pairs->stray_capacity * 2;
        size_t more = (wanted - pairs->stray_capacity) * sizeof *pairs->strays;
        struct perftrace_json_stray *strays = perftrace_budget_take(pairs->budget, more)
                                                  ? realloc(pairs->strays, wanted * sizeof *strays)
                                                  : NULL;
        if (strays == NULL) { /* it is counted */
            perftrace_json_release(pairs->store, mark->args);
            return true;
        }
        pairs->strays = strays;
        pairs->stray_capacity = wanted;
    }
    pairs->strays[pairs->stray_count] = (struct perftrace_json_stray){.track = mark->track,
                                                                      .name = mark->site->name,
                                                                      .args = mark->args,
                                                                      .ns = mark->ns,
                                                                      .group = mark->group,
                                                                      .order = (uint32_t)pairs->stray_count,
                                                                      .async = mark->async};
    pairs->stray_count++;
    return true;
}

struct perftrace_json_open *perftrace_json_pairs_match(const struct perftrace_json_pairs *pairs,
                                                       const struct perftrace_json_mark *mark) {
    struct perftrace_json_open *open = top_of(pairs, mark);
    for (unsigned i = 0; open != NULL && i < LOOK_FOR_NAME_MAX; i++, open = open->below)
        if (open->start_ns <= mark->ns && is_called(open, &mark->name))
            return open;
    return NULL;
}

/* Takes `open` out, and those above it that began before it ended: they were jumped out of. What began later is of another
 * piece of the file. */
static bool take_out(struct perftrace_json_pairs *pairs, const struct perftrace_json_mark *mark,
                     const struct perftrace_json_open *open) {
    struct perftrace_json_open *top = top_of(pairs, mark), *above = NULL, *next = NULL;
    struct perftrace_json_open *first = top;
    for (struct perftrace_json_open *within = top; above != open && within != NULL; within = next) {
        next = within->below;
        if (within != open && within->start_ns > mark->ns) {
            above = within;
            continue;
        }
        if (above != NULL)
            above->below = next;
        else
            first = next;
        if (within == open)
            break;
        end(pairs, within, mark->ns, mark->track, NULL, JUMPED_OUT_OF);
    }
    return first == top || set_top(pairs, mark, first);
}

bool perftrace_json_pairs_end(struct perftrace_json_pairs *pairs, const struct perftrace_json_mark *mark,
                              struct perftrace_json_open *open) {
    if (open == NULL)
        return keep_stray(pairs, mark);
    bool fine = take_out(pairs, mark, open);
    end(pairs, open, mark->ns, mark->track, mark->args, WITH_ITS_END);
    return fine;
}

/* ---- afterwards ------------------------------------------------------------------------------------ */

static int by_time(const void *left, const void *right) {
    const struct perftrace_json_stray *a = left, *b = right;
    if (a->ns != b->ns)
        return a->ns < b->ns ? -1 : 1;
    return (a->order > b->order) - (a->order < b->order);
}

/* Of the open ones the one that began last before it. */
static struct perftrace_json_open *find_begin(const struct perftrace_json_pairs *pairs,
                                              const struct perftrace_json_mark *mark) {
    struct perftrace_json_open *found = NULL, *open = top_of(pairs, mark);
    for (unsigned i = 0; open != NULL && i < LOOK_FOR_NAME_MAX; i++, open = open->below)
        if (open->start_ns <= mark->ns && is_called(open, &mark->name) &&
            (found == NULL || open->start_ns > found->start_ns))
            found = open;
    return found;
}

static bool take_out_one(struct perftrace_json_pairs *pairs, const struct perftrace_json_mark *mark,
                         struct perftrace_json_open *open) {
    struct perftrace_json_open *above = top_of(pairs, mark);
    if (above == open)
        return set_top(pairs, mark, open->below);
    while (above->below != open)
        above = above->below;
    above->below = open->below;
    return true;
}

static void match_strays(struct perftrace_json_pairs *pairs) {
    if (pairs->stray_count > 1)
        qsort(pairs->strays, pairs->stray_count, sizeof *pairs->strays, by_time);
    for (size_t i = 0; i < pairs->stray_count; i++) {
        const struct perftrace_json_stray *stray = &pairs->strays[i];
        struct perftrace_json_mark mark = {.track = stray->track,
                                           .name = stray->name,
                                           .ns = stray->ns,
                                           .async = stray->async,
                                           .group = stray->group};
        struct perftrace_json_open *open = find_begin(pairs, &mark);
        if (open == NULL || !take_out_one(pairs, &mark, open)) {
            perftrace_json_release(pairs->store, stray->args);
            continue;
        }
        pairs->unmatched--;
        end(pairs, open, stray->ns, stray->track, stray->args, WITH_ITS_END);
    }
    pairs->stray_count = 0;
}

static void end_all(struct perftrace_json_pairs *pairs, struct perftrace_json_open *open) {
    for (struct perftrace_json_open *next; open != NULL; open = next) {
        next = open->below;
        end(pairs, open, open->track->latest_ns, open->track, NULL, OPEN_AT_THE_END);
    }
}

void perftrace_json_pairs_finish(struct perftrace_json_pairs *pairs, struct perftrace_json_names *names) {
    match_strays(pairs);
    for (size_t i = 0; i < names->track_count; i++) {
        end_all(pairs, names->tracks[i]->open);
        names->tracks[i]->open = NULL;
    }
    for (size_t i = 0; i < pairs->by_id.size; i++)
        end_all(pairs, pairs->by_id.slots[i].value);
    perftrace_map_free(&pairs->by_id);
}

void perftrace_json_pairs_free(struct perftrace_json_pairs *pairs) {
    free(pairs->strays);
    perftrace_map_free(&pairs->by_id);
    perftrace_arena_free(&pairs->arena);
}
