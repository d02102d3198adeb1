/* What the fuzz targets share. Each tests/fuzz/fuzz_NAME.c is a target of its own, with inputs to begin with in
 * tests/fuzz/corpus/NAME/: one function, LLVMFuzzerTestOneInput (https://llvm.org/docs/LibFuzzer.html), which takes any bytes and
 * aborts where something is wrong. `make fuzz` runs them under libFuzzer; `make test` replays the corpora with replay.c. */
#ifndef PERFTRACE_TESTS_FUZZ_H
#define PERFTRACE_TESTS_FUZZ_H

#include "perftrace_reader.h"

#include <stddef.h>
#include <stdint.h>

/* A target: this, and where plain mutations would get nowhere one that knows the input's form. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t size_max, unsigned seed);
/* Given by libFuzzer, or by replay.c. */
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t size_max);

/* Ends the program with a message, if it is not so. */
#define FUZZ_CHECK(fine) ((fine) ? (void)0 : fuzz_fail(__FILE__, __LINE__, #fine))
_Noreturn void fuzz_fail(const char *file, int line, const char *what);

/* What came out of a reading: equal readings have equal sums. */
struct fuzz_read {
    uint64_t items, begun, ended, records, complaints, sum;
    int error;
    bool native; /* it was a trace */
};

/* Reads a file to its end, looks at every byte that the items point to, and checks what the API promises of them. `hear` (may be NULL)
 * gets each item. */
struct fuzz_read fuzz_read(const char *path,
                           void (*hear)(void *context, const struct perftrace_reader *reader,
                                        const struct perftrace_item *item),
                           void *context);
/* The same without items of these kinds, PERFTRACE_ITEM_BITs. */
struct fuzz_read fuzz_read_without(const char *path, uint32_t unwanted,
                                   void (*hear)(void *context, const struct perftrace_reader *reader,
                                                const struct perftrace_item *item),
                                   void *context);
/* A file with these bytes, as a path: without a name, and the same one each time. */
const char *fuzz_file(const uint8_t *data, size_t size);

/* A small generator of random numbers. */
uint64_t fuzz_random(uint64_t *state, uint64_t below);

/* ---- traces (trace_mutator.c) ---- */

/* As LLVMFuzzerCustomMutator, for a trace: changes a block or the order of blocks, and seals them, since bytes with a wrong checksum
 * never get further than that. */
size_t fuzz_mutate_trace(uint8_t *data, size_t size, size_t size_max, unsigned seed);
/* Gives all blocks from `at` on possible lengths and right checksums. */
void fuzz_seal_blocks(uint8_t *data, size_t size, size_t at);

#endif
