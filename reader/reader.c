/* The public reading API: tells traces, Chrome's JSON and logs by their first bytes, and calls the part for it. */
#include "../include/perftrace_reader.h"

#include "chrome_json.h"
#include "chrome_json_input.h"
#include "header.h"
#include "input.h"
#include "log.h"
#include "native.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct perftrace_reader {
    struct perftrace_native_reader *native; /* one of the three */
    struct perftrace_chrome_json *json;
    struct perftrace_log_reader *log;
    uint32_t unwanted; /* items, as in the options */
};

static void set_error(struct perftrace_error_info *error, enum perftrace_error code, const char *path,
                      const char *what) {
    *error = (struct perftrace_error_info){.code = code};
    snprintf(error->message, sizeof error->message, "%s %s", path, what);
}

/* Goes on with what the source is unpacked to. Takes over its descriptor, as options->unpack does. */
static int unpack(struct perftrace_source *source, enum perftrace_packing packing, const char *path,
                  const struct perftrace_reader_options *options, struct perftrace_error_info *error) {
    if (options == NULL || options->unpack == NULL) {
        set_error(error, PERFTRACE_ERROR_FORMAT, path,
                  packing == PERFTRACE_PACKED_GZIP ? "is packed with gzip: unpack it first"
                                                   : "is packed with zstd: unpack it first");
        perftrace_source_free(source);
        close(source->fd);
        return -PERFTRACE_ERROR_FORMAT;
    }
    int fd = options->unpack(options->unpack_context, packing, source->fd, source->buffer + source->start,
                             source->length, source->unread, error);
    perftrace_source_free(source);
    if (fd >= 0)
        perftrace_source_init(source, fd, 0, UINT64_MAX, NULL);
    return fd;
}

/* Whether it is Chrome JSON. What has been read stays in the source. */
static bool is_json(struct perftrace_source *source) {
    static const size_t looks[] = {256, 4096, 65536};
    int is = 0;
    for (size_t i = 0; i < sizeof looks / sizeof *looks; i++) {
        bool last = !perftrace_source_fill(source, looks[i]) || i + 1 == sizeof looks / sizeof *looks;
        if (source->length == 0)
            return false;
        is = perftrace_json_recognise((const char *)source->buffer + source->start, source->length, last);
        if (is >= 0)
            break;
    }
    return is > 0;
}

/* Gives the source to the part that understands it. */
static int open_part(struct perftrace_reader *reader, struct perftrace_source *source, const char *path,
                     const struct perftrace_reader_options *options, struct perftrace_error_info *error) {
    enum perftrace_input input = perftrace_source_recognise(source);
    if (input == PERFTRACE_INPUT_GZIP || input == PERFTRACE_INPUT_ZSTD) {
        int fd = unpack(source, input == PERFTRACE_INPUT_GZIP ? PERFTRACE_PACKED_GZIP : PERFTRACE_PACKED_ZSTD,
                        path, options, error);
        if (fd < 0)
            return fd;
        input = perftrace_source_recognise(source);
    }
    if (source->error.code != PERFTRACE_OK) {
        *error = source->error;
        goto failed;
    }
    switch (input) {
    case PERFTRACE_INPUT_TRACE:
        reader->native = perftrace_native_open(source, options, error);
        return reader->native == NULL ? -(int)error->code : 0;
    case PERFTRACE_INPUT_RING:
        set_error(error, PERFTRACE_ERROR_FORMAT, path, "is a ring file: open the trace that it belongs to");
        goto failed;
    case PERFTRACE_INPUT_CUT_TRACE:
        set_error(error, PERFTRACE_ERROR_FORMAT, path, "is a trace that is cut within its header");
        goto failed;
    case PERFTRACE_INPUT_GZIP:
    case PERFTRACE_INPUT_ZSTD:
        set_error(error, PERFTRACE_ERROR_FORMAT, path, "is packed twice: unpack it once");
        goto failed;
    default:
        break;
    }
    bool json = is_json(source);
    const char *first = source->length == 0 ? NULL : (const char *)source->buffer + source->start;
    if (json)
        reader->json =
            perftrace_chrome_json_open(source->fd, first, source->length, source->unread, options, error);
    else
        reader->log = perftrace_log_open(source->fd, first, source->length, source->unread, options, error);
    perftrace_source_free(source);
    return reader->log == NULL && reader->json == NULL ? -(int)error->code : 0;
failed:
    perftrace_source_free(source);
    close(source->fd);
    return -(int)error->code;
}

struct perftrace_reader *perftrace_reader_open(const char *path,
                                               const struct perftrace_reader_options *options,
                                               struct perftrace_error_info *error) {
    struct perftrace_error_info ignored;
    struct perftrace_source source;
    struct perftrace_reader *reader = calloc(1, sizeof *reader);
    if (error == NULL)
        error = &ignored;
    *error = (struct perftrace_error_info){0};
    if (reader != NULL && options != NULL)
        reader->unwanted = options->unwanted;
    if (path == NULL || reader == NULL) {
        if (path == NULL)
            set_error(error, PERFTRACE_ERROR_ARGUMENT, "a path", "is needed");
        else
            set_error(error, PERFTRACE_ERROR_MEMORY, path, "can't be read: no memory");
        goto failed;
    }
    struct perftrace_input_file file;
    if (!perftrace_input_open(path, &file, error))
        goto failed;
    perftrace_source_init(&source, file.fd, 0, file.bytes, NULL);
    source.fifo_wait_ms = file.fifo ? PERFTRACE_FIFO_WAIT_MS : 0;
    const char *name = strcmp(path, "-") == 0 ? "standard input" : path;
    if (open_part(reader, &source, name, options, error) != 0)
        goto failed;
    return reader;
failed:
    free(reader);
    return NULL;
}

void perftrace_reader_close(struct perftrace_reader *reader) {
    if (reader == NULL)
        return;
    perftrace_native_close(reader->native);
    perftrace_chrome_json_close(reader->json);
    perftrace_log_close(reader->log);
    free(reader);
}

/* What the part that is there says. */
#define WHICH(reader, what)                                                                                  \
    ((reader)->native != NULL ? perftrace_native_##what((reader)->native)                                    \
     : (reader)->json != NULL ? perftrace_chrome_json_##what((reader)->json)                                 \
                              : perftrace_log_##what((reader)->log))
#define WHICH_AT(reader, what, index)                                                                        \
    ((reader)->native != NULL ? perftrace_native_##what((reader)->native, index)                             \
     : (reader)->json != NULL ? perftrace_chrome_json_##what((reader)->json, index)                          \
                              : perftrace_log_##what((reader)->log, index))

const struct perftrace_item *perftrace_reader_next(struct perftrace_reader *reader) {
    if (reader->native != NULL)
        return perftrace_native_next(reader->native);
    const struct perftrace_item *item;
    do
        item =
            reader->json != NULL ? perftrace_chrome_json_next(reader->json) : perftrace_log_next(reader->log);
    while (item != NULL && (reader->unwanted & PERFTRACE_ITEM_BIT(item->kind)) != 0);
    return item;
}

size_t perftrace_reader_calls(struct perftrace_reader *reader, struct perftrace_call **calls) {
    return WHICH_AT(reader, calls, calls);
}

bool perftrace_reader_fill(struct perftrace_reader *reader, struct perftrace_call *call,
                           const struct perftrace_site_info *site) {
    if (!call->brief)
        return true;
    if (reader->native != NULL)
        return perftrace_native_fill(reader->native, call, site == NULL);
    return reader->json != NULL ? perftrace_chrome_json_fill(reader->json, call, site)
                                : perftrace_log_fill(reader->log, call, site);
}

const struct perftrace_error_info *perftrace_reader_error(const struct perftrace_reader *reader) {
    return WHICH(reader, error);
}

const struct perftrace_trace_info *perftrace_reader_info(const struct perftrace_reader *reader) {
    return WHICH(reader, info);
}

size_t perftrace_reader_site_count(const struct perftrace_reader *reader) {
    return WHICH(reader, site_count);
}

const struct perftrace_site_info *perftrace_reader_site(const struct perftrace_reader *reader, size_t index) {
    return WHICH_AT(reader, site, index);
}

size_t perftrace_reader_track_count(const struct perftrace_reader *reader) {
    return WHICH(reader, track_count);
}

const struct perftrace_track_info *perftrace_reader_track(const struct perftrace_reader *reader,
                                                          size_t index) {
    return WHICH_AT(reader, track, index);
}

const char *perftrace_loss_name(unsigned cause) {
    static const char *const names[PERFTRACE_LOSS_CAUSES] = {
        [PERFTRACE_LOSS_FULL] = "ring full",
        [PERFTRACE_LOSS_DISK] = "disk full",
        [PERFTRACE_LOSS_REENTRY] = "signal re-entry",
        [PERFTRACE_LOSS_TOO_BIG] = "record too big",
        [PERFTRACE_LOSS_NO_RING] = "no ring",
        [PERFTRACE_LOSS_NO_SITE] = "no room for the site",
        [PERFTRACE_LOSS_NO_SITE + 1] = "unknown cause 6",
        [PERFTRACE_LOSS_NO_SITE + 2] = "unknown cause 7",
    };
    return cause < PERFTRACE_LOSS_CAUSES ? names[cause] : NULL;
}
