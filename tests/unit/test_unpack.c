/* Unpacking: everything comes out again, from several members and frames, from pieces that come one by one; of what is cut or
 * damaged, what stands before and behind; and nobody waits for ever. */
#include "../../tool/support/unpack.h"

#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#ifdef PERFTRACE_ZLIB
#include <zlib.h>
#endif
#ifdef PERFTRACE_ZSTD
#include <zstd.h>
#endif

struct bytes {
    unsigned char *at;
    size_t length;
};

static struct bytes add(struct bytes to, const void *more, size_t length) {
    size_t capacity = 4096; /* the power of two in which it fits */
    while (capacity <= to.length)
        capacity *= 2;
    if (to.at == NULL || to.length + length >= capacity) {
        while (capacity <= to.length + length)
            capacity *= 2;
        to.at = realloc(to.at, capacity);
        assert_non_null(to.at);
    }
    memcpy(to.at + to.length, more, length);
    to.length += length;
    return to;
}

/* Lines that are not all alike. */
static struct bytes lines(unsigned from, unsigned count) {
    struct bytes text = {0};
    for (unsigned i = from; i < from + count; i++) {
        char line[64];
        text = add(text, line, (size_t)sprintf(line, "%u the square is %u\n", i, i * i % 100003));
    }
    return text;
}

static struct bytes pack(enum perftrace_packing packing, struct bytes plain) {
    struct bytes packed = {.length = plain.length * 2 + 1000};
    packed.at = malloc(packed.length);
    assert_non_null(packed.at);
#ifdef PERFTRACE_ZLIB
    if (packing == PERFTRACE_PACKED_GZIP) {
        z_stream stream = {0};
        assert_int_equal(deflateInit2(&stream, 6, Z_DEFLATED, MAX_WBITS + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
        stream.next_in = plain.at;
        stream.avail_in = (unsigned)plain.length;
        stream.next_out = packed.at;
        stream.avail_out = (unsigned)packed.length;
        assert_int_equal(deflate(&stream, Z_FINISH), Z_STREAM_END);
        packed.length = stream.total_out;
        deflateEnd(&stream);
        return packed;
    }
#endif
#ifdef PERFTRACE_ZSTD
    if (packing == PERFTRACE_PACKED_ZSTD) {
        ZSTD_CCtx *context = ZSTD_createCCtx();
        ZSTD_CCtx_setParameter(context, ZSTD_c_checksumFlag, 1); /* as the program zstd does */
        packed.length = ZSTD_compress2(context, packed.at, packed.length, plain.at, plain.length);
        ZSTD_freeCCtx(context);
        assert_false(ZSTD_isError(packed.length));
        return packed;
    }
#endif
    (void)plain;
    free(packed.at);
    return (struct bytes){0};
}

/* A file without a name that holds what comes behind the first bytes. */
static int file_of(struct bytes packed, size_t first) {
    char path[] = "unpackXXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    unlink(path);
    assert_int_equal(write(fd, packed.at + first, packed.length - first), packed.length - first);
    lseek(fd, 0, SEEK_SET);
    return fd;
}

static struct bytes read_all(int fd) {
    static unsigned char buffer[1 << 16];
    struct bytes all = {0};
    ssize_t got;
    while ((got = read(fd, buffer, sizeof buffer)) > 0)
        all = add(all, buffer, (size_t)got);
    assert_int_equal(got, 0);
    close(fd);
    return all;
}

/* Unpacks it, when `first` bytes of it have been read already. */
static struct bytes unpack_all(struct unpack *unpack, enum perftrace_packing packing, struct bytes packed,
                               size_t first) {
    struct perftrace_error_info error = {0};
    int fd = unpack_open(unpack, packing, file_of(packed, first), packed.at, first, UINT64_MAX, &error);
    if (fd < 0)
        fail_msg("%s", error.message);
    struct bytes all = read_all(fd);
    unpack_wait(unpack);
    return all;
}

static void assert_same(struct bytes a, struct bytes b) {
    assert_int_equal(a.length, b.length);
    if (a.length > 0)
        assert_memory_equal(a.at, b.at, a.length);
}

static enum perftrace_packing packing_of(void **state) {
    return *(const enum perftrace_packing *)*state;
}

static void all_comes_out(void **state) {
    static const unsigned counts[] = {0, 1, 100, 60000};
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
        struct bytes plain = lines(0, counts[i]), packed = pack(packing_of(state), plain);
        const size_t firsts[] = {4, packed.length, packed.length / 2};
        for (size_t j = 0; j < 3; j++) {
            struct unpack unpack;
            struct bytes all = unpack_all(&unpack, packing_of(state), packed, firsts[j]);
            assert_same(all, plain);
            assert_int_equal(unpack.damage_count, 0);
            assert_int_equal(atomic_load(&unpack.packed), packed.length);
            free(all.at);
        }
        free(plain.at);
        free(packed.at);
    }
}

/* Each of them is told by what it begins with, wherever the piece of the input ends that was read. */
static void several_are_one(void **state) {
    enum { COUNT = 40 };
    struct bytes plain = {0}, packed = {0};
    for (unsigned i = 0; i < COUNT; i++) {
        struct bytes more = lines(i * 1000, i % 7 == 0 ? 0 : i * 50),
                     packed_more = pack(packing_of(state), more);
        plain = add(plain, more.at != NULL ? more.at : (unsigned char *)"", more.length);
        packed = add(packed, packed_more.at, packed_more.length);
        free(more.at);
        free(packed_more.at);
    }
    packed = add(packed, "\0\0\0\0\0", 5);
    struct unpack unpack;
    struct bytes all = unpack_all(&unpack, packing_of(state), packed, 5);
    assert_same(all, plain);
    assert_int_equal(unpack.damage_count, 0);
    free(all.at);
    free(plain.at);
    free(packed.at);
}

/* Cut anywhere: the beginning of the text comes out, and it is told where the cut is. Whole, it is not told of. */
static void cut_at_each_byte(void **state) {
    struct bytes plain = lines(0, 200), packed = pack(packing_of(state), plain);
    size_t most = 0;
    for (size_t length = 4; length < packed.length; length++) {
        struct unpack unpack;
        struct bytes all = unpack_all(&unpack, packing_of(state), (struct bytes){packed.at, length}, 4);
        assert_true(all.length <= plain.length);
        if (all.length > 0)
            assert_memory_equal(all.at, plain.at, all.length);
        assert_true(all.length >= most);
        most = all.length;
        assert_int_equal(unpack.damage_count, 1);
        assert_int_equal(unpack.damages[0].byte_offset, length);
        free(all.at);
    }
    assert_int_equal(most, plain.length); /* only the checksum was missing */
    free(plain.at);
    free(packed.at);
}

/* One that was broken off, as when the program that packed was killed, and then others: the others are whole. */
static void others_behind_a_broken_one(void **state) {
    struct bytes before = lines(0, 3000), behind = lines(5000, 2000);
    struct bytes packed_before = pack(packing_of(state), before),
                 packed_behind = pack(packing_of(state), behind);
    for (size_t kept = 5; kept < packed_before.length; kept += packed_before.length / 50) {
        struct bytes packed = add((struct bytes){0}, packed_before.at, kept);
        packed = add(packed, packed_behind.at, packed_behind.length);
        packed = add(packed, "no such thing", 13);
        packed = add(packed, packed_behind.at, packed_behind.length);
        struct unpack unpack;
        struct bytes all = unpack_all(&unpack, packing_of(state), packed, 4);
        assert_true(all.length >= 2 * behind.length);
        assert_memory_equal(all.at + all.length - behind.length, behind.at, behind.length);
        assert_memory_equal(all.at + all.length - 2 * behind.length, behind.at, behind.length);
        assert_true(unpack.damage_count >= 2);
        free(all.at);
        free(packed.at);
    }
    free(before.at);
    free(behind.at);
    free(packed_before.at);
    free(packed_behind.at);
}

/* No byte makes it go on for ever, or take what is not there. */
static void any_byte_may_be_wrong(void **state) {
    struct bytes plain = lines(0, 60), packed = pack(packing_of(state), plain);
    unsigned told = 0;
    for (size_t at = 4; at < packed.length; at++) {
        packed.at[at] ^= (unsigned char)(1u << at % 8);
        struct unpack unpack;
        struct bytes all = unpack_all(&unpack, packing_of(state), packed, packed.length / 2);
        told += unpack.damage_count > 0;
        free(all.at);
        packed.at[at] ^= (unsigned char)(1u << at % 8);
    }
    assert_true(told > packed.length / 2);
    free(plain.at);
    free(packed.at);
}

/* Bytes that come one by one through a pipe. */
static void a_slow_pipe(void **state) {
    struct bytes plain = lines(0, 50), packed = pack(packing_of(state), plain);
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    struct unpack unpack;
    struct perftrace_error_info error;
    int fd = unpack_open(&unpack, packing_of(state), ends[0], packed.at, 4, UINT64_MAX, &error);
    assert_true(fd >= 0);
    for (size_t i = 4; i < packed.length; i++)
        assert_int_equal(write(ends[1], packed.at + i, 1), 1);
    close(ends[1]);
    struct bytes all = read_all(fd);
    unpack_wait(&unpack);
    assert_same(all, plain);
    assert_int_equal(unpack.damage_count, 0);
    free(all.at);
    free(plain.at);
    free(packed.at);
}

static double now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

/* Nobody reads, or nobody writes any more: it is waited for neither. */
static void nobody_at_the_other_end(void **state) {
    struct bytes plain = lines(0, 200000), packed = pack(packing_of(state), plain);
    struct unpack unpack;
    struct perftrace_error_info error;
    double start = now();
    int fd = unpack_open(&unpack, packing_of(state), file_of(packed, 4), packed.at, 4, UINT64_MAX, &error);
    assert_true(fd >= 0);
    unpack_wait(&unpack); /* with what is unpacked in the pipe, full as it is */
    close(fd);
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    fd = unpack_open(&unpack, packing_of(state), ends[0], packed.at, 4, UINT64_MAX, &error);
    assert_true(fd >= 0);
    close(fd);
    unpack_wait(&unpack); /* which waits for more to unpack */
    close(ends[1]);
    assert_true(now() - start < 20);
    free(plain.at);
    free(packed.at);
}

/* Of a file that grows: what it had when it was opened. */
static void no_more_than_wanted(void **state) {
    struct bytes plain = lines(0, 100), packed = pack(packing_of(state), plain);
    struct bytes twice = add(add((struct bytes){0}, packed.at, packed.length), packed.at, packed.length);
    struct unpack unpack;
    struct perftrace_error_info error;
    int fd =
        unpack_open(&unpack, packing_of(state), file_of(twice, 10), twice.at, 10, packed.length - 10, &error);
    assert_true(fd >= 0);
    struct bytes all = read_all(fd);
    unpack_wait(&unpack);
    assert_same(all, plain);
    free(all.at);
    free(twice.at);
    free(plain.at);
    free(packed.at);
}

#define WITH(test, packing) cmocka_unit_test_prestate(test, (void *)&packing)
#define ALL(packing)                                                                                         \
    WITH(all_comes_out, packing), WITH(several_are_one, packing), WITH(cut_at_each_byte, packing),           \
        WITH(others_behind_a_broken_one, packing), WITH(any_byte_may_be_wrong, packing),                     \
        WITH(a_slow_pipe, packing), WITH(nobody_at_the_other_end, packing),                                  \
        WITH(no_more_than_wanted, packing)

int main(void) {
    int failed = 0;
    signal(SIGPIPE, SIG_IGN); /* as the command does */
#ifdef PERFTRACE_ZLIB
    static enum perftrace_packing gzip = PERFTRACE_PACKED_GZIP;
    const struct CMUnitTest gzip_tests[] = {ALL(gzip)};
    failed += cmocka_run_group_tests_name("gzip", gzip_tests, NULL, NULL);
#endif
#ifdef PERFTRACE_ZSTD
    static enum perftrace_packing zstd = PERFTRACE_PACKED_ZSTD;
    const struct CMUnitTest zstd_tests[] = {ALL(zstd)};
    failed += cmocka_run_group_tests_name("zstd", zstd_tests, NULL, NULL);
#endif
    return failed;
}
