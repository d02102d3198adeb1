/* How long a record is: the walk over a segment's words that drainer, stream and reader share. */
#ifndef PERFTRACE_CORE_RECORD_H
#define PERFTRACE_CORE_RECORD_H

#include "../format/format.h"

#include <stdbool.h>

/* What a site's records look like: all that is needed to step over one. */
struct perftrace_shape {
    uint8_t known; /* 0: no such site */
    uint8_t kind;  /* enum perftrace_record_kind of its records (BEGIN for BEGIN and END) */
    uint8_t argument_count;
    uint8_t words;                          /* of a record; 0: that depends on its texts */
    uint8_t types[PERFTRACE_ARGUMENTS_MAX]; /* enum perftrace_value_type */
};

/* Shapes by site id, in pages that never move: one thread adds, and others may read what was added
 * before they learnt of the id. Zero-initialised is empty. */
#define PERFTRACE_SHAPES_PER_PAGE 1024u
struct perftrace_shapes {
    struct perftrace_shape *pages[(1u << PERFTRACE_SITE_BITS) / PERFTRACE_SHAPES_PER_PAGE];
};

/* The entry for `id` (below 2^20), made if need be; NULL without memory. Whoever fills in its kind and arguments then says
 * that it is known. */
struct perftrace_shape *perftrace_shapes_add(struct perftrace_shapes *shapes, uint32_t id);
void perftrace_shape_is_known(struct perftrace_shape *shape);
/* The entry for `id`, or NULL where no site of that id was added. */
const struct perftrace_shape *perftrace_shapes_find(const struct perftrace_shapes *shapes, uint32_t id);
void perftrace_shapes_free(struct perftrace_shapes *shapes);

static inline uint32_t perftrace_word_site(uint64_t word) {
    return (uint32_t)word >> PERFTRACE_SITE_SHIFT;
}
static inline uint32_t perftrace_word_kind(uint64_t word) {
    return ((uint32_t)word >> PERFTRACE_KIND_SHIFT) & PERFTRACE_KIND_MASK;
}
static inline uint32_t perftrace_word_depth(uint64_t word) {
    return (uint32_t)word & PERFTRACE_DEPTH_MASK;
}
static inline uint32_t perftrace_word_ticks(uint64_t word) {
    return (uint32_t)(word >> PERFTRACE_TICKS_SHIFT);
}

/* Words between a record's first word and its arguments, by kind. */
unsigned perftrace_record_fixed_words(uint32_t kind);

/* Words of the record that begins at words[0] (not zero), of which `available` can be read. 0 when it
 * names no known site, or does not fit its site's kind, or runs past `available`: damage. */
size_t perftrace_record_words(const struct perftrace_shapes *shapes, const uint64_t *words, size_t available);

/* Walks records from `words` until a zero word, `available` words, or damage (then *damaged is set), and
 * returns the words walked. *base is followed over REBASE records; *count grows by the number of records
 * (REBASE left out). The first word of each record is read with acquire order: a thread may be writing. */
size_t perftrace_records_walk(const struct perftrace_shapes *shapes, const uint64_t *words, size_t available,
                              uint64_t *base, uint64_t *count, bool *damaged);

#endif
