/* N + 1, and what only looks like it: calls made by hand, one shape a test. */
#include "feed_siblings.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void expect_look_alike(enum analysis_look_alike what) {
    expect_n_plus_one("");
    for (unsigned i = 0; i < ANALYSIS_LOOK_ALIKES; i++)
        assert_int_equal(found()->look_alikes[i], i == (unsigned)what);
}

/* ---- N + 1 ---------------------------------------------------------------------------------------- */

static void plain(void **state) {
    (void)state;
    for (unsigned i = 0; i < 5; i++)
        feed_call(&fed, 100 + i, "%u 7 query list id=%u | found=1", 10 + i, 40 + i * 3);
    feed_call(&fed, 1000, "7 0 list unknown");
    feed_finish(&fed);
    expect_n_plus_one("list>query|id 5/1");
    const struct analysis_n_plus_one *finding = found()->n_plus_one;
    assert_int_equal(finding->total_ns, 510);
    assert_int_equal(finding->saved_ns, 4 * 100);
    assert_int_equal(finding->largest.number, 7);
    assert_int_equal(finding->largest_n, 5);
    assert_int_equal(finding->example_count, 5);
    assert_int_equal(finding->examples[4].number, 14);
    assert_false(finding->by_name);
    assert_int_equal(finding->confidence, ANALYSIS_CERTAIN);
}

static void two_are_no_loop(void **state) {
    (void)state;
    for (unsigned i = 0; i < 2; i++)
        feed_call(&fed, 100, "%u 1 query list id=%u", 10 + i, i * 5);
    feed_call(&fed, 1000, "1 0 list unknown");
    feed_finish(&fed);
    expect_n_plus_one("");
}

static void one_value_or_two_are_no_loop(void **state) {
    (void)state;
    for (unsigned i = 0; i < 12; i++)
        feed_call(&fed, 100, "%u 1 query list id=%u", 10 + i, 5 + i % 2);
    feed_call(&fed, 1000, "1 0 list unknown");
    feed_finish(&fed);
    expect_n_plus_one("");
}

static void interleaved(void **state) {
    (void)state;
    for (unsigned i = 0; i < 4; i++) {
        feed_call(&fed, 100, "%u 1 query list part=7 id=k%u", 10 + 3 * i, i * i);
        feed_call(&fed, 100, "%u 1 lock list", 11 + 3 * i);
        feed_call(&fed, 100, "%u 1 audit list user=u%u", 12 + 3 * i, i);
    }
    feed_call(&fed, 3000, "1 0 list unknown");
    feed_finish(&fed);
    expect_n_plus_one("list>query|id 4/1\nlist>audit|user 4/1");
}

/* The query behind the helper is told, and the helper is not. */
static void nested(void **state) {
    (void)state;
    for (unsigned i = 0; i < 4; i++) {
        feed_call(&fed, 90, "%u %u query helper id=k%u", 12 + 3 * i, 11 + 3 * i, i);
        feed_call(&fed, 95, "%u %u with_lock helper", 11 + 3 * i, 10 + 3 * i);
        feed_call(&fed, 100, "%u 1 helper list id=k%u", 10 + 3 * i, i);
    }
    feed_call(&fed, 3000, "1 0 list unknown");
    feed_finish(&fed);
    expect_n_plus_one("list>helper>with_lock>query|id 4/1");
}

/* The helper's own work is what takes time. */
static void helper_that_works(void **state) {
    (void)state;
    for (unsigned i = 0; i < 5; i++) {
        feed_call(&fed, 1, "%u %u log helper id=k%u", 11 + 2 * i, 10 + 2 * i, i);
        feed_call(&fed, 1000, "%u 1 helper list id=k%u", 10 + 2 * i, i);
    }
    feed_call(&fed, 6000, "1 0 list unknown");
    feed_finish(&fed);
    expect_n_plus_one("list>helper|id 5/1");
}

/* Two calls in one helper, three in the other: no loop over helpers. */
static void three_helpers_make_a_loop(void **state) {
    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        feed_call(&fed, 90, "%u %u query helper id=k%u", 12 + 3 * i, 10 + 3 * i, 2 * i);
        feed_call(&fed, 90, "%u %u query helper id=k%u", 11 + 3 * i, 10 + 3 * i, 2 * i + 1);
        feed_call(&fed, 200, "%u 1 helper list", 10 + 3 * i);
    }
    feed_call(&fed, 3000, "1 0 list unknown");
    feed_finish(&fed);
    expect_n_plus_one("");
}

/* walk(1) -> query(1), walk(2) -> query(2), walk(3) …: one under the other, and told once, for the outermost. */
static void recursive(void **state) {
    (void)state;
    for (unsigned depth = 9; depth >= 1; depth--) {
        feed_call(&fed, 100, "%u %u query walk id=k%u", depth + 20, depth, depth);
        feed_call(&fed, 110 * (10 - depth), "%u %u walk %s node=k%u", depth, depth - 1,
                  depth == 1 ? "unknown" : "walk", depth);
    }
    feed_finish(&fed);
    expect_n_plus_one("walk>query|id 9/1");
    assert_int_equal(found()->n_plus_one->largest.number, 1);
}

static void over_threads(void **state) {
    (void)state;
    for (unsigned i = 0; i < 6; i++) {
        fed.track = 2 + i % 3;
        if (i == 4) { /* the parent does not wait for the last two */
            fed.track = 1;
            feed_call(&fed, 150, "1 0 list unknown");
            fed.track = 2 + i % 3;
        }
        feed_call(&fed, 100, "%u 1 query list id=k%u", 10 + i, i);
    }
    feed_finish(&fed);
    expect_n_plus_one("list>query|id 6/1");
}

/* walk -> visit -> walk -> visit -> walk: what each walk asks is the outermost one's, without a way in between. */
static void recursive_in_turn(void **state) {
    (void)state;
    for (unsigned depth = 3; depth >= 1; depth--) {
        feed_call(&fed, 100, "%u %u query walk id=k%u", depth + 20, depth * 2, depth);
        feed_call(&fed, 110 * (4 - depth), "%u %u walk %s", depth * 2, depth * 2 - 1,
                  depth == 1 ? "unknown" : "visit");
        if (depth > 1)
            feed_call(&fed, 115 * (4 - depth), "%u %u visit walk", depth * 2 - 1, depth * 2 - 2);
    }
    feed_finish(&fed);
    expect_n_plus_one("walk>query|id 3/1");
}

/* Ends of several threads come in any order: a value is compared with the one of the call that began before. */
static void threads_are_put_in_order(void **state) {
    (void)state;
    static const unsigned order[] = {3, 0, 2, 1, 5, 4};
    for (unsigned i = 0; i < 6; i++) {
        fed.track = 2 + order[i] % 2;
        feed_call(&fed, 100, "%u 1 fetch list at=%u | rows=1", 10 + order[i], 7 + order[i] * 100);
    }
    fed.track = 1;
    feed_call(&fed, 1000, "1 0 list unknown");
    feed_finish(&fed);
    const struct analysis_n_plus_one *finding = found()->n_plus_one;
    assert_int_equal(found()->n_plus_one_count, 1);
    for (unsigned i = 0; i < 6; i++)
        assert_int_equal(finding->examples[i].number, 10 + i);
}

/* Through a helper, which each time runs on another thread. */
static void helpers_are_put_in_order(void **state) {
    (void)state;
    static const unsigned order[] = {3, 0, 2, 1, 5, 4};
    for (unsigned i = 0; i < 6; i++) {
        fed.track = 2 + order[i] % 2;
        feed_call(&fed, 100, "%u %u fetch helper at=k%u | rows=1", 30 + order[i], 10 + order[i], order[i]);
        feed_call(&fed, 110, "%u 1 helper list", 10 + order[i]);
    }
    fed.track = 1;
    feed_call(&fed, 1000, "1 0 list unknown");
    feed_finish(&fed);
    const struct analysis_n_plus_one *finding = found()->n_plus_one;
    expect_n_plus_one("list>helper>fetch|at 6/1");
    for (unsigned i = 0; i < 6; i++)
        assert_int_equal(finding->examples[i].number, 30 + i);
}

/* Two helpers' calls, more than are kept one by one: none is lost on the way up. */
static void many_go_up(void **state) {
    (void)state;
    for (unsigned i = 0; i < 50; i++) {
        feed_call(&fed, 100, "%u %u query helper id=k%u", 1001 + 10 * i, 1000 + 10 * i, 2 * i);
        feed_call(&fed, 100, "%u %u query helper id=k%u", 1002 + 10 * i, 1000 + 10 * i, 2 * i + 1);
        feed_call(&fed, 300, "%u 1 helper list", 1000 + 10 * i);
    }
    feed_call(&fed, 100000, "1 0 list unknown");
    feed_finish(&fed);
    expect_n_plus_one("list>helper>query|id 100/1");
}

/* One query that lists as many as are then asked for makes it surer; not one that a helper made. */
static void listed_before(void **state) {
    (void)state;
    static const char *const functions[] = {"get", "fetch", "find"};
    for (unsigned parent = 0; parent < 3; parent++) {
        unsigned number = 100 * (parent + 1);
        if (parent == 1)
            feed_call(&fed, 100, "%u %u all list | found=4", number + 1, number);
        if (parent == 2) {
            feed_call(&fed, 100, "%u %u all helper | found=4", number + 2, number + 1);
            feed_call(&fed, 100, "%u %u helper list", number + 1, number);
        }
        for (unsigned i = 0; i < 4; i++)
            feed_call(&fed, 100, "%u %u %s list id=%u", number + 10 + i, number, functions[parent],
                      i * 7 + 3);
        feed_call(&fed, 1000, "%u 0 list unknown", number);
    }
    feed_finish(&fed);
    expect_n_plus_one("list>fetch|id 4/1\nlist>get|id 4/1\nlist>find|id 4/1");
    assert_int_equal(found()->n_plus_one[0].confidence, ANALYSIS_LIKELY);
    assert_int_equal(found()->n_plus_one[1].confidence, ANALYSIS_POSSIBLE);
    assert_int_equal(found()->n_plus_one[2].confidence, ANALYSIS_POSSIBLE);
}

/* A walk goes on on another thread: more may come when the call that began it has ended. */
static void walk_over_threads(void **state) {
    (void)state;
    feed_call(&fed, 100, "10 1 query walk id=k0");
    fed.track = 2;
    feed_call(&fed, 100, "11 2 query walk id=k1");
    feed_call(&fed, 100, "12 2 query walk id=k2");
    feed_call(&fed, 300, "2 1 walk walk");
    fed.track = 1;
    feed_call(&fed, 500, "1 0 walk unknown");
    fed.track = 2;
    feed_call(&fed, 100, "13 1 query walk id=k3");
    feed_finish(&fed);
    expect_n_plus_one("walk>query|id 4/1");
}

static void async_calls(void **state) {
    (void)state;
    fed.async = true;
    for (unsigned i = 0; i < 5; i++)
        feed_call(&fed, 100, "%u 1 fetch list url=u%u", 10 + i, i);
    fed.async = false;
    feed_call(&fed, 500, "1 0 list unknown");
    feed_finish(&fed);
    expect_n_plus_one("list>fetch|url 5/1");
}

/* Many parents: what is the same for many of them is not looked at closely, and counted all the same. */
static void parents_are_added_up(void **state) {
    (void)state;
    for (unsigned parent = 1; parent <= 100; parent++) {
        unsigned calls = parent == 60 ? 9 : 4;
        for (unsigned i = 0; i < calls; i++)
            feed_call(&fed, 100, "%u %u query list id=k%u | found=1", parent * 20 + i + 1, parent * 20,
                      parent * 100 + i);
        feed_call(&fed, 1000, "%u 0 list unknown", parent * 20);
    }
    feed_finish(&fed);
    expect_n_plus_one("list>query|id 405/100");
    const struct analysis_n_plus_one *finding = found()->n_plus_one;
    assert_int_equal(finding->largest_n, 9);
    assert_int_equal(finding->largest.number, 60 * 20);
    assert_int_equal(finding->saved_ns, 99 * 300 + 800);
}

static void by_callers_names(void **state) {
    (void)state;
    for (unsigned parent = 0; parent < 2; parent++) {
        for (unsigned i = 0; i < 4; i++)
            feed_call(&fed, 100, "%u 0 query list id=k%u", parent * 10 + i + 2, parent * 5 + i);
        feed_call(&fed, 1000, "%u 0 list unknown", parent * 10 + 1);
    }
    /* This caller is not in the log; its next calls are far away. */
    for (unsigned i = 0; i < 8; i++)
        feed_call(&fed, 100, "%u 0 query hidden id=h%u", (i < 4 ? 100 : 500) + i, i);
    feed_finish(&fed);
    expect_n_plus_one("list>query|id 8/2\nhidden>query|id 8/2");
    assert_true(found()->n_plus_one[0].by_name);
    assert_int_equal(found()->n_plus_one[0].largest.number, 1);
    assert_int_equal(found()->n_plus_one[1].largest.number, 0);
}

static void calls_of_nobody_are_no_siblings(void **state) {
    (void)state;
    for (unsigned i = 0; i < 50; i++)
        feed_call(&fed, 100, "%u 0 handle unknown id=k%u", i + 1, i);
    feed_finish(&fed);
    expect_n_plus_one("");
}

static void literals_do_not_count(void **state) {
    (void)state;
    static const char *const tables[] = {"a", "b", "c", "d"};
    for (unsigned i = 0; i < 4; i++) {
        feed_call(&fed, 100, "%u 1 run list sql=SELECT_*_FROM_t_WHERE_id=%u", 10 + i, i * 7 + 3);
        feed_call(&fed, 100, "%u 1 exec list sql=SELECT_*_FROM_%s_WHERE_id=3", 20 + i, tables[i]);
    }
    feed_call(&fed, 1000, "1 0 list unknown");
    feed_finish(&fed);
    expect_n_plus_one("list>run|sql 4/1");
}

/* Parameters of other names are another question, and so are texts that turn out to be queries. */
static void only_what_is_alike_counts(void **state) {
    (void)state;
    static const char *const tables[] = {"a", "b", "c", "d"};
    for (unsigned i = 0; i < 4; i++)
        feed_call(&fed, 100, "%u 1 get list %s=%u", 10 + i, i % 2 == 0 ? "id" : "key", i * 7 + 3);
    feed_call(&fed, 100, "20 1 run list what=nothing");
    for (unsigned i = 0; i < 4; i++)
        feed_call(&fed, 100, "%u 1 run list what=SELECT_*_FROM_%s_WHERE_id=3", 21 + i, tables[i]);
    feed_call(&fed, 1000, "1 0 list unknown");
    feed_finish(&fed);
    expect_n_plus_one("");
}

/* ---- what looks like it ----------------------------------------------------------------------------- */

static void two_parameters(void **state) {
    (void)state;
    for (unsigned i = 0; i < 16; i++)
        feed_call(&fed, 100, "%u 1 cell list x=%u y=%u", 10 + i, i / 4, i % 4);
    feed_call(&fed, 1000, "1 0 list unknown");
    feed_finish(&fed);
    expect_n_plus_one("");
}

static void pages_by_what_came(void **state) {
    (void)state;
    for (unsigned i = 0; i < 4; i++)
        feed_call(&fed, 100, "%u 1 fetch list k=%u | rows=%u", 10 + i, i * 50, i < 3 ? 50 : 17);
    feed_call(&fed, 1000, "1 0 list unknown");
    feed_finish(&fed);
    expect_look_alike(ANALYSIS_PAGES);
}

static void pages_by_number(void **state) {
    (void)state;
    for (unsigned i = 0; i < 4; i++)
        feed_call(&fed, 100, "%u 1 fetch list p=%u | rows=%u", 10 + i, i + 1, i < 3 ? 50 : 17);
    feed_call(&fed, 1000, "1 0 list unknown");
    feed_finish(&fed);
    expect_look_alike(ANALYSIS_PAGES);
}

/* What comes next is known from the call before: nobody can ask for all at once. */
static void pages_by_cursor(void **state) {
    (void)state;
    for (unsigned i = 0; i < 5; i++)
        feed_call(&fed, 100, "%u 1 fetch list at=c%u | next=c%u", 10 + i, i * i, (i + 1) * (i + 1));
    feed_call(&fed, 1000, "1 0 list unknown");
    feed_finish(&fed);
    expect_look_alike(ANALYSIS_PAGES);
}

/* One record for each, from 1 on: no pages. */
static void counted_keys_are_no_pages(void **state) {
    (void)state;
    for (unsigned i = 0; i < 6; i++)
        feed_call(&fed, 100, "%u 1 fetch list user=%u | rows=1", 10 + i, i + 1);
    feed_call(&fed, 1000, "1 0 list unknown");
    feed_finish(&fed);
    expect_n_plus_one("list>fetch|user 6/1");
}

/* fact(n) -> fact(n - 1) -> …: no one makes them one by one. Some are kept one by one, some as a collection. */
static void a_chain_is_no_loop(void **state) {
    (void)state;
    static const unsigned depths[] = {4, 12, 300};
    unsigned first = 1;
    for (unsigned i = 0; i < 3; first += depths[i++])
        for (unsigned n = 0; n < depths[i]; n++) {
            unsigned number = first + depths[i] - 1 - n;
            feed_call(&fed, 100 * (n + 1), "%u %u fact %s n=%u", number, n + 1 < depths[i] ? number - 1 : 0,
                      n + 1 < depths[i] ? "fact" : "unknown", n);
        }
    feed_finish(&fed);
    expect_n_plus_one("");
}

/* But where two are beside each other, however deep: 1 -> 2 -> (3 -> 4), (5 -> 6). */
static void a_tree_is_a_loop(void **state) {
    (void)state;
    feed_call(&fed, 100, "4 3 read read id=k4");
    feed_call(&fed, 200, "3 2 read read id=k3");
    feed_call(&fed, 100, "6 5 read read id=k6");
    feed_call(&fed, 200, "5 2 read read id=k5");
    feed_call(&fed, 500, "2 1 read read id=k2");
    feed_call(&fed, 600, "1 0 read unknown id=k1");
    feed_finish(&fed);
    expect_n_plus_one("read>read|id 5/1");
}

/* By 256 from 0 on, and each answers as much; but the steps are not what was answered. */
static void tiles_are_no_pages(void **state) {
    (void)state;
    for (unsigned i = 0; i < 9; i++)
        feed_call(&fed, 100 + i, "%u 1 load list x=%u y=0 | bytes=65536", 10 + i, i * 256);
    feed_call(&fed, 1000, "1 0 list unknown");
    feed_finish(&fed);
    expect_n_plus_one("list>load|x 9/1");
}

/* The same steps, and they are. */
static void full_pages_to_the_last(void **state) {
    (void)state;
    for (unsigned i = 0; i < 9; i++)
        feed_call(&fed, 100 + i, "%u 1 load list x=%u y=0 | rows=256 bytes=65536", 10 + i, i * 256);
    feed_call(&fed, 1000, "1 0 list unknown");
    feed_finish(&fed);
    expect_look_alike(ANALYSIS_PAGES);
}

static void retries_by_outcome(void **state) {
    (void)state;
    for (unsigned i = 0; i < 4; i++)
        feed_call(&fed, 100, "%u 1 send list to=x n=%u | error=%u", 10 + i, i + 1, i < 3);
    feed_call(&fed, 1000, "1 0 list unknown");
    feed_finish(&fed);
    expect_look_alike(ANALYSIS_RETRIES);
}

static void retries_by_pauses(void **state) {
    (void)state;
    fed.start_ns = 1000000000;
    for (unsigned i = 0; i < 5; i++) {
        feed_call(&fed, 1000, "%u 1 send list to=x n=%u", 10 + i, i);
        fed.start_ns += UINT64_C(5000000) << i;
    }
    fed.start_ns = 900000000;
    feed_call(&fed, 500000000, "1 0 list unknown");
    feed_finish(&fed);
    expect_look_alike(ANALYSIS_RETRIES);
}

static void polling_by_clock(void **state) {
    (void)state;
    fed.start_ns = 1000000000;
    for (unsigned i = 0; i < 8; i++) {
        feed_call(&fed, 1000, "%u 1 ask list at=%u", 10 + i, 77 + i * i);
        fed.start_ns += 20000000 + i * 1000;
    }
    fed.start_ns = 900000000;
    feed_call(&fed, 500000000, "1 0 list unknown");
    feed_finish(&fed);
    expect_look_alike(ANALYSIS_POLLING);
}

static void batches(void **state) {
    (void)state;
    for (unsigned i = 0; i < 4; i++)
        feed_call(&fed, 100, "%u 1 load list ids=%u,%u,%u", 10 + i, i * 3, i * 3 + 1, i * 3 + 2);
    feed_call(&fed, 1000, "1 0 list unknown");
    feed_finish(&fed);
    expect_look_alike(ANALYSIS_BATCHES);
}

static void cache_fill(void **state) {
    (void)state;
    for (unsigned i = 0; i < 6; i++)
        feed_call(&fed, 1000, "%u 1 load setup key=k%u", 10 + i, i);
    feed_call(&fed, 7000, "1 0 setup unknown");
    for (unsigned i = 0; i < 24; i++) {
        feed_call(&fed, 10, "%u %u get work key=k%u", 101 + 2 * i, 100 + 2 * i, i % 6);
        feed_call(&fed, 50, "%u 0 work unknown", 100 + 2 * i);
    }
    feed_finish(&fed);
    expect_look_alike(ANALYSIS_CACHE_USE);
}

/* The same, but each is fetched again at full cost: nothing was kept. */
static void no_cache_fill(void **state) {
    (void)state;
    for (unsigned i = 0; i < 6; i++)
        feed_call(&fed, 1000, "%u 1 load setup key=k%u", 10 + i, i);
    feed_call(&fed, 7000, "1 0 setup unknown");
    for (unsigned i = 0; i < 24; i++) {
        feed_call(&fed, 1000, "%u %u load work key=k%u", 101 + 2 * i, 100 + 2 * i, i % 6);
        feed_call(&fed, 50, "%u 0 work unknown", 100 + 2 * i);
    }
    feed_finish(&fed);
    expect_n_plus_one("setup>load|key 6/1");
}

/* It says itself that it comes from a cache. */
static void from_a_cache(void **state) {
    (void)state;
    for (unsigned i = 0; i < 6; i++)
        feed_call(&fed, 10, "%u 1 get list key=k%u | hit=1", 10 + i, i);
    feed_call(&fed, 1000, "1 0 list unknown");
    feed_finish(&fed);
    expect_look_alike(ANALYSIS_CACHE_USE);
}

/* Far apart, but there are other calls in between all the time: no clock, but work. */
static void busy_pauses(void **state) {
    (void)state;
    fed.start_ns = 1000000000;
    for (unsigned i = 0; i < 8; i++) {
        feed_call(&fed, 1000, "%u 1 ask list at=k%u", 10 + 2 * i, i);
        feed_call(&fed, 19990000, "%u 1 work list", 11 + 2 * i);
        fed.start_ns += 20000000;
    }
    fed.start_ns = 1000000000 - 100;
    feed_call(&fed, 160001000, "1 0 list unknown");
    feed_finish(&fed);
    expect_n_plus_one("list>ask|at 8/1");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        SIBLINGS_TEST(plain),
        SIBLINGS_TEST(two_are_no_loop),
        SIBLINGS_TEST(one_value_or_two_are_no_loop),
        SIBLINGS_TEST(interleaved),
        SIBLINGS_TEST(nested),
        SIBLINGS_TEST(three_helpers_make_a_loop),
        SIBLINGS_TEST(recursive),
        SIBLINGS_TEST(recursive_in_turn),
        SIBLINGS_TEST(threads_are_put_in_order),
        SIBLINGS_TEST(helpers_are_put_in_order),
        SIBLINGS_TEST(many_go_up),
        SIBLINGS_TEST(listed_before),
        SIBLINGS_TEST(over_threads),
        SIBLINGS_TEST(walk_over_threads),
        SIBLINGS_TEST(async_calls),
        SIBLINGS_TEST(parents_are_added_up),
        SIBLINGS_TEST(by_callers_names),
        SIBLINGS_TEST(calls_of_nobody_are_no_siblings),
        SIBLINGS_TEST(literals_do_not_count),
        SIBLINGS_TEST(only_what_is_alike_counts),
        SIBLINGS_TEST(two_parameters),
        SIBLINGS_TEST(pages_by_what_came),
        SIBLINGS_TEST(pages_by_number),
        SIBLINGS_TEST(pages_by_cursor),
        SIBLINGS_TEST(counted_keys_are_no_pages),
        SIBLINGS_TEST(a_chain_is_no_loop),
        SIBLINGS_TEST(a_tree_is_a_loop),
        SIBLINGS_TEST(tiles_are_no_pages),
        SIBLINGS_TEST(full_pages_to_the_last),
        SIBLINGS_TEST(retries_by_outcome),
        SIBLINGS_TEST(retries_by_pauses),
        SIBLINGS_TEST(polling_by_clock),
        SIBLINGS_TEST(batches),
        SIBLINGS_TEST(from_a_cache),
        SIBLINGS_TEST(busy_pauses),
        SIBLINGS_TEST(helper_that_works),
        SIBLINGS_TEST(cache_fill),
        SIBLINGS_TEST(no_cache_fill),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
