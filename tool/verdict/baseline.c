/* Reading and writing baselines: "frame p99 = 16123456, certainly from 16000000 to 16250000, of 600 samples". */
#include "baseline.h"

#include "../../analysis/intern.h"
#include "../support/messages.h"
#include "../support/outfile.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define LINE_MAX_BYTES 4096

/* Where a figure is, or belongs. */
static size_t place_of(const struct baseline *baseline, const char *figure, bool *there) {
    size_t low = 0, high = baseline->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = strcmp(baseline->lines[middle].figure, figure);
        if (order == 0) {
            *there = true;
            return middle;
        }
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    *there = false;
    return low;
}

const struct baseline_line *baseline_find(const struct baseline *baseline, const char *figure) {
    bool there;
    size_t place = place_of(baseline, figure, &there);
    return there ? &baseline->lines[place] : NULL;
}

int baseline_set(struct baseline *baseline, const struct baseline_line *line) {
    bool there;
    size_t place = place_of(baseline, line->figure, &there);
    struct perftrace_text copy;
    if (there) {
        const char *figure = baseline->lines[place].figure;
        baseline->lines[place] = *line;
        baseline->lines[place].figure = figure;
        return 0;
    }
    baseline->arena.bytes_max = (size_t)64 << 20;
    if (array_reserve((void **)&baseline->lines, baseline->count, &baseline->capacity,
                      sizeof *baseline->lines) != 0 ||
        !perftrace_arena_text(&baseline->arena, line->figure, strlen(line->figure), &copy))
        return -1;
    memmove(baseline->lines + place + 1, baseline->lines + place,
            (baseline->count++ - place) * sizeof *baseline->lines);
    baseline->lines[place] = *line;
    baseline->lines[place].figure = copy.bytes;
    return 0;
}

static bool parse(char *text, struct baseline_line *line) {
    char *equals = NULL, lower[64], upper[64], *end;
    for (char *at = text; (at = strstr(at, " = ")) != NULL; at++)
        equals = at; /* the last: names may hold anything */
    if (equals == NULL || equals == text)
        return false;
    *equals = '\0';
    line->figure = text;
    if (sscanf(equals + 3, "%lf from %63s to %63s of %" SCNu64, &line->value, lower, upper, &line->samples) !=
        4)
        return false;
    line->lower = strcmp(lower, "unknown") == 0 ? -INFINITY : strtod(lower, &end);
    line->upper = strcmp(upper, "unknown") == 0 ? INFINITY : strtod(upper, &end);
    return isfinite(line->value) && !isnan(line->lower) && !isnan(line->upper);
}

int baseline_read(struct baseline *baseline, const char *path, bool *missing) {
    char text[LINE_MAX_BYTES];
    FILE *file = fopen(path, "re");
    *missing = file == NULL && errno == ENOENT;
    if (file == NULL && !*missing)
        message_error("%s: %s", path, strerror(errno));
    if (file == NULL)
        return *missing ? 0 : -1;
    unsigned number = 0;
    int status = 0;
    while (status == 0 && fgets(text, sizeof text, file) != NULL) {
        struct baseline_line line;
        number++;
        text[strcspn(text, "\r\n")] = '\0';
        if (text[0] == '#' || text[0] == '\0')
            continue;
        if (number > BASELINE_LINES_MAX || !parse(text, &line)) {
            message_error(
                "%s:%u: this is no line of a baseline; --update-baseline writes it anew after the file was "
                "removed",
                path, number);
            status = -1;
        } else if (baseline_set(baseline, &line) != 0) {
            message_error("out of memory");
            status = -1;
        }
    }
    if (status == 0 && ferror(file)) {
        message_error("%s: %s", path, strerror(errno));
        status = -1;
    }
    fclose(file);
    return status;
}

static void write_bound(FILE *file, double bound) {
    if (isfinite(bound))
        fprintf(file, "%.17g", bound);
    else
        fputs("unknown", file);
}

int baseline_write(const struct baseline *baseline, const char *path) {
    struct outfile out;
    if (outfile_open(&out, path) != 0)
        return -1;
    fputs("# What perftrace check measured; times are in ns. Renewed by --update-baseline.\n", out.file);
    for (size_t i = 0; i < baseline->count; i++) {
        const struct baseline_line *line = &baseline->lines[i];
        fprintf(out.file, "%s = %.17g from ", line->figure, line->value);
        write_bound(out.file, line->lower);
        fputs(" to ", out.file);
        write_bound(out.file, line->upper);
        fprintf(out.file, " of %" PRIu64 " sample%s\n", line->samples, line->samples == 1 ? "" : "s");
    }
    return outfile_commit(&out);
}

void baseline_free(struct baseline *baseline) {
    free(baseline->lines);
    perftrace_arena_free(&baseline->arena);
    *baseline = (struct baseline){0};
}
