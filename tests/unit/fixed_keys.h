/* The keys of hashing are the same in each run of a test that includes this once: which questions are followed is chosen by hash, and
 * with other keys each time one run in some hundreds would be further off than what is said of it (two standard deviations). */
#ifndef PERFTRACE_TESTS_FIXED_KEYS_H
#define PERFTRACE_TESTS_FIXED_KEYS_H

#include <stdint.h>
#include <string.h>
#include <sys/random.h>

/* Instead of the C library's. splitmix64 (Steele, Lea and Flood, "Fast splittable pseudorandom number generators", 2014). */
ssize_t getrandom(void *bytes, size_t count, unsigned flags) {
    static uint64_t state;
    (void)flags;
    for (size_t at = 0; at < count; at += sizeof state) {
        uint64_t mixed = state += UINT64_C(0x9e3779b97f4a7c15);
        mixed = (mixed ^ mixed >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
        mixed = (mixed ^ mixed >> 27) * UINT64_C(0x94d049bb133111eb);
        mixed ^= mixed >> 31;
        memcpy((char *)bytes + at, &mixed, count - at < sizeof mixed ? count - at : sizeof mixed);
    }
    return (ssize_t)count;
}

#endif
