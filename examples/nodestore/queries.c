/* The store's questions and changes, one SQL statement each. The statements are prepared once; each query's time in
 * SQL is a metric of its span. */
#define PERF_TARGET "nodestore"
#include <perftrace.h>

#include "store.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

enum statement {
    SELECT_RECORDS,
    SELECT_NAMES,
    SELECT_NODES,
    SELECT_ENTRY,
    SELECT_BYTES,
    SELECT_SERIAL,
    COUNT_NODES,
    INSERT_PART,
    INSERT_NODE,
    INSERT_ENTRY,
    INSERT_RECORD,
    CHANGE_NODE,
    DELETE_RECORDS,
    STATEMENT_COUNT,
};
_Static_assert((int)STATEMENT_COUNT == STORE_STATEMENTS, "struct store has a place for each statement");

static const char *const statement_sql[STATEMENT_COUNT] = {
    [SELECT_RECORDS] = ("SELECT n.kind, n.mode, n.size, r.serial, r.record_index, length(r.bytes), r.checksum"
                        " FROM nodes n LEFT JOIN records r ON r.node_id = n.node_id"
                        " WHERE n.part_id = ?1 AND n.node_id = ?2 ORDER BY r.record_index"),
    [SELECT_NAMES] = "SELECT entry_name FROM entries WHERE part_id = ?1 ORDER BY entry_name",
    [SELECT_NODES] =
        ("SELECT e.entry_name, n.part_id, n.node_id FROM entries e"
         " LEFT JOIN nodes n ON n.node_id = e.node_id WHERE e.part_id = ?1 ORDER BY e.entry_name"),
    [SELECT_ENTRY] = ("SELECT n.part_id, n.node_id FROM entries e JOIN nodes n ON n.node_id = e.node_id"
                      " WHERE e.part_id = ?1 AND e.entry_name = ?2"),
    [SELECT_BYTES] = "SELECT bytes FROM records WHERE serial = ?1",
    [SELECT_SERIAL] = "SELECT max(serial) + 1 FROM nodes",
    [COUNT_NODES] = "SELECT count(*) FROM nodes",
    [INSERT_PART] = "INSERT INTO parts(part_id) VALUES(?1)",
    [INSERT_NODE] =
        "INSERT INTO nodes(serial, part_id, node_id, kind, mode, size) VALUES(?1, ?2, ?3, ?4, ?5, 0)",
    [INSERT_ENTRY] = "INSERT INTO entries(part_id, entry_name, node_id) VALUES(?1, ?2, ?3)",
    [INSERT_RECORD] = "INSERT INTO records(node_id, record_index, checksum, bytes) VALUES(?1, ?2, ?3, ?4)",
    [CHANGE_NODE] = "UPDATE nodes SET mode = ?2, size = ?3 WHERE node_id = ?1",
    [DELETE_RECORDS] = "DELETE FROM records WHERE node_id = ?1",
};

/* One run of a statement: start, bind, step until 0, end. An error anywhere is kept and given back at the end. */
struct query {
    struct store *store;
    sqlite3_stmt *statement;
    int result;
    uint64_t sql_ns;
    int64_t sql_us; /* once ended */
};

/* Only the trace wants to know: without it the clock is not read. */
static uint64_t clock_ns(void) {
#ifdef PERF_TRACE
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
#else
    return 0;
#endif
}

static struct query query_start(struct store *store, enum statement which) {
    struct query query = {.store = store};
    sqlite3_stmt **statement = &store->statements[which];
    if (*statement == NULL) {
        uint64_t begin_ns = clock_ns();
        if (sqlite3_prepare_v3(store->db, statement_sql[which], -1, SQLITE_PREPARE_PERSISTENT, statement,
                               NULL) != SQLITE_OK)
            query.result = store_fail_sql(store, "prepare a query");
        query.sql_ns = clock_ns() - begin_ns;
    }
    query.statement = *statement;
    return query;
}

static void bound(struct query *query, int code) {
    if (code != SQLITE_OK && query->result == STORE_OK)
        query->result = store_fail_sql(query->store, "bind a value");
}

/* What is bound stays the caller's and must last until query_end. */
static void bind_text(struct query *query, int at, const char *text) {
    if (query->result == STORE_OK)
        bound(query, sqlite3_bind_text(query->statement, at, text, -1, SQLITE_STATIC));
}

static void bind_bytes(struct query *query, int at, const void *bytes, size_t size) {
    if (query->result == STORE_OK)
        bound(query, sqlite3_bind_blob64(query->statement, at, bytes, size, SQLITE_STATIC));
}

static void bind_number(struct query *query, int at, int64_t number) {
    if (query->result == STORE_OK)
        bound(query, sqlite3_bind_int64(query->statement, at, number));
}

static bool query_row(struct query *query) {
    if (query->result != STORE_OK)
        return false;
    uint64_t begin_ns = clock_ns();
    int code = sqlite3_step(query->statement);
    query->sql_ns += clock_ns() - begin_ns;
    if (code != SQLITE_ROW && code != SQLITE_DONE)
        query->result = store_fail_sql(query->store, "query");
    return code == SQLITE_ROW;
}

static int query_end(struct query *query) {
    if (query->statement != NULL) {
        sqlite3_reset(query->statement);
        sqlite3_clear_bindings(query->statement);
    }
    query->sql_us = (int64_t)(query->sql_ns / 1000);
    return query->result;
}

/* For statements that answer nothing. */
static int query_run(struct query *query) {
    query_row(query);
    return query_end(query);
}

static void out_of_memory(struct query *query) {
    query->result = store_fail(query->store, STORE_FAILED, "%s: out of memory", query->store->path);
}

static void read_id(struct query *query, int column, char id[STORE_ID_SIZE]) {
    const unsigned char *text = sqlite3_column_text(query->statement, column);
    size_t length = (size_t)sqlite3_column_bytes(query->statement, column);
    if (text == NULL || length >= STORE_ID_SIZE)
        query->result =
            store_fail(query->store, STORE_DAMAGED, "%s: an id that cannot be", query->store->path);
    else
        memcpy(id, text, length + 1); /* with the zero byte that SQLite puts there */
}

static void append_record(struct query *query, struct node *node, size_t *capacity) {
    if (node->record_count == *capacity) {
        size_t wanted = *capacity == 0 ? 4 : *capacity * 2;
        struct record *grown = realloc(node->records, wanted * sizeof *grown);
        if (grown == NULL) {
            out_of_memory(query);
            return;
        }
        node->records = grown;
        *capacity = wanted;
    }
    node->records[node->record_count++] = (struct record){
        .serial = sqlite3_column_int64(query->statement, 3),
        .index = sqlite3_column_int64(query->statement, 4),
        .size = sqlite3_column_int64(query->statement, 5),
        .checksum = sqlite3_column_int64(query->statement, 6),
    };
}

int query_records(struct store *store, const char *part_id, const char *node_id, struct node *node,
                  bool *found) {
    PERF_SPAN("query_records", "part_id", part_id, "node_id", node_id);
    *node = (struct node){0};
    *found = false;
    size_t capacity = 0;
    struct query query = query_start(store, SELECT_RECORDS);
    bind_text(&query, 1, part_id);
    bind_text(&query, 2, node_id);
    while (query_row(&query)) {
        if (!*found) {
            snprintf(node->part_id, sizeof node->part_id, "%s", part_id);
            snprintf(node->node_id, sizeof node->node_id, "%s", node_id);
            node->kind =
                sqlite3_column_int(query.statement, 0) == NODE_DIRECTORY ? NODE_DIRECTORY : NODE_FILE;
            node->mode = (unsigned)sqlite3_column_int(query.statement, 1) & 0777;
            node->size = sqlite3_column_int64(query.statement, 2);
            *found = true;
        }
        if (sqlite3_column_type(query.statement, 3) != SQLITE_NULL)
            append_record(&query, node, &capacity);
    }
    int result = query_end(&query);
    PERF_METRIC("query_ms", query.sql_us / 1000, "query_us", query.sql_us, "found", *found ? 1 : 0, "records",
                node->record_count);
    if (result != STORE_OK) {
        node_free(node);
        *found = false;
    }
    return result;
}

static void append_name(struct query *query, struct entry_list *list) {
    const char *name = sqlite3_column_blob(query->statement, 0);
    size_t length = (size_t)sqlite3_column_bytes(query->statement, 0);
    if (name == NULL || !entry_name_valid(name, length)) {
        query->result = store_fail(query->store, STORE_DAMAGED, "%s: an entry's name that no file can have",
                                   query->store->path);
        return;
    }
    if (list->count == list->capacity) {
        size_t wanted = list->capacity == 0 ? 16 : list->capacity * 2;
        struct entry *grown = realloc(list->items, wanted * sizeof *grown);
        if (grown == NULL) {
            out_of_memory(query);
            return;
        }
        list->items = grown;
        list->capacity = wanted;
    }
    struct entry *entry = &list->items[list->count];
    *entry = (struct entry){.name = strndup(name, length)};
    if (entry->name == NULL)
        out_of_memory(query);
    else
        list->count++;
}

int query_directory_entries(struct store *store, const char *part_id, struct entry_list *list) {
    PERF_SPAN("query_directory_entries", "part_id", part_id);
    *list = (struct entry_list){0};
    struct query query = query_start(store, SELECT_NAMES);
    bind_text(&query, 1, part_id);
    while (query_row(&query))
        append_name(&query, list);
    int result = query_end(&query);
    PERF_METRIC("query_ms", query.sql_us / 1000, "query_us", query.sql_us, "records", list->count);
    if (result != STORE_OK)
        entry_list_free(list);
    return result;
}

int query_directory_nodes(struct store *store, const char *part_id, struct entry_list *list) {
    PERF_SPAN("query_directory_nodes", "part_id", part_id);
    *list = (struct entry_list){0};
    struct query query = query_start(store, SELECT_NODES);
    bind_text(&query, 1, part_id);
    while (query_row(&query)) {
        append_name(&query, list);
        if (query.result != STORE_OK)
            break;
        struct entry *entry = &list->items[list->count - 1];
        if (sqlite3_column_type(query.statement, 2) == SQLITE_NULL) {
            query.result = store_fail(store, STORE_DAMAGED, "%s: entry %s of part %s has no node",
                                      store->path, entry->name, part_id);
        } else {
            read_id(&query, 1, entry->part_id);
            read_id(&query, 2, entry->node_id);
        }
    }
    int result = query_end(&query);
    PERF_METRIC("query_ms", query.sql_us / 1000, "query_us", query.sql_us, "records", list->count);
    if (result != STORE_OK)
        entry_list_free(list);
    return result;
}

int query_single_directory_entry(struct store *store, const char *part_id, const char *entry_name,
                                 struct entry *entry, bool *found) {
    PERF_SPAN("query_single_directory_entry", "part_id", part_id, "entry_name", entry_name);
    struct query query = query_start(store, SELECT_ENTRY);
    bind_text(&query, 1, part_id);
    bind_bytes(&query, 2, entry_name, strlen(entry_name));
    *found = query_row(&query);
    if (*found) {
        read_id(&query, 0, entry->part_id);
        read_id(&query, 1, entry->node_id);
    }
    int result = query_end(&query);
    PERF_METRIC("query_ms", query.sql_us / 1000, "query_us", query.sql_us, "found", *found ? 1 : 0);
    return result;
}

/* FNV-1a: against damage, not against malice. */
static int64_t checksum_of(const unsigned char *bytes, size_t size) {
    uint64_t hash = 0xcbf29ce484222325;
    for (size_t i = 0; i < size; i++)
        hash = (hash ^ bytes[i]) * 0x100000001b3;
    return (int64_t)hash;
}

int read_record(struct store *store, const struct record *record, unsigned char bytes[STORE_RECORD_BYTES]) {
    PERF_SPAN_LEVEL(PERF_DEBUG, "read_record", "serial", record->serial, "size", record->size);
    struct query query = query_start(store, SELECT_BYTES);
    bind_number(&query, 1, record->serial);
    if (query_row(&query)) {
        const void *blob = sqlite3_column_blob(query.statement, 0);
        size_t size = (size_t)sqlite3_column_bytes(query.statement, 0);
        if (blob == NULL || size > STORE_RECORD_BYTES || (int64_t)size != record->size ||
            checksum_of(blob, size) != record->checksum) {
            PERF_EVENT_LEVEL(PERF_WARN, "record_damaged", "serial", record->serial);
            query.result = store_fail(store, STORE_DAMAGED, "%s: record %lld is damaged", store->path,
                                      (long long)record->serial);
        } else {
            memcpy(bytes, blob, size);
        }
    } else if (query.result == STORE_OK) {
        query.result = store_fail(store, STORE_DAMAGED, "%s: record %lld is gone", store->path,
                                  (long long)record->serial);
    }
    return query_end(&query);
}

static int single_number(struct store *store, enum statement which, int64_t *number) {
    struct query query = query_start(store, which);
    if (query_row(&query))
        *number = sqlite3_column_int64(query.statement, 0);
    return query_end(&query);
}

int count_nodes(struct store *store, int64_t *count) {
    return single_number(store, COUNT_NODES, count);
}

/* Ids are counted, not random: the same import gives the same ids, and traces of it can be compared. */
int add_node(struct store *store, const char *part_id, enum node_kind kind, unsigned mode,
             struct node *node) {
    *node = (struct node){.kind = kind, .mode = mode};
    int64_t serial = 0;
    int result = single_number(store, SELECT_SERIAL, &serial);
    if (result != STORE_OK)
        return result;
    snprintf(node->node_id, sizeof node->node_id, "%06llx", (unsigned long long)serial);
    snprintf(node->part_id, sizeof node->part_id, "%s", kind == NODE_DIRECTORY ? node->node_id : part_id);
    PERF_SPAN("add_node", "part_id", node->part_id, "node_id", node->node_id);
    if (kind == NODE_DIRECTORY) {
        struct query part = query_start(store, INSERT_PART);
        bind_text(&part, 1, node->part_id);
        result = query_run(&part);
        if (result != STORE_OK)
            return result;
    }
    struct query query = query_start(store, INSERT_NODE);
    bind_number(&query, 1, serial);
    bind_text(&query, 2, node->part_id);
    bind_text(&query, 3, node->node_id);
    bind_number(&query, 4, kind);
    bind_number(&query, 5, mode);
    return query_run(&query);
}

int add_entry(struct store *store, const char *part_id, const char *entry_name, const char *node_id) {
    PERF_SPAN("add_entry", "part_id", part_id, "entry_name", entry_name);
    struct query query = query_start(store, INSERT_ENTRY);
    bind_text(&query, 1, part_id);
    bind_bytes(&query, 2, entry_name, strlen(entry_name));
    bind_text(&query, 3, node_id);
    return query_run(&query);
}

int add_record(struct store *store, const char *node_id, int64_t index, const unsigned char *bytes,
               size_t size) {
    PERF_SPAN_LEVEL(PERF_DEBUG, "add_record", "node_id", node_id, "index", index, "size", size);
    struct query query = query_start(store, INSERT_RECORD);
    bind_text(&query, 1, node_id);
    bind_number(&query, 2, index);
    bind_number(&query, 3, checksum_of(bytes, size));
    bind_bytes(&query, 4, bytes, size);
    return query_run(&query);
}

int set_node(struct store *store, const char *node_id, unsigned mode, int64_t size) {
    struct query query = query_start(store, CHANGE_NODE);
    bind_text(&query, 1, node_id);
    bind_number(&query, 2, mode);
    bind_number(&query, 3, size);
    return query_run(&query);
}

int clear_records(struct store *store, const char *node_id) {
    struct query query = query_start(store, DELETE_RECORDS);
    bind_text(&query, 1, node_id);
    return query_run(&query);
}
