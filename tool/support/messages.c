/* Messages on standard error: one form for all commands, safe for terminals, with the nearest name as a hint. */
#include "messages.h"

#include "../../core/text.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *command_name;

void message_command(const char *name) {
    command_name = name;
}

int message(const char *kind, const char *format, ...) {
    char text[2048];
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    if (length < 0)
        return -1;
    size_t used = (size_t)length < sizeof text ? (size_t)length : sizeof text - 1;
    struct perftrace_buffer line = {0};
    perftrace_buffer_text(&line, "perftrace");
    if (command_name != NULL) {
        perftrace_buffer_text(&line, " ");
        perftrace_buffer_text(&line, command_name);
    }
    perftrace_buffer_text(&line, ": ");
    perftrace_buffer_text(&line, kind);
    perftrace_buffer_visible(&line, (struct perftrace_text){text, used});
    perftrace_buffer_text(&line, "\n");
    if (line.failed)
        fputs("perftrace: error: out of memory\n", stderr);
    else
        fwrite(line.bytes, 1, line.length, stderr);
    free(line.bytes);
    return -1;
}

/* Levenshtein's distance; words longer than a row are never near. */
static size_t distance(const char *a, const char *b) {
    enum { LONGEST = 64 };
    size_t a_length = strlen(a), b_length = strlen(b);
    if (a_length >= LONGEST || b_length >= LONGEST)
        return LONGEST;
    size_t row[LONGEST + 1];
    for (size_t j = 0; j <= b_length; j++)
        row[j] = j;
    for (size_t i = 1; i <= a_length; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= b_length; j++) {
            size_t changed = diagonal + (a[i - 1] != b[j - 1]);
            diagonal = row[j];
            size_t shorter = (row[j] < row[j - 1] ? row[j] : row[j - 1]) + 1;
            row[j] = changed < shorter ? changed : shorter;
        }
    }
    return row[b_length];
}

const char *message_nearest(const char *word, const char *const *names, size_t count) {
    const char *nearest = NULL;
    size_t nearest_distance = strlen(word) / 3 + 2; /* further away is another word, not a slip */
    for (size_t i = 0; i < count; i++) {
        size_t away = distance(word, names[i]);
        if (away < nearest_distance && away < strlen(names[i])) {
            nearest = names[i];
            nearest_distance = away;
        }
    }
    return nearest;
}

int message_finish_stdout(int code) {
    int failed = ferror(stdout);
    errno = 0;
    if (fflush(stdout) == 0 && !failed)
        return code;
    return message_could_not("standard output: %s", errno != 0 ? strerror(errno) : "write failed");
}
