/* One analysis a test, and what it has found as text. */
#include "feed_siblings.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct fed fed;

int feed_siblings_begin(void **state) {
    (void)state;
    fed = feed_open(0);
    return 0;
}

int feed_siblings_end(void **state) {
    (void)state;
    feed_close(&fed);
    return 0;
}

void expect_n_plus_one(const char *expected) {
    char text[2048] = "";
    for (uint32_t i = 0; i < found()->n_plus_one_count; i++) {
        const struct analysis_n_plus_one *finding = &found()->n_plus_one[i];
        size_t at = strlen(text);
        at += (size_t)snprintf(text + at, sizeof text - at, "%s%s>", i > 0 ? "\n" : "",
                               feed_name(&fed, finding->caller));
        for (uint32_t j = 0; j < finding->through_count; j++)
            at += (size_t)snprintf(text + at, sizeof text - at, "%s>", feed_name(&fed, finding->through[j]));
        snprintf(text + at, sizeof text - at, "%s|%s %llu/%llu", feed_name(&fed, finding->function),
                 feed_text(&fed, finding->parameter), (unsigned long long)finding->calls,
                 (unsigned long long)finding->parents);
    }
    assert_string_equal(text, expected);
}

void expect_again(const char *expected) {
    char text[2048] = "";
    for (uint32_t i = 0; i < found()->asked_again_count; i++) {
        const struct analysis_asked_again *again = &found()->asked_again[i];
        size_t at = strlen(text);
        snprintf(text + at, sizeof text - at, "%s%s %s>%s %llu/%llu %llu", i > 0 ? "\n" : "",
                 feed_name(&fed, again->function), feed_name(&fed, again->first_caller),
                 feed_name(&fed, again->again_caller), (unsigned long long)again->again,
                 (unsigned long long)again->parents, (unsigned long long)again->saved_ns);
    }
    assert_string_equal(text, expected);
}

bool is_approximated(const char *words) {
    struct perftrace_buffer text = {0};
    analysis_approximations(fed.analysis, &text);
    perftrace_buffer_add(&text, "", 1);
    bool found_words = strstr(text.bytes, words) != NULL;
    free(text.bytes);
    return found_words;
}

uint64_t calls_in_loops(void) {
    uint64_t calls = 0;
    for (uint32_t i = 0; i < found()->n_plus_one_count; i++)
        calls += found()->n_plus_one[i].calls;
    return calls;
}
