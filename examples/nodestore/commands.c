/* The command line: which commands there are, and what each says. */
#define PERF_TARGET "nodestore"
#include <perftrace.h>

#include "store.h"

#include <string.h>

enum exit_code {
    EXIT_FINE = 0,
    EXIT_NO = 1,     /* the store is damaged */
    EXIT_FAILED = 2, /* could not do it */
};

struct invocation {
    struct store *store;
    const char *argument; /* after the store, or NULL */
    FILE *out, *err;
};

struct command {
    const char *name;
    const char *argument; /* as help shows it, or "" */
    bool optional;
    const char *help;
    int (*open)(struct store *store, const char *path);
    enum exit_code (*run)(struct invocation *invocation);
};

static enum exit_code failed(struct invocation *invocation) {
    fputs("nodestore: ", invocation->err);
    put_text(invocation->err, invocation->store->message);
    putc('\n', invocation->err);
    return EXIT_FAILED;
}

static void print_totals(FILE *out, const char *done, const struct totals *totals) {
    fprintf(out, "%s %lld files and %lld directories, %lld bytes", done, (long long)totals->files,
            (long long)totals->directories, (long long)totals->bytes);
    if (totals->skipped > 0)
        fprintf(out, "; skipped %lld", (long long)totals->skipped);
    putc('\n', out);
}

static enum exit_code run_make(struct invocation *invocation) {
    (void)invocation;
    return EXIT_FINE;
}

static void print_node(FILE *out, const struct node *node, const char *name) {
    fprintf(out, "%c%03o %12lld ", node->kind == NODE_DIRECTORY ? 'd' : '-', node->mode,
            (long long)node->size);
    put_text(out, name);
    fputs(node->kind == NODE_DIRECTORY ? "/\n" : "\n", out);
}

static int list_directory(struct invocation *invocation, const char *part_id) {
    PERF_SPAN("list_directory", "part_id", part_id);
    struct entry_list list;
    int result = load_directory_entries(invocation->store, part_id, &list);
    if (result != STORE_OK)
        return result;
    for (size_t i = 0; result == STORE_OK && i < list.count; i++) {
        struct node node;
        bool found = false;
        result = find_node(invocation->store, part_id, list.items[i].name, &node, &found);
        if (result == STORE_OK && found) {
            print_node(invocation->out, &node, list.items[i].name);
            node_free(&node);
        }
    }
    entry_list_free(&list);
    return result;
}

static enum exit_code run_list(struct invocation *invocation) {
    const char *path = invocation->argument != NULL ? invocation->argument : "/";
    struct store *store = invocation->store;
    struct node node;
    bool found = false;
    int result = find_path(store, path, &node, &found);
    if (result == STORE_OK && !found)
        result = store_fail(store, STORE_FAILED, "%s: nothing of that name in %s", path, store->path);
    if (result == STORE_OK && node.kind == NODE_DIRECTORY)
        result = list_directory(invocation, node.node_id);
    else if (result == STORE_OK)
        print_node(invocation->out, &node, path);
    if (found)
        node_free(&node);
    return result == STORE_OK ? EXIT_FINE : failed(invocation);
}

static enum exit_code run_import(struct invocation *invocation) {
    struct totals totals;
    if (import_folder(invocation->store, invocation->argument, invocation->err, &totals) != STORE_OK)
        return failed(invocation);
    print_totals(invocation->out, "imported", &totals);
    return EXIT_FINE;
}

static enum exit_code run_export(struct invocation *invocation) {
    struct totals totals;
    if (export_folder(invocation->store, invocation->argument, &totals) != STORE_OK)
        return failed(invocation);
    print_totals(invocation->out, "exported", &totals);
    return EXIT_FINE;
}

static enum exit_code run_check(struct invocation *invocation) {
    struct totals totals;
    int64_t problems = 0;
    if (check_store(invocation->store, invocation->out, &totals, &problems) != STORE_OK)
        return failed(invocation);
    print_totals(invocation->out, "checked", &totals);
    return problems == 0 ? EXIT_FINE : EXIT_NO;
}

static const struct command commands[] = {
    {"make", "", false, "make a new, empty store", store_make, run_make},
    {"list", "PATH", true, "list a directory of the store (default: the root), or one file", store_open,
     run_list},
    {"import", "FOLDER", false, "take in what a folder holds; files of the same name are replaced",
     store_open, run_import},
    {"export", "FOLDER", false, "write everything to a folder, new or empty", store_open, run_export},
    {"check", "", false, "read every record and say what is wrong", store_open, run_check},
};
enum { COMMAND_COUNT = sizeof commands / sizeof commands[0] };

static void format_usage(const struct command *command, char usage[static 64]) {
    snprintf(usage, 64, "%s STORE %s%s%s", command->name, command->optional ? "[" : "", command->argument,
             command->optional ? "]" : "");
}

static void print_help(FILE *out) {
    fputs("nodestore keeps folders of files in one SQLite file.\n\nusage:\n", out);
    for (size_t i = 0; i < COMMAND_COUNT; i++) {
        char usage[64];
        format_usage(&commands[i], usage);
        fprintf(out, "  nodestore %-21s  %s\n", usage, commands[i].help);
    }
    fputs(
        "  nodestore help                   this text\n\n"
        "exit codes: 0 fine, 1 `check` found the store damaged, 2 could not do it\n",
        out);
}

static enum exit_code run_command(const struct command *command, char **argv, FILE *out, FILE *err) {
    PERF_SPAN_DYNAMIC(command->name, "store", argv[0]);
    struct store store;
    struct invocation invocation = {&store, argv[1], out, err};
    enum exit_code code =
        command->open(&store, argv[0]) == STORE_OK ? command->run(&invocation) : failed(&invocation);
    store_close(&store);
    return code;
}

int nodestore_run(int argc, char **argv, FILE *out, FILE *err) {
    const char *name = argc > 1 ? argv[1] : "";
    const struct command *command = NULL;
    for (size_t i = 0; i < COMMAND_COUNT; i++) {
        if (strcmp(commands[i].name, name) == 0)
            command = &commands[i];
    }
    enum exit_code code = EXIT_FAILED;
    if (strcmp(name, "help") == 0 || strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0) {
        print_help(out);
        code = EXIT_FINE;
    } else if (command == NULL) {
        fputs(argc > 1 ? "nodestore: no such command: " : "nodestore: what to do?", err);
        put_text(err, name);
        fputs("\n\n", err);
        print_help(err);
    } else {
        int most = command->argument[0] == '\0' ? 3 : 4;
        int least = command->optional ? most - 1 : most;
        char usage[64];
        format_usage(command, usage);
        if (argc >= least && argc <= most)
            code = run_command(command, argv + 2, out, err);
        else
            fprintf(err, "nodestore: usage: nodestore %s\n", usage);
    }
    if (fflush(out) != 0 || ferror(out)) {
        fputs("nodestore: could not write the output\n", err);
        code = EXIT_FAILED;
    }
    return (int)code;
}
