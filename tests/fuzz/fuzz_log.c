/* The bytes of a log -> the reader. Complete records come out whatever stands before them. */
#include "fuzz.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const char behind[] = "\nPERF_TRACE|1|last|elapsed_ms=2|thread=3\n";
    static uint8_t more[1 << 16];
    struct fuzz_read read = fuzz_read(fuzz_file(data, size), NULL, NULL);
    if (read.error != 0 || read.native || size > sizeof more - sizeof behind)
        return 0; /* it is taken for a trace */
    memcpy(more, data, size);
    memcpy(more + size, behind, sizeof behind - 1);
    struct fuzz_read with = fuzz_read(fuzz_file(more, size + sizeof behind - 1), NULL, NULL);
    if (with.error == 0 && !with.native)
        FUZZ_CHECK(with.items == read.items + 1);
    return 0;
}
