/* The progress bar: appears after half a second, moves ten times a second. */
#include "progress.h"

#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static uint64_t now_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

void progress_begin(struct progress *progress, const char *what, uint64_t total) {
    *progress = (struct progress){.what = what, .total = isatty(STDERR_FILENO) ? total : 0};
    progress->next_ns = now_ns() + 500000000u;
}

void progress_show(struct progress *progress, uint64_t done) {
    enum { CELLS = 20 };
    static const char full[] = "####################", empty[] = "....................";
    if (progress->total == 0 || now_ns() < progress->next_ns)
        return;
    progress->next_ns = now_ns() + 100000000u;
    double share = done < progress->total ? (double)done / (double)progress->total : 1;
    int cells = (int)(share * CELLS);
    fprintf(stderr, "\r[%.*s%.*s] %3d%%", cells, full, CELLS - cells, empty, (int)(share * 100));
    fflush(stderr);
    progress->visible = true;
}

void progress_clear(struct progress *progress) {
    if (progress->visible)
        fprintf(stderr, "\r%30s\r", "");
    progress->visible = false;
}
