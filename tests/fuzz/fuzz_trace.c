/* The bytes of a trace -> the reader. */
#include "fuzz.h"

#include <stdlib.h>

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t size_max, unsigned seed) {
    return fuzz_mutate_trace(data, size, size_max, seed);
}

/* Adding up gives as many calls as reading. */
static void aggregate(const char *path, const struct fuzz_read *read) {
    struct perftrace_reader *reader = perftrace_reader_open(path, NULL, NULL);
    struct perftrace_function_total *totals;
    if (reader == NULL)
        return;
    ptrdiff_t count = perftrace_reader_aggregate(reader, &totals);
    uint64_t calls = 0;
    for (ptrdiff_t i = 0; i < count; i++)
        calls += totals[i].calls;
    FUZZ_CHECK(count >= 0 && calls == read->ended);
    free(totals);
    perftrace_reader_close(reader);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    const char *path = fuzz_file(data, size);
    struct fuzz_read read = fuzz_read(path, NULL, NULL);
    if (size % 4 == 0 && read.error == 0)
        aggregate(path, &read);
    return 0;
}
