/* Slots of calls known from their children only: against a plain list that does the same. */
#include "../../analysis/open_calls.h"
#include "../../analysis/collect.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { NUMBERS = 3000, TRACKS = 5 };

static uint64_t random_state = 1;
static unsigned random_below(unsigned limit) {
    random_state = random_state * 6364136223846793005u + 1442695040888963407u;
    return (unsigned)(random_state >> 33) % limit;
}

/* What is to be known of each number. */
static uint64_t children_ns[NUMBERS][TRACKS];
static uint32_t slots[NUMBERS];

static unsigned count_open(const struct open_calls *open) {
    unsigned count = open->in_table;
    for (unsigned i = 0; i < OPEN_CALLS_NEAR; i++)
        count += open->near[i] != 0;
    return count;
}

static void slots_and_times_as_in_a_plain_list(void **state) {
    (void)state;
    struct open_calls open = {0};
    unsigned open_count = 0, taken = 0;
    for (unsigned i = 0; i < NUMBERS; i++)
        slots[i] = OPEN_CALLS_NONE;
    for (unsigned step = 0; step < 200000; step++) {
        unsigned number = 1 + random_below(NUMBERS - 1), track = random_below(TRACKS);
        if (random_below(3) != 0) {
            uint32_t slot = open_calls_tell_parent(&open, number, track, step);
            assert_int_not_equal(slot, OPEN_CALLS_NONE);
            if (slots[number] == OPEN_CALLS_NONE) {
                for (unsigned i = 0; i < NUMBERS; i++)
                    assert_true(slots[i] != slot);
                slots[number] = slot;
                open_count++;
            }
            assert_int_equal(slot, slots[number]);
            children_ns[number][track] += step;
        } else {
            uint32_t slot = open_calls_take(&open, number);
            assert_int_equal(slot, slots[number]);
            if (slot == OPEN_CALLS_NONE)
                continue;
            for (unsigned i = 0; i < TRACKS; i++)
                assert_int_equal(open_calls_children_ns(&open, slot, i), children_ns[number][i]);
            open_calls_give(&open, slot);
            memset(children_ns[number], 0, sizeof children_ns[number]);
            slots[number] = OPEN_CALLS_NONE;
            open_count--;
            taken++;
        }
        assert_int_equal(count_open(&open), open_count);
    }
    assert_true(taken > 1000 && open_count > 100);
    open_calls_clear(&open);
    for (unsigned i = 1; i < NUMBERS; i++)
        assert_int_equal(open_calls_take(&open, i), OPEN_CALLS_NONE);
    open_calls_free(&open);
}

static void without_budget_those_there_go_on(void **state) {
    (void)state;
    struct perftrace_budget budget = {.max = 16384};
    struct open_calls open = {.budget = &budget};
    uint32_t made = 0;
    for (uint64_t number = 1; number <= 5000; number++)
        made += open_calls_tell_parent(&open, number, 1, 7) != OPEN_CALLS_NONE;
    assert_true(made > OPEN_CALLS_NEAR && made < 1000);
    assert_int_equal(open.refused, 5000 - made);
    assert_true(budget.used <= budget.max);
    for (uint64_t number = 1; number <= made; number++) { /* the first ones */
        uint32_t slot = open_calls_tell_parent(&open, number, 1, 1);
        assert_int_not_equal(slot, OPEN_CALLS_NONE);
        assert_int_equal(open_calls_take(&open, number), slot);
        assert_int_equal(open_calls_children_ns(&open, slot, 1), 8);
        open_calls_give(&open, slot);
    }
    assert_int_not_equal(open_calls_tell_parent(&open, 4999, 1, 7), OPEN_CALLS_NONE);
    open_calls_free(&open);
    assert_int_equal(budget.used, 0);
}

/* ---- what the collector makes of it ----------------------------------------------------------------------------- */

static const struct perftrace_track_info tracks[] = {{.id = 1, .kind = PERFTRACE_ON_THREAD},
                                                     {.id = 2, .kind = PERFTRACE_ON_THREAD}};
static const struct perftrace_site_info sites[] = {{.id = 1, .kind = 1, .name = {"inner", 5}},
                                                   {.id = 2, .kind = 1, .name = {"outer", 5}}};

static void feed(struct analysis *analysis, uint64_t number, uint64_t parent, unsigned site, unsigned track,
                 uint64_t elapsed_ns) {
    const struct perftrace_call call = {.number = number,
                                        .parent_number = parent,
                                        .site = &sites[site],
                                        .caller = {"unknown", 7},
                                        .track = &tracks[track],
                                        .elapsed_ns = elapsed_ns};
    const struct perftrace_item item = {
        .kind = PERFTRACE_ITEM_SPAN_END, .site = call.site, .track = call.track, .call = &call};
    assert_int_equal(analysis_item(analysis, &item), 0);
}

static void self_time_of_a_log_is_without_children_of_its_thread(void **state) {
    (void)state;
    struct analysis *analysis = analysis_open(&(struct analysis_options){0});
    assert_int_equal(analysis_begin_input(analysis, "test"), 0);
    feed(analysis, 3, 1, 0, 1, 500); /* on another thread, and the first that ends */
    feed(analysis, 2, 1, 0, 0, 30);
    feed(analysis, 4, 1, 0, 0, 20);
    feed(analysis, 1, 0, 1, 0, 100);
    feed(analysis, 5, 0, 1, 0, 10); /* a leaf */
    assert_int_equal(analysis_finish(analysis), 0);
    assert_int_equal(analysis->functions[0].self_ns, 550); /* inner */
    size_t outer = analysis->functions[1].total_ns == 110 ? 1 : 2;
    assert_int_equal(analysis->functions[outer].total_ns, 110);
    assert_int_equal(analysis->functions[outer].self_ns, 60);
    analysis_close(analysis);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(slots_and_times_as_in_a_plain_list),
        cmocka_unit_test(without_budget_those_there_go_on),
        cmocka_unit_test(self_time_of_a_log_is_without_children_of_its_thread),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
