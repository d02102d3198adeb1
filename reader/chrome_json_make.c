/* Events in order of time -> items. */
#include "chrome_json_make.h"

#include "../core/hash.h"
#include "chrome_json_pairs.h"

#include <stdlib.h>
#include <string.h>

enum {
    /* Times in whole microseconds are often cut off, not rounded: a span may then seem to end up to one later than the one
     * that holds it. Others are rounded to the nanosecond, twice. */
    SLACK_WHOLE_NS = 1000,
    SLACK_FINE_NS = 2,
    LOOK_AROUND_MAX = 256, /* so many open spans are looked at for one that holds another */
};

/* ---- the spans that end next ------------------------------------------------------------------------ */

/* Of those that end together the one that began last comes first: it lies within the others. */
static bool ends_before(const struct perftrace_json_span *a, const struct perftrace_json_span *b) {
    return a->gone_ns != b->gone_ns ? a->gone_ns < b->gone_ns : a->number > b->number;
}

static void heap_put(struct perftrace_json_maker *maker, struct perftrace_json_span *span) {
    size_t at = maker->heap_count++;
    while (at > 0 && ends_before(span, maker->heap[(at - 1) / 2])) {
        maker->heap[at] = maker->heap[(at - 1) / 2];
        at = (at - 1) / 2;
    }
    maker->heap[at] = span;
}

static struct perftrace_json_span *heap_take(struct perftrace_json_maker *maker) {
    struct perftrace_json_span *first = maker->heap[0], *last = maker->heap[--maker->heap_count];
    size_t at = 0, count = maker->heap_count;
    for (size_t child; (child = 2 * at + 1) < count; at = child) {
        if (child + 1 < count && ends_before(maker->heap[child + 1], maker->heap[child]))
            child++;
        if (!ends_before(maker->heap[child], last))
            break;
        maker->heap[at] = maker->heap[child];
    }
    maker->heap[at] = last;
    return first;
}

/* ---- items ----------------------------------------------------------------------------------------- */

/* Never 0, which would say that the time is not known: what is at the very beginning comes a nanosecond later. */
static uint64_t time_of(const struct perftrace_json_maker *maker, int64_t ns) {
    return ns > maker->base_ns ? (uint64_t)ns - (uint64_t)maker->base_ns : 1;
}

static struct perftrace_item *start_item(struct perftrace_json_maker *maker, enum perftrace_item_kind kind,
                                         int64_t ns, const struct perftrace_json_site *site,
                                         const struct perftrace_json_track *track) {
    struct perftrace_item *item = &maker->item;
    *item = (struct perftrace_item){.kind = kind,
                                    .time_ns = time_of(maker, ns),
                                    .site = site == NULL ? NULL : &site->info,
                                    .track = &track->info,
                                    .values = maker->values};
    return item;
}

/* Unpacks behind the `before` values that are there. False without memory. */
static bool unpack(struct perftrace_json_maker *maker, const struct perftrace_json_blob *blob,
                   size_t before) {
    if (blob == NULL)
        return true;
    size_t count = before + blob->parameters + blob->metrics;
    if (count > maker->value_capacity) {
        size_t wanted = count + count / 2 + 16;
        struct perftrace_value *values = realloc(maker->values, wanted * sizeof *values);
        if (values == NULL) {
            maker->no_room = true;
            return false;
        }
        maker->values = values;
        maker->value_capacity = wanted;
    }
    perftrace_json_unpack(blob, maker->values + before);
    return true;
}

static const struct perftrace_item *describe(struct perftrace_json_maker *maker,
                                             const struct perftrace_json_span *span, bool at_begin) {
    const struct perftrace_json_blob *args = span->args, *more = at_begin ? NULL : span->end_args;
    size_t here = args == NULL ? 0 : (size_t)args->parameters + args->metrics;
    if (maker->values_of != span->number && !unpack(maker, args, 0))
        return NULL;
    if (!unpack(maker, more, here))
        return NULL;
    maker->values_of = span->number;
    struct perftrace_call *call = &maker->call;
    *call = (struct perftrace_call){.number = span->number,
                                    .parent_number = span->parent_number,
                                    .site = &span->site->info,
                                    .caller = {"unknown", 7},
                                    .track = &span->track->info,
                                    .start_ns = time_of(maker, span->start_ns),
                                    .depth = span->depth,
                                    .async = span->async,
                                    .parameter_count = args == NULL ? 0 : args->parameters,
                                    .parameters = maker->values,
                                    .metrics = maker->values};
    if (span->parent_site != NULL) {
        call->parent_site = &span->parent_site->info;
        call->caller = call->parent_site->name;
    }
    if (!at_begin) {
        call->elapsed_ns = (uint64_t)span->end_ns - (uint64_t)span->start_ns;
        call->children_ns = span->children_ns;
        call->unfinished = span->unfinished;
        call->at_end = span->at_end;
        call->metric_count = here - call->parameter_count + (more == NULL ? 0 : more->metrics);
        call->metrics = maker->values + call->parameter_count;
    }
    enum perftrace_item_kind kind = span->async
                                        ? at_begin ? PERFTRACE_ITEM_ASYNC_BEGIN : PERFTRACE_ITEM_ASYNC_END
                                    : at_begin ? PERFTRACE_ITEM_SPAN_BEGIN
                                               : PERFTRACE_ITEM_SPAN_END;
    const struct perftrace_json_track *track =
        !at_begin && span->open != NULL && span->open->end_track != NULL ? span->open->end_track
                                                                         : span->track;
    struct perftrace_item *item =
        start_item(maker, kind, at_begin ? span->start_ns : span->gone_ns, span->site, track);
    item->call = call;
    item->id = span->id;
    return item;
}

const struct perftrace_item *perftrace_json_make_track(struct perftrace_json_maker *maker,
                                                       struct perftrace_json_track *track) {
    track->introduced = true;
    int64_t ns = track->made_ns == INT64_MIN ? maker->base_ns : track->made_ns;
    return start_item(maker, PERFTRACE_ITEM_TRACK, ns, NULL, track);
}

/* ---- ends ------------------------------------------------------------------------------------------ */

static void unlink_span(struct perftrace_json_span *span) {
    if (span->above != NULL)
        span->above->below = span->below;
    else if (span->track->top == span)
        span->track->top = span->below;
    if (span->below != NULL)
        span->below->above = span->above;
}

/* The next span to end, if it is over at `ns`, out of the heap and off its track's stack; else NULL. */
static struct perftrace_json_span *take_end(struct perftrace_json_maker *maker, int64_t ns) {
    if (maker->heap_count == 0 || maker->heap[0]->gone_ns > ns)
        return NULL;
    struct perftrace_json_span *span = heap_take(maker);
    if (span->gone_ns > span->track->made_ns)
        span->track->made_ns = span->gone_ns;
    if (!span->async) {
        if (span->below != NULL)
            span->below->children_ns += (uint64_t)span->end_ns - (uint64_t)span->start_ns;
        unlink_span(span);
    }
    return span;
}

/* It has been handed out. */
static void let_go(struct perftrace_json_maker *maker, struct perftrace_json_span *span) {
    perftrace_json_release(maker->store, span->args);
    perftrace_json_release(maker->store, span->end_args);
    if (span->open != NULL)
        perftrace_json_pairs_done(maker->pairs, span->open);
    span->below = maker->free;
    maker->free = span;
}

const struct perftrace_item *perftrace_json_make_end(struct perftrace_json_maker *maker, int64_t ns) {
    struct perftrace_json_span *span = take_end(maker, ns);
    if (span == NULL)
        return NULL;
    const struct perftrace_item *item = describe(maker, span, false);
    let_go(maker, span);
    return item;
}

void perftrace_json_make_ending(struct perftrace_json_maker *maker, struct perftrace_json_span *span) {
    const struct perftrace_json_open *open = span->open;
    span->end_ns = open->end_ns;
    span->end_args = open->end_args;
    span->unfinished = open->unfinished;
    span->at_end = open->at_end;
    span->gone_ns = open->end_ns > span->track->made_ns || span->async ? open->end_ns : span->track->made_ns;
    /* What lies within it has to end first. A span whose end is known ends after those within it in turn, unless theirs became known later. */
    unsigned looked = 0;
    for (const struct perftrace_json_span *above = span->above;
         above != NULL && !span->async && looked < LOOK_AROUND_MAX; above = above->above) {
        if (above->gone_ns != INT64_MAX && above->gone_ns > span->gone_ns)
            span->gone_ns = above->gone_ns;
        looked += looked > 0 || above->gone_ns != INT64_MAX;
    }
    heap_put(maker, span);
}

/* ---- begins ---------------------------------------------------------------------------------------- */

static bool grow_heap(struct perftrace_json_maker *maker) {
    size_t wanted = maker->heap_capacity == 0 ? 64 : maker->heap_capacity * 2;
    size_t more = (wanted - maker->heap_capacity) * sizeof *maker->heap;
    if (!perftrace_budget_take(maker->budget, more))
        return false;
    struct perftrace_json_span **heap = realloc(maker->heap, wanted * sizeof *heap);
    if (heap == NULL) {
        perftrace_budget_give(maker->budget, more);
        return false;
    }
    maker->heap = heap;
    maker->heap_capacity = wanted;
    return true;
}

bool perftrace_json_make_room(struct perftrace_json_maker *maker) {
    if (maker->free != NULL || (maker->span_count >= maker->spans_max && maker->heap_count > 0))
        return maker->free != NULL;
    maker->arena.budget = maker->budget;
    maker->arena.bytes_max = SIZE_MAX;
    if (maker->span_count == maker->heap_capacity && !grow_heap(maker))
        return false;
    maker->free = perftrace_arena_take(&maker->arena, sizeof *maker->free);
    maker->span_count += maker->free != NULL;
    return maker->free != NULL;
}

/* There is no room for it: it is left out, and its end, when that comes. */
static void leave_out(struct perftrace_json_maker *maker, const struct perftrace_json_held *held) {
    maker->left_out++;
    if (held->kind == PERFTRACE_JSON_SPAN) {
        perftrace_json_release(maker->store, held->args);
        perftrace_json_release(maker->store, held->end_args);
        return;
    }
    struct perftrace_json_open *open = held->open;
    perftrace_json_release(maker->store, open->args);
    open->held = PERFTRACE_JSON_SWEPT;
    if (!open->ended)
        return;
    perftrace_json_release(maker->store, open->end_args);
    perftrace_json_pairs_done(maker->pairs, open);
}

/* Whether what ends at `end_ns` lies within it, having begun in it. */
static bool holds(const struct perftrace_json_span *span, int64_t end_ns) {
    int64_t slack = span->track->fine_times ? SLACK_FINE_NS : SLACK_WHOLE_NS;
    return span->end_ns == INT64_MAX || end_ns <= span->end_ns + slack;
}

/* The innermost open span of the track that holds it. */
static struct perftrace_json_span *holder(const struct perftrace_json_track *track, int64_t end_ns) {
    struct perftrace_json_span *span = track->top;
    for (unsigned i = 0; span != NULL && !holds(span, end_ns); i++, span = span->below)
        if (i == LOOK_AROUND_MAX)
            return NULL;
    return span;
}

/* Gives the span its number and its parent, and a place among those that are open. */
static void place(struct perftrace_json_maker *maker, struct perftrace_json_span *span,
                  struct perftrace_json_span *parent) {
    span->number = ++maker->numbers;
    if (parent != NULL) {
        span->parent_site = parent->site;
        span->parent_number = parent->number;
        span->depth = parent->depth + 1;
    }
    if (!span->async) {
        span->below = span->track->top;
        if (span->below != NULL)
            span->below->above = span;
        span->track->top = span;
    }
    if (span->end_ns == INT64_MAX)
        return;
    span->gone_ns =
        !span->async && parent != NULL && parent->gone_ns < span->end_ns ? parent->gone_ns : span->end_ns;
    heap_put(maker, span);
}

/* NULL without room. */
static struct perftrace_json_span *begin(struct perftrace_json_maker *maker,
                                         const struct perftrace_json_held *held, bool late) {
    if (!perftrace_json_make_room(maker)) {
        leave_out(maker, held);
        return NULL;
    }
    struct perftrace_json_span *span = maker->free;
    maker->free = span->below;
    struct perftrace_json_track *track = held->track;
    *span = (struct perftrace_json_span){.site = held->site,
                                         .track = track,
                                         .start_ns = held->start_ns,
                                         .end_ns = held->end_ns,
                                         .gone_ns = INT64_MAX};
    struct perftrace_json_span *parent = track->top;
    if (held->kind == PERFTRACE_JSON_SPAN) {
        span->args = held->args;
        span->end_args = held->end_args;
        span->unfinished = held->unfinished;
        span->at_end = held->at_end;
        parent = holder(track, held->end_ns);
        span->async = late || parent != track->top;
        span->id = (maker->numbers + 1) | UINT64_C(1) << 63;
        maker->overlaps += !late && span->async;
    } else {
        struct perftrace_json_open *open = held->open;
        span->open = open;
        span->args = open->args;
        span->end_args = open->end_args;
        span->end_ns = open->end_ns;
        span->unfinished = open->unfinished;
        span->at_end = open->at_end;
        span->async = open->async;
        span->id = open->id;
        open->span = span;
        open->held = PERFTRACE_JSON_SWEPT;
    }
    if (span->args != NULL && span->args->unfinished)
        span->unfinished = span->at_end = true;
    place(maker, span, parent);
    return span;
}

static const struct perftrace_item *instant(struct perftrace_json_maker *maker,
                                            const struct perftrace_json_held *held) {
    static const enum perftrace_item_kind flows[] = {PERFTRACE_ITEM_FLOW_BEGIN, PERFTRACE_ITEM_FLOW_BEGIN,
                                                     PERFTRACE_ITEM_FLOW_STEP, PERFTRACE_ITEM_FLOW_END};
    if (held->kind == PERFTRACE_JSON_FLOW) {
        struct perftrace_item *item =
            start_item(maker, flows[held->site->info.phase & 3], held->start_ns, held->site, held->track);
        item->id = held->id;
        return item;
    }
    maker->values_of = 0;
    if (!unpack(maker, held->args, 0))
        return NULL;
    enum perftrace_item_kind kind =
        held->kind == PERFTRACE_JSON_COUNTER ? PERFTRACE_ITEM_COUNTER : PERFTRACE_ITEM_EVENT;
    struct perftrace_item *item = start_item(maker, kind, held->start_ns, held->site, held->track);
    if (held->args != NULL)
        item->value_count = (size_t)held->args->parameters + held->args->metrics;
    perftrace_json_release(maker->store, held->args);
    return item;
}

/* Whether the event comes too late for its place on its track. */
static bool see_place(struct perftrace_json_maker *maker, const struct perftrace_json_held *held) {
    struct perftrace_json_track *track = held->track;
    bool late = held->start_ns < track->made_ns;
    if (late)
        maker->late++;
    else
        track->made_ns = held->start_ns;
    return late;
}

const struct perftrace_item *perftrace_json_make(struct perftrace_json_maker *maker,
                                                 const struct perftrace_json_held *held) {
    bool late = see_place(maker, held);
    if (held->kind > PERFTRACE_JSON_ASYNC)
        return instant(maker, held);
    const struct perftrace_json_span *span = begin(maker, held, late);
    return span == NULL ? NULL : describe(maker, span, true);
}

/* ---- calls in brief -------------------------------------------------------------------------------- */

void perftrace_json_pass(struct perftrace_json_maker *maker, const struct perftrace_json_held *held) {
    bool late = see_place(maker, held);
    if (held->kind <= PERFTRACE_JSON_ASYNC)
        begin(maker, held, late);
    else if (held->kind != PERFTRACE_JSON_FLOW)
        perftrace_json_release(maker->store, held->args);
}

/* What stands for site, caller and parameters. */
static void make_key(const struct perftrace_json_maker *maker, const struct perftrace_json_span *span,
                     uint64_t key[2]) {
    uint64_t sites = (uint64_t)span->site->info.id << 32;
    sites |= span->parent_site == NULL ? 0 : span->parent_site->info.id;
    const struct perftrace_json_blob *args = span->args;
    bool any = args != NULL && args->parameter_bytes > 0;
    for (unsigned i = 0; i < 2; i++)
        key[i] = perftrace_hash_number(maker->keys[i] ^ (any ? args->hash[i] : 0), sites);
}

bool perftrace_json_make_brief(struct perftrace_json_maker *maker, int64_t ns, struct perftrace_call *call,
                               struct perftrace_json_brief *brief) {
    struct perftrace_json_span *span = take_end(maker, ns);
    if (span == NULL)
        return false;
    *call = (struct perftrace_call){.number = span->number,
                                    .parent_number = span->parent_number,
                                    .start_ns = time_of(maker, span->start_ns),
                                    .elapsed_ns = (uint64_t)span->end_ns - (uint64_t)span->start_ns,
                                    .children_ns = span->children_ns,
                                    .depth = span->depth,
                                    .unfinished = span->unfinished,
                                    .at_end = span->at_end,
                                    .async = span->async,
                                    .brief = true};
    make_key(maker, span, call->key);
    *brief = (struct perftrace_json_brief){.site = span->site,
                                           .parent_site = span->parent_site,
                                           .track = span->track,
                                           .args = span->args,
                                           .end_args = span->end_args};
    let_go(maker, span);
    return true;
}

void perftrace_json_fill(struct perftrace_json_maker *maker, const struct perftrace_json_brief *brief,
                         struct perftrace_call *call, bool site_known) {
    const struct perftrace_json_blob *args = brief->args, *more = brief->end_args;
    size_t parameters = args == NULL ? 0 : args->parameters,
           here = args == NULL ? 0 : parameters + args->metrics;
    call->brief = false;
    call->site = &brief->site->info;
    call->track = &brief->track->info;
    bool metrics = here > parameters || more != NULL;
    if ((!site_known || metrics) && (!unpack(maker, args, 0) || !unpack(maker, more, here)))
        return;
    call->metric_count = here - parameters + (more == NULL ? 0 : more->metrics);
    call->metrics = maker->values + parameters;
    if (site_known)
        return;
    call->parameter_count = parameters;
    call->parameters = maker->values;
    call->parent_site = brief->parent_site == NULL ? NULL : &brief->parent_site->info;
    call->caller =
        brief->parent_site == NULL ? (struct perftrace_text){"unknown", 7} : call->parent_site->name;
}

void perftrace_json_maker_free(struct perftrace_json_maker *maker) {
    perftrace_arena_free(&maker->arena);
    free(maker->heap);
    free(maker->values);
}
