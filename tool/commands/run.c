/* perftrace run: starts a program so that it records, waits for it, and says what there is to see. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* asprintf, pipe2 */
#endif
#include "command.h"

#include "../support/child.h"
#include "../support/collect.h"
#include "../support/summary.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct run_values {
    const char *output;
    const char *filter;
    bool log;
    bool console;
};

static const struct option run_options[] = {
    {.name = "output",
     .letter = 'o',
     .type = OPTION_TEXT,
     .offset = offsetof(struct run_values, output),
     .value = "FILE",
     .help =
         "The Chrome file; the trace gets the same name with .ptrace. Default: TRACE_FILE, else trace.json."},
    {.name = "filter",
     .type = OPTION_TEXT,
     .offset = offsetof(struct run_values, filter),
     .value = "DIRECTIVES",
     .help = "What to record, as in PERF_TRACE_FILTER: nodestore=debug,off"},
    {.name = "log",
     .type = OPTION_FLAG,
     .offset = offsetof(struct run_values, log),
     .help = "Also write a PERF_TRACE line for each finished span to standard error."},
    {.name = "console",
     .type = OPTION_FLAG,
     .offset = offsetof(struct run_values, console),
     .help = "Also show spans and events on standard error as they happen."},
    OPTION_END,
};

struct paths {
    char *chrome; /* absolute: the program may change its directory */
    char *native;
};

static void paths_free(struct paths *paths) {
    free(paths->chrome);
    free(paths->native);
}

/* The trace lies beside the Chrome file and has its stem; "x.ptrace" stands for "x.json". 0 or -1. */
static int paths_make(struct paths *paths, const char *output) {
    static const char native_extension[] = ".ptrace";
    *paths = (struct paths){0};
    char *directory = output[0] == '/' ? strdup("") : getcwd(NULL, 0);
    const char *slash = strrchr(output, '/'), *name = slash != NULL ? slash + 1 : output;
    const char *dot = strrchr(name, '.');
    int stem = dot != NULL && dot != name ? (int)(dot - output) : (int)strlen(output);
    if (strncmp(output, "./", 2) == 0) {
        output += 2;
        stem -= 2;
    }
    const char *extension = output + stem;
    if (strcmp(extension, native_extension) == 0)
        extension = ".json";
    const char *between = output[0] == '/' ? "" : "/";
    if (directory == NULL ||
        asprintf(&paths->chrome, "%s%s%.*s%s", directory, between, stem, output, extension) < 0)
        paths->chrome = NULL;
    else if (asprintf(&paths->native, "%s%s%.*s%s", directory, between, stem, output, native_extension) < 0)
        paths->native = NULL;
    free(directory);
    return paths->native != NULL ? 0 : -1;
}

static bool folder_is_there(const char *path) {
    struct stat status;
    char *folder = strndup(path, (size_t)(strrchr(path, '/') - path) + 1);
    bool there = folder != NULL && stat(folder, &status) == 0 && S_ISDIR(status.st_mode);
    free(folder);
    return there;
}

static int set_environment(const struct run_values *values, const struct paths *paths) {
    int status = setenv("TRACE_FILE", paths->chrome, 1) | setenv("PERF_TRACE_AUTO", "1", 1);
    if (values->filter != NULL)
        status |= setenv("PERF_TRACE_FILTER", values->filter, 1);
    if (values->log)
        status |= setenv("PERF_TRACE_LOG", "1", 1);
    if (values->console)
        status |= setenv("PERF_TRACE_CONSOLE", "1", 1);
    return status;
}

/* Whether the file at `path` is another one than before, or was written since. */
static bool is_new(const char *path, const struct stat *before, bool was_there) {
    struct stat now;
    return stat(path, &now) == 0 &&
           (!was_there || now.st_ino != before->st_ino || now.st_mtim.tv_sec != before->st_mtim.tv_sec ||
            now.st_mtim.tv_nsec != before->st_mtim.tv_nsec);
}

/* A program whose path another one held put its pid into the names: "trace.123.json". 0 or -1. */
static int use_pid_in_names(struct paths *paths, pid_t pid) {
    char *files[] = {paths->chrome, paths->native}, *renamed[2] = {NULL, NULL};
    for (int i = 0; i < 2; i++) {
        char *slash = strrchr(files[i], '/'), *dot = strrchr(slash, '.');
        int stem = dot != NULL ? (int)(dot - files[i]) : (int)strlen(files[i]);
        if (asprintf(&renamed[i], "%.*s.%ld%s", stem, files[i], (long)pid, files[i] + stem) < 0)
            renamed[i] = NULL;
    }
    paths_free(paths);
    *paths = (struct paths){renamed[0], renamed[1]};
    return renamed[0] != NULL && renamed[1] != NULL ? 0 : -1;
}

static void tell_no_trace(const char *program, const struct child *child) {
    if (child->signal != 0)
        message_warning("%s was ended by signal %d (%s) and left no trace", program, child->signal,
                        strsignal(child->signal));
    else
        message_warning("%s left no trace", program);
    message_note("is it built with -DPERF_TRACE and linked with libperftrace, and does it reach a span?");
}

static void tell_trace(const char *program, const struct child *child, const struct paths *paths) {
    if (child->signal != 0)
        message_warning("%s was ended by signal %d (%s)", program, child->signal, strsignal(child->signal));
    bool chrome_is_there = access(paths->chrome, F_OK) == 0;
    message_note("trace: %s", paths->native);
    if (chrome_is_there)
        message_note("chrome: %s", paths->chrome);
    struct analysis *model =
        collect_open(&(struct analysis_options){.memory_max = collect_memory(COLLECT_MEMORY_DEFAULT)});
    if (model != NULL && collect_input(model, paths->native) == 0 && analysis_finish(model) == 0) {
        const struct analysis_input *input = &model->inputs[0];
        summary_print(model, stderr);
        if (input->live)
            message_note("a process of it still runs and records");
        else if (!input->finished)
            message_note(
                "the program did not finish its trace; complete the Chrome file with: perftrace convert %s",
                paths->native);
    }
    analysis_close(model);
}

static int run(const struct run_values *values, struct paths *paths, char **arguments) {
    struct stat before;
    bool was_there = stat(paths->native, &before) == 0;
    struct child child;
    if (set_environment(values, paths) != 0) {
        message_error("out of memory");
        return EXIT_COULD_NOT;
    }
    int reason = child_run(&child, arguments);
    if (reason != 0) {
        message_error("%s: %s", arguments[0], strerror(reason));
        return reason == ENOENT ? CHILD_NOT_FOUND : CHILD_NOT_EXECUTABLE;
    }
    bool found = is_new(paths->native, &before, was_there);
    if (!found)
        found = use_pid_in_names(paths, child.pid) == 0 && access(paths->native, F_OK) == 0;
    if (found)
        tell_trace(arguments[0], &child, paths);
    else
        tell_no_trace(arguments[0], &child);
    return child.signal != 0 ? 128 + child.signal : child.status;
}

static int run_run(int argc, char **argv) {
    struct run_values values = {0};
    int operands;
    int code = options_parse(&command_run, argc, argv, &values, &operands);
    if (code != OPTIONS_PARSED)
        return code;
    if (operands == 0) {
        message_error("name the program to run, after -- and before its arguments");
        return EXIT_COULD_NOT;
    }
    argv[1 + operands] = NULL;
    const char *output = values.output != NULL ? values.output : getenv("TRACE_FILE");
    struct paths paths;
    if (paths_make(&paths, output != NULL && *output != '\0' ? output : "trace.json") != 0) {
        message_error("%s", errno != 0 ? strerror(errno) : "out of memory");
        paths_free(&paths);
        return EXIT_COULD_NOT;
    }
    if (!folder_is_there(paths.chrome)) {
        message_error("%s: no such folder", output);
        paths_free(&paths);
        return EXIT_COULD_NOT;
    }
    code = run(&values, &paths, argv + 1);
    paths_free(&paths);
    return code;
}

const struct command command_run = {
    .name = "run",
    .operands = "[options] -- PROGRAM [ARGUMENT...]",
    .summary = "run a program so that it records a trace",
    .details =
        "Runs a program that was built with -DPERF_TRACE and tells it where to record, waits for it, and "
        "says "
        "on standard error where the trace is and what is in it. The exit code is the program's own, 128 "
        "and the signal's number if a signal ended it, 127 if it was not found and 126 if it could not be "
        "executed. Signals that end perftrace are passed on to the program.",
    .options = run_options,
    .options_first = true,
    .run = run_run,
};
