/* A command that was built without a library says so, where it would need it. */
#undef PERFTRACE_ZLIB
#undef PERFTRACE_ZSTD
#include "../../tool/support/unpack_gzip.c"
#include "../../tool/support/unpack_zstd.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static void it_is_said(void **state) {
    (void)state;
    static const char *const names[] = {"gzip", "zstd"};
    for (int i = 0; i < 2; i++) {
        struct unpack unpack;
        struct perftrace_error_info error = {0};
        int ends[2];
        assert_int_equal(pipe(ends), 0);
        assert_true(unpack_open(&unpack, (enum perftrace_packing)(PERFTRACE_PACKED_GZIP + i), ends[0], "", 0,
                                UINT64_MAX, &error) < 0);
        assert_int_equal(error.code, PERFTRACE_ERROR_FORMAT);
        assert_non_null(strstr(error.message, names[i]));
        assert_non_null(strstr(error.message, "built without it"));
        assert_int_equal(close(ends[0]), -1); /* it is closed already */
        close(ends[1]);
        unpack_wait(&unpack); /* nothing to wait for */
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(it_is_said)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
