/* A program that reads a trace with the installed reading API: prints how often each function was called. */
#include <perftrace_reader.h>

#include <stdio.h>
#include <stdlib.h>

int main(int argc, char **argv) {
    struct perftrace_error_info error;
    struct perftrace_reader *reader = argc == 2 ? perftrace_reader_open(argv[1], NULL, &error) : NULL;
    if (reader == NULL)
        return 2;
    struct perftrace_function_total *totals = NULL;
    ptrdiff_t count = perftrace_reader_aggregate(reader, &totals);
    for (ptrdiff_t i = 0; i < count; i++)
        printf("%llu %s\n", (unsigned long long)totals[i].calls, totals[i].site->name.bytes);
    free(totals);
    perftrace_reader_close(reader);
    return count < 0 ? 2 : 0;
}
