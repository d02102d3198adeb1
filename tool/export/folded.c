/* Folded stacks, "a;b;c NANOSECONDS" with the time spent in c itself, for flamegraph.pl, inferno and
 * speedscope.
 *
 * Calls arrive when they end, children before their parents, and a log tells of nothing else. So what a call's
 * descendants spent waits under the call's number as stacks that still lack their upper part; when the call
 * ends, each gets its name in front and moves on to wait for the parent. Memory grows with distinct stacks
 * and open calls, not with calls. */
#include "../../analysis/intern.h"
#include "../../core/map.h"
#include "../../core/text.h"
#include "export.h"

#include <stdlib.h>
#include <string.h>

/* A stack and the time spent at its lower end. */
struct spent {
    uint64_t self_ns;
    uint32_t stack;
};

/* What waits for one call to end. */
struct waiting {
    uint32_t caller; /* the call's name, should it never end */
    uint32_t count, capacity;
    struct spent *spent;
};

struct folded_export {
    const struct export_context *context;
    struct text_table names;
    struct pair_table stacks;     /* (name, the stack below it or INTERN_NONE) */
    struct perftrace_map waiting; /* by call number: struct waiting * */
    struct waiting finished;
};

static void *folded_open(const struct export_context *context) {
    struct folded_export *state = calloc(1, sizeof *state);
    if (state == NULL)
        return NULL;
    state->context = context;
    return state;
}

static int compare_stacks(const void *left, const void *right) {
    const struct spent *a = left, *b = right;
    return (a->stack > b->stack) - (a->stack < b->stack);
}

/* Adds up equal stacks. */
static void merge(struct waiting *waiting) {
    uint32_t kept = 0;
    if (waiting->count == 0)
        return;
    qsort(waiting->spent, waiting->count, sizeof *waiting->spent, compare_stacks);
    for (uint32_t i = 1; i < waiting->count; i++) {
        if (waiting->spent[kept].stack == waiting->spent[i].stack)
            waiting->spent[kept].self_ns += waiting->spent[i].self_ns;
        else
            waiting->spent[++kept] = waiting->spent[i];
    }
    waiting->count = kept + 1;
}

/* Equal stacks are added up when the array is full, which is then at least half empty or grows: what is
 * kept is what is distinct, and the work for one call does not depend on it. */
static int add_spent(struct waiting *waiting, uint32_t stack, uint64_t self_ns) {
    if (waiting->count > 0 && waiting->spent[waiting->count - 1].stack == stack) {
        waiting->spent[waiting->count - 1].self_ns += self_ns;
        return 0;
    }
    if (waiting->count == waiting->capacity) {
        merge(waiting);
        if (waiting->count >= waiting->capacity / 2) {
            uint32_t count = waiting->capacity;
            if (array_reserve((void **)&waiting->spent, count, &waiting->capacity, sizeof *waiting->spent) !=
                0)
                return -PERFTRACE_ERROR_MEMORY;
        }
    }
    waiting->spent[waiting->count++] = (struct spent){self_ns, stack};
    return 0;
}

static struct waiting *waiting_of(struct folded_export *state, uint64_t number, uint32_t caller) {
    struct waiting *waiting = perftrace_map_find(&state->waiting, 0, number);
    if (waiting != NULL)
        return waiting;
    waiting = calloc(1, sizeof *waiting);
    if (waiting == NULL)
        return NULL;
    waiting->caller = caller;
    if (perftrace_map_put(&state->waiting, 0, number, waiting))
        return waiting;
    free(waiting);
    return NULL;
}

/* A call without a known parent ends its stacks; one whose caller is known by name only, as in a log
 * without parent_call, gets that name in front. */
static int add_stack(struct folded_export *state, const struct perftrace_call *call, uint32_t caller,
                     uint32_t stack, uint64_t self_ns) {
    static const char unknown[] = "unknown";
    struct waiting *waiting = &state->finished;
    if (call->parent_number != 0)
        waiting = waiting_of(state, call->parent_number, caller);
    else if (call->caller.length != strlen(unknown) ||
             memcmp(call->caller.bytes, unknown, strlen(unknown)) != 0)
        stack = pair_table_add(&state->stacks, pair_key(caller, stack));
    return waiting == NULL || stack == INTERN_NONE ? -PERFTRACE_ERROR_MEMORY
                                                   : add_spent(waiting, stack, self_ns);
}

static int folded_item(void *opaque, const struct perftrace_item *item) {
    struct folded_export *state = opaque;
    if (item->kind != PERFTRACE_ITEM_SPAN_END && item->kind != PERFTRACE_ITEM_ASYNC_END)
        return 0;
    const struct perftrace_call *call = item->call;
    uint32_t name = text_table_add(&state->names, 0, call->site->name.bytes, call->site->name.length);
    uint32_t caller = text_table_add(&state->names, 0, call->caller.bytes, call->caller.length);
    if (name == INTERN_NONE || caller == INTERN_NONE)
        return -PERFTRACE_ERROR_MEMORY;
    uint32_t stack = pair_table_add(&state->stacks, pair_key(name, INTERN_NONE));
    uint64_t self_ns = call->elapsed_ns > call->children_ns ? call->elapsed_ns - call->children_ns : 0;
    if (stack == INTERN_NONE || add_stack(state, call, caller, stack, self_ns) != 0)
        return -PERFTRACE_ERROR_MEMORY;
    struct waiting *below = perftrace_map_remove(&state->waiting, 0, call->number);
    if (below == NULL)
        return 0;
    int status = 0;
    merge(below);
    for (uint32_t i = 0; i < below->count && status == 0; i++) {
        stack = pair_table_add(&state->stacks, pair_key(name, below->spent[i].stack));
        status = stack == INTERN_NONE ? -PERFTRACE_ERROR_MEMORY
                                      : add_stack(state, call, caller, stack, below->spent[i].self_ns);
    }
    free(below->spent);
    free(below);
    return status;
}

/* `;` separates and a space ends a stack; a newline ends the line: these are escaped in names, with what `visible`
 * escapes. Spaces are harmless before the last one. */
static void add_name(struct perftrace_buffer *line, struct perftrace_text name) {
    size_t start = line->length;
    struct perftrace_buffer visible = {0};
    perftrace_buffer_visible(&visible, name);
    for (size_t i = 0; i < visible.length; i++) {
        if (visible.bytes[i] == ';')
            perftrace_buffer_text(line, "\\x3b");
        else
            perftrace_buffer_add(line, visible.bytes + i, 1);
    }
    line->failed |= visible.failed;
    free(visible.bytes);
    if (line->length == start)
        perftrace_buffer_text(line, "(unnamed)");
}

/* Stacks whose parent never ended begin with its name, which is all that is known. */
static int adopt_orphans(struct folded_export *state) {
    for (size_t i = 0; i < state->waiting.size; i++) {
        const struct waiting *waiting = state->waiting.slots[i].value;
        for (uint32_t at = 0; waiting != NULL && at < waiting->count; at++) {
            uint32_t stack =
                pair_table_add(&state->stacks, pair_key(waiting->caller, waiting->spent[at].stack));
            if (stack == INTERN_NONE || add_spent(&state->finished, stack, waiting->spent[at].self_ns) != 0)
                return -PERFTRACE_ERROR_MEMORY;
        }
    }
    return 0;
}

/* One stack as a line, with a terminator, for sorting; NULL without memory. */
static char *make_line(const struct folded_export *state, const struct spent *spent) {
    struct perftrace_buffer line = {0};
    for (uint32_t stack = spent->stack; stack != INTERN_NONE;) {
        uint64_t key = state->stacks.keys[stack];
        add_name(&line, text_table_get(&state->names, (uint32_t)(key >> 32)));
        stack = (uint32_t)key;
        perftrace_buffer_text(&line, stack != INTERN_NONE ? ";" : " ");
    }
    perftrace_buffer_unsigned(&line, spent->self_ns);
    perftrace_buffer_add(&line, "\n", 2);
    if (!line.failed)
        return line.bytes;
    free(line.bytes);
    return NULL;
}

static int compare_lines(const void *a, const void *b) {
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Sorted, so that equal runs give equal files. */
static int folded_finish(void *opaque) {
    struct folded_export *state = opaque;
    if (adopt_orphans(state) != 0)
        return -PERFTRACE_ERROR_MEMORY;
    merge(&state->finished);
    uint32_t count = state->finished.count, made = 0;
    char **lines = calloc((size_t)count + 1, sizeof *lines);
    while (lines != NULL && made < count &&
           (lines[made] = make_line(state, &state->finished.spent[made])) != NULL)
        made++;
    bool complete = lines != NULL && made == count;
    if (complete)
        qsort(lines, count, sizeof *lines, compare_lines);
    for (uint32_t i = 0; i < made; i++) {
        if (complete)
            fputs(lines[i], state->context->file);
        free(lines[i]);
    }
    free(lines);
    return complete ? 0 : -PERFTRACE_ERROR_MEMORY;
}

static void folded_close(void *opaque) {
    struct folded_export *state = opaque;
    for (size_t i = 0; i < state->waiting.size; i++) {
        struct waiting *waiting = state->waiting.slots[i].value;
        if (waiting != NULL)
            free(waiting->spent);
        free(waiting);
    }
    perftrace_map_free(&state->waiting);
    free(state->finished.spent);
    text_table_free(&state->names);
    pair_table_free(&state->stacks);
    free(state);
}

const struct exporter export_folded = {
    .name = "folded",
    .extension = ".folded",
    .summary = "stacks with the nanoseconds spent in them, for flame graphs",
    .open = folded_open,
    .item = folded_item,
    .finish = folded_finish,
    .close = folded_close,
};
