/* Loading nodes by name, as directory.c does it, without the two weaknesses that perftrace has found there: whether a
 * node exists is learnt by loading it, and a directory's entries come with one query. */
#define PERF_TARGET "nodestore"
#include <perftrace.h>

#include "store.h"

/* A node that is not there is no error. */
static int load_if_there(struct store *store, const char *part_id, const char *entry_name, struct node *node,
                         bool *found) {
    PERF_SPAN("load_node", "part_id", part_id, "entry_name", entry_name);
    struct entry entry;
    int result = query_single_directory_entry(store, part_id, entry_name, &entry, found);
    if (result == STORE_OK && *found)
        result = query_records(store, entry.part_id, entry.node_id, node, found);
    *found = *found && result == STORE_OK;
    return result;
}

int load_node(struct store *store, const char *part_id, const char *entry_name, struct node *node) {
    bool found = false;
    int result = load_if_there(store, part_id, entry_name, node, &found);
    if (result == STORE_OK && !found)
        result =
            store_fail(store, STORE_FAILED, "%s: no entry %s in part %s", store->path, entry_name, part_id);
    return result;
}

int find_node(struct store *store, const char *part_id, const char *entry_name, struct node *node,
              bool *found) {
    return load_if_there(store, part_id, entry_name, node, found);
}

int load_directory_entries(struct store *store, const char *part_id, struct entry_list *list) {
    PERF_SPAN("load_directory_entries", "part_id", part_id);
    *list = (struct entry_list){0};
    int result = need_directory(store, part_id);
    if (result == STORE_OK)
        result = query_directory_nodes(store, part_id, list);
    PERF_METRIC("entries", list->count);
    return result;
}
