/* Argument words -> values, and argument words kept for as long as their span is open. */
#include "values.h"

#include <stdlib.h>
#include <string.h>

bool perftrace_values_start(struct perftrace_values *values, size_t words) {
    values->count = 0;
    values->text_bytes = 0;
    /* A text takes a word for its length, so that eight bytes a word are room for the zeros too. */
    if (words * sizeof(uint64_t) <= values->text_capacity)
        return true;
    size_t capacity = words * sizeof(uint64_t) * 2;
    char *texts = realloc(values->texts, capacity);
    if (texts == NULL)
        return false;
    values->texts = texts;
    values->text_capacity = capacity;
    return true;
}

/* Returns the words that the text takes. */
static size_t add_text(struct perftrace_values *values, struct perftrace_value *value,
                       const uint64_t *words) {
    size_t length = (uint32_t)words[0], text_words = (length + 7) / 8;
    const char *bytes = (const char *)(words + 1);
    value->cut = (words[0] & PERFTRACE_TEXT_CUT) != 0;
    value->null = (words[0] & PERFTRACE_TEXT_NULL) != 0;
    if (length == 0 || value->null)
        value->text = (struct perftrace_text){"", 0};
    else if (length < text_words * 8 && bytes[length] == 0)
        value->text = (struct perftrace_text){bytes, length};
    else {
        char *copy = values->texts + values->text_bytes;
        memcpy(copy, bytes, length);
        copy[length] = 0;
        values->text_bytes += length + 1;
        value->text = (struct perftrace_text){copy, length};
    }
    return 1 + text_words;
}

const struct perftrace_value *perftrace_values_add(struct perftrace_values *values,
                                                   const struct perftrace_site_entry *site,
                                                   const uint64_t *words) {
    struct perftrace_value *first = values->values + values->count;
    for (unsigned i = 0; i < site->info.argument_count; i++) {
        struct perftrace_value *value = first + i;
        value->argument = &site->arguments[i];
        value->type = site->arguments[i].type;
        value->cut = value->null = false;
        if (value->type == PERFTRACE_TYPE_STRING) {
            words += add_text(values, value, words);
            continue;
        }
        value->u = value->type == PERFTRACE_TYPE_BOOLEAN ? *words != 0 : *words;
        words++;
    }
    values->count += site->info.argument_count;
    return first;
}

/* ---- kept words ----------------------------------------------------------------------------------- */

#define KEPT_WORDS_MIN 16u
#define KEPT_WORDS_REUSED 256u /* bigger ones go back to malloc */

static size_t kept_bytes(size_t capacity) {
    return sizeof(struct perftrace_kept) + capacity * sizeof(uint64_t);
}

/* Makes *kept able to hold `needed` words. */
static bool make_room(struct perftrace_keeper *keeper, struct perftrace_kept **kept, size_t needed) {
    size_t had = *kept == NULL ? 0 : kept_bytes((*kept)->capacity), capacity = KEPT_WORDS_MIN;
    if (*kept != NULL && (*kept)->capacity >= needed)
        return true;
    if (*kept == NULL && needed <= KEPT_WORDS_MIN && keeper->free != NULL) {
        *kept = keeper->free;
        keeper->free = (*kept)->next;
        return true;
    }
    while (capacity < needed)
        capacity *= 2;
    struct perftrace_kept *bigger = NULL;
    size_t more = kept_bytes(capacity) - had;
    if (keeper->bytes + more <= keeper->bytes_max && perftrace_budget_take(keeper->budget, more)) {
        bigger = realloc(*kept, kept_bytes(capacity));
        if (bigger == NULL)
            perftrace_budget_give(keeper->budget, more);
    }
    if (bigger == NULL) {
        keeper->refused++;
        return false;
    }
    keeper->bytes += more;
    bigger->capacity = capacity;
    *kept = bigger;
    return true;
}

struct perftrace_kept *perftrace_keep(struct perftrace_keeper *keeper, const uint64_t *words, size_t count) {
    struct perftrace_kept *kept = NULL;
    if (count == 0 || !make_room(keeper, &kept, count))
        return NULL;
    memcpy(kept->words, words, count * sizeof *words);
    kept->used = kept->parameter_words = count;
    kept->metric_sites = 0;
    return kept;
}

static size_t entry_room(const struct perftrace_kept *kept, size_t at) {
    return (size_t)(kept->words[at + 1] >> 32);
}

/* The index of the site's entry, or where the next one would go. */
static size_t find_metric(const struct perftrace_kept *kept, const struct perftrace_site_entry *site) {
    size_t at = kept->parameter_words;
    while (at < kept->used && kept->words[at] != (uintptr_t)site)
        at += 2 + entry_room(kept, at);
    return at;
}

/* Makes room for `count` words in the entry at `at`, or in a fresh one. What lies behind has to be moved for that, and so there is
 * room for twice as much then: however often values are told again, that stays rare. */
static bool widen_entry(struct perftrace_keeper *keeper, struct perftrace_kept **kept, size_t at,
                        size_t count) {
    bool fresh = at == (*kept)->used;
    size_t had = fresh ? 0 : 2 + entry_room(*kept, at);
    size_t room = fresh || count > 2 * (had - 2) ? count : 2 * (had - 2);
    if (!make_room(keeper, kept, (*kept)->used - had + room + 2))
        return false;
    struct perftrace_kept *k = *kept;
    memmove(k->words + at + 2 + room, k->words + at + had, (k->used - at - had) * sizeof k->words[0]);
    k->used = k->used - had + room + 2;
    k->metric_sites += fresh;
    k->words[at + 1] = (uint64_t)room << 32;
    return true;
}

void perftrace_keep_metric(struct perftrace_keeper *keeper, struct perftrace_kept **kept,
                           const struct perftrace_site_entry *site, const uint64_t *words, size_t count) {
    if (*kept == NULL) {
        if (!make_room(keeper, kept, count + 2))
            return;
        (*kept)->used = (*kept)->parameter_words = (*kept)->metric_sites = 0;
    }
    size_t at = find_metric(*kept, site);
    bool fresh = at == (*kept)->used;
    if (fresh && (*kept)->metric_sites == PERFTRACE_CALL_METRIC_SITES_MAX) {
        keeper->refused++;
        return;
    }
    if ((fresh || entry_room(*kept, at) < count) && !widen_entry(keeper, kept, at, count))
        return;
    struct perftrace_kept *k = *kept;
    k->words[at] = (uintptr_t)site;
    k->words[at + 1] = (k->words[at + 1] >> 32) << 32 | count;
    memcpy(k->words + at + 2, words, count * sizeof *words);
}

void perftrace_keep_release(struct perftrace_keeper *keeper, struct perftrace_kept *kept) {
    if (kept == NULL)
        return;
    if (kept->capacity <= KEPT_WORDS_REUSED) {
        kept->next = keeper->free;
        keeper->free = kept;
        return;
    }
    keeper->bytes -= kept_bytes(kept->capacity);
    perftrace_budget_give(keeper->budget, kept_bytes(kept->capacity));
    free(kept);
}

void perftrace_keeper_free(struct perftrace_keeper *keeper) {
    while (keeper->free != NULL) {
        struct perftrace_kept *next = keeper->free->next;
        free(keeper->free);
        keeper->free = next;
    }
}

const struct perftrace_value *perftrace_values_add_metrics(struct perftrace_values *values,
                                                           const struct perftrace_kept *kept, size_t *count) {
    const struct perftrace_value *first = values->values + values->count;
    size_t before = values->count;
    for (size_t at = kept->parameter_words; at < kept->used; at += 2 + entry_room(kept, at)) {
        const struct perftrace_site_entry *site =
            (const struct perftrace_site_entry *)(uintptr_t)kept->words[at];
        perftrace_values_add(values, site, kept->words + at + 2);
    }
    *count = values->count - before;
    return first;
}
