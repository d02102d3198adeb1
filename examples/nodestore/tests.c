/* nodestore's own tests: every command, on good and on damaged stores, in a temporary folder that goes at the end.
 *
 * Standard error is left to the trace, so that `nodestore_tests 2> perf_trace.log` gives a log for
 * `perftrace analyze`; what the tests have to say goes to standard output. */
#define _GNU_SOURCE /* nftw */
#define PERF_TARGET "nodestore_tests"
#include <perftrace.h>

#include "store.h"

#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static unsigned failures;

#define CHECK(condition) check_that((condition), #condition, __LINE__)
static void check_that(bool holds, const char *condition, int line) {
    if (!holds) {
        printf("tests.c:%d: not so: %s\n", line, condition);
        failures++;
    }
}

/* What the last command said, on both of its outputs. */
static char *said;

static int run(const char *command, const char *store, const char *argument) {
    free(said);
    said = NULL;
    size_t size = 0;
    FILE *stream = open_memstream(&said, &size);
    if (stream == NULL)
        abort();
    char *argv[5] = {(char[]){"nodestore"}};
    int argc = 1;
    const char *given[] = {command, store, argument};
    char copies[3][256];
    for (size_t i = 0; i < 3 && given[i] != NULL; i++) {
        snprintf(copies[i], sizeof copies[i], "%s", given[i]);
        argv[argc++] = copies[i];
    }
    int code = nodestore_run(argc, argv, stream, stream);
    fclose(stream);
    return code;
}

static bool says(const char *text) {
    return said != NULL && strstr(said, text) != NULL;
}

static void write_file(const char *path, mode_t mode, const void *bytes, size_t size) {
    int file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (file < 0 || write(file, bytes, size) != (ssize_t)size || fchmod(file, mode) != 0)
        abort();
    close(file);
}

/* Bytes that differ from record to record. */
static void write_pattern(const char *path, size_t size) {
    unsigned char *bytes = malloc(size);
    if (bytes == NULL)
        abort();
    for (size_t i = 0; i < size; i++)
        bytes[i] = (unsigned char)(i * 31 + i / 4096);
    write_file(path, 0600, bytes, size);
    free(bytes);
}

static void make_folder(const char *path, mode_t mode) {
    if (mkdir(path, 0700) != 0 || chmod(path, mode) != 0)
        abort();
}

static void sql(const char *path, const char *statement) {
    sqlite3 *db = NULL;
    if (sqlite3_open(path, &db) != SQLITE_OK || sqlite3_exec(db, statement, NULL, NULL, NULL) != SQLITE_OK)
        abort();
    sqlite3_close(db);
}

static int remove_one(const char *path, const struct stat *at, int kind, struct FTW *walk) {
    (void)at, (void)kind, (void)walk;
    return remove(path);
}

static void remove_tree(const char *path) {
    nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static char *read_whole(int folder, const char *name, size_t *size) {
    int file = openat(folder, name, O_RDONLY | O_CLOEXEC);
    struct stat at;
    if (file < 0 || fstat(file, &at) != 0)
        abort();
    *size = (size_t)at.st_size;
    char *bytes = malloc(*size + 1);
    if (bytes == NULL || read(file, bytes, *size) != at.st_size)
        abort();
    close(file);
    return bytes;
}

/* Whether all that `left` holds, but for what import skips, is in `right` too. Closes both. */
static bool tree_within(int left, int right) {
    bool same = left >= 0 && right >= 0;
    DIR *stream = same ? fdopendir(left) : NULL;
    const struct dirent *entry;
    while (same && (entry = readdir(stream)) != NULL) {
        struct stat a;
        struct stat b;
        const char *name = entry->d_name;
        if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0 ||
            fstatat(left, name, &a, AT_SYMLINK_NOFOLLOW) != 0 || (!S_ISREG(a.st_mode) && !S_ISDIR(a.st_mode)))
            continue;
        same = fstatat(right, name, &b, AT_SYMLINK_NOFOLLOW) == 0 && a.st_mode == b.st_mode;
        if (same && S_ISDIR(a.st_mode)) {
            int flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC;
            same = tree_within(openat(left, name, flags), openat(right, name, flags));
        } else if (same) {
            size_t a_size;
            size_t b_size;
            char *a_bytes = read_whole(left, name, &a_size);
            char *b_bytes = read_whole(right, name, &b_size);
            same = a_size == b_size && memcmp(a_bytes, b_bytes, a_size) == 0;
            free(a_bytes);
            free(b_bytes);
        }
    }
    if (stream != NULL)
        closedir(stream);
    else if (left >= 0)
        close(left);
    if (right >= 0)
        close(right);
    return same;
}

static bool folders_within(const char *left, const char *right) {
    int flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC;
    return tree_within(open(left, flags), open(right, flags));
}

/* A folder with something of everything: `tree`. */
static void make_tree(void) {
    make_folder("tree", 0755);
    write_file("tree/empty", 0644, "", 0);
    write_file("tree/hello", 0444, "hello\n", 6);
    write_file("tree/run", 0755, "#!/bin/sh\n", 10);
    write_pattern("tree/one_record", STORE_RECORD_BYTES);
    write_pattern("tree/records", 3 * STORE_RECORD_BYTES + 17);
    make_folder("tree/data", 0750);
    make_folder("tree/data/nothing", 0755);
    make_folder("tree/data/deeper", 0755);
    write_file("tree/data/deeper/hello", 0644, "the other one\n", 14);
    write_file("tree/line\nfeed|'\";\\ \x01\x1b[31m", 0644, "1", 1);
    write_file("tree/\xff\xfe\x80", 0644, "2", 1);
    write_file("tree/-caf\xc3\xa9", 0644, "3", 1);
    if (symlink("hello", "tree/link") != 0 || mkfifo("tree/pipe", 0600) != 0)
        abort();
}

static void test_make(void) {
    CHECK(run("make", "s", NULL) == 0);
    CHECK(run("check", "s", NULL) == 0);
    CHECK(says("checked 0 files and 1 directories"));
    CHECK(run("make", "s", NULL) == 2); /* and leaves it alone */
    CHECK(says("File exists"));
    CHECK(run("check", "s", NULL) == 0);
    CHECK(run("make", "no/such/folder", NULL) == 2);
}

static void test_open(void) {
    CHECK(run("list", "missing", NULL) == 2);
    CHECK(says("could not open"));
    CHECK(access("missing", F_OK) != 0);
    write_file("text", 0644, "This is not a store, and longer than SQLite's header is, so that it looks.",
               74);
    CHECK(run("check", "text", NULL) == 2);
    CHECK(says("not a database"));
    sql("other", "CREATE TABLE t(a)");
    CHECK(run("list", "other", NULL) == 2);
    CHECK(says("not a node store"));
    CHECK(run("make", "later", NULL) == 0);
    sql("later", "PRAGMA user_version = 2");
    CHECK(run("list", "later", NULL) == 2);
    CHECK(says("version 2"));
}

static void test_round_trip(void) {
    make_tree();
    CHECK(run("make", "s", NULL) == 0);
    CHECK(run("import", "s", "tree") == 0);
    CHECK(says("imported 9 files and 4 directories, 262194 bytes; skipped 2\n"));
    CHECK(says("skipped tree/link: a symbolic link\n"));
    CHECK(says("skipped tree/pipe: neither a file nor a directory\n"));
    CHECK(run("check", "s", NULL) == 0);
    CHECK(says("checked 9 files and 4 directories, 262194 bytes\n"));
    CHECK(run("export", "s", "copy") == 0);
    CHECK(folders_within("tree", "copy"));
    CHECK(folders_within("copy", "tree"));
    CHECK(run("export", "s", "copy") == 2);
    CHECK(says("something in it already"));
    CHECK(run("export", "s", "tree/hello") == 2);
    CHECK(run("export", "s", "no/such/folder") == 2);
}

static void test_list(void) {
    make_tree();
    CHECK(run("make", "s", NULL) == 0);
    CHECK(run("list", "s", NULL) == 0);
    CHECK(strcmp(said, "") == 0);
    CHECK(run("import", "s", "tree") == 0);
    CHECK(run("list", "s", NULL) == 0);
    CHECK(strcmp(said,
                 "-644            1 -caf\\xc3\\xa9\n"
                 "d750            0 data/\n"
                 "-644            0 empty\n"
                 "-444            6 hello\n"
                 "-644            1 line\\x0afeed|'\";\\x5c \\x01\\x1b[31m\n"
                 "-600        65536 one_record\n"
                 "-600       196625 records\n"
                 "-755           10 run\n"
                 "-644            1 \\xff\\xfe\\x80\n") == 0);
    CHECK(run("list", "s", "//data/deeper/") == 0);
    CHECK(strcmp(said, "-644           14 hello\n") == 0);
    CHECK(run("list", "s", "data/deeper/hello") == 0);
    CHECK(run("list", "s", "data/missing") == 2);
    CHECK(says("data/missing: nothing of that name in s"));
    CHECK(run("list", "s", "hello/hello") == 2); /* through a file */
    CHECK(run("list", "s", "data/..") == 2);
}

static void test_import_again(void) {
    make_tree();
    CHECK(run("make", "s", NULL) == 0);
    CHECK(run("import", "s", "tree") == 0);
    write_file("tree/records", 0640, "short now", 9);
    write_file("tree/new", 0644, "new", 3);
    unlink("tree/hello"); /* stays in the store: import only adds and replaces */
    CHECK(run("import", "s", "tree") == 0);
    CHECK(run("check", "s", NULL) == 0);
    CHECK(says("checked 10 files"));
    CHECK(run("export", "s", "copy") == 0);
    CHECK(folders_within("tree", "copy"));
    CHECK(access("copy/hello", F_OK) == 0);
}

static void test_import_errors(void) {
    make_tree();
    CHECK(run("make", "s", NULL) == 0);
    CHECK(run("import", "s", "missing") == 2);
    CHECK(says("No such file"));
    CHECK(run("import", "s", "tree/hello") == 2);
    make_folder("first", 0755);
    make_folder("first/run", 0755);
    CHECK(run("import", "s", "first") == 0);
    CHECK(run("import", "s", "tree") == 2); /* all or nothing */
    CHECK(says("tree/run: a file here, but a directory in the store"));
    CHECK(run("list", "s", NULL) == 0);
    CHECK(strcmp(said, "d755            0 run/\n") == 0);
    CHECK(run("check", "s", NULL) == 0);

    make_folder("deep", 0755);
    int start = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    for (int depth = 0; depth <= STORE_DEPTH_MAX && chdir("deep") == 0; depth++)
        make_folder("deep", 0755);
    CHECK(start >= 0 && fchdir(start) == 0);
    close(start);
    CHECK(run("import", "s", "deep") == 2);
    CHECK(says("more than 128 directories deep"));
    CHECK(run("check", "s", NULL) == 0);
    CHECK(says("and 2 directories"));
}

static void test_store_within(void) {
    make_tree();
    CHECK(run("make", "tree/s", NULL) == 0);
    CHECK(run("import", "tree/s", "tree") == 0);
    CHECK(says("skipped tree/s: the store itself"));
    CHECK(says("imported 9 files"));
    CHECK(run("check", "tree/s", NULL) == 0);
}

/* Each of these makes a good store wrong in one way; `check` has to find it, and says so with `text`. */
static const struct damage {
    const char *sql, *text;
} damages[] = {
    {"UPDATE records SET bytes = zeroblob(6) WHERE length(bytes) = 6", "hello: s: record 3 is damaged"},
    {"DELETE FROM records WHERE record_index = 1", "records: record 1 is missing"},
    {"UPDATE nodes SET size = 7 WHERE size = 6", "hello: 6 bytes, which should be 7"},
    {"DELETE FROM entries WHERE entry_name = x'68656c6c6f'", "13 nodes, of which 11 can be reached"},
    {"UPDATE entries SET entry_name = x'2e2e' WHERE entry_name = x'656d707479'",
     "an entry's name that no file can have"},
    {"UPDATE entries SET entry_name = x'612f62' WHERE entry_name = x'656d707479'",
     "an entry's name that no file can have"},
    {"DELETE FROM nodes WHERE node_id = '000004'", "a row that refers to none"},
    {"UPDATE nodes SET kind = 1 WHERE kind = 2 AND node_id <> 'root'", "can be reached"},
    {"UPDATE nodes SET kind = 1 WHERE node_id = 'root'", "part root has no directory"},
    {"UPDATE nodes SET part_id = 'a part whose name is too long for one' WHERE size = 6",
     "a row that refers to none"},
};

static void test_damage(void) {
    make_tree();
    for (size_t i = 0; i < sizeof damages / sizeof damages[0]; i++) {
        CHECK(run("make", "s", NULL) == 0);
        CHECK(run("import", "s", "tree") == 0);
        sql("s", damages[i].sql);
        int code = run("check", "s", NULL);
        if (code != 1 || !says(damages[i].text)) {
            printf("after %s: check gives %d:\n%s", damages[i].sql, code, said);
            failures++;
        }
        unlink("s");
    }
}

static void test_damaged_export(void) {
    make_tree();
    CHECK(run("make", "s", NULL) == 0);
    CHECK(run("import", "s", "tree") == 0);
    sql("s", "UPDATE records SET bytes = zeroblob(length(bytes)) WHERE record_index = 2");
    CHECK(run("export", "s", "copy") == 2);
    CHECK(says("is damaged"));
    sql("s", "UPDATE entries SET entry_name = CAST('../out' AS BLOB) WHERE entry_name = x'656d707479'");
    CHECK(run("export", "s", "copy2") == 2);
    CHECK(says("an entry's name that no file can have"));
    CHECK(access("out", F_OK) != 0);
    CHECK(run("make", "lacking", NULL) == 0);
    CHECK(run("import", "lacking", "tree") == 0);
    sql("lacking", "DELETE FROM nodes WHERE node_id = '000004'");
    CHECK(run("export", "lacking", "copy3") == 2);
    CHECK(says("of part 000003 has no node") || says("of part root has no node"));
    write_file("cut", 0644, "SQLite format 3", 16);
    CHECK(run("check", "cut", NULL) == 2);
    CHECK(truncate("s", 8192) == 0);
    CHECK(run("check", "s", NULL) != 0);
}

static void test_functions(void) {
    make_tree();
    CHECK(run("make", "s", NULL) == 0);
    CHECK(run("import", "s", "tree") == 0);
    struct store store;
    struct store other;
    struct node node;
    CHECK(store_open(&store, "s") == STORE_OK);
    bool exists = false;
    CHECK(exists_node(&store, STORE_ROOT, "data", &exists) == STORE_OK && exists);
    CHECK(exists_node(&store, STORE_ROOT, "deeper", &exists) == STORE_OK && !exists);
    CHECK(load_node(&store, STORE_ROOT, "records", &node) == STORE_OK);
    CHECK(node.kind == NODE_FILE && node.record_count == 4 && node.size == 3 * STORE_RECORD_BYTES + 17);
    node_free(&node);
    CHECK(load_node(&store, STORE_ROOT, "missing", &node) == STORE_FAILED);
    CHECK(strstr(store.message, "no entry missing in part root") != NULL);
    CHECK(store_begin(&store) == STORE_OK);
    CHECK(store_open(&other, "s") == STORE_OK);
    sqlite3_busy_timeout(other.db, 0);
    CHECK(store_begin(&other) == STORE_FAILED);
    CHECK(strstr(other.message, "locked") != NULL);
    store_close(&other);
    store_rollback(&store);
    store_close(&store);
}

static void test_usage(void) {
    CHECK(run("help", NULL, NULL) == 0);
    CHECK(says("nodestore import STORE FOLDER") && says("nodestore list STORE [PATH]"));
    CHECK(run("--help", NULL, NULL) == 0);
    CHECK(run(NULL, NULL, NULL) == 2);
    CHECK(says("what to do?"));
    CHECK(run("frob\nnicate", "s", NULL) == 2);
    CHECK(says("no such command: frob\\x0anicate"));
    CHECK(run("import", "s", NULL) == 2);
    CHECK(says("usage: nodestore import STORE FOLDER\n"));
    CHECK(run("make", "s", "t") == 2);
    char *argv[] = {(char[]){"nodestore"}, (char[]){"help"}, NULL};
    FILE *full = fopen("/dev/full", "w");
    FILE *silent = fopen("/dev/null", "w");
    CHECK(full != NULL && silent != NULL && nodestore_run(2, argv, full, silent) == 2);
    fclose(full);
    fclose(silent);
}

static const struct test {
    const char *name;
    void (*run)(void);
} tests[] = {
    {"make", test_make},
    {"open", test_open},
    {"round_trip", test_round_trip},
    {"list", test_list},
    {"import_again", test_import_again},
    {"import_errors", test_import_errors},
    {"store_within", test_store_within},
    {"damage", test_damage},
    {"damaged_export", test_damaged_export},
    {"functions", test_functions},
    {"usage", test_usage},
};

static void run_tests(void) {
    for (size_t i = 0; i < sizeof tests / sizeof tests[0]; i++) {
        PERF_SPAN_DYNAMIC(tests[i].name);
        unsigned before = failures;
        make_folder(tests[i].name, 0755);
        if (chdir(tests[i].name) != 0)
            abort();
        tests[i].run();
        if (chdir("..") != 0)
            abort();
        printf("%s %s\n", failures == before ? "ok    " : "FAILED", tests[i].name);
    }
    free(said);
}

int main(void) {
    const char *temporary = getenv("TMPDIR");
    char folder[256];
    snprintf(folder, sizeof folder, "%s/nodestore_tests.XXXXXX", temporary != NULL ? temporary : "/tmp");
    if (mkdtemp(folder) == NULL) {
        printf("%s: could not make it\n", folder);
        return 2;
    }
    char trace[sizeof folder + 16];
    snprintf(trace, sizeof trace, "%s/trace.ptrace", folder);
    struct perftrace_config config = PERFTRACE_CONFIG_DEFAULT;
    config.chrome_output = false;
    config.log_output = true;
    config.trace_path = trace;
    int result = perftrace_init(&config);
    if (result != 0)
        printf("not traced: %s\n", perftrace_error_text(result));
    if (chdir(folder) != 0)
        return 2;
    run_tests();
    perftrace_shutdown();
    remove_tree(folder);
    return failures == 0 ? 0 : 1;
}
