/* json_check.c: the checker that other tests rely on takes what is JSON and nothing else. */
#include "json_check.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void takes_json(void **state) {
    (void)state;
    static const char *const good[] = {
        "0",
        " -0.5e+10 ",
        "1E5",
        "true",
        "null\n",
        "\"\"",
        "\"a\\u00e9\\n\xc3\xa9\xf0\x9f\x98\x80\"",
        "[]",
        "{}",
        "[1,2 , [3]]",
        "{\"a\":{\"b\":[{}]},\"c\":false}",
        "[[],{},[]]",
    };
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        if (!json_check(good[i], strlen(good[i]), NULL))
            fail_msg("%s", good[i]);
}

static void refuses_the_rest(void **state) {
    (void)state;
    static const char *const bad[] = {
        "",
        " ",
        "01",
        "1.",
        ".5",
        "+1",
        "1e",
        "-",
        "tru",
        "nul",
        "'a'",
        "\"",
        "\"\n\"",
        "\"\\x\"",
        "\"\\u12g4\"",
        "\"\x80\"",
        "\"\xc0\x80\"",
        "\"\xed\xa0\x80\"",
        "\"\xf4\x90\x80\x80\"",
        "\"\xe2\x82\"",
        "[",
        "[1",
        "[1,]",
        "[,1]",
        "[1 2]",
        "[1}",
        "{\"a\"}",
        "{\"a\":}",
        "{\"a\":1,}",
        "{a:1}",
        "{1:1}",
        "{,}",
        "[]]",
        "{} {}",
        "1,",
        "]",
        "NaN",
        "[1]\v",
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        if (json_check(bad[i], strlen(bad[i]), NULL))
            fail_msg("%s", bad[i]);
    assert_false(json_check("[1]\0", 4, NULL));
}

static void says_where(void **state) {
    (void)state;
    size_t wrong_at = 0;
    assert_false(json_check("[1,2,x]", 7, &wrong_at));
    assert_int_equal(wrong_at, 5);
    char deep[3000];
    memset(deep, '[', sizeof deep);
    assert_false(json_check(deep, sizeof deep, &wrong_at));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(takes_json),
        cmocka_unit_test(refuses_the_rest),
        cmocka_unit_test(says_where),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
