/* Loading nodes by name, as such programs are written at first.
 *
 * This is the version "before": it is correct, and slower than it needs to be, in the two ways that perftrace is there to
 * show. directory_better.c has the same functions without them; the two programs differ in nothing else.
 * - find_node asks exists_node and then load_node, and both ask the store for the same entry;
 * - load_directory_entries lists the names and then asks for each entry by itself: N + 1 queries for one answer. */
#define PERF_TARGET "nodestore"
#include <perftrace.h>

#include "store.h"

int load_node(struct store *store, const char *part_id, const char *entry_name, struct node *node) {
    PERF_SPAN("load_node", "part_id", part_id, "entry_name", entry_name);
    struct entry entry;
    bool found = false;
    int result = query_single_directory_entry(store, part_id, entry_name, &entry, &found);
    if (result == STORE_OK && found)
        result = query_records(store, entry.part_id, entry.node_id, node, &found);
    if (result == STORE_OK && !found)
        result =
            store_fail(store, STORE_FAILED, "%s: no entry %s in part %s", store->path, entry_name, part_id);
    return result;
}

int find_node(struct store *store, const char *part_id, const char *entry_name, struct node *node,
              bool *found) {
    int result = exists_node(store, part_id, entry_name, found);
    if (result == STORE_OK && *found)
        result = load_node(store, part_id, entry_name, node);
    *found = *found && result == STORE_OK;
    return result;
}

int load_directory_entries(struct store *store, const char *part_id, struct entry_list *list) {
    PERF_SPAN("load_directory_entries", "part_id", part_id);
    *list = (struct entry_list){0};
    int result = need_directory(store, part_id);
    if (result == STORE_OK)
        result = query_directory_entries(store, part_id, list);
    for (size_t i = 0; result == STORE_OK && i < list->count; i++) {
        struct entry *entry = &list->items[i];
        bool found = false;
        result = query_single_directory_entry(store, part_id, entry->name, entry, &found);
        if (result == STORE_OK && !found)
            result = store_fail(store, STORE_DAMAGED, "%s: entry %s of part %s has no node", store->path,
                                entry->name, part_id);
    }
    PERF_METRIC("entries", list->count);
    if (result != STORE_OK)
        entry_list_free(list);
    return result;
}
