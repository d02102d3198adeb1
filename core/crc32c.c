/* CRC-32C: with the processor's instruction where it has one, else eight bytes at a time from tables. */
#include "crc32c.h"

#include <stdbool.h>
#include <string.h>

#if defined(__aarch64__) && defined(__ARM_FEATURE_CRC32)
#include <arm_acle.h>
#endif

/* tables[0] steps the checksum over one byte; tables[k] over one byte and then k zero bytes. */
static uint32_t tables[8][256];
static bool tables_made;

/* Two threads may both make the tables: they store the same values, and nobody reads before the flag. */
static void make_tables(void) {
    for (uint32_t byte = 0; byte < 256; byte++) {
        uint32_t crc = byte;
        for (int bit = 0; bit < 8; bit++)
            crc = (crc >> 1) ^ ((crc & 1) != 0 ? 0x82f63b78u : 0);
        __atomic_store_n(&tables[0][byte], crc, __ATOMIC_RELAXED);
    }
    for (uint32_t byte = 0; byte < 256; byte++) {
        uint32_t crc = __atomic_load_n(&tables[0][byte], __ATOMIC_RELAXED);
        for (int zeros = 1; zeros < 8; zeros++) {
            crc = (crc >> 8) ^ __atomic_load_n(&tables[0][crc & 0xff], __ATOMIC_RELAXED);
            __atomic_store_n(&tables[zeros][byte], crc, __ATOMIC_RELAXED);
        }
    }
    __atomic_store_n(&tables_made, true, __ATOMIC_RELEASE);
}

uint32_t perftrace_crc32c_portable(uint32_t crc, const void *data, size_t bytes) {
    const unsigned char *at = data;
    if (!__atomic_load_n(&tables_made, __ATOMIC_ACQUIRE))
        make_tables();
    crc = ~crc;
    for (; bytes >= 8; bytes -= 8, at += 8) {
        uint32_t low =
            crc ^ ((uint32_t)at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24);
        crc = tables[7][low & 0xff] ^ tables[6][(low >> 8) & 0xff] ^ tables[5][(low >> 16) & 0xff] ^
              tables[4][low >> 24] ^ tables[3][at[4]] ^ tables[2][at[5]] ^ tables[1][at[6]] ^
              tables[0][at[7]];
    }
    for (; bytes > 0; bytes--, at++)
        crc = (crc >> 8) ^ tables[0][(crc ^ *at) & 0xff];
    return ~crc;
}

#if defined(__x86_64__)

/* The instruction takes three cycles, and another may begin in each: so three lanes go side by side. The register behind a lane is
 * that before it, run over as many zeros, combined with that of the lane begun with zero (sums.c says why). lane_tables[i][b]
 * is the former for byte i = b. */
#define LANE_BYTES ((size_t)1024)
static uint32_t lane_tables[4][256];
static bool lane_tables_made;

__attribute__((target("sse4.2"))) static uint32_t over_zeros(uint32_t state, size_t bytes) {
    uint64_t wide = state;
    for (size_t i = 0; i < bytes; i += 8)
        wide = __builtin_ia32_crc32di(wide, 0);
    return (uint32_t)wide;
}

/* As make_tables: two threads store the same. */
static void make_lane_tables(void) {
    for (unsigned i = 0; i < 4; i++) {
        uint32_t bits[8];
        for (unsigned bit = 0; bit < 8; bit++)
            bits[bit] = over_zeros(1u << (8 * i + bit), LANE_BYTES);
        for (unsigned byte = 0; byte < 256; byte++) {
            uint32_t state = 0;
            for (unsigned bit = 0; bit < 8; bit++)
                state ^= (byte >> bit & 1) != 0 ? bits[bit] : 0;
            __atomic_store_n(&lane_tables[i][byte], state, __ATOMIC_RELAXED);
        }
    }
    __atomic_store_n(&lane_tables_made, true, __ATOMIC_RELEASE);
}

static uint32_t over_lane(uint32_t state) {
    return __atomic_load_n(&lane_tables[0][state & 0xff], __ATOMIC_RELAXED) ^
           __atomic_load_n(&lane_tables[1][state >> 8 & 0xff], __ATOMIC_RELAXED) ^
           __atomic_load_n(&lane_tables[2][state >> 16 & 0xff], __ATOMIC_RELAXED) ^
           __atomic_load_n(&lane_tables[3][state >> 24], __ATOMIC_RELAXED);
}

/* Three lanes from `at` on. */
__attribute__((target("sse4.2"))) static uint32_t lanes(uint32_t state, const unsigned char *at) {
    uint64_t wide[3] = {state, 0, 0};
    for (size_t i = 0; i < LANE_BYTES; i += 8) {
        uint64_t words[3];
        for (size_t lane = 0; lane < 3; lane++)
            memcpy(&words[lane], at + lane * LANE_BYTES + i, sizeof words[lane]);
        wide[0] = __builtin_ia32_crc32di(wide[0], words[0]);
        wide[1] = __builtin_ia32_crc32di(wide[1], words[1]);
        wide[2] = __builtin_ia32_crc32di(wide[2], words[2]);
    }
    return over_lane(over_lane((uint32_t)wide[0]) ^ (uint32_t)wide[1]) ^ (uint32_t)wide[2];
}

__attribute__((target("sse4.2"))) static uint32_t with_instruction(uint32_t crc, const void *data,
                                                                   size_t bytes) {
    const unsigned char *at = data;
    crc = ~crc;
    if (bytes >= 3 * LANE_BYTES && !__atomic_load_n(&lane_tables_made, __ATOMIC_ACQUIRE))
        make_lane_tables();
    for (; bytes >= 3 * LANE_BYTES; bytes -= 3 * LANE_BYTES, at += 3 * LANE_BYTES)
        crc = lanes(crc, at);
    uint64_t wide = crc;
    for (; bytes >= 8; bytes -= 8, at += 8) {
        uint64_t word;
        memcpy(&word, at, sizeof word);
        wide = __builtin_ia32_crc32di(wide, word);
    }
    crc = (uint32_t)wide;
    for (; bytes > 0; bytes--, at++)
        crc = __builtin_ia32_crc32qi(crc, *at);
    return ~crc;
}

uint32_t perftrace_crc32c(uint32_t crc, const void *data, size_t bytes) {
    if (__builtin_cpu_supports("sse4.2"))
        return with_instruction(crc, data, bytes);
    return perftrace_crc32c_portable(crc, data, bytes);
}

#elif defined(__aarch64__) && defined(__ARM_FEATURE_CRC32)

uint32_t perftrace_crc32c(uint32_t crc, const void *data, size_t bytes) {
    const unsigned char *at = data;
    crc = ~crc;
    for (; bytes >= 8; bytes -= 8, at += 8) {
        uint64_t word;
        memcpy(&word, at, sizeof word);
        crc = __crc32cd(crc, word);
    }
    for (; bytes > 0; bytes--, at++)
        crc = __crc32cb(crc, *at);
    return ~crc;
}

#else

uint32_t perftrace_crc32c(uint32_t crc, const void *data, size_t bytes) {
    return perftrace_crc32c_portable(crc, data, bytes);
}

#endif

bool perftrace_crc32c_repair(void *data, size_t bytes, uint32_t *checksum) {
    unsigned char *at = data;
    uint32_t actual = perftrace_crc32c(0, data, bytes), difference = actual ^ *checksum;
    if (difference != 0 && (difference & (difference - 1)) == 0) {
        *checksum = actual;
        return true;
    }
    for (size_t bit = 0; bit < bytes * 8; bit++) {
        at[bit / 8] ^= (unsigned char)(1u << bit % 8);
        if (perftrace_crc32c(0, data, bytes) == *checksum)
            return true;
        at[bit / 8] ^= (unsigned char)(1u << bit % 8);
    }
    return false;
}
