/* What each event of a Chrome JSON file becomes. */
#include "chrome_json_take.h"

#include "../core/hash.h"
#include "../format/format.h"

#include <string.h>

static const struct perftrace_json_text nothing = {.bytes = "\0\0\0\0\0\0\0"};

void perftrace_chrome_json_note(struct perftrace_chrome_json *json, enum perftrace_json_note note,
                                uint64_t offset) {
    if (json->notes[note]++ == 0)
        json->first[note] = offset;
}

static bool is(const struct perftrace_json_text *text, const char *word) {
    return text->length == strlen(word) && memcmp(text->bytes, word, text->length) == 0;
}

/* ---- what all events have --------------------------------------------------------------------------- */

/* One event on its way. */
struct taking {
    struct perftrace_chrome_json *json;
    const struct perftrace_json_event *event;
    struct perftrace_json_track *track;
    uint64_t offset;
};

static bool no_room(const struct taking *taking) {
    perftrace_chrome_json_note(taking->json, PERFTRACE_JSON_NO_ROOM, taking->offset);
    return true;
}

static struct perftrace_json_site *site_of(const struct taking *taking, uint8_t kind, uint8_t phase) {
    return perftrace_json_names_site(&taking->json->names, kind, phase, &taking->event->name,
                                     &taking->event->category, &nothing);
}

/* The args of the event; `metrics` as for perftrace_json_pack. */
static bool pack(const struct taking *taking, struct perftrace_json_site *site, size_t metrics,
                 struct perftrace_json_blob **blob) {
    uint64_t left_out = 0;
    bool fine = perftrace_json_pack(&taking->json->store, &taking->json->names, site, taking->event, metrics,
                                    blob, &left_out);
    if (left_out > 0)
        perftrace_chrome_json_note(taking->json, PERFTRACE_JSON_ARGS_LEFT_OUT, taking->offset);
    return fine;
}

/* A place in the list for what has no end of its own; false: there is no room. */
static struct perftrace_json_held *hold(const struct taking *taking, enum perftrace_json_held_kind kind,
                                        struct perftrace_json_site *site) {
    struct perftrace_json_held *held = perftrace_json_list_add(&taking->json->list, taking->event->start.ns);
    if (held == NULL)
        return NULL;
    held->end_ns = taking->event->start.ns;
    held->args = held->end_args = NULL;
    held->site = site;
    held->track = taking->track;
    held->kind = (uint8_t)kind;
    held->unfinished = held->at_end = false;
    return held;
}

static void see_time(struct perftrace_json_track *track, int64_t ns) {
    if (ns > track->latest_ns)
        track->latest_ns = ns;
}

/* ---- spans ------------------------------------------------------------------------------------------ */

/* In which order the spans of this track stand that hold others. */
static void see_order(struct perftrace_chrome_json *json, struct perftrace_json_track *track,
                      int64_t start_ns, int64_t end_ns) {
    int64_t last_start_ns = track->last_start_ns, last_end_ns = track->last_end_ns;
    bool same = start_ns == last_start_ns && end_ns == last_end_ns;
    if (last_start_ns != INT64_MIN && !same) {
        bool holds_last = start_ns <= last_start_ns && end_ns >= last_end_ns;
        track->inner_first += holds_last;
        json->inner_first |= holds_last;
        track->outer_first += start_ns >= last_start_ns && end_ns <= last_end_ns;
    }
    track->last_start_ns = start_ns;
    track->last_end_ns = end_ns;
}

static bool begin(const struct taking *taking, bool async, uint64_t group, uint64_t id) {
    struct perftrace_json_site *site =
        site_of(taking, async ? PERFTRACE_RECORD_ASYNC_BEGIN : PERFTRACE_RECORD_BEGIN, 0);
    struct perftrace_json_mark mark = {.track = taking->track,
                                       .site = site,
                                       .ns = taking->event->start.ns,
                                       .offset = taking->offset,
                                       .async = async,
                                       .group = group,
                                       .id = id};
    if (site == NULL || !pack(taking, site, 0, &mark.args) ||
        !perftrace_json_pairs_begin(&taking->json->pairs, &mark))
        return no_room(taking);
    return true;
}

static bool end(const struct taking *taking, bool async, uint64_t group) {
    struct perftrace_json_mark mark = {.track = taking->track,
                                       .name = taking->event->name,
                                       .ns = taking->event->start.ns,
                                       .offset = taking->offset,
                                       .async = async,
                                       .group = group};
    struct perftrace_json_open *open = perftrace_json_pairs_match(&taking->json->pairs, &mark);
    mark.site = open != NULL
                    ? open->site
                    : site_of(taking, async ? PERFTRACE_RECORD_ASYNC_BEGIN : PERFTRACE_RECORD_BEGIN, 0);
    if (mark.site == NULL || !pack(taking, mark.site, SIZE_MAX, &mark.args) ||
        !perftrace_json_pairs_end(&taking->json->pairs, &mark, open))
        return no_room(taking);
    return true;
}

/* An X without a duration was still open when the recording ended. */
static bool complete(const struct taking *taking) {
    const struct perftrace_json_event *event = taking->event;
    struct perftrace_json_track *track = taking->track;
    if (!event->duration.there && !event->duration.wrong)
        return begin(taking, false, 0, 0);
    int64_t duration = event->duration.there ? event->duration.ns : 0;
    if (event->duration.wrong || duration < 0) {
        perftrace_chrome_json_note(taking->json, PERFTRACE_JSON_NEGATIVE, taking->offset);
        duration = 0;
    }
    struct perftrace_json_site *site = site_of(taking, PERFTRACE_RECORD_BEGIN, 0);
    struct perftrace_json_blob *blob;
    if (site == NULL || !pack(taking, site, event->own ? (size_t)event->metrics : 0, &blob))
        return no_room(taking);
    struct perftrace_json_held *held = hold(taking, PERFTRACE_JSON_SPAN, site);
    if (held == NULL) {
        perftrace_json_release(&taking->json->store, blob);
        return no_room(taking);
    }
    held->args = blob;
    held->end_ns = held->start_ns + duration;
    track->fine_times |= !event->duration.whole;
    see_time(track, held->end_ns);
    see_order(taking->json, track, held->start_ns, held->end_ns);
    return true;
}

/* ---- others ----------------------------------------------------------------------------------------- */

static bool instant(const struct taking *taking) {
    struct perftrace_json_site *site = site_of(taking, PERFTRACE_RECORD_EVENT, 0);
    struct perftrace_json_blob *blob;
    if (site == NULL || !pack(taking, site, 0, &blob))
        return no_room(taking);
    struct perftrace_json_held *held = hold(taking, PERFTRACE_JSON_EVENT, site);
    if (held != NULL)
        held->args = blob;
    else
        perftrace_json_release(&taking->json->store, blob);
    return held != NULL || no_room(taking);
}

static bool add_series(const struct taking *taking, const struct perftrace_json_text *series,
                       const struct perftrace_json_text *value) {
    static const struct perftrace_json_text key = {.bytes = "value\0\0", .length = 5, .quoted = true};
    struct perftrace_json_site *site =
        perftrace_json_names_site(&taking->json->names, PERFTRACE_RECORD_COUNTER, 0, &taking->event->name,
                                  &taking->event->category, is(series, "value") ? &nothing : series);
    struct perftrace_json_blob *blob;
    if (site == NULL ||
        !perftrace_json_pack_one(&taking->json->store, &taking->json->names, site, &key, value, &blob))
        return no_room(taking);
    struct perftrace_json_held *held = hold(taking, PERFTRACE_JSON_COUNTER, site);
    if (held != NULL)
        held->args = blob;
    else
        perftrace_json_release(&taking->json->store, blob);
    return held != NULL || no_room(taking);
}

/* A counter of the series `value` bears the event's name, others that and the series'. */
static bool counter(const struct taking *taking) {
    const char *at = taking->event->args, *end = taking->event->args_end;
    struct perftrace_json_text series, value;
    bool first = true;
    if (at == NULL || *at++ != '{')
        return true;
    while (perftrace_json_member(&at, end, &first, &series) == 1) {
        if (perftrace_json_scalar(&at, end, &value) != PERFTRACE_JSON_FINE)
            break;
        if (!add_series(taking, &series, &value))
            return false;
    }
    return true;
}

static bool flow(const struct taking *taking, uint8_t phase) {
    struct perftrace_json_site *site = site_of(taking, PERFTRACE_RECORD_FLOW, phase);
    struct perftrace_json_held *held = site == NULL ? NULL : hold(taking, PERFTRACE_JSON_FLOW, site);
    if (held == NULL)
        return no_room(taking);
    held->id = perftrace_json_names_id(&taking->json->names, &taking->event->id);
    return true;
}

/* Events of one category, scope and id belong together; of an id of its process only, those of that process. */
static uint64_t group_of(const struct taking *taking, uint64_t id) {
    const struct perftrace_json_event *event = taking->event;
    uint64_t hash = perftrace_hash_number(taking->json->names.hash_key, id);
    hash = perftrace_hash_text(hash, event->category.bytes, event->category.length);
    if (event->scope.length > 0)
        hash = perftrace_hash_text(hash, event->scope.bytes, event->scope.length);
    return event->local_id ? perftrace_hash_number(hash, taking->track->process->number) : hash;
}

/* ---- names ------------------------------------------------------------------------------------------ */

static bool name_argument(const struct perftrace_json_event *event, struct perftrace_json_text *name) {
    const char *at = event->args, *end = event->args_end;
    struct perftrace_json_text key;
    bool first = true;
    if (at == NULL || *at++ != '{')
        return false;
    while (perftrace_json_member(&at, end, &first, &key) == 1) {
        if (perftrace_json_scalar(&at, end, name) != PERFTRACE_JSON_FINE)
            return false;
        if (is(&key, "name"))
            return true;
    }
    return false;
}

static bool same_text(struct perftrace_text a, struct perftrace_text b) {
    return a.length == b.length && memcmp(a.bytes, b.bytes, a.length) == 0;
}

static bool name_process(const struct taking *taking, const struct perftrace_json_text *raw) {
    struct perftrace_chrome_json *json = taking->json;
    struct perftrace_json_process *process = perftrace_json_names_process(&json->names, &taking->event->pid);
    struct perftrace_text name;
    if (process == NULL || !perftrace_json_names_text(&json->names, raw, &name))
        return no_room(taking);
    if (same_text(process->name, name))
        return true;
    process->name = name;
    if (process->number == 1) {
        json->info.process_name = name;
        json->info.pid = process->pid;
    }
    for (size_t i = 0; i < json->names.track_count; i++)
        if (json->names.tracks[i]->process == process)
            json->names.tracks[i]->named = true;
    return true;
}

static bool metadata(const struct taking *taking) {
    const struct perftrace_json_event *event = taking->event;
    struct perftrace_json_text raw;
    bool process = is(&event->name, "process_name");
    if ((!process && !is(&event->name, "thread_name")) || !name_argument(event, &raw))
        return true;
    if (process)
        return name_process(taking, &raw);
    struct perftrace_json_track *track =
        perftrace_json_names_track(&taking->json->names, &event->pid, &event->tid);
    struct perftrace_text name;
    if (track == NULL || !perftrace_json_names_text(&taking->json->names, &raw, &name))
        return no_room(taking);
    track->named |= !same_text(track->own_name, name);
    track->own_name = name;
    return true;
}

/* ---------------------------------------------------------------------------------------------------- */

static bool take_kind(const struct taking *taking) {
    uint64_t id;
    switch (taking->event->phase) {
    case 'X':
        return complete(taking);
    case 'B':
        return begin(taking, false, 0, 0);
    case 'E':
        return end(taking, false, 0);
    case 'b':
    case 'S':
        id = perftrace_json_names_id(&taking->json->names, &taking->event->id);
        return begin(taking, true, group_of(taking, id), id);
    case 'e':
    case 'F':
        id = perftrace_json_names_id(&taking->json->names, &taking->event->id);
        return end(taking, true, group_of(taking, id));
    case 'i':
    case 'I':
    case 'R':
    case 'n':
    case 'T':
    case 'p':
        return instant(taking);
    case 'C':
        return counter(taking);
    case 's':
        return flow(taking, PERFTRACE_PHASE_BEGIN);
    case 't':
        return flow(taking, PERFTRACE_PHASE_STEP);
    default:
        return flow(taking, PERFTRACE_PHASE_END);
    }
}

bool perftrace_chrome_json_take(struct perftrace_chrome_json *json, const struct perftrace_json_event *event,
                                uint64_t offset) {
    struct taking taking = {.json = json, .event = event, .offset = offset};
    if (event->phase == 0) {
        perftrace_chrome_json_note(json, PERFTRACE_JSON_NO_PHASE, offset);
        return true;
    }
    json->info.records++;
    if (event->phase == 'M')
        return metadata(&taking);
    static const bool known[256] = {
        ['X'] = true, ['B'] = true, ['E'] = true, ['b'] = true, ['e'] = true, ['S'] = true,
        ['F'] = true, ['i'] = true, ['I'] = true, ['R'] = true, ['n'] = true, ['T'] = true,
        ['p'] = true, ['C'] = true, ['s'] = true, ['t'] = true, ['f'] = true};
    if (!known[(unsigned char)event->phase]) {
        json->info.skipped++;
        return true;
    }
    if (!event->start.there) {
        perftrace_chrome_json_note(json, PERFTRACE_JSON_NO_TIME, offset);
        return true;
    }
    taking.track = json->last_track;
    if (event->ids == 0 || event->ids != json->last_ids) {
        taking.track = perftrace_json_names_track(&json->names, &event->pid, &event->tid);
        if (taking.track == NULL)
            return no_room(&taking);
        json->last_track = taking.track;
        json->last_ids = event->ids;
    }
    if (json->info.pid == 0 && taking.track->process->number == 1)
        json->info.pid = taking.track->process->pid;
    taking.track->fine_times |= !event->start.whole;
    see_time(taking.track, event->start.ns);
    return take_kind(&taking);
}
