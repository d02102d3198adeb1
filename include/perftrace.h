/* perftrace: record what a program does, for about the price of two timestamps a span.
 *
 *     #define PERF_TARGET "amp_render"       before the include; else the name of the source file
 *     #include <perftrace.h>
 *
 *     int main(void) {
 *         perftrace_init_default();          writes ./trace.ptrace and ./trace.json
 *         PERF_SPAN("frustum_cull", "entities", n);
 *         …
 *     }
 *
 * The switch is the macro PERF_TRACE, which your build defines (-DPERF_TRACE). Without it every macro and
 * function of this header leaves nothing behind: no code, no data, no symbol, nothing to link with.
 * With it, the arguments of a site that a filter has switched off are not evaluated: an argument with a
 * side effect is a bug in both cases.
 *
 * C11 with GNU extensions as gcc and clang have them, or C++17. All macros may be used from any thread and
 * from signal handlers; what can't be recorded is counted (perftrace_statistics), never waited for unless
 * the configuration says so. */
#ifndef PERFTRACE_H
#define PERFTRACE_H

#ifndef PERFTRACE_LINT
#pragma GCC system_header /* so that a user's -Wshadow or -Wpedantic does not speak of our macros */
#endif

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "perftrace_config.h"

/* Functions are declared once; without PERF_TRACE each is an empty inline of its default result (always inlined,
 * so that no symbol is left without optimisation either). */
#ifdef PERF_TRACE
#define PERFTRACE_FUNCTION_(signature, without) PERFTRACE_API signature;
#else
#define PERFTRACE_FUNCTION_(signature, without)                                                              \
    static inline __attribute__((always_inline, unused)) signature {                                         \
        without                                                                                              \
    }
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* Starts recording. `config` is copied; NULL means PERFTRACE_CONFIG_DEFAULT. The environment overrides it
 * (perftrace_config.h). Returns 0; when recording can't start, a negative number whose text
 * perftrace_error_text gives: the program runs on, and records nothing. A second call answers
 * -PERFTRACE_BUSY and changes nothing. Registers a perftrace_shutdown with atexit. Not for signal handlers. */
PERFTRACE_FUNCTION_(int perftrace_init(const struct perftrace_config *config), (void)config; return 0;)
PERFTRACE_FUNCTION_(int perftrace_init_default(void), return 0;)

/* One sentence, without newline, on what a negative result of this API meant, with the path and the
 * system's reason for the last perftrace_init of this process. Never NULL; not to be freed. */
PERFTRACE_FUNCTION_(const char *perftrace_error_text(int error), (void)error; return "";)

/* Returns when everything recorded before the call is in the trace file, and in the Chrome file and the
 * lines as far as these are on; at most `shutdown_ms` milliseconds. 0, or negative when that did not
 * succeed. Not for signal handlers. */
PERFTRACE_FUNCTION_(int perftrace_flush(void), return 0;)

/* Ends the trace: flushes, completes the files, removes the ring file. Records that come later are
 * dropped without being counted. A new perftrace_init may follow. Not for signal handlers. */
PERFTRACE_FUNCTION_(void perftrace_shutdown(void), )

/* Replaces the filter while the program runs: directives as in perftrace_config.h. Directives that make
 * no sense are reported on stderr and left out; returns how many there were of them. */
PERFTRACE_FUNCTION_(int perftrace_set_filter(const char *directives), (void)directives; return 0;)

/* Fills in what has been recorded and lost so far. */
PERFTRACE_FUNCTION_(void perftrace_statistics(struct perftrace_statistics *statistics),
                    struct perftrace_statistics none = PERFTRACE_STATISTICS_NONE;
                    *statistics = none;)

/* Names the calling thread, or the process, in the trace. The text is copied. */
PERFTRACE_FUNCTION_(void perftrace_thread_name(const char *name), (void)name;)
PERFTRACE_FUNCTION_(void perftrace_process_name(const char *name), (void)name;)

/* A timeline whose times the caller supplies: a GPU queue, a fiber, anything. The name is copied. Returns its
 * number, for PERF_TRACK_SPAN and its kin; 0 when nothing is being recorded. Lives until the trace ends. */
PERFTRACE_FUNCTION_(uint32_t perftrace_track_create(enum perftrace_track kind, const char *name), (void)kind;
                    (void)name; return 0;)

/* CLOCK_MONOTONIC in nanoseconds: the time scale of PERF_TRACK_SPAN and its kin. */
PERFTRACE_FUNCTION_(uint64_t perftrace_now_ns(void), return 0;)

#ifdef __cplusplus
}
#endif

#ifndef PERF_TARGET
#define PERF_TARGET ((const char *)0)
#endif

#ifdef PERF_TRACE
#include "perftrace_on.h"
#else
#include "perftrace_off.h"
#endif

/* ---- the macros ------------------------------------------------------------------------------------
 * `name` and keys are string literals. After the name come up to 12 pairs "key", value. Values: integers,
 * doubles, bools, enums, pointers, strings (char pointers; in C++ also whatever has data() and size(), such
 * as std::string). Strings are copied, up to 512 bytes, and marked as cut beyond that. */

/* A span until the end of the enclosing scope, however that is left. One to a block of the source; a
 * declaration, so `if (x) PERF_SPAN("a");` does not compile. */
#define PERF_SPAN(...) PERFTRACE_SCOPE_(PERF_INFO, __VA_ARGS__)
#define PERF_SPAN_LEVEL(level, ...) PERFTRACE_SCOPE_(level, __VA_ARGS__)
/* The same with a name that is known only at run time: any char pointer. Names are interned: up to 65,536
 * of them, for good; a call costs a look-up more than PERF_SPAN. */
#define PERF_SPAN_DYNAMIC(...) PERFTRACE_SCOPE_DYNAMIC_(PERF_INFO, __VA_ARGS__)

/* A timed block: PERF_BLOCK("name", …) { … }. A `break` or `continue` in it leaves the block. */
#define PERF_BLOCK(...) PERFTRACE_BLOCK_(PERF_INFO, __VA_ARGS__)

/* The value of an expression, timed as a span; void, and in C++ references and move-only results, too. */
#define PERF_TIME(name, ...) PERFTRACE_TIME_(PERF_INFO, name, (__VA_ARGS__))

/* Metrics of the span around it in the source: PERF_METRIC("rows", n, …). Left out when that span is. */
#define PERF_METRIC(...) PERFTRACE_METRIC_(__VA_ARGS__)

/* Something that happened. */
#define PERF_EVENT(...) PERF_EVENT_LEVEL(PERF_INFO, __VA_ARGS__)
#define PERF_EVENT_LEVEL(level, ...) PERFTRACE_PLAIN_(EVENT, NONE, level, 0, 0, 0, 0, __VA_ARGS__)

/* A value over time. */
#define PERF_COUNTER(name, value) PERFTRACE_PLAIN_(COUNTER, NONE, PERF_INFO, 0, 0, 0, 0, name, "value", value)

/* The end of a frame and the beginning of the next. */
#define PERF_FRAME() PERF_FRAME_NAMED("frame")
#define PERF_FRAME_NAMED(name) PERFTRACE_PLAIN_(FRAME, NONE, PERF_INFO, 0, 0, 0, 0, name)

/* A span that ends elsewhere: in another function or thread, overlapping others.
 *     struct perftrace_handle load = PERF_SPAN_BEGIN("load", "file", path);   …   PERF_SPAN_END(load, "bytes", n);
 * The handle may be copied; it is to be ended once. */
#define PERF_SPAN_BEGIN(...) PERFTRACE_HANDLE_(PERF_INFO, __VA_ARGS__)
#define PERF_SPAN_END(handle, ...) PERFTRACE_HANDLE_END_(handle, "", ##__VA_ARGS__)

/* The same where only a number of the caller's can be carried along; equal ids must not overlap in time
 * under one name. */
#define PERF_ASYNC_BEGIN(name, id, ...)                                                                      \
    PERFTRACE_PLAIN_(ASYNC_BEGIN, NONE, PERF_INFO, 1, id, 0, 0, name, ##__VA_ARGS__)
#define PERF_ASYNC_END(name, id, ...)                                                                        \
    PERFTRACE_PLAIN_(ASYNC_END, NONE, PERF_INFO, 1, id, 0, 0, name, ##__VA_ARGS__)

/* An arrow from where it begins, over its steps, to where it ends: between threads or tracks. */
#define PERF_FLOW_BEGIN(name, id) PERFTRACE_PLAIN_(FLOW, BEGIN, PERF_INFO, 1, id, 0, 0, name)
#define PERF_FLOW_STEP(name, id) PERFTRACE_PLAIN_(FLOW, STEP, PERF_INFO, 1, id, 0, 0, name)
#define PERF_FLOW_END(name, id) PERFTRACE_PLAIN_(FLOW, END, PERF_INFO, 1, id, 0, 0, name)

/* Memory taken from, and given back to, a pool or allocator of that name. */
#define PERF_ALLOC(pool, pointer, bytes)                                                                     \
    PERFTRACE_PLAIN_(MEMORY, BEGIN, PERF_INFO, 2, (uintptr_t)(pointer), bytes, 0, pool)
#define PERF_FREE(pool, pointer) PERFTRACE_PLAIN_(MEMORY, END, PERF_INFO, 2, (uintptr_t)(pointer), 0, 0, pool)

/* What happened on a track of perftrace_track_create, with times in nanoseconds of CLOCK_MONOTONIC. */
#define PERF_TRACK_SPAN(track, name, begin_ns, end_ns, ...)                                                  \
    PERFTRACE_PLAIN_(TRACK_SPAN, NONE, PERF_INFO, 3, track, begin_ns, end_ns, name, ##__VA_ARGS__)
#define PERF_TRACK_EVENT(track, name, at_ns, ...)                                                            \
    PERFTRACE_PLAIN_(TRACK_EVENT, NONE, PERF_INFO, 2, track, at_ns, 0, name, ##__VA_ARGS__)
#define PERF_TRACK_COUNTER(track, name, at_ns, value)                                                        \
    PERFTRACE_PLAIN_(TRACK_COUNTER, NONE, PERF_INFO, 2, track, at_ns, 0, name, "value", value)

#endif
