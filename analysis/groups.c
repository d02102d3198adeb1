/* Groups of calls by the values of some keys: a hash table while there is memory, and past that also a heap whose root gives way. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* qsort_r */
#endif
#include "groups.h"

#include "../core/hash.h"
#include "pairs.h"
#include "part.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

struct group {
    struct analysis_group seen;
    uint64_t hash;          /* of the whole text, by a secret: with its length, what tells groups apart */
    size_t length;          /* of the whole text */
    uint32_t text_capacity; /* of seen.text */
    uint32_t place;         /* in the heap, once there is one */
};

struct groups {
    struct group *groups;
    uint32_t count, capacity;
    uint32_t *slots; /* number + 1, or 0; never more than half of them taken */
    uint32_t slot_count;
    uint32_t *heap; /* numbers; the root has the least time. NULL while there is memory */
    uint64_t key;
    struct perftrace_buffer scratch;
    struct analysis_groups_total total;
    struct text_table names;
};

/* ---- the table ---------------------------------------------------------------------------------------- */

/* The slot of a group, or the empty one where it belongs. */
static uint32_t find(const struct groups *groups, uint64_t hash, size_t length) {
    uint32_t at = (uint32_t)hash & (groups->slot_count - 1);
    for (; groups->slots[at] != 0; at = (at + 1) & (groups->slot_count - 1)) {
        const struct group *group = &groups->groups[groups->slots[at] - 1];
        if (group->hash == hash && group->length == length)
            break;
    }
    return at;
}

/* Takes an entry out so that those behind it are still found: each that may be moves into the gap. */
static void close_gap(struct groups *groups, uint32_t gap) {
    uint32_t mask = groups->slot_count - 1;
    for (uint32_t at = (gap + 1) & mask; groups->slots[at] != 0; at = (at + 1) & mask) {
        uint32_t home = (uint32_t)groups->groups[groups->slots[at] - 1].hash & mask;
        if (((at - home) & mask) < ((at - gap) & mask))
            continue;
        groups->slots[gap] = groups->slots[at];
        gap = at;
    }
    groups->slots[gap] = 0;
}

static size_t bytes_of(uint32_t capacity) {
    return capacity *
           (sizeof(struct group) + 2 * sizeof(uint32_t) + sizeof(uint32_t)); /* slots, and the heap */
}

/* Twice as many, if the budget has it; at least ANALYSIS_GROUPS_MIN. 1, 0 where it has not, or -PERFTRACE_ERROR_MEMORY. */
static int grow(struct perftrace_budget *budget, struct groups *groups) {
    uint32_t wanted = groups->capacity == 0 ? ANALYSIS_GROUPS_MIN : groups->capacity * 2;
    if (wanted > 1u << 30)
        return 0;
    /* The least that there is, which is little, is had in any case. */
    if (!perftrace_budget_take(budget, bytes_of(wanted) - bytes_of(groups->capacity)) &&
        groups->capacity != 0)
        return 0;
    struct group *grown = realloc(groups->groups, wanted * sizeof *grown);
    uint32_t *slots = grown != NULL ? calloc((size_t)wanted * 2, sizeof *slots) : NULL;
    if (grown != NULL)
        groups->groups = grown;
    if (slots == NULL)
        return -PERFTRACE_ERROR_MEMORY;
    free(groups->slots);
    groups->slots = slots;
    groups->slot_count = wanted * 2;
    groups->capacity = wanted;
    for (uint32_t i = 0; i < groups->count; i++)
        slots[find(groups, grown[i].hash, grown[i].length)] = i + 1;
    return 1;
}

/* ---- texts -------------------------------------------------------------------------------------------- */

/* As much of the scratch as is shown, and as the budget has room for, if the group has less. */
static int set_text(struct perftrace_budget *budget, struct groups *groups, struct group *group) {
    enum { LEAST = 48 };
    size_t length = group->length < ANALYSIS_GROUP_TEXT_MAX ? group->length : ANALYSIS_GROUP_TEXT_MAX;
    size_t wanted = length < LEAST ? LEAST : length;
    if (wanted > group->text_capacity) {
        bool fits = perftrace_budget_take(budget, wanted - group->text_capacity);
        if (!fits && group->text_capacity == 0)
            wanted = LEAST;
        if (fits || group->text_capacity == 0) {
            char *grown = realloc(
                group->text_capacity != 0 ? (char *)(uintptr_t)group->seen.text.bytes : NULL, wanted + 1);
            if (grown == NULL)
                return -PERFTRACE_ERROR_MEMORY;
            group->seen.text.bytes = grown;
            group->text_capacity = (uint32_t)wanted;
        }
    }
    length = length < group->text_capacity ? length : group->text_capacity;
    if (length < group->length) /* not within a character */
        while (length > 0 && (groups->scratch.bytes[length] & 0xc0) == 0x80)
            length--;
    char *bytes = (char *)(uintptr_t)group->seen.text.bytes;
    memcpy(bytes, groups->scratch.bytes, length);
    bytes[length] = '\0';
    group->seen.text.length = length;
    return 0;
}

/* ---- the heap ----------------------------------------------------------------------------------------- */

static uint64_t weight(const struct group *group) {
    return group->seen.total_ns + group->seen.missed_ns;
}

static void put(struct groups *groups, uint32_t place, uint32_t number) {
    groups->heap[place] = number;
    groups->groups[number].place = place;
}

/* Its weight has grown. */
static void sift_down(struct groups *groups, uint32_t number) {
    uint32_t at = groups->groups[number].place;
    uint64_t moving = weight(&groups->groups[number]);
    for (;;) {
        uint32_t child = 2 * at + 1;
        if (child >= groups->count)
            break;
        if (child + 1 < groups->count &&
            weight(&groups->groups[groups->heap[child + 1]]) < weight(&groups->groups[groups->heap[child]]))
            child++;
        if (moving <= weight(&groups->groups[groups->heap[child]]))
            break;
        put(groups, at, groups->heap[child]);
        at = child;
    }
    put(groups, at, number);
}

static int make_heap(struct groups *groups) {
    groups->heap = malloc(groups->count * sizeof *groups->heap);
    if (groups->heap == NULL)
        return -PERFTRACE_ERROR_MEMORY;
    for (uint32_t i = 0; i < groups->count; i++)
        put(groups, i, i);
    for (uint32_t i = groups->count / 2; i-- > 0;)
        sift_down(groups, groups->heap[i]);
    return 0;
}

/* ---- calls -------------------------------------------------------------------------------------------- */

/* The group with the least time gives way to one that may have had as much. */
static int give_way(struct perftrace_budget *budget, struct groups *groups, uint64_t hash, size_t length,
                    uint32_t *number) {
    if (groups->heap == NULL && make_heap(groups) != 0)
        return -PERFTRACE_ERROR_MEMORY;
    *number = groups->heap[0];
    struct group *group = &groups->groups[*number];
    groups->total.dropped_calls += group->seen.calls;
    groups->total.dropped_ns += group->seen.total_ns;
    groups->total.least_ns = weight(group);
    close_gap(groups, find(groups, group->hash, group->length));
    group->hash = hash;
    group->length = length;
    group->seen = (struct analysis_group){.text = group->seen.text, .missed_ns = groups->total.least_ns};
    groups->slots[find(groups, hash, length)] = *number + 1;
    return set_text(budget, groups, group);
}

/* The group whose text the scratch holds, made if need be. */
static int group_of(struct perftrace_budget *budget, struct groups *groups, uint32_t *number) {
    size_t length = groups->scratch.length;
    uint64_t hash = perftrace_hash_text(groups->key, groups->scratch.bytes, length);
    uint32_t slot = find(groups, hash, length);
    if (groups->slots[slot] != 0) {
        *number = groups->slots[slot] - 1;
        return 0;
    }
    if (groups->count == groups->capacity) {
        int grown = groups->heap == NULL ? grow(budget, groups) : 0;
        if (grown <= 0)
            return grown < 0 ? grown : give_way(budget, groups, hash, length, number);
        slot = find(groups, hash, length);
    }
    *number = groups->count++;
    groups->groups[*number] = (struct group){.hash = hash, .length = length};
    groups->slots[slot] = *number + 1;
    return set_text(budget, groups, &groups->groups[*number]);
}

static bool is_named(const struct perftrace_value *value, const char *name) {
    struct perftrace_text own = value->argument->name;
    return own.length == strlen(name) && memcmp(own.bytes, name, own.length) == 0;
}

static const struct perftrace_value *find_value(const struct analysis_call *call, const char *name) {
    for (size_t i = 0; i < call->parameter_count; i++)
        if (is_named(&call->parameters[i], name))
            return &call->parameters[i];
    for (size_t i = 0; i < call->metric_count; i++)
        if (is_named(&call->metrics[i], name))
            return &call->metrics[i];
    return NULL;
}

static int learn_names(struct groups *groups, const struct perftrace_value *values, size_t count) {
    for (size_t i = 0; i < count && groups->names.count < ANALYSIS_KEYS_MAX; i++) {
        struct perftrace_text name = perftrace_name_shown(values[i].argument->name);
        if (text_table_add(&groups->names, 0, name.bytes, name.length) == INTERN_NONE)
            return -PERFTRACE_ERROR_MEMORY;
    }
    return 0;
}

static int groups_open(const struct analysis *analysis, void *state) {
    struct groups *groups = state;
    groups->key = perftrace_hash_key();
    return analysis->options.group_by.count == 0 || grow(NULL, groups) > 0 ? 0 : -PERFTRACE_ERROR_MEMORY;
}

static bool groups_want(const struct analysis *analysis) {
    return analysis->options.group_by.count > 0 || analysis->options.ignored.count > 0;
}

static int add_to_group(struct analysis *analysis, struct groups *groups, const struct analysis_call *call) {
    const struct analysis_texts *keys = &analysis->options.group_by;
    bool any = false;
    groups->scratch.length = 0;
    for (size_t i = 0; i < keys->count; i++) {
        const struct perftrace_value *value = find_value(call, keys->texts[i]);
        if (value == NULL)
            continue;
        if (any)
            perftrace_buffer_add(&groups->scratch, "|", 1);
        pairs_add_one(&groups->scratch, value);
        any = true;
    }
    if (!any) {
        groups->total.without_calls++;
        return 0;
    }
    uint32_t number;
    if (groups->scratch.failed || group_of(&analysis->budget, groups, &number) != 0)
        return -PERFTRACE_ERROR_MEMORY;
    struct analysis_group *group = &groups->groups[number].seen;
    group->calls++;
    group->total_ns += call->elapsed_ns;
    group->self_ns += call->self_ns;
    group->max_ns = call->elapsed_ns > group->max_ns ? call->elapsed_ns : group->max_ns;
    if (groups->heap != NULL)
        sift_down(groups, number);
    return 0;
}

static int add_call(struct analysis *analysis, struct groups *groups, const struct analysis_call *call) {
    if (learn_names(groups, call->parameters, call->parameter_count) != 0 ||
        learn_names(groups, call->metrics, call->metric_count) != 0)
        return -PERFTRACE_ERROR_MEMORY;
    return analysis->options.group_by.count == 0 ? 0 : add_to_group(analysis, groups, call);
}

static int groups_add(struct analysis *analysis, void *state, const struct analysis_call *calls,
                      size_t count) {
    for (size_t i = 0; i < count; i++)
        if (add_call(analysis, state, &calls[i]) != 0)
            return -PERFTRACE_ERROR_MEMORY;
    return 0;
}

static void groups_approximated(const struct analysis *analysis, const void *state,
                                struct perftrace_buffer *text) {
    const struct groups *groups = state;
    (void)analysis;
    if (groups->heap != NULL)
        perftrace_buffer_print(text,
                               "Groups: only the %" PRIu32
                               " largest were kept; others may have taken up to %" PRIu64 " ms each\n",
                               groups->count, groups->total.least_ns / 1000000);
}

static void groups_close(void *state) {
    struct groups *groups = state;
    for (uint32_t i = 0; i < groups->count; i++)
        if (groups->groups[i].text_capacity != 0)
            free((char *)(uintptr_t)groups->groups[i].seen.text.bytes);
    free(groups->groups);
    free(groups->slots);
    free(groups->heap);
    free(groups->scratch.bytes);
    text_table_free(&groups->names);
}

const struct analysis_part part_groups = {
    .state_bytes = sizeof(struct groups),
    .open = groups_open,
    .wants = groups_want,
    .add = groups_add,
    .unkept = groups_add,
    .approximated = groups_approximated,
    .close = groups_close,
};

/* ---- what was found ------------------------------------------------------------------------------------ */

static const struct groups *found(const struct analysis *analysis) {
    return analysis->parts[ANALYSIS_PART_groups];
}

static uint64_t rank_weight(const struct analysis_group *group, enum rank_order order) {
    switch (order) {
    case RANK_CALLS:
        return group->calls;
    case RANK_SELF:
        return group->self_ns;
    case RANK_MAX:
        return group->max_ns;
    case RANK_NAME:
        return 0;
    default:
        return group->total_ns;
    }
}

static int compare(const void *left, const void *right, void *context) {
    const struct analysis_group *a = *(const struct analysis_group *const *)left;
    const struct analysis_group *b = *(const struct analysis_group *const *)right;
    uint64_t a_weight = rank_weight(a, *(enum rank_order *)context);
    uint64_t b_weight = rank_weight(b, *(enum rank_order *)context);
    if (a_weight != b_weight)
        return a_weight < b_weight ? 1 : -1;
    return strcmp(a->text.bytes, b->text.bytes);
}

const struct analysis_group **analysis_groups(const struct analysis *analysis, enum rank_order order,
                                              size_t *count) {
    const struct groups *groups = found(analysis);
    const struct analysis_group **ranked = malloc((groups->count + (size_t)1) * sizeof(*ranked));
    *count = 0;
    if (ranked == NULL)
        return NULL;
    *count = groups->count;
    for (uint32_t i = 0; i < groups->count; i++)
        ranked[i] = &groups->groups[i].seen;
    qsort_r(ranked, *count, sizeof(*ranked), compare, &order);
    return ranked;
}

struct analysis_groups_total analysis_groups_total(const struct analysis *analysis) {
    return found(analysis)->total;
}

uint32_t analysis_key_count(const struct analysis *analysis) {
    return found(analysis)->names.count;
}

struct perftrace_text analysis_key(const struct analysis *analysis, uint32_t number) {
    return text_table_get(&found(analysis)->names, number);
}
