/* Opening the file that a trace's rings lie in. Nothing in it is trusted. */
#ifndef PERFTRACE_READER_RING_FILE_H
#define PERFTRACE_READER_RING_FILE_H

#include "../format/format.h"
#include "../include/perftrace_reader.h"

#define PERFTRACE_RING_SEGMENTS_READ_MAX 65536u

struct perftrace_ring {
    int fd;
    uint64_t bytes;    /* of the file */
    uint64_t segments; /* that are there */
    struct perftrace_ring_file header;
    const struct perftrace_reader_options *options; /* for on_damage; borrowed, may be NULL */
};

/* Opens the regular file at `path`, which comes from the trace and so from anybody, if it carries the trace's uuid. False
 * otherwise. Close ring->fd. */
bool perftrace_ring_open(struct perftrace_ring *ring, const char *path, const uint8_t uuid[16], bool live,
                         const struct perftrace_reader_options *options);
/* Reads the header again: its metadata and losses may have grown. */
void perftrace_ring_look_again(struct perftrace_ring *ring);
/* How many bytes of metadata there are at header.metadata_offset. Tells where that is not what the header says. */
uint64_t perftrace_ring_metadata_bytes(const struct perftrace_ring *ring);
/* All of `bytes`, or false. */
bool perftrace_ring_read(const struct perftrace_ring *ring, void *into, size_t bytes, uint64_t offset);
/* Tells on_damage. */
__attribute__((format(printf, 3, 4))) void perftrace_ring_tell(const struct perftrace_ring *ring,
                                                               uint64_t offset, const char *format, ...);

#endif
