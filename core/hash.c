/* Where keys for hashing come from. */
#include "hash.h"

#include <sys/random.h>

uint64_t perftrace_hash_key(void) {
    static uint64_t made; /* keys; only their difference counts, not who gets which */
    uint64_t key = 0;
    if (getrandom(&key, sizeof key, GRND_NONBLOCK) != (ssize_t)sizeof key)
        key =
            (uint64_t)(uintptr_t)&key << 20 ^ (uintptr_t)&made; /* differs from run to run as well, if less */
    uint64_t count = __atomic_add_fetch(&made, 1, __ATOMIC_RELAXED);
    return perftrace_hash_number(key, count);
}
