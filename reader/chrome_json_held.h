/* Events that wait until their place in the order of time is certain: what they say, packed, and a list of them to be sorted. */
#ifndef PERFTRACE_READER_CHROME_JSON_HELD_H
#define PERFTRACE_READER_CHROME_JSON_HELD_H

#include "chrome_json_event.h"
#include "chrome_json_names.h"

/* ---- what an event says ----------------------------------------------------------------------------- */

/* The args of an event: for each the index of its name in the site's list, its type, and its value. */
struct perftrace_json_blob {
    const struct perftrace_json_site *site; /* whose names the indices are of */
    uint64_t hash[2];                       /* of the parameters */
    uint32_t block;                         /* where it lies; PERFTRACE_JSON_SEVERAL: among those seen */
    uint32_t parameter_bytes;               /* of `packed`, those of the parameters, which come first */
    uint16_t parameters, metrics;
    bool unfinished; /* the first argument said so, in a file of perftrace's own */
    unsigned char packed[];
};

enum { PERFTRACE_JSON_SEVERAL = UINT32_MAX };

struct perftrace_json_block {
    char *memory;
    size_t capacity;
    uint32_t live; /* blobs that lie in it */
};

/* Blobs lie one after the other in blocks; a block is free when all of its blobs are. */
struct perftrace_json_store {
    struct perftrace_budget *budget;
    struct perftrace_json_block *blocks;
    uint32_t block_count, block_capacity;
    uint32_t current;   /* the block being filled, if there are any */
    size_t used;        /* of it */
    uint32_t free_hint; /* no block below this number is free */
    size_t bytes;       /* of all blocks */
    struct perftrace_json_seen seen;
};

/* Packs the args of an event of the site. *blob is NULL where there are none. `metrics`: so many of the last are metrics
 * (SIZE_MAX: all). Arguments for which there is no room are left out, and counted in *left_out. False without memory. */
static inline bool perftrace_json_pack(struct perftrace_json_store *store, struct perftrace_json_names *names,
                                       struct perftrace_json_site *site,
                                       const struct perftrace_json_event *event, size_t metrics,
                                       struct perftrace_json_blob **blob, uint64_t *left_out);
/* The same of one value, for a counter: the argument is called `key`. */
bool perftrace_json_pack_one(struct perftrace_json_store *store, struct perftrace_json_names *names,
                             struct perftrace_json_site *site, const struct perftrace_json_text *key,
                             const struct perftrace_json_text *text, struct perftrace_json_blob **blob);
/* The values, whose texts lie in the blob; `values` has room for parameters + metrics. */
void perftrace_json_unpack(const struct perftrace_json_blob *blob, struct perftrace_value *values);
/* NULL: nothing happens. The bytes stay until something is packed. */
static inline void perftrace_json_release(struct perftrace_json_store *store,
                                          struct perftrace_json_blob *blob);
void perftrace_json_store_free(struct perftrace_json_store *store);

/* Args that are not known yet, at least not of this site, and a blob in that block: see above. */
bool perftrace_json_pack_more(struct perftrace_json_store *store, struct perftrace_json_names *names,
                              struct perftrace_json_site *site, const struct perftrace_json_event *event,
                              size_t metrics, struct perftrace_json_blob **blob, uint64_t *left_out);
void perftrace_json_release_own(struct perftrace_json_store *store, uint32_t block);

static inline bool perftrace_json_pack(struct perftrace_json_store *store, struct perftrace_json_names *names,
                                       struct perftrace_json_site *site,
                                       const struct perftrace_json_event *event, size_t metrics,
                                       struct perftrace_json_blob **blob, uint64_t *left_out) {
    *blob = NULL;
    if (event->args == NULL || (event->all_listed && event->listed == 0))
        return true;
    const struct perftrace_json_seen_args *seen = event->hashed && !event->own ? event->seen : NULL;
    if (seen == NULL || seen->site != site || seen->metrics != (metrics != 0) || seen->blob == NULL)
        return perftrace_json_pack_more(store, names, site, event, metrics, blob, left_out);
    *blob = seen->blob;
    return true;
}

static inline void perftrace_json_release(struct perftrace_json_store *store,
                                          struct perftrace_json_blob *blob) {
    if (blob != NULL && blob->block != PERFTRACE_JSON_SEVERAL)
        perftrace_json_release_own(store, blob->block);
}

/* ---- what waits ------------------------------------------------------------------------------------- */

enum perftrace_json_held_kind {
    PERFTRACE_JSON_SPAN,  /* whole */
    PERFTRACE_JSON_OPEN,  /* its end is not known yet: `open` */
    PERFTRACE_JSON_ASYNC, /* likewise; where its end is known, `open` says when */
    PERFTRACE_JSON_EVENT,
    PERFTRACE_JSON_COUNTER,
    PERFTRACE_JSON_FLOW, /* `id` */
};

enum { PERFTRACE_JSON_SWEPT = UINT32_MAX };

/* A span that was begun by an event of its own, as long as it waits for its end, and an async one until it has been handed out. */
struct perftrace_json_open {
    /* Begun before it, on its track or with its id; of free ones the next. */
    struct perftrace_json_open *below;
    struct perftrace_json_site *site;
    struct perftrace_json_track *track, *end_track;
    struct perftrace_json_blob *args, *end_args;
    struct perftrace_json_span *span; /* once it is being handed out */
    int64_t start_ns, end_ns;
    uint64_t id;
    uint32_t held; /* its index in the list, or PERFTRACE_JSON_SWEPT */
    bool async, ended, unfinished, at_end;
};

struct perftrace_json_held {
    int64_t start_ns, end_ns;
    union {
        struct perftrace_json_blob *args;
        struct perftrace_json_open *open;
        uint64_t id;
    };
    struct perftrace_json_blob *end_args;
    struct perftrace_json_site *site;
    struct perftrace_json_track *track;
    uint32_t order; /* in the file, among those that are held; of a free place the next free one */
    uint8_t kind;   /* enum perftrace_json_held_kind */
    bool unfinished, at_end;
};

/* By what they are sorted, as that is shorter than they are: they stay where they are. */
struct perftrace_json_when {
    int64_t start_ns;
    uint32_t held; /* its place */
};

struct perftrace_json_list {
    struct perftrace_budget *budget;
    struct perftrace_json_held *held;
    struct perftrace_json_when *keys; /* of those that wait: the sorted ones, then the others as they came */
    struct perftrace_json_when *room; /* as much again, for sorting */
    uint32_t count, sorted, capacity;
    uint32_t settled; /* so many of the sorted ones are in order also among those that begin together */
    uint32_t places,
        free;       /* those that were ever in use; the first free one of these, or PERFTRACE_JSON_SWEPT */
    uint32_t order; /* of the next one */
};

/* What one that waits takes. */
#define PERFTRACE_JSON_HELD_BYTES                                                                            \
    (sizeof(struct perftrace_json_held) + 2 * sizeof(struct perftrace_json_when))

/* Room for one more, which begins at `start_ns`; NULL where there is none. It may move when the next is added. */
struct perftrace_json_held *perftrace_json_list_add(struct perftrace_json_list *list, int64_t start_ns);
/* By time. */
void perftrace_json_list_sort(struct perftrace_json_list *list);
/* The one at `at` once they are sorted; to be asked for one after the other. Of those that begin together on one track a span
 * that holds another comes first; where they are the same, the file's order tells, by what is known of the track. */
static inline struct perftrace_json_held *perftrace_json_list_at(struct perftrace_json_list *list,
                                                                 uint32_t at);
/* What it held has been taken over: its place is free for another. */
static inline void perftrace_json_list_give(struct perftrace_json_list *list,
                                            struct perftrace_json_held *held) {
    held->order = list->free;
    list->free = (uint32_t)(held - list->held);
}
/* Takes the first ones, whose places have been given back, off the list. */
void perftrace_json_list_drop(struct perftrace_json_list *list, uint32_t count);
void perftrace_json_list_free(struct perftrace_json_list *list);

/* Puts those that begin together with the one at `at` in order. */
void perftrace_json_list_settle(struct perftrace_json_list *list, uint32_t at);

static inline struct perftrace_json_held *perftrace_json_list_at(struct perftrace_json_list *list,
                                                                 uint32_t at) {
    enum { AHEAD = 12 };
    if (at >= list->settled)
        perftrace_json_list_settle(list, at);
    if (list->count - at > AHEAD)
        __builtin_prefetch(&list->held[list->keys[at + AHEAD].held]);
    return &list->held[list->keys[at].held];
}

#endif
