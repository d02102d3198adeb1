/* Checksums of parts of a buffer are those of going over the part, wherever it lies and whatever was asked before; and one
 * flipped bit is put right. */
#include "../../core/crc32c.h"
#include "../../reader/sums.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#define BYTES ((size_t)1 << 20)

static uint64_t state_ = 1;

static size_t any(size_t below) {
    state_ = state_ * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (size_t)(state_ >> 33) % below;
}

static unsigned char *random_bytes(void) {
    unsigned char *bytes = malloc(BYTES);
    assert_non_null(bytes);
    for (size_t i = 0; i < BYTES; i++)
        bytes[i] = (unsigned char)any(256);
    return bytes;
}

/* The window moves on over the bytes, by steps short and long, as a source's buffer does. */
static void any_part(void **state) {
    (void)state;
    unsigned char *bytes = random_bytes();
    struct perftrace_sums sums = {0};
    for (size_t offset = 0; offset < BYTES - 70000; offset += any(any(8) == 0 ? 60000 : 300)) {
        size_t have = 1 + any(BYTES - offset);
        for (unsigned i = 0; i < 4; i++) {
            size_t from = any(have), count = any(have - from + 1);
            uint32_t begun = (uint32_t)any(UINT32_MAX), sum = begun;
            assert_true(perftrace_sums_crc32c(&sums, bytes + offset, have, 1000 + offset, from, count, &sum));
            assert_int_equal(sum, perftrace_crc32c(begun, bytes + offset + from, count));
        }
    }
    perftrace_sums_free(&sums);
    free(bytes);
}

static void one_bit_is_put_right(void **state) {
    (void)state;
    unsigned char *bytes = random_bytes(), was[64];
    const uint32_t right = perftrace_crc32c(0, bytes, sizeof was);
    memcpy(was, bytes, sizeof was);
    for (size_t bit = 0; bit < 8 * sizeof was; bit++) {
        uint32_t checksum = right;
        bytes[bit / 8] ^= (unsigned char)(1u << bit % 8);
        assert_true(perftrace_crc32c_repair(bytes, sizeof was, &checksum));
        assert_memory_equal(bytes, was, sizeof was);
        assert_int_equal(checksum, right);
    }
    for (unsigned bit = 0; bit < 32; bit++) {
        uint32_t checksum = right ^ UINT32_C(1) << bit;
        assert_true(perftrace_crc32c_repair(bytes, sizeof was, &checksum));
        assert_memory_equal(bytes, was, sizeof was);
        assert_int_equal(checksum, right);
    }
    uint32_t checksum = right;
    bytes[3] ^= 0x11;
    memcpy(was, bytes, sizeof was);
    assert_false(perftrace_crc32c_repair(bytes, sizeof was, &checksum));
    assert_memory_equal(bytes, was, sizeof was);
    free(bytes);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_part),
        cmocka_unit_test(one_bit_is_put_right),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
