/* A progress bar on standard error while something takes long; nothing where that is not a terminal. */
#ifndef PERFTRACE_TOOL_PROGRESS_H
#define PERFTRACE_TOOL_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

struct progress {
    uint64_t total; /* bytes; 0: unknown */
    bool wanted;    /* it is a terminal */
    bool visible;
    uint64_t begun_ns, looked_ns; /* at the clock */
    uint64_t next_ns;             /* not shown again before */
    uint64_t next_items,
        step; /* and not looked at the clock before so many items, nor again before `step` more */
};

void progress_begin(struct progress *progress, uint64_t total);

/* Whether it is time for progress_show; costs nothing. */
static inline bool progress_due(const struct progress *progress, uint64_t items) {
    return items >= progress->next_items;
}
/* Half a second after the beginning and ten times a second from then on: how much there is of it (if the total is known), how fast it goes,
 * and how long it will take: "[########............]  40 %  512 MB/s  2.1 M calls/s  0:12 left". */
void progress_show(struct progress *progress, uint64_t done_bytes, uint64_t items, uint64_t calls);

/* Leaves nothing behind. */
void progress_clear(struct progress *progress);

/* ---- for tests ---- */

/* The line without its end, `width` columns at most: so much of it as fits. */
void progress_text(const struct progress *progress, uint64_t elapsed_ns, uint64_t done_bytes, uint64_t calls,
                   unsigned width, char *text, unsigned size);

#endif
