/* Sums on their way up, from calls to those around them. */
#include "enclosed.h"

#include "../core/hash.h"

#include <stdlib.h>
#include <string.h>

struct enclosed_sums {
    struct enclosed_sums *next; /* of those that are not in use */
    bool any;
    double sums[]; /* by column */
};

#define BY_NUMBER 0u /* the map's group; that of names is the track's number + 1 */

int enclosed_open(struct enclosed *enclosed, const struct promise *promises, size_t count,
                  struct perftrace_budget *budget) {
    *enclosed = (struct enclosed){.promises = promises, .count = count, .key = perftrace_hash_key()};
    enclosed->arena.bytes_max = SIZE_MAX;
    enclosed->arena.budget = enclosed->open.budget = budget;
    enclosed->columns = calloc(count + 1, sizeof *enclosed->columns);
    if (enclosed->columns == NULL)
        return -PERFTRACE_ERROR_MEMORY;
    for (size_t i = 0; i < count; i++)
        if (promises[i].subject == PROMISE_SPAN && promises[i].scope == PROMISE_PER_SPAN)
            enclosed->columns[i] = ++enclosed->column_count;
    return 0;
}

static struct enclosed_sums *new_sums(struct enclosed *enclosed) {
    size_t bytes = enclosed->column_count * sizeof(double);
    struct enclosed_sums *sums = enclosed->unused;
    if (sums != NULL)
        enclosed->unused = sums->next;
    else
        sums = perftrace_arena_take(&enclosed->arena, sizeof *sums + bytes);
    if (sums == NULL)
        return NULL;
    sums->any = false;
    memset(sums->sums, 0, bytes);
    return sums;
}

static void give_back(struct enclosed *enclosed, struct enclosed_sums *sums) {
    sums->next = enclosed->unused;
    enclosed->unused = sums;
}

static uint64_t name_key(const struct enclosed *enclosed, struct perftrace_text name) {
    return perftrace_hash_text(enclosed->key, name.bytes, name.length);
}

/* What its children have left for it: by its number, and by its name. */
void enclosed_begin(struct enclosed *enclosed, const struct perftrace_call *call) {
    if (enclosed->column_count == 0)
        return;
    struct enclosed_sums *by_number = perftrace_map_remove(&enclosed->open, BY_NUMBER, call->number);
    struct enclosed_sums *by_name =
        perftrace_map_remove(&enclosed->open, call->track->id + 1, name_key(enclosed, call->site->name));
    enclosed->current = by_number != NULL ? by_number : by_name;
    if (by_number != NULL && by_name != NULL) {
        for (uint32_t i = 0; i < enclosed->column_count; i++)
            by_number->sums[i] += by_name->sums[i];
        give_back(enclosed, by_name);
    }
    if (enclosed->current == NULL)
        enclosed->current = new_sums(enclosed);
    enclosed->lost += enclosed->current == NULL;
}

void enclosed_add(struct enclosed *enclosed, size_t promise, double value) {
    if (enclosed->columns[promise] == 0 || enclosed->current == NULL)
        return;
    enclosed->current->sums[enclosed->columns[promise] - 1] += value;
    enclosed->current->any = true;
}

static bool is_scope(const struct promise *promise, const struct perftrace_call *call) {
    struct perftrace_text name = call->site->name;
    return strlen(promise->scope_name) == name.length &&
           memcmp(promise->scope_name, name.bytes, name.length) == 0;
}

/* What was in the call is in the one around it, too. */
static void hand_up(struct enclosed *enclosed, const struct perftrace_call *call) {
    struct enclosed_sums *sums = enclosed->current;
    bool named = call->parent_number == 0 && call->parent_site == NULL && call->caller.length > 0 &&
                 strcmp(call->caller.bytes, "unknown") != 0;
    uint32_t group = named ? call->track->id + 1 : BY_NUMBER;
    uint64_t id = named ? name_key(enclosed, call->caller) : call->parent_number;
    if (!sums->any || (call->parent_number == 0 && !named)) {
        give_back(enclosed, sums);
        return;
    }
    struct enclosed_sums *parent = perftrace_map_find(&enclosed->open, group, id);
    if (parent != NULL) {
        for (uint32_t i = 0; i < enclosed->column_count; i++)
            parent->sums[i] += sums->sums[i];
        give_back(enclosed, sums);
        return;
    }
    if (enclosed->open.count < ENCLOSED_MAX && perftrace_map_put(&enclosed->open, group, id, sums))
        return;
    give_back(enclosed, sums);
    enclosed->lost++;
}

int enclosed_end(struct enclosed *enclosed, const struct perftrace_call *call,
                 int (*emit)(void *context, size_t promise, const struct perftrace_call *call, double value),
                 void *context) {
    int status = 0;
    if (enclosed->column_count == 0 || enclosed->current == NULL)
        return 0;
    for (size_t i = 0; status == 0 && i < enclosed->count && !call->unfinished; i++)
        if (enclosed->columns[i] != 0 && is_scope(&enclosed->promises[i], call))
            status = emit(context, i, call, enclosed->current->sums[enclosed->columns[i] - 1]);
    hand_up(enclosed, call);
    return status;
}

void enclosed_clear(struct enclosed *enclosed) {
    perftrace_map_free(&enclosed->open);
    perftrace_arena_free(&enclosed->arena);
    enclosed->lost = 0;
    enclosed->unused = enclosed->current = NULL;
}

void enclosed_close(struct enclosed *enclosed) {
    enclosed_clear(enclosed);
    free(enclosed->columns);
}
