/* Blocks in, items out: the one decoder of traces, used by the recorder's sinks while a program runs and
 * by the reader afterwards. It keeps tables of sites and tracks, maps ticks to nanoseconds, pairs begin
 * and end on each track, numbers calls, and merges the tracks by time.
 *
 * How time is merged: records wait until a SYNC block says that everything before its tick is there (or
 * perftrace_stream_finish is called, or more than `buffer_bytes_max` wait); then they are handed out in
 * order of (time, track, position). Memory is bounded by that buffer, the tables and the open spans. */
#ifndef PERFTRACE_CORE_STREAM_H
#define PERFTRACE_CORE_STREAM_H

#include "../format/format.h"
#include "../include/perftrace_items.h"
#include "record.h"

struct perftrace_stream;

struct perftrace_stream_options {
    /* Receives each item; everything it points to is valid only during the call (sites, arguments and
     * tracks as long as the stream). NULL: the caller fetches items with perftrace_stream_next. */
    void (*on_item)(void *context, const struct perftrace_item *item);
    /* Told of what makes no sense; byte_offset is that given with the block. May be NULL. */
    void (*on_damage)(void *context, const struct perftrace_error_info *what);
    void *context;
    uint32_t unwanted;       /* as in perftrace_reader_options */
    size_t buffer_bytes_max; /* 0: 64 MiB */
    /* Only tell of tracks and note what there is: the records' contents are not looked at. */
    bool leave_records;
};

/* NULL without memory. Free with perftrace_stream_close. */
struct perftrace_stream *perftrace_stream_open(const struct perftrace_stream_options *options);
void perftrace_stream_close(struct perftrace_stream *stream);

/* Takes one block whose checksum has been verified; copies what it needs. `offset` says where it came
 * from, for messages. A block of unknown kind is skipped. 0, or -PERFTRACE_ERROR_MEMORY. */
int perftrace_stream_block(struct perftrace_stream *stream, const struct perftrace_block_header *header,
                           const void *payload, uint64_t offset);

/* Hands out everything that waits; spans still open are ended as unfinished, at the last time known of
 * their track. */
int perftrace_stream_finish(struct perftrace_stream *stream);

/* For callers without on_item: the next item, or NULL when none can be handed out before another block is
 * taken (or ever, after perftrace_stream_finish). The item is valid until the next call with this stream.
 * Fetch until NULL before the next block is given. */
const struct perftrace_item *perftrace_stream_next(struct perftrace_stream *stream);

/* Instead of items: what perftrace_reader_calls gives, here 0 when none can be handed out before another block is taken, and
 * perftrace_reader_fill. Not with on_item. */
size_t perftrace_stream_calls(struct perftrace_stream *stream, struct perftrace_call **calls);
bool perftrace_stream_fill(struct perftrace_stream *stream, struct perftrace_call *call, bool all);

/* Where perftrace_stream_open_span is; zeros to begin with. */
enum { PERFTRACE_OPEN_WALK_TRACKS = 64 };
struct perftrace_open_walk {
    bool started, any;
    size_t count, at, depth;
    const struct perftrace_track_state *tracks[PERFTRACE_OPEN_WALK_TRACKS];
};

/* The spans that are open now on the first so many threads that have any, as the SPAN_ENDs that perftrace_stream_finish would
 * make of them: the outermost ones of all, then those within them. NULL: no more. To be asked when perftrace_stream_next has
 * given NULL, until the next block is taken; valid until the next call. Nothing changes by it. */
const struct perftrace_item *perftrace_stream_open_span(struct perftrace_stream *stream,
                                                        struct perftrace_open_walk *walk);

/* 0, or -PERFTRACE_ERROR_MEMORY once memory ran out; nothing more is handed out then. */
int perftrace_stream_error(const struct perftrace_stream *stream);
/* Whether something was left out since there was no room or memory for a site, a track or the arguments of an open span. */
bool perftrace_stream_lacks_room(const struct perftrace_stream *stream);

/* What the blocks so far told. The reader fills in the rest (live, bytes …). */
struct perftrace_trace_info *perftrace_stream_info(struct perftrace_stream *stream);
size_t perftrace_stream_site_count(const struct perftrace_stream *stream);
const struct perftrace_site_info *perftrace_stream_site(const struct perftrace_stream *stream, size_t index);
size_t perftrace_stream_track_count(const struct perftrace_stream *stream);
const struct perftrace_track_info *perftrace_stream_track(const struct perftrace_stream *stream,
                                                          size_t index);

/* CLOCK_MONOTONIC at the last reading of the clocks; 0: there is none. */
uint64_t perftrace_stream_last_reading(const struct perftrace_stream *stream);

/* Up to which byte the chunks taken so far hold that segment's records, UINT32_MAX for all of it: what a
 * reader needs to join the rings of a dead process without counting anything twice. */
uint32_t perftrace_stream_drained(const struct perftrace_stream *stream, uint32_t track, uint64_t sequence);
/* Whether the trace is a flight recording: of each track only the newest records are kept. */
bool perftrace_stream_is_flight(const struct perftrace_stream *stream);
/* The losses that the chunks taken so far tell of the track; NULL: it is unknown. */
const uint64_t *perftrace_stream_lost(const struct perftrace_stream *stream, uint32_t track);

/* The shapes of the records of the sites known so far (record.h). */
const struct perftrace_shapes *perftrace_stream_shapes(const struct perftrace_stream *stream);

#endif
