/* Sites and tracks: from blocks into tables. */
#include "tables.h"

#include "hash.h"

#include <stdlib.h>
#include <string.h>

static_assert((int)PERFTRACE_TYPE_SIGNED == (int)PERFTRACE_TYPE_I64 &&
                  (int)PERFTRACE_TYPE_UNSIGNED == (int)PERFTRACE_TYPE_U64 &&
                  (int)PERFTRACE_TYPE_DOUBLE == (int)PERFTRACE_TYPE_F64 &&
                  (int)PERFTRACE_TYPE_BOOLEAN == (int)PERFTRACE_TYPE_BOOL &&
                  (int)PERFTRACE_TYPE_STRING == (int)PERFTRACE_TYPE_TEXT &&
                  (int)PERFTRACE_TYPE_ADDRESS == (int)PERFTRACE_TYPE_POINTER,
              "types are copied from the file as they are");

/* Bytes of a payload that have not been read yet. */
struct rest {
    const unsigned char *at;
    size_t bytes;
};

static bool take(struct rest *rest, void *into, size_t bytes) {
    if (rest->bytes < bytes)
        return false;
    memcpy(into, rest->at, bytes);
    rest->at += bytes;
    rest->bytes -= bytes;
    return true;
}

/* Makes room for one more in an array of pointers. */
static bool reserve(struct perftrace_budget *budget, void *array_pointer, size_t count, size_t *capacity) {
    void **array;
    memcpy(&array, array_pointer, sizeof array);
    if (count < *capacity)
        return true;
    size_t bigger = *capacity == 0 ? 64 : *capacity * 2, more = (bigger - *capacity) * sizeof *array;
    if (!perftrace_budget_take(budget, more))
        return false;
    array = realloc(array, bigger * sizeof *array);
    if (array == NULL) {
        perftrace_budget_give(budget, more);
        return false;
    }
    memcpy(array_pointer, &array, sizeof array);
    *capacity = bigger;
    return true;
}

/* What comes with a page of sites: the entries' addresses, and the shapes of their records. */
#define PAGE_BYTES                                                                                           \
    (PERFTRACE_SHAPES_PER_PAGE * (sizeof(struct perftrace_site_entry *) + sizeof(struct perftrace_shape)))

void perftrace_tables_limit(struct perftrace_tables *tables, struct perftrace_budget *budget) {
    tables->budget = tables->arena.budget = tables->groups.budget = tables->tracks_by_id.budget = budget;
    tables->arena.bytes_max = SIZE_MAX;
}

/* ---- sites ---------------------------------------------------------------------------------------- */

struct site_block {
    struct perftrace_block_site fixed;
    struct perftrace_format_argument arguments[PERFTRACE_ARGUMENTS_MAX];
    struct rest texts;
};

static const char *check_site(const struct site_block *block) {
    const struct perftrace_block_site *site = &block->fixed;
    size_t text_bytes =
        (size_t)site->name_bytes + site->target_bytes + site->file_bytes + site->function_bytes;
    for (unsigned i = 0; i < site->argument_count; i++) {
        text_bytes += block->arguments[i].name_bytes;
        if (block->arguments[i].type < PERFTRACE_TYPE_I64 ||
            block->arguments[i].type > PERFTRACE_TYPE_POINTER)
            return "an argument of unknown type";
    }
    if (text_bytes > block->texts.bytes)
        return "texts longer than the block";
    if (site->id == 0 || site->id > PERFTRACE_SITE_MASK)
        return "an id out of range";
    if (site->kind == PERFTRACE_RECORD_NONE || site->kind == PERFTRACE_RECORD_END ||
        site->kind >= PERFTRACE_RECORD_REBASE)
        return "an unknown kind";
    if ((site->kind == PERFTRACE_RECORD_COUNTER || site->kind == PERFTRACE_RECORD_TRACK_COUNTER) &&
        (site->argument_count != 1 || block->arguments[0].type == PERFTRACE_TYPE_TEXT))
        return "a counter without exactly one number";
    if ((site->kind == PERFTRACE_RECORD_FLOW &&
         (site->phase < PERFTRACE_PHASE_BEGIN || site->phase > PERFTRACE_PHASE_END)) ||
        (site->kind == PERFTRACE_RECORD_MEMORY && site->phase != PERFTRACE_PHASE_BEGIN &&
         site->phase != PERFTRACE_PHASE_END))
        return "an unknown phase";
    return NULL;
}

static const char *parse_site(struct site_block *block, const void *payload, size_t bytes) {
    struct rest rest = {payload, bytes};
    if (!take(&rest, &block->fixed, sizeof block->fixed))
        return "a block that is too short";
    if (block->fixed.argument_count > PERFTRACE_ARGUMENTS_MAX ||
        !take(&rest, block->arguments, block->fixed.argument_count * sizeof block->arguments[0]))
        return "more arguments than there can be";
    block->texts = rest;
    return check_site(block);
}

/* `like`: where the same text may have been kept already; or NULL. */
static bool take_text(struct perftrace_arena *arena, struct rest *rest, size_t length,
                      const struct perftrace_text *like, struct perftrace_text *text) {
    bool fits = true;
    if (like != NULL && like->length == length && memcmp(like->bytes, rest->at, length) == 0)
        *text = *like;
    else
        fits = perftrace_arena_text(arena, rest->at, length, text);
    rest->at += length;
    rest->bytes -= length;
    return fits;
}

static struct perftrace_site_entry *make_entry(struct perftrace_tables *tables,
                                               const struct site_block *block) {
    const struct perftrace_block_site *fixed = &block->fixed;
    const struct perftrace_site_info *like = tables->last != NULL ? &tables->last->info : NULL;
    struct perftrace_arena *arena = &tables->arena;
    struct perftrace_site_entry *entry =
        perftrace_arena_take(arena, sizeof *entry + fixed->argument_count * sizeof entry->arguments[0]);
    if (entry == NULL)
        return NULL;
    entry->info = (struct perftrace_site_info){.kind = fixed->kind,
                                               .phase = fixed->phase,
                                               .level = fixed->level,
                                               .argument_count = fixed->argument_count,
                                               .line = fixed->line,
                                               .arguments = entry->arguments};
    entry->record_kind = fixed->kind;
    entry->first_argument = (uint8_t)(1 + perftrace_record_fixed_words(fixed->kind));
    entry->words = (uint8_t)(entry->first_argument + fixed->argument_count);
    struct rest rest = block->texts;
    if (!take_text(arena, &rest, fixed->name_bytes, like != NULL ? &like->name : NULL, &entry->info.name) ||
        !take_text(arena, &rest, fixed->target_bytes, like != NULL ? &like->target : NULL,
                   &entry->info.target) ||
        !take_text(arena, &rest, fixed->file_bytes, like != NULL ? &like->file : NULL, &entry->info.file) ||
        !take_text(arena, &rest, fixed->function_bytes, like != NULL ? &like->function : NULL,
                   &entry->info.function))
        return NULL;
    for (unsigned i = 0; i < fixed->argument_count; i++) {
        entry->arguments[i].type = block->arguments[i].type;
        entry->arguments[i].metric = block->arguments[i].role == PERFTRACE_ROLE_METRIC;
        if (block->arguments[i].type == PERFTRACE_TYPE_TEXT)
            entry->texts |= (uint16_t)(1u << i);
        if (!take_text(arena, &rest, block->arguments[i].name_bytes, NULL, &entry->arguments[i].name))
            return NULL;
    }
    return entry;
}

static bool same_text(struct perftrace_text a, struct perftrace_text b) {
    return a.length == b.length && memcmp(a.bytes, b.bytes, a.length) == 0;
}

/* Finds or starts the group of sites with this name and target. Names that merely hash alike, which nobody can bring
 * about, are told apart by the map's groups. */
static bool join_group(struct perftrace_tables *tables, struct perftrace_site_entry *entry) {
    if (tables->hash_key == 0)
        tables->hash_key = perftrace_hash_key();
    uint64_t hash = perftrace_hash_text(tables->hash_key, entry->info.name.bytes, entry->info.name.length);
    hash = perftrace_hash_text(hash, entry->info.target.bytes, entry->info.target.length);
    for (uint32_t attempt = 0;; attempt++) {
        const struct perftrace_site_entry *other = perftrace_map_find(&tables->groups, attempt, hash);
        if (other == NULL) {
            entry->group = entry->info.id;
            return perftrace_map_put(&tables->groups, attempt, hash, entry);
        }
        if (same_text(other->info.name, entry->info.name) &&
            same_text(other->info.target, entry->info.target)) {
            entry->group = other->group;
            return true;
        }
    }
}

static bool add_shape(struct perftrace_tables *tables, uint32_t id,
                      const struct perftrace_site_entry *entry) {
    struct perftrace_shape *shape = perftrace_shapes_add(&tables->shapes, id);
    if (shape == NULL)
        return false;
    shape->kind = entry->record_kind;
    shape->argument_count = entry->info.argument_count;
    for (unsigned i = 0; i < entry->info.argument_count; i++)
        shape->types[i] = entry->arguments[i].type;
    perftrace_shape_is_known(shape);
    return true;
}

static const char *compare(const struct perftrace_site_entry *known, const struct site_block *block) {
    const struct perftrace_block_site *fixed = &block->fixed;
    bool same =
        known->record_kind == fixed->kind && known->info.phase == fixed->phase &&
        known->info.argument_count == fixed->argument_count && known->info.name.length == fixed->name_bytes &&
        known->info.target.length == fixed->target_bytes &&
        memcmp(known->info.name.bytes, block->texts.at, fixed->name_bytes) == 0 &&
        memcmp(known->info.target.bytes, block->texts.at + fixed->name_bytes, fixed->target_bytes) == 0;
    for (unsigned i = 0; same && i < fixed->argument_count; i++)
        same = known->arguments[i].type == block->arguments[i].type;
    return same ? NULL : "an id that another site has";
}

enum perftrace_table_result perftrace_tables_add_site(struct perftrace_tables *tables, const void *payload,
                                                      size_t bytes, const char **why) {
    struct site_block block;
    *why = parse_site(&block, payload, bytes);
    if (*why != NULL)
        return PERFTRACE_TABLE_BAD;
    uint32_t id = block.fixed.id;
    const struct perftrace_site_entry *known = perftrace_tables_site(tables, id);
    if (known != NULL) {
        *why = compare(known, &block);
        return *why == NULL ? PERFTRACE_TABLE_KNOWN : PERFTRACE_TABLE_BAD;
    }
    struct perftrace_site_entry ***page = &tables->site_pages[id / PERFTRACE_SHAPES_PER_PAGE];
    if (*page == NULL && perftrace_budget_take(tables->budget, PAGE_BYTES))
        *page = calloc(PERFTRACE_SHAPES_PER_PAGE, sizeof **page);
    struct perftrace_site_entry *entry = *page != NULL ? make_entry(tables, &block) : NULL;
    if (entry == NULL || !reserve(tables->budget, &tables->sites, tables->site_count, &tables->site_capacity))
        return PERFTRACE_TABLE_FULL;
    entry->info.id = (uint32_t)tables->site_count + 1;
    if (!join_group(tables, entry) || !add_shape(tables, id, entry))
        return PERFTRACE_TABLE_FULL;
    tables->sites[tables->site_count++] = entry;
    (*page)[id % PERFTRACE_SHAPES_PER_PAGE] = entry;
    tables->last = entry;
    return PERFTRACE_TABLE_ADDED;
}

/* ---- tracks --------------------------------------------------------------------------------------- */

struct perftrace_track_state *perftrace_tables_track(const struct perftrace_tables *tables, uint32_t id) {
    return perftrace_map_find(&tables->tracks_by_id, 0, id);
}

struct perftrace_track_state *perftrace_tables_make_track(struct perftrace_tables *tables, uint32_t id) {
    struct perftrace_track_state *track = perftrace_arena_take(&tables->arena, sizeof *track);
    /* Where its records are merged, too, there is a pointer for it. */
    if (track == NULL || !perftrace_budget_take(tables->budget, 2 * sizeof track) ||
        !reserve(tables->budget, &tables->tracks, tables->track_count, &tables->track_capacity) ||
        !perftrace_map_put(&tables->tracks_by_id, 0, id, track))
        return NULL;
    track->info = (struct perftrace_track_info){.id = id, .kind = PERFTRACE_ON_THREAD, .name = {"", 0}};
    tables->tracks[tables->track_count++] = track;
    return track;
}

uint64_t *perftrace_tables_losses(struct perftrace_tables *tables, struct perftrace_track_state *track) {
    if (track->lost == NULL)
        track->lost = perftrace_arena_take(&tables->arena, PERFTRACE_LOSS_CAUSES * sizeof *track->lost);
    return track->lost;
}

enum perftrace_table_result perftrace_tables_add_track(struct perftrace_tables *tables, const void *payload,
                                                       size_t bytes, struct perftrace_track_state **track,
                                                       const char **why) {
    struct perftrace_block_track block;
    struct rest rest = {payload, bytes};
    *why = NULL;
    if (!take(&rest, &block, sizeof block))
        *why = "a block that is too short";
    else if (block.name_bytes > rest.bytes)
        *why = "a name longer than the block";
    else if (block.kind < PERFTRACE_TRACK_THREAD || block.kind > PERFTRACE_TRACK_ASYNC)
        *why = "an unknown kind";
    if (*why != NULL)
        return PERFTRACE_TABLE_BAD;
    *track = perftrace_tables_track(tables, block.id);
    bool fresh = *track == NULL;
    if (fresh)
        *track = perftrace_tables_make_track(tables, block.id);
    if (*track == NULL)
        return PERFTRACE_TABLE_FULL;
    struct perftrace_track_info *info = &(*track)->info;
    bool same_name =
        info->name.length == block.name_bytes && memcmp(info->name.bytes, rest.at, block.name_bytes) == 0;
    if (!fresh && same_name && info->kind == block.kind && info->os_id == block.os_id)
        return PERFTRACE_TABLE_KNOWN;
    struct perftrace_text name = info->name;
    if (!same_name && !perftrace_arena_text(&tables->arena, rest.at, block.name_bytes, &name))
        return PERFTRACE_TABLE_FULL;
    info->kind = (uint8_t)block.kind;
    info->os_id = block.os_id;
    info->name = name;
    return PERFTRACE_TABLE_ADDED;
}

void perftrace_tables_free(struct perftrace_tables *tables) {
    for (size_t i = 0; i < sizeof tables->site_pages / sizeof tables->site_pages[0]; i++)
        free(tables->site_pages[i]);
    free(tables->sites);
    free(tables->tracks);
    perftrace_map_free(&tables->groups);
    perftrace_map_free(&tables->tracks_by_id);
    perftrace_shapes_free(&tables->shapes);
    perftrace_arena_free(&tables->arena);
}
