/* Traces made by hand, block by block, for the tests of whatever reads them; and items as text, so that a
 * test says what it expects in one readable string. */
#ifndef PERFTRACE_TESTS_MAKE_TRACE_H
#define PERFTRACE_TESTS_MAKE_TRACE_H

#include "../../core/stream.h"

/* A trace being made: the file's bytes. Zero-initialised is empty. Free with made_free. */
struct made {
    unsigned char *bytes;
    size_t length, capacity;
};

struct made_argument {
    const char *name;
    uint8_t type, role; /* enum perftrace_value_type, enum perftrace_argument_role */
};

void made_add(struct made *made, const void *bytes, size_t count);
void made_header(struct made *made, uint8_t uuid); /* of sixteen such bytes */
/* Any block; the payload is padded with zeros to a multiple of 8. */
void made_block(struct made *made, uint16_t kind, const void *payload, size_t bytes);
void made_process(struct made *made, enum perftrace_clock_id clock);
void made_site(struct made *made, uint32_t id, uint8_t kind, uint8_t phase, const char *name,
               const struct made_argument *arguments, uint8_t count);
void made_span_site(struct made *made, uint32_t id, const char *name); /* without arguments */
void made_track(struct made *made, uint32_t id, enum perftrace_track_kind kind, const char *name);
void made_clock(struct made *made, uint64_t ticks, uint64_t ns);
void made_chunk(struct made *made, uint32_t track, uint64_t sequence, uint32_t first_byte, uint64_t base_tick,
                const uint64_t *words, size_t count);
/* The same, with 7 records lost on the track so far because the ring was full. */
void made_lossy_chunk(struct made *made, uint32_t track, uint64_t sequence, uint64_t base_tick,
                      const uint64_t *words, size_t count);
void made_sync(struct made *made, uint64_t before_tick);
void made_ring(struct made *made, const char *path);
void made_end(struct made *made, uint64_t recorded);
void made_free(struct made *made);

/* A record's first word. */
uint64_t made_word(enum perftrace_record_kind kind, uint32_t site, unsigned depth, uint32_t ticks);
/* Eight characters of a text's bytes, zeros after it. */
uint64_t made_text(const char *eight);
uint64_t made_double(double value);

#define BEGIN(site, depth, ticks) made_word(PERFTRACE_RECORD_BEGIN, site, depth, ticks)
#define END(site, depth, ticks) made_word(PERFTRACE_RECORD_END, site, depth, ticks)
#define WORDS(array) (array), sizeof(array) / sizeof((array)[0])

/* Gives the blocks that follow the file's header to a stream; returns what the stream last did. */
int made_feed(const struct made *made, struct perftrace_stream *stream);

/* What came out, a line an item:
 *   B1 outer@100 d0 <unknown n=5      SPAN_BEGIN: call, name, time, depth, caller, parameters
 *   E1 outer@900 800-300 n=5 | m=1    SPAN_END: elapsed, of it in children, parameters | metrics; ! if unfinished
 *   b2 … e2 …                         the same for async spans, with #id
 *   event name@5 x=1                  and counter, frame, flow>, flow-, flow<, alloc, free
 *   track 1 main
 *   ? message                         damage */
struct heard {
    char text[1 << 16];
    size_t length;
    unsigned items, damages;
};
void heard_item(void *heard, const struct perftrace_item *item);
void heard_damage(void *heard, const struct perftrace_error_info *what);

#endif
