/* What loggers put around a PERF_TRACE record on its line: quotes, with a form of escapes, and blanks and colours behind it. */
#ifndef PERFTRACE_READER_LOG_FRAME_H
#define PERFTRACE_READER_LOG_FRAME_H

#include <stdbool.h>
#include <stddef.h>

/* So much of what is before a record on its line is looked at. */
enum { PERFTRACE_LOG_PREFIX_BYTES = 16 << 10 };

struct perftrace_log_frame {
    char *end; /* of the record */
    /* Something was undone before elapsed_ms, so that what the index has of this line does not hold. */
    bool moved;
    /* Of several lines with records in one quoted text: bytes behind the first one, which were left out. */
    size_t lost;
};

/* Takes the record at `mark`, whose line begins at `line` and ends at `end`, out of what is around it. Blanks and ANSI escape sequences
 * (ECMA-48: CSI, and the choice of a character set) at the end of the line do not belong to it. If a quote, " or ', was opened
 * before it and not closed, and is closed behind elapsed_ms, the record ends there, JSON's escapes are undone where it stands (the
 * bytes up to `end` are then blanks), and what was in the quotes counts as a line in turn. A quote opens at the beginning of a line,
 * behind a blank or one of =:,([{<, and right before a record; it closes before a blank, one of ,;:)]}> and the end of the line.
 * The bytes before `mark` may be written to as well. */
struct perftrace_log_frame perftrace_log_unwrap(char *line, char *mark, char *end);

/* What stands behind the outermost quotes around that record, before they are taken away; `end` if there are none. */
const char *perftrace_log_behind(char *line, char *mark, char *end);

#endif
