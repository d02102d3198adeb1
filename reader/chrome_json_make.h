/* Events in order of time -> items: the spans nested by which lies within which, numbered in the order in which they begin. */
#ifndef PERFTRACE_READER_CHROME_JSON_MAKE_H
#define PERFTRACE_READER_CHROME_JSON_MAKE_H

#include "chrome_json_held.h"

struct perftrace_json_pairs;

/* A span between its begin and its end in the order of items. */
struct perftrace_json_span {
    struct perftrace_json_site *site, *parent_site;
    struct perftrace_json_track *track;
    struct perftrace_json_blob *args, *end_args;
    struct perftrace_json_open *open;          /* NULL, once what it waits for is known (but of async ones) */
    struct perftrace_json_span *below, *above; /* on its track; `below` of free ones: the next */
    int64_t start_ns, end_ns;                  /* INT64_MAX: not known */
    int64_t gone_ns;                           /* when its end is handed out */
    uint64_t number, parent_number, children_ns, id;
    uint32_t depth;
    bool async, unfinished, at_end, ending;
};

/* What the rest of a brief call is made of. */
struct perftrace_json_brief {
    struct perftrace_json_site *site, *parent_site;
    const struct perftrace_json_track *track;
    const struct perftrace_json_blob *args, *end_args;
};

enum { PERFTRACE_JSON_BRIEFS = 256 };

struct perftrace_json_maker {
    struct perftrace_budget *budget;
    struct perftrace_json_store *store;
    struct perftrace_json_pairs *pairs;
    struct perftrace_arena arena;
    struct perftrace_json_span *free;
    size_t span_count; /* that there is memory of, free or not */
    size_t spans_max;  /* from so many on, those that end have to make room */
    struct perftrace_json_span *
        *heap; /* those whose end is known, the next to end on top: there is room for all spans */
    size_t heap_count, heap_capacity;
    uint64_t numbers; /* given so far */
    int64_t base_ns;  /* time 0 of the items: that of the file, or its first one if that is before */
    bool based;
    struct perftrace_value *values;
    size_t value_capacity;
    uint64_t values_of; /* the number of the span whose parameters they are */
    struct perftrace_call call;
    struct perftrace_item item;
    uint64_t keys[2];  /* of brief calls */
    bool no_room;      /* memory ran out: nothing more comes */
    uint64_t overlaps; /* spans that overlap others of their thread without being within them */
    uint64_t late;     /* events that came too late to be put in order */
    uint64_t left_out; /* spans that there was no room for among those that have not ended */
};

/* Whether there is room for one more span that has begun and not ended. If not, one that ends makes room, out of its turn. */
bool perftrace_json_make_room(struct perftrace_json_maker *maker);

/* The end of a span that is over at `ns`; NULL: there is none. */
const struct perftrace_item *perftrace_json_make_end(struct perftrace_json_maker *maker, int64_t ns);
/* The item of an event; takes over what it holds. NULL: there was no room for a span (left_out), or no memory (no_room). */
const struct perftrace_item *perftrace_json_make(struct perftrace_json_maker *maker,
                                                 const struct perftrace_json_held *held);
const struct perftrace_item *perftrace_json_make_track(struct perftrace_json_maker *maker,
                                                       struct perftrace_json_track *track);
/* The end of a span that has been begun became known: see its `open`. */
void perftrace_json_make_ending(struct perftrace_json_maker *maker, struct perftrace_json_span *span);

/* ---- calls in brief (perftrace_reader_calls): ends only ---- */

/* As perftrace_json_make for who wants no items: only what has to be known of it for the ends. */
void perftrace_json_pass(struct perftrace_json_maker *maker, const struct perftrace_json_held *held);
/* The end of a span that is over at `ns`. False: there is none. What `brief` points to stays until something is packed. */
bool perftrace_json_make_brief(struct perftrace_json_maker *maker, int64_t ns, struct perftrace_call *call,
                               struct perftrace_json_brief *brief);
/* As perftrace_reader_fill. */
void perftrace_json_fill(struct perftrace_json_maker *maker, const struct perftrace_json_brief *brief,
                         struct perftrace_call *call, bool site_known);

void perftrace_json_maker_free(struct perftrace_json_maker *maker);

#endif
