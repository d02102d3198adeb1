/* Calls for tests of the analysis, each written as one line of text. */
#ifndef PERFTRACE_TESTS_FEED_CALLS_H
#define PERFTRACE_TESTS_FEED_CALLS_H

#include "../../analysis/collect.h"

struct fed {
    struct analysis *analysis;
    uint64_t start_ns; /* of the next call; 0: unknown, as in a log */
    uint32_t track;    /* from 1 to 8 */
    bool async;
};

struct fed feed_open(size_t memory_max);
struct fed feed_open_with(const struct analysis_options *options);
/* "number parent function caller parameters | metrics", parameters and metrics as key=value without spaces in them, "_" for a space;
 * what is all digits is a number. */
void feed_call(struct fed *fed, uint64_t elapsed_ns, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void feed_finish(struct fed *fed);
void feed_close(struct fed *fed);
const char *feed_name(const struct fed *fed, uint32_t function);
const char *feed_text(const struct fed *fed, uint32_t text);

#endif
