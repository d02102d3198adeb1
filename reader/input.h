/* Opening whatever somebody names as an input: files, pipes and terminals, without effects and without an end of waiting. */
#ifndef PERFTRACE_READER_INPUT_H
#define PERFTRACE_READER_INPUT_H

#include "../include/perftrace_reader.h"

/* How long a FIFO that nobody has opened for writing is waited for. */
#define PERFTRACE_FIFO_WAIT_MS 3000

struct perftrace_input_file {
    int fd;
    /* What a regular file has now: one that grows for ever is read up to there. UINT64_MAX where that can't be told. */
    uint64_t bytes;
    bool fifo; /* it has been opened whether somebody writes into it or not */
};

/* Opens `path` ("-": standard input). Devices that never end, what the kernel makes up in /proc and folders are refused; devices
 * without being opened, which could have an effect. False with *error filled. */
bool perftrace_input_open(const char *path, struct perftrace_input_file *file,
                          struct perftrace_error_info *error);

/* Steps over a hole of a sparse file, at which the descriptor stands; the bytes, 0 where there is none. */
uint64_t perftrace_input_skip_hole(int fd);

#endif
