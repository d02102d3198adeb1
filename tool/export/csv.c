/* Comma-separated values (RFC 4180, lines end in CR LF): a header, then one row a call in the order of their
 * ends. Parameters and metrics are one field each, "key=value|key=value" escaped as in log lines. */
#include "../../analysis/pairs.h"
#include "../../core/text.h"
#include "export.h"

#include <stdlib.h>

struct csv_export {
    const struct export_context *context;
    struct perftrace_buffer row, field;
};

static void *csv_open(const struct export_context *context) {
    struct csv_export *state = calloc(1, sizeof *state);
    if (state == NULL)
        return NULL;
    state->context = context;
    fputs(
        "call,function,target,caller,parent_call,thread,thread_name,depth,start_ns,elapsed_ns,self_ns,"
        "unfinished,parameters,metrics\r\n",
        context->file);
    return state;
}

/* A text field, quoted only where it has to be. On a terminal control characters are made visible; a file
 * gets the bytes. */
static void add_field(struct csv_export *state, struct perftrace_text text) {
    if (state->context->terminal) {
        state->field.length = 0;
        perftrace_buffer_visible(&state->field, text);
        text = (struct perftrace_text){state->field.bytes, state->field.length};
    }
    bool quote = false;
    for (size_t i = 0; i < text.length && !quote; i++)
        quote =
            text.bytes[i] == ',' || text.bytes[i] == '"' || text.bytes[i] == '\n' || text.bytes[i] == '\r';
    if (!quote) {
        perftrace_buffer_add(&state->row, text.bytes, text.length);
        return;
    }
    perftrace_buffer_add(&state->row, "\"", 1);
    size_t start = 0;
    for (size_t i = 0; i < text.length; i++) {
        if (text.bytes[i] != '"')
            continue;
        perftrace_buffer_add(&state->row, text.bytes + start, i + 1 - start);
        start = i; /* the quote again, with what follows */
    }
    perftrace_buffer_add(&state->row, text.bytes + start, text.length - start);
    perftrace_buffer_add(&state->row, "\"", 1);
}

static void add_text(struct csv_export *state, struct perftrace_text text) {
    add_field(state, text);
    perftrace_buffer_add(&state->row, ",", 1);
}

static void add_name(struct csv_export *state, struct perftrace_text name) {
    add_text(state, perftrace_name_shown(name));
}

static void add_number(struct csv_export *state, uint64_t value) {
    perftrace_buffer_unsigned(&state->row, value);
    perftrace_buffer_add(&state->row, ",", 1);
}

static void add_values(struct csv_export *state, const struct perftrace_value *values, size_t count) {
    struct perftrace_buffer list = {0};
    pairs_add(&list, values, count);
    if (list.length > 0)
        add_field(state, (struct perftrace_text){list.bytes, list.length});
    state->row.failed |= list.failed;
    free(list.bytes);
}

static int csv_item(void *opaque, const struct perftrace_item *item) {
    struct csv_export *state = opaque;
    if (item->kind != PERFTRACE_ITEM_SPAN_END && item->kind != PERFTRACE_ITEM_ASYNC_END)
        return 0;
    const struct perftrace_call *call = item->call;
    state->row.length = 0;
    add_number(state, call->number);
    add_name(state, call->site->name);
    add_name(state, call->site->target);
    add_name(state, call->caller);
    add_number(state, call->parent_number);
    add_number(state, call->track->id);
    add_name(state, call->track->name);
    add_number(state, call->depth);
    add_number(state, call->start_ns);
    add_number(state, call->elapsed_ns);
    add_number(state, call->elapsed_ns > call->children_ns ? call->elapsed_ns - call->children_ns : 0);
    add_number(state, call->unfinished);
    add_values(state, call->parameters, call->parameter_count);
    perftrace_buffer_add(&state->row, ",", 1);
    add_values(state, call->metrics, call->metric_count);
    perftrace_buffer_add(&state->row, "\r\n", 2);
    if (state->row.failed || state->field.failed)
        return -PERFTRACE_ERROR_MEMORY;
    fwrite(state->row.bytes, 1, state->row.length, state->context->file);
    return 0;
}

static int csv_finish(void *opaque) {
    (void)opaque; /* every row is complete */
    return 0;
}

static void csv_close(void *opaque) {
    struct csv_export *state = opaque;
    free(state->row.bytes);
    free(state->field.bytes);
    free(state);
}

const struct exporter export_csv = {
    .name = "csv",
    .extension = ".csv",
    .summary = "one row a call, for spreadsheets and data frames (RFC 4180)",
    .unwanted = ~(PERFTRACE_ITEM_BIT(PERFTRACE_ITEM_SPAN_END) | PERFTRACE_ITEM_BIT(PERFTRACE_ITEM_ASYNC_END)),
    .open = csv_open,
    .item = csv_item,
    .finish = csv_finish,
    .close = csv_close,
};
