/* Which end belongs to which begin: B and E of a thread, b and e (S and F) of an id.
 *
 * The innermost open span of the same name is the one that ends; those within it were jumped out of. Ends that come before their
 * begins, as threads' pieces of a file may stand in any order, are kept until all has been read, and then matched by time. */
#ifndef PERFTRACE_READER_CHROME_JSON_PAIRS_H
#define PERFTRACE_READER_CHROME_JSON_PAIRS_H

#include "chrome_json_held.h"

struct perftrace_json_maker;

struct perftrace_json_stray;

struct perftrace_json_pairs {
    struct perftrace_budget *budget;
    struct perftrace_json_list *list;
    struct perftrace_json_store *store;
    struct perftrace_json_maker *maker; /* of spans that are being handed out */
    struct perftrace_arena arena;
    struct perftrace_json_open *free;
    struct perftrace_map by_id; /* the innermost open one with this id */
    struct perftrace_json_stray *strays;
    size_t stray_count, stray_capacity;
    uint64_t unmatched;        /* ends without a begin, in all */
    uint64_t unmatched_offset; /* where the first one stands */
};

/* What ends, or begins. */
struct perftrace_json_mark {
    struct perftrace_json_track *track;
    struct perftrace_json_site *site; /* of a begin, and of an end that matches nothing */
    struct perftrace_json_text name;  /* of an end; empty: it has none */
    int64_t ns;
    uint64_t offset; /* in the file */
    bool async;
    uint64_t group; /* of async ones: what those with the same id share … */
    uint64_t id;    /* … and what is told of it */
    struct perftrace_json_blob *args;
};

/* Both take over mark->args. False where there is no room. `open` is what perftrace_json_pairs_match has given. */
bool perftrace_json_pairs_begin(struct perftrace_json_pairs *pairs, const struct perftrace_json_mark *mark);
bool perftrace_json_pairs_end(struct perftrace_json_pairs *pairs, const struct perftrace_json_mark *mark,
                              struct perftrace_json_open *open);
/* What an end ends; NULL: nothing that has come yet. */
struct perftrace_json_open *perftrace_json_pairs_match(const struct perftrace_json_pairs *pairs,
                                                       const struct perftrace_json_mark *mark);

/* After the last event: matches what is left, and ends what has no end at the last time known of its track. */
void perftrace_json_pairs_finish(struct perftrace_json_pairs *pairs, struct perftrace_json_names *names);
/* A span that has been handed out. */
void perftrace_json_pairs_done(struct perftrace_json_pairs *pairs, struct perftrace_json_open *open);
void perftrace_json_pairs_free(struct perftrace_json_pairs *pairs);

#endif
