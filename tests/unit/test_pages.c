/* Memory in pages: zeros, as much as was asked for, at a multiple of a large page where it is to be in large ones. */
#include "../../core/pages.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void pages_of_any_size(void **state) {
    (void)state;
    const size_t sizes[] = {
        1, 4096, 65536 + 1, PERFTRACE_LARGE_PAGE - 1, PERFTRACE_LARGE_PAGE, 3 * PERFTRACE_LARGE_PAGE + 1};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        for (int large = 0; large < 2; large++) {
            unsigned char *first = perftrace_pages_new(sizes[i], large),
                          *second = perftrace_pages_new(sizes[i], large);
            assert_non_null(first);
            assert_non_null(second);
            assert_int_equal((uintptr_t)first % (large ? PERFTRACE_LARGE_PAGE : 4096), 0);
            assert_int_equal(first[0] | first[sizes[i] / 2] | first[sizes[i] - 1], 0);
            memset(first, 1, sizes[i]);
            assert_int_equal(second[0] | second[sizes[i] - 1], 0);
            perftrace_pages_free(first, sizes[i], large);
            memset(second, 2, sizes[i]); /* what lies beside it was not given back with the first */
            perftrace_pages_free(second, sizes[i], large);
        }
    }
}

static void too_many_are_refused(void **state) {
    (void)state;
    for (int large = 0; large < 2; large++) {
        assert_null(perftrace_pages_new(SIZE_MAX, large));
        assert_null(perftrace_pages_new(SIZE_MAX / 2, large));
        assert_null(perftrace_pages_new(0, large));
    }
    perftrace_pages_free(NULL, 1, true);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pages_of_any_size),
        cmocka_unit_test(too_many_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
