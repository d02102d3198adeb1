/* Finding nodes: what both variants of directory.c rest on.
 *
 * It has a weakness of its own: find_path walks down from the root each time, so that an export asks for the upper
 * directories again and again. */
#define PERF_TARGET "nodestore"
#include <perftrace.h>

#include "store.h"

#include <string.h>

int exists_node(struct store *store, const char *part_id, const char *entry_name, bool *exists) {
    PERF_SPAN("exists_node", "part_id", part_id, "entry_name", entry_name);
    struct entry entry;
    return query_single_directory_entry(store, part_id, entry_name, &entry, exists);
}

int need_directory(struct store *store, const char *part_id) {
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
