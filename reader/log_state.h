/* What the files of the reader for logs share: log.c reads record after record out of a buffer, log_calls.c gives calls out of
 * pieces that were indexed beforehand, and leaves to log.c the lines that are longer than a piece. */
#ifndef PERFTRACE_READER_LOG_STATE_H
#define PERFTRACE_READER_LOG_STATE_H

#include "log.h"
#include "log_ahead.h"
#include "log_frame.h"
#include "log_line.h"

enum {
    READ_BYTES = 256 << 10, /* at once: what stays in the cache until it is parsed */
    RECORD_BYTES_MAX = 1 << 20,
    NAMES_BYTES_MAX = 64 << 20,
    CALLS_AT_ONCE = 64,
};

struct perftrace_log_reader {
    int fd;
    bool at_end;     /* of the input */
    uint64_t unread; /* what may still be read of it; UINT64_MAX: as much as there is */
    char *buffer;    /* `capacity` bytes and PERFTRACE_LOG_PADDING */
    size_t capacity;
    size_t begin, end; /* what is not yet parsed */
    /* So many bytes before `begin` are of its line, and as they were (the last of them, if they are many) … */
    size_t prefix;
    bool unwrapped;    /* … but are not looked at, as a record before this one on the line was */
    size_t searched;   /* bytes from `begin` on that are known to hold no newline … */
    bool newline;      /* … and whether one stands right behind them */
    uint64_t offset;   /* of `begin` in the input */
    uint64_t line;     /* at `begin`, from 1 */
    uint64_t stamp_ns; /* with options.log_times: the time of day before the last record that had one */
    struct perftrace_reader_options options;
    struct perftrace_trace_info info;
    struct perftrace_error_info error;
    struct perftrace_log_parser parser;
    struct perftrace_item item;
    /* ---- calls (log_calls.c) ---- */
    struct perftrace_log_ahead *ahead; /* NULL: items are asked for */
    struct perftrace_log_piece *piece; /* the one at hand; NULL: none */
    bool buffered;           /* its bytes go through the buffer, as they are part of a long line … */
    uint32_t buffered_bytes; /* … and so many have gone */
    uint32_t entry;          /* of its index: the next one */
    struct perftrace_call calls[CALLS_AT_ONCE];
};

/* Leaves the first `bytes` of what is not parsed behind. */
void perftrace_log_advance(struct perftrace_log_reader *log, size_t bytes);
/* Tells that so many bytes at log->offset make no sense. */
void perftrace_log_damage(struct perftrace_log_reader *log, uint64_t bytes, const char *why);
extern const char perftrace_log_several_lines[]; /* … as perftrace_log_frame.lost has it */
/* More of the piece at hand, or of the next one, into the buffer, in which there is nothing but what is not parsed and what is before it on its line. False at the end of the
 * input, or where all that follows can be taken from indexed pieces again. */
bool perftrace_log_refill_from_piece(struct perftrace_log_reader *log);

#endif
