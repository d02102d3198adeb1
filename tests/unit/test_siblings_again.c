/* What is asked again under one parent, and what comes at once again: calls made by hand, one shape a test. */
#include "feed_siblings.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

/* ---- asked again ---------------------------------------------------------------------------------- */

static void asked_by_two(void **state) {
    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        feed_call(&fed, 15, "%u %u query exists entry=e%u", i * 10 + 3, i * 10 + 2, i);
        feed_call(&fed, 16, "%u %u exists open entry=e%u", i * 10 + 2, i * 10 + 1, i);
        feed_call(&fed, 14, "%u %u query load entry=e%u", i * 10 + 5, i * 10 + 4, i);
        feed_call(&fed, 18, "%u %u load open entry=e%u", i * 10 + 4, i * 10 + 1, i);
        feed_call(&fed, 40, "%u 0 open unknown", i * 10 + 1);
    }
    feed_finish(&fed);
    expect_again("query exists>load 2/2 28");
    const struct analysis_asked_again *again = found()->asked_again;
    assert_int_equal(again->first.number, 3);
    assert_int_equal(again->second.number, 5);
    const struct analysis_within *within = analysis_within_question(fed.analysis, again->question);
    assert_non_null(within);
    assert_int_equal(within->again, 1);
    assert_int_equal(within->parents, 1);
    assert_int_equal(within->parent.number, 1);
}

/* Whatever numbers questions have: another one is not the same. */
static void asked_again_among_many(void **state) {
    (void)state;
    for (unsigned i = 0; i < 300; i++)
        feed_call(&fed, 10, "%u %u query other id=k%u", 2 * i + 2, 2 * i + 1, i);
    for (unsigned other = 1; other < 300; other++) {
        unsigned number = 1000 + 10 * other;
        feed_call(&fed, 10, "%u %u query list id=k0", number + 1, number);
        feed_call(&fed, 10, "%u %u query list id=k%u", number + 2, number, other);
        feed_call(&fed, 10, "%u %u query list id=k0", number + 3, number);
        feed_call(&fed, 50, "%u 0 list unknown", number);
    }
    feed_finish(&fed);
    expect_again("query list>list 299/299 2990");
}

/* Each pair of callers by itself; and a parent counts once, however often it happened under it. */
static void asked_by_several(void **state) {
    (void)state;
    static const char *const callers[] = {"exists", "load", "save", "load"};
    for (unsigned parent = 0; parent < 2; parent++) {
        for (unsigned i = 0; i < 4; i++) {
            unsigned number = 100 * (parent + 1) + 10 * i;
            for (unsigned j = 0; j < 2; j++)
                feed_call(&fed, 10, "%u %u query %s entry=e%u_%u", number + 2 + j, number + 1, callers[i],
                          parent, i < 3 ? j : 2 + j);
            feed_call(&fed, 25, "%u %u %s open", number + 1, 100 * (parent + 1), callers[i]);
        }
        feed_call(&fed, 200, "%u 0 open unknown", 100 * (parent + 1));
    }
    feed_finish(&fed);
    expect_again("query exists>load 4/2 40\nquery exists>save 4/2 40");
}

/* Under different parents nobody could have kept the answer. */
static void asked_under_two_parents(void **state) {
    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        feed_call(&fed, 15, "%u %u query %s entry=e", i * 10 + 3, i * 10 + 2, i == 0 ? "exists" : "load");
        feed_call(&fed, 16, "%u 0 %s unknown", i * 10 + 2, i == 0 ? "exists" : "load");
    }
    feed_finish(&fed);
    expect_again("");
    assert_null(analysis_within_question(fed.analysis, 0));
}

static void asked_by_two_that_are_names_only(void **state) {
    (void)state;
    feed_call(&fed, 15, "42 0 query exists part=root entry=data | found=1");
    feed_call(&fed, 14, "43 0 query load part=root entry=data | found=1");
    feed_finish(&fed);
    expect_again("query exists>load 1/1 14");
}

static void asked_again_as_it_failed(void **state) {
    (void)state;
    feed_call(&fed, 15, "2 1 query load id=7 | error=1");
    feed_call(&fed, 15, "3 1 query load id=7 | error=0");
    feed_call(&fed, 15, "4 1 query load id=7 | error=0");
    feed_call(&fed, 60, "1 0 load unknown");
    feed_finish(&fed);
    expect_again("query load>load 1/1 15");
}

/* ---- at once again -------------------------------------------------------------------------------- */

static void at_once(void **state) {
    (void)state;
    for (unsigned i = 0; i < 3; i++)
        feed_call(&fed, 10, "%u 1 query load id=7 | found=1", 44 + i);
    feed_call(&fed, 10, "47 1 query load id=8 | found=1");
    for (unsigned i = 0; i < 2; i++)
        feed_call(&fed, 10, "%u 1 query load id=7 | found=1", 48 + i);
    feed_call(&fed, 100, "1 0 load unknown");
    feed_finish(&fed);
    assert_int_equal(found()->sequential_count, 1);
    assert_int_equal(found()->sequential->runs, 2);
    assert_int_equal(found()->sequential->calls, 5);
    assert_int_equal(found()->sequential->longest, 3);
    assert_int_equal(found()->sequential->saved_ns, 30);
    assert_int_equal(found()->sequential->number_count, 3);
    assert_int_equal(found()->sequential->numbers[0].number, 44);
}

/* `before` other calls of the parent come first. */
static void expect_run_of_four(unsigned before) {
    for (unsigned i = 0; i < before; i++)
        feed_call(&fed, 10, "%u 1 query load id=k%u | found=1", 10 + i, i * i);
    for (unsigned i = 0; i < 4; i++)
        feed_call(&fed, 10, "%u 1 query load id=7 | found=1", 1000 + i);
    feed_call(&fed, 10000, "1 0 load unknown");
    feed_finish(&fed);
    assert_int_equal(found()->sequential_count, 1);
    assert_int_equal(found()->sequential->runs, 1);
    assert_int_equal(found()->sequential->calls, 4);
    assert_int_equal(found()->sequential->saved_ns, 30);
    assert_int_equal(found()->sequential->numbers[0].number, 1000);
    assert_int_equal(found()->sequential->numbers[3].number, 1003);
}

/* Wherever what is kept of a parent's calls is emptied. */
static void at_once_among_many(void **state) {
    (void)state;
    for (unsigned before = 58; before <= 66; before++) {
        expect_run_of_four(before);
        feed_close(&fed);
        fed = feed_open(0);
    }
}

static void at_once_by_nobody(void **state) {
    (void)state;
    for (unsigned i = 0; i < 3; i++)
        feed_call(&fed, 10, "%u 0 query unknown id=7 | found=1", 44 + i);
    feed_call(&fed, 10, "47 0 query unknown id=8 | found=1");
    feed_finish(&fed);
    assert_int_equal(found()->sequential_count, 1);
    assert_int_equal(found()->sequential->calls, 3);
}

/* Something else was called in between, if only without parameters. */
static void interrupted(void **state) {
    (void)state;
    for (unsigned i = 0; i < 4; i++) {
        feed_call(&fed, 10, "%u 1 query load id=7 | found=1", 10 + 2 * i);
        feed_call(&fed, 10, "%u 1 lock load", 11 + 2 * i);
    }
    feed_call(&fed, 100, "1 0 load unknown");
    feed_finish(&fed);
    assert_int_equal(found()->sequential_count, 0);
}

static void not_at_once(void **state) {
    (void)state;
    for (unsigned i = 0; i < 5; i++) /* until it works */
        feed_call(&fed, 10, "%u 1 send load to=x | ok=%u", 10 + i, i == 4);
    for (unsigned i = 0; i < 5; i++) /* in vain, and then it is given up */
        feed_call(&fed, 10, "%u 1 try load to=x | error=1", 15 + i);
    for (unsigned i = 0; i < 5; i++) /* until there is something */
        feed_call(&fed, 10, "%u 1 look load at=x | state=%s", 50 + i, i == 4 ? "full" : "empty");
    for (unsigned i = 0; i < 5; i++) /* another answer each time: it is no question */
        feed_call(&fed, 10, "%u 1 pop load queue=q | value=%u", 20 + i, i);
    fed.start_ns = 1000000000;
    for (unsigned i = 0; i < 5; i++) { /* by a clock */
        feed_call(&fed, 10, "%u 1 poll load job=9", 30 + i);
        fed.start_ns += 10000000;
    }
    feed_call(&fed, 100000000, "1 0 load unknown");
    feed_finish(&fed);
    assert_int_equal(found()->sequential_count, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        SIBLINGS_TEST(asked_by_two),
        SIBLINGS_TEST(asked_again_among_many),
        SIBLINGS_TEST(asked_by_several),
        SIBLINGS_TEST(asked_under_two_parents),
        SIBLINGS_TEST(asked_by_two_that_are_names_only),
        SIBLINGS_TEST(asked_again_as_it_failed),
        SIBLINGS_TEST(at_once),
        SIBLINGS_TEST(at_once_among_many),
        SIBLINGS_TEST(at_once_by_nobody),
        SIBLINGS_TEST(interrupted),
        SIBLINGS_TEST(not_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
