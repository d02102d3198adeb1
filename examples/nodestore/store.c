/* The store's file as a whole: made, opened, closed, its schema, its transactions, its errors. */
#define PERF_TARGET "nodestore"
#include <perftrace.h>

#include "store.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* PRAGMA application_id tells a store from any other SQLite file ("Node" in ASCII); user_version counts changes
 * of the schema. No node has two entries and none of them leads to the root, so what can be reached from
 * there is a tree. */
#define STORE_APPLICATION_ID 1315923045
#define STORE_VERSION 1
#define TEXT_OF(x) #x
#define TEXT(x) TEXT_OF(x)

static const char schema[] =
    "BEGIN IMMEDIATE;"
    "CREATE TABLE parts(part_id TEXT PRIMARY KEY NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE nodes(serial INTEGER PRIMARY KEY, part_id TEXT NOT NULL REFERENCES parts,"
    "  node_id TEXT NOT NULL UNIQUE, kind INTEGER NOT NULL, mode INTEGER NOT NULL, size INTEGER NOT NULL);"
    "CREATE TABLE records(serial INTEGER PRIMARY KEY, node_id TEXT NOT NULL REFERENCES nodes(node_id),"
    "  record_index INTEGER NOT NULL, checksum INTEGER NOT NULL,"
    "  bytes BLOB NOT NULL CHECK(typeof(bytes) = 'blob'), UNIQUE(node_id, record_index));"
    "CREATE TABLE entries(part_id TEXT NOT NULL REFERENCES parts,"
    "  entry_name BLOB NOT NULL CHECK(typeof(entry_name) = 'blob'),"
    "  node_id TEXT NOT NULL UNIQUE REFERENCES nodes(node_id) CHECK(node_id <> '" STORE_ROOT "'),"
    "  PRIMARY KEY(part_id, entry_name)) WITHOUT ROWID;"
    "INSERT INTO parts VALUES('" STORE_ROOT "');"
    "INSERT INTO nodes VALUES(1, '" STORE_ROOT "', '" STORE_ROOT "', 2, 493, 0);" /* a directory, 0755 */
    "PRAGMA application_id = " TEXT(STORE_APPLICATION_ID) ";"
    "PRAGMA user_version = " TEXT(STORE_VERSION) ";"
    "COMMIT;";

int store_fail(struct store *store, enum store_result result, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(store->message, sizeof store->message, format, arguments);
    va_end(arguments);
    return result;
}

int store_fail_sql(struct store *store, const char *what) {
    int code = sqlite3_errcode(store->db) & 0xff;
    bool damaged = code == SQLITE_CORRUPT || code == SQLITE_NOTADB;
    return store_fail(store, damaged ? STORE_DAMAGED : STORE_FAILED, "%s: could not %s: %s", store->path,
                      what, sqlite3_errmsg(store->db));
}

static int execute(struct store *store, const char *sql, const char *what) {
    if (sqlite3_exec(store->db, sql, NULL, NULL, NULL) != SQLITE_OK)
        return store_fail_sql(store, what);
    return STORE_OK;
}

/* Never creates. Opened for writing even where reading is wanted: after a crash SQLite has to roll back. */
static int connect(struct store *store) {
    int code = sqlite3_open_v2(store->path, &store->db, SQLITE_OPEN_READWRITE, NULL);
    if (code != SQLITE_OK)
        return store_fail(store, STORE_FAILED, "%s: could not open: %s", store->path,
                          store->db != NULL ? sqlite3_errmsg(store->db) : sqlite3_errstr(code));
    sqlite3_busy_timeout(store->db, 5000);
    return execute(store, "PRAGMA foreign_keys = ON; PRAGMA trusted_schema = OFF;", "set up");
}

static int read_number(struct store *store, const char *sql, int64_t *number) {
    sqlite3_stmt *statement = NULL;
    int result = STORE_OK;
    if (sqlite3_prepare_v2(store->db, sql, -1, &statement, NULL) != SQLITE_OK ||
        sqlite3_step(statement) != SQLITE_ROW)
        result = store_fail_sql(store, "read");
    else
        *number = sqlite3_column_int64(statement, 0);
    sqlite3_finalize(statement);
    return result;
}

int store_make(struct store *store, const char *path) {
    PERF_SPAN("make_store", "path", path);
    *store = (struct store){.path = path};
    int file = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
    if (file < 0)
        return store_fail(store, STORE_FAILED, "%s: could not make it: %s", path, strerror(errno));
    close(file);
    int result = connect(store);
    if (result == STORE_OK)
        result = execute(store, schema, "make the tables");
    if (result != STORE_OK) {
        store_close(store);
        unlink(path);
        return result;
    }
    PERF_EVENT("store_made", "path", path);
    return STORE_OK;
}

int store_open(struct store *store, const char *path) {
    PERF_SPAN("open_store", "path", path);
    *store = (struct store){.path = path};
    int64_t application = 0;
    int64_t version = 0;
    int result = connect(store);
    if (result == STORE_OK)
        result = read_number(store, "PRAGMA application_id", &application);
    if (result == STORE_OK)
        result = read_number(store, "PRAGMA user_version", &version);
    if (result == STORE_OK && application != STORE_APPLICATION_ID)
        return store_fail(store, STORE_FAILED, "%s: not a node store", path);
    if (result == STORE_OK && version != STORE_VERSION)
        return store_fail(store, STORE_FAILED, "%s: a store of version %lld, and only %d is known", path,
                          (long long)version, STORE_VERSION);
    return result;
}

void store_close(struct store *store) {
    for (size_t i = 0; i < STORE_STATEMENTS; i++) {
        sqlite3_finalize(store->statements[i]);
        store->statements[i] = NULL;
    }
    sqlite3_close(store->db);
    store->db = NULL;
}

int store_begin(struct store *store) {
    return execute(store, "BEGIN IMMEDIATE", "begin a transaction");
}

int store_begin_read(struct store *store) {
    return execute(store, "BEGIN", "begin a transaction");
}

int store_commit(struct store *store) {
    return PERF_TIME("commit", execute(store, "COMMIT", "commit"));
}

void store_rollback(struct store *store) {
    /* Some errors have rolled back already; otherwise this can only fail as closing would, with the same effect. */
    if (!sqlite3_get_autocommit(store->db))
        sqlite3_exec(store->db, "ROLLBACK", NULL, NULL, NULL);
}

void node_free(struct node *node) {
    free(node->records);
    node->records = NULL;
    node->record_count = 0;
}

void entry_list_free(struct entry_list *list) {
    for (size_t i = 0; i < list->count; i++)
        free(list->items[i].name);
    free(list->items);
    *list = (struct entry_list){0};
}
