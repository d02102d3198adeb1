/* Threads that record at the same time: the part of everything.c that makes a trace large. */
#ifndef PERFTRACE_TESTS_CROWD_H
#define PERFTRACE_TESTS_CROWD_H

#include <stdbool.h>
#include <stddef.h>

/* Names and values that are hard on readers of JSON. */
#define HARD                                                                                                 \
    "quote \" backslash \\ slash / tab \t newline \n escape \x1b nul-free \x7f emoji \xf0\x9f\x90\x8e "      \
    "</script>"
#define NOT_UTF8 "bad \xff\xfe cut \xf0\x9f\x90 surrogate \xed\xa0\x80 end"

enum { CROWD_THREADS = 8 };

/* So many spans on each of the threads, with all else that can be recorded between them. What they recorded is then
 * written to `truth`, for truth.py; NULL: it is not, and they record as fast as they can. With `killed` the first thread
 * that is done ends the process by SIGKILL. 0 or an errno. */
int crowd_record(size_t spans, const char *truth, bool killed);

#endif
