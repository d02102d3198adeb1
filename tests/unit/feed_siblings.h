/* What the tests of siblings share: one analysis a test, and what it has found as text. */
#ifndef PERFTRACE_TESTS_FEED_SIBLINGS_H
#define PERFTRACE_TESTS_FEED_SIBLINGS_H

#include "../../analysis/siblings.h"
#include "feed_calls.h"

/* That of the test at hand, opened and closed by these. */
extern struct fed fed;
int feed_siblings_begin(void **state);
int feed_siblings_end(void **state);
#define SIBLINGS_TEST(name) cmocka_unit_test_setup_teardown(name, feed_siblings_begin, feed_siblings_end)

/* Each of these after feed_finish. */

static inline const struct analysis_siblings *found(void) {
    return analysis_siblings(fed.analysis);
}
/* All N + 1, a line each, as "caller>through>function|parameter calls/parents". */
void expect_n_plus_one(const char *expected);
/* All that is asked again, a line each: "function first>again calls/parents saved". */
void expect_again(const char *expected);
/* Whether these words are in what is said to be approximated. */
bool is_approximated(const char *words);
uint64_t calls_in_loops(void); /* of all N + 1 */

#endif
