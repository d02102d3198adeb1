/* The order of events that wait: by time, with a radix sort, whose time grows with their number whatever their order is. */
#include "chrome_json_held.h"

#include <stdlib.h>
#include <string.h>

struct perftrace_json_held *perftrace_json_list_add(struct perftrace_json_list *list) {
    if (list->count == list->capacity) {
        uint32_t wanted = list->capacity == 0 ? 1024 : list->capacity + list->capacity / 2;
        size_t more = (size_t)(wanted - list->capacity) * sizeof *list->held;
        if (wanted < list->capacity || !perftrace_budget_take(list->budget, more))
            return NULL;
        struct perftrace_json_held *held = realloc(list->held, wanted * sizeof *held);
        if (held == NULL) {
            perftrace_budget_give(list->budget, more);
            return NULL;
        }
        list->held = held;
        list->capacity = wanted;
    }
    struct perftrace_json_held *held = &list->held[list->count];
    held->order = list->count++;
    return held;
}

void perftrace_json_list_free(struct perftrace_json_list *list) {
    free(list->held);
    free(list->keys);
}

/* ---- sorting --------------------------------------------------------------------------------------- */

struct key {
    uint64_t start; /* less the least one's */
    uint32_t index;
};

enum { DIGIT_BITS = 11, DIGITS = 1 << DIGIT_BITS };

/* One pass, by the digit at `shift`. */
static void sort_by_digit(const struct key *from, struct key *to, uint32_t count, unsigned shift) {
    uint32_t starts[DIGITS] = {0};
    for (uint32_t i = 0; i < count; i++)
        starts[from[i].start >> shift & (DIGITS - 1)]++;
    uint32_t sum = 0;
    for (unsigned digit = 0; digit < DIGITS; digit++) {
        uint32_t here = starts[digit];
        starts[digit] = sum;
        sum += here;
    }
    for (uint32_t i = 0; i < count; i++)
        to[starts[from[i].start >> shift & (DIGITS - 1)]++] = from[i];
}

/* Puts held[keys[i].index] in place i, in place. */
static void permute(struct perftrace_json_held *held, struct key *keys, uint32_t count) {
    for (uint32_t i = 0; i < count; i++) {
        if (keys[i].index == i)
            continue;
        struct perftrace_json_held first = held[i];
        uint32_t at = i;
        while (keys[at].index != i) {
            uint32_t from = keys[at].index;
            held[at] = held[from];
            keys[at].index = at;
            at = from;
        }
        held[at] = first;
        keys[at].index = at;
    }
}

/* Room for as many keys, twice. It stays, as it is needed again and its pages would have to be made again. */
static struct key *keys_for(struct perftrace_json_list *list, uint32_t count) {
    size_t bytes = 2 * (size_t)count * sizeof(struct key);
    if (bytes <= list->keys_bytes)
        return list->keys;
    if (!perftrace_budget_take(list->budget, bytes - list->keys_bytes))
        return NULL; /* a budget that is used up ends the reading: what it took does not matter */
    free(list->keys);
    list->keys = malloc(bytes);
    list->keys_bytes = list->keys != NULL ? bytes : 0;
    return list->keys;
}

static bool sort_by_start(struct perftrace_json_list *list) {
    uint32_t count = list->count;
    struct key *keys = keys_for(list, count);
    if (keys == NULL)
        return false;
    uint64_t least = UINT64_MAX, greatest = 0;
    const uint64_t sign = UINT64_C(1) << 63;
    for (uint32_t i = 0; i < count; i++) {
        keys[i] = (struct key){(uint64_t)list->held[i].start_ns ^ sign, i};
        least = keys[i].start < least ? keys[i].start : least;
        greatest = keys[i].start > greatest ? keys[i].start : greatest;
    }
    for (uint32_t i = 0; i < count; i++)
        keys[i].start -= least;
    struct key *from = keys, *to = keys + count;
    for (unsigned shift = 0; shift < 64 && (greatest - least) >> shift != 0; shift += DIGIT_BITS) {
        sort_by_digit(from, to, count, shift);
        struct key *swap = from;
        from = to;
        to = swap;
    }
    permute(list->held, from, count);
    return true;
}

static int by_track_and_end(const void *left, const void *right) {
    const struct perftrace_json_held *a = left, *b = right;
    if (a->track != b->track)
        return a->track->info.id < b->track->info.id ? -1 : 1;
    if (a->end_ns != b->end_ns)
        return a->end_ns > b->end_ns ? -1 : 1;
    bool a_span = a->kind <= PERFTRACE_JSON_OPEN, b_span = b->kind <= PERFTRACE_JSON_OPEN;
    if (a_span != b_span)
        return a_span ? -1 : 1;
    int order = (a->order > b->order) - (a->order < b->order);
    return a_span && a->track->inner_first > a->track->outer_first ? -order : order;
}

/* Of spans that begin together there are mostly two or three. */
static void sort_same(struct perftrace_json_held *held, uint32_t count) {
    enum { FEW = 8 };
    if (count > FEW) {
        qsort(held, count, sizeof *held, by_track_and_end);
        return;
    }
    for (uint32_t i = 1; i < count; i++) {
        struct perftrace_json_held moved = held[i];
        uint32_t at = i;
        for (; at > 0 && by_track_and_end(&held[at - 1], &moved) > 0; at--)
            held[at] = held[at - 1];
        held[at] = moved;
    }
}

bool perftrace_json_list_sort(struct perftrace_json_list *list) {
    struct perftrace_json_held *held = list->held;
    bool in_order = true, any_same = false;
    for (uint32_t i = 1; i < list->count && in_order; i++) {
        in_order = held[i - 1].start_ns <= held[i].start_ns;
        any_same |= held[i - 1].start_ns == held[i].start_ns;
    }
    if (!in_order && !sort_by_start(list))
        return false;
    for (uint32_t i = 1, first = 0; i <= list->count && (any_same || !in_order); i++) {
        if (i < list->count && held[i].start_ns == held[first].start_ns)
            continue;
        if (i - first > 1)
            sort_same(held + first, i - first);
        first = i;
    }
    return true;
}

void perftrace_json_list_drop(struct perftrace_json_list *list, uint32_t count) {
    list->count -= count;
    memmove(list->held, list->held + count, list->count * sizeof *list->held);
    for (uint32_t i = 0; i < list->count; i++)
        list->held[i].order = i;
}
