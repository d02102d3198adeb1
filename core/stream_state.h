/* What the parts of the stream share: merge.c finds the next record, run.c goes straight over those that are as usual,
 * deliver.c makes any other an item with the help of spans.c, async.c and placed.c, and stream.c takes blocks and is the door to
 * the outside. */
#ifndef PERFTRACE_CORE_STREAM_STATE_H
#define PERFTRACE_CORE_STREAM_STATE_H

#include "batch.h"
#include "clock.h"
#include "stream.h"
#include "values.h"

/* One chunk's records, waiting. */
struct perftrace_waiting {
    struct perftrace_waiting *next;
    uint64_t base_tick;
    uint64_t offset; /* of the block, for messages */
    size_t word_count;
    bool after_gap; /* records before these are missing: what was open is over */
    /* Spans with greater numbers, of this track, began in this chunk; known once it is the first. */
    uint64_t calls_before;
    uint64_t words[];
};

/* Tracks with waiting records, a heap by (straightened tick, track id) of their first record. The top one may be run
 * without touching the heap while its ticks are at most run_last. */
struct perftrace_merge {
    struct perftrace_track_state **heap;
    size_t count, capacity;
    struct perftrace_track_state *run; /* heap[0], or NULL */
    uint64_t run_last;
    bool open;     /* records may be handed out … */
    uint64_t last; /* … up to this tick */
    size_t waiting_bytes;
};

/* What was recorded of a span stays where it is, in its track's first chunk, until that goes: most spans have ended by then. */
struct perftrace_open_span {
    const struct perftrace_site_entry *site;
    uint64_t number, start_ns, children_ns;
    struct perftrace_kept *kept; /* then all that there is lies here, and nothing in the chunk */
    uint32_t depth;              /* as recorded: greater than its place in the stack after losses */
    uint32_t end_word;           /* the lower half of its END's first word */
    uint16_t parameters_at, parameter_words; /* in the chunk's words */
    uint16_t metric_at;                      /* a METRIC record there; 0: none */
};
static_assert(PERFTRACE_SEGMENT_RECORD_BYTES / 8 <= UINT16_MAX, "a chunk's words can be told by 16 bits");

struct perftrace_open_async {
    const struct perftrace_site_entry *site;
    const struct perftrace_track_state *track;
    const struct perftrace_site_entry *parent_site;
    uint64_t id, number, parent_number, start_ns;
    struct perftrace_kept *kept;
    uint32_t group, depth;
};

/* Async spans that are open, by (group, id), or (0, id) when a handle's id tells them apart by itself. */
struct perftrace_async {
    struct perftrace_map open;
    struct perftrace_open_async **left; /* while finishing: those never ended, by number */
    size_t left_count, left_next;
};

/* A record with caller-supplied times. */
struct perftrace_placed {
    const struct perftrace_track_state *track;
    const struct perftrace_site_entry *site;
    uint64_t begin_ns, end_ns, order, number, children_ns;
    struct perftrace_kept *kept;
    size_t parent; /* index of the span around it, or SIZE_MAX */
    uint32_t depth;
    uint8_t record_kind;
};

/* Those of the batch at hand: they wait until its end, when they are put in order of time and nested. */
struct perftrace_placed_list {
    struct perftrace_placed *placed;
    size_t count, capacity;
    size_t kept_words;
    bool emitting;
    size_t next, open; /* while emitting; open is the innermost open one, or SIZE_MAX */
};

/* Things that can happen with every record: they are counted, and told at the end. */
enum perftrace_said {
    PERFTRACE_SAID_NO_BEGIN,
    PERFTRACE_SAID_TOO_DEEP,
    PERFTRACE_SAID_NO_ROOM,
    PERFTRACE_SAID_NO_TRACK,
    PERFTRACE_SAID_KINDS,
};

/* Open spans, sync and async together. */
#define PERFTRACE_OPEN_SPANS_MAX ((size_t)5 << 18)
#define PERFTRACE_KEPT_BYTES_MAX ((size_t)128 << 20)
/* Of all that is kept of a trace; records that wait have a limit of their own. */
#define PERFTRACE_STREAM_BYTES_MAX ((size_t)272 << 20)

struct perftrace_stream {
    struct perftrace_stream_options options;
    struct perftrace_trace_info info;
    struct perftrace_budget budget;
    struct perftrace_tables tables;
    struct perftrace_clock clock;
    struct perftrace_merge merge;
    struct perftrace_values values;
    struct perftrace_keeper keeper;
    struct perftrace_async async;
    struct perftrace_placed_list placed;
    struct perftrace_batch *batch; /* of perftrace_stream_calls; NULL: items are asked for */
    uint64_t process_lost[PERFTRACE_LOSS_CAUSES];
    struct perftrace_arena names; /* of the process */
    uint64_t said[PERFTRACE_SAID_KINDS];
    uint64_t recorded; /* as the END block has it */
    uint64_t calls;    /* numbered so far */
    bool any_handed_out;
    int64_t boottime_ahead, realtime_ahead; /* of CLOCK_MONOTONIC, at the first reading */
    size_t open_spans;
    uint64_t swept; /* records by the time when stacks that had become empty were last given up */
    bool no_memory, lacks_room;
    bool flight; /* a flight recorder forgets the beginnings of what it still has the ends of */
    bool finishing, finished;
    size_t finish_track;

    /* The item at hand, and what is to be done when the next one is asked for. */
    struct perftrace_item item;
    struct perftrace_call call;
    bool advance;                   /* step over the record that merge.run stands at */
    bool running;                   /* merge.run stands at words that have not been looked at */
    struct perftrace_kept *release; /* what the item's values lie in */
    const struct perftrace_track_state *told_track; /* a TRACK item waits */
};

/* Tells on_damage. With `left_out`, input was passed over: the trace counts as damaged. */
__attribute__((format(printf, 4, 5))) void perftrace_stream_note(struct perftrace_stream *stream,
                                                                 uint64_t offset, bool left_out,
                                                                 const char *format, ...);

static inline bool perftrace_is_wanted(const struct perftrace_stream *stream, enum perftrace_item_kind kind) {
    return (stream->options.unwanted & PERFTRACE_ITEM_BIT(kind)) == 0;
}

/* ---- merge.c -------------------------------------------------------------------------------------- */

/* Queues records, behind a gap if track->gap says so; false without memory. `words` need not be aligned. */
bool perftrace_merge_add(struct perftrace_stream *stream, struct perftrace_track_state *track,
                         uint64_t base_tick, const void *words, size_t word_count, uint64_t offset);
/* Lets records be handed out up to a tick, or (with perftrace_merge_shut) no longer. */
void perftrace_merge_let(struct perftrace_merge *merge, uint64_t last);
void perftrace_merge_shut(struct perftrace_merge *merge);
/* The track whose first record is next, as merge.run; NULL when none may be handed out. */
struct perftrace_track_state *perftrace_merge_choose(struct perftrace_stream *stream);
/* After a clock reading: what waits may have to be straightened by another jump than it was. */
void perftrace_merge_straighten(struct perftrace_stream *stream);
/* Steps merge.run to its next record. */
void perftrace_merge_step(struct perftrace_stream *stream);
void perftrace_merge_free(struct perftrace_stream *stream);

/* Finds the record at which merge.run stands, from track->at on; it may have none. */
void perftrace_merge_look(struct perftrace_stream *stream);

static inline const uint64_t *perftrace_head_words(const struct perftrace_track_state *track) {
    return track->chunk->words + track->at;
}

/* ---- run.c ---------------------------------------------------------------------------------------- */

/* Goes on over the records of merge.run as long as they are as usual and its turn, or until one makes an item. False: not even
 * the next one is so. Else `running` is set, and *item is the item or NULL. */
bool perftrace_run(struct perftrace_stream *stream, const struct perftrace_item **item);

/* ---- batch.c -------------------------------------------------------------------------------------- */

/* Takes over a chunk that is no longer waiting, but may hold what calls of the batch are made of. */
void perftrace_batch_keep_chunk(struct perftrace_batch *batch, struct perftrace_waiting *chunk);
void perftrace_batch_free(struct perftrace_stream *stream);

/* ---- deliver.c ------------------------------------------------------------------------------------ */

/* The item for the record that `track` stands at, or NULL when it makes none. Sets stream->advance unless
 * the record is to be looked at again: first come, one at a time, the ends of spans that it shows to be
 * over. */
const struct perftrace_item *perftrace_deliver(struct perftrace_stream *stream,
                                               struct perftrace_track_state *track);

/* Starts an item: everything but its kind's own fields. */
struct perftrace_item *perftrace_item_start(struct perftrace_stream *stream, enum perftrace_item_kind kind,
                                            uint64_t time_ns, const struct perftrace_site_entry *site,
                                            const struct perftrace_track_state *track);
/* Sets stream->call's values from what was kept of an async or placed span, which is released with the next item. */
void perftrace_call_take_kept(struct perftrace_stream *stream, const struct perftrace_site_entry *site,
                              struct perftrace_kept *kept);

/* ---- spans.c -------------------------------------------------------------------------------------- */

/* The depth that is `low_bits` modulo 256 and nearest to `expected`. */
uint32_t perftrace_nearest_depth(uint32_t expected, uint32_t low_bits);
/* Opens the span of the BEGIN at which the track stands; false when there is no room for another. */
bool perftrace_span_push(struct perftrace_stream *stream, struct perftrace_track_state *track, uint32_t depth,
                         uint64_t start_ns);
/* The SPAN_BEGIN of the innermost open span. */
const struct perftrace_item *perftrace_span_begun(struct perftrace_stream *stream,
                                                  const struct perftrace_track_state *track);
/* Before the track's first chunk goes: keeps what open spans have in it. */
void perftrace_spans_keep(struct perftrace_stream *stream, const struct perftrace_track_state *track);
/* Takes the METRIC at which the track stands. */
void perftrace_span_add_metric(struct perftrace_stream *stream, const struct perftrace_track_state *track,
                               struct perftrace_open_span *span);
/* Closes the innermost open span and gives its SPAN_END. */
const struct perftrace_item *perftrace_span_pop(struct perftrace_stream *stream,
                                                struct perftrace_track_state *track, uint64_t end_ns,
                                                bool unfinished);
/* The lower half of the first word of an END, by that of its BEGIN. */
static inline uint32_t perftrace_end_of_begin(uint32_t begin_word) {
    return begin_word ^ (uint32_t)(PERFTRACE_RECORD_BEGIN ^ PERFTRACE_RECORD_END) << PERFTRACE_KIND_SHIFT;
}
/* The index of the open span of that (full) depth, or SIZE_MAX. */
size_t perftrace_span_find(const struct perftrace_track_state *track, uint32_t depth);

/* ---- async.c -------------------------------------------------------------------------------------- */

/* Before an ASYNC_BEGIN: the end of an open span that has the same id, whose own end is missing, or NULL. */
const struct perftrace_item *perftrace_async_supersede(struct perftrace_stream *stream,
                                                       const struct perftrace_track_state *track,
                                                       uint64_t id);
/* ASYNC_BEGIN and ASYNC_END records; as perftrace_deliver. `words` are the record's arguments. */
const struct perftrace_item *perftrace_async_begin(struct perftrace_stream *stream,
                                                   struct perftrace_track_state *track, uint64_t ns,
                                                   uint64_t id, const uint64_t *words, size_t count);
const struct perftrace_item *perftrace_async_end(struct perftrace_stream *stream,
                                                 struct perftrace_track_state *track, uint64_t ns,
                                                 uint64_t id, const uint64_t *words, size_t count);
/* After everything else: the end of one that never ended, or NULL. */
const struct perftrace_item *perftrace_async_finish(struct perftrace_stream *stream);
void perftrace_async_free(struct perftrace_stream *stream);

/* ---- placed.c ------------------------------------------------------------------------------------- */

/* Takes a TRACK_SPAN, TRACK_EVENT or TRACK_COUNTER record. */
void perftrace_placed_add(struct perftrace_stream *stream, const struct perftrace_track_state *from);
/* Whether so many wait that they should be handed out before the batch ends. */
bool perftrace_placed_full(const struct perftrace_placed_list *list);
void perftrace_placed_start(struct perftrace_placed_list *list);
/* The next item, or NULL when all have been handed out. */
const struct perftrace_item *perftrace_placed_next(struct perftrace_stream *stream);
void perftrace_placed_free(struct perftrace_stream *stream);

#endif
