/* Compressed inputs: a thread unpacks them into a pipe, from which the reader reads. Nothing is kept, so that it does not matter how large
 * they become. Several members or frames one behind the other are one input; damage is told, and unpacking goes on with the next
 * member or frame that begins behind it. */
#ifndef PERFTRACE_TOOL_UNPACK_H
#define PERFTRACE_TOOL_UNPACK_H

#include "../../include/perftrace_reader.h"

#include <pthread.h>
#include <stdatomic.h>

enum { UNPACK_DAMAGES_MAX = 4 }; /* told of one by one */

struct unpack_damage {
    uint64_t byte_offset; /* in what is packed */
    char message[128];
};

/* One input being unpacked. Zero-initialised is none. */
struct unpack {
    const struct unpacker *unpacker;
    int in, out; /* what is packed; the pipe's end for writing */
    void *first; /* what had been read of it already */
    size_t first_length;
    uint64_t unread;      /* what may still be read; UINT64_MAX: as much as there is */
    atomic_ullong packed; /* bytes taken so far: how far it is */
    atomic_bool stop;     /* nobody reads any more */
    pthread_t thread;
    bool running;
    /* By the thread, until it has been waited for: */
    uint64_t damage_count;
    struct unpack_damage damages[UNPACK_DAMAGES_MAX];
};

/* As perftrace_reader_options.unpack; its context is a struct unpack. */
int unpack_open(void *context, enum perftrace_packing packing, int fd, const void *first, size_t length,
                uint64_t unread, struct perftrace_error_info *error);
/* Nobody reads any more: ends the thread, and waits for it. */
void unpack_wait(struct unpack *unpack);

/* ---- for those who unpack ----------------------------------------------------------------------------- */

/* One form of packing. */
struct unpacker {
    const char *name;
    /* What it unpacks with, NULL without memory. Without this function: it is not built in. */
    void *(*open)(void);
    /* Unpacks from *in (*in_length bytes), which move on with what is used, to out; *out_length is what fits there, and then what was made.
     * NULL, or what is wrong: then it begins anew with the next bytes that are given. */
    const char *(*step)(void *state, const unsigned char **in, size_t *in_length, unsigned char *out,
                        size_t *out_length);
    /* Whether the input may end here: between two members or frames. */
    bool (*between)(const void *state);
    /* Whether a member or frame may begin with these bytes (UNPACK_MAGIC_BYTES of them). */
    bool (*begins)(const unsigned char *bytes);
    void (*close)(void *state);
};
enum { UNPACK_MAGIC_BYTES = 4 };
extern const struct unpacker unpacker_gzip, unpacker_zstd;

#endif
