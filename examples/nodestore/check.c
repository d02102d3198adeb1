/* Whether a store says only what can be: as SQLite sees it, then as a tree of nodes, then record by record. */
#define PERF_TARGET "nodestore"
#include <perftrace.h>

#include "store.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

struct check {
    struct store *store;
    FILE *out;
    struct totals *totals;
    int64_t problems;
    struct walk_path path;
    unsigned char bytes[STORE_RECORD_BYTES];
};

static void __attribute__((format(printf, 2, 3))) problem(struct check *check, const char *format, ...) {
    char text[sizeof check->store->message];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    PERF_EVENT_LEVEL(PERF_WARN, "problem", "path", check->path.text);
    put_text(check->out, check->path.length == 0 ? "/" : check->path.text);
    fputs(": ", check->out);
    put_text(check->out, text);
    putc('\n', check->out);
    check->problems++;
}

/* What is damaged is a problem of the store, and the check goes on; everything else ends it. */
static int weigh(struct check *check, int result) {
    if (result != STORE_DAMAGED)
        return result;
    problem(check, "%s", check->store->message);
    return STORE_OK;
}

/* Each row of the pragma is a problem, but for a single "ok". */
static int check_pragma(struct check *check, const char *pragma, const char *what) {
    PERF_SPAN("check_pragma", "pragma", pragma);
    sqlite3_stmt *statement = NULL;
    int code = sqlite3_prepare_v2(check->store->db, pragma, -1, &statement, NULL);
    while (code == SQLITE_OK || code == SQLITE_ROW) {
        code = sqlite3_step(statement);
        const char *text = code == SQLITE_ROW ? (const char *)sqlite3_column_text(statement, 0) : NULL;
        if (text != NULL && strcmp(text, "ok") != 0)
            problem(check, "%s: %s", what, text);
    }
    int result = code == SQLITE_DONE ? STORE_OK : weigh(check, store_fail_sql(check->store, "check"));
    sqlite3_finalize(statement);
    return result;
}

static int check_records(struct check *check, const struct node *node) {
    PERF_SPAN("check_records", "part_id", node->part_id, "node_id", node->node_id);
    int result = STORE_OK;
    int64_t size = 0;
    for (size_t i = 0; result == STORE_OK && i < node->record_count; i++) {
        const struct record *record = &node->records[i];
        if (record->index != (int64_t)i)
            problem(check, "record %zu is missing", i);
        result = weigh(check, read_record(check->store, record, check->bytes));
        size += record->size;
    }
    if (result == STORE_OK && size != node->size)
        problem(check, "%lld bytes, which should be %lld", (long long)size, (long long)node->size);
    PERF_METRIC("bytes", size, "records", node->record_count);
    check->totals->bytes += size;
    return result;
}

static int check_directory(struct check *check, const char *part_id, unsigned depth);

static int check_entry(struct check *check, const char *part_id, const char *name, unsigned depth) {
    struct node node;
    bool found = false;
    int result = find_node(check->store, part_id, name, &node, &found);
    if (result != STORE_OK || !found)
        return weigh(check, result);
    if (node.kind == NODE_DIRECTORY) {
        result = check_directory(check, node.node_id, depth + 1);
    } else {
        check->totals->files++;
        result = check_records(check, &node);
    }
    node_free(&node);
    return result;
}

static int check_directory(struct check *check, const char *part_id, unsigned depth) {
    PERF_SPAN("check_directory", "part_id", part_id);
    if (depth > STORE_DEPTH_MAX) {
        problem(check, "more than %d directories deep", STORE_DEPTH_MAX);
        return STORE_OK;
    }
    struct entry_list list;
    int result = load_directory_entries(check->store, part_id, &list);
    if (result != STORE_OK)
        return weigh(check, result);
    check->totals->directories++;
    for (size_t i = 0; result == STORE_OK && i < list.count; i++) {
        size_t before = walk_enter(&check->path, list.items[i].name);
        result = check_entry(check, part_id, list.items[i].name, depth);
        walk_leave(&check->path, before);
    }
    entry_list_free(&list);
    return result;
}

static int check_all(struct check *check) {
    int result = check_pragma(check, "PRAGMA integrity_check(20)", "SQLite");
    if (result == STORE_OK)
        result = check_pragma(check, "PRAGMA foreign_key_check", "a row that refers to none, in table");
    /* The walk relies on what these have shown: that no node has two entries, for one. */
    if (result != STORE_OK || check->problems > 0)
        return result;
    result = check_directory(check, STORE_ROOT, 0);
    int64_t nodes = 0;
    if (result == STORE_OK)
        result = weigh(check, count_nodes(check->store, &nodes));
    int64_t reached = check->totals->directories + check->totals->files;
    if (result == STORE_OK && check->problems == 0 && reached != nodes)
        problem(check, "%lld nodes, of which %lld can be reached", (long long)nodes, (long long)reached);
    return result;
}

int check_store(struct store *store, FILE *out, struct totals *totals, int64_t *problems) {
    PERF_SPAN("check_store", "path", store->path);
    *totals = (struct totals){0};
    struct check *check = calloc(1, sizeof *check);
    if (check == NULL)
        return store_fail(store, STORE_FAILED, "out of memory");
    check->store = store;
    check->out = out;
    check->totals = totals;
    int result = store_begin_read(store);
    if (result == STORE_OK) {
        result = check_all(check);
        store_rollback(store);
    }
    *problems = check->problems;
    free(check);
    PERF_METRIC("problems", *problems, "bytes", totals->bytes);
    return result;
}
