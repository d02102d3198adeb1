/* Calls -> totals by function, for programs that want no more than that. */
#include "../include/perftrace_reader.h"

#include "../core/hash.h"
#include "../core/map.h"

#include <stdlib.h>
#include <string.h>

struct totals {
    struct perftrace_function_total *functions;
    size_t count, capacity;
    uint32_t *of_site; /* by site id: 1 + index of its function; 0: not seen yet */
    size_t site_capacity;
    struct perftrace_map by_name; /* hash of name and target -> &functions' index + 1, as a number */
    uint64_t hash_key;
};

static bool same_text(struct perftrace_text a, struct perftrace_text b) {
    return a.length == b.length && memcmp(a.bytes, b.bytes, a.length) == 0;
}

static bool add_function(struct totals *totals, const struct perftrace_site_info *site) {
    if (totals->count == totals->capacity) {
        size_t capacity = totals->capacity == 0 ? 64 : totals->capacity * 2;
        struct perftrace_function_total *bigger = realloc(totals->functions, capacity * sizeof *bigger);
        if (bigger == NULL)
            return false;
        totals->functions = bigger;
        totals->capacity = capacity;
    }
    totals->functions[totals->count++] =
        (struct perftrace_function_total){.site = site, .min_ns = UINT64_MAX};
    return true;
}

/* The function that a site seen for the first time belongs to: 1 + its index, or 0 without memory. Names
 * that hash alike are told apart by the map's group. */
static uint32_t find_function(struct totals *totals, const struct perftrace_site_info *site) {
    uint64_t hash = perftrace_hash_text(totals->hash_key, site->name.bytes, site->name.length);
    hash = perftrace_hash_text(hash, site->target.bytes, site->target.length);
    for (uint32_t attempt = 0;; attempt++) {
        uint32_t index = (uint32_t)(uintptr_t)perftrace_map_find(&totals->by_name, attempt, hash);
        if (index == 0) {
            if (!add_function(totals, site))
                return 0;
            index = (uint32_t)totals->count;
            return perftrace_map_put(&totals->by_name, attempt, hash, (void *)(uintptr_t)index) ? index : 0;
        }
        const struct perftrace_site_info *other = totals->functions[index - 1].site;
        if (same_text(other->name, site->name) && same_text(other->target, site->target))
            return index;
    }
}

static struct perftrace_function_total *function_of(struct totals *totals,
                                                    const struct perftrace_site_info *site) {
    if (site->id >= totals->site_capacity) {
        size_t capacity = totals->site_capacity == 0 ? 64 : totals->site_capacity;
        while (capacity <= site->id)
            capacity *= 2;
        uint32_t *bigger = realloc(totals->of_site, capacity * sizeof *bigger);
        if (bigger == NULL)
            return NULL;
        memset(bigger + totals->site_capacity, 0, (capacity - totals->site_capacity) * sizeof *bigger);
        totals->of_site = bigger;
        totals->site_capacity = capacity;
    }
    if (totals->of_site[site->id] == 0)
        totals->of_site[site->id] = find_function(totals, site);
    uint32_t index = totals->of_site[site->id];
    return index == 0 ? NULL : &totals->functions[index - 1];
}

static bool add_call(struct totals *totals, const struct perftrace_call *call) {
    struct perftrace_function_total *function = function_of(totals, call->site);
    if (function == NULL)
        return false;
    function->calls++;
    function->total_ns += call->elapsed_ns;
    if (call->children_ns < call->elapsed_ns)
        function->self_ns += call->elapsed_ns - call->children_ns;
    if (call->elapsed_ns < function->min_ns)
        function->min_ns = call->elapsed_ns;
    if (call->elapsed_ns > function->max_ns)
        function->max_ns = call->elapsed_ns;
    function->unfinished += call->unfinished;
    return true;
}

static int compare_text(struct perftrace_text a, struct perftrace_text b) {
    size_t shorter = a.length < b.length ? a.length : b.length;
    int order = memcmp(a.bytes, b.bytes, shorter);
    return order != 0 ? order : (a.length > b.length) - (a.length < b.length);
}

static int by_calls(const void *a, const void *b) {
    const struct perftrace_function_total *x = a, *y = b;
    if (x->calls != y->calls)
        return x->calls > y->calls ? -1 : 1;
    int order = compare_text(x->site->name, y->site->name);
    return order != 0 ? order : compare_text(x->site->target, y->site->target);
}

ptrdiff_t perftrace_reader_aggregate(struct perftrace_reader *reader,
                                     struct perftrace_function_total **result) {
    struct totals totals = {.hash_key = perftrace_hash_key()};
    const struct perftrace_item *item;
    ptrdiff_t outcome = 0;
    *result = NULL;
    while (outcome == 0 && (item = perftrace_reader_next(reader)) != NULL)
        if ((item->kind == PERFTRACE_ITEM_SPAN_END || item->kind == PERFTRACE_ITEM_ASYNC_END) &&
            !add_call(&totals, item->call))
            outcome = -PERFTRACE_ERROR_MEMORY;
    const struct perftrace_error_info *error = perftrace_reader_error(reader);
    if (outcome == 0 && error != NULL)
        outcome = -(ptrdiff_t)error->code;
    if (outcome == 0) {
        if (totals.count > 0)
            qsort(totals.functions, totals.count, sizeof *totals.functions, by_calls);
        *result = totals.functions;
        outcome = (ptrdiff_t)totals.count;
    } else
        free(totals.functions);
    free(totals.of_site);
    perftrace_map_free(&totals.by_name);
    return outcome;
}
