/* Reading any bytes, watched: what came out, what was complained of, how long it took, how much memory was held. */
#ifndef PERFTRACE_TESTS_READING_H
#define PERFTRACE_TESTS_READING_H

#include "../unit/make_trace.h"
#include "perftrace_reader.h"

/* No input may take longer than this, whatever it holds (the sanitizers and other programs on the machine aside). */
#ifdef PERFTRACE_SANITIZED
#define READING_SECONDS_MAX 40.0
#else
#define READING_SECONDS_MAX 5.0 /* of processor time */
#endif

struct reading {
    int error; /* 0, or why it could not be opened or read on: enum perftrace_error */
    char why[256];
    struct perftrace_trace_info info; /* its texts are gone */
    uint64_t items, calls, deepest;
    uint64_t complaints;       /* how often the reader complained … */
    char complaint[256];       /* … and of what first, */
    uint64_t complaint_offset; /* at which byte */
    uint64_t complaint_line;   /* or line */
    double seconds;            /* of processor time */
    size_t bytes_held;         /* at most, by malloc */
    /* What came out, a line an item: kind, track, name, times, values; not the calls' numbers, which change with what is
     * missing. Only where it was asked for. */
    struct made text;
};

enum { READING_TEXT = 1, READING_NUMBERS = 2 /* the calls' numbers too */, READING_LEAVE_RINGS = 4 };

/* Reads to the end. `flags`: READING_…. Free with reading_free. */
struct reading reading_of(const char *path, unsigned flags);
/* Of bytes in memory, through a file without a name. */
struct reading reading_of_bytes(const void *bytes, size_t length, unsigned flags);
void reading_free(struct reading *reading);
/* Whether the same came out of both. */
bool reading_same(const struct reading *a, const struct reading *b);
/* The lines of a text that begin with one of the letters, and (track not 0) that are of this or (negative) any other track;
 * sorted with `sort`. To be freed with made_free. */
struct made reading_lines(const struct made *text, const char *letters, long track, bool sort);
/* Checks the bounds on time and memory. */
bool reading_is_bounded(const struct reading *reading, const char *of);

/* ---- the command ---- */

struct ran {
    int status;            /* exit code; 256 and more: killed by that signal; -1: it hung */
    double seconds;        /* of processor time */
    size_t bytes_resident; /* at most */
    struct made out, err;
};

/* Runs perftrace with these arguments (NULL at the end), at most so many seconds by the clock. Free with ran_free. */
struct ran ran_perftrace(const char *const arguments[], double seconds);
void ran_free(struct ran *ran);

void write_bytes(const char *path, const void *bytes, size_t length);
/* A file's bytes; ends the test when it can't be read. */
struct made read_bytes(const char *path);

#endif
