/* The reading API of perftrace: what a trace (.ptrace), a log (PERF_TRACE| lines) or a file of trace events of Chrome's format
 * (JSON, by anybody) says, as one stream of items. libc only. A reader belongs to one thread at a time; different readers are independent.
 *
 *     struct perftrace_error_info error;
 *     struct perftrace_reader *reader = perftrace_reader_open("trace.ptrace", NULL, &error);
 *     const struct perftrace_item *item;
 *     while ((item = perftrace_reader_next(reader)) != NULL)
 *         if (item->kind == PERFTRACE_ITEM_SPAN_END)
 *             printf("%s\n", item->call->site->name.bytes);
 *     perftrace_reader_close(reader);
 */
#ifndef PERFTRACE_READER_H
#define PERFTRACE_READER_H

#include "perftrace_items.h"

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default) /* the library exports what this header declares, nothing else */

struct perftrace_reader;

/* What a reader takes from malloc at most, whatever its input holds. What there is no room for is left out, and told of. */
#define PERFTRACE_READER_BYTES_MAX ((size_t)512 << 20)
#define PERFTRACE_READER_BYTES_MIN ((size_t)8 << 20)

/* What an input may be packed with; it is told from the first bytes. */
enum perftrace_packing {
    PERFTRACE_PACKED_GZIP = 1, /* RFC 1952 */
    PERFTRACE_PACKED_ZSTD = 2, /* RFC 8878 */
};

struct perftrace_reader_options {
    /* Told of each place where the input makes no sense and is left out; reading goes on after it.
     * May be NULL. */
    void (*on_damage)(void *context, const struct perftrace_error_info *what);
    void *context;
    /* What nobody needs, as PERFTRACE_ITEM_BITs of kinds: they are not handed out, which is faster. And PERFTRACE_ITEM_BEGIN_PARAMETERS:
     * SPAN_BEGINs may come without parameters. */
    uint32_t unwanted;
    bool leave_rings; /* do not look for what a killed or running program left in its rings */
    /* Of a log: time_ns of its items is the time of day that a logger wrote before the record (ISO 8601, or as syslog and glog do, which
     * leave out the year; UTC, unless it says otherwise), or behind one that is in quotes, in nanoseconds since 1970: when the call had ended, about. Of a record without one, it is that of the one before; 0: there was
     * none yet. perftrace_reader_calls does not give it. */
    bool log_times;
    /* Unpacks an input, for which this library has nothing itself: without it (NULL) a packed input is refused. Given is a descriptor, which
     * is its to close, also on failure; of which the `length` bytes at `first`, with which the input begins, have been read
     * already, and at most `unread` more are to be read. Returns another one (a pipe, say), from which the reader reads what was
     * unpacked and which it closes; or a negative enum perftrace_error with *error filled, whose message goes on from the input's
     * name. */
    int (*unpack)(void *unpack_context, enum perftrace_packing packing, int fd, const void *first,
                  size_t length, uint64_t unread, struct perftrace_error_info *error);
    void *unpack_context;
    /* What the reader takes from malloc at most, in bytes, where that is to be less than PERFTRACE_READER_BYTES_MAX; 0: that. Less than
     * PERFTRACE_READER_BYTES_MIN counts as that. It is heeded with Chrome JSON, whose events have to wait for others. */
    size_t bytes_max;
};

/* Opens a trace, a log or Chrome JSON ("-": standard input). What it is is told from its first bytes; anything that is neither a
 * trace nor JSON is taken for a log. Of a trace whose program still runs or was killed, what lies in its
 * rings is read too. A regular file is read up to where it ends now, though it may grow. A FIFO that nobody opens for
 * writing within three seconds, devices (but terminals and /dev/null) and files of /proc are refused. Returns NULL and fills *error (if not NULL) when it can't: no such file, a folder,
 * a newer version, no memory. `options` may be NULL. Close the result with perftrace_reader_close. */
struct perftrace_reader *perftrace_reader_open(const char *path,
                                               const struct perftrace_reader_options *options,
                                               struct perftrace_error_info *error);

/* The next item, or NULL at the end. Damage in the input is skipped, counted in perftrace_reader_info
 * and told to on_damage; perftrace_reader_error tells whether the end was one of failure. */
const struct perftrace_item *perftrace_reader_next(struct perftrace_reader *reader);

/* ---- many calls at once --------------------------------------------------------------------------- */

/* The next finished calls (those of the SPAN_END and ASYNC_END items), in the same order, for whoever wants nothing else of an input and
 * wants it fast. Returns how many, 0 at the end; *calls is the reader's, valid until the next call of this function, and may be
 * written to. Read an input either by items or in this way, and each of its calls once, in order.
 *
 * Most calls of an input repeat what is known. So they may come `brief`, which says little and costs little: number, parent_number,
 * start_ns, elapsed_ns, children_ns, depth and the flags are there, and a key of 128 bits: brief calls with equal keys have equal
 * sites, callers and parameters (of the same form, even; equal ones in another form may have another key). perftrace_reader_fill
 * gives the rest. Keys are of one reader, made with a secret so that no input can bring about equal ones; a brief call without
 * a key has to be filled. Calls that are not brief are whole; they, too, may have a key, as soon as nothing is left to fill in.
 *
 *     while ((count = perftrace_reader_calls(reader, &calls)) > 0)
 *         for (size_t i = 0; i < count; i++) {
 *             known = find(calls[i].key); // what was kept of an earlier call with this key; NULL
 *             if (perftrace_reader_fill(reader, &calls[i], known != NULL ? known->site : NULL))
 *                 …
 *         }
 *
 * A log may be read by a thread of its own meanwhile, which ends with the input or in perftrace_reader_close. */
size_t perftrace_reader_calls(struct perftrace_reader *reader, struct perftrace_call **calls);

/* Fills in what a brief call leaves out; nothing happens to others. `site`: NULL fills in all. Else it is the site of an earlier call
 * with the same key that was filled: then track, site and metrics are filled in, while parent_site, caller and parameters
 * remain unknown, being those of the earlier call; where key_tells_rest is set there is nothing left to fill in then, and it need not be
 * asked for. The values are valid until the next fill. False: it is no call after all,
 * but something that makes no sense; on_damage has been told. When all is filled in, a log's number and times may turn out
 * to be others than the brief call said. */
bool perftrace_reader_fill(struct perftrace_reader *reader, struct perftrace_call *call,
                           const struct perftrace_site_info *site);

/* ---- what is known of it -------------------------------------------------------------------------- */

/* NULL, or why reading ended before the end of the input (a read error, no memory). */
const struct perftrace_error_info *perftrace_reader_error(const struct perftrace_reader *reader);

/* What is known so far: complete after perftrace_reader_next has returned NULL. Lives as long as the
 * reader. */
const struct perftrace_trace_info *perftrace_reader_info(const struct perftrace_reader *reader);

/* All sites and tracks known so far, in order of their ids' first appearance. */
size_t perftrace_reader_site_count(const struct perftrace_reader *reader);
const struct perftrace_site_info *perftrace_reader_site(const struct perftrace_reader *reader, size_t index);
size_t perftrace_reader_track_count(const struct perftrace_reader *reader);
const struct perftrace_track_info *perftrace_reader_track(const struct perftrace_reader *reader,
                                                          size_t index);

void perftrace_reader_close(struct perftrace_reader *reader); /* NULL: nothing happens */

/* The name of a cause of loss ("ring full", "disk full", …); NULL past the last. */
const char *perftrace_loss_name(unsigned cause);

/* ---- after a crash -------------------------------------------------------------------------------- */

/* Appends what a killed program left in its rings to its trace, and removes the ring file: what a reader says of
 * the trace stays the same, and the trace alone is enough for it. May be interrupted, repeated, and called while
 * others read. 1: done. 0: there is nothing to do: the program ended in good order, may still run (on another
 * machine, too), or has left no rings, or `path` is no trace ("-" is none). Negative enum perftrace_error: it
 * could not be done (trace or folder read-only, disk full, something damaged); then nothing is lost, reading
 * works as before, and *error (if not NULL) says why. */
int perftrace_reader_fold(const char *path, struct perftrace_error_info *error);

/* ---- aggregation ---------------------------------------------------------------------------------- */

/* Spans of one function, added up. */
struct perftrace_function_total {
    const struct perftrace_site_info *site; /* the first one seen of that name and target */
    uint64_t calls;
    uint64_t total_ns; /* elapsed, with what they called; recursion counts each level */
    uint64_t self_ns;  /* elapsed, without what they called */
    uint64_t min_ns, max_ns;
    uint64_t unfinished;
};

/* Reads to the end and gives the totals by function, most calls first (ties by name). *totals is to be
 * freed with free(). Returns the number of functions, or a negative enum perftrace_error. */
ptrdiff_t perftrace_reader_aggregate(struct perftrace_reader *reader,
                                     struct perftrace_function_total **totals);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif
#endif
