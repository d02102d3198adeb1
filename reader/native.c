/* The reader's half for traces: the blocks of the file, then those made of what lies in the rings. */
#include "native.h"

#include "../core/process.h"
#include "../core/stream.h"
#include "header.h"
#include "rings.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Set in the offset of blocks that are not from the trace itself. */
#define IN_THE_RINGS (UINT64_C(1) << 63)

enum stage {
    FILE_BLOCKS,
    FILE_AGAIN, /* what came while the rings were looked for: from a running program, or folded in by another reader */
    RING_BLOCKS,
    LAST_ITEMS,
};

struct perftrace_native_reader {
    struct perftrace_source source;
    struct perftrace_stream *stream;
    struct perftrace_rings *rings;
    struct perftrace_reader_options options;
    struct perftrace_error_info error;
    struct perftrace_block_process process;
    char *ring_path; /* NULL: none is known */
    uint32_t recorder_thread;
    uint8_t uuid[16];
    enum stage stage;
    unsigned read_on;       /* times that the trace was found to have grown */
    bool begun;             /* there are blocks that say that the rings were made */
    bool complete;          /* the file's last block so far says that nothing more will come */
    uint64_t ring_bytes;    /* of blocks that came from the rings */
    uint64_t damaged_bytes; /* outside the stream, as counted in its info so far */
};

/* ---- opening -------------------------------------------------------------------------------------- */

static int refuse(struct perftrace_error_info *error, enum perftrace_error code, const char *message) {
    *error = (struct perftrace_error_info){.code = code};
    snprintf(error->message, sizeof error->message, "%s", message);
    return -(int)code;
}

/* Steps over the file's header. */
static int take_header(struct perftrace_native_reader *native, struct perftrace_error_info *error) {
    struct perftrace_file_header header;
    int result = perftrace_source_take_header(&native->source, &header, error);
    if (result != 0)
        return result;
    memcpy(native->uuid, header.uuid, sizeof native->uuid);
    struct perftrace_trace_info *info = perftrace_stream_info(native->stream);
    memcpy(info->uuid, header.uuid, sizeof info->uuid);
    info->pid = header.pid;
    info->start_realtime_ns = header.start_realtime_ns;
    return 0;
}

/* What the stream complains of, with the file in which the byte is. */
static void pass_on(void *context, const struct perftrace_error_info *what) {
    const struct perftrace_native_reader *native = context;
    struct perftrace_error_info told = *what;
    if (native->options.on_damage == NULL)
        return;
    if ((what->byte_offset & IN_THE_RINGS) != 0) {
        told.byte_offset &= ~IN_THE_RINGS;
        snprintf(told.message, sizeof told.message, "in the rings, byte %llu: %.180s",
                 (unsigned long long)told.byte_offset, what->message);
    }
    native->options.on_damage(native->options.context, &told);
}

struct perftrace_native_reader *perftrace_native_open(struct perftrace_source *source,
                                                      const struct perftrace_reader_options *options,
                                                      struct perftrace_error_info *error) {
    struct perftrace_native_reader *native = calloc(1, sizeof *native);
    if (native == NULL) {
        refuse(error, PERFTRACE_ERROR_MEMORY, "no memory to read a trace");
        perftrace_source_free(source);
        close(source->fd);
        return NULL;
    }
    if (options != NULL)
        native->options = *options;
    native->source = *source;
    native->source.options = &native->options;
    native->stream = perftrace_stream_open(&(struct perftrace_stream_options){
        .on_damage = pass_on, .context = native, .unwanted = native->options.unwanted});
    if (native->stream == NULL)
        refuse(error, PERFTRACE_ERROR_MEMORY, "no memory to read a trace");
    if (native->stream == NULL || take_header(native, error) != 0) {
        perftrace_native_close(native);
        return NULL;
    }
    return native;
}

void perftrace_native_close(struct perftrace_native_reader *native) {
    if (native == NULL)
        return;
    perftrace_rings_close(native->rings);
    perftrace_stream_close(native->stream);
    perftrace_source_free(&native->source);
    close(native->source.fd);
    free(native->ring_path);
    free(native);
}

/* ---- reading -------------------------------------------------------------------------------------- */

static void tell(struct perftrace_native_reader *native, const char *message) {
    struct perftrace_error_info what = {.code = PERFTRACE_ERROR_FORMAT, .byte_offset = native->source.offset};
    snprintf(what.message, sizeof what.message, "%s", message);
    if (native->options.on_damage != NULL)
        native->options.on_damage(native->options.context, &what);
}

/* Told again where it is renamed, or where its rings could not be made. */
static void take_process(struct perftrace_native_reader *native, const void *payload) {
    memcpy(&native->process, payload, sizeof native->process);
    if (native->process.flags & PERFTRACE_PROCESS_NOT_CRASH_SAFE) {
        free(native->ring_path);
        native->ring_path = NULL;
    }
}

static void take_ring_path(struct perftrace_native_reader *native, const void *payload, size_t bytes) {
    char *path = perftrace_rings_path(payload, bytes, &native->recorder_thread);
    if (path == NULL) {
        tell(native, "the path of the ring file makes no sense");
        perftrace_stream_info(native->stream)->damaged = true;
        return;
    }
    free(native->ring_path);
    native->ring_path = path;
}

/* Gives a block to the stream. False after a failure. */
static bool give(struct perftrace_native_reader *native, const struct perftrace_block_header *header,
                 const void *payload, uint64_t offset) {
    if (header->kind == PERFTRACE_BLOCK_RING)
        take_ring_path(native, payload, header->bytes);
    else if (header->kind != PERFTRACE_BLOCK_PROCESS)
        native->begun = true;
    else if (header->bytes >= sizeof native->process)
        take_process(native, payload);
    if (perftrace_stream_block(native->stream, header, payload, offset) == 0)
        return true;
    refuse(&native->error, PERFTRACE_ERROR_MEMORY, "no memory for what the trace holds");
    return false;
}

/* The file has been read to its end. */
static void look_at_rings(struct perftrace_native_reader *native) {
    struct perftrace_trace_info *info = perftrace_stream_info(native->stream);
    bool first = native->stage == FILE_BLOCKS;
    native->stage = LAST_ITEMS;
    info->live = !native->complete && perftrace_recorder_runs(&native->process, native->recorder_thread);
    if (native->complete || native->ring_path == NULL || native->options.leave_rings)
        return;
    native->rings = perftrace_rings_open(native->ring_path, native->uuid, info->live,
                                         native->source.damage_seen, &native->options);
    if (native->rings != NULL)
        native->stage = info->live ? FILE_AGAIN : RING_BLOCKS;
    else if (first)
        native->stage = FILE_AGAIN;        /* where they are gone, the file has had since what was in them */
    else if (!info->live && native->begun) /* else it was killed before there were any */
        tell(native,
             "the program did not end its trace, and its rings are gone: the last records are missing");
    if (native->stage == FILE_AGAIN)
        perftrace_source_again(&native->source);
}

static void finish(struct perftrace_native_reader *native) {
    struct perftrace_trace_info *info = perftrace_stream_info(native->stream);
    /* Where there are rings, they still hold what the last block would have told. */
    if (native->source.length > 0 && !info->live && native->rings == NULL) {
        tell(native, "the trace is cut within a block");
        if (!native->complete) /* else it had nothing more to tell of but its end */
            native->source.damaged_bytes += native->source.length;
    }
    native->stage = LAST_ITEMS;
}

/* A program that still recorded when the trace was opened may have ended since: all that it wrote is read before its rings
 * are. But one that records faster than this reads is not followed for ever. */
static bool read_on(struct perftrace_native_reader *native) {
    enum { TIMES_MAX = 2 };
    return native->stage == FILE_BLOCKS && native->read_on++ < TIMES_MAX &&
           perftrace_source_has_grown(&native->source) && perftrace_source_again(&native->source);
}

/* One step on: another block for the stream, or the next stage. False after a failure. */
static bool step(struct perftrace_native_reader *native) {
    struct perftrace_block_header header;
    const void *payload;
    uint64_t offset;
    if (native->stage == RING_BLOCKS) {
        if (!perftrace_rings_next(native->rings, native->stream, &header, &payload, &offset)) {
            finish(native);
            return perftrace_stream_finish(native->stream) == 0;
        }
        native->ring_bytes += header.bytes;
        return give(native, &header, payload, offset | IN_THE_RINGS);
    }
    int got = perftrace_source_next(&native->source, &header, &payload, &offset);
    if (got < 0) {
        native->error = native->source.error;
        return false;
    }
    if (got > 0) {
        native->complete = perftrace_block_completes(&header, payload);
        return give(native, &header, payload, offset);
    }
    if (read_on(native))
        return true;
    if (native->rings != NULL) {
        native->stage = RING_BLOCKS;
        return true;
    }
    look_at_rings(native);
    if (native->stage != LAST_ITEMS)
        return true;
    finish(native);
    return perftrace_stream_finish(native->stream) == 0;
}

/* The stream has nothing to hand out: gives it more. False: there is no more, or something failed. */
static bool go_on(struct perftrace_native_reader *native) {
    if (perftrace_stream_error(native->stream) != 0 && native->error.code == PERFTRACE_OK)
        refuse(&native->error, PERFTRACE_ERROR_MEMORY, "no memory for what the trace holds");
    if (native->error.code == PERFTRACE_OK && native->stage != LAST_ITEMS && step(native))
        return true;
    perftrace_native_info(native); /* whoever holds on to it finds it complete */
    return false;
}

const struct perftrace_item *perftrace_native_next(struct perftrace_native_reader *native) {
    for (;;) {
        const struct perftrace_item *item = perftrace_stream_next(native->stream);
        if (item != NULL || !go_on(native))
            return item;
    }
}

size_t perftrace_native_calls(struct perftrace_native_reader *native, struct perftrace_call **calls) {
    for (;;) {
        size_t count = perftrace_stream_calls(native->stream, calls);
        if (count > 0 || !go_on(native))
            return count;
    }
}

bool perftrace_native_fill(struct perftrace_native_reader *native, struct perftrace_call *call, bool all) {
    return perftrace_stream_fill(native->stream, call, all);
}

/* ---- what is known -------------------------------------------------------------------------------- */

const struct perftrace_error_info *perftrace_native_error(const struct perftrace_native_reader *native) {
    return native->error.code == PERFTRACE_OK ? NULL : &native->error;
}

struct perftrace_trace_info *perftrace_native_info(struct perftrace_native_reader *native) {
    struct perftrace_trace_info *info = perftrace_stream_info(native->stream);
    uint64_t outside = native->source.damaged_bytes;
    if (native->rings != NULL)
        outside += perftrace_rings_damaged_bytes(native->rings);
    info->bytes = native->source.offset + native->ring_bytes;
    info->damaged |= outside > 0;
    /* The stream counts there too. */
    info->damaged_bytes += outside - native->damaged_bytes;
    native->damaged_bytes = outside;
    return info;
}

size_t perftrace_native_site_count(const struct perftrace_native_reader *native) {
    return perftrace_stream_site_count(native->stream);
}

const struct perftrace_site_info *perftrace_native_site(const struct perftrace_native_reader *native,
                                                        size_t index) {
    return perftrace_stream_site(native->stream, index);
}

size_t perftrace_native_track_count(const struct perftrace_native_reader *native) {
    return perftrace_stream_track_count(native->stream);
}

const struct perftrace_track_info *perftrace_native_track(const struct perftrace_native_reader *native,
                                                          size_t index) {
    return perftrace_stream_track(native->stream, index);
}
