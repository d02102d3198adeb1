/* runtime/filter.c: a table of directives, with the answers that the documentation of Rust's EnvFilter gives
 * for them but for the two differences that filter.h names; and what is complained of. */
#include "../../runtime/filter.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

enum { OFF, ERROR, WARN, INFO, DEBUG, TRACE };

/* `most`: the most verbose level at which a site of this target and name is on. */
struct row {
    const char *directives, *target, *name;
    unsigned most;
};

static void assert_rows(const struct row *rows, size_t count) {
    for (size_t i = 0; i < count; i++) {
        const struct row *row = &rows[i];
        struct perftrace_filter filter;
        assert_int_equal(perftrace_filter_parse(&filter, row->directives, NULL), 0);
        for (unsigned level = ERROR; level <= TRACE; level++)
            if (perftrace_filter_allows(&filter, row->target, row->name, level) != (level <= row->most))
                fail_msg("\"%s\" at %s, %s: level %u", row->directives ? row->directives : "(null)",
                         row->target, row->name ? row->name : "(null)", level);
    }
}
#define ASSERT_ROWS(rows) assert_rows(rows, sizeof(rows) / sizeof((rows)[0]))

static void no_directive_is_everything(void **state) {
    (void)state;
    const struct row rows[] = {
        {NULL, "a", "s", TRACE},
        {"", "a", "s", TRACE},
        {",,", "a", "s", TRACE},
        {" , ,\t", "a", "s", TRACE},
    };
    ASSERT_ROWS(rows);
    const struct perftrace_filter zero = {0};
    assert_true(perftrace_filter_allows(&zero, "a", "s", TRACE));
}

/* The documentation's own examples, and its usage notes. */
static void documented(void **state) {
    (void)state;
    const struct row rows[] = {
        {"tokio::net=info", "tokio::net", "s", INFO},
        {"tokio::net=info", "tokio::net::tcp", "s", INFO},
        {"tokio::net=info", "tokio", "s", OFF},
        {"warn,tokio::net=info", "tokio::net", "s", INFO},
        {"warn,tokio::net=info", "other", "s", WARN},
        {"my_crate[span_a]=trace", "my_crate", "span_a", TRACE},
        {"my_crate[span_a]=trace", "other", "span_a", OFF},
        {"[span_b]", "anything", "span_b", TRACE},
        {"[span_b]", "anything", "span_c", OFF},
        {"h2", "h2", "s", TRACE}, /* a directive without a level is equivalent to =trace */
        {"h2=", "h2", "s", TRACE},
        {"h2[s]=", "h2", "s", TRACE},
        {"debug", "h2", "s", DEBUG}, /* only a level: all that is not enabled by other filters */
        {"target-name=info", "target-name", "s", INFO},
        {"foo=trace", "bar", "s", OFF}, /* with a directive there is no default one */
        {"amp_engine=debug,amp_render=trace,off", "amp_engine", "s", DEBUG},
        {"amp_engine=debug,amp_render=trace,off", "amp_render", "s", TRACE},
        {"amp_engine=debug,amp_render=trace,off", "amp_audio", "s", OFF},
    };
    ASSERT_ROWS(rows);
}

static void levels(void **state) {
    (void)state;
    const struct row rows[] = {
        {"a=off", "a", "s", OFF},     {"a=error", "a", "s", ERROR},
        {"a=warn", "a", "s", WARN},   {"a=info", "a", "s", INFO},
        {"a=debug", "a", "s", DEBUG}, {"a=trace", "a", "s", TRACE},
        {"a=0", "a", "s", OFF},       {"a=1", "a", "s", ERROR},
        {"a=2", "a", "s", WARN},      {"a=3", "a", "s", INFO},
        {"a=4", "a", "s", DEBUG},     {"a=5", "a", "s", TRACE},
        {"a=INFO", "a", "s", INFO},   {"a=iNfO", "a", "s", INFO},
        {"WARN", "a", "s", WARN},     {"wArN", "a", "s", WARN},
        {"3", "a", "s", INFO},        {"0", "a", "s", OFF},
        {"off", "a", "s", OFF},       {"6", "6pack", "s", TRACE}, /* no level, so a target */
        {"warning", "a", "s", OFF},   {"warning", "warnings", "s", TRACE},
    };
    ASSERT_ROWS(rows);
}

static void blanks(void **state) {
    (void)state;
    const struct row rows[] = {
        {" a=info ", "a", "s", INFO},       {"\ta=info\n, b=debug ,", "b", "s", DEBUG},
        {",a=info,,warn,", "a", "s", INFO}, {",a=info,,warn,", "b", "s", WARN},
        {" warn ", "b", "s", WARN},
    };
    ASSERT_ROWS(rows);
}

static void most_specific_decides(void **state) {
    (void)state;
    const struct row rows[] = {
        {"net=off,network=debug", "network", "s", DEBUG}, /* a plain prefix */
        {"net=off,network=debug", "netwo", "s", OFF},
        {"network=debug,net=off", "network", "s", DEBUG}, /* in any order */
        {"a=info,a::b=debug,a::b::c=off", "a::b::c::d", "s", OFF},
        {"a=info,a::b=debug,a::b::c=off", "a::b::x", "s", DEBUG},
        {"a=info,a=debug", "a", "s", DEBUG}, /* of the same twice the later */
        {"info,warn", "a", "s", WARN},
        {"a[s]=debug,a[s]=error", "a", "s", ERROR},
        {"A=debug", "a", "s", OFF}, /* targets do not change case */
    };
    ASSERT_ROWS(rows);
}

static void spans(void **state) {
    (void)state;
    const struct row rows[] = {
        {"a=warn,a[s]=debug", "a", "s", DEBUG},
        {"a[s]=debug,a=warn", "a", "s", DEBUG},
        {"a=warn,a[s]=debug", "a", "t", WARN},
        {"a=warn,a[s]=debug", "a", NULL, WARN},
        {"a=trace,a[s]=off", "a", "s", OFF},
        {"[s]=debug,a=warn", "a", "s", WARN}, /* a longer target comes before a span */
        {"[s]=debug,warn", "a", "s", DEBUG},
        {"[s]=debug,warn", "a", "t", WARN},
        {"a[sp]=debug", "a", "span", OFF}, /* the whole name */
        {"a[read file]", "a", "read file", TRACE},
        {"a[!\"#$%&'()*+-./:;<=>?@^_`|~[}]=info", "a", "!\"#$%&'()*+-./:;<=>?@^_`|~[}", INFO},
        {"a[s]=info", "abc", "s", INFO},
    };
    ASSERT_ROWS(rows);
}

static void no_level_is_always_on(void **state) {
    (void)state;
    struct perftrace_filter filter;
    assert_int_equal(perftrace_filter_parse(&filter, "off", NULL), 0);
    assert_true(perftrace_filter_allows(&filter, "a", "s", 0));
    assert_false(perftrace_filter_allows(&filter, "a", "s", 1));
}

static char complaints[512];

static void complain(const char *directive, size_t length, const char *reason) {
    size_t used = strlen(complaints);
    int shown = length > 20 ? 20 : (int)length;
    snprintf(complaints + used, sizeof complaints - used, "%.*s: %s; ", shown, directive, reason);
}

static void nonsense_is_reported(void **state) {
    (void)state;
    const struct {
        const char *directives, *complaints;
    } rows[] = {
        {"a=wrong,b=info", "a=wrong: not a level; "},
        {"a=6", "a=6: not a level; "},
        {"a=warn=info", "a=warn=info: not a level; "},
        {"a= info", "a= info: not a level; "},
        {"=info", "=info: not a directive; "},
        {"+a=info", "+a=info: not a target; "},
        {"a[]=info", "a[]=info: a span's name is missing; "},
        {"a[s=info", "a[s=info: ] is missing; "},
        {"a[s]info", "a[s]info: not a directive; "},
        {"a[s]b=info", "a[s]b=info: not a directive; "},
        {"a[s{f=1}]=info", "a[s{f=1}]=info: fields are not supported; "},
        {"[{f}]", "[{f}]: fields are not supported; "},
        {"a[s{f,g}]", "a[s{f: fields are not supported; g}]: not a target; "},
        {" x=y , z=w ", "x=y: not a level; z=w: not a level; "},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct perftrace_filter filter;
        complaints[0] = '\0';
        int count = perftrace_filter_parse(&filter, rows[i].directives, complain);
        assert_string_equal(complaints, rows[i].complaints);
        assert_int_equal(count, perftrace_filter_parse(&filter, rows[i].directives, NULL));
        assert_int_not_equal(count, 0);
    }
}

static void the_others_hold(void **state) {
    (void)state;
    struct perftrace_filter filter;
    assert_int_equal(perftrace_filter_parse(&filter, "a=wrong,b=info,c[d", NULL), 2);
    assert_true(perftrace_filter_allows(&filter, "b", "s", INFO));
    assert_false(perftrace_filter_allows(&filter, "b", "s", DEBUG));
    assert_false(perftrace_filter_allows(&filter, "a", "s", ERROR));
    assert_int_equal(perftrace_filter_parse(&filter, "a=wrong", NULL), 1); /* none is left */
    assert_true(perftrace_filter_allows(&filter, "a", "s", TRACE));
}

static void limits(void **state) {
    (void)state;
    struct perftrace_filter filter;
    char text[64 * 8 + 200], *at = text;
    for (unsigned i = 0; i < PERFTRACE_DIRECTIVES_MAX + 2; i++)
        at += snprintf(at, sizeof text - (size_t)(at - text), "t%02u=1,", i);
    complaints[0] = '\0';
    assert_int_equal(perftrace_filter_parse(&filter, text, complain), 2);
    assert_string_equal(complaints, "t64=1: too many directives; t65=1: too many directives; ");
    assert_true(perftrace_filter_allows(&filter, "t63", "s", ERROR));
    assert_false(perftrace_filter_allows(&filter, "t64", "s", ERROR));

    enum { FITS = PERFTRACE_DIRECTIVE_BYTES - 1 };
    for (unsigned extra = 0; extra < 2; extra++) {
        char name[FITS + 2];
        memset(name, 'n', sizeof name);
        name[FITS + extra] = '\0';
        snprintf(text, sizeof text, "%s=debug", name);
        assert_int_equal(perftrace_filter_parse(&filter, text, NULL), extra);
        assert_int_equal(perftrace_filter_allows(&filter, "other", "s", ERROR), extra);
        snprintf(text, sizeof text, "[%s]=debug", name);
        assert_int_equal(perftrace_filter_parse(&filter, text, NULL), extra);
        assert_true(perftrace_filter_allows(&filter, "a", name, DEBUG));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_directive_is_everything),
        cmocka_unit_test(documented),
        cmocka_unit_test(levels),
        cmocka_unit_test(blanks),
        cmocka_unit_test(most_specific_decides),
        cmocka_unit_test(spans),
        cmocka_unit_test(no_level_is_always_on),
        cmocka_unit_test(nonsense_is_reported),
        cmocka_unit_test(the_others_hold),
        cmocka_unit_test(limits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
