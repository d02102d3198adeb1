/* Reading for fuzz targets: everything is looked at, and checked. */
#define _GNU_SOURCE /* memfd_create */
#include "fuzz.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

_Noreturn void fuzz_fail(const char *file, int line, const char *what) {
    fprintf(stderr, "%s:%d: it is not so that %s\n", file, line, what);
    abort();
}

uint64_t fuzz_random(uint64_t *state, uint64_t below) {
    *state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (*state >> 17) % below;
}

const char *fuzz_file(const uint8_t *data, size_t size) {
    static int fd = -1;
    static char path[32];
    if (fd < 0)
        fd = memfd_create("fuzz", MFD_CLOEXEC);
    FUZZ_CHECK(fd >= 0 && ftruncate(fd, 0) == 0 && pwrite(fd, data, size, 0) == (ssize_t)size);
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    return path;
}

static void add(struct fuzz_read *read, uint64_t number) {
    read->sum = (read->sum ^ number) * UINT64_C(0x9e3779b97f4a7c15);
    read->sum ^= read->sum >> 29;
}

static void add_text(struct fuzz_read *read, struct perftrace_text text) {
    FUZZ_CHECK(text.bytes != NULL && text.bytes[text.length] == 0);
    for (size_t i = 0; i < text.length; i++)
        add(read, (unsigned char)text.bytes[i]);
    add(read, text.length);
}

static void add_values(struct fuzz_read *read, const struct perftrace_value *values, size_t count) {
    FUZZ_CHECK(count == 0 || values != NULL);
    for (size_t i = 0; i < count; i++) {
        const struct perftrace_value *value = &values[i];
        add_text(read, value->argument->name);
        FUZZ_CHECK(value->type >= PERFTRACE_TYPE_SIGNED && value->type <= PERFTRACE_TYPE_ADDRESS);
        if (value->type == PERFTRACE_TYPE_STRING)
            add_text(read, value->text);
        else
            add(read, value->u);
    }
}

static void add_site(struct fuzz_read *read, const struct perftrace_reader *reader,
                     const struct perftrace_site_info *site) {
    FUZZ_CHECK(site->id > 0 && site->id <= perftrace_reader_site_count(reader));
    FUZZ_CHECK(perftrace_reader_site(reader, site->id - 1) == site);
    add_text(read, site->name);
    add_text(read, site->target);
    add_text(read, site->file);
    add_text(read, site->function);
}

static void add_call(struct fuzz_read *read, const struct perftrace_reader *reader,
                     const struct perftrace_item *item) {
    const struct perftrace_call *call = item->call;
    bool begin = item->kind == PERFTRACE_ITEM_SPAN_BEGIN || item->kind == PERFTRACE_ITEM_ASYNC_BEGIN;
    FUZZ_CHECK(call->site == item->site && call->track != NULL);
    add_site(read, reader, call->site);
    if (call->parent_site != NULL)
        add_site(read, reader, call->parent_site);
    add_text(read, call->caller);
    add(read, call->number);
    add(read, call->parent_number);
    add(read, call->elapsed_ns);
    add(read, call->children_ns);
    add(read, call->start_ns);
    add(read, call->depth);
    add(read, call->unfinished);
    add_values(read, call->parameters, call->parameter_count);
    add_values(read, call->metrics, call->metric_count);
    FUZZ_CHECK(begin ? !call->unfinished && call->metric_count == 0 : true);
    read->begun += begin;
    read->ended += !begin;
}

static void add_item(struct fuzz_read *read, const struct perftrace_reader *reader,
                     const struct perftrace_item *item) {
    FUZZ_CHECK(item->kind >= PERFTRACE_ITEM_SPAN_BEGIN && item->kind <= PERFTRACE_ITEM_TRACK);
    FUZZ_CHECK(item->track != NULL && (item->site != NULL || item->kind == PERFTRACE_ITEM_TRACK));
    read->items++;
    add(read, item->kind);
    add(read, item->time_ns);
    add(read, item->id);
    add(read, item->bytes);
    add_text(read, item->track->name);
    add_values(read, item->values, item->value_count);
    FUZZ_CHECK(item->kind != PERFTRACE_ITEM_COUNTER || item->value_count == 1);
    if (item->call != NULL)
        add_call(read, reader, item);
    else if (item->site != NULL)
        add_site(read, reader, item->site);
}

static void hear_complaint(void *context, const struct perftrace_error_info *what) {
    struct fuzz_read *read = context;
    FUZZ_CHECK(what->message[0] != 0 && memchr(what->message, 0, sizeof what->message) != NULL);
    read->complaints++;
}

struct fuzz_read fuzz_read_without(const char *path, uint32_t unwanted,
                                   void (*hear)(void *context, const struct perftrace_reader *reader,
                                                const struct perftrace_item *item),
                                   void *context) {
    struct fuzz_read read = {0};
    struct perftrace_error_info error = {0};
    const struct perftrace_reader_options options = {
        .on_damage = hear_complaint, .context = &read, .unwanted = unwanted};
    struct perftrace_reader *reader = perftrace_reader_open(path, &options, &error);
    if (reader == NULL) {
        FUZZ_CHECK(error.code != PERFTRACE_OK && error.message[0] != 0);
        read.error = (int)error.code;
        return read;
    }
    const struct perftrace_item *item;
    while ((item = perftrace_reader_next(reader)) != NULL) {
        FUZZ_CHECK((unwanted & PERFTRACE_ITEM_BIT(item->kind)) == 0);
        add_item(&read, reader, item);
        if (hear != NULL)
            hear(context, reader, item);
    }
    FUZZ_CHECK(perftrace_reader_next(reader) == NULL);
    FUZZ_CHECK(perftrace_reader_error(reader) == NULL);
    const struct perftrace_trace_info *info = perftrace_reader_info(reader);
    read.records = info->records;
    read.native = info->native;
    /* Each span ends once, if need be as unfinished. */
    FUZZ_CHECK(!info->native || unwanted != 0 || read.begun == read.ended);
    FUZZ_CHECK(info->damaged_bytes == 0 || info->damaged);
    FUZZ_CHECK(!info->damaged || read.complaints > 0);
    perftrace_reader_close(reader);
    return read;
}

struct fuzz_read fuzz_read(const char *path,
                           void (*hear)(void *context, const struct perftrace_reader *reader,
                                        const struct perftrace_item *item),
                           void *context) {
    return fuzz_read_without(path, 0, hear, context);
}
