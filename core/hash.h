/* Hashing what untrusted input holds, with a key that its author can't know: nobody can make names or numbers
 * that collide. */
#ifndef PERFTRACE_CORE_HASH_H
#define PERFTRACE_CORE_HASH_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* A key, another one each time. */
uint64_t perftrace_hash_key(void);

/* Multiplication with both halves of the product folded together: every input bit reaches every output bit. */
static inline uint64_t perftrace_hash_mix(uint64_t a, uint64_t b) {
    unsigned __int128 product = (unsigned __int128)a * b;
    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

static inline uint64_t perftrace_hash_number(uint64_t key, uint64_t number) {
    return perftrace_hash_mix(perftrace_hash_mix(number ^ key, UINT64_C(0xa0761d6478bd642f)) ^ key,
                              UINT64_C(0xe7037ed1a0b428db));
}

static inline uint64_t perftrace_hash_word_(const char *bytes) {
    uint64_t word;
    memcpy(&word, bytes, sizeof word);
    return word;
}

/* The last 16 bytes or fewer, as two words that overlap. */
static inline void perftrace_hash_rest_(const char *bytes, size_t length, uint64_t *a, uint64_t *b) {
    if (length >= 8) {
        *a = perftrace_hash_word_(bytes);
        *b = perftrace_hash_word_(bytes + length - 8);
    } else if (length >= 4) {
        uint32_t first, last;
        memcpy(&first, bytes, sizeof first);
        memcpy(&last, bytes + length - 4, sizeof last);
        *a = first;
        *b = last;
    } else {
        *a = *b = 0;
        for (size_t i = 0; i < length; i++)
            *a = *a << 8 | (unsigned char)bytes[i];
    }
}

/* Both factors of each product depend on the key, so that no pair of words cancels out whatever the key. */
static inline uint64_t perftrace_hash_text(uint64_t key, const char *bytes, size_t length) {
    const uint64_t other = key * UINT64_C(0x9e3779b97f4a7c15) + UINT64_C(0x8ebc6af09c88c6e3);
    uint64_t hash = key ^ length * UINT64_C(0x589965cc75374cc3), a, b;
    for (; length > 16; bytes += 16, length -= 16)
        hash =
            perftrace_hash_mix(perftrace_hash_word_(bytes) ^ hash, perftrace_hash_word_(bytes + 8) ^ other);
    perftrace_hash_rest_(bytes, length, &a, &b);
    return perftrace_hash_mix(perftrace_hash_mix(a ^ hash, b ^ other) ^ key, UINT64_C(0xe7037ed1a0b428db));
}

/* 128 bits, for where the hash alone is to tell texts apart: two hashes, each by a half of the secret. */
static inline void perftrace_hash_wide(const uint64_t secret[2], const char *bytes, size_t length,
                                       uint64_t hash[2]) {
    const uint64_t other = secret[0] * UINT64_C(0x9e3779b97f4a7c15) + UINT64_C(0x8ebc6af09c88c6e3);
    const uint64_t another = secret[1] * UINT64_C(0x9e3779b97f4a7c15) + UINT64_C(0x8ebc6af09c88c6e3);
    uint64_t one = secret[0] ^ length * UINT64_C(0x589965cc75374cc3), two = secret[1] ^ one, a, b;
    if (length > 16) {
        const char *last = bytes + length - 16; /* the last 16 bytes may overlap those before */
        for (; bytes < last; bytes += 16) {
            a = perftrace_hash_word_(bytes);
            b = perftrace_hash_word_(bytes + 8);
            one = perftrace_hash_mix(a ^ one, b ^ other);
            two = perftrace_hash_mix(a ^ two, b ^ another);
        }
        a = perftrace_hash_word_(last);
        b = perftrace_hash_word_(last + 8);
    } else {
        perftrace_hash_rest_(bytes, length, &a, &b);
    }
    hash[0] =
        perftrace_hash_mix(perftrace_hash_mix(a ^ one, b ^ other) ^ secret[0], UINT64_C(0xe7037ed1a0b428db));
    hash[1] = perftrace_hash_mix(perftrace_hash_mix(a ^ two, b ^ another) ^ secret[1],
                                 UINT64_C(0xe7037ed1a0b428db));
}

#endif
