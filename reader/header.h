/* What an input is, and the header of a trace. */
#ifndef PERFTRACE_READER_HEADER_H
#define PERFTRACE_READER_HEADER_H

#include "source.h"

enum perftrace_input {
    PERFTRACE_INPUT_LOG, /* or anything else */
    PERFTRACE_INPUT_TRACE,
    PERFTRACE_INPUT_CUT_TRACE, /* of which not even the magic is whole */
    PERFTRACE_INPUT_RING,
    PERFTRACE_INPUT_GZIP,
    PERFTRACE_INPUT_ZSTD,
};

/* Tells from the first bytes, which stay to be read. Look at source->error before the result is believed. */
enum perftrace_input perftrace_source_recognise(struct perftrace_source *source);

/* Steps over the header at the beginning of a trace. 0, or a negative enum perftrace_error with *error filled. */
int perftrace_source_take_header(struct perftrace_source *source, struct perftrace_file_header *header,
                                 struct perftrace_error_info *error);

#endif
