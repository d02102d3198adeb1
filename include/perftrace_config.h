/* What perftrace can be told, and what it tells of itself. Included by perftrace.h.
 *
 * Environment variables override the configuration; a set-uid program ignores them:
 *   TRACE_FILE           path of the Chrome file; the native trace gets its stem with .ptrace. A path that
 *                        ends in .ptrace names the native trace.
 *   PERF_TRACE_FILTER    filter directives; where unset, RUST_LOG
 *   PERF_TRACE_LOG       1 or 0: PERF_TRACE| lines on stderr
 *   PERF_TRACE_CONSOLE   1 or 0: lines for people on stderr
 *   PERF_TRACE_CHROME    1 or 0: the Chrome file
 *   PERF_TRACE_FULL      drop, wait or overwrite
 *   PERF_TRACE_AUTO      1: initialise with the defaults at the first record, for programs that do not call
 *                        perftrace_init (`perftrace run` sets it)
 *
 * Directives are those of Rust's EnvFilter, separated by commas: `amp_engine=debug,amp_render=trace,off`.
 * A bare level (off, error, warn, info, debug, trace) is for all; `target` alone switches a target on
 * entirely; the longest matching target prefix wins. `target[span]=level` selects the spans of that name. Unlike
 * there, everything is on where no directive is given. */
#ifndef PERFTRACE_CONFIG_H
#define PERFTRACE_CONFIG_H

#include <stdbool.h>
#include <stdint.h>

#if defined(__GNUC__)
#define PERFTRACE_API extern __attribute__((visibility("default")))
#else
#error "perftrace needs gcc or clang"
#endif

#define PERFTRACE_VERSION "0.1.0"

/* Levels of sites, and of filters. */
enum perftrace_level { PERF_ERROR = 1, PERF_WARN = 2, PERF_INFO = 3, PERF_DEBUG = 4, PERF_TRACE_LEVEL = 5 };

/* Kinds of perftrace_track_create. */
enum perftrace_track {
    PERFTRACE_TRACK_KIND_THREAD = 1,
    PERFTRACE_TRACK_KIND_GPU = 2,
    PERFTRACE_TRACK_KIND_FIBER = 3,
    PERFTRACE_TRACK_KIND_ASYNC = 4
};

/* What happens to a record when the drainer has not kept up and the buffers are full. */
enum perftrace_when_full {
    PERFTRACE_FULL_DROP = 0, /* it is dropped and counted */
    PERFTRACE_FULL_WAIT = 1, /* the thread waits, in a signal handler too */
    PERFTRACE_FULL_OVERWRITE =
        2 /* flight recorder: the oldest are given up; the newest are in the trace at the end */
};

/* Zero is a good value of every field but chrome_output, chrome_path; begin with PERFTRACE_CONFIG_DEFAULT. */
struct perftrace_config {
    bool chrome_output;       /* write a Chrome file (default on) */
    const char *chrome_path;  /* default "./trace.json"; the directory must exist */
    bool console_output;      /* lines for people on stderr */
    const char *filter_level; /* directives; NULL: everything on */
    bool log_output;          /* PERF_TRACE| lines on stderr */
    const char *trace_path;   /* the native trace; NULL: chrome_path with its extension replaced by .ptrace */
    enum perftrace_when_full when_full;
    uint32_t thread_buffer_bytes;  /* what one thread may have waiting for the drainer; 0: 8 MiB */
    uint32_t process_buffer_bytes; /* what all threads may have waiting; 0: 64 MiB */
    uint32_t flush_ms;             /* how often the trace file is brought up to date; 0: 50 */
    uint32_t shutdown_ms;          /* how long shutdown may wait for the Chrome file and the lines; 0: 5000 */
    /* The native trace's limit, after which records are lost and counted; 0: none. */
    uint64_t trace_bytes_max;
    const char *process_name; /* NULL: the executable's */
};

#define PERFTRACE_CONFIG_DEFAULT                                                                             \
    { true, "./trace.json", false, 0, false, 0, PERFTRACE_FULL_DROP, 0, 0, 0, 0, 0, 0 }

/* Why records were lost. */
enum perftrace_lost {
    PERFTRACE_LOST_FULL = 0,    /* the buffers were full */
    PERFTRACE_LOST_DISK = 1,    /* the trace could not be written, or reached its limit */
    PERFTRACE_LOST_REENTRY = 2, /* a handler left the record in the middle, or came in between for too long */
    PERFTRACE_LOST_TOO_BIG = 3, /* the record is longer than a buffer */
    PERFTRACE_LOST_NO_RING = 4, /* no buffer could be had for the thread */
    PERFTRACE_LOST_NO_SITE = 5, /* the site could not be registered */
    PERFTRACE_LOST_CAUSES = 8
};

struct perftrace_statistics {
    uint64_t recorded;                    /* records taken over by the drainer so far */
    uint64_t lost[PERFTRACE_LOST_CAUSES]; /* by cause */
    uint64_t bytes;                       /* of the native trace */
};
#define PERFTRACE_STATISTICS_NONE                                                                            \
    { 0, {0, 0, 0, 0, 0, 0, 0, 0}, 0 }

/* Results of perftrace_init and its kin, negated. */
enum perftrace_result {
    PERFTRACE_DONE = 0,
    PERFTRACE_INVALID = 1, /* a configuration that makes no sense */
    PERFTRACE_SYSTEM = 2,  /* a file or thread could not be made */
    PERFTRACE_NO_MEMORY = 3,
    PERFTRACE_BUSY = 6, /* recording already */
    PERFTRACE_LATE = 7  /* not done within the time given */
};

#endif
