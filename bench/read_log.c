/* Reads a log's calls in brief and does nothing with them: what reading and indexing costs of a report.
 *
 *     read_log -o LOG */
#include "options.h"

#include <perftrace_reader.h>

#include <inttypes.h>
#include <stdio.h>

int main(int argc, char **argv) {
    struct options options = {0};
    options_parse(&options, argc, argv);
    struct perftrace_error_info error;
    struct perftrace_reader *reader = perftrace_reader_open(options.trace, NULL, &error);
    if (reader == NULL) {
        fprintf(stderr, "%s\n", error.message);
        return 2;
    }
    struct perftrace_call *calls;
    uint64_t all = 0;
    for (size_t count; (count = perftrace_reader_calls(reader, &calls)) > 0;)
        all += count;
    perftrace_reader_close(reader);
    printf("%" PRIu64 "\n", all);
    return 0;
}
