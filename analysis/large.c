/* Large arrays, straight from the kernel. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* mremap */
#endif
#include "large.h"

#include "../core/pages.h"
#include "../include/perftrace_items.h"

#include <stdbool.h>
#include <sys/mman.h>

enum { BYTES_MIN = 65536, HUGE_FROM = 4 << 20 };
#define ENTRIES_MAX (1u << 30)

static void *with_huge_pages(void *array, size_t size) {
    if (size >= HUGE_FROM)
        perftrace_pages_advise(array, size);
    return array;
}

void *large_new(uint32_t count, size_t bytes) {
    void *array = perftrace_pages_new(count * bytes, false);
    return array != NULL ? with_huge_pages(array, count * bytes) : NULL;
}

int large_reserve(void **array, uint32_t count, uint32_t *capacity, size_t bytes) {
    if (count < *capacity)
        return 0;
    bool first = *capacity == 0;
    uint32_t wanted = first ? (uint32_t)((BYTES_MIN + bytes - 1) / bytes) : *capacity * 2;
    if (wanted > ENTRIES_MAX)
        return -PERFTRACE_ERROR_MEMORY;
    void *grown;
    if (first) {
        grown = large_new(wanted, bytes);
    } else {
        grown = mremap(*array, *capacity * bytes, wanted * bytes, MREMAP_MAYMOVE);
        grown = grown != MAP_FAILED ? with_huge_pages(grown, wanted * bytes) : NULL;
    }
    if (grown == NULL)
        return -PERFTRACE_ERROR_MEMORY;
    *array = grown;
    *capacity = wanted;
    return 0;
}

void large_free(void *array, uint32_t capacity, size_t bytes) {
    if (capacity != 0)
        perftrace_pages_free(array, capacity * bytes, false);
}
