/* Args that have come before, word for word: most events say again what others of their name said. They need not be read, packed
 * and kept once more. They are told by 128 bits of a keyed hash of how they stand in the file. */
#ifndef PERFTRACE_READER_CHROME_JSON_SEEN_H
#define PERFTRACE_READER_CHROME_JSON_SEEN_H

#include "../core/arena.h"
#include "../core/hash.h"
#include "chrome_json_text.h"

struct perftrace_json_blob;
struct perftrace_json_site;

/* Longer ones are not looked for. */
enum { PERFTRACE_JSON_SEEN_LENGTH_MAX = 4096 };

enum { PERFTRACE_JSON_SEEN_SETS = 1024, PERFTRACE_JSON_SEEN_WAYS = 4 };

struct perftrace_json_seen_args {
    uint64_t hash[2];
    const struct perftrace_json_site *site; /* NULL: nothing is here */
    struct perftrace_json_blob *blob;       /* NULL: they came once so far */
    bool metrics;                           /* that is what they are in it */
};

/* Zero-initialised but for `secret` and arena.budget and .bytes_max it knows nothing. */
struct perftrace_json_seen {
    uint64_t secret[2];
    struct perftrace_json_seen_args (
        *sets)[PERFTRACE_JSON_SEEN_WAYS]; /* NULL: not made yet, or there is no memory */
    struct perftrace_arena arena;         /* the blobs, which stay */
    uint32_t asked, found;                /* since it was last judged whether asking pays */
    uint32_t pause;                       /* it did not: so many are not to be asked for */
    uint32_t next_way;                    /* the one that makes room for another */
};

/* Whether the next args are to be looked for: not where few were found of those before. */
bool perftrace_json_seen_pays(struct perftrace_json_seen *seen);
/* These args, which are an object, if they came before, as parameters or metrics of any site; else NULL. hash[] is theirs. */
struct perftrace_json_seen_args *perftrace_json_seen_find(struct perftrace_json_seen *seen, const char *args,
                                                          size_t length, uint64_t hash[2]);
/* The args that have this hash, as parameters or metrics of the site. NULL: they were not known, but are now. */
struct perftrace_json_seen_args *perftrace_json_seen_place(struct perftrace_json_seen *seen,
                                                           const uint64_t hash[2],
                                                           const struct perftrace_json_site *site,
                                                           bool metrics);
void perftrace_json_seen_free(struct perftrace_json_seen *seen);

#endif
