/* Arrays that may become large and are looked at everywhere: on whole pages, so that an entry of 64 bytes is in one line of the
 * cache, large pages where there are some, and growing without being copied. */
#ifndef PERFTRACE_ANALYSIS_LARGE_H
#define PERFTRACE_ANALYSIS_LARGE_H

#include <stddef.h>
#include <stdint.h>

/* Of a function that does nothing but bring memory near (__builtin_prefetch): gcc takes calls of such for calls of nothing, and leaves them
 * out, unless they are gone before it looks. */
#define PREFETCHES inline __attribute__((always_inline))

/* As array_reserve (intern.h), for arrays that are freed with large_free. New entries are zeros. */
int large_reserve(void **array, uint32_t count, uint32_t *capacity, size_t bytes);
/* One of `count` entries, zeros; NULL without memory. */
void *large_new(uint32_t count, size_t bytes);
void large_free(void *array, uint32_t capacity, size_t bytes);

#endif
