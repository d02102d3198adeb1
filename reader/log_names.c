/* Functions, argument names and tracks of a log, each kept once. */
#include "log_names.h"

#include "../core/hash.h"
#include "../core/text.h"
#include "names.h"

#include <stdlib.h>
#include <string.h>

enum { KIND_SPAN = 1 }; /* of a site, as in the format */

/* The slot of the name, or the free one where it would go: the table is at most half full. */
static struct perftrace_log_slot *probe(const struct perftrace_log_names *names, uint64_t hash,
                                        const char *raw, size_t length) {
    for (size_t at = (size_t)hash;; at++) {
        struct perftrace_log_slot *slot = &names->slots[at & (names->slot_count - 1)];
        if (slot->site == NULL || (slot->hash == hash && slot->site->raw_length == length &&
                                   memcmp(slot->site->raw, raw, length) == 0))
            return slot;
    }
}

static bool grow_slots(struct perftrace_log_names *names) {
    struct perftrace_log_names bigger = {.slot_count = names->slot_count == 0 ? 256 : names->slot_count * 2};
    bigger.slots = calloc(bigger.slot_count, sizeof *bigger.slots);
    if (bigger.slots == NULL)
        return false;
    for (size_t i = 0; i < names->slot_count; i++) {
        const struct perftrace_log_slot *old = &names->slots[i];
        if (old->site == NULL)
            continue;
        *probe(&bigger, old->hash, old->site->raw, old->site->raw_length) = *old;
    }
    free(names->slots);
    names->slots = bigger.slots;
    names->slot_count = bigger.slot_count;
    return true;
}

/* Keeps the name as written in *raw (with `end` after it) and, without its escapes, in *text. */
static bool keep_name(struct perftrace_arena *arena, const char *bytes, size_t length, const char *end,
                      const char **raw, struct perftrace_text *text) {
    size_t end_length = strlen(end);
    char *copy = perftrace_arena_take(arena, length + end_length + 8); /* 8: read a word at a time */
    char *plain = perftrace_arena_take(arena, length + 1);
    if (copy == NULL || plain == NULL)
        return false;
    memcpy(copy, bytes, length);
    memcpy(copy + length, end, end_length);
    memcpy(plain, bytes, length);
    size_t plain_length = perftrace_unescape(plain, length);
    plain[plain_length] = '\0';
    *raw = copy;
    *text = (struct perftrace_text){plain, plain_length};
    return true;
}

/* Where a site is kept, if it is the last one of its kind. */
static struct perftrace_log_site **recent(struct perftrace_log_names *names, const char *raw, size_t length) {
    uint64_t start = perftrace_log_word(raw) & perftrace_log_mask(length);
    uint64_t end = length > 8 ? perftrace_log_word(raw + length - 8) : 0;
    uint64_t kind = (start ^ (end << 1) ^ length) * UINT64_C(0x9e3779b97f4a7c15);
    return &names->recent[kind >> 32 & (PERFTRACE_LOG_RECENT_SITES - 1)];
}

static struct perftrace_log_site *find_site(struct perftrace_log_names *names, const char *raw,
                                            size_t length) {
    if (names->hash_key == 0)
        names->hash_key = perftrace_hash_key();
    uint64_t hash = perftrace_hash_text(names->hash_key, raw, length);
    struct perftrace_log_slot *slot = names->slot_count == 0 ? NULL : probe(names, hash, raw, length);
    if (slot != NULL && slot->site != NULL)
        return slot->site;
    if (names->site_count >= names->slot_count / 2) {
        if (!grow_slots(names))
            return NULL;
        slot = probe(names, hash, raw, length);
    }
    struct perftrace_log_site **sites =
        perftrace_names_grow_list(NULL, names->sites, names->site_count, &names->site_capacity);
    if (sites == NULL)
        return NULL;
    names->sites = sites;
    struct perftrace_log_site *site = perftrace_arena_take(&names->arena, sizeof *site);
    if (site == NULL || !keep_name(&names->arena, raw, length, "", &site->raw, &site->info.name))
        return NULL;
    static const struct perftrace_text empty = {"", 0};
    site->raw_length = length;
    site->info.kind = KIND_SPAN;
    site->info.target = site->info.file = site->info.function = empty;
    names->sites[names->site_count++] = site;
    site->info.id = (uint32_t)names->site_count;
    *slot = (struct perftrace_log_slot){hash, site};
    return site;
}

struct perftrace_log_site *perftrace_log_names_site(struct perftrace_log_names *names, const char *raw,
                                                    size_t length) {
    struct perftrace_log_site **place = recent(names, raw, length);
    if (*place == NULL || (*place)->raw_length != length || memcmp((*place)->raw, raw, length) != 0) {
        struct perftrace_log_site *site = find_site(names, raw, length);
        if (site == NULL)
            return NULL;
        *place = site;
    }
    return *place;
}

const struct perftrace_track_info *perftrace_log_names_track(struct perftrace_log_names *names, uint32_t id) {
    struct perftrace_track_info *track = perftrace_map_find(&names->tracks_by_id, 0, id);
    if (track != NULL)
        return track;
    struct perftrace_track_info **tracks =
        perftrace_names_grow_list(NULL, names->tracks, names->track_count, &names->track_capacity);
    if (tracks == NULL)
        return NULL;
    names->tracks = tracks;
    track = perftrace_arena_take(&names->arena, sizeof *track);
    if (track == NULL || !perftrace_map_put(&names->tracks_by_id, 0, id, track))
        return NULL;
    track->id = id;
    track->kind = PERFTRACE_ON_THREAD;
    track->name.bytes = "";
    return names->tracks[names->track_count++] = track;
}

int perftrace_log_names_key(struct perftrace_log_names *names, struct perftrace_log_site *site,
                            const char *raw, size_t length, bool metric, uint8_t type) {
    int count = site->info.argument_count;
    for (int i = 0; i < count; i++)
        if (site->keys[i].raw_length == length && site->keys[i].metric == metric &&
            memcmp(site->keys[i].raw, raw, length) == 0)
            return i;
    if (count == site->capacity) {
        void *keys = perftrace_names_grow_keys(&names->arena, &site->info, site->keys, sizeof *site->keys,
                                               &site->arguments, &site->capacity);
        if (keys == NULL)
            return -1;
        site->keys = keys;
    }
    struct perftrace_log_key *key = &site->keys[count];
    struct perftrace_argument_info *argument = &site->arguments[count];
    if (!keep_name(&names->arena, raw, length, "=", &key->raw, &argument->name))
        return -1;
    argument->type = type;
    argument->metric = metric;
    key->raw_length = (uint32_t)length;
    key->metric = metric;
    key->start_mask = perftrace_log_mask(length + 1);
    key->start = perftrace_log_word(key->raw) & key->start_mask;
    site->info.argument_count++;
    return count;
}

bool perftrace_log_names_shape(struct perftrace_log_names *names, struct perftrace_log_site *site,
                               uint64_t shape, const char *fields, unsigned count) {
    unsigned found = 0;
    site->shape = 0; /* the secret makes it improbable for one to be found */
    for (const char *at = fields; found < count;) {
        const char *name = at + 1, *equals = perftrace_log_find_equals(name);
        size_t length = (size_t)(equals - name);
        for (at = equals + 1; *at >= '0' && *at <= '9'; at++)
            ;
        if (perftrace_log_kind_of(name, length) != PERFTRACE_LOG_FIELD_METRIC)
            continue;
        int index = perftrace_log_names_key(names, site, name, length, true, PERFTRACE_TYPE_SIGNED);
        if (index < 0)
            return false;
        site->shape_keys[found++] = (uint8_t)index;
    }
    site->shape = shape;
    return true;
}

void perftrace_log_names_free(struct perftrace_log_names *names) {
    free(names->slots);
    free(names->sites);
    free(names->tracks);
    perftrace_map_free(&names->tracks_by_id);
    perftrace_arena_free(&names->arena);
}
