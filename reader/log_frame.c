/* Taking a record out of what a logger has put around it. */
#define _GNU_SOURCE /* memmem */
#include "log_frame.h"

#include "chrome_json_text.h"
#include "log_index.h"
#include "log_line.h"

#include <string.h>

enum { LEVELS_MAX = 8, PARAMETERS_MAX = 32 };

static const char before_metrics[] = "|elapsed_ms=";

static bool is_one_of(char byte, const char *set) {
    return byte != '\0' && strchr(set, byte) != NULL;
}

static bool is_blank(char byte) {
    return is_one_of(byte, " \t\r\n");
}

/* ---- behind a record ------------------------------------------------------------------------------ */

/* Where the sequence begins that ends at `end`, or `end`. Within quotes some write the escape character as \x1b. */
static char *before_sequence(char *start, char *end, bool quoted) {
    static const char written[] = "\\x1b";
    char *at = end;
    if (end - start >= 3 && end[-2] == '(')
        at = end - 2;
    else if (end - start >= 3 && end[-1] >= '@' && end[-1] <= '~') {
        for (at--; at > start && end - at < PARAMETERS_MAX && at[-1] >= ' ' && at[-1] <= '?';)
            at--;
        at -= at > start && at[-1] == '[';
    }
    if (at == end || (*at != '[' && *at != '('))
        return end;
    if (at > start && at[-1] == '\x1b')
        return at - 1;
    size_t length = sizeof written - 1;
    return quoted && (size_t)(at - start) >= length && memcmp(at - length, written, length) == 0 ? at - length
                                                                                                 : end;
}

static char *trim(char *start, char *end, bool quoted) {
    for (char *before = NULL; before != end;) {
        before = end;
        while (end > start && is_blank(end[-1]))
            end--;
        end = before_sequence(start, end, quoted);
    }
    return end;
}

/* ---- quotes --------------------------------------------------------------------------------------- */

/* Whether a quote closes that stands before `next`. */
static bool closes(const char *next, const char *end) {
    return next == end || is_blank(*next) || is_one_of(*next, ",;:)]}>");
}

/* The quote that is open at `end`, or NULL. */
static char *open_quote(char *line, char *end) {
    char *open = NULL;
    for (char *at = line; at < end; at++) {
        if (open == NULL) {
            bool opens = at == line || at + 1 == end || is_blank(at[-1]) || is_one_of(at[-1], "=:,([{<");
            open = opens && (*at == '"' || *at == '\'') ? at : NULL;
        } else if (*at == '\\')
            at++;
        else if (*at == *open && at + 1 < end && closes(at + 1, end))
            open = NULL;
    }
    return open;
}

static char *closing_quote(char *at, char *end, char quote) {
    for (; at < end; at++) {
        if (*at == '\\')
            at++;
        else if (*at == quote && closes(at + 1, end))
            return at;
    }
    return NULL;
}

/* Undoes escapes where they stand, and gives the new end. */
static char *undo(char *at, char *end) {
    struct perftrace_json_text text = {
        .bytes = at,
        .length = (uint32_t)(end - at),
        .escaped = memchr(at, '\\', (size_t)(end - at)) != NULL,
    };
    return text.escaped ? at + perftrace_json_unescape(&text, at) : end;
}

/* The quote that the record is in, and the other one at *close, behind elapsed_ms at *metrics; or NULL. `line` and `before_end` are around what is
 * before the record, `start` and `end` around the record itself. */
static char *find_quotes(char *line, char *before_end, char *start, char *end, char **metrics, char **close) {
    char *open = open_quote(line, before_end);
    *metrics =
        open == NULL ? NULL : memmem(start, (size_t)(end - start), before_metrics, sizeof before_metrics - 1);
    *close = *metrics == NULL ? NULL : closing_quote(*metrics, end, *open);
    return *close == NULL ? NULL : open;
}

static char *near_line(char *line, char *mark) {
    return mark - line > PERFTRACE_LOG_PREFIX_BYTES ? mark - PERFTRACE_LOG_PREFIX_BYTES : line;
}

const char *perftrace_log_behind(char *line, char *mark, char *end) {
    char *metrics, *close;
    bool quoted = find_quotes(near_line(line, mark), mark, mark + PERFTRACE_LOG_MARK_LENGTH, end, &metrics,
                              &close) != NULL;
    return quoted ? close + 1 : end;
}

struct perftrace_log_frame perftrace_log_unwrap(char *line, char *mark, char *end) {
    struct perftrace_log_frame frame = {0};
    char *start = mark + PERFTRACE_LOG_MARK_LENGTH, *before_end = mark, *line_end = end;
    bool quoted = false;
    line = near_line(line, mark);
    for (int level = 0; level < LEVELS_MAX; level++) {
        char *metrics, *close, *open = find_quotes(line, before_end, start, end, &metrics, &close);
        if (open == NULL)
            break;
        quoted = true;
        frame.moved = frame.moved || memchr(start, '\\', (size_t)(metrics - start)) != NULL;
        end = undo(start, close);
        line = open + 1;
        before_end = undo(line, before_end);
        char *newline = memchr(start, '\n', (size_t)(end - start));
        if (newline == NULL)
            continue;
        if (frame.lost == 0 &&
            memmem(newline, (size_t)(end - newline), PERFTRACE_LOG_MARK, PERFTRACE_LOG_MARK_LENGTH) != NULL)
            frame.lost = (size_t)(end - newline);
        end = newline;
    }
    memset(end, ' ', (size_t)(line_end - end));
    frame.end = trim(start, end, quoted);
    return frame;
}
