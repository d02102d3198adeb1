/* Mutating traces so that they stay traces. */
#include "fuzz.h"

#include "../../core/crc32c.h"
#include "../../format/format.h"

#include <string.h>

#define HEADER sizeof(struct perftrace_file_header)
#define BLOCK sizeof(struct perftrace_block_header)
enum { BLOCKS_MAX = 512, PAYLOAD_MAX = 1 << 16 };

/* A chunk's range is that of its records, and within a segment. */
static void fit_chunk(uint8_t *payload, size_t bytes) {
    struct perftrace_block_chunk chunk;
    if (bytes < sizeof chunk || bytes - sizeof chunk > PERFTRACE_SEGMENT_RECORD_BYTES)
        return;
    memcpy(&chunk, payload, sizeof chunk);
    size_t records = bytes - sizeof chunk;
    chunk.first_byte = chunk.first_byte % (uint32_t)(PERFTRACE_SEGMENT_RECORD_BYTES - records + 8) / 8 * 8;
    chunk.last_byte = chunk.first_byte + (uint32_t)records;
    memcpy(payload, &chunk, sizeof chunk);
}

void fuzz_seal_blocks(uint8_t *data, size_t size, size_t at) {
    while (size >= BLOCK && at <= size - BLOCK) {
        struct perftrace_block_header header;
        size_t left = (size - at - BLOCK) / 8 * 8;
        memcpy(&header, data + at, sizeof header);
        if (header.bytes > left || header.bytes % 8 != 0)
            header.bytes = (uint32_t)(header.bytes / 8 * 8 > left ? left : header.bytes / 8 * 8);
        if (header.kind == PERFTRACE_BLOCK_CHUNK)
            fit_chunk(data + at + BLOCK, header.bytes);
        header.marker = PERFTRACE_BLOCK_MARKER;
        header.checksum = 0;
        uint32_t sum = perftrace_crc32c(0, &header, sizeof header);
        header.checksum = perftrace_crc32c(sum, data + at + BLOCK, header.bytes);
        memcpy(data + at, &header, sizeof header);
        at += BLOCK + header.bytes;
    }
}

static void seal_header(uint8_t *data) {
    struct perftrace_file_header header;
    memcpy(&header, data, sizeof header);
    memcpy(header.magic, PERFTRACE_TRACE_MAGIC, sizeof header.magic);
    header.version = PERFTRACE_FORMAT_VERSION;
    header.header_bytes = sizeof header;
    header.checksum = 0;
    header.checksum = perftrace_crc32c(0, &header, sizeof header);
    memcpy(data, &header, sizeof header);
}

/* Where blocks begin; the last is the end. */
static size_t find_blocks(const uint8_t *data, size_t size, size_t starts[BLOCKS_MAX]) {
    size_t count = 0, at = HEADER;
    while (count < BLOCKS_MAX - 1 && size >= BLOCK && at <= size - BLOCK) {
        struct perftrace_block_header header;
        memcpy(&header, data + at, sizeof header);
        if (header.bytes > size - at - BLOCK)
            break;
        starts[count++] = at;
        at += BLOCK + header.bytes;
    }
    starts[count] = at;
    return count;
}

/* Puts `bytes` bytes in place of data[from .. to). */
static size_t replace(uint8_t *data, size_t size, size_t size_max, size_t from, size_t to,
                      const uint8_t *with, size_t bytes) {
    if (size - (to - from) + bytes > size_max)
        return size;
    memmove(data + from + bytes, data + to, size - to);
    if (bytes > 0)
        memcpy(data + from, with, bytes);
    return size - (to - from) + bytes;
}

static size_t mutate_payload(uint8_t *data, size_t size, size_t size_max, size_t from, size_t to) {
    static uint8_t block[BLOCK + PAYLOAD_MAX];
    struct perftrace_block_header header;
    size_t bytes = to - from - BLOCK;
    if (bytes > PAYLOAD_MAX - 64)
        return size;
    memcpy(block, data + from, to - from);
    size_t now = LLVMFuzzerMutate(block + BLOCK, bytes, bytes + 64), padded = (now + 7) / 8 * 8;
    memset(block + BLOCK + now, 0, padded - now);
    memcpy(&header, block, sizeof header);
    header.bytes = (uint32_t)padded;
    memcpy(block, &header, sizeof header);
    return replace(data, size, size_max, from, to, block, BLOCK + padded);
}

static size_t add_fresh(uint8_t *data, size_t size, size_t size_max, size_t at, uint64_t *random) {
    uint8_t block[BLOCK + 256] = {0};
    const struct perftrace_block_header header = {.kind = (uint16_t)(1 + fuzz_random(random, 11)),
                                                  .bytes = (uint32_t)(fuzz_random(random, 33) * 8)};
    memcpy(block, &header, sizeof header);
    for (size_t i = 0; i < header.bytes; i++)
        block[BLOCK + i] = (uint8_t)(fuzz_random(random, 3) == 0 ? fuzz_random(random, 6) : 0);
    return replace(data, size, size_max, at, at, block, BLOCK + header.bytes);
}

size_t fuzz_mutate_trace(uint8_t *data, size_t size, size_t size_max, unsigned seed) {
    static uint8_t moved[BLOCK + PAYLOAD_MAX];
    size_t starts[BLOCKS_MAX];
    uint64_t random = seed;
    size_t count = size > HEADER ? find_blocks(data, size, starts) : 0;
    if (count == 0 || fuzz_random(&random, 16) == 0) {
        size = LLVMFuzzerMutate(data, size, size_max);
        if (size >= HEADER && fuzz_random(&random, 4) != 0) {
            seal_header(data);
            fuzz_seal_blocks(data, size, HEADER);
        }
        return size;
    }
    size_t which = (size_t)fuzz_random(&random, count), other = (size_t)fuzz_random(&random, count);
    size_t from = starts[which], to = starts[which + 1];
    bool small = to - from <= sizeof moved;
    if (small)
        memcpy(moved, data + from, to - from);
    switch (fuzz_random(&random, 12)) {
    case 0:
        size = replace(data, size, size_max, from, to, NULL, 0);
        break;
    case 1: /* again, elsewhere */
        if (small)
            size = replace(data, size, size_max, starts[other], starts[other], moved, to - from);
        break;
    case 2: /* to the end */
        if (small) {
            size = replace(data, size, size_max, from, to, NULL, 0);
            size = replace(data, size, size_max, size, size, moved, to - from);
        }
        break;
    case 3:
        size = add_fresh(data, size, size_max, from, &random);
        break;
    case 4: /* damage stays damage */
        data[from + fuzz_random(&random, to - from)] ^= (uint8_t)(1 + fuzz_random(&random, 255));
        return size;
    case 5: /* a cut */
        return from + (size_t)fuzz_random(&random, to - from);
    default:
        size = mutate_payload(data, size, size_max, from, to);
        break;
    }
    fuzz_seal_blocks(data, size, HEADER);
    return size;
}
