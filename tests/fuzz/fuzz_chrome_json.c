/* The bytes of a Chrome JSON file -> the reader. Whatever stands before them, whole events that follow come out, but where a quote
 * or bracket that is not closed takes them in. */
#include "fuzz.h"

#include <string.h>

/* As libFuzzer's, and now and then whole tokens. */
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t size_max, unsigned seed) {
    static const char *const tokens[] = {
        "{\"name\":\"a\",\"ph\":\"X\",\"ts\":1,\"dur\":5,\"pid\":1,\"tid\":1},",
        "{\"ph\":\"B\",\"name\":\"b\",\"ts\":2},",
        "{\"ph\":\"E\",\"ts\":3},",
        "\"args\":{\"x\":[1,{}]},",
        "\"ph\":\"b\",",
        "\"ph\":\"e\",",
        "\"id\":\"0x1\",",
        "\"id2\":{\"local\":1},",
        "\"traceEvents\":[",
        "\\ud800",
        "\\u0000",
        "1e300",
        "-0.0005",
        "\"",
        "{",
        "}",
        "[",
        "]",
        ","};
    uint64_t state = seed;
    if (fuzz_random(&state, 3) != 0)
        return LLVMFuzzerMutate(data, size, size_max);
    const char *token = tokens[fuzz_random(&state, sizeof tokens / sizeof *tokens)];
    size_t length = strlen(token), at = size > 0 ? (size_t)fuzz_random(&state, size + 1) : 0;
    if (size + length > size_max)
        return LLVMFuzzerMutate(data, size, size_max);
    memmove(data + at + length, data + at, size - at);
    memcpy(data + at, token, length);
    return size + length;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const char before[] = "{\"traceEvents\":[{\"name\":\"first\",\"ph\":\"i\",\"ts\":1},\n",
                      behind[] = "\n,{\"name\":\"last\",\"ph\":\"i\",\"ts\":2}]}\n";
    static uint8_t more[1 << 16];
    fuzz_read(fuzz_file(data, size), NULL, NULL);
    if (size > sizeof more - sizeof before - sizeof behind)
        return 0;
    memcpy(more, before, sizeof before - 1);
    memcpy(more + sizeof before - 1, data, size);
    memcpy(more + sizeof before - 1 + size, behind, sizeof behind - 1);
    struct fuzz_read read =
        fuzz_read(fuzz_file(more, sizeof before - 1 + size + sizeof behind - 1), NULL, NULL);
    FUZZ_CHECK(read.error == 0 && read.native && read.records >= 1 && read.items >= 1);
    return 0;
}
