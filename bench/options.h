/* The command line that all programs of this folder share; each says which of the options it heeds. */
#ifndef PERFTRACE_BENCH_OPTIONS_H
#define PERFTRACE_BENCH_OPTIONS_H

#include <stdint.h>

struct options {
    const char *what;  /* -c CASE */
    const char *mode;  /* -m MODE */
    const char *trace; /* -o FILE */
    uint64_t length;   /* -n NUMBER: passes, or spans */
    unsigned slices;   /* -r NUMBER: of the loop, or runs */
    unsigned threads;  /* -t NUMBER */
};

/* What is not given stays as it is. Ends the program with 2 on anything else. */
void options_parse(struct options *options, int argc, char **argv);

#endif
