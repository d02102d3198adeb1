/* The call tree, which grows from its leaves, against one that is made from its root while a program is played. */
#include "../../analysis/call_tree.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { FUNCTIONS = 40, PLAIN_MAX = 4096, DEPTH_MAX = 12, THREADS = 3 };

static uint64_t random_state;
static unsigned random_below(unsigned limit) {
    random_state = random_state * 6364136223846793005u + 1442695040888963407u;
    return (unsigned)(random_state >> 33) % limit;
}

static struct perftrace_site_info *sites;
static const struct perftrace_track_info tracks[THREADS] = {{.id = 1, .kind = PERFTRACE_ON_THREAD},
                                                            {.id = 2, .kind = PERFTRACE_ON_THREAD},
                                                            {.id = 3, .kind = PERFTRACE_ON_THREAD}};

static void make_sites(uint32_t count) {
    sites = calloc(count, sizeof *sites);
    assert_non_null(sites);
    for (uint32_t i = 0; i < count; i++) {
        char *name = malloc(12);
        assert_non_null(name);
        int length = snprintf(name, 12, "f%05u", i);
        sites[i] = (struct perftrace_site_info){.id = i + 1, .kind = 1, .name = {name, (size_t)length}};
    }
}

static void free_sites(uint32_t count) {
    for (uint32_t i = 0; i < count; i++)
        free((void *)(uintptr_t)sites[i].name.bytes);
    free(sites);
}

static struct analysis *open_analysis(size_t memory_max) {
    struct analysis *analysis = analysis_open(&(struct analysis_options){.memory_max = memory_max});
    assert_non_null(analysis);
    assert_int_equal(analysis_begin_input(analysis, "test"), 0);
    return analysis;
}

/* A call as a log tells of it; caller < 0: none. */
static void feed(struct analysis *analysis, uint64_t number, uint64_t parent, unsigned function, int caller,
                 unsigned thread, uint64_t elapsed_ns, bool unfinished) {
    const struct perftrace_call call = {
        .number = number,
        .parent_number = parent,
        .site = &sites[function],
        .parent_site = caller >= 0 ? &sites[caller] : NULL,
        .caller = caller >= 0 ? sites[caller].name : (struct perftrace_text){"unknown", 7},
        .track = &tracks[thread],
        .elapsed_ns = elapsed_ns,
        .unfinished = unfinished,
    };
    const struct perftrace_item item = {
        .kind = PERFTRACE_ITEM_SPAN_END, .site = call.site, .track = call.track, .call = &call};
    assert_int_equal(analysis_item(analysis, &item), 0);
}

static void end_input(struct analysis *analysis) {
    const struct perftrace_trace_info info = {0};
    assert_int_equal(analysis_end_input(analysis, &info, 1), 0);
    assert_int_equal(analysis_finish(analysis), 0);
}

/* ---- the plain tree --------------------------------------------------------------------------------------------- */

struct plain {
    int function;
    unsigned parent;
    uint64_t calls, recursive, total_ns, self_ns;
};
static struct plain plain[PLAIN_MAX];
static unsigned plain_count;

static unsigned plain_child(unsigned parent, int function) {
    if (plain[parent].function == function)
        return parent;
    for (unsigned i = 1; i < plain_count; i++)
        if (plain[i].parent == parent && plain[i].function == function)
            return i;
    assert_true(plain_count < PLAIN_MAX);
    plain[plain_count] = (struct plain){.function = function, .parent = parent};
    return plain_count++;
}

/* ---- the program ------------------------------------------------------------------------------------------------ */

struct open_span {
    uint64_t number, elapsed_ns, children_ns;
    int function;
    unsigned node;
};
struct play {
    struct analysis *analysis;
    struct open_span stacks[THREADS][DEPTH_MAX + 1];
    unsigned depths[THREADS];
    uint64_t number;
    unsigned threads;
    bool numbers;    /* parents are told by number */
    bool recursion;  /* a function may call what called it, not only itself */
    bool unfinished; /* some calls have no end */
};

static void begin(struct play *play, unsigned thread) {
    struct open_span *stack = play->stacks[thread];
    unsigned depth = play->depths[thread];
    int function = (int)random_below(FUNCTIONS);
    if (!play->recursion && depth > 0) {
        /* Below a function there are only itself and those after it. */
        int above = stack[depth - 1].function;
        function =
            above + (int)random_below((unsigned)(FUNCTIONS - above) > 6 ? 6 : (unsigned)(FUNCTIONS - above));
    }
    stack[depth] = (struct open_span){
        .number = ++play->number,
        .function = function,
        .node = plain_child(depth > 0 ? stack[depth - 1].node : 0, function),
    };
    play->depths[thread]++;
}

static void end(struct play *play, unsigned thread) {
    struct open_span *stack = play->stacks[thread];
    unsigned depth = --play->depths[thread];
    struct open_span *span = &stack[depth], *above = depth > 0 ? &stack[depth - 1] : NULL;
    bool unfinished = play->unfinished && random_below(10) == 0;
    uint64_t elapsed_ns = span->children_ns + random_below(1000);
    feed(play->analysis, span->number, play->numbers && above != NULL ? above->number : 0,
         (unsigned)span->function, above != NULL ? above->function : -1, thread, elapsed_ns, unfinished);
    struct plain *node = &plain[span->node];
    if (!unfinished) {
        bool by_itself = above != NULL && above->node == span->node;
        node->calls++;
        node->recursive += by_itself;
        node->total_ns += by_itself ? 0 : elapsed_ns;
        node->self_ns += elapsed_ns - span->children_ns;
    }
    if (above != NULL)
        above->children_ns += elapsed_ns;
}

static void play_program(struct play *play, unsigned steps) {
    plain[0] = (struct plain){.function = -1};
    plain_count = 1;
    for (unsigned step = 0; step < steps; step++) {
        unsigned thread = random_below(play->threads);
        if (play->depths[thread] < DEPTH_MAX && random_below(2) == 0)
            begin(play, thread);
        else if (play->depths[thread] > 0)
            end(play, thread);
    }
    for (unsigned thread = 0; thread < play->threads; thread++)
        while (play->depths[thread] > 0)
            end(play, thread);
}

/* ---- comparing -------------------------------------------------------------------------------------------------- */

static uint64_t plain_total(unsigned number) {
    uint64_t ns = plain[number].total_ns;
    if (plain[number].calls == 0)
        for (unsigned i = 1; i < plain_count; i++)
            if (plain[i].parent == number)
                ns += plain_total(i);
    return ns;
}

static uint64_t plain_outermost(int function) {
    uint64_t ns = 0;
    for (unsigned i = 1; i < plain_count; i++) {
        bool within = false;
        for (unsigned above = plain[i].parent; above != 0; above = plain[above].parent)
            within |= plain[above].function == function && plain[above].calls > 0;
        if (plain[i].function == function && plain[i].calls > 0 && !within)
            ns += plain[i].total_ns;
    }
    return ns;
}

/* Nodes that nothing was counted for are not made. */
static bool is_empty(unsigned number) {
    if (plain[number].calls > 0)
        return false;
    for (unsigned i = 1; i < plain_count; i++)
        if (plain[i].parent == number && !is_empty(i))
            return false;
    return true;
}

static unsigned compare_nodes(const struct analysis *analysis, const struct call_tree *tree, uint32_t node,
                              unsigned number, bool recursion) {
    unsigned compared = 1;
    const struct call_tree_node *nodes = tree->nodes;
    assert_int_equal(nodes[node].calls, plain[number].calls);
    assert_int_equal(nodes[node].total_ns, plain_total(number));
    if (recursion) {
        assert_int_equal(nodes[node].self_ns, plain[number].self_ns);
    }
    assert_int_equal(nodes[node].recursive, plain[number].recursive);
    uint64_t last_ns = UINT64_MAX;
    for (uint32_t child = nodes[node].first_child; child != INTERN_NONE; child = nodes[child].next) {
        const char *name = analysis->functions[nodes[child].function].name.bytes;
        unsigned before = plain_count, found = plain_child(number, atoi(name + 1));
        assert_int_equal(plain_count, before); /* it was there */
        assert_true(nodes[child].total_ns <= last_ns);
        last_ns = nodes[child].total_ns;
        compared += compare_nodes(analysis, tree, child, found, recursion);
    }
    return compared;
}

static void play_and_compare(struct play play, uint64_t seed, unsigned steps) {
    random_state = seed;
    play.analysis = open_analysis(0);
    play_program(&play, steps);
    end_input(play.analysis);
    struct call_tree tree = analysis_call_tree(play.analysis);
    unsigned expected = 1;
    for (unsigned i = 1; i < plain_count; i++)
        expected += !is_empty(i);
    assert_int_equal(tree.count, expected);
    assert_int_equal(compare_nodes(play.analysis, &tree, 0, 0, true), expected);
    assert_int_equal(tree.cut, 0);
    assert_int_equal(tree.by_name, !play.numbers);
    for (uint32_t i = 0; i < play.analysis->function_count; i++)
        if (!play.analysis->functions[i].unknown)
            assert_int_equal(play.analysis->functions[i].outermost_ns,
                             plain_outermost(atoi(play.analysis->functions[i].name.bytes + 1)));
    analysis_close(play.analysis);
}

static void as_a_tree_made_from_the_root(void **state) {
    (void)state;
    for (uint64_t seed = 1; seed <= 40; seed++)
        play_and_compare((struct play){.threads = 1, .numbers = true, .recursion = true}, seed, 800);
}

static void of_several_threads_at_once(void **state) {
    (void)state;
    for (uint64_t seed = 1; seed <= 20; seed++)
        play_and_compare((struct play){.threads = THREADS, .numbers = true, .recursion = true}, seed, 1200);
}

static void with_calls_that_have_no_end(void **state) {
    (void)state;
    for (uint64_t seed = 1; seed <= 20; seed++)
        play_and_compare((struct play){.threads = 2, .numbers = true, .unfinished = true, .recursion = true},
                         seed, 800);
}

static void by_the_callers_names_alone(void **state) {
    (void)state;
    for (uint64_t seed = 1; seed <= 40; seed++)
        play_and_compare((struct play){.threads = THREADS}, seed, 1200);
}

/* ---- limits ----------------------------------------------------------------------------------------------------- */

static void sums(const struct call_tree *tree, uint32_t node, uint64_t *calls, uint64_t *self_ns) {
    *calls += tree->nodes[node].calls + tree->nodes[node].cut;
    *self_ns += tree->nodes[node].self_ns;
    for (uint32_t child = tree->nodes[node].first_child; child != INTERN_NONE;
         child = tree->nodes[child].next)
        sums(tree, child, calls, self_ns);
}

static void assert_sums(const struct call_tree *tree, uint64_t calls, uint64_t self_ns) {
    uint64_t found_calls = 0, found_ns = 0;
    sums(tree, 0, &found_calls, &found_ns);
    assert_int_equal(found_calls, calls);
    assert_int_equal(found_ns, self_ns);
}

static void a_million_levels(void **state) {
    (void)state;
    enum { LEVELS = 1000000 };
    struct analysis *analysis = open_analysis(64 << 20);
    for (uint64_t number = LEVELS; number > 0; number--) /* f1 calls f2, which calls f0, and so on */
        feed(analysis, number, number - 1, (unsigned)(number % 3), number > 1 ? (int)((number - 1) % 3) : -1,
             0, LEVELS - number + 1, false);
    end_input(analysis);
    struct call_tree tree = analysis_call_tree(analysis);
    assert_true(tree.levels >= CALL_TREE_LEVELS && tree.levels <= 2 * CALL_TREE_LEVELS + 2);
    assert_true(tree.cut > LEVELS / 2);
    assert_sums(&tree, LEVELS, LEVELS);
    assert_int_equal(tree.nodes[0].total_ns, LEVELS);
    assert_int_equal(analysis->functions[tree.nodes[tree.nodes[0].first_child].function].outermost_ns,
                     LEVELS);
    struct perftrace_buffer text = {0};
    analysis_approximations(analysis, &text);
    perftrace_buffer_add(&text, "", 1);
    assert_non_null(strstr(text.bytes, "Call tree: "));
    free(text.bytes);
    analysis_close(analysis);
}

static void itself_a_million_levels(void **state) {
    (void)state;
    enum { LEVELS = 1000000 };
    struct analysis *analysis = open_analysis(64 << 20);
    for (uint64_t number = LEVELS; number > 0; number--)
        feed(analysis, number, number - 1, 0, number > 1 ? 0 : -1, 0, LEVELS - number + 1, false);
    end_input(analysis);
    struct call_tree tree = analysis_call_tree(analysis);
    assert_int_equal(tree.count, 2);
    const struct call_tree_node *node = &tree.nodes[tree.nodes[0].first_child];
    assert_int_equal(node->calls, LEVELS);
    assert_int_equal(node->recursive, LEVELS - 1);
    assert_int_equal(node->total_ns, LEVELS);
    assert_int_equal(node->self_ns, LEVELS);
    assert_int_equal(tree.cut, 0);
    analysis_close(analysis);
}

/* Some paths take much longer than others: they are still there when there was no room for all. */
static void more_paths_than_there_is_room_for(void **state) {
    (void)state;
    enum { WIDE = 3000, ROUNDS = 3 };
    for (size_t memory_max = 1 << 16; memory_max <= 1 << 18; memory_max *= 2) {
        struct analysis *analysis = open_analysis(memory_max);
        uint64_t number = 0, calls = 0, self_ns = 0;
        for (unsigned round = 0; round < ROUNDS; round++) {
            for (unsigned i = 2; i < WIDE; i++, number += 3) { /* f0 -> f1 -> fi, and f0 -> fi */
                uint64_t ns = i % 500 == 2 ? 1000000 : 1;
                feed(analysis, number + 3, number + 2, i, 1, 0, ns, false);
                feed(analysis, number + 2, number + 1, 1, 0, 0, ns, false);
                feed(analysis, number + 4, number + 1, i, 0, 0, ns, false);
                feed(analysis, number + 1, 0, 0, -1, 0, 2 * ns, false);
                number += 1;
                calls += 4;
                self_ns += 2 * ns;
            }
        }
        end_input(analysis);
        struct call_tree tree = analysis_call_tree(analysis);
        assert_true(tree.cut > 0 && tree.cut < calls);
        assert_sums(&tree, calls, self_ns);
        assert_int_equal(tree.nodes[0].total_ns,
                         self_ns); /* all within outermost calls, one after the other */
        size_t lines;
        struct call_tree_line *shown = call_tree_lines(&tree, 14, &lines);
        assert_int_equal(lines, 14);
        unsigned long_ones = 0;
        for (size_t i = 0; i < lines; i++)
            long_ones += tree.nodes[shown[i].node].total_ns == ROUNDS * 1000000;
        assert_true(long_ones >= 10);
        free(shown);
        analysis_close(analysis);
    }
}

/* None of the parents ever ends, and there is no room for all of them. */
static void parents_without_end(void **state) {
    (void)state;
    enum { CALLS = 20000 };
    struct analysis *analysis = open_analysis(1 << 18);
    for (unsigned i = 0; i < CALLS; i++)
        feed(analysis, i + 1, CALLS + i + 1, i % 5, 10 + (int)(i % 300), 0, 3, false);
    end_input(analysis);
    struct call_tree tree = analysis_call_tree(analysis);
    assert_sums(&tree, CALLS, CALLS * 3);
    assert_int_equal(tree.nodes[0].total_ns, CALLS * 3);
    assert_true(tree.cut > 0 && tree.cut < CALLS);
    analysis_close(analysis);
}

static void a_parent_with_many_functions_below(void **state) {
    (void)state;
    enum { WIDE = 3000, ROUNDS = 4 };
    struct analysis *analysis = open_analysis(0);
    for (unsigned round = 0; round < ROUNDS; round++) {
        for (unsigned i = 1; i < WIDE; i++)
            feed(analysis, 2 + i, 1, i, 0, 0, i, false);
        feed(analysis, 1, 0, 0, -1, 0, 10000000, false);
    }
    end_input(analysis);
    struct call_tree tree = analysis_call_tree(analysis);
    assert_int_equal(tree.count, 1 + WIDE);
    uint32_t top = tree.nodes[0].first_child, child = tree.nodes[top].first_child;
    for (unsigned i = WIDE - 1; i > 0; i--, child = tree.nodes[child].next) {
        assert_int_equal(tree.nodes[child].total_ns, ROUNDS * i);
        assert_int_equal(tree.nodes[child].calls, ROUNDS);
    }
    assert_int_equal(child, INTERN_NONE);
    analysis_close(analysis);
}

static void lists_the_longest_paths_below_their_callers(void **state) {
    (void)state;
    for (uint64_t seed = 1; seed <= 10; seed++) {
        random_state = seed;
        struct play play = {.analysis = open_analysis(0), .threads = 1, .numbers = true, .recursion = true};
        play_program(&play, 1000);
        end_input(play.analysis);
        struct call_tree tree = analysis_call_tree(play.analysis);
        for (uint64_t most = 0; most < tree.count + 2; most += 1 + most / 2) {
            size_t count;
            struct call_tree_line *lines = call_tree_lines(&tree, most, &count);
            assert_int_equal(count, most == 0 || most > tree.count - 1 ? tree.count - 1 : most);
            uint64_t least = UINT64_MAX, more = 0;
            for (size_t i = 0; i < count; i++) {
                uint64_t ns = tree.nodes[lines[i].node].total_ns;
                least = ns < least ? ns : least;
                assert_int_equal(lines[i].level,
                                 lines[i].parent == INTERN_NONE ? 0 : lines[lines[i].parent].level + 1);
                assert_true(lines[i].parent == INTERN_NONE || lines[i].parent < i);
            }
            size_t all;
            struct call_tree_line *every = call_tree_lines(&tree, 0, &all);
            for (size_t i = 0; i < all; i++)
                more += tree.nodes[every[i].node].total_ns > least;
            assert_true(more < count || count == 0);
            free(every);
            free(lines);
        }
        analysis_close(play.analysis);
    }
}

int main(void) {
    enum { SITES = 3000 };
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(as_a_tree_made_from_the_root),
        cmocka_unit_test(of_several_threads_at_once),
        cmocka_unit_test(with_calls_that_have_no_end),
        cmocka_unit_test(by_the_callers_names_alone),
        cmocka_unit_test(a_million_levels),
        cmocka_unit_test(itself_a_million_levels),
        cmocka_unit_test(more_paths_than_there_is_room_for),
        cmocka_unit_test(parents_without_end),
        cmocka_unit_test(a_parent_with_many_functions_below),
        cmocka_unit_test(lists_the_longest_paths_below_their_callers),
    };
    make_sites(SITES);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    free_sites(SITES);
    return failed;
}
