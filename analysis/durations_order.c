/* Counted durations in order: a radix sort, of those bytes of function and value that are not the same in all, and a walk, which does not
 * look at each value of a page where that holds no call of the rank that is looked for. */
#include "durations_order.h"

#include <stdlib.h>
#include <string.h>

enum { DIGITS = 256, VALUE_BYTES = 8, KEY_BYTES = VALUE_BYTES + 4, FEW = 64 };

/* ---- sorting -------------------------------------------------------------------------------------- */

static int compare(const void *left, const void *right) {
    const struct duration *a = left, *b = right;
    if (a->function != b->function)
        return a->function < b->function ? -1 : 1;
    return (a->ns > b->ns) - (a->ns < b->ns);
}

static unsigned digit_of(const struct duration *duration, unsigned byte) {
    return byte < VALUE_BYTES ? (unsigned)(duration->ns >> byte * 8 & 0xff)
                              : duration->function >> (byte - VALUE_BYTES) * 8 & 0xff;
}

/* Puts them in order of one byte, and leaves those that have the same there in theirs. */
static void sort_by(unsigned byte, const struct duration *from, struct duration *to, size_t count) {
    size_t starts[DIGITS] = {0}, start = 0;
    for (size_t i = 0; i < count; i++)
        starts[digit_of(&from[i], byte)]++;
    for (unsigned digit = 0; digit < DIGITS; digit++) {
        size_t of_digit = starts[digit];
        starts[digit] = start;
        start += of_digit;
    }
    for (size_t i = 0; i < count; i++)
        to[starts[digit_of(&from[i], byte)]++] = from[i];
}

void durations_sort(struct duration *durations, size_t count) {
    struct duration *more = count > FEW ? malloc(count * sizeof *more) : NULL, *from = durations, *to = more;
    if (more == NULL) {
        if (count > 1)
            qsort(durations, count, sizeof *durations, compare);
        return;
    }
    struct duration differs = {0};
    for (size_t i = 1; i < count; i++) {
        differs.ns |= durations[i].ns ^ durations[0].ns;
        differs.function |= durations[i].function ^ durations[0].function;
    }
    for (unsigned byte = 0; byte < KEY_BYTES; byte++) {
        if (digit_of(&differs, byte) == 0)
            continue;
        sort_by(byte, from, to, count);
        struct duration *swap = from;
        from = to;
        to = swap;
    }
    if (from != durations)
        memcpy(durations, from, count * sizeof *durations);
    free(more);
}

/* ---- the walk ------------------------------------------------------------------------------------- */

static const uint64_t unit_ns[UNITS] = {1, 1000, 1000000};

/* Goes to the next number of a unit, from `next` on. */
static void find_next(struct durations_walk *walk, enum unit unit, uint64_t next) {
    uint32_t **pages = walk->function->pages[unit], calls = 0;
    uint64_t limit = walk->function->limit[unit];
    while (next < limit) {
        const uint32_t *page = pages[next / PAGE_COUNTERS];
        if (page == NULL)
            next |= PAGE_COUNTERS - 1;
        else if ((calls = page[next % PAGE_COUNTERS]) != 0)
            break;
        next++;
    }
    walk->next[unit] = next;
    walk->calls[unit] = calls;
}

/* Passes over what comes before any other value, as far as the page goes, if all of it comes before the rank. */
static bool pass_over(struct durations_walk *walk, enum unit unit, uint64_t other_ns, uint64_t rank) {
    uint64_t at = walk->next[unit] % PAGE_COUNTERS, first = walk->next[unit] - at, calls = 0;
    uint64_t end = first + PAGE_COUNTERS, other = other_ns / unit_ns[unit] + (other_ns % unit_ns[unit] != 0);
    end = other < end ? other : end;
    if (walk->summed[unit] == end)
        return false;
    walk->summed[unit] = end;
    const uint32_t *page = walk->function->pages[unit][first / PAGE_COUNTERS];
    for (; at < end - first; at++)
        calls += page[at];
    if (calls >= rank - walk->before)
        return false;
    walk->before += calls;
    find_next(walk, unit, end);
    return true;
}

void durations_walk_begin(struct durations_walk *walk, const struct function_durations *function,
                          const struct duration *table, const struct duration *table_end) {
    *walk = (struct durations_walk){.function = function, .table = table, .table_end = table_end};
    for (enum unit unit = UNIT_NS; unit < UNITS; unit++)
        find_next(walk, unit, 0);
}

bool durations_walk_to(struct durations_walk *walk, uint64_t rank, uint64_t *ns) {
    while (walk->before < rank) {
        bool in_table = walk->table < walk->table_end;
        uint64_t least_ns = UINT64_MAX, other_ns = in_table ? walk->table->ns : UINT64_MAX;
        enum unit least = UNITS;
        for (enum unit unit = UNIT_NS; unit < UNITS; unit++) {
            uint64_t unit_next_ns = walk->next[unit] * unit_ns[unit];
            if (walk->calls[unit] == 0)
                continue;
            uint64_t greater_ns = unit_next_ns < least_ns ? least_ns : unit_next_ns;
            other_ns = greater_ns < other_ns ? greater_ns : other_ns;
            least = unit_next_ns < least_ns ? unit : least;
            least_ns = unit_next_ns < least_ns ? unit_next_ns : least_ns;
        }
        if (in_table && walk->table->ns <= least_ns) {
            walk->ns = walk->table->ns;
            walk->before += walk->table++->calls;
        } else if (least == UNITS) {
            return false;
        } else if (!pass_over(walk, least, other_ns, rank)) {
            walk->ns = least_ns;
            walk->before += walk->calls[least];
            find_next(walk, least, walk->next[least] + 1);
        }
    }
    *ns = walk->ns;
    return walk->before > 0;
}
