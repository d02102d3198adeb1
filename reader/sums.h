/* The checksum of any part of the input at hand, in a time that does not grow with the part's length. Damaged or hostile
 * bytes can look like many long blocks, one inside the other: each is checked, and still the whole takes linear time. */
#ifndef PERFTRACE_READER_SUMS_H
#define PERFTRACE_READER_SUMS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct perftrace_shift_tables;

/* Checksums of the bytes from `first` (an offset in the input) up to each multiple of a step. Zero-initialised is
 * empty. */
struct perftrace_sums {
    uint64_t first;
    uint32_t *at; /* at[i]: up to `first` and i steps */
    size_t count, capacity;
    struct perftrace_shift_tables *tables;
};

/* CRC-32C over bytes[from .. from + count), continuing `crc`. bytes[0] is what the input has at `offset`, and `have` bytes
 * are there; between calls the offset only grows, and then the same bytes lie at the same offsets. False: without
 * memory, and then nothing is known. */
bool perftrace_sums_crc32c(struct perftrace_sums *sums, const unsigned char *bytes, size_t have,
                           uint64_t offset, size_t from, size_t count, uint32_t *crc);
void perftrace_sums_free(struct perftrace_sums *sums);

#endif
