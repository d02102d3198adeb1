/* Finding and loading nodes by name, as such programs are written at first.
 *
 * This is the version "before": it is correct, and slower than it needs to be, in the ways that perftrace is there to
 * show. They are all in this file, so that a better version differs in it alone:
 * - find_node asks exists_node and then load_node, and both ask the store for the same entry;
 * - load_directory_entries lists the names and then asks for each entry by itself: N + 1 queries for one answer;
 * - find_path walks down from the root each time, so that an export asks for the upper directories again and again. */
#define PERF_TARGET "nodestore"
#include <perftrace.h>

#include "store.h"

#include <string.h>

int exists_node(struct store *store, const char *part_id, const char *entry_name, bool *exists) {
    PERF_SPAN("exists_node", "part_id", part_id, "entry_name", entry_name);
    struct entry entry;
    return query_single_directory_entry(store, part_id, entry_name, &entry, exists);
}

static int need_directory(struct store *store, const char *part_id) {
    struct node directory;
    bool found = false;
    int result = query_records(store, part_id, part_id, &directory, &found);
    if (result != STORE_OK)
        return result;
    bool is_directory = found && directory.kind == NODE_DIRECTORY;
    if (found)
        node_free(&directory);
    return is_directory
               ? STORE_OK
               : store_fail(store, STORE_DAMAGED, "%s: part %s has no directory", store->path, part_id);
}

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

int find_path(struct store *store, const char *path, struct node *node, bool *found) {
    PERF_SPAN("find_path", "path", path);
    char part_id[sizeof node->node_id] = STORE_ROOT, name[STORE_NAME_MAX + 1];
    path += strspn(path, "/");
    if (*path == '\0')
        return query_records(store, STORE_ROOT, STORE_ROOT, node, found);
    for (;;) {
        size_t length = strcspn(path, "/");
        *found = entry_name_valid(path, length);
        if (!*found)
            return STORE_OK;
        memcpy(name, path, length);
        name[length] = '\0';
        int result = find_node(store, part_id, name, node, found);
        path += length;
        path += strspn(path, "/");
        if (result != STORE_OK || !*found || *path == '\0')
            return result;
        memcpy(part_id, node->node_id, sizeof part_id);
        *found = node->kind == NODE_DIRECTORY;
        node_free(node);
        if (!*found)
            return STORE_OK;
    }
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
