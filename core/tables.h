/* What sites and tracks a trace has told of, by the ids it uses for them. */
#ifndef PERFTRACE_CORE_TABLES_H
#define PERFTRACE_CORE_TABLES_H

#include "arena.h"
#include "map.h"
#include "record.h"

struct perftrace_site_entry {
    struct perftrace_site_info info;
    uint32_t group;         /* the same for all sites of one name and target; not 0 */
    uint8_t record_kind;    /* enum perftrace_record_kind, as in the trace */
    uint8_t first_argument; /* where the arguments begin among a record's words */
    uint16_t texts;         /* bits: which arguments are texts */
    uint8_t words;          /* of a record, but for its texts' bytes */
    struct perftrace_argument_info arguments[];
};

struct perftrace_open_span; /* spans.c */
struct perftrace_waiting;   /* merge.c */

/* A track, and where its records stand. */
struct perftrace_track_state {
    struct perftrace_track_info info;

    /* The records that wait, and the first of them (merge.c); chunk is NULL when none do. */
    struct perftrace_waiting *chunk, *last_chunk;
    uint32_t at, words;
    uint64_t base, tick; /* tick: straightened (clock.h) */
    const struct perftrace_site_entry *site;

    /* Open spans, outermost first (spans.c). */
    struct perftrace_open_span *open;
    uint32_t open_count, open_capacity;
    uint64_t last_ns; /* of the last record handed out */

    /* The last chunk that was taken (stream.c). */
    bool any_taken;
    bool gap;       /* records before the next chunk's are missing */
    uint32_t taken; /* up to this byte of segment `sequence` */
    uint64_t sequence;
    uint64_t *lost; /* by cause; NULL: nothing */
};

/* Zero-initialised but for arena.bytes_max is empty. */
struct perftrace_tables {
    struct perftrace_budget *budget; /* for all of it; the arena and the maps have it too */
    struct perftrace_arena arena;
    struct perftrace_shapes shapes;
    struct perftrace_site_entry **site_pages[(1u << PERFTRACE_SITE_BITS) / PERFTRACE_SHAPES_PER_PAGE];
    struct perftrace_site_entry **sites; /* in order of appearance */
    size_t site_count, site_capacity;
    struct perftrace_map groups;
    uint64_t hash_key;                     /* of names in `groups` */
    struct perftrace_track_state **tracks; /* in order of appearance */
    size_t track_count, track_capacity;
    struct perftrace_map tracks_by_id;
    /* The newest: its neighbours in the source often have the same texts. */
    struct perftrace_site_entry *last;
};

/* What became of a block. */
enum perftrace_table_result {
    PERFTRACE_TABLE_ADDED,
    PERFTRACE_TABLE_KNOWN, /* told before */
    PERFTRACE_TABLE_BAD,   /* *why says what makes no sense */
    PERFTRACE_TABLE_FULL,  /* no memory, or the budget is used up */
};
/* The budget is for the arena, the maps and the arrays of pointers beside them. */
void perftrace_tables_limit(struct perftrace_tables *tables, struct perftrace_budget *budget);
enum perftrace_table_result perftrace_tables_add_site(struct perftrace_tables *tables, const void *payload,
                                                      size_t bytes, const char **why);
/* ADDED also when the track got another name; *track is the track unless BAD or FULL. */
enum perftrace_table_result perftrace_tables_add_track(struct perftrace_tables *tables, const void *payload,
                                                       size_t bytes, struct perftrace_track_state **track,
                                                       const char **why);
/* NULL where unknown. */
struct perftrace_track_state *perftrace_tables_track(const struct perftrace_tables *tables, uint32_t id);
/* Where the track's losses are counted; NULL without memory. */
uint64_t *perftrace_tables_losses(struct perftrace_tables *tables, struct perftrace_track_state *track);
/* A track that no block told of. NULL without memory. */
struct perftrace_track_state *perftrace_tables_make_track(struct perftrace_tables *tables, uint32_t id);
void perftrace_tables_free(struct perftrace_tables *tables);

/* The words of a record (not an END) of that site, of which `available` are there; 0: it would have more. */
static inline size_t perftrace_record_length(const struct perftrace_site_entry *site, const uint64_t *words,
                                             size_t available) {
    size_t length = site->words;
    for (unsigned left = site->texts, at = site->first_argument; left != 0; left &= left - 1) {
        size_t text = at + (size_t)__builtin_ctz(left) + (length - site->words);
        if (text >= available)
            return 0;
        length += ((size_t)(uint32_t)words[text] + 7) / 8;
    }
    return length <= available ? length : 0;
}

static inline const struct perftrace_site_entry *perftrace_tables_site(const struct perftrace_tables *tables,
                                                                       uint32_t id) {
    struct perftrace_site_entry **page = tables->site_pages[id / PERFTRACE_SHAPES_PER_PAGE];
    return page == NULL ? NULL : page[id % PERFTRACE_SHAPES_PER_PAGE];
}

#endif
