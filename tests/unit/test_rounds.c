/* A log's calls given to the parts in rounds, by two threads, against the same calls one by one. */
#define _GNU_SOURCE /* RTLD_NEXT */
#include "../../analysis/cache.h"
#include "../../analysis/call_tree.h"
#include "../../analysis/durations.h"
#include "../../analysis/model.h"
#include "../../analysis/siblings.h"
#include "../../analysis/slowest.h"

#include <dlfcn.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static uint64_t random_state = 7;
static unsigned below(unsigned limit) {
    random_state = random_state * 6364136223846793005u + 1442695040888963407u;
    return (unsigned)((random_state >> 33) % limit);
}

static unsigned numbers;

/* A call with all that it calls, children first; how long it took. */
static unsigned write_call(FILE *log, unsigned parent, const char *caller, unsigned depth, unsigned thread) {
    static const char *const names[] = {"read", "load", "walk", "query", "exists", "render"};
    static const char *const answers[] = {"ok", "error", "1.50", "a longer answer"};
    const char *name = names[below(6)];
    unsigned number = ++numbers, us = below(5) == 0 ? below(100000) : below(50) * 10;
    unsigned children = depth > 4 || below(3) == 0 ? 0 : 1 + below(below(20) == 0 ? 90 : 4);
    for (unsigned i = 0; i < children; i++)
        us += write_call(log, number, name, depth + 1 + children / 8, below(12) == 0 ? below(4) : thread);
    fprintf(log, "PERF_TRACE|%u|%s|caller=%s", number, name, caller);
    for (unsigned i = below(3); i > 0; i--)
        fprintf(log, "|p%u=%u", i, below(30));
    fprintf(log, "|elapsed_ms=%u", us / 1000);
    if (below(3) != 0)
        fprintf(log, "|rows=%u|query_us=%u", below(3), us / 2);
    if (below(20) == 0)
        fprintf(log, "|status=%s", answers[below(4)]);
    fprintf(log, "|elapsed_us=%u", us);
    if (below(9) != 0)
        fprintf(log, "|parent_call=%u", parent);
    /* What a round takes from a reader is long gone when it takes place. */
    fprintf(log, "|thread=%u\n%300s\n", thread, "something else");
    return us;
}

static void write_log(char *path) {
    int fd = mkstemp(path);
    FILE *log = fd >= 0 ? fdopen(fd, "w") : NULL;
    assert_non_null(log);
    for (numbers = 0; numbers < 30000;)
        write_call(log, 0, "unknown", 0, below(4));
    assert_int_equal(fclose(log), 0);
}

/* Where the helper is one that never comes: the rounds, and how often one of them was waiting for it when more calls were read. */
static const struct rounds *idle;
static unsigned idle_rounds;

static struct analysis *analysis_of(size_t memory_max) {
    struct analysis *analysis = analysis_open(
        &(struct analysis_options){.slowest_max = 20, .neighbours_max = 10, .memory_max = memory_max});
    assert_non_null(analysis);
    assert_int_equal(analysis_begin_input(analysis, "test"), 0);
    return analysis;
}

static void read_log(struct analysis *analysis, const char *path, bool by_items) {
    struct perftrace_reader *reader = perftrace_reader_open(path, NULL, NULL);
    assert_non_null(reader);
    const struct perftrace_item *item;
    struct perftrace_call *calls;
    size_t count;
    while (by_items && (item = perftrace_reader_next(reader)) != NULL)
        assert_int_equal(analysis_item(analysis, item), 0);
    while (!by_items && (count = perftrace_reader_calls(reader, &calls)) > 0) {
        assert_int_equal(analysis_calls(analysis, reader, calls, count), 0);
        idle_rounds += idle != NULL && idle->given != NULL;
    }
    assert_int_equal(analysis_end_input(analysis, perftrace_reader_info(reader), 4), 0);
    assert_int_equal(analysis_finish(analysis), 0);
    perftrace_reader_close(reader);
}

static struct analysis *analyze(const char *path, bool by_items, size_t memory_max) {
    struct analysis *analysis = analysis_of(memory_max);
    read_log(analysis, path, by_items);
    return analysis;
}

/* Each call is one of a function, and of a question. */
static void assert_whole(const struct analysis *analysis) {
    uint64_t of_functions = 0, of_questions = 0;
    for (uint32_t i = 0; i < analysis->function_count; i++)
        of_functions += analysis->functions[i].calls;
    for (uint32_t i = 0; i < analysis->question_count; i++)
        of_questions += analysis->questions[i].calls;
    assert_int_equal(of_functions, analysis->calls);
    assert_int_equal(of_questions, analysis->calls);
}

static void assert_same_model(const struct analysis *a, const struct analysis *b) {
    assert_int_equal(a->calls, b->calls);
    assert_int_equal(a->function_count, b->function_count);
    for (uint32_t i = 0; i < a->function_count; i++) {
        const struct analysis_function *one = &a->functions[i], *other = &b->functions[i];
        assert_int_equal(one->calls, other->calls);
        assert_int_equal(one->total_ns, other->total_ns);
        assert_int_equal(one->self_ns, other->self_ns);
        assert_int_equal(one->min_ns, other->min_ns);
        assert_int_equal(one->outermost_ns, other->outermost_ns);
        struct analysis_percentiles p = analysis_percentiles(a, i), q = analysis_percentiles(b, i);
        assert_true(p.p50_ns == q.p50_ns && p.p90_ns == q.p90_ns && p.p99_ns == q.p99_ns);
    }
    assert_int_equal(a->edge_count, b->edge_count);
    assert_memory_equal(a->edges, b->edges, a->edge_count * sizeof *a->edges);
    assert_int_equal(a->signature_count, b->signature_count);
    for (uint32_t i = 0; i < a->signature_count; i++) {
        const struct analysis_signature *one = &a->signatures[i], *other = &b->signatures[i];
        assert_true(one->calls == other->calls && one->total_ns == other->total_ns &&
                    one->first.number == other->first.number && one->number_count == other->number_count);
        for (uint32_t n = 0; n < one->number_count; n++)
            assert_int_equal(one->numbers[n].number, other->numbers[n].number);
    }
    assert_int_equal(a->question_count, b->question_count);
    for (uint32_t i = 0; i < a->question_count; i++)
        assert_true(a->questions[i].calls == b->questions[i].calls &&
                    a->questions[i].first.number == b->questions[i].first.number);
}

static void assert_same_findings(const struct analysis *a, const struct analysis *b) {
    const struct analysis_siblings *one = analysis_siblings(a), *other = analysis_siblings(b);
    assert_true(one->n_plus_one_count > 0 && one->asked_again_count > 0 && one->sequential_count > 0);
    assert_int_equal(one->n_plus_one_count, other->n_plus_one_count);
    for (uint32_t i = 0; i < one->n_plus_one_count; i++)
        assert_true(one->n_plus_one[i].saved_ns == other->n_plus_one[i].saved_ns &&
                    one->n_plus_one[i].calls == other->n_plus_one[i].calls &&
                    one->n_plus_one[i].largest.number == other->n_plus_one[i].largest.number);
    assert_int_equal(one->asked_again_count, other->asked_again_count);
    for (uint32_t i = 0; i < one->asked_again_count; i++)
        assert_true(one->asked_again[i].again == other->asked_again[i].again &&
                    one->asked_again[i].first.number == other->asked_again[i].first.number);
    assert_int_equal(one->sequential_count, other->sequential_count);
    assert_memory_equal(one->look_alikes, other->look_alikes, sizeof one->look_alikes);
    const struct analysis_cache *cache = analysis_cache(a), *cache_of_other = analysis_cache(b);
    assert_int_equal(cache->count, cache_of_other->count);
    for (size_t i = 0; i < cache->count; i++) {
        const struct analysis_cache_function *f = &cache->functions[i], *g = &cache_of_other->functions[i];
        assert_true(f->all.size == g->all.size && f->all.hits == g->all.hits && f->most.size == g->most.size);
        assert_true(f->root_hits == g->root_hits && f->root_saved_ns == g->root_saved_ns);
    }
    const struct analysis_slowest *slowest = analysis_slowest(a), *slowest_of_other = analysis_slowest(b);
    assert_int_equal(slowest->count, slowest_of_other->count);
    for (uint32_t i = 0; i < slowest->count; i++) {
        const struct analysis_slow_call *f = &slowest->calls[i], *g = &slowest_of_other->calls[i];
        assert_int_equal(f->id.number, g->id.number);
        assert_int_equal(f->metrics.length, g->metrics.length);
        if (f->metrics.length > 0)
            assert_memory_equal(f->metrics.bytes, g->metrics.bytes, f->metrics.length);
    }
    assert_int_equal(analysis_call_tree(a).count, analysis_call_tree(b).count);
}

/* With memory for all, and with so little that calls go to the parts one by one after some time. */
static void as_one_by_one(void **state) {
    (void)state;
    char path[] = "/tmp/perftrace-test-XXXXXX";
    write_log(path);
    const size_t budgets[] = {0, (size_t)8 << 20};
    for (size_t i = 0; i < sizeof budgets / sizeof *budgets; i++) {
        struct analysis *items = analyze(path, true, budgets[i]), *rounds = analyze(path, false, budgets[i]);
        assert_whole(rounds);
        assert_same_model(items, rounds);
        assert_same_findings(items, rounds);
        analysis_close(items);
        analysis_close(rounds);
    }
    remove(path);
}

/* A helper that never comes to any part, as one that is not given a processor. */
static void *do_nothing(void *context) {
    return context;
}

/* Whoever waits for it to be done waits for ever. */
int pthread_cond_wait(pthread_cond_t *condition, pthread_mutex_t *mutex) {
    int (*wait)(pthread_cond_t *, pthread_mutex_t *);
    if (idle != NULL && condition == &idle->done) {
        fprintf(stderr, "it waits for %u parts that nobody has begun\n", idle->left);
        exit(1);
    }
    *(void **)&wait = dlsym(RTLD_NEXT, "pthread_cond_wait");
    return wait(condition, mutex);
}

static struct analysis *analyze_beside_idle(const char *path) {
    struct analysis *analysis = analysis_of(0);
    struct rounds *rounds = analysis->state->rounds;
    assert_int_equal(pthread_create(&rounds->helper, NULL, do_nothing, NULL), 0);
    rounds->other = rounds->both + 1;
    idle = rounds;
    read_log(analysis, path, false);
    idle = NULL;
    return analysis;
}

/* Who would have to wait for the helper does its work. */
static void helper_never_comes(void **state) {
    (void)state;
    char path[] = "/tmp/perftrace-test-XXXXXX";
    write_log(path);
    idle_rounds = 0;
    struct analysis *items = analyze(path, true, 0), *rounds = analyze_beside_idle(path);
    assert_true(idle_rounds > 3);
    assert_whole(rounds);
    assert_same_model(items, rounds);
    assert_same_findings(items, rounds);
    analysis_close(items);
    analysis_close(rounds);
    remove(path);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(as_one_by_one),
        cmocka_unit_test(helper_never_comes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
