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
    bool local_id;        /* `id` is one of its process only (id2.local) */
    const char *args;     /* a value of any kind, mostly an object; NULL: there are none */
    const char *args_end; /* behind it */
    uint64_t metrics;     /* so many of the last args are metrics */
    bool hashed;          /* args that are an object: `hash` is of how they stand there */
    uint64_t hash[2];
    unsigned listed; /* args that are an object, as far as they are not too many nor known already … */
    bool all_listed; /* … which are all of them */
    struct perftrace_json_argument list[PERFTRACE_JSON_LISTED_ARGS];
};

/* Reads the object at *at, which is a `{`. *at is then behind it, or (where something is wrong) there. Args that are in `seen`
 * (NULL: there are none such) are not read again. */
enum perftrace_json_step perftrace_json_event_read(const char **at, const char *end,
                                                   struct perftrace_json_seen *seen,
                                                   struct perftrace_json_event *event);

#endif
