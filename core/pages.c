/* Memory straight from the kernel. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* MAP_ANONYMOUS, madvise */
#endif
#include "pages.h"

#include <stdint.h>
#include <sys/mman.h>

enum { LARGE = PERFTRACE_LARGE_PAGE };

/* 0: too many. */
static size_t taken(size_t bytes, bool large) {
    if (bytes > SIZE_MAX / 2)
        return 0;
    return large ? (bytes + LARGE - 1) / LARGE * LARGE : bytes;
}

void *perftrace_pages_new(size_t bytes, bool large) {
    size_t size = taken(bytes, large), more = large ? LARGE : 0;
    if (size == 0)
        return NULL;
    char *pages = mmap(NULL, size + more, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (pages == MAP_FAILED)
        return NULL;
    if (!large)
        return pages;
    /* Large pages begin at multiples of their size. */
    size_t before = (LARGE - (uintptr_t)pages % LARGE) % LARGE;
    if (before > 0)
        munmap(pages, before);
    if (before < more)
        munmap(pages + before + size, more - before);
    perftrace_pages_advise(pages + before, size);
    return pages + before;
}

void perftrace_pages_free(void *pages, size_t bytes, bool large) {
    if (pages != NULL)
        munmap(pages, taken(bytes, large));
}

void perftrace_pages_advise(void *pages, size_t bytes) {
    madvise(pages, bytes, MADV_HUGEPAGE);
}
