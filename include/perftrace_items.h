/* What a trace or a log says, as values in memory: the vocabulary of the reading API. Included by
 * perftrace_reader.h; a program that only records never sees it.
 *
 * Ownership: everything an item points to belongs to whoever handed the item out and is valid until the
 * next item is asked for, except sites, arguments and tracks, which live as long as the reader does.
 * Texts are `length` bytes of anything (they need not be UTF-8 and may contain zeros), and are followed
 * by a zero byte. Times are CLOCK_MONOTONIC nanoseconds of the traced machine unless said otherwise. */
#ifndef PERFTRACE_ITEMS_H
#define PERFTRACE_ITEMS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Bytes with a length; `bytes` is never NULL and bytes[length] is zero. */
struct perftrace_text {
    const char *bytes;
    size_t length;
};

/* What can go wrong when a trace is opened or read; functions return these negated. */
enum perftrace_error {
    PERFTRACE_OK = 0,
    PERFTRACE_ERROR_ARGUMENT = 1, /* a caller's mistake */
    PERFTRACE_ERROR_SYSTEM = 2,   /* a system call failed: the message says which, and errno */
    PERFTRACE_ERROR_MEMORY = 3,
    PERFTRACE_ERROR_FORMAT = 4,  /* neither a trace nor a log, or damaged beyond use */
    PERFTRACE_ERROR_VERSION = 5, /* a newer format than this reader knows */
    PERFTRACE_ERROR_BUSY = 6,    /* already initialised, or at work elsewhere */
};

/* Where and why. `message` is one sentence without newline. */
struct perftrace_error_info {
    enum perftrace_error code;
    uint64_t byte_offset; /* in the input */
    uint64_t line;        /* in a log, from 1; 0 when it is not text */
    char message[256];
};

enum perftrace_item_type {
    PERFTRACE_TYPE_SIGNED = 1,   /* .i */
    PERFTRACE_TYPE_UNSIGNED = 2, /* .u */
    PERFTRACE_TYPE_DOUBLE = 3,   /* .d */
    PERFTRACE_TYPE_BOOLEAN = 4,  /* .u, 0 or 1 */
    PERFTRACE_TYPE_STRING = 5,   /* .text */
    PERFTRACE_TYPE_ADDRESS = 6,  /* .u */
};

/* One argument of a site. */
struct perftrace_argument_info {
    struct perftrace_text name;
    uint8_t type; /* enum perftrace_item_type */
    bool metric;  /* else a parameter, part of the signature */
};

/* One place in the source that records; for a log, one function name. */
struct perftrace_site_info {
    uint32_t id;   /* dense, from 1, unique within one reader */
    uint8_t kind;  /* as in the format: 1 span, 3 event, 4 counter, 5 frame, … */
    uint8_t phase; /* of a flow or memory site: 1 begin/allocate, 2 step, 3 end/free */
    uint8_t level; /* 1 error, 2 warn, 3 info, 4 debug, 5 trace; 0 unknown */
    uint8_t argument_count;
    uint32_t line;                                      /* 0 unknown */
    struct perftrace_text name, target, file, function; /* empty when unknown */
    const struct perftrace_argument_info *arguments;
};

enum perftrace_item_track_kind {
    PERFTRACE_ON_THREAD = 1,
    PERFTRACE_ON_GPU = 2,
    PERFTRACE_ON_FIBER = 3,
    PERFTRACE_ON_ASYNC = 4,
};

/* A timeline. */
struct perftrace_track_info {
    uint32_t id;                /* as in the trace; of a log: the value of `thread`, else 0 */
    uint8_t kind;               /* enum perftrace_item_track_kind */
    uint64_t os_id;             /* kernel thread id, or 0 */
    struct perftrace_text name; /* empty: not named */
};

/* A value, with the argument that it belongs to. */
struct perftrace_value {
    const struct perftrace_argument_info *argument;
    uint8_t type; /* enum perftrace_item_type */
    bool cut;     /* the text was longer than the recorder's limit */
    bool null;    /* the text was a null pointer */
    union {
        int64_t i;
        uint64_t u;
        double d;
        struct perftrace_text text;
    };
};

/* A span seen by the analyser. Known at SPAN_BEGIN: everything but elapsed_ns, metrics and flags. */
struct perftrace_call {
    uint64_t number;        /* spans are numbered from 1 in the order in which they began */
    uint64_t parent_number; /* the enclosing span's; 0: none or unknown */
    const struct perftrace_site_info *site;
    const struct perftrace_site_info *parent_site; /* NULL: none or unknown */
    struct perftrace_text caller;                  /* the enclosing span's name, else "unknown" */
    const struct perftrace_track_info *track;
    uint64_t start_ns;    /* 0 in a log */
    uint64_t elapsed_ns;  /* unfinished: up to the last thing known of its track */
    uint64_t children_ns; /* of elapsed_ns, spent in spans directly within it (same track) */
    uint32_t depth;       /* open spans around it on its track */
    bool unfinished;      /* no end was recorded: the program died within it, or jumped out of it */
    bool at_end;          /* and it was still open when the trace ended (not jumped out of) */
    bool milliseconds;    /* elapsed_ns is only known to the millisecond */
    bool async;           /* begun and ended by handle or id: it may overlap others of its track */
    bool brief;           /* from perftrace_reader_calls, and not yet filled: see there */
    bool key_tells_rest;  /* brief, but track, site and metrics are there already */
    size_t parameter_count, metric_count;
    const struct perftrace_value *parameters;
    const struct perftrace_value *metrics;
    uint64_t key[2]; /* both 0: none. See perftrace_reader_calls */
    uint64_t place;  /* the reader's own: where in its memory the rest of a brief call is */
};

enum perftrace_item_kind {
    PERFTRACE_ITEM_SPAN_BEGIN = 1, /* call; not for logs, which tell of a span only at its end */
    PERFTRACE_ITEM_SPAN_END,       /* call */
    PERFTRACE_ITEM_EVENT,          /* values */
    PERFTRACE_ITEM_COUNTER,        /* values[0] */
    PERFTRACE_ITEM_FRAME,
    PERFTRACE_ITEM_ASYNC_BEGIN, /* call, id */
    PERFTRACE_ITEM_ASYNC_END,   /* call, id */
    PERFTRACE_ITEM_FLOW_BEGIN,  /* id */
    PERFTRACE_ITEM_FLOW_STEP,   /* id */
    PERFTRACE_ITEM_FLOW_END,    /* id */
    PERFTRACE_ITEM_ALLOCATE,    /* id (the address), bytes */
    PERFTRACE_ITEM_FREE,        /* id (the address) */
    PERFTRACE_ITEM_TRACK,       /* a track appeared or was named */
};
/* For sets of kinds; and, where it is said what isn't needed, the parameters of SPAN_BEGINs, which their SPAN_ENDs have as well. */
#define PERFTRACE_ITEM_BIT(kind) (UINT32_C(1) << (kind))
#define PERFTRACE_ITEM_BEGIN_PARAMETERS UINT32_C(1)
/* TRACK_SPAN records (caller-supplied times) arrive as a SPAN_BEGIN and a SPAN_END on their track, in
 * order of time on that track where the recorder kept it, TRACK_EVENT and TRACK_COUNTER as EVENT and COUNTER. */

/* One thing that happened. Items come in order of time on each track, and over all tracks as far as the
 * recorder could tell. */
struct perftrace_item {
    enum perftrace_item_kind kind;
    uint64_t time_ns;
    const struct perftrace_site_info *site; /* NULL for TRACK */
    const struct perftrace_track_info *track;
    const struct perftrace_call *call; /* for spans, else NULL */
    uint64_t id;                       /* async, flow, memory */
    uint64_t bytes;                    /* memory */
    size_t value_count;
    const struct perftrace_value *values;
};

/* Who recorded, and how well. Zero or empty where unknown. */
enum { PERFTRACE_LOSS_KINDS = 8 };
struct perftrace_trace_info {
    bool native;   /* a trace: its items have begins, times and children_ns; else a log */
    bool chrome;   /* and that trace is a file of Chrome's trace events (JSON), by anybody; else a .ptrace */
    bool finished; /* the program ended its trace in good order */
    bool live;     /* the program still runs */
    bool crash_safe; /* the rings survived the process */
    bool damaged;    /* some bytes made no sense and were left out */
    uint8_t uuid[16], parent_uuid[16], boot_id[16];
    uint32_t pid, parent_pid;
    uint8_t clock; /* 1 tick counter, 2 clock_gettime */
    struct perftrace_text process_name, executable;
    uint64_t start_realtime_ns, start_monotonic_ns;
    double ticks_per_second;
    uint32_t clock_pairs;
    uint64_t clock_error_ns; /* the widest bracket among the clock readings */
    uint64_t clock_adjusted; /* times that had to be moved so as not to run backwards */
    uint32_t clock_jumps; /* of the tick counter (the machine was suspended or moved); times leave them out */
    /* For so long the machine was suspended meanwhile: CLOCK_MONOTONIC stands still then. */
    uint64_t suspended_ns;
    int64_t realtime_set_ns; /* by so much the time of day was set meanwhile, the most that it was away */
    uint64_t records;        /* decoded so far */
    uint64_t bytes;          /* of input so far */
    uint64_t damaged_bytes;
    /* Records of kinds of which there are no items (samples, states of objects … in Chrome's files). */
    uint64_t skipped;
    uint64_t lost[PERFTRACE_LOSS_KINDS]; /* by cause, in the order of perftrace_loss_name() */
};

#ifdef __cplusplus
}
#endif
#endif
