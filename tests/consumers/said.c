/* What perftrace itself says of a trace, through its reading API: said TRACE writes a line for each thing, in the form in
 * which the read_* programs write what others have made of the Chrome file, so that compare.py can compare the two. Each
 * line is a JSON array:
 *
 *     ["span", track, name, parent, depth, begin_ns, elapsed_ns]   names; the parent of an outermost span is ""
 *     ["unfinished", …]                                            the same of a span that was open at the end
 *     ["async", name, begin_ns, elapsed_ns]                        elapsed_ns -1: it has no end
 *     ["event", track, name, at_ns]
 *     ["frame", name, at_ns]
 *     ["counter", name, series, at_ns, value]                      series: the track's name of a GPU queue or fiber, else
 *                                                                  ""; also of the bytes that live in a memory pool
 *     ["flow", name, from_ns, to_ns]                               an arrow
 *     ["process", name]
 *     ["warning", text]
 *
 * Behind that a span's line has its number, by which one can tell in which order they began. Texts are written by code of
 * this file's own, so that a mistake in the library's would be seen: what is not UTF-8 goes out as it is.
 *
 * Of spans it says what a Chrome file is to say (docs/decisions/0003-valid-json.md): those that were open at the end last up
 * to the last thing that a thread did, and begins and ends on one track are a nanosecond apart at least. */
#include "perftrace_reader.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { OPEN_MAX = 100000 }; /* pools, live allocations, flows under way */

static struct pool {
    struct perftrace_text name;
    uint64_t bytes;
} pools[OPEN_MAX];
static struct allocation {
    struct pool *pool;
    uint64_t address, bytes;
} allocations[OPEN_MAX];
static struct flow {
    const struct perftrace_site_info *site;
    uint64_t id, last_ns;
} flows[OPEN_MAX];
/* The begins and ends of spans on a track. */
struct lane {
    uint64_t last_ns, last_true_ns;
    bool used;
    size_t open_count, open_capacity;
    uint64_t *begin_ns; /* of those that are open */
};
static struct lane *lanes; /* by the track's id */
static size_t lane_count;
static uint64_t last_ns; /* of what threads did */
static size_t pool_count, allocation_count, flow_count;

static size_t room(size_t count) {
    if (count == OPEN_MAX) {
        fputs("said: too many\n", stderr);
        exit(2);
    }
    return count;
}

static bool same(struct perftrace_text a, struct perftrace_text b) {
    return a.length == b.length && memcmp(a.bytes, b.bytes, a.length) == 0;
}

static void put_text(struct perftrace_text text) {
    putchar('"');
    for (size_t i = 0; i < text.length; i++) {
        unsigned char byte = (unsigned char)text.bytes[i];
        if (byte < ' ' || byte == '"' || byte == '\\')
            printf("\\u%04x", byte);
        else
            putchar(byte);
    }
    putchar('"');
}

/* ["kind",text */
static void start(const char *kind, struct perftrace_text text) {
    printf("[\"%s\",", kind);
    put_text(text);
}

static void *larger(void *memory, size_t count, size_t size) {
    memory = realloc(memory, count * size);
    if (memory == NULL) {
        fputs("said: no memory\n", stderr);
        exit(2);
    }
    return memory;
}

static struct lane *lane_of(const struct perftrace_track_info *track) {
    if (track->id >= lane_count) {
        lanes = larger(lanes, track->id + 1, sizeof *lanes);
        memset(lanes + lane_count, 0, (track->id + 1 - lane_count) * sizeof *lanes);
        lane_count = track->id + 1;
    }
    return &lanes[track->id];
}

/* When the Chrome file is to say that it was. Spans of a GPU may overlap: those are not moved. */
static uint64_t place(struct lane *lane, const struct perftrace_track_info *track, uint64_t at_ns) {
    uint64_t least_ns = lane->last_ns + 1 + (lane->last_ns >> 51);
    bool overlaps = track->kind > PERFTRACE_ON_THREAD && at_ns < lane->last_true_ns;
    lane->last_true_ns = at_ns;
    if (lane->used && at_ns < least_ns && !overlaps)
        at_ns = least_ns;
    lane->used = true;
    return lane->last_ns = at_ns;
}

static void begin(const struct perftrace_item *item) {
    struct lane *lane = lane_of(item->track);
    if (lane->open_count == lane->open_capacity) {
        lane->open_capacity = lane->open_capacity * 2 + 8;
        lane->begin_ns = larger(lane->begin_ns, lane->open_capacity, sizeof *lane->begin_ns);
    }
    lane->begin_ns[lane->open_count++] = place(lane, item->track, item->time_ns);
}

static void span(const struct perftrace_item *item) {
    const struct perftrace_call *call = item->call;
    struct lane *lane = lane_of(call->track);
    uint64_t begin_ns = lane->begin_ns[--lane->open_count];
    uint64_t end_ns =
        place(lane, call->track, call->at_end && last_ns > item->time_ns ? last_ns : item->time_ns);
    start(call->at_end ? "unfinished" : "span", call->track->name);
    putchar(',');
    put_text(call->site->name);
    putchar(',');
    put_text(call->parent_site == NULL ? (struct perftrace_text){"", 0} : call->parent_site->name);
    printf(",%" PRIu32 ",%" PRIu64 ",%" PRIu64 ",%" PRIu64 "]\n", call->depth, begin_ns, end_ns - begin_ns,
           call->number);
}

static void async(const struct perftrace_call *call) {
    start("async", call->site->name);
    printf(",%" PRIu64 ",%" PRId64 "]\n", call->start_ns, call->at_end ? -1 : (int64_t)call->elapsed_ns);
}

static void event(const struct perftrace_item *item) {
    start("event", item->track->name);
    putchar(',');
    put_text(item->site->name);
    printf(",%" PRIu64 "]\n", item->time_ns);
}

static void counter(const struct perftrace_item *item) {
    const struct perftrace_value *value = &item->values[0];
    start("counter", item->site->name);
    putchar(',');
    put_text(item->track->kind > PERFTRACE_ON_THREAD ? item->track->name : (struct perftrace_text){"", 0});
    printf(",%" PRIu64 ",", item->time_ns);
    if (value->type == PERFTRACE_TYPE_DOUBLE)
        printf("%.17g]\n", value->d);
    else if (value->type == PERFTRACE_TYPE_SIGNED)
        printf("%" PRId64 "]\n", value->i);
    else
        printf("%" PRIu64 "]\n", value->u);
}

static void pool_bytes(const struct pool *pool, uint64_t at_ns) {
    start("counter", pool->name);
    printf(",\"\",%" PRIu64 ",%" PRIu64 "]\n", at_ns, pool->bytes);
}

static void allocate(const struct perftrace_item *item) {
    struct pool *pool = pools;
    while (pool < pools + pool_count && !same(pool->name, item->site->name))
        pool++;
    if (pool == pools + pool_count)
        pools[pool_count++] = (struct pool){item->site->name, 0};
    allocations[room(allocation_count++)] = (struct allocation){pool, item->id, item->bytes};
    pool->bytes += item->bytes;
    pool_bytes(pool, item->time_ns);
}

static void release(const struct perftrace_item *item) {
    for (size_t i = allocation_count; i-- > 0;) {
        if (allocations[i].address != item->id)
            continue;
        struct pool *pool = allocations[i].pool;
        pool->bytes -= allocations[i].bytes;
        pool_bytes(pool, item->time_ns);
        allocations[i] = allocations[--allocation_count];
        return;
    }
}

/* An arrow to here from the last one of the same name, target and id. */
static void flow(const struct perftrace_item *item) {
    size_t at = flow_count;
    while (at-- > 0)
        if (flows[at].id == item->id && same(flows[at].site->name, item->site->name) &&
            same(flows[at].site->target, item->site->target))
            break;
    if (at == SIZE_MAX) {
        if (item->kind == PERFTRACE_ITEM_FLOW_BEGIN)
            flows[room(flow_count++)] = (struct flow){item->site, item->id, item->time_ns};
        return;
    }
    start("flow", item->site->name);
    printf(",%" PRIu64 ",%" PRIu64 "]\n", flows[at].last_ns, item->time_ns);
    flows[at].last_ns = item->time_ns;
    if (item->kind == PERFTRACE_ITEM_FLOW_END)
        flows[at] = flows[--flow_count];
}

static void say(const struct perftrace_item *item) {
    if (item->track->kind <= PERFTRACE_ON_THREAD && item->time_ns > last_ns)
        last_ns = item->time_ns;
    switch (item->kind) {
    case PERFTRACE_ITEM_SPAN_BEGIN:
        begin(item);
        break;
    case PERFTRACE_ITEM_SPAN_END:
        span(item);
        break;
    case PERFTRACE_ITEM_ASYNC_END:
        async(item->call);
        break;
    case PERFTRACE_ITEM_EVENT:
        event(item);
        break;
    case PERFTRACE_ITEM_COUNTER:
        counter(item);
        break;
    case PERFTRACE_ITEM_FRAME:
        start("frame", item->site->name);
        printf(",%" PRIu64 "]\n", item->time_ns);
        break;
    case PERFTRACE_ITEM_ALLOCATE:
        allocate(item);
        break;
    case PERFTRACE_ITEM_FREE:
        release(item);
        break;
    case PERFTRACE_ITEM_FLOW_BEGIN:
    case PERFTRACE_ITEM_FLOW_STEP:
    case PERFTRACE_ITEM_FLOW_END:
        flow(item);
        break;
    default:
        break;
    }
}

static void damage(void *context, const struct perftrace_error_info *what) {
    (void)context;
    printf("[\"warning\",\"at byte %" PRIu64 ": %s\"]\n", what->byte_offset, what->message);
}

int main(int argc, char **argv) {
    struct perftrace_error_info error;
    const struct perftrace_reader_options options = {.on_damage = damage};
    struct perftrace_reader *reader = argc < 2 ? NULL : perftrace_reader_open(argv[1], &options, &error);
    if (reader == NULL) {
        fprintf(stderr, "said: %s\n", argc < 2 ? "usage: said TRACE" : error.message);
        return 2;
    }
    for (const struct perftrace_item *item; (item = perftrace_reader_next(reader)) != NULL;)
        say(item);
    const struct perftrace_trace_info *info = perftrace_reader_info(reader);
    start("process", info->process_name.length != 0 ? info->process_name : info->executable);
    puts("]");
    for (unsigned i = 0; i < PERFTRACE_LOSS_KINDS; i++)
        if (info->lost[i] != 0)
            printf("[\"warning\",\"lost: %" PRIu64 ", %s\"]\n", info->lost[i], perftrace_loss_name(i));
    if (info->clock_adjusted != 0)
        printf("[\"warning\",\"clock adjusted: %" PRIu64 "\"]\n", info->clock_adjusted);
    bool failed = perftrace_reader_error(reader) != NULL;
    perftrace_reader_close(reader);
    return failed || fflush(stdout) != 0 ? 2 : 0;
}
