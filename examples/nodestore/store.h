/* A store of nodes and directories in one SQLite file: everything that the example's files share.
 *
 * A part is what belongs to one directory: the directory's own node, whose id is the part's, the nodes of the files
 * in it, and its entries (entry_name -> node_id). The top directory is the part "root". The bytes of a file are
 * cut into records.
 *
 * Functions return an enum store_result; after anything but STORE_OK store->message says why, in one sentence
 * that may hold any bytes (names do): print it with put_text. A store is for one thread at a time. */
#ifndef NODESTORE_STORE_H
#define NODESTORE_STORE_H

#include <sqlite3.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define STORE_ROOT "root"

enum {
    STORE_ID_SIZE = 24, /* with the zero byte */
    STORE_NAME_MAX = 255,
    STORE_RECORD_BYTES = 64 * 1024,
    STORE_DEPTH_MAX = 128, /* directories within directories; each holds a descriptor open */
    STORE_STATEMENTS = 13,
};

enum store_result {
    STORE_OK = 0,
    STORE_FAILED = -1,  /* could not do it */
    STORE_DAMAGED = -2, /* the store says something that cannot be */
};

struct store {
    sqlite3 *db;
    sqlite3_stmt *statements[STORE_STATEMENTS]; /* prepared at first use, by queries.c */
    const char *path;                           /* the caller's */
    char message[1536];                         /* room for a walk_path and a reason */
};

/* store.c: the file as a whole. store_close is to be called whatever make and open returned. */
int store_make(struct store *store, const char *path); /* never touches a file that is there */
int store_open(struct store *store, const char *path);
void store_close(struct store *store);
int store_begin(struct store *store);
int store_begin_read(struct store *store); /* what is read until the rollback is of one moment */
int store_commit(struct store *store);
void store_rollback(struct store *store);
int store_fail(struct store *store, enum store_result result, const char *format, ...)
    __attribute__((format(printf, 3, 4)));                 /* sets the message, returns the result */
int store_fail_sql(struct store *store, const char *what); /* the message is SQLite's */

enum node_kind {
    NODE_FILE = 1,
    NODE_DIRECTORY = 2,
};

/* One stretch of a file's bytes; the bytes are read one record at a time, by read_record. */
struct record {
    int64_t serial;
    int64_t index; /* from 0 within its node */
    int64_t size;
    int64_t checksum;
};

struct node {
    char part_id[STORE_ID_SIZE];
    char node_id[STORE_ID_SIZE];
    enum node_kind kind;
    unsigned mode; /* permission bits */
    int64_t size;
    struct record *records;
    size_t record_count;
};
void node_free(struct node *node);

struct entry {
    char *name;
    char part_id[STORE_ID_SIZE]; /* of the node */
    char node_id[STORE_ID_SIZE];
};

struct entry_list {
    struct entry *items;
    size_t count, capacity;
};
void entry_list_free(struct entry_list *list);

/* queries.c: one SQL statement each. What is filled belongs to the caller, who frees it; after an error and where
 * *found is false nothing is to be freed. */
int query_records(struct store *store, const char *part_id, const char *node_id, struct node *node,
                  bool *found);
int query_directory_entries(struct store *store, const char *part_id,
                            struct entry_list *list); /* names only */
int query_directory_nodes(struct store *store, const char *part_id, struct entry_list *list);
int query_single_directory_entry(struct store *store, const char *part_id, const char *entry_name,
                                 struct entry *entry, bool *found); /* leaves entry->name as it is */
int read_record(struct store *store, const struct record *record, unsigned char bytes[STORE_RECORD_BYTES]);
int count_nodes(struct store *store, int64_t *count);
/* A directory is a part of its own, so part_id is of use for files only. */
int add_node(struct store *store, const char *part_id, enum node_kind kind, unsigned mode, struct node *node);
int add_entry(struct store *store, const char *part_id, const char *entry_name, const char *node_id);
int add_record(struct store *store, const char *node_id, int64_t index, const unsigned char *bytes,
               size_t size);
int set_node(struct store *store, const char *node_id, unsigned mode, int64_t size);
int clear_records(struct store *store, const char *node_id);

/* directory.c, and directory_better.c in its place: loading by name. */
int load_node(struct store *store, const char *part_id, const char *entry_name, struct node *node);
int find_node(struct store *store, const char *part_id, const char *entry_name, struct node *node,
              bool *found);
int load_directory_entries(struct store *store, const char *part_id, struct entry_list *list);

/* lookup.c: what both of them, and all others, look for nodes with. */
int exists_node(struct store *store, const char *part_id, const char *entry_name, bool *exists);
int need_directory(struct store *store, const char *part_id); /* STORE_DAMAGED: the part has none */
int find_path(struct store *store, const char *path, struct node *node,
              bool *found); /* from the root, by '/' */

/* import.c, export.c, check.c: what the commands do. */
struct totals {
    int64_t directories, files, bytes, skipped;
};
/* All or nothing. What is left out (symbolic links, devices …) is said on notes, a line each. */
int import_folder(struct store *store, const char *folder, FILE *notes, struct totals *totals);
/* Into a folder that is new or empty; what was written before an error stays there. */
int export_folder(struct store *store, const char *folder, struct totals *totals);
/* One line on out for each thing that is wrong. */
int check_store(struct store *store, FILE *out, struct totals *totals, int64_t *problems);

/* names.c: names are any bytes but '/' and zero. */
bool entry_name_valid(const char *name, size_t length);
void put_text(FILE *out, const char *text); /* what is not printable ASCII as \xHH: safe on a terminal */

/* Where a walk is. A folder outside the store may have a longer path; then it is cut, and serves for messages
 * only. */
struct walk_path {
    char text[STORE_DEPTH_MAX * (STORE_NAME_MAX + 1)];
    size_t length;
};
size_t walk_enter(struct walk_path *path, const char *name); /* returns what walk_leave wants */
void walk_leave(struct walk_path *path, size_t length);

/* commands.c: the command line, apart from the process around it. Returns the exit code. */
int nodestore_run(int argc, char **argv, FILE *out, FILE *err);

#endif
