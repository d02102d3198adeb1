/* Sites, argument names and tracks of a Chrome JSON file, each kept once. */
#include "chrome_json_names.h"

#include "../core/hash.h"
#include "names.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool perftrace_json_names_open(struct perftrace_json_names *names, struct perftrace_budget *budget,
                               size_t bytes_max) {
    *names = (struct perftrace_json_names){.budget = budget, .hash_key = perftrace_hash_key()};
    names->arena.bytes_max = bytes_max;
    names->arena.budget = names->processes.budget = names->by_thread.budget = budget;
    return true;
}

void perftrace_json_names_free(struct perftrace_json_names *names) {
    free(names->slots);
    free(names->sites);
    free(names->tracks);
    perftrace_map_free(&names->processes);
    perftrace_map_free(&names->by_thread);
    perftrace_arena_free(&names->arena);
}

/* As it stands, with bytes behind it that may be read. */
static bool keep_raw(struct perftrace_json_names *names, const struct perftrace_json_text *text,
                     struct perftrace_json_text *copy) {
    char *bytes = perftrace_arena_take(&names->arena, (size_t)text->length + 8);
    if (bytes == NULL)
        return false;
    memcpy(bytes, text->bytes, text->length);
    *copy = *text;
    copy->bytes = bytes;
    return true;
}

bool perftrace_json_names_text(struct perftrace_json_names *names, const struct perftrace_json_text *text,
                               struct perftrace_text *copy) {
    *copy = (struct perftrace_text){"", 0};
    if (text->length == 0)
        return true;
    char *bytes = perftrace_arena_take(&names->arena, (size_t)text->length + 1);
    if (bytes == NULL)
        return false;
    *copy = (struct perftrace_text){bytes, perftrace_json_unescape(text, bytes)};
    return true;
}

/* ---- sites ----------------------------------------------------------------------------------------- */

struct asked {
    uint64_t hash;
    uint8_t kind, phase;
    const struct perftrace_json_text *name, *category, *series;
};

static inline bool is_asked(const struct perftrace_json_site *site, const struct asked *asked) {
    return perftrace_json_same(&site->name, asked->name) &&
           perftrace_json_same(&site->category, asked->category) &&
           perftrace_json_same(&site->series, asked->series) && site->info.kind == asked->kind &&
           site->info.phase == asked->phase;
}

static struct perftrace_json_slot *probe(const struct perftrace_json_names *names,
                                         const struct asked *asked) {
    for (size_t at = (size_t)asked->hash;; at++) {
        struct perftrace_json_slot *slot = &names->slots[at & (names->slot_count - 1)];
        if (slot->site == NULL || (slot->hash == asked->hash && is_asked(slot->site, asked)))
            return slot;
    }
}

static bool grow_slots(struct perftrace_json_names *names) {
    size_t count = names->slot_count == 0 ? 256 : names->slot_count * 2;
    if (!perftrace_budget_take(names->budget, count * sizeof *names->slots))
        return false;
    struct perftrace_json_slot *slots = calloc(count, sizeof *slots);
    if (slots == NULL) {
        perftrace_budget_give(names->budget, count * sizeof *slots);
        return false;
    }
    for (size_t i = 0; i < names->slot_count; i++) {
        if (names->slots[i].site == NULL)
            continue;
        size_t at = (size_t)names->slots[i].hash & (count - 1);
        while (slots[at].site != NULL)
            at = (at + 1) & (count - 1);
        slots[at] = names->slots[i];
    }
    perftrace_budget_give(names->budget, names->slot_count * sizeof *slots);
    free(names->slots);
    names->slots = slots;
    names->slot_count = count;
    return true;
}

/* name.series */
static bool join(struct perftrace_json_names *names, struct perftrace_text *name,
                 const struct perftrace_json_text *series) {
    struct perftrace_text more;
    if (series->length == 0)
        return true;
    if (!perftrace_json_names_text(names, series, &more))
        return false;
    char *joined = perftrace_arena_take(&names->arena, name->length + more.length + 2);
    if (joined == NULL)
        return false;
    memcpy(joined, name->bytes, name->length);
    joined[name->length] = '.';
    memcpy(joined + name->length + 1, more.bytes, more.length);
    *name = (struct perftrace_text){joined, name->length + 1 + more.length};
    return true;
}

static struct perftrace_json_site *make_site(struct perftrace_json_names *names, const struct asked *asked) {
    static const struct perftrace_text empty = {"", 0};
    if (names->site_count == UINT32_MAX / 2)
        return NULL;
    struct perftrace_json_site **sites =
        perftrace_names_grow_list(names->budget, names->sites, names->site_count, &names->site_capacity);
    if (sites == NULL)
        return NULL;
    names->sites = sites;
    struct perftrace_json_site *site = perftrace_arena_take(&names->arena, sizeof *site);
    if (site == NULL || !keep_raw(names, asked->name, &site->name) ||
        !keep_raw(names, asked->category, &site->category) ||
        !keep_raw(names, asked->series, &site->series) ||
        !perftrace_json_names_text(names, &site->name, &site->info.name) ||
        !perftrace_json_names_text(names, &site->category, &site->info.target) ||
        !join(names, &site->info.name, &site->series))
        return NULL;
    site->info.kind = asked->kind;
    site->info.phase = asked->phase;
    site->info.file = site->info.function = empty;
    names->sites[names->site_count++] = site;
    site->info.id = (uint32_t)names->site_count;
    return site;
}

static struct perftrace_json_site *find_or_make(struct perftrace_json_names *names, struct asked *asked) {
    const struct perftrace_json_text *name = asked->name, *category = asked->category,
                                     *series = asked->series;
    asked->hash = perftrace_hash_text(names->hash_key + asked->kind, name->bytes, name->length);
    asked->hash = perftrace_hash_text(asked->hash + asked->phase, category->bytes, category->length);
    if (series->length > 0)
        asked->hash = perftrace_hash_text(asked->hash, series->bytes, series->length);
    struct perftrace_json_slot *slot = names->slot_count == 0 ? NULL : probe(names, asked);
    if (slot != NULL && slot->site != NULL)
        return slot->site;
    if (names->site_count >= names->slot_count / 2) {
        if (!grow_slots(names))
            return NULL;
        slot = probe(names, asked);
    }
    struct perftrace_json_site *site = make_site(names, asked);
    if (site != NULL)
        *slot = (struct perftrace_json_slot){asked->hash, site};
    return site;
}

/* Where a site of this name is put that was asked for lately. Two of one place only cost time. */
static struct perftrace_json_site **recent_place(struct perftrace_json_names *names, uint8_t kind,
                                                 const struct perftrace_json_text *name) {
    uint64_t first = name->length, last = 0;
    if (name->length >= 8) {
        memcpy(&first, name->bytes, sizeof first);
        memcpy(&last, name->bytes + name->length - 8, sizeof last);
    } else {
        memcpy(&last, name->bytes, name->length);
    }
    uint64_t hash = (first ^ name->length ^ (uint64_t)kind << 8) * UINT64_C(0x9e3779b97f4a7c15);
    return &names->recent[((hash >> 32 ^ last) * UINT64_C(0xa0761d6478bd642f)) >> 56];
}

struct perftrace_json_site *perftrace_json_names_site(struct perftrace_json_names *names, uint8_t kind,
                                                      uint8_t phase, const struct perftrace_json_text *name,
                                                      const struct perftrace_json_text *category,
                                                      const struct perftrace_json_text *series) {
    struct asked asked = {.kind = kind, .phase = phase, .name = name, .category = category, .series = series};
    struct perftrace_json_site **recent = recent_place(names, kind, name), *site = *recent;
    if (site == NULL || !is_asked(site, &asked))
        *recent = site = find_or_make(names, &asked);
    return site;
}

int perftrace_json_names_key(struct perftrace_json_names *names, struct perftrace_json_site *site,
                             const struct perftrace_json_text *key, bool metric, uint8_t type) {
    int count = site->info.argument_count;
    for (int i = 0; i < count; i++)
        if (site->keys[i].metric == metric && perftrace_json_same(&site->keys[i].raw, key))
            return i;
    if (count == site->capacity) {
        void *keys = perftrace_names_grow_keys(&names->arena, &site->info, site->keys, sizeof *site->keys,
                                               &site->arguments, &site->capacity);
        if (keys == NULL)
            return -1;
        site->keys = keys;
    }
    struct perftrace_json_text raw;
    struct perftrace_argument_info *argument = &site->arguments[count];
    if (!keep_raw(names, key, &raw) || !perftrace_json_names_text(names, key, &argument->name))
        return -1;
    argument->type = type;
    argument->metric = metric;
    site->keys[count] = (struct perftrace_json_key){.raw = raw, .metric = metric};
    site->info.argument_count++;
    return count;
}

/* ---- processes and tracks -------------------------------------------------------------------------- */

uint64_t perftrace_json_names_id(const struct perftrace_json_names *names,
                                 const struct perftrace_json_text *text) {
    uint64_t number;
    if (perftrace_json_integer(text, &number))
        return number;
    return perftrace_hash_text(names->hash_key, text->bytes, text->length);
}

struct perftrace_json_process *perftrace_json_names_process(struct perftrace_json_names *names,
                                                            const struct perftrace_json_text *pid) {
    uint64_t id = perftrace_json_names_id(names, pid), number;
    struct perftrace_json_process *process = perftrace_map_find(&names->processes, 0, id);
    if (process != NULL)
        return process;
    process = perftrace_arena_take(&names->arena, sizeof *process);
    if (process == NULL || !perftrace_map_put(&names->processes, 0, id, process))
        return NULL;
    process->name = (struct perftrace_text){"", 0};
    process->pid = perftrace_json_integer(pid, &number) && number <= UINT32_MAX ? (uint32_t)number : 0;
    process->number = (uint32_t)++names->process_count;
    return process;
}

static struct perftrace_json_track *make_track(struct perftrace_json_names *names,
                                               struct perftrace_json_process *process,
                                               const struct perftrace_json_text *tid, uint64_t id) {
    if (names->track_count == UINT32_MAX / 2)
        return NULL;
    struct perftrace_json_track **tracks =
        perftrace_names_grow_list(names->budget, names->tracks, names->track_count, &names->track_capacity);
    if (tracks == NULL)
        return NULL;
    names->tracks = tracks;
    struct perftrace_json_track *track = perftrace_arena_take(&names->arena, sizeof *track);
    if (track == NULL || !perftrace_map_put(&names->by_thread, process->number, id, track))
        return NULL;
    uint64_t number;
    track->process = process;
    track->info.kind = PERFTRACE_ON_THREAD;
    track->info.name = track->own_name = (struct perftrace_text){"", 0};
    if (perftrace_json_integer(tid, &number))
        track->info.os_id = number;
    else if (!perftrace_json_names_text(names, tid, &track->own_name))
        track->own_name = (struct perftrace_text){"", 0};
    track->named = true;
    track->last_start_ns = track->latest_ns = track->made_ns = INT64_MIN;
    names->tracks[names->track_count++] = track;
    track->info.id = (uint32_t)names->track_count;
    return track;
}

/* Notes the ids as the last ones, if they are short. */
static void remember(struct perftrace_json_names *names, const struct perftrace_json_text *pid,
                     const struct perftrace_json_text *tid, struct perftrace_json_track *track) {
    if (pid->length + tid->length + 8 > sizeof names->last_ids)
        return;
    names->last_pid = *pid;
    names->last_tid = *tid;
    names->last_pid.bytes = memcpy(names->last_ids, pid->bytes, pid->length);
    names->last_tid.bytes = memcpy(names->last_ids + pid->length, tid->bytes, tid->length);
    names->last_track = track;
}

struct perftrace_json_track *perftrace_json_names_track(struct perftrace_json_names *names,
                                                        const struct perftrace_json_text *pid,
                                                        const struct perftrace_json_text *tid) {
    if (names->last_track != NULL && perftrace_json_same(pid, &names->last_pid) &&
        perftrace_json_same(tid, &names->last_tid))
        return names->last_track;
    struct perftrace_json_process *process = perftrace_json_names_process(names, pid);
    if (process == NULL)
        return NULL;
    uint64_t id = perftrace_json_names_id(names, tid);
    struct perftrace_json_track *track = perftrace_map_find(&names->by_thread, process->number, id);
    if (track == NULL)
        track = make_track(names, process, tid, id);
    if (track != NULL)
        remember(names, pid, tid, track);
    return track;
}

bool perftrace_json_names_describe(struct perftrace_json_names *names, struct perftrace_json_track *track) {
    const struct perftrace_json_process *process = track->process;
    track->named = false;
    track->info.name = track->own_name;
    if (names->process_count < 2 || process->name.length == 0)
        return true;
    struct perftrace_text own = track->own_name;
    size_t length = process->name.length + (own.length > 0 ? own.length + 1 : 0);
    char *name = perftrace_arena_take(&names->arena, length + 1);
    if (name == NULL)
        return false;
    memcpy(name, process->name.bytes, process->name.length);
    if (own.length > 0) {
        name[process->name.length] = '/';
        memcpy(name + process->name.length + 1, own.bytes, own.length);
    }
    track->info.name = (struct perftrace_text){name, length};
    return true;
}
