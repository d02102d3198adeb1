/* Counting durations by value. Where distinct values are few, a hash table of (function, value) counts them. Functions with many
 * get arrays of counters, in pages, made as they are needed: one for values in whole milliseconds, one for those in whole
 * microseconds, and one for all others, each up to about a million of its unit, or to where values would be few in a page.
 *
 * Past the budget, values in the table are rounded down to fewer binary digits (as in HdrHistogram: as many steps between
 * any power of two and the next), first in functions that have most, so that equal ones fall together. */
#include "durations.h"

#include "../core/hash.h"
#include "durations_order.h"
#include "part.h"

#include <inttypes.h>
#include <stdlib.h>

enum {
    PAGED_FROM = 256, /* distinct values that could be counted in pages, when a function gets them */
    SPARSE = 16,      /* pages go up to so many times the number of values that could have been in them */
    TABLE_MIN = 256,
    AHEAD = 16,       /* calls for which memory is brought near before */
    BUDGET_SHARE = 8, /* at most an eighth of the budget, and once more as much while it is sorted */
};
/* number / 1000 where nothing is left over; else more than UINT64_MAX / 1000. (The inverse of 125 modulo 2^64, and a rotation:
 * T. Granlund, P. L. Montgomery: Division by invariant integers using multiplication, PLDI 1994, section 9.) */
static inline uint64_t whole_thousands(uint64_t number) {
    uint64_t product = number * UINT64_C(0x1cac083126e978d5);
    return product >> 3 | product << 61;
}

/* In how many of which unit a duration is. */
static inline uint64_t in_units(uint64_t ns, enum unit *unit) {
    uint64_t us = whole_thousands(ns);
    *unit = UNIT_NS;
    if (us > UINT64_MAX / 1000)
        return ns;
    uint64_t ms = whole_thousands(us);
    *unit = ms > UINT64_MAX / 1000 ? UNIT_US : UNIT_MS;
    return *unit == UNIT_US ? us : ms;
}

/* Digits kept of a value after its first, by level; 0 is all of them. */
static const unsigned level_digits[] = {64, 7, 4, 1};
enum { LEVEL_LAST = sizeof level_digits / sizeof *level_digits - 1 };

struct durations {
    struct duration *slots;
    uint32_t slot_count, used;
    bool fixed; /* the table can't grow any more */
    uint64_t keys[2];
    struct function_durations *functions;
    uint32_t function_capacity;
    uint64_t ignored;
    struct perftrace_budget *budget;
    size_t taken, taken_max;
};

static bool take(struct durations *durations, size_t bytes) {
    if (bytes > durations->taken_max - durations->taken || !perftrace_budget_take(durations->budget, bytes))
        return false;
    durations->taken += bytes;
    return true;
}

static void give(struct durations *durations, size_t bytes) {
    durations->taken -= bytes;
    perftrace_budget_give(durations->budget, bytes);
}

static int durations_open(const struct analysis *analysis, void *state) {
    struct durations *durations = state;
    durations->keys[0] = perftrace_hash_key();
    durations->keys[1] = perftrace_hash_key();
    /* The budget is the analysis's own, which is not const where it lives. */
    durations->budget = (struct perftrace_budget *)(uintptr_t)&analysis->budget;
    durations->taken_max = analysis->budget.max / BUDGET_SHARE;
    return 0;
}

/* ---- pages ---------------------------------------------------------------------------------------- */

/* Pages, or further ones, for a function with so many values. */
static void give_pages_to(struct durations *durations, struct function_durations *function, enum unit unit) {
    size_t bytes = PAGES * sizeof *function->pages[unit];
    if (function->pages[unit] == NULL) {
        if (take(durations, bytes) &&
            (function->pages[unit] = calloc(PAGES, sizeof *function->pages[unit])) == NULL)
            give(durations, bytes);
        if (function->pages[unit] == NULL) {
            function->small[unit] = 0; /* again after so many */
            return;
        }
    }
    uint64_t limit = (uint64_t)function->small[unit] * SPARSE;
    function->limit[unit] = limit < PAGED_MAX ? limit : PAGED_MAX;
    function->paged = true;
}

/* A counter's place, if its page is there. */
static inline uint32_t *counter_in(const struct function_durations *function, enum unit unit,
                                   uint64_t number) {
    uint32_t *page = number < function->limit[unit] ? function->pages[unit][number / PAGE_COUNTERS] : NULL;
    return page != NULL ? page + number % PAGE_COUNTERS : NULL;
}

/* The same, where the page may have to be made; NULL without memory. */
static uint32_t *make_counter(struct durations *durations, struct function_durations *function,
                              enum unit unit, uint64_t number) {
    uint32_t **page = &function->pages[unit][number / PAGE_COUNTERS];
    if (take(durations, PAGE_COUNTERS * sizeof **page)) {
        *page = calloc(PAGE_COUNTERS, sizeof **page);
        if (*page == NULL)
            give(durations, PAGE_COUNTERS * sizeof **page);
    }
    return counter_in(function, unit, number);
}

/* Where a value is counted, made if need be. NULL: in the table. */
static uint32_t *find_counter(struct durations *durations, struct function_durations *function, uint64_t ns) {
    enum unit unit;
    uint64_t number = in_units(ns, &unit);
    if (number >= function->limit[unit])
        return NULL;
    uint32_t *counter = counter_in(function, unit, number);
    return counter != NULL ? counter : make_counter(durations, function, unit, number);
}

/* ---- the table ------------------------------------------------------------------------------------ */

static uint32_t home_of(const struct durations *durations, const struct duration *duration) {
    return (uint32_t)perftrace_hash_mix(duration->ns ^ durations->keys[0],
                                        duration->function ^ durations->keys[1]) &
           (durations->slot_count - 1);
}

static bool is_same(const struct duration *a, const struct duration *b) {
    return a->ns == b->ns && a->function == b->function && a->calls != UINT32_MAX;
}

static uint64_t rounded(uint64_t ns, unsigned level) {
    if (level == 0 || ns == 0)
        return ns;
    unsigned digits = 63 - (unsigned)__builtin_clzll(ns), kept = level_digits[level];
    return digits <= kept ? ns : ns >> (digits - kept) << (digits - kept);
}

/* Doubles the table. False where that can't be. */
static bool grow(struct durations *durations) {
    uint32_t wanted = durations->slot_count == 0 ? TABLE_MIN : durations->slot_count * 2;
    size_t bytes = (size_t)wanted * sizeof(struct duration);
    if (durations->fixed || wanted < durations->slot_count || !take(durations, bytes))
        return false;
    struct duration *slots = calloc(wanted, sizeof *slots);
    if (slots == NULL) {
        give(durations, bytes);
        return false;
    }
    struct duration *old = durations->slots;
    uint32_t old_count = durations->slot_count;
    durations->slots = slots;
    durations->slot_count = wanted;
    for (uint32_t i = 0; i < old_count; i++) {
        if (old[i].calls == 0)
            continue;
        uint32_t at = home_of(durations, &old[i]);
        while (slots[at].calls != 0)
            at = (at + 1) & (wanted - 1);
        slots[at] = old[i];
    }
    free(old);
    give(durations, old_count * sizeof *old);
    return true;
}

/* Adds `from` to an entry of the same key. True if all of it went there, else the rest stays in `from`. */
static bool unite(struct durations *durations, struct duration *entry, struct duration *from) {
    uint32_t room = UINT32_MAX - entry->calls;
    uint32_t moved = from->calls < room ? from->calls : room;
    entry->calls += moved;
    from->calls -= moved;
    if (from->calls > 0)
        return false;
    durations->used--;
    durations->functions[from->function].distinct--;
    return true;
}

#define MISPLACED 0x80000000u /* in `function`, while the table is put in order */

/* Puts an entry into its place; what lies there and is not yet in its own is taken out and goes on. */
static void put_in_place(struct durations *durations, struct duration entry) {
    struct duration *slots = durations->slots;
    uint32_t mask = durations->slot_count - 1;
    for (uint32_t at = home_of(durations, &entry); entry.calls != 0; at = (at + 1) & mask) {
        if (slots[at].calls != 0 && (slots[at].function & MISPLACED) == 0) {
            if (is_same(&slots[at], &entry) && unite(durations, &slots[at], &entry))
                return;
            continue;
        }
        struct duration displaced = slots[at];
        slots[at] = entry;
        entry = displaced;
        if (entry.calls != 0) {
            entry.function &= ~MISPLACED;
            at = (home_of(durations, &entry) - 1) & mask;
        }
    }
}

/* Puts all entries into their places, after values have changed or some were taken out. No memory is needed for it: there may be none. */
static void put_all_in_place(struct durations *durations) {
    for (uint32_t i = 0; i < durations->slot_count; i++)
        if (durations->slots[i].calls != 0)
            durations->slots[i].function |= MISPLACED;
    for (uint32_t i = 0; i < durations->slot_count; i++) {
        struct duration entry = durations->slots[i];
        if (entry.calls == 0 || (entry.function & MISPLACED) == 0)
            continue;
        durations->slots[i].calls = 0;
        entry.function &= ~MISPLACED;
        put_in_place(durations, entry);
    }
}

/* Takes out of the table what was put there before its function got pages. True: half of the table is free now. */
static bool move_to_pages(struct durations *durations) {
    uint32_t before = durations->used;
    for (uint32_t i = 0; i < durations->slot_count; i++) {
        struct duration *slot = &durations->slots[i];
        struct function_durations *function = &durations->functions[slot->function];
        if (slot->calls == 0 || !function->paged)
            continue;
        uint32_t *counter = find_counter(durations, function, slot->ns);
        if (counter == NULL || *counter > UINT32_MAX - slot->calls)
            continue;
        *counter += slot->calls;
        slot->calls = 0;
        durations->used--;
        function->distinct--;
    }
    if (durations->used < before)
        put_all_in_place(durations);
    return durations->used < durations->slot_count / 2;
}

/* Raises the level of functions with more than `distinct_min` values, and unites values that have become equal. */
static void raise_levels(struct durations *durations, uint32_t distinct_min) {
    for (uint32_t i = 0; i < durations->function_capacity; i++) {
        struct function_durations *function = &durations->functions[i];
        if (function->distinct > distinct_min && function->level < LEVEL_LAST)
            function->level++;
    }
    for (uint32_t i = 0; i < durations->slot_count; i++) {
        struct duration *slot = &durations->slots[i];
        if (slot->calls != 0)
            slot->ns = rounded(slot->ns, durations->functions[slot->function].level);
    }
    put_all_in_place(durations);
}

/* Makes room in a table that can't grow. Each time at least an eighth of it, so that this does not happen at every call; if the
 * functions with most values don't yield that, all have to. */
static bool make_room(struct durations *durations) {
    uint32_t goal = durations->slot_count / 8 * 5, functions = 1;
    for (uint32_t i = 0; i < durations->function_capacity; i++)
        functions += durations->functions[i].distinct > 0;
    raise_levels(durations, durations->used / functions / 2);
    for (unsigned level = 0; level < LEVEL_LAST && durations->used > goal; level++)
        raise_levels(durations, 0);
    return durations->used <= goal;
}

static bool reserve_slot(struct durations *durations) {
    if (durations->used < durations->slot_count / 4 * 3)
        return true;
    if (!durations->fixed && (move_to_pages(durations) || grow(durations)))
        return true;
    if (durations->fixed || durations->slot_count == 0)
        return false;
    durations->fixed = !make_room(durations);
    return !durations->fixed;
}

/* ---- calls ---------------------------------------------------------------------------------------- */

static void add_to_table(struct durations *durations, uint32_t number, uint64_t ns) {
    struct function_durations *function = &durations->functions[number];
    bool room = reserve_slot(durations); /* may raise the level */
    struct duration wanted = {rounded(ns, function->level), number, 1};
    if (durations->slot_count == 0) {
        function->result.ignored++;
        return;
    }
    uint32_t mask = durations->slot_count - 1, at = home_of(durations, &wanted);
    for (; durations->slots[at].calls != 0; at = (at + 1) & mask) {
        if (is_same(&durations->slots[at], &wanted)) {
            durations->slots[at].calls++;
            return;
        }
    }
    if (!room) {
        function->result.ignored++;
        return;
    }
    durations->slots[at] = wanted;
    durations->used++;
    function->distinct++;
    enum unit unit;
    if (in_units(ns, &unit) < PAGED_MAX && ++function->small[unit] >= PAGED_FROM)
        give_pages_to(durations, function, unit);
}

static int reserve_functions(struct durations *durations, uint32_t function) {
    uint32_t wanted = function < 64 ? 128 : function * 2;
    return array_grow_zeros(NULL, (void **)&durations->functions, &durations->function_capacity, wanted,
                            sizeof *durations->functions)
               ? 0
               : -PERFTRACE_ERROR_MEMORY;
}

/* False: its place is in the table. */
static bool add_to_pages(struct durations *durations, struct function_durations *function, uint64_t ns) {
    uint32_t *counter = find_counter(durations, function, ns);
    if (counter == NULL || *counter == UINT32_MAX)
        return false;
    ++*counter;
    return true;
}

static __attribute__((noinline)) int add_slowly(struct durations *durations, uint32_t function, uint64_t ns) {
    if (function >= durations->function_capacity && reserve_functions(durations, function) != 0)
        return -PERFTRACE_ERROR_MEMORY;
    if (!durations->functions[function].paged ||
        !add_to_pages(durations, &durations->functions[function], ns))
        add_to_table(durations, function, ns);
    return 0;
}

/* Where a function's value that is in the table mostly is; NULL: it has to be looked for. */
static inline struct duration *known_slot(const struct durations *durations,
                                          const struct function_durations *function, uint32_t number,
                                          uint64_t ns) {
    if (function->level != 0 || durations->slot_count == 0)
        return NULL;
    const struct duration wanted = {ns, number, 1};
    struct duration *slot = &durations->slots[home_of(durations, &wanted)];
    return slot->calls != 0 && is_same(slot, &wanted) ? slot : NULL;
}

/* A page's counter, which is brought near before it is added to, and the call that it is for. */
struct paged_call {
    uint32_t *counter;
    const struct analysis_call *call;
};

static inline int count_paged(struct durations *durations, const struct paged_call *paged, size_t count) {
    for (const struct paged_call *at = paged; at < paged + count; at++)
        if (*at->counter != UINT32_MAX)
            ++*at->counter;
        else if (add_slowly(durations, at->call->function, at->call->elapsed_ns) != 0)
            return -PERFTRACE_ERROR_MEMORY;
    return 0;
}

/* A value that has been seen before, as most have: it is counted, or *counter is where it is to be. False: it has to be looked for. */
static inline bool count_known(struct durations *durations, uint32_t number, uint64_t ns,
                               uint32_t **counter) {
    *counter = NULL;
    if (number >= durations->function_capacity)
        return false;
    const struct function_durations *function = &durations->functions[number];
    if (function->paged) {
        enum unit unit;
        uint64_t value = in_units(ns, &unit);
        *counter = counter_in(function, unit, value);
        return *counter != NULL;
    }
    struct duration *slot = known_slot(durations, function, number, ns);
    if (slot != NULL)
        slot->calls++;
    return slot != NULL;
}

/* At most AHEAD calls. */
static inline int count_some(struct durations *durations, const struct analysis_call *calls, size_t count) {
    struct paged_call paged[AHEAD];
    size_t paged_count = 0;
    for (const struct analysis_call *call = calls; call < calls + count; call++) {
        uint32_t *counter;
        if (!count_known(durations, call->function, call->elapsed_ns, &counter)) {
            if (add_slowly(durations, call->function, call->elapsed_ns) != 0)
                return -PERFTRACE_ERROR_MEMORY;
        } else if (counter != NULL) {
            __builtin_prefetch(counter, 1);
            paged[paged_count++] = (struct paged_call){counter, call};
        }
    }
    return count_paged(durations, paged, paged_count);
}

static int durations_add(struct analysis *analysis, void *state, const struct analysis_call *calls,
                         size_t count) {
    (void)analysis;
    for (; count > AHEAD; calls += AHEAD, count -= AHEAD)
        if (count_some(state, calls, AHEAD) != 0)
            return -PERFTRACE_ERROR_MEMORY;
    return count_some(state, calls, count);
}

/* ---- results -------------------------------------------------------------------------------------- */

/* In the middle of all that was rounded to it. */
static uint64_t middle(const struct function_durations *function, uint64_t ns) {
    if (function->level == 0 || ns == 0)
        return ns;
    unsigned digits = 63 - (unsigned)__builtin_clzll(ns), kept = level_digits[function->level];
    return digits <= kept ? ns : ns + (UINT64_C(1) << (digits - kept)) / 2;
}

static uint64_t clamp(const struct analysis_function *function, uint64_t ns) {
    return ns < function->min_ns ? function->min_ns : ns > function->max_ns ? function->max_ns : ns;
}

/* The rank of a percentile among `calls`, from 1: at least so many percent of them. */
static uint64_t rank_of(uint64_t calls, unsigned percent) {
    return calls / 100 * percent + (calls % 100 * percent + 99) / 100;
}

static void find_percentiles(const struct analysis_function *function, struct function_durations *durations,
                             const struct duration *table, const struct duration *table_end) {
    struct analysis_percentiles *result = &durations->result;
    uint64_t counted = function->calls - result->ignored, ns;
    const unsigned percents[] = {50, 90, 99};
    uint64_t *const answers[] = {&result->p50_ns, &result->p90_ns, &result->p99_ns};
    struct durations_walk walk;
    durations_walk_begin(&walk, durations, table, table_end);
    for (unsigned i = 0; i < 3 && durations_walk_to(&walk, rank_of(counted, percents[i]), &ns); i++)
        *answers[i] = clamp(function, middle(durations, ns));
    if (durations->level > 0)
        result->error = 1.0 / (double)(UINT64_C(2) << level_digits[durations->level]);
}

static void free_counts(struct durations *durations) {
    give(durations, durations->taken);
    free(durations->slots);
    durations->slots = NULL;
    durations->slot_count = durations->used = 0;
    for (uint32_t i = 0; i < durations->function_capacity; i++) {
        for (enum unit unit = UNIT_NS; unit < UNITS; unit++) {
            struct function_durations *function = &durations->functions[i];
            for (uint64_t page = 0; page * PAGE_COUNTERS < function->limit[unit]; page++)
                free(function->pages[unit][page]);
            free(function->pages[unit]);
            function->pages[unit] = NULL;
            function->limit[unit] = 0;
        }
    }
}

static int durations_finish(struct analysis *analysis, void *state) {
    struct durations *durations = state;
    uint32_t used = 0;
    for (uint32_t i = 0; i < durations->slot_count; i++)
        if (durations->slots[i].calls != 0)
            durations->slots[used++] = durations->slots[i];
    durations_sort(durations->slots, used);
    uint32_t at = 0;
    for (uint32_t i = 0; i < analysis->function_count && i < durations->function_capacity; i++) {
        uint32_t first = at;
        while (at < used && durations->slots[at].function == i)
            at++;
        const struct duration *table = used > 0 ? durations->slots : NULL;
        find_percentiles(&analysis->functions[i], &durations->functions[i],
                         at > first ? table + first : table, at > first ? table + at : table);
    }
    free_counts(durations);
    return 0;
}

struct analysis_percentiles analysis_percentiles(const struct analysis *analysis, uint32_t function) {
    const struct durations *durations = analysis->parts[ANALYSIS_PART_durations];
    return function < durations->function_capacity ? durations->functions[function].result
                                                   : (struct analysis_percentiles){0};
}

static void durations_approximated(const struct analysis *analysis, const void *state,
                                   struct perftrace_buffer *text) {
    const struct durations *durations = state;
    uint64_t functions = 0, ignored = 0;
    unsigned level = 0;
    for (uint32_t i = 0; i < analysis->function_count && i < durations->function_capacity; i++) {
        const struct function_durations *function = &durations->functions[i];
        functions += function->level > 0;
        ignored += function->result.ignored;
        level = function->level > level ? function->level : level;
    }
    if (functions > 0)
        perftrace_buffer_print(
            text, "Percentiles of %" PRIu64 " function%s may be off by up to 1/%" PRIu64 " of their value.\n",
            functions, functions == 1 ? "" : "s", UINT64_C(2) << level_digits[level]);
    if (ignored > 0)
        perftrace_buffer_print(text, "Percentiles leave out %" PRIu64 " call%s.\n", ignored,
                               ignored == 1 ? "" : "s");
}

static void durations_close(void *state) {
    struct durations *durations = state;
    free_counts(durations);
    free(durations->functions);
}

const struct analysis_part part_durations = {
    .state_bytes = sizeof(struct durations),
    .open = durations_open,
    .add = durations_add,
    .apart = true,
    .unkept = durations_add,
    .finish = durations_finish,
    .approximated = durations_approximated,
    .close = durations_close,
};
