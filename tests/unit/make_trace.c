/* Traces made by hand, and items as text. */
#include "make_trace.h"

#include "../../core/crc32c.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void made_add(struct made *made, const void *bytes, size_t count) {
    if (made->capacity - made->length < count) {
        made->capacity = (made->length + count) * 2;
        made->bytes = realloc(made->bytes, made->capacity);
        if (made->bytes == NULL)
            abort();
    }
    if (count > 0)
        memcpy(made->bytes + made->length, bytes, count);
    made->length += count;
}

static void add_text(struct made *made, const char *text) {
    made_add(made, text, strlen(text));
}

void made_free(struct made *made) {
    free(made->bytes);
    *made = (struct made){0};
}

void made_header(struct made *made, uint8_t uuid) {
    struct perftrace_file_header header = {
        .version = PERFTRACE_FORMAT_VERSION, .header_bytes = sizeof header, .pid = 4711};
    memcpy(header.magic, PERFTRACE_TRACE_MAGIC, sizeof header.magic);
    memset(header.uuid, uuid, sizeof header.uuid);
    header.checksum = perftrace_crc32c(0, &header, sizeof header);
    made_add(made, &header, sizeof header);
}

void made_block(struct made *made, uint16_t kind, const void *payload, size_t bytes) {
    static const char zeros[8];
    size_t padding = (8 - bytes % 8) % 8, at = made->length;
    struct perftrace_block_header header = {
        .kind = kind, .bytes = (uint32_t)(bytes + padding), .marker = PERFTRACE_BLOCK_MARKER};
    made_add(made, &header, sizeof header);
    made_add(made, payload, bytes);
    made_add(made, zeros, padding);
    header.checksum = perftrace_crc32c(0, made->bytes + at, made->length - at);
    memcpy(made->bytes + at, &header, sizeof header);
}

void made_process(struct made *made, enum perftrace_clock_id clock) {
    struct made payload = {0};
    struct perftrace_block_process process = {.pid = 4711,
                                              .parent_pid = 1,
                                              .clock = (uint8_t)clock,
                                              .mode = PERFTRACE_MODE_STREAM,
                                              .name_bytes = 4,
                                              .executable_bytes = 9};
    made_add(&payload, &process, sizeof process);
    add_text(&payload, "demo/bin/demo");
    made_block(made, PERFTRACE_BLOCK_PROCESS, payload.bytes, payload.length);
    made_free(&payload);
}

void made_site(struct made *made, uint32_t id, uint8_t kind, uint8_t phase, const char *name,
               const struct made_argument *arguments, uint8_t count) {
    struct made payload = {0};
    struct perftrace_block_site site = {.id = id,
                                        .line = id + 10,
                                        .kind = kind,
                                        .level = 3,
                                        .phase = phase,
                                        .argument_count = count,
                                        .name_bytes = (uint16_t)strlen(name),
                                        .target_bytes = 4,
                                        .file_bytes = 6,
                                        .function_bytes = 4};
    made_add(&payload, &site, sizeof site);
    for (uint8_t i = 0; i < count; i++) {
        struct perftrace_format_argument argument = {.type = arguments[i].type,
                                                     .role = arguments[i].role,
                                                     .name_bytes = (uint16_t)strlen(arguments[i].name)};
        made_add(&payload, &argument, sizeof argument);
    }
    add_text(&payload, name);
    add_text(&payload, "demodemo.cmain");
    for (uint8_t i = 0; i < count; i++)
        add_text(&payload, arguments[i].name);
    made_block(made, PERFTRACE_BLOCK_SITE, payload.bytes, payload.length);
    made_free(&payload);
}

void made_span_site(struct made *made, uint32_t id, const char *name) {
    made_site(made, id, PERFTRACE_RECORD_BEGIN, PERFTRACE_PHASE_NONE, name, NULL, 0);
}

void made_track(struct made *made, uint32_t id, enum perftrace_track_kind kind, const char *name) {
    struct made payload = {0};
    struct perftrace_block_track track = {
        .id = id, .kind = kind, .os_id = 4711, .name_bytes = (uint16_t)strlen(name)};
    made_add(&payload, &track, sizeof track);
    add_text(&payload, name);
    made_block(made, PERFTRACE_BLOCK_TRACK, payload.bytes, payload.length);
    made_free(&payload);
}

void made_clock(struct made *made, uint64_t ticks, uint64_t ns) {
    struct perftrace_block_clock clock = {.ticks = ticks, .monotonic_ns = ns, .error_ns = 20};
    made_block(made, PERFTRACE_BLOCK_CLOCK, &clock, PERFTRACE_CLOCK_BLOCK_BYTES_MIN);
}

static void make_chunk(struct made *made, struct perftrace_block_chunk chunk, const uint64_t *words,
                       size_t count) {
    struct made payload = {0};
    chunk.last_byte = chunk.first_byte + (uint32_t)count * 8;
    made_add(&payload, &chunk, sizeof chunk);
    made_add(&payload, words, count * sizeof *words);
    made_block(made, PERFTRACE_BLOCK_CHUNK, payload.bytes, payload.length);
    made_free(&payload);
}

void made_chunk(struct made *made, uint32_t track, uint64_t sequence, uint32_t first_byte, uint64_t base_tick,
                const uint64_t *words, size_t count) {
    make_chunk(made,
               (struct perftrace_block_chunk){
                   .track = track, .first_byte = first_byte, .sequence = sequence, .base_tick = base_tick},
               words, count);
}

void made_lossy_chunk(struct made *made, uint32_t track, uint64_t sequence, uint64_t base_tick,
                      const uint64_t *words, size_t count) {
    make_chunk(made,
               (struct perftrace_block_chunk){.track = track,
                                              .sequence = sequence,
                                              .base_tick = base_tick,
                                              .lost = {[PERFTRACE_LOSS_FULL] = 7}},
               words, count);
}

void made_sync(struct made *made, uint64_t before_tick) {
    struct perftrace_block_sync sync = {.before_tick = before_tick};
    made_block(made, PERFTRACE_BLOCK_SYNC, &sync, sizeof sync);
}

void made_ring(struct made *made, const char *path) {
    struct made payload = {0};
    struct perftrace_block_ring ring = {.path_bytes = (uint16_t)strlen(path)};
    made_add(&payload, &ring, sizeof ring);
    add_text(&payload, path);
    made_block(made, PERFTRACE_BLOCK_RING, payload.bytes, payload.length);
    made_free(&payload);
}

void made_end(struct made *made, uint64_t recorded) {
    struct perftrace_block_end end = {.recorded = recorded, .before_tick = UINT64_MAX};
    made_block(made, PERFTRACE_BLOCK_END, &end, sizeof end);
}

uint64_t made_word(enum perftrace_record_kind kind, uint32_t site, unsigned depth, uint32_t ticks) {
    return (uint64_t)ticks << PERFTRACE_TICKS_SHIFT | (uint64_t)site << PERFTRACE_SITE_SHIFT |
           (uint64_t)kind << PERFTRACE_KIND_SHIFT | (depth & PERFTRACE_DEPTH_MASK);
}

uint64_t made_text(const char *eight) {
    uint64_t word = 0;
    memcpy(&word, eight, strnlen(eight, 8));
    return word;
}

uint64_t made_double(double value) {
    uint64_t word;
    memcpy(&word, &value, sizeof word);
    return word;
}

int made_feed(const struct made *made, struct perftrace_stream *stream) {
    int result = 0;
    for (size_t at = sizeof(struct perftrace_file_header); at < made->length && result == 0;) {
        struct perftrace_block_header header;
        memcpy(&header, made->bytes + at, sizeof header);
        result = perftrace_stream_block(stream, &header, made->bytes + at + sizeof header, at);
        at += sizeof header + header.bytes;
    }
    return result;
}

/* ---- items as text -------------------------------------------------------------------------------- */

__attribute__((format(printf, 2, 3))) static void say(struct heard *heard, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    int length =
        vsnprintf(heard->text + heard->length, sizeof heard->text - heard->length, format, arguments);
    va_end(arguments);
    if (length > 0 && (size_t)length < sizeof heard->text - heard->length)
        heard->length += (size_t)length;
}

static void say_values(struct heard *heard, const struct perftrace_value *values, size_t count) {
    for (size_t i = 0; i < count; i++) {
        const struct perftrace_value *value = &values[i];
        say(heard, " %s=", value->argument->name.bytes);
        switch (value->type) {
        case PERFTRACE_TYPE_SIGNED:
            say(heard, "%" PRId64, value->i);
            break;
        case PERFTRACE_TYPE_DOUBLE:
            say(heard, "%g", value->d);
            break;
        case PERFTRACE_TYPE_STRING:
            if (value->text.bytes[value->text.length] != 0)
                abort(); /* the contract: a zero follows */
            say(heard, value->null ? "NULL" : "'%s'%s", value->text.bytes, value->cut ? "…" : "");
            break;
        default:
            say(heard, "%" PRIu64, value->u);
        }
    }
}

static void say_call(struct heard *heard, const struct perftrace_item *item, char letter) {
    const struct perftrace_call *call = item->call;
    say(heard, "%c%" PRIu64 " %s@%" PRIu64, letter, call->number, item->site->name.bytes, item->time_ns);
    if (call->async)
        say(heard, " #%" PRIu64, item->id);
    if (item->kind == PERFTRACE_ITEM_SPAN_BEGIN || item->kind == PERFTRACE_ITEM_ASYNC_BEGIN)
        say(heard, " d%u <%s", call->depth, call->caller.bytes);
    else
        say(heard, "%s %" PRIu64 "-%" PRIu64, call->unfinished ? "!" : "", call->elapsed_ns,
            call->children_ns);
    say_values(heard, call->parameters, call->parameter_count);
    if (call->metric_count > 0)
        say(heard, " |");
    say_values(heard, call->metrics, call->metric_count);
}

void heard_item(void *context, const struct perftrace_item *item) {
    static const char *const names[] = {
        [PERFTRACE_ITEM_EVENT] = "event",     [PERFTRACE_ITEM_COUNTER] = "counter",
        [PERFTRACE_ITEM_FRAME] = "frame",     [PERFTRACE_ITEM_FLOW_BEGIN] = "flow>",
        [PERFTRACE_ITEM_FLOW_STEP] = "flow-", [PERFTRACE_ITEM_FLOW_END] = "flow<",
        [PERFTRACE_ITEM_ALLOCATE] = "alloc",  [PERFTRACE_ITEM_FREE] = "free"};
    struct heard *heard = context;
    heard->items++;
    switch (item->kind) {
    case PERFTRACE_ITEM_SPAN_BEGIN:
        say_call(heard, item, 'B');
        break;
    case PERFTRACE_ITEM_SPAN_END:
        say_call(heard, item, 'E');
        break;
    case PERFTRACE_ITEM_ASYNC_BEGIN:
        say_call(heard, item, 'b');
        break;
    case PERFTRACE_ITEM_ASYNC_END:
        say_call(heard, item, 'e');
        break;
    case PERFTRACE_ITEM_TRACK:
        say(heard, "track %u %s", item->track->id, item->track->name.bytes);
        break;
    default:
        say(heard, "%s %s@%" PRIu64, names[item->kind], item->site->name.bytes, item->time_ns);
        if (item->id != 0)
            say(heard, " #%" PRIu64, item->id);
        if (item->bytes != 0)
            say(heard, " %" PRIu64 "B", item->bytes);
        say_values(heard, item->values, item->value_count);
    }
    say(heard, "\n");
}

void heard_damage(void *context, const struct perftrace_error_info *what) {
    struct heard *heard = context;
    heard->damages++;
    say(heard, "? %s\n", what->message);
}
