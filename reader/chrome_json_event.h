/* One event of Chrome's Trace Event Format, from its `{` to its `}`: which members it has, and where they stand. The format:
 * "Trace Event Format", Google, 2016 (Nat Duca, Dean Sinclair). */
#ifndef PERFTRACE_READER_CHROME_JSON_EVENT_H
#define PERFTRACE_READER_CHROME_JSON_EVENT_H

#include "chrome_json_seen.h"

/* A member that is a time. */
struct perftrace_json_ns {
    int64_t ns;
    bool there; /* and makes sense */
    bool wrong; /* it stands there, but is no time */
    bool whole; /* in microseconds, without a part of one */
};

/* One of the args: a text that is an object or an array counts as quoted. */
struct perftrace_json_argument {
    struct perftrace_json_text key, text;
};

enum { PERFTRACE_JSON_LISTED_ARGS = 24 };

/* Texts that are missing are empty. Where a member stands twice the last one counts, as in JavaScript. */
struct perftrace_json_event {
    char phase; /* 0: none, so that this is an object of another kind */
    bool own;   /* there is a member `metrics`: perftrace wrote it */
    struct perftrace_json_ns start, duration;
    struct perftrace_json_text name, category, pid, tid, id, scope;
    uint64_t ids; /* other events with this number have the same pid and tid; 0: nothing is known of that */
    uint8_t ids_taken;    /* while it is read */
    bool local_id;        /* `id` is one of its process only (id2.local) */
    const char *args;     /* a value of any kind, mostly an object; NULL: there are none */
    const char *args_end; /* behind it */
    uint64_t metrics;     /* so many of the last args are metrics */
    bool hashed;          /* args that are an object: `hash` is of how they stand there */
    uint64_t hash[2];
    struct perftrace_json_seen_args *seen; /* where args of that hash are; NULL: they did not come before */
    unsigned listed; /* args that are an object, as far as they are not too many nor known already … */
    bool all_listed; /* … which are all of them */
    struct perftrace_json_argument list[PERFTRACE_JSON_LISTED_ARGS];
};

/* The pid and tid that came last, as far as they were numbers of a few digits: `length`, and the byte behind them. */
struct perftrace_json_ids {
    struct perftrace_json_id {
        char bytes[16];
        uint32_t length; /* 0: there was none */
    } pid, tid;
    uint64_t changes; /* so many times one of them was another than before */
};

/* Reads the object at *at, which is a `{`. *at is then behind it, or (where something is wrong) there. `ids` are those of the events
 * before, and then of this one. Args that are in `seen` (NULL: there are none such) are not read again. */
enum perftrace_json_step perftrace_json_event_read(const char **at, const char *end,
                                                   struct perftrace_json_ids *ids,
                                                   struct perftrace_json_seen *seen,
                                                   struct perftrace_json_event *event);

#endif
