/* core/text.c and core/number.c: numbers as text, UTF-8, and escaping for JSON, terminals and log fields. */
#include "../../core/text.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define TEXT(literal) ((struct perftrace_text){literal, sizeof(literal) - 1})

/* Checks that the buffer holds exactly the literal, and empties it. */
#define EXPECT(buffer, literal)                                                                              \
    do {                                                                                                     \
        assert_false((buffer)->failed);                                                                      \
        perftrace_buffer_add(buffer, "", 1);                                                                 \
        assert_string_equal((buffer)->bytes, literal);                                                       \
        assert_int_equal((buffer)->length, sizeof(literal));                                                 \
        (buffer)->length = 0;                                                                                \
    } while (0)

static void integers_are_written_in_full(void **state) {
    (void)state;
    struct perftrace_buffer buffer = {0};
    const uint64_t powers[] = {0, 9, 10, 99, 100, 12345, UINT64_MAX};
    for (size_t i = 0; i < sizeof powers / sizeof powers[0]; i++) {
        perftrace_buffer_unsigned(&buffer, powers[i]);
        perftrace_buffer_text(&buffer, " ");
    }
    EXPECT(&buffer, "0 9 10 99 100 12345 18446744073709551615 ");
    perftrace_buffer_signed(&buffer, INT64_MIN);
    perftrace_buffer_signed(&buffer, -7);
    perftrace_buffer_signed(&buffer, INT64_MAX);
    EXPECT(&buffer, "-9223372036854775808-79223372036854775807");
    perftrace_buffer_address(&buffer, 0);
    perftrace_buffer_address(&buffer, UINT64_MAX);
    EXPECT(&buffer, "0x00xffffffffffffffff");
    free(buffer.bytes);
}

static void formats_are_printed(void **state) {
    (void)state;
    struct perftrace_buffer buffer = {0};
    char large[600];
    perftrace_buffer_print(&buffer, "%s: %u of %5.1f %%", "a", 7u, 12.25);
    perftrace_buffer_print(&buffer, "%s", "");
    perftrace_buffer_add(&buffer, "", 1);
    assert_string_equal(buffer.bytes, "a: 7 of  12.2 %");
    memset(large, 'x', sizeof large - 1);
    large[sizeof large - 1] = '\0';
    buffer.length = 0;
    perftrace_buffer_print(&buffer, "%s", large);
    assert_int_equal(buffer.length, 511);
    free(buffer.bytes);
}

static void doubles_are_short(void **state) {
    (void)state;
    static const struct {
        double value;
        const char *text;
    } cases[] = {
        {0, "0"},
        {-0.0, "-0"},
        {1, "1"},
        {0.1, "0.1"},
        {-12.75, "-12.75"},
        {0.1 + 0.2, "0.30000000000000004"},
        {100, "100"},
        {1e15, "1000000000000000"},
        {123456789012345680.0, "1.2345678901234568e+17"},
        {1e16, "10000000000000000"},
        {1e17, "1e+17"},
        {1.5e300, "1.5e+300"},
        {1e-5, "0.00001"},
        {9.5e-6, "9.5e-6"},
        {5e-324, "5e-324"},
        {1.7976931348623157e308, "1.7976931348623157e+308"},
        {999999999999999.9, "999999999999999.9"},
        {2.0 / 3, "0.6666666666666666"},
        {0.000012345678901234567, "0.000012345678901234568"},
    };
    struct perftrace_buffer buffer = {0};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        buffer.length = 0;
        perftrace_buffer_double(&buffer, cases[i].value);
        perftrace_buffer_add(&buffer, "", 1);
        assert_string_equal(buffer.bytes, cases[i].text);
    }
    buffer.length = 0;
    perftrace_buffer_double(&buffer, NAN);
    perftrace_buffer_double(&buffer, INFINITY);
    perftrace_buffer_double(&buffer, -INFINITY);
    EXPECT(&buffer, "naninf-inf");
    free(buffer.bytes);
}

/* Any bit pattern must come back; xorshift gives many of them, short decimals the others. */
static void doubles_read_back(void **state) {
    (void)state;
    struct perftrace_buffer buffer = {0};
    uint64_t random = 88172645463325252u;
    for (int i = 0; i < 20000; i++) {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        double value;
        memcpy(&value, &random, sizeof value);
        if (i % 2 == 0)
            value = (double)(random >> 34) / 1000;
        if (!isfinite(value))
            continue;
        buffer.length = 0;
        perftrace_buffer_double(&buffer, value);
        perftrace_buffer_add(&buffer, "", 1);
        assert_true(strtod(buffer.bytes, NULL) == value);
        assert_true(buffer.length <= 26);
    }
    free(buffer.bytes);
}

static void utf8_is_checked(void **state) {
    (void)state;
    static const struct {
        const char *bytes;
        unsigned size;
        uint32_t code_point;
    } cases[] = {
        {"a", 1, 'a'},
        {"\xc3\xa9", 2, 0xe9},
        {"\xe2\x82\xac", 3, 0x20ac},
        {"\xf0\x9f\x98\x80", 4, 0x1f600},
        {"\xf4\x8f\xbf\xbf", 4, 0x10ffff},
        {"\x80", 0, 0},     /* a continuation alone */
        {"\xc0\x80", 0, 0}, /* overlong */
        {"\xc1\xbf", 0, 0},
        {"\xe0\x9f\xbf", 0, 0},
        {"\xf0\x8f\xbf\xbf", 0, 0},
        {"\xed\xa0\x80", 0, 0},     /* surrogate */
        {"\xf4\x90\x80\x80", 0, 0}, /* beyond the last */
        {"\xf5\x80\x80\x80", 0, 0},
        {"\xe2\x82", 0, 0}, /* ends early */
        {"\xe2(\xa1", 0, 0},
        {"\xff", 0, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        uint32_t code_point = 0;
        assert_int_equal(perftrace_utf8(cases[i].bytes, strlen(cases[i].bytes), &code_point), cases[i].size);
        if (cases[i].size != 0)
            assert_int_equal(code_point, cases[i].code_point);
    }
    uint32_t code_point;
    assert_int_equal(perftrace_utf8("", 0, &code_point), 0);
}

static void json_is_escaped(void **state) {
    (void)state;
    struct perftrace_buffer buffer = {0};
    perftrace_buffer_json(&buffer, TEXT("plain, longer than one word of eight"), 0);
    EXPECT(&buffer, "\"plain, longer than one word of eight\"");
    perftrace_buffer_json(&buffer, TEXT("\"\\\b\f\n\r\t\x01\x7f\0z"), 0);
    EXPECT(&buffer, "\"\\\"\\\\\\b\\f\\n\\r\\t\\u0001\\u007f\\u0000z\"");
    perftrace_buffer_json(&buffer,
                          TEXT("a\xff"
                               "b\xc3\xa9\xe2\x82"),
                          0);
    EXPECT(&buffer,
           "\"a\xef\xbf\xbd"
           "b\xc3\xa9\xef\xbf\xbd\xef\xbf\xbd\"");
    /* A quote at each place within a word. */
    for (int at = 0; at < 17; at++) {
        char bytes[18] = "aaaaaaaaaaaaaaaaa", expected[] = "\"aaaaaaaaaaaaaaaaa\\\"\"";
        bytes[at] = '"';
        expected[at + 1] = '\\';
        expected[at + 2] = '"';
        memset(expected + at + 3, 'a', (size_t)(16 - at));
        memcpy(expected + 19, "\"", 2);
        perftrace_buffer_json(&buffer, (struct perftrace_text){bytes, 17}, 0);
        perftrace_buffer_add(&buffer, "", 1);
        assert_string_equal(buffer.bytes, expected);
        buffer.length = 0;
    }
    free(buffer.bytes);
}

static void json_is_cut_between_characters(void **state) {
    (void)state;
    struct perftrace_buffer buffer = {0};
    perftrace_buffer_json(&buffer, TEXT("abcdef"), 6);
    EXPECT(&buffer, "\"abcdef\"");
    perftrace_buffer_json(&buffer, TEXT("abcdef"), 4);
    EXPECT(&buffer, "\"abcd…\"");
    perftrace_buffer_json(&buffer, TEXT("ab\xe2\x82\xac"), 4);
    EXPECT(&buffer, "\"ab…\"");
    perftrace_buffer_json(&buffer, TEXT("a\n\n"), 2);
    EXPECT(&buffer, "\"a\\n…\"");
    free(buffer.bytes);
}

static void terminals_see_nothing_that_acts(void **state) {
    (void)state;
    struct perftrace_buffer buffer = {0};
    perftrace_buffer_visible(&buffer, TEXT("ok | \\ \x1b[31m\x7f\r\n\0"));
    EXPECT(&buffer, "ok | \\ \\x1b[31m\\x7f\\x0d\\x0a\\x00");
    perftrace_buffer_visible(&buffer, TEXT("\xc2\x9b"
                                           "1m \xe2\x80\xae"
                                           "rtl \xe2\x80\x8b \xef\xbb\xbf \xf3\xa0\x80\x81"));
    EXPECT(&buffer, "\\u{009b}1m \\u{202e}rtl \\u{200b} \\u{feff} \\u{e0001}");
    perftrace_buffer_visible(&buffer, TEXT("gr\xc3\xbc\xc3\x9f \xf0\x9f\x98\x80 \xff\xc0"));
    EXPECT(&buffer, "gr\xc3\xbc\xc3\x9f \xf0\x9f\x98\x80 \\xff\\xc0");
    free(buffer.bytes);
}

static void fields_come_back(void **state) {
    (void)state;
    struct perftrace_buffer buffer = {0};
    perftrace_buffer_field(&buffer, TEXT("a|b\\c\nd\\x41"));
    EXPECT(&buffer, "a\\x7cb\\x5cc\\x0ad\\x5cx41");
    uint64_t random = 362436069;
    for (int i = 0; i < 20000; i++) {
        char bytes[24];
        size_t length = (size_t)(i % 24);
        for (size_t at = 0; at < length; at++) {
            random = random * 6364136223846793005u + 1442695040888963407u;
            /* Half of them from the characters that mean something here. */
            bytes[at] =
                (random >> 60) & 1 ? (char)(random >> 40) : "\\xu{}|4c\xe2\x80\x8b\n"[(random >> 40) % 12];
        }
        buffer.length = 0;
        perftrace_buffer_field(&buffer, (struct perftrace_text){bytes, length});
        if (length == 0)
            continue;
        assert_null(memchr(buffer.bytes, '|', buffer.length));
        assert_null(memchr(buffer.bytes, '\n', buffer.length));
        assert_int_equal(perftrace_unescape(buffer.bytes, buffer.length), length);
        assert_memory_equal(buffer.bytes, bytes, length);
    }
    free(buffer.bytes);
}

static void what_is_no_escape_stays(void **state) {
    (void)state;
    static const char *const same[] = {"\\",          "\\x",      "\\x4", "\\xg0",  "\\u{12}",
                                       "\\u{110000}", "\\u{0041", "\\n",  "c:\\dir"};
    for (size_t i = 0; i < sizeof same / sizeof same[0]; i++) {
        char bytes[16];
        size_t length = strlen(same[i]);
        memcpy(bytes, same[i], length);
        assert_int_equal(perftrace_unescape(bytes, length), length);
        assert_memory_equal(bytes, same[i], length);
    }
}

static void values_are_shown(void **state) {
    (void)state;
    struct perftrace_buffer buffer = {0};
    const struct perftrace_value values[] = {
        {.type = PERFTRACE_TYPE_SIGNED, .i = -5},
        {.type = PERFTRACE_TYPE_UNSIGNED, .u = UINT64_MAX},
        {.type = PERFTRACE_TYPE_DOUBLE, .d = 0.5},
        {.type = PERFTRACE_TYPE_BOOLEAN, .u = 1},
        {.type = PERFTRACE_TYPE_ADDRESS, .u = 0x1f},
        {.type = PERFTRACE_TYPE_STRING, .text = {"a\n", 2}, .cut = true},
        {.type = PERFTRACE_TYPE_STRING, .text = {"", 0}, .null = true},
        {.type = 99},
    };
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        perftrace_buffer_value(&buffer, &values[i]);
        perftrace_buffer_text(&buffer, " ");
    }
    EXPECT(&buffer, "-5 18446744073709551615 0.5 true 0x1f a\\x0a… (null) ? ");
    free(buffer.bytes);
}

static void a_full_memory_is_remembered(void **state) {
    (void)state;
    struct perftrace_buffer buffer = {0};
    perftrace_buffer_text(&buffer, "kept");
    assert_null(perftrace_buffer_reserve(&buffer, SIZE_MAX / 2));
    assert_true(buffer.failed);
    perftrace_buffer_text(&buffer, "not added");
    assert_int_equal(buffer.length, 4);
    free(buffer.bytes);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(integers_are_written_in_full),
        cmocka_unit_test(formats_are_printed),
        cmocka_unit_test(doubles_are_short),
        cmocka_unit_test(doubles_read_back),
        cmocka_unit_test(utf8_is_checked),
        cmocka_unit_test(json_is_escaped),
        cmocka_unit_test(json_is_cut_between_characters),
        cmocka_unit_test(terminals_see_nothing_that_acts),
        cmocka_unit_test(fields_come_back),
        cmocka_unit_test(what_is_no_escape_stays),
        cmocka_unit_test(values_are_shown),
        cmocka_unit_test(a_full_memory_is_remembered),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
