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
    perftrace_shape_is_known(shape);
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

/* The walk has a short way for most records: it must come as far as step by step, wherever the words end. */
static void walk_as_step_by_step(void **state) {
    static const struct {
        uint32_t kind, site;
    } fit[] = {{PERFTRACE_RECORD_BEGIN, PLAIN},    {PERFTRACE_RECORD_END, PLAIN},
               {PERFTRACE_RECORD_BEGIN, NUMBERS},  {PERFTRACE_RECORD_END, NUMBERS},
               {PERFTRACE_RECORD_EVENT, TEXTS},    {PERFTRACE_RECORD_FLOW, FLOW},
               {PERFTRACE_RECORD_TRACK_SPAN, FAR}, {PERFTRACE_RECORD_REBASE, 0}};
    uint64_t words[64], random = 12345;
    for (unsigned round = 0; round < 2000; round++) {
        for (unsigned i = 0; i < 64; i++) {
            random = random * 6364136223846793005u + 1442695040888963407u;
            uint32_t draw = (uint32_t)(random >> 33), of = draw % 8;
            uint32_t site = draw % 97 == 0 ? 99 : fit[draw % 13 == 0 ? draw / 13 % 8 : of].site;
            words[i] = draw % 101 == 0 ? 0 : made_word(fit[of].kind, site, 0, draw % 5);
            if (i > 0 && fit[of].kind == PERFTRACE_RECORD_BEGIN && draw % 3 == 0)
                words[i] = draw % 20; /* as a text's length would be */
        }
        for (size_t available = 0; available <= 64; available += 1 + round % 7) {
            size_t at = 0, length = 1;
            uint64_t expected_base = 1, expected = 0, base = 1, count = 0;
            bool damaged = false;
            for (; at < available && words[at] != 0 && length != 0; at += length) {
                length = perftrace_record_words(*state, words + at, available - at);
                if (length != 0 && perftrace_word_kind(words[at]) == PERFTRACE_RECORD_REBASE)
                    expected_base = words[at + 1];
                else
                    expected += length != 0;
            }
            assert_int_equal(perftrace_records_walk(*state, words, available, &base, &count, &damaged), at);
            assert_int_equal(count, expected);
            assert_int_equal(base, expected_base);
            assert_int_equal(damaged, length == 0);
        }
    }
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
                                       cmocka_unit_test(walk), cmocka_unit_test(walk_as_step_by_step),
                                       cmocka_unit_test(walk_stops_at_damage)};
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
