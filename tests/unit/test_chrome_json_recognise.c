/* reader/chrome_json_input.c: what is told apart from a log, by its first bytes. */
#include "../../reader/chrome_json_input.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define SPAN(name) "{\"name\":\"" name "\",\"ph\":\"X\",\"pid\":1,\"tid\":2,\"ts\":1,\"dur\":2}"

static void what_it_is(void **state) {
    (void)state;
    static const struct {
        const char *text;
        int is;
    } texts[] = {
        {"[" SPAN("a"), 1},
        {" \r\n\t{\"traceEvents\":", 1},
        {"{\"displayTimeUnit\":\"ns\"", 1},
        {"[]", 1},
        {"{}", 1},
        {"", 0},
        {"PERF_TRACE|1|f|elapsed_ms=1", 0},
        {"[2025-01-01T00:00:00Z DEBUG module] PERF_TRACE|1|f|elapsed_ms=1", 0},
        {"[{debug}] PERF_TRACE|1|f|elapsed_ms=1", 0},
        {"{\"level\":\"debug\",\"msg\":\"PERF_TRACE|1|f|elapsed_ms=1\"}", 0},
        {"[" SPAN("PERF_TRACE|"), 1},
        {"[1] 2345", 0},
        {"{ int x; }", 0},
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        int is = perftrace_json_recognise(texts[i].text, strlen(texts[i].text), true);
        if (is != texts[i].is)
            print_error("%s\n", texts[i].text);
        assert_int_equal(is, texts[i].is);
    }
    assert_int_equal(perftrace_json_recognise("  {", 3, false), -1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_it_is),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
