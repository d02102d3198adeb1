/* A folder of the file system -> the store, in one transaction. */
#define PERF_TARGET "nodestore"
#include <perftrace.h>

#include "store.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct import {
    struct store *store;
    FILE *notes;
    struct totals *totals;
    struct walk_path path;
    /* Where the store itself lies: it may be within the folder, and then it is left out. */
    struct stat store_folder;
    char store_name[STORE_NAME_MAX + 1];
    unsigned char bytes[STORE_RECORD_BYTES];
};

static int fail_errno(struct import *import, const char *what) {
    int error = errno;
    return store_fail(import->store, STORE_FAILED, "%s: could not %s: %s", import->path.text, what,
                      strerror(error));
}

static void skip(struct import *import, const char *why) {
    PERF_EVENT("skipped", "path", import->path.text, "why", why);
    fputs("skipped ", import->notes);
    put_text(import->notes, import->path.text);
    fprintf(import->notes, ": %s\n", why);
    import->totals->skipped++;
}

static int find_store(struct import *import) {
    char *folder = strdup(import->store->path);
    char *name = strdup(import->store->path);
    int result = STORE_OK;
    if (folder == NULL || name == NULL)
        result = store_fail(import->store, STORE_FAILED, "out of memory");
    else if (stat(dirname(folder), &import->store_folder) != 0)
        result = store_fail(import->store, STORE_FAILED, "%s: %s", folder, strerror(errno));
    else
        snprintf(import->store_name, sizeof import->store_name, "%s", basename(name));
    free(folder);
    free(name);
    return result;
}

/* The store or one of the files that SQLite keeps beside it while it writes. */
static bool is_store(const struct import *import, const struct stat *folder, const char *name) {
    size_t length = strlen(import->store_name);
    if (folder->st_dev != import->store_folder.st_dev || folder->st_ino != import->store_folder.st_ino ||
        strncmp(name, import->store_name, length) != 0)
        return false;
    const char *rest = name + length;
    return *rest == '\0' || strcmp(rest, "-journal") == 0 || strcmp(rest, "-wal") == 0 ||
           strcmp(rest, "-shm") == 0;
}

struct names {
    char **items;
    size_t count, capacity;
};

static void names_free(struct names *names) {
    for (size_t i = 0; i < names->count; i++)
        free(names->items[i]);
    free(names->items);
}

static int by_bytes(const void *left, const void *right) {
    return strcmp(*(char *const *)left, *(char *const *)right);
}

static bool names_add(struct names *names, const char *name) {
    if (names->count == names->capacity) {
        size_t wanted = names->capacity == 0 ? 16 : names->capacity * 2;
        char **grown = realloc(names->items, wanted * sizeof *grown);
        if (grown == NULL)
            return false;
        names->items = grown;
        names->capacity = wanted;
    }
    char *copy = strdup(name);
    if (copy == NULL)
        return false;
    names->items[names->count++] = copy;
    return true;
}

/* Sorted, so that the same folder always gives the same store. */
static int list_folder(struct import *import, int folder, struct names *names) {
    int again = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *stream = again < 0 ? NULL : fdopendir(again);
    if (stream == NULL) {
        int result = fail_errno(import, "list");
        if (again >= 0)
            close(again);
        return result;
    }
    int result = STORE_OK;
    const struct dirent *entry;
    while (result == STORE_OK && (errno = 0, entry = readdir(stream)) != NULL) {
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0 &&
            !names_add(names, entry->d_name))
            result = store_fail(import->store, STORE_FAILED, "out of memory");
    }
    if (result == STORE_OK && errno != 0)
        result = fail_errno(import, "list");
    closedir(stream);
    if (names->count > 0)
        qsort(names->items, names->count, sizeof *names->items, by_bytes);
    return result;
}

/* The node of that name: the one that is there, else a new one. */
static int take_node(struct import *import, const char *part_id, const char *name, enum node_kind kind,
                     unsigned mode, struct node *node) {
    bool found = false;
    int result = find_node(import->store, part_id, name, node, &found);
    if (result != STORE_OK)
        return result;
    if (found && node->kind != kind) {
        node_free(node);
        return store_fail(import->store, STORE_FAILED, "%s: a %s here, but a %s in the store",
                          import->path.text, kind == NODE_FILE ? "file" : "directory",
                          kind == NODE_FILE ? "directory" : "file");
    }
    if (found) {
        result = clear_records(import->store, node->node_id);
        node_free(node);
        return result;
    }
    result = add_node(import->store, part_id, kind, mode, node);
    if (result == STORE_OK)
        result = add_entry(import->store, part_id, name, node->node_id);
    return result;
}

/* Reads on until the buffer is full or the file ends. Negative: errno says why. */
static ssize_t read_full(int file, unsigned char *bytes, size_t size) {
    size_t have = 0;
    while (have < size) {
        ssize_t got = read(file, bytes + have, size - have);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return -1;
        if (got == 0)
            break;
        have += (size_t)got;
    }
    return (ssize_t)have;
}

static int import_file(struct import *import, const char *part_id, int file, const char *name,
                       unsigned mode) {
    PERF_SPAN("import_file", "part_id", part_id, "entry_name", name);
    struct node node;
    int result = take_node(import, part_id, name, NODE_FILE, mode, &node);
    int64_t size = 0;
    for (int64_t index = 0; result == STORE_OK; index++) {
        ssize_t got = read_full(file, import->bytes, sizeof import->bytes);
        if (got < 0)
            result = fail_errno(import, "read");
        if (got <= 0)
            break;
        result = add_record(import->store, node.node_id, index, import->bytes, (size_t)got);
        size += got;
    }
    if (result == STORE_OK)
        result = set_node(import->store, node.node_id, mode, size);
    PERF_METRIC("bytes", size);
    import->totals->files++;
    import->totals->bytes += size;
    PERF_COUNTER("bytes_imported", import->totals->bytes);
    return result;
}

static int import_directory(struct import *import, const char *part_id, int folder, unsigned depth);

/* `file` is open on what `at` describes, and stays the caller's. */
static int import_open(struct import *import, const char *part_id, int file, const char *name,
                       const struct stat *at, unsigned depth) {
    unsigned mode = at->st_mode & 0777;
    if (S_ISREG(at->st_mode))
        return import_file(import, part_id, file, name, mode);
    struct node node;
    int result = take_node(import, part_id, name, NODE_DIRECTORY, mode, &node);
    if (result == STORE_OK)
        result = set_node(import->store, node.node_id, mode, 0);
    return result == STORE_OK ? import_directory(import, node.node_id, file, depth + 1) : result;
}

static int import_entry(struct import *import, const char *part_id, int folder, const char *name,
                        unsigned depth) {
    struct stat before;
    struct stat at;
    if (!entry_name_valid(name, strlen(name)))
        return store_fail(import->store, STORE_FAILED, "%s: its name is too long", import->path.text);
    if (fstatat(folder, name, &before, AT_SYMLINK_NOFOLLOW) != 0)
        return fail_errno(import, "look at");
    if (S_ISLNK(before.st_mode)) {
        skip(import, "a symbolic link");
        return STORE_OK;
    }
    if (!S_ISREG(before.st_mode) && !S_ISDIR(before.st_mode)) {
        skip(import, "neither a file nor a directory");
        return STORE_OK;
    }
    /* What lies here may have changed since: O_NOFOLLOW and O_NONBLOCK make that harmless, fstat tells. */
    int file = openat(folder, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (file < 0)
        return fail_errno(import, "open");
    int result = STORE_OK;
    if (fstat(file, &at) != 0)
        result = fail_errno(import, "look at");
    else if ((at.st_mode & S_IFMT) != (before.st_mode & S_IFMT))
        result = store_fail(import->store, STORE_FAILED, "%s: it was replaced while being read",
                            import->path.text);
    else
        result = import_open(import, part_id, file, name, &at, depth);
    close(file);
    return result;
}

static int import_directory(struct import *import, const char *part_id, int folder, unsigned depth) {
    PERF_SPAN("import_directory", "part_id", part_id);
    if (depth > STORE_DEPTH_MAX)
        return store_fail(import->store, STORE_FAILED, "%s: more than %d directories deep", import->path.text,
                          STORE_DEPTH_MAX);
    struct stat at;
    if (fstat(folder, &at) != 0)
        return fail_errno(import, "look at");
    struct names names = {0};
    int result = list_folder(import, folder, &names);
    import->totals->directories++;
    for (size_t i = 0; result == STORE_OK && i < names.count; i++) {
        size_t before = walk_enter(&import->path, names.items[i]);
        if (is_store(import, &at, names.items[i]))
            skip(import, "the store itself");
        else
            result = import_entry(import, part_id, folder, names.items[i], depth);
        walk_leave(&import->path, before);
    }
    PERF_METRIC("entries", names.count);
    names_free(&names);
    return result;
}

int import_folder(struct store *store, const char *folder, FILE *notes, struct totals *totals) {
    PERF_SPAN("import_folder", "folder", folder);
    *totals = (struct totals){0};
    struct import *import = calloc(1, sizeof *import);
    if (import == NULL)
        return store_fail(store, STORE_FAILED, "out of memory");
    import->store = store;
    import->notes = notes;
    import->totals = totals;
    walk_enter(&import->path, folder);
    int top = -1;
    int result = find_store(import);
    if (result == STORE_OK && (top = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) < 0)
        result = fail_errno(import, "open");
    if (result == STORE_OK)
        result = store_begin(store);
    if (result == STORE_OK) {
        result = import_directory(import, STORE_ROOT, top, 0);
        if (result == STORE_OK)
            result = store_commit(store);
        if (result != STORE_OK)
            store_rollback(store);
    }
    if (top >= 0)
        close(top);
    free(import);
    PERF_METRIC("directories", totals->directories, "files", totals->files, "bytes", totals->bytes);
    return result;
}
