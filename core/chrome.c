/* Items -> Chrome trace events: which event each item becomes, and what has to be remembered for that.
 *
 * Decisions that are not the format's:
 * - A span is one event (X), written when it has ended. Of a begin and an end that are events of their own (B and E)
 *   DevTools finds the pairs with one stack for all threads, so that a program of two threads looks like none that ever
 *   ran. Besides, it is half as much to write and to read.
 * - A span that was open when the trace ended is shown up to the last thing that a thread did, and is marked: its
 *   arguments begin with "unfinished". Without an end DevTools would show it as a point, and nothing within it.
 * - Viewers match async spans and flows by category and id only. So that spans of different names with
 *   one id don't fuse, a hash of target and name goes into the id's upper half; so that those of different
 *   processes don't where files are put together, the pid goes into that of async spans. (id2.local would
 *   say the latter better, but catapult's viewer of 2016 does not know it.)
 * - A counter of a GPU queue or fiber carries the track's name as id: it is another series than one of the
 *   same name elsewhere. On threads a counter's name means one series of the whole process.
 * - Allocations become a counter of the bytes that live in a pool. */
#include "chrome.h"

#include "arena.h"
#include "chrome_event.h"
#include "chrome_tracks.h"
#include "map.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum {
    SITES_MAX = 1 << 20,       /* as many as a trace's ids can name */
    POOLS_MAX = 1024,          /* items of further pools are passed over */
    LIVE_BYTES_MAX = 16 << 20, /* a million addresses */
    EVENT_BYTES_MIN = 1024,    /* what an event without arguments may take */
    LABEL_BYTES_MAX = 24,      /* of a track's name or a text in a counter */
};

/* Where tracks that are not threads are in the order of all. */
#define OTHER_TRACKS UINT64_C(1000000000)

struct site_state {
    const struct perftrace_site_info *site;
    struct perftrace_chrome_head head;
    uint64_t id_mask;             /* laid over the ids of async spans and flows */
    struct site_state *frames_of; /* the first site of this target and name, which counts; or NULL */
    uint64_t frames;              /* marks so far */
    uint64_t last_frame_ns;
    uint32_t pool; /* index + 1; 0: not known yet */
};

/* A pool is known by name: it may allocate in one part of a program and free in another. */
struct pool {
    struct site_state *first; /* whose name and category its counter bears */
    uint64_t bytes;
};

struct allocation {
    union {
        uint64_t bytes;
        struct allocation *next; /* of the free ones */
    };
    uint32_t pool; /* index */
};

struct perftrace_chrome {
    struct perftrace_chrome_options options;
    struct perftrace_chrome_writer writer;
    struct perftrace_buffer more; /* members of the event being made */
    struct site_state **sites;    /* by id */
    size_t site_capacity;
    struct perftrace_chrome_tracks tracks;
    struct perftrace_chrome_track *track; /* of the item at hand … */
    uint64_t track_id;                    /* … and its id + 1; 0: none yet */
    uint64_t last_ns;                     /* of what threads did */
    struct perftrace_map frames;          /* id mask -> the struct site_state that counts */
    struct perftrace_map live;            /* address -> struct allocation */
    struct allocation *live_free;         /* entries to use again */
    struct perftrace_arena live_memory;
    struct pool *pools;
    uint32_t pool_count;
    bool live_full_told;
    const struct perftrace_chrome_lane *where_lane; /* that `where` is for; NULL: none */
    char where[80];
    size_t where_length, where_pid_length;
    uint32_t pid;
    struct perftrace_text process_name; /* as last written */
};

struct perftrace_chrome *perftrace_chrome_open(const struct perftrace_chrome_options *options) {
    struct perftrace_chrome *chrome = calloc(1, sizeof *chrome);
    if (chrome == NULL)
        return NULL;
    chrome->options = *options;
    size_t max = options->event_bytes_max;
    chrome->writer.event_bytes_max = max != 0 && max < EVENT_BYTES_MIN ? EVENT_BYTES_MIN : max;
    chrome->live_memory.bytes_max = LIVE_BYTES_MAX;
    return chrome;
}

void perftrace_chrome_close(struct perftrace_chrome *chrome) {
    if (chrome == NULL)
        return;
    for (size_t i = 0; i < chrome->site_capacity; i++)
        if (chrome->sites[i] != NULL) {
            free(chrome->sites[i]->head.text);
            free(chrome->sites[i]);
        }
    free(chrome->sites);
    free(chrome->pools);
    free(chrome->more.bytes);
    free(chrome->writer.text.bytes);
    perftrace_chrome_tracks_free(&chrome->tracks);
    perftrace_map_free(&chrome->frames);
    perftrace_map_free(&chrome->live);
    perftrace_arena_free(&chrome->live_memory);
    free(chrome);
}

static struct perftrace_text text_of(const struct perftrace_buffer *buffer) {
    return (struct perftrace_text){buffer->length == 0 ? "" : buffer->bytes, buffer->length};
}

static uint64_t id_mask_of(const struct perftrace_site_info *site) {
    uint32_t hash = 2166136261u; /* FNV-1a */
    const struct perftrace_text parts[2] = {site->target, site->name};
    for (int part = 0; part < 2; part++) {
        for (size_t i = 0; i < parts[part].length; i++)
            hash = (hash ^ (unsigned char)parts[part].bytes[i]) * 16777619u;
        hash *= 16777619u;
    }
    return (uint64_t)hash << 32;
}

static int grow_sites(struct perftrace_chrome *chrome, size_t id) {
    size_t capacity = chrome->site_capacity == 0 ? 64 : chrome->site_capacity;
    while (capacity <= id)
        capacity *= 2;
    struct site_state **sites = realloc(chrome->sites, capacity * sizeof *sites);
    if (sites == NULL)
        return -ENOMEM;
    memset(sites + chrome->site_capacity, 0, (capacity - chrome->site_capacity) * sizeof *sites);
    chrome->sites = sites;
    chrome->site_capacity = capacity;
    return 0;
}

/* NULL without memory, or where the id breaks the reader's promise. */
static struct site_state *site_state(struct perftrace_chrome *chrome,
                                     const struct perftrace_site_info *site) {
    size_t id = site->id;
    if (id < chrome->site_capacity && chrome->sites[id] != NULL)
        return chrome->sites[id];
    if (id >= SITES_MAX || (id >= chrome->site_capacity && grow_sites(chrome, id) != 0))
        return NULL;
    struct site_state *state = calloc(1, sizeof *state);
    if (state == NULL ||
        perftrace_chrome_head_make(&state->head, site, chrome->writer.event_bytes_max) != 0) {
        free(state);
        return NULL;
    }
    state->site = site;
    state->id_mask = id_mask_of(site);
    return chrome->sites[id] = state;
}

static int write_text(struct perftrace_chrome *chrome) {
    return chrome->options.output->write(chrome->options.output, chrome->writer.text.bytes,
                                         chrome->writer.text.length);
}

/* ---- process and tracks --------------------------------------------------------------------------- */

static size_t add_member(char *out, const char *name, uint64_t value) {
    size_t length = strlen(name);
    memcpy(out, name, length);
    return length + perftrace_format_unsigned(out + length, value);
}

/* {"name":"thread_name","ph":"M","pid":1,"tid":2,"args":{"name":"worker"}} */
static int write_name(struct perftrace_chrome *chrome, const char *what, uint64_t tid,
                      struct perftrace_text name) {
    struct perftrace_buffer *text = &chrome->writer.text;
    text->length = 0;
    perftrace_buffer_print(
        text,
        "{\"name\":\"%s\",\"ph\":\"M\",\"pid\":%" PRIu32 ",\"tid\":%" PRIu64 ",\"args\":{\"name\":", what,
        chrome->pid, tid);
    perftrace_chrome_fit(text, name, chrome->writer.event_bytes_max / 2);
    perftrace_buffer_text(text, "}}");
    return text->failed ? -ENOMEM : write_text(chrome);
}

static int write_sort_index(struct perftrace_chrome *chrome, uint64_t tid, uint64_t index) {
    struct perftrace_buffer *text = &chrome->writer.text;
    text->length = 0;
    perftrace_buffer_print(text,
                           "{\"name\":\"thread_sort_index\",\"ph\":\"M\",\"pid\":%" PRIu32 ",\"tid\":%" PRIu64
                           ",\"args\":{\"sort_index\":%" PRIu64 "}}",
                           chrome->pid, tid, index);
    return text->failed ? -ENOMEM : write_text(chrome);
}

/* The pid and the name become known, or change, while the trace is read. */
static int follow_process(struct perftrace_chrome *chrome) {
    const struct perftrace_trace_info *info = chrome->options.info;
    struct perftrace_text name = info->process_name.length != 0 ? info->process_name : info->executable;
    uint32_t pid = chrome->options.pid != 0 ? chrome->options.pid : info->pid;
    if (chrome->where_pid_length != 0 && pid == chrome->pid && name.bytes == chrome->process_name.bytes &&
        name.length == chrome->process_name.length)
        return 0;
    chrome->pid = pid;
    chrome->process_name = name;
    chrome->where_pid_length = add_member(chrome->where, ",\"pid\":", pid);
    chrome->where_lane = NULL;
    return name.length == 0 ? 0 : write_name(chrome, "process_name", 0, name);
}

/* Makes `where` say the lane. */
static void go_to(struct perftrace_chrome *chrome, const struct perftrace_chrome_lane *lane) {
    if (chrome->where_lane == lane)
        return;
    char *where = chrome->where + chrome->where_pid_length;
    chrome->where_length = chrome->where_pid_length + add_member(where, ",\"tid\":", lane->tid);
    chrome->where_lane = lane;
}

/* A lane seen for the first time is introduced, that of a renamed track named again. */
static int introduce(struct perftrace_chrome *chrome, struct perftrace_chrome_lane *lane,
                     const struct perftrace_track_info *track, bool renamed) {
    int result = 0;
    if (!lane->introduced) /* threads in the order in which they appeared, then the other tracks */
        result = write_sort_index(chrome, lane->tid,
                                  track->kind <= PERFTRACE_ON_THREAD ? track->id : OTHER_TRACKS + track->id);
    if (result == 0 && track->name.length != 0 && (renamed || !lane->introduced))
        result = write_name(chrome, "thread_name", lane->tid, track->name);
    lane->introduced = true;
    return result;
}

/* Sets chrome->track and goes to its lane. */
static int enter_track(struct perftrace_chrome *chrome, const struct perftrace_track_info *info,
                       bool renamed) {
    if (chrome->track_id != (uint64_t)info->id + 1) {
        chrome->track = perftrace_chrome_track(&chrome->tracks, info);
        chrome->track_id = chrome->track == NULL ? 0 : (uint64_t)info->id + 1;
        if (chrome->track == NULL)
            return -ENOMEM;
    }
    struct perftrace_chrome_lane *lane = &chrome->track->lane;
    go_to(chrome, lane);
    if (lane->introduced && !renamed)
        return 0;
    int result = 0;
    for (; result == 0 && lane != NULL; lane = lane->next)
        result = introduce(chrome, lane, info, renamed);
    return result;
}

/* ---- events --------------------------------------------------------------------------------------- */

/* Writes the event `phase` of the site, with chrome->more and with the values as its args. */
static int write_event(struct perftrace_chrome *chrome, const struct site_state *state, char phase,
                       uint64_t time_ns, size_t value_count, const struct perftrace_value *values) {
    struct perftrace_chrome_event event = {
        .head = &state->head,
        .phase = phase,
        .time_ns = time_ns,
        .where = {chrome->where, chrome->where_length},
        .more = text_of(&chrome->more),
        .value_count = value_count,
        .values = values,
    };
    if (chrome->more.failed)
        return -ENOMEM;
    int result = perftrace_chrome_event_make(&chrome->writer, &event);
    return result != 0 ? result : write_text(chrome);
}

static int begin_span(struct perftrace_chrome *chrome, const struct perftrace_item *item) {
    struct perftrace_chrome_lane *lane = perftrace_chrome_track_begin(
        &chrome->tracks, chrome->track, item->track->kind > PERFTRACE_ON_THREAD, item->time_ns);
    if (lane == NULL)
        return -ENOMEM;
    return lane->introduced ? 0 : introduce(chrome, lane, item->track, false);
}

/* Makes the event of a span in the writer's text. */
static int make_span(struct perftrace_chrome *chrome, const struct site_state *state,
                     const struct perftrace_call *call, const struct perftrace_chrome_span *span) {
    go_to(chrome, span->lane);
    return perftrace_chrome_event_make(
        &chrome->writer, &(struct perftrace_chrome_event){
                             .head = &state->head,
                             .phase = 'X',
                             .time_ns = span->begin_ns,
                             .elapsed_ns = span->end_ns > span->begin_ns ? span->end_ns - span->begin_ns : 0,
                             .unfinished = call->at_end,
                             .where = {chrome->where, chrome->where_length},
                             .more = {"", 0},
                             .value_count = call->parameter_count,
                             .values = call->parameters,
                             .metric_count = call->metric_count,
                             .metrics = call->metrics,
                         });
}

static int end_span(struct perftrace_chrome *chrome, const struct site_state *state,
                    const struct perftrace_item *item) {
    const struct perftrace_call *call = item->call;
    uint64_t end_ns = call->at_end && chrome->last_ns > item->time_ns ? chrome->last_ns : item->time_ns;
    const struct perftrace_chrome_span span =
        perftrace_chrome_track_end(chrome->track, call->start_ns, end_ns);
    int result = make_span(chrome, state, call, &span);
    return result != 0 ? result : write_text(chrome);
}

int perftrace_chrome_open_span(struct perftrace_chrome *chrome, const struct perftrace_item *item,
                               struct perftrace_output *output) {
    const struct perftrace_chrome_track *track = perftrace_chrome_track(&chrome->tracks, item->track);
    const struct site_state *state = site_state(chrome, item->site);
    if (track == NULL || state == NULL)
        return -ENOMEM;
    if (item->call->depth >= track->open_count)
        return 0;
    const struct perftrace_chrome_span span =
        perftrace_chrome_track_open(track, item->call->depth, chrome->last_ns);
    int result = make_span(chrome, state, item->call, &span);
    return result != 0 ? result
                       : output->write(output, chrome->writer.text.bytes, chrome->writer.text.length);
}

static int write_async(struct perftrace_chrome *chrome, const struct site_state *state,
                       const struct perftrace_item *item) {
    bool begin = item->kind == PERFTRACE_ITEM_ASYNC_BEGIN;
    const struct perftrace_call *call = item->call;
    if (!begin && call->at_end)
        return 0;
    perftrace_buffer_text(&chrome->more, ",\"id\":\"");
    perftrace_buffer_address(&chrome->more, item->id ^ state->id_mask ^ (uint64_t)chrome->pid << 32);
    perftrace_buffer_text(&chrome->more, "\"");
    return write_event(chrome, state, begin ? 'b' : 'e', item->time_ns,
                       begin ? call->parameter_count : call->metric_count,
                       begin ? call->parameters : call->metrics);
}

static int write_flow(struct perftrace_chrome *chrome, const struct site_state *state,
                      const struct perftrace_item *item) {
    char phase = item->kind == PERFTRACE_ITEM_FLOW_BEGIN  ? 's'
                 : item->kind == PERFTRACE_ITEM_FLOW_STEP ? 't'
                                                          : 'f';
    perftrace_buffer_text(&chrome->more, ",\"id\":\"");
    perftrace_buffer_address(&chrome->more, item->id ^ state->id_mask);
    perftrace_buffer_text(&chrome->more, phase == 'f' ? "\",\"bp\":\"e\"" : "\"");
    return write_event(chrome, state, phase, item->time_ns, 0, NULL);
}

static int write_counter(struct perftrace_chrome *chrome, const struct site_state *state,
                         const struct perftrace_item *item) {
    if (item->value_count == 0)
        return 0;
    if (item->track->kind > PERFTRACE_ON_THREAD) {
        perftrace_buffer_text(&chrome->more, ",\"id\":");
        if (item->track->name.length != 0)
            perftrace_buffer_json(&chrome->more, item->track->name, LABEL_BYTES_MAX);
        else
            perftrace_buffer_unsigned(&chrome->more, item->track->id);
    }
    perftrace_buffer_text(&chrome->more, ",\"args\":{\"value\":");
    const struct perftrace_value *value = &item->values[0];
    if (value->type == PERFTRACE_TYPE_SIGNED)
        perftrace_buffer_signed(&chrome->more, value->i);
    else if (value->type == PERFTRACE_TYPE_UNSIGNED || value->type == PERFTRACE_TYPE_BOOLEAN)
        perftrace_buffer_unsigned(&chrome->more, value->u); /* a graph needs a number, if not each digit */
    else
        perftrace_chrome_value(&chrome->more, value, LABEL_BYTES_MAX);
    perftrace_buffer_text(&chrome->more, "}");
    return write_event(chrome, state, 'C', item->time_ns, 0, NULL);
}

/* Frames of one target and name are one sequence, wherever they are marked. NULL without memory. */
static struct site_state *frames_of(struct perftrace_chrome *chrome, struct site_state *state) {
    if (state->frames_of == NULL) {
        state->frames_of = perftrace_map_find(&chrome->frames, 0, state->id_mask);
        if (state->frames_of == NULL && perftrace_map_put(&chrome->frames, 0, state->id_mask, state))
            state->frames_of = state;
    }
    return state->frames_of;
}

/* A line across the whole process, with the number of the frame that ends here and how long it took. */
static int write_frame(struct perftrace_chrome *chrome, struct site_state *site, uint64_t time_ns) {
    struct site_state *state = frames_of(chrome, site);
    if (state == NULL)
        return -ENOMEM;
    perftrace_buffer_text(&chrome->more, ",\"s\":\"p\",\"args\":{\"frame\":");
    perftrace_buffer_unsigned(&chrome->more, ++state->frames);
    if (state->frames > 1 && time_ns >= state->last_frame_ns) {
        perftrace_buffer_text(&chrome->more, ",\"ms\":");
        perftrace_buffer_double(&chrome->more, (double)(time_ns - state->last_frame_ns) / 1e6);
    }
    perftrace_buffer_text(&chrome->more, "}");
    state->last_frame_ns = time_ns;
    return write_event(chrome, state, 'i', time_ns, 0, NULL);
}

/* ---- memory --------------------------------------------------------------------------------------- */

/* The pool's index + 1, or 0 when there are too many or without memory. */
static uint32_t pool_of(struct perftrace_chrome *chrome, struct site_state *state) {
    if (state->pool != 0)
        return state->pool;
    struct perftrace_text name = state->site->name;
    for (uint32_t i = 0; i < chrome->pool_count; i++) {
        struct perftrace_text other = chrome->pools[i].first->site->name;
        if (other.length == name.length && memcmp(other.bytes, name.bytes, name.length) == 0)
            return state->pool = i + 1;
    }
    if (chrome->pools == NULL)
        chrome->pools = calloc(POOLS_MAX, sizeof *chrome->pools);
    if (chrome->pools == NULL || chrome->pool_count == POOLS_MAX)
        return 0;
    chrome->pools[chrome->pool_count].first = state;
    return state->pool = ++chrome->pool_count;
}

static int write_pool(struct perftrace_chrome *chrome, const struct pool *pool, uint64_t time_ns) {
    perftrace_buffer_text(&chrome->more, ",\"args\":{\"bytes\":");
    perftrace_buffer_unsigned(&chrome->more, pool->bytes);
    perftrace_buffer_text(&chrome->more, "}");
    return write_event(chrome, pool->first, 'C', time_ns, 0, NULL);
}

/* An address that can't be remembered is left out of the sum, since its end would not be seen. */
static int tell_live_full(struct perftrace_chrome *chrome, const struct site_state *state, uint64_t time_ns) {
    if (chrome->live_full_told)
        return 0;
    chrome->live_full_told = true;
    perftrace_buffer_text(&chrome->more,
                          ",\"s\":\"p\",\"args\":{\"perftrace\":\"too many live allocations: from here "
                          "on some are not counted\"}");
    return write_event(chrome, state, 'i', time_ns, 0, NULL);
}

static int write_allocation(struct perftrace_chrome *chrome, struct site_state *state,
                            const struct perftrace_item *item) {
    uint32_t pool = pool_of(chrome, state);
    if (item->id == 0 || pool == 0)
        return 0;
    struct allocation *allocation = perftrace_map_find(&chrome->live, 0, item->id);
    if (allocation != NULL) /* allocated anew: the record of its end was lost */
        chrome->pools[allocation->pool].bytes -= allocation->bytes;
    else {
        allocation = chrome->live_free;
        if (allocation != NULL)
            chrome->live_free = allocation->next;
        else
            allocation = perftrace_arena_take(&chrome->live_memory, sizeof *allocation);
        if (allocation == NULL || !perftrace_map_put(&chrome->live, 0, item->id, allocation))
            return tell_live_full(chrome, state, item->time_ns);
    }
    allocation->pool = pool - 1;
    allocation->bytes = item->bytes;
    chrome->pools[pool - 1].bytes += item->bytes;
    return write_pool(chrome, &chrome->pools[pool - 1], item->time_ns);
}

static int write_free(struct perftrace_chrome *chrome, const struct perftrace_item *item) {
    struct allocation *allocation = perftrace_map_remove(&chrome->live, 0, item->id);
    if (allocation == NULL)
        return 0;
    struct pool *pool = &chrome->pools[allocation->pool];
    pool->bytes -= allocation->bytes;
    allocation->next = chrome->live_free;
    chrome->live_free = allocation;
    return write_pool(chrome, pool, item->time_ns);
}

/* --------------------------------------------------------------------------------------------------- */

int perftrace_chrome_item(struct perftrace_chrome *chrome, const struct perftrace_item *item) {
    int result = follow_process(chrome);
    if (result == 0)
        result = enter_track(chrome, item->track, item->kind == PERFTRACE_ITEM_TRACK);
    if (result != 0 || item->kind == PERFTRACE_ITEM_TRACK)
        return result;
    struct site_state *state = site_state(chrome, item->site);
    if (state == NULL)
        return -ENOMEM;
    chrome->more.length = 0;
    if (item->time_ns > chrome->last_ns && item->track->kind <= PERFTRACE_ON_THREAD)
        chrome->last_ns = item->time_ns;
    switch (item->kind) {
    case PERFTRACE_ITEM_SPAN_BEGIN:
        return begin_span(chrome, item);
    case PERFTRACE_ITEM_SPAN_END:
        return end_span(chrome, state, item);
    case PERFTRACE_ITEM_EVENT:
        perftrace_buffer_text(&chrome->more, ",\"s\":\"t\"");
        return write_event(chrome, state, 'i', item->time_ns, item->value_count, item->values);
    case PERFTRACE_ITEM_COUNTER:
        return write_counter(chrome, state, item);
    case PERFTRACE_ITEM_FRAME:
        return write_frame(chrome, state, item->time_ns);
    case PERFTRACE_ITEM_ASYNC_BEGIN:
    case PERFTRACE_ITEM_ASYNC_END:
        return write_async(chrome, state, item);
    case PERFTRACE_ITEM_FLOW_BEGIN:
    case PERFTRACE_ITEM_FLOW_STEP:
    case PERFTRACE_ITEM_FLOW_END:
        return write_flow(chrome, state, item);
    case PERFTRACE_ITEM_ALLOCATE:
        return write_allocation(chrome, state, item);
    case PERFTRACE_ITEM_FREE:
        return write_free(chrome, item);
    default:
        return 0;
    }
}
