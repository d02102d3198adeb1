/* The functions, argument names and tracks of a log: each is kept once, however many lines tell of it. */
#ifndef PERFTRACE_READER_LOG_NAMES_H
#define PERFTRACE_READER_LOG_NAMES_H

#include "../core/arena.h"
#include "../core/map.h"
#include "log_index.h"

/* How the name of an argument stands in the lines, and what came after it in the last one. */
struct perftrace_log_key {
    uint64_t start, start_mask; /* the first 8 bytes of `raw` with its `=`, to compare at once */
    const char *raw;            /* as written, escapes and all, with a `=` after it */
    uint32_t raw_length;        /* without the `=` */
    bool metric;
    uint8_t next; /* index of the argument that followed */
};

/* arguments[i] (which info.arguments is too) and keys[i] belong together. */
struct perftrace_log_site {
    struct perftrace_site_info info;
    const char *raw; /* the name as written */
    size_t raw_length;
    struct perftrace_argument_info *arguments;
    struct perftrace_log_key *keys;
    uint8_t capacity;
    uint8_t first[2]; /* index of the first parameter, the first metric of the last line */
    uint64_t shape;   /* of the metrics of the last line that had been indexed, and their indexes */
    uint8_t shape_keys[PERFTRACE_LOG_SHAPE_MAX];
};

enum { PERFTRACE_LOG_RECENT_SITES = 64 };

struct perftrace_log_slot {
    uint64_t hash;
    struct perftrace_log_site *site; /* NULL: free */
};

/* Zero-initialised but for arena.bytes_max is empty. */
struct perftrace_log_names {
    struct perftrace_arena arena;
    /* By length and a few letters: looked at before the slots. */
    struct perftrace_log_site *recent[PERFTRACE_LOG_RECENT_SITES];
    struct perftrace_log_slot *slots;
    size_t slot_count; /* zero or a power of two */
    uint64_t hash_key;
    struct perftrace_log_site **sites; /* in order of appearance */
    size_t site_count, site_capacity;
    struct perftrace_map tracks_by_id;
    struct perftrace_track_info **tracks;
    size_t track_count, track_capacity;
};

/* The bytes given to these need not end in a zero, but 8 bytes from each of them on must be readable. All
 * return NULL (or a negative index) without memory and past the limits. */
struct perftrace_log_site *perftrace_log_names_site(struct perftrace_log_names *names, const char *raw,
                                                    size_t length);
const struct perftrace_track_info *perftrace_log_names_track(struct perftrace_log_names *names, uint32_t id);
/* The index of a site's argument. `type` is that of the value at hand: the first one seen is kept. */
int perftrace_log_names_key(struct perftrace_log_names *names, struct perftrace_log_site *site,
                            const char *raw, size_t length, bool metric, uint8_t type);
/* Makes site->shape_keys those of the `count` metrics of a line that was indexed as plain, among the fields from the bar at `fields` on. */
bool perftrace_log_names_shape(struct perftrace_log_names *names, struct perftrace_log_site *site,
                               uint64_t shape, const char *fields, unsigned count);
void perftrace_log_names_free(struct perftrace_log_names *names);

static inline uint64_t perftrace_log_word(const char *bytes) {
    uint64_t word;
    __builtin_memcpy(&word, bytes, sizeof word);
    return word;
}

/* A mask for the first `length` bytes in memory of a word. */
static inline uint64_t perftrace_log_mask(size_t length) {
    if (length >= 8)
        return ~UINT64_C(0);
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    return (UINT64_C(1) << 8 * length) - 1;
#else
    return ~(~UINT64_C(0) >> 8 * length);
#endif
}

#endif
