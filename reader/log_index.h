/* A piece of a log -> where its PERF_TRACE records are, and what can be told of them without knowing any names: the numbers, and a
 * key for what they are calls of. */
#ifndef PERFTRACE_READER_LOG_INDEX_H
#define PERFTRACE_READER_LOG_INDEX_H

#include "../include/perftrace_items.h"

/* A line with a record in it: a line of the cache, as one processor writes it and another reads it. */
struct perftrace_log_entry {
    _Alignas(64) uint32_t start; /* in the piece: of the mark */
    uint32_t end;                /* in the piece: the newline (or the end of the piece) */
    uint32_t newlines;           /* in the piece before it */
    bool keyed;                  /* what follows was found out; of other lines nothing is known yet */
    /* All of its metrics are whole numbers: they are in the list, and `thread` and all below say what perftrace's own were. */
    bool plain;
    bool milliseconds;
    uint8_t metric_count;
    /* In the list of values; before it is a hash of the names of the metrics, in their order. */
    uint16_t first_metric;
    uint16_t tail; /* from `start` on: the bar or the end of the line after the value of elapsed_ms */
    uint32_t thread;
    uint64_t number, elapsed_ns, parent;
    uint64_t key[2]; /* of all from the function's name to before elapsed_ms */
};

enum {
    PERFTRACE_LOG_ENTRIES_MAX = 4096,
    PERFTRACE_LOG_VALUES_MAX = 16384,
    PERFTRACE_LOG_SHAPE_MAX = 64, /* metrics of a line that are listed: of one with more, none */
    PERFTRACE_LOG_LINE_VALUES = PERFTRACE_LOG_SHAPE_MAX + 16, /* room that a line may take */
    PERFTRACE_LOG_KNOWN_FIELDS = 256,
    PERFTRACE_LOG_FIELD_CHOICES = 8,
    PERFTRACE_LOG_KEY_MAX =
        1500, /* so that with so many metrics the fields are not too many, whatever they are */
    PERFTRACE_LOG_INDEX_PADDING = 192,
};

/* A field behind elapsed_ms, after those that came before it on its line: most lines are like others, so what comes next is one of
 * few, and is compared instead of looked for. */
struct perftrace_log_field {
    _Alignas(16) char text[32];       /* from the bar to the `=` … */
    struct perftrace_log_field *next; /* the last one known to follow, … */
    /* … or to stand in this one's place; behind the last of them is `none`. */
    struct perftrace_log_field *other;
    uint64_t shape; /* of the line up to here */
    uint32_t mask;  /* a bit for each byte of the text */
    uint8_t length; /* of the text */
    uint8_t kind;   /* enum perftrace_log_field_kind */
    /* Of the line up to here: */
    bool usual;           /* all metrics come first, and none of perftrace's own fields is there twice */
    uint8_t count;        /* of fields, … */
    uint8_t metric_count; /* … and of those that are metrics */
    uint8_t place
        [4]; /* which number on the line is the one of each kind: elapsed_ms is 1; count + 2: there is none */
};

/* Whether a field is a metric, or which of perftrace's own it is. */
enum perftrace_log_field_kind {
    PERFTRACE_LOG_FIELD_METRIC,
    PERFTRACE_LOG_FIELD_ELAPSED_US,
    PERFTRACE_LOG_FIELD_PARENT,
    PERFTRACE_LOG_FIELD_THREAD,
};

/* The first one is what all lines have. */
struct perftrace_log_fields {
    uint32_t count;                  /* 0: there is not even that */
    uint32_t missed;                 /* fields for which there was no room */
    struct perftrace_log_field none; /* without a text, as which anything begins */
    struct perftrace_log_field list[PERFTRACE_LOG_KNOWN_FIELDS];
};

/* What keys are made with. */
struct perftrace_log_secret {
    bool wide; /* log_wide.c makes them */
    uint64_t words[2];
    _Alignas(16) uint64_t rounds[4][2];
    _Alignas(16) uint64_t blocks[PERFTRACE_LOG_KEY_MAX / 16 + 1][2];
};

struct perftrace_log_index {
    const struct perftrace_log_secret *secret; /* borrowed */
    uint32_t count, value_count;
    uint32_t used;     /* bytes that were looked through */
    uint32_t newlines; /* in them */
    struct perftrace_log_fields fields;
    struct perftrace_log_entry entries[PERFTRACE_LOG_ENTRIES_MAX];
    uint64_t values
        [PERFTRACE_LOG_VALUES_MAX]; /* of metrics that are whole numbers, and what the lines' metrics are */
};

/* A secret that nobody knows. `wide`: lines are looked through with instructions that this processor has to have
 * (perftrace_log_wide_usable). What comes out is the same but for the keys. */
void perftrace_log_secret_make(struct perftrace_log_secret *secret, bool wide);

/* Looks through a piece that begins where a line does and ends where one does, after its newline or at the end of the input. Stops
 * earlier, before a line, where the lists are full. bytes[length] is a newline, and PERFTRACE_LOG_INDEX_PADDING bytes from there
 * on are readable. Nothing is written to. */
void perftrace_log_index(struct perftrace_log_index *index, const char *bytes, uint32_t length);

/* The first mark in the bytes, or NULL. PERFTRACE_LOG_PADDING bytes after them are readable. */
const char *perftrace_log_find_mark(const char *at, const char *end);

/* The `=` after a name of letters, digits and the like, of which there are at most 64; NULL if anything else comes first.
 * PERFTRACE_LOG_INDEX_PADDING bytes from `name` on are readable. */
const char *perftrace_log_find_equals(const char *name);
enum perftrace_log_field_kind perftrace_log_kind_of(const char *name, size_t length);

/* Newlines among the bytes. */
uint64_t perftrace_log_count_newlines(const char *bytes, size_t length);

#endif
