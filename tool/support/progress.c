/* The progress bar: appears after half a second, moves ten times a second. */
#include "progress.h"

#include "terminal.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { STEP_FIRST = 64, STEP_MAX = 1 << 16, LOOK_MS = 20, SHOW_MS = 100, HIDDEN_MS = 500 };

static uint64_t now_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

void progress_begin(struct progress *progress, uint64_t total) {
    *progress = (struct progress){.total = total, .wanted = isatty(STDERR_FILENO) != 0, .step = STEP_FIRST};
    if (!progress->wanted)
        progress->next_items = UINT64_MAX;
    progress->begun_ns = now_ns();
    progress->next_ns = progress->begun_ns + HIDDEN_MS * UINT64_C(1000000);
}

/* "512 M", "2.1 k": for a unit to follow. */
static void add_rate(double value, const char *unit, char text[32]) {
    static const char *const prefixes[] = {"", "k", "M", "G", "T"};
    unsigned prefix = 0;
    for (; value >= 999.5 && prefix < 4; prefix++)
        value /= 1000;
    snprintf(text, 32, value < 9.95 && prefix > 0 ? "%.1f %s%s" : "%.0f %s%s", value, prefixes[prefix],
             prefix == 0 && *unit == ' ' ? unit + 1 : unit);
}

static void add_bar(const struct progress *progress, double share, char *text, unsigned size) {
    enum { CELLS = 20 };
    static const char full[] = "####################", empty[] = "....................";
    int cells = (int)(share * CELLS);
    if (progress->total != 0)
        snprintf(text, size, "[%.*s%.*s] %3d %%", cells, full, CELLS - cells, empty, (int)(share * 100));
}

static void add_left(double seconds, char text[32]) {
    uint64_t whole = seconds < 360000 ? (uint64_t)(seconds + 0.5) : 360000;
    if (whole >= 3600)
        snprintf(text, 32, "%" PRIu64 ":%02" PRIu64 ":%02" PRIu64 " left", whole / 3600, whole / 60 % 60,
                 whole % 60);
    else
        snprintf(text, 32, "%" PRIu64 ":%02" PRIu64 " left", whole / 60, whole % 60);
}

void progress_text(const struct progress *progress, uint64_t elapsed_ns, uint64_t done_bytes, uint64_t calls,
                   unsigned width, char *text, unsigned size) {
    char parts[4][64] = {"", "", "", ""};
    double seconds = elapsed_ns != 0 ? (double)elapsed_ns / 1e9 : 1e-9;
    double share = done_bytes < progress->total ? (double)done_bytes / (double)progress->total : 1;
    add_bar(progress, share, parts[0], sizeof parts[0]);
    if (progress->total == 0)
        add_rate((double)done_bytes, "B read", parts[0]);
    add_rate((double)done_bytes / seconds, "B/s", parts[1]);
    add_rate((double)calls / seconds, " calls/s", parts[2]);
    if (progress->total != 0 && share > 0)
        add_left(seconds / share - seconds, parts[3]);
    unsigned used = 0;
    text[0] = '\0';
    for (unsigned i = 0; i < 4; i++) {
        unsigned length = (unsigned)strlen(parts[i]) + (used > 0 ? 2 : 0);
        if (parts[i][0] == '\0' || used + length > width || used + length >= size)
            continue;
        snprintf(text + used, size - used, "%s%s", used > 0 ? "  " : "", parts[i]);
        used += length;
    }
}

void progress_show(struct progress *progress, uint64_t done_bytes, uint64_t items, uint64_t calls) {
    uint64_t now = now_ns();
    /* Items may come slowly, or very fast: the clock is looked at some fifty times a second. */
    if (now - progress->looked_ns < LOOK_MS * UINT64_C(500000) && progress->step < STEP_MAX)
        progress->step *= 2;
    else if (now - progress->looked_ns > LOOK_MS * UINT64_C(2000000) && progress->step > 1)
        progress->step /= 2;
    progress->looked_ns = now;
    progress->next_items = items + progress->step;
    if (!progress->wanted || now < progress->next_ns)
        return;
    char text[160];
    progress->next_ns = now + SHOW_MS * UINT64_C(1000000);
    progress_text(progress, now - progress->begun_ns, done_bytes, calls, terminal_width(stderr) - 1, text,
                  sizeof text);
    fprintf(stderr, "\r%s\033[K", text);
    fflush(stderr);
    progress->visible = true;
}

void progress_clear(struct progress *progress) {
    if (progress->visible)
        fputs("\r\033[K", stderr);
    progress->visible = false;
}
