/* Budgets: what a line means, and where a wrong one goes wrong. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "../../tool/verdict/budget_file.h"

#include <stdio.h>
#include <string.h>

static struct promise one(const char *line) {
    static struct budget_file budget;
    budget_free(&budget);
    assert_int_equal(budget_parse(&budget, line, strlen(line)), 0);
    if (budget.problem_count > 0)
        fail_msg("%s: column %u: %s", line, budget.problems[0].column, budget.problems[0].message);
    assert_int_equal(budget.count, 1);
    return budget.promises[0];
}

static void near(double value, double expected) {
    if (!(value > expected * 0.999999 && value < expected * 1.000001) && !(value <= 0 && value >= expected))
        fail_msg("%g instead of %g", value, expected);
}

static void lines_mean_what_they_say(void **state) {
    (void)state;
    struct promise p = one("entity_spawn   max <= 3ms   # as players notice");
    assert_int_equal(p.subject, PROMISE_SPAN);
    assert_int_equal(p.measure, PROMISE_TIME);
    assert_int_equal(p.statistic, PROMISE_MAX);
    assert_int_equal(p.scope, PROMISE_PER_CALL);
    assert_int_equal(p.relation, PROMISE_AT_MOST);
    assert_string_equal(p.name, "entity_spawn");
    assert_string_equal(p.text, "entity_spawn max <= 3ms");
    near(p.limit, 3e6);
    p = one("gpu_culling p99 per frame<=0.25ms warmup=120 track=gpu");
    assert_int_equal(p.statistic, PROMISE_PERCENTILE);
    assert_int_equal(p.scope, PROMISE_PER_FRAME);
    assert_int_equal(p.warmup_samples, 120);
    assert_string_equal(p.track, "gpu");
    near(p.percentile, 99);
    near(p.limit, 250000);
    p = one("query calls per load_entries <= 1");
    assert_int_equal(p.measure, PROMISE_CALLS);
    assert_int_equal(p.scope, PROMISE_PER_SPAN);
    assert_int_equal(p.statistic, PROMISE_EVERY);
    assert_string_equal(p.scope_name, "load_entries");
    p = one("query calls < 1000");
    assert_int_equal(p.scope, PROMISE_PER_RUN);
    assert_int_equal(p.relation, PROMISE_BELOW);
    p = one("query sum <= 2s");
    assert_int_equal(p.scope, PROMISE_PER_RUN);
    p = one("query calls p99 per second <= 5");
    assert_int_equal(p.scope, PROMISE_PER_SECOND);
    assert_int_equal(p.statistic, PROMISE_PERCENTILE);
    p = one("memory pool.entities growth <= 64KiB/min");
    assert_int_equal(p.subject, PROMISE_MEMORY);
    assert_int_equal(p.statistic, PROMISE_GROWTH);
    near(p.limit, 65536 / 60.0);
}

static void more_lines(void **state) {
    (void)state;
    struct promise p = one("redundant calls <= 0");
    assert_int_equal(p.subject, PROMISE_REDUNDANT);
    p = one("frame p99.9 <= 16.6ms");
    assert_int_equal(p.subject, PROMISE_FRAME);
    assert_null(p.name);
    near(p.percentile, 99.9);
    assert_string_equal(one("frame physics max <= 8ms").name, "physics");
    p = one("\"frame\" max <= 8 ms warmup=2s");
    assert_int_equal(p.subject, PROMISE_SPAN);
    near(p.limit, 8e6);
    assert_int_equal(p.warmup_ns, 2000000000);
    p = one("render self p95 per frame physics <= 1ms");
    assert_int_equal(p.measure, PROMISE_SELF);
    assert_string_equal(p.scope_name, "physics");
    p = one("load metric rows p50 >= 10");
    assert_int_equal(p.measure, PROMISE_METRIC);
    assert_string_equal(p.metric, "rows");
    assert_int_equal(p.relation, PROMISE_AT_LEAST);
    p = one("load cpu mean > 0");
    assert_int_equal(p.measure, PROMISE_CPU);
    assert_int_equal(p.statistic, PROMISE_MEAN);
    p = one("load median <= +5%");
    assert_true(p.relative);
    near(p.limit, 0.05);
    near(one("counter alive growth <= 600/h").limit, 600 / 3600.0);
    near(one("memory pool max <= 2 MiB").limit, 2097152);
    near(one("a max <= 3\xc2\xb5s").limit, 3000);
    near(one("\"odd <= name\" max <= 1s").limit, 1e9);
    near(one("memory self <= 3ms").limit, 3e6); /* a span of that name */
}

static const struct {
    const char *line;
    unsigned column;
    const char *says; /* a part of it */
} wrong[] = {
    {"a maxx <= 3ms", 3, "did you mean max"},
    {"a p999 <= 3ms", 3, "did you mean p99.9"},
    {"a p100 <= 3ms", 3, "max"},
    {"a p0 <= 3ms", 3, "min"},
    {"a p101 <= 3ms", 3, "between 0 and 100"},
    {"a max <= 3", 10, "needs a unit"},
    {"a max <= 3mz", 11, "unit"},
    {"a calls <= 3ms", 13, "did you mean 3?"},
    {"a calls <= 3 ms", 13, "did you mean 3?"},
    {"a max = 3ms", 7, "did you mean <="},
    {"a max => 3ms", 7, "did you mean >="},
    {"a max", 6, "limit is missing"},
    {"a max <=", 9, "how much"},
    {"a max <= 5%", 10, "did you mean +5%"},
    {"a max <= +5", 10, "did you mean +5%"},
    {"a max <= 3ms warmpu=3", 14, "did you mean warmup="},
    {"a max <= 3ms warmup=x", 21, "not a time"},
    {"a max <= 3ms 4ms", 14, "is no option"},
    {"\"a max <= 3ms", 1, "not closed"},
    {"\"\" max <= 3ms", 1, "name"},
    {"a growth <= 3/s", 3, "grow"},
    {"memory x growth <= 64KiB", 20, "did you mean 64KiB/min"},
    {"memory x growth <= 64KiB/fortnight", 26, "s, min or h"},
    {"memory x sum <= 64KiB", 10, "pool"},
    {"memory x max <= 64ms", 19, "bytes"},
    {"counter x per frame <= 1", 11, "spans"},
    {"redundant calls max <= 1", 17, "counted"},
    {"a calls per call <= 1", 9, "one call per call"},
    {"a per <= 3ms", 7, "missing"},
    {"\xc3\xa9\xc3\xa9 maxx <= 3ms", 4, "did you mean max"},
    {"<= 3ms", 1, "name"},
};

static void mistakes_are_found_where_they_are(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct budget_file budget;
        char text[256];
        snprintf(text, sizeof text, "\n# a comment\n%s\nfine max <= 1s\n", wrong[i].line);
        assert_int_equal(budget_parse(&budget, text, strlen(text)), 0);
        if (budget.problem_count != 1)
            fail_msg("%s: %zu problems", wrong[i].line, budget.problem_count);
        if (budget.problems[0].line != 3 || budget.problems[0].column != wrong[i].column ||
            strstr(budget.problems[0].message, wrong[i].says) == NULL)
            fail_msg("%s: %u:%u: %s", wrong[i].line, budget.problems[0].line, budget.problems[0].column,
                     budget.problems[0].message);
        assert_int_equal(budget.count, 1); /* the line behind it is read all the same */
        budget_free(&budget);
    }
}

static void same_promise_twice_is_a_mistake(void **state) {
    (void)state;
    struct budget_file budget;
    const char text[] = "a max <= 1s\nb max <= 1s\na  max   <= 1s\n";
    assert_int_equal(budget_parse(&budget, text, sizeof text - 1), 0);
    assert_int_equal(budget.problem_count, 1);
    assert_int_equal(budget.problems[0].line, 3);
    assert_non_null(strstr(budget.problems[0].message, "line 1"));
    budget_free(&budget);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_mean_what_they_say),
        cmocka_unit_test(more_lines),
        cmocka_unit_test(mistakes_are_found_where_they_are),
        cmocka_unit_test(same_promise_twice_is_a_mistake),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
