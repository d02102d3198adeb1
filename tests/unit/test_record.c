/* Stepping over records: lengths by kind and arguments, damage, and the walk over a segment. */
#include "make_trace.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

enum { PLAIN = 1, NUMBERS = 2, TEXTS = 3, FLOW = 4, FAR = 70000 };

static void add_shape(struct perftrace_shapes *shapes, uint32_t id, uint8_t kind, uint8_t count,
                      uint8_t type) {
    struct perftrace_shape *shape = perftrace_shapes_add(shapes, id);
    assert_non_null(shape);
    shape->kind = kind;
    shape->argument_count = count;
    memset(shape->types, type, count);
    shape->known = 1;
}

static int set_up(void **state) {
    static struct perftrace_shapes shapes;
    add_shape(&shapes, PLAIN, PERFTRACE_RECORD_BEGIN, 0, 0);
    add_shape(&shapes, NUMBERS, PERFTRACE_RECORD_BEGIN, 2, PERFTRACE_TYPE_I64);
    add_shape(&shapes, TEXTS, PERFTRACE_RECORD_EVENT, 2, PERFTRACE_TYPE_TEXT);
    add_shape(&shapes, FLOW, PERFTRACE_RECORD_FLOW, 0, 0);
    add_shape(&shapes, FAR, PERFTRACE_RECORD_TRACK_SPAN, 1, PERFTRACE_TYPE_F64);
    *state = &shapes;
    return 0;
}

static int tear_down(void **state) {
    perftrace_shapes_free(*state);
    return 0;
}

static void lengths(void **state) {
    const uint64_t plain[] = {BEGIN(PLAIN, 0, 5)}, end[] = {END(NUMBERS, 0, 5)};
    const uint64_t numbers[] = {BEGIN(NUMBERS, 0, 5), 1, 2};
    const uint64_t texts[] = {made_word(PERFTRACE_RECORD_EVENT, TEXTS, 0, 5), 9, 0, 0, 0};
    const uint64_t flow[] = {made_word(PERFTRACE_RECORD_FLOW, FLOW, 0, 5), 77};
    const uint64_t far[] = {made_word(PERFTRACE_RECORD_TRACK_SPAN, FAR, 0, 5), 1, 2, 3, 4};
    const uint64_t rebase[] = {made_word(PERFTRACE_RECORD_REBASE, 0, 0, 0), 1000};
    const uint64_t extended[] = {made_word(PERFTRACE_RECORD_EXTENDED, 2, 0, 0), 1, 2};
    assert_int_equal(perftrace_record_words(*state, WORDS(plain)), 1);
    assert_int_equal(perftrace_record_words(*state, WORDS(end)), 1);
    assert_int_equal(perftrace_record_words(*state, WORDS(numbers)), 3);
    assert_int_equal(perftrace_record_words(*state, WORDS(texts)), 5);
    assert_int_equal(perftrace_record_words(*state, WORDS(flow)), 2);
    assert_int_equal(perftrace_record_words(*state, WORDS(far)), 5);
    assert_int_equal(perftrace_record_words(*state, WORDS(rebase)), 2);
    assert_int_equal(perftrace_record_words(*state, WORDS(extended)), 3);
}

static void damage(void **state) {
    const uint64_t numbers[] = {BEGIN(NUMBERS, 0, 5), 1, 2};
    const uint64_t texts[] = {made_word(PERFTRACE_RECORD_EVENT, TEXTS, 0, 5), UINT32_MAX, 0, 0, 0};
    const uint64_t unknown[] = {BEGIN(99, 0, 5)}, far_unknown[] = {BEGIN(PERFTRACE_SITE_MASK, 0, 5)};
    const uint64_t other_kind[] = {made_word(PERFTRACE_RECORD_EVENT, PLAIN, 0, 5)};
    const uint64_t extended[] = {made_word(PERFTRACE_RECORD_EXTENDED, PERFTRACE_SITE_MASK, 0, 0), 1};
    for (size_t available = 1; available < 3; available++)
        assert_int_equal(perftrace_record_words(*state, numbers, available), 0);
    assert_int_equal(perftrace_record_words(*state, WORDS(texts)), 0);
    assert_int_equal(perftrace_record_words(*state, WORDS(unknown)), 0);
    assert_int_equal(perftrace_record_words(*state, WORDS(far_unknown)), 0);
    assert_int_equal(perftrace_record_words(*state, WORDS(other_kind)), 0);
    assert_int_equal(perftrace_record_words(*state, WORDS(extended)), 0);
}

static void walk(void **state) {
    const uint64_t words[] = {
        BEGIN(NUMBERS, 0, 5), 1, 2, made_word(PERFTRACE_RECORD_REBASE, 0, 0, 0), 4000, END(NUMBERS, 0, 7), 0,
        BEGIN(PLAIN, 0, 9)};
    uint64_t base = 100, count = 0;
    bool damaged = false;
    assert_int_equal(perftrace_records_walk(*state, WORDS(words), &base, &count, &damaged), 6);
    assert_int_equal(base, 4000);
    assert_int_equal(count, 2);
    assert_false(damaged);
}

static void walk_stops_at_damage(void **state) {
    const uint64_t words[] = {BEGIN(PLAIN, 0, 5), BEGIN(99, 1, 6), END(PLAIN, 0, 7)};
    uint64_t base = 100, count = 0;
    bool damaged = false;
    assert_int_equal(perftrace_records_walk(*state, WORDS(words), &base, &count, &damaged), 1);
    assert_int_equal(count, 1);
    assert_true(damaged);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(lengths), cmocka_unit_test(damage),
                                       cmocka_unit_test(walk), cmocka_unit_test(walk_stops_at_damage)};
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
