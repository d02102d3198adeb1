/* Items -> lines of text: PERF_TRACE log lines for programs, console lines for people. */
#include "lines.h"

#include "text.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define LITERAL(buffer, text) perftrace_buffer_add(buffer, text, sizeof(text) - 1)

enum { INDENT_MAX = 40 };

static int write_line(struct perftrace_output *output, struct perftrace_buffer *line) {
    LITERAL(line, "\n");
    int result = line->failed ? -ENOMEM : output->write(output, line->bytes, line->length);
    free(line->bytes);
    return result;
}

/* ---- log lines ------------------------------------------------------------------------------------ */

/* What perftrace itself writes on a line, which arguments of these names must not be taken for. */
static bool is_reserved(struct perftrace_text key) {
    static const char *const reserved[] = {"caller", "elapsed_ms", "elapsed_us", "parent_call", "thread"};
    for (size_t i = 0; i < sizeof reserved / sizeof reserved[0]; i++)
        if (strlen(reserved[i]) == key.length && memcmp(reserved[i], key.bytes, key.length) == 0)
            return true;
    return false;
}

/* `=` ends a key, so one within it is escaped as well, and so is the first letter of a reserved one. */
static void add_key(struct perftrace_buffer *line, struct perftrace_text key) {
    static const char digits[] = "0123456789abcdef";
    size_t at = 0;
    if (is_reserved(key)) {
        perftrace_buffer_add(
            line, (const char[]){'\\', 'x', digits[key.bytes[0] >> 4], digits[key.bytes[0] & 15]}, 4);
        at = 1;
    }
    while (at < key.length) {
        const char *equals = memchr(key.bytes + at, '=', key.length - at);
        size_t length = equals == NULL ? key.length - at : (size_t)(equals - (key.bytes + at));
        perftrace_buffer_field(line, (struct perftrace_text){key.bytes + at, length});
        if (equals != NULL)
            LITERAL(line, "\\x3d");
        at += length + (equals != NULL);
    }
}

static void add_fields(struct perftrace_buffer *line, size_t count, const struct perftrace_value *values) {
    for (size_t i = 0; i < count; i++) {
        LITERAL(line, "|");
        add_key(line, values[i].argument->name);
        LITERAL(line, "=");
        if (values[i].type == PERFTRACE_TYPE_STRING && !values[i].null) {
            perftrace_buffer_field(line, values[i].text);
            if (values[i].cut)
                LITERAL(line, "…");
        } else
            perftrace_buffer_value(line, &values[i]);
    }
}

int perftrace_log_item(struct perftrace_output *output, const struct perftrace_item *item) {
    if ((item->kind != PERFTRACE_ITEM_SPAN_END && item->kind != PERFTRACE_ITEM_ASYNC_END) ||
        item->call->unfinished)
        return 0;
    const struct perftrace_call *call = item->call;
    struct perftrace_buffer line = {0};
    LITERAL(&line, "PERF_TRACE|");
    perftrace_buffer_unsigned(&line, call->number);
    LITERAL(&line, "|");
    perftrace_buffer_field(&line, call->site->name);
    LITERAL(&line, "|caller=");
    perftrace_buffer_field(&line, call->caller);
    add_fields(&line, call->parameter_count, call->parameters);
    LITERAL(&line, "|elapsed_ms=");
    perftrace_buffer_unsigned(&line, call->elapsed_ns / 1000000);
    add_fields(&line, call->metric_count, call->metrics);
    LITERAL(&line, "|elapsed_us=");
    perftrace_buffer_unsigned(&line, call->elapsed_ns / 1000);
    LITERAL(&line, "|parent_call=");
    perftrace_buffer_unsigned(&line, call->parent_number);
    LITERAL(&line, "|thread=");
    perftrace_buffer_unsigned(&line, item->track->id);
    return write_line(output, &line);
}

/* ---- console lines -------------------------------------------------------------------------------- */

/* Three significant digits or more, in the unit that suits: 412 ns, 14.2 us, 3.07 ms, 12.5 s. */
static void add_duration(struct perftrace_buffer *line, uint64_t ns) {
    static const struct {
        uint64_t ns;
        const char *name;
    } units[] = {{1000000000, " s"}, {1000000, " ms"}, {1000, " us"}, {1, " ns"}};
    size_t unit = 0;
    while (ns < units[unit].ns && units[unit].ns > 1)
        unit++;
    uint64_t whole = ns / units[unit].ns, rest = ns % units[unit].ns;
    perftrace_buffer_unsigned(line, whole);
    if (units[unit].ns > 1 && whole < 100) {
        uint64_t hundredths = rest / (units[unit].ns / 100 != 0 ? units[unit].ns / 100 : 1);
        char digits[3] = {'.', (char)('0' + hundredths / 10), (char)('0' + hundredths % 10)};
        perftrace_buffer_add(line, digits, whole < 10 ? 3 : 2);
    }
    perftrace_buffer_text(line, units[unit].name);
}

static void add_values(struct perftrace_buffer *line, size_t count, const struct perftrace_value *values) {
    for (size_t i = 0; i < count; i++) {
        LITERAL(line, "  ");
        perftrace_buffer_visible(line, values[i].argument->name);
        LITERAL(line, "=");
        perftrace_buffer_value(line, &values[i]);
    }
}

int perftrace_console_item(struct perftrace_output *output, const struct perftrace_item *item) {
    bool span = item->kind == PERFTRACE_ITEM_SPAN_END || item->kind == PERFTRACE_ITEM_ASYNC_END;
    if (span ? item->call->unfinished
             : item->kind != PERFTRACE_ITEM_EVENT && item->kind != PERFTRACE_ITEM_FRAME)
        return 0;
    struct perftrace_buffer line = {0};
    LITERAL(&line, "[");
    if (item->track->name.length != 0)
        perftrace_buffer_visible(&line, item->track->name);
    else
        perftrace_buffer_unsigned(&line, item->track->id);
    LITERAL(&line, "] ");
    if (span)
        for (uint32_t i = 0; i < item->call->depth && i < INDENT_MAX; i++)
            LITERAL(&line, "  ");
    perftrace_buffer_visible(&line, item->site->name);
    if (span) {
        LITERAL(&line, " ");
        add_duration(&line, item->call->elapsed_ns);
        add_values(&line, item->call->parameter_count, item->call->parameters);
        add_values(&line, item->call->metric_count, item->call->metrics);
    } else
        add_values(&line, item->value_count, item->values);
    return write_line(output, &line);
}
