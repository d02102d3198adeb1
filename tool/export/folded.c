/* Folded stacks, "a;b;c NANOSECONDS" with the time spent in c itself, for flamegraph.pl, inferno and
 * speedscope. */
#include "../../core/text.h"
#include "export.h"
#include "stacks.h"

#include <stdlib.h>
#include <string.h>

/* What lies deeper is added up on one line: the lines of a million calls within each other would have half a million
 * million names. No picture shows as many. */
#define FRAMES_MAX 500u

struct folded_export {
    const struct export_context *context;
    struct stacks stacks;
    struct perftrace_buffer line;
};

/* A node whose children are being written. */
struct frame {
    uint32_t *children;
    uint32_t count, next;
    size_t line_length; /* of what stands before their names */
};

static void *folded_open(const struct export_context *context) {
    struct folded_export *state = calloc(1, sizeof *state);
    if (state == NULL)
        return NULL;
    state->context = context;
    return state;
}

static int folded_item(void *opaque, const struct perftrace_item *item) {
    struct folded_export *state = opaque;
    if (item->kind != PERFTRACE_ITEM_SPAN_END && item->kind != PERFTRACE_ITEM_ASYNC_END)
        return 0;
    return stacks_add(&state->stacks, item->call);
}

/* `;` separates and a space ends a stack; a newline ends the line: these are escaped in names, with what `visible`
 * escapes. Spaces are harmless before the last one. */
static void add_name(struct perftrace_buffer *line, struct perftrace_text name) {
    size_t start = line->length;
    struct perftrace_buffer visible = {0};
    perftrace_buffer_visible(&visible, perftrace_name_shown(name));
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

/* The line as it is, with its time. */
static void write_line(struct folded_export *state, uint64_t self_ns) {
    struct perftrace_buffer *line = &state->line;
    size_t length = line->length;
    perftrace_buffer_text(line, " ");
    perftrace_buffer_unsigned(line, self_ns);
    perftrace_buffer_text(line, "\n");
    if (!line->failed)
        fwrite(line->bytes, 1, line->length, state->context->file);
    line->length = length;
}

/* The time spent below a node, all in one. False without memory. */
static bool add_up(const struct stacks *stacks, uint32_t node, uint64_t *sum_ns) {
    uint32_t *todo = NULL, count = 0, capacity = 0;
    bool fine = true;
    *sum_ns = 0;
    for (;;) {
        for (uint32_t child = stacks->nodes[node].first_child; child != 0 && fine;
             child = stacks->nodes[child].next) {
            *sum_ns += stacks->nodes[child].self_ns;
            if (stacks->nodes[child].children > 0) {
                fine = array_reserve((void **)&todo, count, &capacity, sizeof *todo) == 0;
                if (fine)
                    todo[count++] = child;
            }
        }
        if (count == 0 || !fine)
            break;
        node = todo[--count];
    }
    free(todo);
    return fine;
}

static bool write_node(struct folded_export *state, uint32_t number, bool deepest) {
    const struct stacks_node *node = &state->stacks.nodes[number];
    uint64_t sum_ns;
    add_name(&state->line, text_table_get(&state->stacks.names, node->name));
    if (node->ended)
        write_line(state, node->self_ns);
    if (!deepest || node->children == 0)
        return true;
    if (!add_up(&state->stacks, number, &sum_ns))
        return false;
    perftrace_buffer_text(&state->line, ";(deeper)");
    write_line(state, sum_ns);
    return true;
}

static bool enter(struct folded_export *state, struct frame *frame, uint32_t number) {
    frame->children = stacks_children(&state->stacks, number, &frame->count);
    frame->next = 0;
    frame->line_length = state->line.length;
    return frame->children != NULL;
}

/* In order, so that equal runs give equal files. */
static int folded_finish(void *opaque) {
    struct folded_export *state = opaque;
    struct frame *frames = calloc(FRAMES_MAX, sizeof *frames);
    size_t depth = 0;
    bool fine =
        frames != NULL && stacks_finish(&state->stacks) == 0 && enter(state, &frames[depth++], STACKS_ROOT);
    while (fine && depth > 0) {
        struct frame *frame = &frames[depth - 1];
        if (frame->next == frame->count) {
            free(frame->children);
            depth--;
            continue;
        }
        uint32_t number = frame->children[frame->next++];
        state->line.length = frame->line_length;
        fine = write_node(state, number, depth == FRAMES_MAX) && !state->line.failed;
        if (fine && depth < FRAMES_MAX && state->stacks.nodes[number].children > 0) {
            perftrace_buffer_text(&state->line, ";");
            fine = enter(state, &frames[depth++], number);
        }
    }
    while (depth > 0)
        free(frames[--depth].children);
    free(frames);
    return fine ? 0 : -PERFTRACE_ERROR_MEMORY;
}

static void folded_close(void *opaque) {
    struct folded_export *state = opaque;
    stacks_free(&state->stacks);
    free(state->line.bytes);
    free(state);
}

const struct exporter export_folded = {
    .name = "folded",
    .extension = ".folded",
    .summary = "stacks with the nanoseconds spent in them, for flame graphs",
    .unwanted = ~(PERFTRACE_ITEM_BIT(PERFTRACE_ITEM_SPAN_END) | PERFTRACE_ITEM_BIT(PERFTRACE_ITEM_ASYNC_END)),
    .open = folded_open,
    .item = folded_item,
    .finish = folded_finish,
    .close = folded_close,
};
