/* The checksum: known answers, and both ways of computing it against each other. */
#include "../../core/crc32c.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

/* RFC 3720 appendix B.4, and the check value of the CRC catalogues. */
static void known_answers(void **state) {
    (void)state;
    unsigned char bytes[32];
    uint32_t (*const ways[])(uint32_t, const void *, size_t) = {perftrace_crc32c, perftrace_crc32c_portable};
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(ways[i](0, "123456789", 9), 0xe3069283u);
        memset(bytes, 0, sizeof bytes);
        assert_int_equal(ways[i](0, bytes, sizeof bytes), 0x8a9136aau);
        memset(bytes, 0xff, sizeof bytes);
        assert_int_equal(ways[i](0, bytes, sizeof bytes), 0x62a8ab43u);
        for (unsigned char j = 0; j < sizeof bytes; j++)
            bytes[j] = j;
        assert_int_equal(ways[i](0, bytes, sizeof bytes), 0x46dd794eu);
        assert_int_equal(ways[i](0, bytes, 0), 0);
    }
}

/* Every length and misalignment up to a few words, and continued in the middle. */
static void both_ways_agree(void **state) {
    (void)state;
    unsigned char bytes[96];
    uint32_t random = 1;
    for (size_t i = 0; i < sizeof bytes; i++) {
        random = random * 1664525u + 1013904223u;
        bytes[i] = (unsigned char)(random >> 24);
    }
    for (size_t start = 0; start < 9; start++)
        for (size_t length = 0; start + length <= sizeof bytes; length++) {
            uint32_t whole = perftrace_crc32c_portable(0, bytes + start, length);
            size_t half = length / 3;
            assert_int_equal(perftrace_crc32c(0, bytes + start, length), whole);
            uint32_t first = perftrace_crc32c(0, bytes + start, half);
            assert_int_equal(perftrace_crc32c(first, bytes + start + half, length - half), whole);
            first = perftrace_crc32c_portable(0, bytes + start, half);
            assert_int_equal(perftrace_crc32c_portable(first, bytes + start + half, length - half), whole);
        }
}

/* As much at once as a chunk has, and a little more or less than goes side by side. */
static void long_ones_agree(void **state) {
    (void)state;
    static unsigned char bytes[65536];
    uint32_t random = 7;
    for (size_t i = 0; i < sizeof bytes; i++) {
        random = random * 1664525u + 1013904223u;
        bytes[i] = (unsigned char)(random >> 24);
    }
    for (size_t length = 3064; length < 3080; length++)
        for (uint32_t begin = 0; begin < 2; begin++)
            assert_int_equal(perftrace_crc32c(begin, bytes + length % 5, length),
                             perftrace_crc32c_portable(begin, bytes + length % 5, length));
    assert_int_equal(perftrace_crc32c(0, bytes, 6144), perftrace_crc32c_portable(0, bytes, 6144));
    assert_int_equal(perftrace_crc32c(0, bytes, sizeof bytes),
                     perftrace_crc32c_portable(0, bytes, sizeof bytes));
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(known_answers), cmocka_unit_test(both_ways_agree),
                                       cmocka_unit_test(long_ones_agree)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
