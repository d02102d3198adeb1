/* The shared command line (options.h). */
#include "options.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static uint64_t number(const char *text) {
    char *end;
    uint64_t value = strtoull(text, &end, 10);
    if (*end != '\0' || end == text) {
        fprintf(stderr, "%s: not a number\n", text);
        exit(2);
    }
    return value;
}

void options_parse(struct options *options, int argc, char **argv) {
    int option;
    while ((option = getopt(argc, argv, "c:m:o:n:r:t:")) != -1) {
        switch (option) {
        case 'c':
            options->what = optarg;
            break;
        case 'm':
            options->mode = optarg;
            break;
        case 'o':
            options->trace = optarg;
            break;
        case 'n':
            options->length = number(optarg);
            break;
        case 'r':
            options->slices = (unsigned)number(optarg);
            break;
        case 't':
            options->threads = (unsigned)number(optarg);
            break;
        default:
            exit(2);
        }
    }
}
