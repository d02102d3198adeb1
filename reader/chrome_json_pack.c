/* The args of events, packed: parsed once, when the event is read, and kept in few bytes until it is handed out. */
#include "chrome_json_held.h"

#include <stdlib.h>
#include <string.h>

/* Of the first block, and of one where there are many. */
#define BLOCK_BYTES ((size_t)64 << 10)
#define BLOCK_BYTES_MAX ((size_t)1 << 20)

enum { NULL_BIT = 0x80 };

/* ---- blocks ---------------------------------------------------------------------------------------- */

static uint32_t find_free(struct perftrace_json_store *store, size_t bytes) {
    uint32_t first = UINT32_MAX;
    for (uint32_t i = store->free_hint; i < store->block_count; i++) {
        if (store->blocks[i].live > 0 || i == store->current)
            continue;
        first = first == UINT32_MAX ? i : first;
        if (store->blocks[i].capacity >= bytes) {
            if (i == first)
                store->free_hint = i;
            return i;
        }
        if (store->blocks[i].memory != NULL) { /* too small for this one */
            store->bytes -= store->blocks[i].capacity;
            perftrace_budget_give(store->budget, store->blocks[i].capacity);
            free(store->blocks[i].memory);
            store->blocks[i] = (struct perftrace_json_block){0};
        }
        store->free_hint = first;
        return i;
    }
    store->free_hint = store->block_count;
    return store->block_count;
}

/* Goes on in a block with room for so many bytes. */
static bool next_block(struct perftrace_json_store *store, size_t bytes) {
    size_t usual = store->bytes < BLOCK_BYTES       ? BLOCK_BYTES
                   : store->bytes > BLOCK_BYTES_MAX ? BLOCK_BYTES_MAX
                                                    : store->bytes;
    size_t capacity = bytes > usual ? bytes : usual;
    uint32_t at = find_free(store, bytes);
    if (at == store->block_count) {
        if (store->block_count == store->block_capacity) {
            uint32_t wanted = store->block_capacity == 0 ? 64 : store->block_capacity * 2;
            size_t more = (wanted - store->block_capacity) * sizeof *store->blocks;
            struct perftrace_json_block *blocks = perftrace_budget_take(store->budget, more)
                                                      ? realloc(store->blocks, wanted * sizeof *store->blocks)
                                                      : NULL;
            if (blocks == NULL)
                return false;
            store->blocks = blocks;
            store->block_capacity = wanted;
        }
        store->blocks[store->block_count++] = (struct perftrace_json_block){0};
    }
    struct perftrace_json_block *block = &store->blocks[at];
    if (block->memory == NULL) {
        if (!perftrace_budget_take(store->budget, capacity))
            return false;
        block->memory = malloc(capacity);
        if (block->memory == NULL) {
            perftrace_budget_give(store->budget, capacity);
            return false;
        }
        block->capacity = capacity;
        store->bytes += capacity;
    }
    store->current = at;
    store->used = 0;
    return true;
}

/* A blob at the end of the current block, with room for so many bytes; it is not there yet. NULL without memory. */
static struct perftrace_json_blob *reserve(struct perftrace_json_store *store, size_t bytes) {
    size_t whole = sizeof(struct perftrace_json_blob) + bytes + 8;
    if (store->block_count == 0 || store->blocks[store->current].capacity - store->used < whole)
        if (!next_block(store, whole))
            return NULL;
    return (void *)(store->blocks[store->current].memory + store->used);
}

/* Now it is, and so long. */
static void keep(struct perftrace_json_store *store, struct perftrace_json_blob *blob, size_t bytes) {
    store->used += (sizeof *blob + bytes + 7) / 8 * 8;
    store->blocks[store->current].live++;
    blob->block = store->current;
}

void perftrace_json_release_own(struct perftrace_json_store *store, uint32_t at) {
    if (--store->blocks[at].live > 0)
        return;
    if (at == store->current)
        store->used = 0;
    else if (at < store->free_hint)
        store->free_hint = at;
}

void perftrace_json_store_free(struct perftrace_json_store *store) {
    for (uint32_t i = 0; i < store->block_count; i++)
        free(store->blocks[i].memory);
    free(store->blocks);
    perftrace_json_seen_free(&store->seen);
}

/* ---- packing --------------------------------------------------------------------------------------- */

/* One event's args on their way. */
struct packing {
    struct perftrace_json_names *names;
    struct perftrace_json_site *site;
    unsigned char *out; /* in the blob */
    unsigned char *parameters_end;
    int last; /* the index of the last argument; -1: there was none */
    uint16_t parameters, metrics;
    bool unfinished;
    uint64_t left_out;
};

/* The index of the argument; most events of a site have the same ones in the same order. */
static int index_of(struct packing *packing, const struct perftrace_json_text *key, bool metric,
                    uint8_t type) {
    struct perftrace_json_site *site = packing->site;
    int last = packing->last, likely = last < 0 ? site->first : site->keys[last].next;
    if (likely >= site->info.argument_count || site->keys[likely].metric != metric ||
        !perftrace_json_same(&site->keys[likely].raw, key)) {
        likely = perftrace_json_names_key(packing->names, site, key, metric, type);
        if (likely < 0)
            return likely;
        *(last < 0 ? &site->first : &site->keys[last].next) = (uint8_t)likely;
    }
    return packing->last = likely;
}

/* The most that a value of so long a text takes. */
enum { VALUE_BYTES = 12 };

/* Adds a value. False: there is no room for its name. */
static bool add(struct packing *packing, const struct perftrace_json_text *key,
                const struct perftrace_json_text *text, bool metric) {
    struct perftrace_value value;
    perftrace_json_value(text, &value);
    int index = index_of(packing, key, metric, value.type);
    if (index < 0)
        return false;
    unsigned char *out = packing->out;
    out[0] = (unsigned char)index;
    out[1] = (unsigned char)(value.type | (value.null ? NULL_BIT : 0));
    if (value.type == PERFTRACE_TYPE_STRING) {
        uint32_t bytes = 0;
        if (!value.null)
            bytes = (uint32_t)perftrace_json_unescape(text, (char *)out + 6);
        memcpy(out + 2, &bytes, sizeof bytes);
        out[6 + bytes] = '\0';
        packing->out = out + 7 + bytes;
    } else {
        memcpy(out + 2, &value.u, 8);
        packing->out = out + 10;
    }
    packing->parameters = (uint16_t)(packing->parameters + !metric);
    packing->parameters_end = metric ? packing->parameters_end : packing->out;
    packing->metrics = (uint16_t)(packing->metrics + metric);
    return true;
}

static bool is_unfinished(const struct perftrace_json_text *key, const struct perftrace_json_text *text) {
    return key->length == 10 && memcmp(key->bytes, "unfinished", 10) == 0 && !text->quoted &&
           text->length == 4 && memcmp(text->bytes, "true", 4) == 0;
}

enum { ARGS_MAX = 4096 };

/* The next of the args: from the list, or where that is not all of them, from the text. */
struct walk {
    const struct perftrace_json_event *event;
    const char *at;
    bool first;
    unsigned index;
    struct perftrace_json_argument argument;
};

static const struct perftrace_json_argument *next_argument(struct walk *walk) {
    const struct perftrace_json_event *event = walk->event;
    if (event->all_listed)
        return walk->index < event->listed ? &event->list[walk->index++] : NULL;
    struct perftrace_json_argument *argument = &walk->argument;
    if (perftrace_json_member(&walk->at, event->args_end, &walk->first, &argument->key) != 1)
        return NULL;
    const char *value = walk->at;
    if (perftrace_json_scalar(&walk->at, event->args_end, &argument->text) != PERFTRACE_JSON_FINE)
        return NULL;
    if (argument->text.length == 0 && !argument->text.quoted) { /* an object or an array: its text */
        argument->text.length = (uint32_t)(walk->at - value);
        argument->text.quoted = true;
    }
    walk->index++;
    return argument;
}

static struct walk start_walk(const struct perftrace_json_event *event) {
    return (struct walk){.event = event, .at = event->args + 1, .first = true};
}

/* How many of the args are parameters. */
static size_t count_parameters(const struct perftrace_json_event *event, size_t metrics) {
    if (metrics == 0 || metrics == SIZE_MAX)
        return metrics == 0 ? SIZE_MAX : 0;
    struct walk walk = start_walk(event);
    while (walk.index < ARGS_MAX && next_argument(&walk) != NULL)
        continue;
    return walk.index > metrics ? walk.index - metrics : 0;
}

static void pack_members(struct packing *packing, const struct perftrace_json_event *event, size_t metrics) {
    struct walk walk = start_walk(event);
    const struct perftrace_json_argument *argument;
    size_t parameters = count_parameters(event, metrics);
    for (size_t i = 0; (argument = next_argument(&walk)) != NULL; i++) {
        if (i == 0 && event->own && is_unfinished(&argument->key, &argument->text))
            packing->unfinished = true;
        else if (i >= ARGS_MAX || !add(packing, &argument->key, &argument->text, i >= parameters))
            packing->left_out++;
    }
}

/* Args that are no object: not as the format has it, but not to be lost either. */
static void pack_other(struct packing *packing, const struct perftrace_json_event *event, bool metric) {
    static const struct perftrace_json_text key = {.bytes = "args\0\0\0", .length = 4, .quoted = true};
    struct perftrace_json_text text;
    const char *at = event->args;
    if (perftrace_json_scalar(&at, event->args_end, &text) != PERFTRACE_JSON_FINE)
        return;
    if (text.length == 0 && !text.quoted) {
        text.length = (uint32_t)(event->args_end - event->args);
        text.quoted = true;
    }
    bool null = !text.quoted && text.length == 4 && memcmp(text.bytes, "null", 4) == 0;
    if (!null && !add(packing, &key, &text, metric))
        packing->left_out++;
}

static struct packing start(struct perftrace_json_names *names, struct perftrace_json_site *site,
                            struct perftrace_json_blob *blob) {
    return (struct packing){
        .names = names, .site = site, .out = blob->packed, .parameters_end = blob->packed, .last = -1};
}

/* Whether there is anything in it. */
static bool finish(struct perftrace_json_store *store, const struct packing *packing,
                   struct perftrace_json_blob *blob) {
    if (packing->out == blob->packed && !packing->unfinished)
        return false;
    blob->site = packing->site;
    blob->parameters = packing->parameters;
    blob->metrics = packing->metrics;
    blob->unfinished = packing->unfinished;
    blob->parameter_bytes = (uint32_t)(packing->parameters_end - blob->packed);
    if (blob->parameter_bytes > 0)
        perftrace_hash_wide(store->seen.secret, (const char *)blob->packed, blob->parameter_bytes,
                            blob->hash);
    return true;
}

static bool pack_anew(struct perftrace_json_store *store, struct perftrace_json_names *names,
                      struct perftrace_json_site *site, const struct perftrace_json_event *event,
                      size_t metrics, struct perftrace_json_seen_args *seen,
                      struct perftrace_json_blob **blob, uint64_t *left_out) {
    size_t length = (size_t)(event->args_end - event->args);
    /* The shortest of all is `"":1,`. */
    size_t values = event->all_listed ? event->listed : length / 5 + 1;
    struct perftrace_json_blob *room = reserve(store, length + values * VALUE_BYTES);
    if (room == NULL)
        return false;
    struct packing packing = start(names, site, room);
    if (*event->args == '{')
        pack_members(&packing, event, metrics);
    else
        pack_other(&packing, event, metrics != 0);
    *left_out += packing.left_out;
    if (!finish(store, &packing, room))
        return true;
    size_t bytes = (size_t)(packing.out - room->packed);
    struct perftrace_json_blob *copy = NULL;
    if (seen != NULL && packing.left_out == 0)
        copy = perftrace_arena_take(&store->seen.arena, sizeof *room + bytes);
    if (copy != NULL) {
        memcpy(copy, room, sizeof *room + bytes);
        copy->block = PERFTRACE_JSON_SEVERAL;
        seen->blob = copy;
    } else {
        keep(store, room, bytes);
    }
    *blob = copy != NULL ? copy : room;
    return true;
}

bool perftrace_json_pack_more(struct perftrace_json_store *store, struct perftrace_json_names *names,
                              struct perftrace_json_site *site, const struct perftrace_json_event *event,
                              size_t metrics, struct perftrace_json_blob **blob, uint64_t *left_out) {
    struct perftrace_json_seen_args *seen = NULL;
    if (event->hashed && !event->own) {
        seen = event->seen;
        if (seen == NULL || seen->site != site || seen->metrics != (metrics != 0))
            seen = perftrace_json_seen_place(&store->seen, event->hash, site, metrics != 0);
        if (seen != NULL && seen->blob != NULL) {
            *blob = seen->blob;
            return true;
        }
    }
    return pack_anew(store, names, site, event, metrics, seen, blob, left_out);
}

bool perftrace_json_pack_one(struct perftrace_json_store *store, struct perftrace_json_names *names,
                             struct perftrace_json_site *site, const struct perftrace_json_text *key,
                             const struct perftrace_json_text *text, struct perftrace_json_blob **blob) {
    struct perftrace_json_blob *room = reserve(store, (size_t)text->length + VALUE_BYTES);
    if (room == NULL)
        return false;
    struct packing packing = start(names, site, room);
    if (!add(&packing, key, text, false))
        return false;
    *blob = finish(store, &packing, room) ? room : NULL;
    if (*blob != NULL)
        keep(store, room, (size_t)(packing.out - room->packed));
    return true;
}

void perftrace_json_unpack(const struct perftrace_json_blob *blob, struct perftrace_value *values) {
    const unsigned char *at = blob->packed;
    for (unsigned i = 0; i < (unsigned)blob->parameters + blob->metrics; i++) {
        struct perftrace_value *value = &values[i];
        value->argument = &blob->site->arguments[at[0]];
        value->type = at[1] & (NULL_BIT - 1);
        value->null = (at[1] & NULL_BIT) != 0;
        value->cut = false;
        if (value->type == PERFTRACE_TYPE_STRING) {
            uint32_t length;
            memcpy(&length, at + 2, sizeof length);
            value->text = (struct perftrace_text){(const char *)at + 6, length};
            at += 7 + length;
        } else {
            memcpy(&value->u, at + 2, 8);
            at += 10;
        }
    }
}
