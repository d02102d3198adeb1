/* Memory straight from the kernel, in large pages where there are some: what is touched everywhere, and for the first time in every
 * run, takes one fault there instead of hundreds, each of which costs as much as some calls do. */
#ifndef PERFTRACE_CORE_PAGES_H
#define PERFTRACE_CORE_PAGES_H

#include <stdbool.h>
#include <stddef.h>

/* What a large page has; 2 MiB is that on most machines. */
#define PERFTRACE_LARGE_PAGE ((size_t)2 << 20)

/* Zeros; `large`: in whole large pages. NULL without memory. */
void *perftrace_pages_new(size_t bytes, bool large);
/* As they were asked for. NULL: nothing happens. */
void perftrace_pages_free(void *pages, size_t bytes, bool large);
/* From here on, as much as that, there may be large pages. Where that can't be, it is as well. */
void perftrace_pages_advise(void *pages, size_t bytes);

#endif
