/* Calls out of text. */
#include "feed_calls.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define VALUES_MAX 8u

static struct perftrace_text text(const char *bytes) {
    return (struct perftrace_text){bytes, strlen(bytes)};
}

static const struct perftrace_site_info *site(const char *name) {
    static struct perftrace_site_info sites[256];
    static char names[256][64];
    unsigned i = 0;
    for (; sites[i].id != 0; i++)
        if (strcmp(names[i], name) == 0)
            return &sites[i];
    assert_true(i < 255);
    snprintf(names[i], sizeof names[i], "%s", name);
    sites[i] = (struct perftrace_site_info){.id = i + 1, .kind = 1, .name = text(names[i])};
    return &sites[i];
}

static const struct perftrace_track_info tracks[] = {{.id = 0}, {.id = 1}, {.id = 2}, {.id = 3}, {.id = 4},
                                                     {.id = 5}, {.id = 6}, {.id = 7}, {.id = 8}};

struct fed feed_open(size_t memory_max) {
    return feed_open_with(&(struct analysis_options){.slowest_max = 1, .memory_max = memory_max});
}

struct fed feed_open_with(const struct analysis_options *options) {
    struct fed fed = {.track = 1};
    fed.analysis = analysis_open(options);
    assert_non_null(fed.analysis);
    assert_int_equal(analysis_begin_input(fed.analysis, "test"), 0);
    return fed;
}

/* Arguments by name, for as long as the program runs, as those of a reader. */
static const struct perftrace_argument_info *argument(const char *name) {
    static struct perftrace_argument_info arguments[64];
    static char names[64][32];
    unsigned i = 0;
    for (; arguments[i].name.bytes != NULL; i++)
        if (strcmp(names[i], name) == 0)
            return &arguments[i];
    assert_true(i < 63);
    snprintf(names[i], sizeof names[i], "%s", name);
    arguments[i].name = text(names[i]);
    return &arguments[i];
}

static void read_value(char *word, struct perftrace_value *value) {
    char *equals = strchr(word, '=');
    assert_non_null(equals);
    *equals = '\0';
    *value = (struct perftrace_value){.argument = argument(word)};
    char *end;
    value->i = strtoll(equals + 1, &end, 10);
    if (*end == '\0' && end != equals + 1) {
        value->type = PERFTRACE_TYPE_SIGNED;
        return;
    }
    value->type = PERFTRACE_TYPE_STRING;
    for (char *at = equals + 1; *at != '\0'; at++)
        *at = *at == '_' ? ' ' : *at;
    value->text = text(equals + 1);
}

void feed_call(struct fed *fed, uint64_t elapsed_ns, const char *format, ...) {
    char line[512], *rest, *words[2 * VALUES_MAX + 6];
    va_list list;
    va_start(list, format);
    vsnprintf(line, sizeof line, format, list);
    va_end(list);
    unsigned count = 0;
    for (char *word = strtok_r(line, " ", &rest); word != NULL; word = strtok_r(NULL, " ", &rest))
        words[count++] = word;
    assert_true(count >= 4);
    struct perftrace_value values[2][VALUES_MAX];
    size_t counts[2] = {0, 0}, which = 0;
    for (unsigned i = 4; i < count; i++) {
        if (strcmp(words[i], "|") == 0)
            which = 1;
        else
            read_value(words[i], &values[which][counts[which]++]);
    }
    struct perftrace_call call = {
        .number = strtoull(words[0], NULL, 10),
        .parent_number = strtoull(words[1], NULL, 10),
        .site = site(words[2]),
        .caller = text(words[3]),
        .track = &tracks[fed->track],
        .start_ns = fed->start_ns,
        .elapsed_ns = elapsed_ns,
        .async = fed->async,
        .parameters = values[0],
        .parameter_count = counts[0],
        .metrics = values[1],
        .metric_count = counts[1],
    };
    const struct perftrace_item item = {
        .kind = PERFTRACE_ITEM_SPAN_END, .site = call.site, .track = call.track, .call = &call};
    assert_int_equal(analysis_item(fed->analysis, &item), 0);
}

void feed_finish(struct fed *fed) {
    const struct perftrace_trace_info info = {.finished = true};
    assert_int_equal(analysis_end_input(fed->analysis, &info, 1), 0);
    assert_int_equal(analysis_finish(fed->analysis), 0);
}

void feed_close(struct fed *fed) {
    analysis_close(fed->analysis);
}

const char *feed_name(const struct fed *fed, uint32_t function) {
    return fed->analysis->functions[function].name.bytes;
}

const char *feed_text(const struct fed *fed, uint32_t number) {
    return analysis_text(fed->analysis, number).bytes;
}
