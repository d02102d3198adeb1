/* The store -> a new folder of the file system. */
#define PERF_TARGET "nodestore"
#include <perftrace.h>

#include "store.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct export {
    struct store *store;
    struct totals *totals;
    struct walk_path path;   /* where it is written to, for messages */
    struct walk_path stored; /* the same in the store */
    unsigned char bytes[STORE_RECORD_BYTES];
};

static int fail_errno(struct export *export, const char *what) {
    int error = errno;
    return store_fail(export->store, STORE_FAILED, "%s: could not %s: %s", export->path.text, what,
                      strerror(error));
}

static int write_full(int file, const unsigned char *bytes, size_t size) {
    while (size > 0) {
        ssize_t wrote = write(file, bytes, size);
        if (wrote < 0 && errno == EINTR)
            continue;
        if (wrote < 0)
            return -1;
        bytes += wrote;
        size -= (size_t)wrote;
    }
    return 0;
}

static int export_file(struct export *export, int folder, const char *name, const struct node *node) {
    PERF_SPAN("export_file", "part_id", node->part_id, "node_id", node->node_id);
    int file = openat(folder, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (file < 0)
        return fail_errno(export, "make");
    int result = STORE_OK;
    int64_t size = 0;
    for (size_t i = 0; result == STORE_OK && i < node->record_count; i++) {
        result = read_record(export->store, &node->records[i], export->bytes);
        if (result == STORE_OK && write_full(file, export->bytes, (size_t)node->records[i].size) != 0)
            result = fail_errno(export, "write");
        size += node->records[i].size;
    }
    if (result == STORE_OK && size != node->size)
        result = store_fail(export->store, STORE_DAMAGED, "%s: %lld bytes in the store, which should be %lld",
                            export->path.text, (long long)size, (long long)node->size);
    if (result == STORE_OK && fchmod(file, node->mode) != 0)
        result = fail_errno(export, "set the permissions of");
    if (close(file) != 0 && result == STORE_OK)
        result = fail_errno(export, "write");
    PERF_METRIC("bytes", size, "records", node->record_count);
    export->totals->files++;
    export->totals->bytes += size;
    PERF_COUNTER("bytes_exported", export->totals->bytes);
    return result;
}

static int export_directory(struct export *export, const char *part_id, int folder, unsigned depth);

/* Permissions come last: a directory may be one that nothing can be put into. */
static int export_subdirectory(struct export *export, int folder, const char *name, const struct node *node,
                               unsigned depth) {
    if (mkdirat(folder, name, 0700) != 0)
        return fail_errno(export, "make");
    int made = openat(folder, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (made < 0)
        return fail_errno(export, "open");
    int result = export_directory(export, node->node_id, made, depth + 1);
    if (result == STORE_OK && fchmod(made, node->mode) != 0)
        result = fail_errno(export, "set the permissions of");
    close(made);
    return result;
}

static int export_directory(struct export *export, const char *part_id, int folder, unsigned depth) {
    PERF_SPAN("export_directory", "part_id", part_id);
    if (depth > STORE_DEPTH_MAX)
        return store_fail(export->store, STORE_DAMAGED, "%s: more than %d directories deep",
                          export->path.text, STORE_DEPTH_MAX);
    struct entry_list list;
    int result = load_directory_entries(export->store, part_id, &list);
    if (result != STORE_OK)
        return result;
    export->totals->directories++;
    for (size_t i = 0; result == STORE_OK && i < list.count; i++) {
        const char *name = list.items[i].name;
        size_t before = walk_enter(&export->path, name);
        size_t stored_before = walk_enter(&export->stored, name);
        struct node node;
        bool found = false;
        result = find_path(export->store, export->stored.text, &node, &found);
        if (result == STORE_OK && !found)
            result = store_fail(export->store, STORE_FAILED, "%s: gone from the store meanwhile",
                                export->path.text);
        if (result == STORE_OK && node.kind == NODE_DIRECTORY)
            result = export_subdirectory(export, folder, name, &node, depth);
        else if (result == STORE_OK)
            result = export_file(export, folder, name, &node);
        if (found)
            node_free(&node);
        walk_leave(&export->path, before);
        walk_leave(&export->stored, stored_before);
    }
    PERF_METRIC("entries", list.count);
    entry_list_free(&list);
    return result;
}

/* An open descriptor of the folder, which is new or empty; or -1 with the message set. */
static int open_target(struct export *export, const char *folder) {
    if (mkdir(folder, 0777) != 0 && errno != EEXIST) {
        fail_errno(export, "make");
        return -1;
    }
    int top = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int again = top < 0 ? -1 : openat(top, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *stream = again < 0 ? NULL : fdopendir(again);
    if (stream == NULL) {
        fail_errno(export, "open");
        if (again >= 0)
            close(again);
        if (top >= 0)
            close(top);
        return -1;
    }
    const struct dirent *entry;
    bool empty = true;
    while (empty && (entry = readdir(stream)) != NULL)
        empty = strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0;
    closedir(stream);
    if (!empty) {
        store_fail(export->store, STORE_FAILED, "%s: there is something in it already", folder);
        close(top);
        return -1;
    }
    return top;
}

int export_folder(struct store *store, const char *folder, struct totals *totals) {
    PERF_SPAN("export_folder", "folder", folder);
    *totals = (struct totals){0};
    struct export *export = calloc(1, sizeof *export);
    if (export == NULL)
        return store_fail(store, STORE_FAILED, "out of memory");
    export->store = store;
    export->totals = totals;
    walk_enter(&export->path, folder);
    int top = open_target(export, folder);
    int result = top < 0 ? STORE_FAILED : store_begin_read(store);
    if (result == STORE_OK) {
        result = export_directory(export, STORE_ROOT, top, 0);
        store_rollback(store);
    }
    if (top >= 0)
        close(top);
    free(export);
    PERF_METRIC("directories", totals->directories, "files", totals->files, "bytes", totals->bytes);
    return result;
}
