/* What the events of a Chrome JSON file have in common, each kept once: sites (a name in a category), the names of their
 * arguments, and tracks (a thread of a process). All of it lives as long as the reader. */
#ifndef PERFTRACE_READER_CHROME_JSON_NAMES_H
#define PERFTRACE_READER_CHROME_JSON_NAMES_H

#include "../core/arena.h"
#include "../core/map.h"
#include "chrome_json_text.h"

/* How the name of an argument stands in the file, and which came after it the last time. */
struct perftrace_json_key {
    struct perftrace_json_text raw;
    bool metric;
    uint8_t next;
};

/* arguments[i] (which info.arguments is too) and keys[i] belong together. */
struct perftrace_json_site {
    struct perftrace_site_info info;                   /* first: what items point to */
    struct perftrace_json_text name, category, series; /* as they stand in the file */
    struct perftrace_argument_info *arguments;
    struct perftrace_json_key *keys;
    uint8_t capacity;
    uint8_t first; /* the index of the first argument of the last event */
};

struct perftrace_json_process {
    uint32_t number;            /* from 1, in order of appearance */
    uint32_t pid;               /* 0: it is no such number */
    struct perftrace_text name; /* empty: not known */
};

struct perftrace_json_span;

struct perftrace_json_track {
    struct perftrace_track_info info; /* first: what items point to */
    struct perftrace_json_process *process;
    struct perftrace_text own_name; /* without the process; empty: not known */
    bool named;                     /* `info` is out of date */
    bool fine_times;                /* there are parts of microseconds in its times */
    /* Whether spans that hold others come before or after these, by the X events so far. */
    int64_t last_start_ns, last_end_ns;
    uint32_t outer_first, inner_first;
    int64_t latest_ns;                /* of all times so far */
    struct perftrace_json_open *open; /* the innermost B without an E */
    /* While items are made: the innermost open span, and up to where items have been made. */
    struct perftrace_json_span *top;
    int64_t made_ns;
    bool introduced;
};

struct perftrace_json_slot {
    uint64_t hash;
    struct perftrace_json_site *site; /* NULL: free */
};

enum { PERFTRACE_JSON_RECENT = 256 };

/* Zero-initialised but for `budget` and arena.bytes_max is empty. */
struct perftrace_json_names {
    struct perftrace_arena arena;
    struct perftrace_budget *budget;
    uint64_t hash_key;
    struct perftrace_json_slot *slots;
    size_t slot_count; /* zero or a power of two */
    struct perftrace_json_site *recent[PERFTRACE_JSON_RECENT];
    struct perftrace_json_site **sites;
    size_t site_count, site_capacity;
    struct perftrace_map processes; /* by pid */
    struct perftrace_map by_thread; /* (number of the process, tid) -> track */
    struct perftrace_json_track **tracks;
    size_t track_count, track_capacity;
    size_t process_count;
    /* The last track that was asked for. */
    struct perftrace_json_text last_pid, last_tid;
    char last_ids[72];
    struct perftrace_json_track *last_track;
};

bool perftrace_json_names_open(struct perftrace_json_names *names, struct perftrace_budget *budget,
                               size_t bytes_max);
void perftrace_json_names_free(struct perftrace_json_names *names);

/* All of these return NULL, or a negative number, where there is no room. */

/* Of the kind `kind` (enum perftrace_record_kind) and, of a flow, phase. `series`, which is empty but for counters, is added to the
 * name after a point. */
struct perftrace_json_site *perftrace_json_names_site(struct perftrace_json_names *names, uint8_t kind,
                                                      uint8_t phase, const struct perftrace_json_text *name,
                                                      const struct perftrace_json_text *category,
                                                      const struct perftrace_json_text *series);
/* The index of an argument of the site. `type` is kept if it is the first time. */
int perftrace_json_names_key(struct perftrace_json_names *names, struct perftrace_json_site *site,
                             const struct perftrace_json_text *key, bool metric, uint8_t type);
struct perftrace_json_process *perftrace_json_names_process(struct perftrace_json_names *names,
                                                            const struct perftrace_json_text *pid);
struct perftrace_json_track *perftrace_json_names_track(struct perftrace_json_names *names,
                                                        const struct perftrace_json_text *pid,
                                                        const struct perftrace_json_text *tid);
/* A copy, without backslashes. */
bool perftrace_json_names_text(struct perftrace_json_names *names, const struct perftrace_json_text *text,
                               struct perftrace_text *copy);
/* Brings the name that others see of the track up to date; of one of several processes it begins with the process's. */
bool perftrace_json_names_describe(struct perftrace_json_names *names, struct perftrace_json_track *track);

/* What a number or text identifies: equal ones are the same. */
uint64_t perftrace_json_names_id(const struct perftrace_json_names *names,
                                 const struct perftrace_json_text *text);

#endif
