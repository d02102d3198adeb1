/* The args of events, packed: parsed once, when the event is read, and kept in few bytes until it is handed out. */
#include "chrome_json_held.h"

#include <stdlib.h>
#include <string.h>

#define BLOCK_BYTES ((size_t)256 << 10)

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
    size_t capacity = bytes > BLOCK_BYTES ? bytes : BLOCK_BYTES;
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

static struct perftrace_json_blob *put(struct perftrace_json_store *store, const void *bytes, size_t length) {
    size_t whole = (sizeof(struct perftrace_json_blob) + length + 7) / 8 * 8;
    if (store->block_count == 0 || store->blocks[store->current].capacity - store->used < whole)
        if (!next_block(store, whole))
            return NULL;
    struct perftrace_json_block *block = &store->blocks[store->current];
    struct perftrace_json_blob *blob = (void *)(block->memory + store->used);
    store->used += whole;
    block->live++;
    blob->block = store->current;
    memcpy(blob->packed, bytes, length);
    return blob;
}

void perftrace_json_release(struct perftrace_json_store *store, struct perftrace_json_blob *blob) {
    if (blob == NULL)
        return;
    uint32_t at = blob->block;
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
    free(store->scratch.bytes);
}

/* ---- packing --------------------------------------------------------------------------------------- */

/* One event's args on their way. */
struct packing {
    struct perftrace_json_store *store;
    struct perftrace_json_names *names;
    struct perftrace_json_site *site;
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
    if (likely >= site->info.argument_count || site->keys[likely].length != key->length ||
        site->keys[likely].metric != metric || memcmp(site->keys[likely].raw, key->bytes, key->length) != 0) {
        likely = perftrace_json_names_key(packing->names, site, key, metric, type);
        if (likely < 0)
            return likely;
        *(last < 0 ? &site->first : &site->keys[last].next) = (uint8_t)likely;
    }
    return packing->last = likely;
}

/* Adds a value. False: there is no room for its name, or no memory. */
static bool add(struct packing *packing, const struct perftrace_json_text *key,
                const struct perftrace_json_text *text, bool metric) {
    struct perftrace_value value;
    perftrace_json_value(text, &value);
    int index = index_of(packing, key, metric, value.type);
    struct perftrace_buffer *scratch = &packing->store->scratch;
    unsigned char *out =
        index < 0 ? NULL : (unsigned char *)perftrace_buffer_reserve(scratch, (size_t)text->length + 16);
    if (out == NULL)
        return false;
    out[0] = (unsigned char)index;
    out[1] = (unsigned char)(value.type | (value.null ? NULL_BIT : 0));
    size_t length = 2;
    if (value.type == PERFTRACE_TYPE_STRING) {
        uint32_t bytes = 0;
        if (!value.null)
            bytes = (uint32_t)perftrace_json_unescape(text, (char *)out + 6);
        memcpy(out + 2, &bytes, sizeof bytes);
        out[6 + bytes] = '\0';
        length = 7 + (size_t)bytes;
    } else {
        memcpy(out + 2, &value.u, 8);
        length = 10;
    }
    scratch->length += length;
    packing->parameters = (uint16_t)(packing->parameters + !metric);
    packing->metrics = (uint16_t)(packing->metrics + metric);
    return true;
}

/* How many members the object has, at most `max`. */
static size_t count_members(const char *at, const char *end, size_t max) {
    struct perftrace_json_text key;
    bool first = true;
    size_t count = 0;
    for (at++; count < max && perftrace_json_member(&at, end, &first, &key) == 1; count++)
        if (perftrace_json_skip(&at, end) != PERFTRACE_JSON_FINE)
            break;
    return count;
}

static bool is_unfinished(const struct perftrace_json_text *key, const struct perftrace_json_text *text) {
    return key->length == 10 && memcmp(key->bytes, "unfinished", 10) == 0 && !text->quoted &&
           text->length == 4 && memcmp(text->bytes, "true", 4) == 0;
}

enum { ARGS_MAX = 4096 };

static void pack_members(struct packing *packing, const struct perftrace_json_event *event, size_t metrics) {
    const char *at = event->args;
    struct perftrace_json_text key, text;
    bool first = true, first_one = true;
    size_t parameters = metrics == 0          ? SIZE_MAX
                        : metrics == SIZE_MAX ? 0
                                              : count_members(at, event->args_end, ARGS_MAX);
    if (metrics != 0 && metrics != SIZE_MAX)
        parameters = parameters > metrics ? parameters - metrics : 0;
    at++;
    for (size_t i = 0; perftrace_json_member(&at, event->args_end, &first, &key) == 1; i++) {
        const char *value = at;
        if (perftrace_json_scalar(&at, event->args_end, &text) != PERFTRACE_JSON_FINE)
            return;
        if (text.length == 0 && !text.quoted) { /* an object or an array: its text */
            text.bytes = value;
            text.length = (uint32_t)(at - value);
            text.quoted = true;
        }
        if (first_one && event->own && is_unfinished(&key, &text))
            packing->unfinished = true;
        else if (i >= ARGS_MAX || !add(packing, &key, &text, i >= parameters))
            packing->left_out++;
        first_one = false;
    }
}

static bool finish(struct packing *packing, struct perftrace_json_blob **blob) {
    struct perftrace_json_store *store = packing->store;
    *blob = NULL;
    if (store->scratch.length == 0 && !packing->unfinished)
        return true;
    *blob = put(store, store->scratch.bytes, store->scratch.length);
    if (*blob == NULL)
        return false;
    (*blob)->site = packing->site;
    (*blob)->parameters = packing->parameters;
    (*blob)->metrics = packing->metrics;
    (*blob)->unfinished = packing->unfinished;
    return true;
}

static struct packing start(struct perftrace_json_store *store, struct perftrace_json_names *names,
                            struct perftrace_json_site *site) {
    store->scratch.length = 0;
    store->scratch.failed = false;
    return (struct packing){.store = store, .names = names, .site = site, .last = -1};
}

bool perftrace_json_pack(struct perftrace_json_store *store, struct perftrace_json_names *names,
                         struct perftrace_json_site *site, const struct perftrace_json_event *event,
                         size_t metrics, struct perftrace_json_blob **blob, uint64_t *left_out) {
    static const struct perftrace_json_text args_key = {.bytes = "args", .length = 4, .quoted = true};
    *blob = NULL;
    if (event->args == NULL)
        return true;
    struct packing packing = start(store, names, site);
    if (*event->args == '{') {
        pack_members(&packing, event, metrics);
    } else { /* not as the format has it, but not to be lost either */
        struct perftrace_json_text text;
        const char *at = event->args;
        if (perftrace_json_scalar(&at, event->args_end, &text) != PERFTRACE_JSON_FINE)
            return true;
        if (text.length == 0 && !text.quoted)
            text = (struct perftrace_json_text){
                .bytes = event->args, .length = (uint32_t)(event->args_end - event->args), .quoted = true};
        bool null = !text.quoted && text.length == 4 && memcmp(text.bytes, "null", 4) == 0;
        if (!null && !add(&packing, &args_key, &text, metrics != 0))
            packing.left_out++;
    }
    *left_out += packing.left_out;
    return finish(&packing, blob);
}

bool perftrace_json_pack_one(struct perftrace_json_store *store, struct perftrace_json_names *names,
                             struct perftrace_json_site *site, const struct perftrace_json_text *key,
                             const struct perftrace_json_text *text, struct perftrace_json_blob **blob) {
    struct packing packing = start(store, names, site);
    return add(&packing, key, text, false) && finish(&packing, blob);
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
