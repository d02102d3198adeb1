/* Runs scenarios of the recorder and reads back their traces. */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "recorded.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static char folder[256];

int run_scenario(void (*scenario)(void *), void *argument) {
    snprintf(folder, sizeof folder, "recorded-XXXXXX");
    assert_non_null(mkdtemp(folder));
    fflush(NULL);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        if (chdir(folder) != 0)
            _exit(99);
        scenario(argument);
        exit(0);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    return status;
}

const char *scenario_folder(void) {
    return folder;
}

static void copy_text(char *to, size_t size, struct perftrace_text text) {
    size_t length = text.length < size - 1 ? text.length : size - 1;
    memcpy(to, text.bytes, length);
    to[length] = '\0';
}

static size_t copy_values(struct recorded_value *to, const struct perftrace_value *values, size_t count) {
    for (size_t i = 0; i < count && i < RECORDED_VALUES; i++) {
        copy_text(to[i].key, sizeof to[i].key, values[i].argument->name);
        to[i].type = values[i].type;
        to[i].cut = values[i].cut;
        to[i].null = values[i].null;
        if (values[i].type == PERFTRACE_TYPE_STRING) {
            copy_text(to[i].text, sizeof to[i].text, values[i].text);
            to[i].length = values[i].text.length;
        } else {
            to[i].i = values[i].i;
            to[i].d = values[i].d;
        }
    }
    return count;
}

static void copy_item(struct recorded_item *to, const struct perftrace_item *item) {
    memset(to, 0, sizeof *to);
    to->kind = item->kind;
    to->time_ns = item->time_ns;
    to->id = item->id;
    to->bytes = item->bytes;
    if (item->site != NULL) {
        copy_text(to->name, sizeof to->name, item->site->name);
        copy_text(to->target, sizeof to->target, item->site->target);
        to->level = item->site->level;
        to->line = item->site->line;
    }
    if (item->track != NULL) {
        to->track = item->track->id;
        copy_text(to->thread, sizeof to->thread, item->track->name);
    }
    to->parameter_count = copy_values(to->parameters, item->values, item->value_count);
    if (item->call == NULL)
        return;
    to->number = item->call->number;
    to->parent = item->call->parent_number;
    to->elapsed_ns = item->call->elapsed_ns;
    to->depth = item->call->depth;
    to->unfinished = item->call->unfinished;
    copy_text(to->caller, sizeof to->caller, item->call->caller);
    copy_text(to->name, sizeof to->name, item->call->site->name);
    to->parameter_count = copy_values(to->parameters, item->call->parameters, item->call->parameter_count);
    to->metric_count = copy_values(to->metrics, item->call->metrics, item->call->metric_count);
}

static void fail_on_damage(void *context, const struct perftrace_error_info *what) {
    (void)context;
    fail_msg("damage at byte %llu: %s", (unsigned long long)what->byte_offset, what->message);
}

/* Spans called "work" are there in millions: half of what is kept may be them. */
static bool is_bulk(const struct perftrace_item *item) {
    return item->call != NULL && strcmp(item->call->site->name.bytes, "work") == 0;
}

struct recorded read_recorded(const char *name) {
    char path[512];
    snprintf(path, sizeof path, "%s/%s", folder, name != NULL ? name : "trace.ptrace");
    struct perftrace_error_info error;
    struct perftrace_reader_options options = {.on_damage = fail_on_damage};
    struct perftrace_reader *reader = perftrace_reader_open(path, &options, &error);
    if (reader == NULL)
        fail_msg("%s: %s", path, error.message);
    struct recorded recorded = {.items = calloc(RECORDED_MAX, sizeof *recorded.items)};
    assert_non_null(recorded.items);
    const struct perftrace_item *item;
    while ((item = perftrace_reader_next(reader)) != NULL)
        if (recorded.count < RECORDED_MAX && !(recorded.count > RECORDED_MAX / 2 && is_bulk(item)))
            copy_item(&recorded.items[recorded.count++], item);
    assert_null(perftrace_reader_error(reader));
    recorded.info = *perftrace_reader_info(reader);
    for (unsigned i = 0; i < PERFTRACE_LOSS_KINDS; i++)
        recorded.lost += recorded.info.lost[i];
    perftrace_reader_close(reader);
    return recorded;
}

void free_recorded(struct recorded *recorded) {
    free(recorded->items);
    recorded->items = NULL;
}

const struct recorded_item *find_item(const struct recorded *recorded, enum perftrace_item_kind kind,
                                      const char *name, size_t n) {
    for (size_t i = 0; i < recorded->count; i++)
        if (recorded->items[i].kind == kind && (name == NULL || strcmp(recorded->items[i].name, name) == 0) &&
            n-- == 0)
            return &recorded->items[i];
    return NULL;
}

size_t count_items(const struct recorded *recorded, enum perftrace_item_kind kind, const char *name) {
    size_t count = 0;
    while (find_item(recorded, kind, name, count) != NULL)
        count++;
    return count;
}
