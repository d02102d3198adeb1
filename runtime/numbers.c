/* The numbers of sites in modules that may be unloaded and come back: by what a trace is told of the site. With the lock held. */
#include "runtime.h"

#include "../core/crc32c.h"

#include <sys/mman.h>

#define SLOTS_MIN 1024u

/* Open addressing. A forked child goes on with it, whatever its parent was just doing: a table is complete before it
 * takes the old one's place. */
struct table {
    uint32_t slots, used;
    struct perftrace_number numbers[];
};
static struct table *table;

static size_t table_bytes(uint32_t slots) {
    return sizeof(struct table) + slots * sizeof(struct perftrace_number);
}

static struct perftrace_number *find(struct table *in, uint64_t hash, uint32_t checksum) {
    for (uint32_t i = (uint32_t)(hash ^ hash >> 32);; i++) {
        struct perftrace_number *number = &in->numbers[i % in->slots];
        if ((number->hash == 0 && number->checksum == 0) ||
            (number->hash == hash && number->checksum == checksum))
            return number;
    }
}

static bool grow(void) {
    uint32_t slots = table == NULL ? SLOTS_MIN : table->slots * 2;
    struct table *bigger = perftrace_map_memory(table_bytes(slots));
    if (bigger == NULL)
        return false;
    bigger->slots = slots;
    struct table *old = table;
    for (uint32_t i = 0; old != NULL && i < old->slots; i++) {
        const struct perftrace_number *number = &old->numbers[i];
        if (number->hash != 0 || number->checksum != 0) {
            *find(bigger, number->hash, number->checksum) = *number;
            bigger->used++;
        }
    }
    __atomic_store_n(&table, bigger, __ATOMIC_RELEASE);
    if (old != NULL)
        munmap(old, table_bytes(old->slots));
    return true;
}

struct perftrace_number *perftrace_number_find(const char *block, size_t bytes) {
    /* FNV-1a (Fowler, Noll, Vo) and a CRC: 96 bits that no two sites will share by chance. */
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    for (size_t i = 0; i < bytes; i++)
        hash = (hash ^ (unsigned char)block[i]) * UINT64_C(0x100000001b3);
    uint32_t checksum = perftrace_crc32c(0, block, bytes);
    if ((table == NULL || table->used >= table->slots / 2) && !grow())
        return NULL;
    struct perftrace_number *number = find(table, hash, checksum);
    if (number->hash == 0 && number->checksum == 0) {
        number->id = 0;
        number->told = 0;
        number->hash = hash;
        number->checksum = checksum;
        table->used++;
    }
    return number;
}
