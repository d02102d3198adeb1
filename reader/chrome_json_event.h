/* One event of Chrome's Trace Event Format, from its `{` to its `}`: which members it has, and where they stand. The format:
 * "Trace Event Format", Google, 2016 (Nat Duca, Dean Sinclair). */
#ifndef PERFTRACE_READER_CHROME_JSON_EVENT_H
#define PERFTRACE_READER_CHROME_JSON_EVENT_H

#include "chrome_json_text.h"

/* A member that is a time. */
struct perftrace_json_ns {
    int64_t ns;
    bool there; /* and makes sense */
    bool wrong; /* it stands there, but is no time */
    bool whole; /* in microseconds, without a part of one */
};

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
};

/* Reads the object at *at, which is a `{`. *at is then behind it, or (where something is wrong) there. */
enum perftrace_json_step perftrace_json_event_read(const char **at, const char *end,
                                                   struct perftrace_json_event *event);

/* Steps through the members of the object whose `{` stands before *at: 1 with *key and *at at the value (to be stepped over by
 * the caller), 0 behind the last, -1: *at is where it went wrong or ended. `first` is to be true for the first one. */
int perftrace_json_member(const char **at, const char *end, bool *first, struct perftrace_json_text *key);

#endif
