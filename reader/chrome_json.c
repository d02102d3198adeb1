/* Chrome JSON -> items: reads events until as many wait as may, or all are there, and hands them out in order of time. */
#include "../core/hash.h"
#include "chrome_json_take.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define NAMES_BYTES_MAX ((size_t)128 << 20)
#define SEEN_BYTES_MAX ((size_t)16 << 20)

static size_t lesser(size_t a, size_t b) {
    return a < b ? a : b;
}

/* All that the reader takes: the buffer of what it reads, and the rest, of which names and what waits have their parts. */
static void set_limits(struct perftrace_chrome_json *json) {
    enum { EVENT_PART = PERFTRACE_READER_BYTES_MAX / PERFTRACE_JSON_EVENT_BYTES_MAX };
    size_t most = json->options.bytes_max != 0 ? json->options.bytes_max : PERFTRACE_READER_BYTES_MAX;
    most = lesser(most, PERFTRACE_READER_BYTES_MAX);
    most = most < PERFTRACE_READER_BYTES_MIN ? PERFTRACE_READER_BYTES_MIN : most;
    json->input.event_bytes_max = most / EVENT_PART;
    json->budget.max = most - 3 * json->input.event_bytes_max;
    json->maker.spans_max = json->budget.max / 3 / (sizeof(struct perftrace_json_span) + sizeof(void *));
    json->held_bytes_max = lesser(PERFTRACE_JSON_HELD_BYTES_MAX, json->budget.max / 12 * 5);
    json->store.seen.arena.bytes_max = lesser(SEEN_BYTES_MAX, json->budget.max / 24);
    perftrace_json_names_open(&json->names, &json->budget, lesser(NAMES_BYTES_MAX, json->budget.max / 3));
}

struct perftrace_chrome_json *perftrace_chrome_json_open(int fd, const char *first_bytes, size_t first_length,
                                                         uint64_t bytes,
                                                         const struct perftrace_reader_options *options,
                                                         struct perftrace_error_info *error) {
    static const struct perftrace_text empty = {"", 0};
    struct perftrace_chrome_json *json = calloc(1, sizeof *json);
    if (json != NULL && options != NULL)
        json->options = *options;
    enum { VALUES = 16 }; /* to begin with: there is to be a place to point to even where there are none */
    struct perftrace_value *values = calloc(VALUES, sizeof *values);
    if (json == NULL || values == NULL ||
        !perftrace_json_input_open(&json->input, fd, first_bytes, first_length, bytes, &json->options,
                                   &json->info)) {
        *error = (struct perftrace_error_info){.code = PERFTRACE_ERROR_MEMORY, .message = "out of memory"};
        free(values);
        free(json);
        close(fd);
        return NULL;
    }
    json->maker.values = values;
    json->maker.value_capacity = VALUES;
    json->info.native = json->info.chrome = json->info.finished = true;
    json->info.process_name = json->info.executable = empty;
    set_limits(json);
    json->store.budget = json->list.budget = json->pairs.budget = json->maker.budget = &json->budget;
    json->pairs.list = &json->list;
    json->pairs.store = json->maker.store = &json->store;
    json->pairs.maker = &json->maker;
    json->maker.pairs = &json->pairs;
    json->store.seen.arena.budget = &json->budget;
    json->input.seen = &json->store.seen;
    for (unsigned i = 0; i < 2; i++) {
        json->maker.keys[i] = perftrace_hash_key();
        json->store.seen.secret[i] = perftrace_hash_key();
    }
    return json;
}

void perftrace_chrome_json_close(struct perftrace_chrome_json *json) {
    if (json == NULL)
        return;
    perftrace_json_input_close(&json->input);
    perftrace_json_pairs_free(&json->pairs);
    perftrace_json_maker_free(&json->maker);
    perftrace_json_list_free(&json->list);
    perftrace_json_store_free(&json->store);
    perftrace_json_names_free(&json->names);
    free(json);
}

void perftrace_chrome_json_hold(struct perftrace_chrome_json *json, size_t bytes_max) {
    json->held_bytes_max = bytes_max;
}

/* ---- what is told at the end ------------------------------------------------------------------------ */

static void tell(struct perftrace_chrome_json *json, uint64_t count, uint64_t offset, bool lost,
                 const char *one, const char *many) {
    struct perftrace_error_info what = {.code = PERFTRACE_ERROR_FORMAT, .byte_offset = offset};
    if (count == 0)
        return;
    json->info.damaged |= lost;
    if (json->options.on_damage == NULL)
        return;
    if (count == 1)
        snprintf(what.message, sizeof what.message, "byte %" PRIu64 ": %s", offset, one);
    else
        snprintf(what.message, sizeof what.message, "%" PRIu64 " %s (the first at byte %" PRIu64 ")", count,
                 many, offset);
    json->options.on_damage(json->options.context, &what);
}

static void tell_notes(struct perftrace_chrome_json *json) {
    static const struct perftrace_error_info no_events = {
        .code = PERFTRACE_ERROR_FORMAT,
        .message = "this JSON holds no trace events: there is neither an array of them nor \"traceEvents\""};
    static const struct {
        bool lost;
        const char *one, *many;
    } texts[PERFTRACE_JSON_NOTES] = {
        [PERFTRACE_JSON_NO_PHASE] = {true, "an object without \"ph\" is no event, and was left out",
                                     "objects without \"ph\" are no events, and were left out"},
        [PERFTRACE_JSON_NO_TIME] = {true, "the event has no \"ts\" that is a time, and was left out",
                                    "events have no \"ts\" that is a time, and were left out"},
        [PERFTRACE_JSON_NEGATIVE] = {false,
                                     "the duration of the span is negative or no number, and counts as 0",
                                     "durations of spans are negative or no numbers, and count as 0"},
        [PERFTRACE_JSON_NO_ROOM] = {true,
                                    "there is no memory for the event (too many names, threads or "
                                    "open spans): it was left out",
                                    "events were left out: there is no memory for so many names, threads "
                                    "or open spans"},
        [PERFTRACE_JSON_ARGS_LEFT_OUT] = {true,
                                          "the event has more arguments than are kept (255 of one name)",
                                          "events have more arguments than are kept (255 of one name)"},
    };
    if (!json->input.any_array && json->info.records == 0) {
        json->info.damaged = true;
        if (json->options.on_damage != NULL)
            json->options.on_damage(json->options.context, &no_events);
    }
    for (unsigned note = 0; note < PERFTRACE_JSON_NOTES; note++)
        tell(json, json->notes[note], json->first[note], texts[note].lost, texts[note].one, texts[note].many);
    tell(json, json->pairs.unmatched, json->pairs.unmatched_offset, true,
         "the end of a span whose begin is missing was left out",
         "ends of spans whose begins are missing were left out");
}

/* What is only known when all has been handed out. */
static void tell_order(struct perftrace_chrome_json *json) {
    struct perftrace_error_info what = {.code = PERFTRACE_ERROR_FORMAT};
    json->info.damaged |= json->maker.left_out > 0;
    if (json->options.on_damage == NULL)
        return;
    if (json->maker.left_out > 0) {
        snprintf(what.message, sizeof what.message,
                 "%" PRIu64 " spans were left out: there is no memory for so many that have not ended",
                 json->maker.left_out);
        json->options.on_damage(json->options.context, &what);
    }
    if (json->maker.overlaps > 0) {
        snprintf(what.message, sizeof what.message,
                 "%" PRIu64
                 " spans overlap others of their thread without lying within them: they are taken as "
                 "asynchronous ones",
                 json->maker.overlaps);
        json->options.on_damage(json->options.context, &what);
    }
    if (json->maker.late > 0) {
        snprintf(what.message, sizeof what.message,
                 "%" PRIu64
                 " events stand too far from their place in the order of time for the memory allowed: "
                 "callers and self times near them are not exact; sort the file by \"ts\"",
                 json->maker.late);
        json->options.on_damage(json->options.context, &what);
    }
}

/* ---- reading ---------------------------------------------------------------------------------------- */

static void fail(struct perftrace_chrome_json *json) {
    json->error = (struct perftrace_error_info){.code = PERFTRACE_ERROR_MEMORY,
                                                .byte_offset = json->input.offset,
                                                .message = "no memory for what the file holds"};
}

/* Begins to hand out the first `count` in order of time. */
static void hand_out(struct perftrace_chrome_json *json, uint32_t count) {
    perftrace_json_list_sort(&json->list);
    if (!json->maker.based && json->list.count > 0) {
        int64_t first_ns = json->list.keys[0].start_ns;
        json->maker.based = true;
        json->maker.base_ns = first_ns < 0 ? first_ns : 0;
    }
    json->at = 0;
    json->until = count;
    json->handing_out = true;
}

static size_t held_bytes(const struct perftrace_chrome_json *json) {
    return json->list.count * PERFTRACE_JSON_HELD_BYTES + json->store.bytes;
}

/* Where every span so far stands before what it holds, less is enough: see chrome_json.h. */
static size_t held_bytes_max(const struct perftrace_chrome_json *json) {
    return json->inner_first ? json->held_bytes_max : json->held_bytes_max / PERFTRACE_JSON_IN_ORDER_PART;
}

/* Reads until so much waits that part of it is to be handed out, or to the end. */
static void read_events(struct perftrace_chrome_json *json) {
    struct perftrace_json_event event;
    uint64_t offset;
    while (held_bytes(json) < held_bytes_max(json) || json->list.count < 2) {
        if (!perftrace_json_input_next(&json->input, &event, &offset)) {
            json->error = json->input.error;
            json->read = true;
            perftrace_json_pairs_finish(&json->pairs, &json->names);
            tell_notes(json);
            hand_out(json, json->list.count);
            return;
        }
        perftrace_chrome_json_take(json, &event, offset);
    }
    hand_out(json, json->list.count / PERFTRACE_JSON_HANDED_OUT_PART + 1);
}

/* What has been handed out need not be kept. */
static void drop(struct perftrace_chrome_json *json) {
    perftrace_json_list_drop(&json->list, json->until);
    json->handing_out = false;
}

/* Up to when spans are to have ended before that event; if there is no room for one more, one has to make room out of its turn. */
static int64_t ends_before(struct perftrace_chrome_json *json, const struct perftrace_json_held *held) {
    bool room = held->kind > PERFTRACE_JSON_ASYNC || perftrace_json_make_room(&json->maker);
    return room ? held->start_ns : INT64_MAX;
}

/* The next item of those that are being handed out; NULL: there are no more. */
static const struct perftrace_item *next_of_list(struct perftrace_chrome_json *json) {
    while (json->at < json->until) {
        struct perftrace_json_held *held = perftrace_json_list_at(&json->list, json->at);
        const struct perftrace_item *item = perftrace_json_make_end(&json->maker, ends_before(json, held));
        if (item != NULL)
            return item;
        if (held->track->named || !held->track->introduced) {
            perftrace_json_names_describe(&json->names, held->track);
            return perftrace_json_make_track(&json->maker, held->track);
        }
        json->at++;
        item = perftrace_json_make(&json->maker, held);
        perftrace_json_list_give(&json->list, held);
        if (item != NULL || json->maker.no_room)
            return item;
    }
    if (json->read)
        return perftrace_json_make_end(&json->maker, INT64_MAX);
    drop(json);
    return NULL;
}

/* Tracks of which only the names are known, and those that got theirs late. */
static const struct perftrace_item *next_of_tracks(struct perftrace_chrome_json *json) {
    while (json->track_at < json->names.track_count) {
        struct perftrace_json_track *track = json->names.tracks[json->track_at++];
        if (!track->named && track->introduced)
            continue;
        perftrace_json_names_describe(&json->names, track);
        return perftrace_json_make_track(&json->maker, track);
    }
    return NULL;
}

/* Nothing more is being handed out: is that all? */
static void see_end(struct perftrace_chrome_json *json) {
    if (json->maker.no_room)
        fail(json);
    if (json->read || json->error.code != PERFTRACE_OK) {
        json->finished = true;
        tell_order(json);
    }
}

const struct perftrace_item *perftrace_chrome_json_next(struct perftrace_chrome_json *json) {
    while (!json->finished) {
        if (!json->handing_out)
            read_events(json);
        const struct perftrace_item *item = json->handing_out ? next_of_list(json) : NULL;
        if (item == NULL && json->read && !json->maker.no_room)
            item = next_of_tracks(json);
        if (item != NULL)
            return item;
        see_end(json);
    }
    return NULL;
}

/* The calls that end among those events that are being handed out, as many as there is room for. */
static size_t next_calls(struct perftrace_chrome_json *json) {
    size_t count = 0;
    while (json->at < json->until) {
        struct perftrace_json_held *held = perftrace_json_list_at(&json->list, json->at);
        while (perftrace_json_make_brief(&json->maker, ends_before(json, held), &json->calls[count],
                                         &json->briefs[count])) {
            json->calls[count].place = count;
            if (++count == PERFTRACE_JSON_BRIEFS)
                return count;
        }
        if (held->track->named || !held->track->introduced) {
            perftrace_json_names_describe(&json->names, held->track);
            held->track->introduced = true;
        }
        json->at++;
        perftrace_json_pass(&json->maker, held);
        perftrace_json_list_give(&json->list, held);
    }
    while (json->read && count < PERFTRACE_JSON_BRIEFS &&
           perftrace_json_make_brief(&json->maker, INT64_MAX, &json->calls[count], &json->briefs[count])) {
        json->calls[count].place = count;
        count++;
    }
    return count;
}

size_t perftrace_chrome_json_calls(struct perftrace_chrome_json *json, struct perftrace_call **calls) {
    *calls = json->calls;
    while (!json->finished) {
        if (!json->handing_out)
            read_events(json);
        size_t count = json->handing_out && !json->maker.no_room ? next_calls(json) : 0;
        if (count > 0)
            return count;
        if (json->handing_out && !json->read)
            drop(json);
        see_end(json);
    }
    return 0;
}

bool perftrace_chrome_json_fill(struct perftrace_chrome_json *json, struct perftrace_call *call,
                                const struct perftrace_site_info *site) {
    perftrace_json_fill(&json->maker, &json->briefs[call->place], call, site != NULL);
    return true;
}

/* ---- what is known ---------------------------------------------------------------------------------- */

const struct perftrace_error_info *perftrace_chrome_json_error(const struct perftrace_chrome_json *json) {
    return json->error.code == PERFTRACE_OK ? NULL : &json->error;
}

struct perftrace_trace_info *perftrace_chrome_json_info(struct perftrace_chrome_json *json) {
    return &json->info;
}

size_t perftrace_chrome_json_site_count(const struct perftrace_chrome_json *json) {
    return json->names.site_count;
}

const struct perftrace_site_info *perftrace_chrome_json_site(const struct perftrace_chrome_json *json,
                                                             size_t index) {
    return index < json->names.site_count ? &json->names.sites[index]->info : NULL;
}

size_t perftrace_chrome_json_track_count(const struct perftrace_chrome_json *json) {
    return json->names.track_count;
}

const struct perftrace_track_info *perftrace_chrome_json_track(const struct perftrace_chrome_json *json,
                                                               size_t index) {
    return index < json->names.track_count ? &json->names.tracks[index]->info : NULL;
}
