/* The order of events that wait: by time. What has come since the last time is sorted by a radix sort, whose time grows with their
 * number whatever their order is, and merged with what was sorted then. */
#define _GNU_SOURCE /* qsort_r */
#include "chrome_json_held.h"

#include <stdlib.h>
#include <string.h>

/* All three arrays are of one length. False without memory: they stay as they are, one or the other perhaps longer. */
static bool grow(struct perftrace_json_list *list) {
    uint32_t wanted = list->capacity == 0 ? 1024 : list->capacity + list->capacity / 2;
    size_t more = (size_t)(wanted - list->capacity) * PERFTRACE_JSON_HELD_BYTES;
    if (wanted < list->capacity || !perftrace_budget_take(list->budget, more))
        return false;
    struct perftrace_json_held *held = realloc(list->held, wanted * sizeof *held);
    list->held = held != NULL ? held : list->held;
    struct perftrace_json_when *keys = realloc(list->keys, wanted * sizeof *keys);
    list->keys = keys != NULL ? keys : list->keys;
    struct perftrace_json_when *room = realloc(list->room, wanted * sizeof *room);
    list->room = room != NULL ? room : list->room;
    if (held == NULL || keys == NULL || room == NULL) {
        perftrace_budget_give(list->budget, more);
        return false;
    }
    list->free = list->capacity == 0 ? PERFTRACE_JSON_SWEPT : list->free;
    list->capacity = wanted;
    return true;
}

struct perftrace_json_held *perftrace_json_list_add(struct perftrace_json_list *list, int64_t start_ns) {
    if (list->count == list->capacity && !grow(list))
        return NULL;
    uint32_t place = list->free;
    if (place == PERFTRACE_JSON_SWEPT)
        place = list->places++;
    else
        list->free = list->held[place].order;
    struct perftrace_json_held *held = &list->held[place];
    list->keys[list->count++] = (struct perftrace_json_when){start_ns, place};
    held->start_ns = start_ns;
    held->order = list->order++;
    return held;
}

void perftrace_json_list_free(struct perftrace_json_list *list) {
    free(list->held);
    free(list->keys);
    free(list->room);
}

/* ---- sorting --------------------------------------------------------------------------------------- */

enum { DIGIT_BITS = 11, DIGITS = 1 << DIGIT_BITS };

static inline unsigned digit_of(const struct perftrace_json_when *key, int64_t least, unsigned shift) {
    return (unsigned)(((uint64_t)key->start_ns - (uint64_t)least) >> shift & (DIGITS - 1));
}

/* One pass, by the digit at `shift` of the time since `least`. */
static void sort_by_digit(const struct perftrace_json_when *from, struct perftrace_json_when *to,
                          uint32_t count, int64_t least, unsigned shift) {
    uint32_t starts[DIGITS] = {0};
    for (uint32_t i = 0; i < count; i++)
        starts[digit_of(&from[i], least, shift)]++;
    uint32_t sum = 0;
    for (unsigned digit = 0; digit < DIGITS; digit++) {
        uint32_t here = starts[digit];
        starts[digit] = sum;
        sum += here;
    }
    for (uint32_t i = 0; i < count; i++)
        to[starts[digit_of(&from[i], least, shift)]++] = from[i];
}

/* Sorts those at `keys` into `room`. */
static void sort_into(struct perftrace_json_when *keys, struct perftrace_json_when *room, uint32_t count) {
    int64_t least = keys[0].start_ns, greatest = least;
    bool in_order = true;
    for (uint32_t i = 1; i < count; i++) {
        int64_t start_ns = keys[i].start_ns;
        in_order &= keys[i - 1].start_ns <= start_ns;
        least = start_ns < least ? start_ns : least;
        greatest = start_ns > greatest ? start_ns : greatest;
    }
    struct perftrace_json_when *from = keys, *to = room;
    uint64_t range = (uint64_t)greatest - (uint64_t)least;
    for (unsigned shift = 0; shift < 64 && range >> shift != 0 && !in_order; shift += DIGIT_BITS) {
        sort_by_digit(from, to, count, least, shift);
        struct perftrace_json_when *swap = from;
        from = to;
        to = swap;
    }
    if (from != room)
        memcpy(room, from, count * sizeof *room);
}

/* Merges the `more` sorted ones at `with`, which came later, into those at `keys`, behind which there is room for them. */
static void merge(struct perftrace_json_when *keys, uint32_t count, const struct perftrace_json_when *with,
                  uint32_t more) {
    while (more > 0) {
        bool is_later = count == 0 || keys[count - 1].start_ns <= with[more - 1].start_ns;
        keys[count + more - 1] = is_later ? with[more - 1] : keys[count - 1];
        more -= is_later;
        count -= !is_later;
    }
}

void perftrace_json_list_sort(struct perftrace_json_list *list) {
    uint32_t more = list->count - list->sorted;
    list->settled = 0;
    if (more > 0) {
        sort_into(list->keys + list->sorted, list->room, more);
        merge(list->keys, list->sorted, list->room, more);
    }
    list->sorted = list->count;
}

/* ---- those that begin together --------------------------------------------------------------------- */

static int by_track_and_end(const void *left, const void *right, void *context) {
    const struct perftrace_json_held *held = context;
    const struct perftrace_json_held *a = &held[((const struct perftrace_json_when *)left)->held],
                                     *b = &held[((const struct perftrace_json_when *)right)->held];
    if (a->track != b->track)
        return a->track->info.id < b->track->info.id ? -1 : 1;
    if (a->end_ns != b->end_ns)
        return a->end_ns > b->end_ns ? -1 : 1;
    bool a_span = a->kind <= PERFTRACE_JSON_OPEN, b_span = b->kind <= PERFTRACE_JSON_OPEN;
    if (a_span != b_span)
        return a_span ? -1 : 1;
    int order =
        (int32_t)(a->order - b->order) < 0 ? -1 : a->order != b->order; /* it starts anew after 2^32 */
    return a_span && a->track->inner_first > a->track->outer_first ? -order : order;
}

/* There are mostly two or three. */
static void sort_same(struct perftrace_json_when *keys, uint32_t count, struct perftrace_json_held *held) {
    enum { FEW = 8 };
    if (count > FEW) {
        qsort_r(keys, count, sizeof *keys, by_track_and_end, held);
        return;
    }
    for (uint32_t i = 1; i < count; i++) {
        struct perftrace_json_when moved = keys[i];
        uint32_t at = i;
        for (; at > 0 && by_track_and_end(&keys[at - 1], &moved, held) > 0; at--)
            keys[at] = keys[at - 1];
        keys[at] = moved;
    }
}

void perftrace_json_list_settle(struct perftrace_json_list *list, uint32_t at) {
    uint32_t behind = at + 1;
    while (behind < list->count && list->keys[behind].start_ns == list->keys[at].start_ns)
        behind++;
    if (behind - at > 1)
        sort_same(list->keys + at, behind - at, list->held);
    list->settled = behind;
}

void perftrace_json_list_drop(struct perftrace_json_list *list, uint32_t count) {
    list->count -= count;
    list->sorted = list->count;
    memmove(list->keys, list->keys + count, list->count * sizeof *list->keys);
}
