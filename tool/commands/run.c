/* perftrace run: starts a program so that it records, waits for it, and says what there is to see. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* strsignal */
#endif
#include "command.h"

#include "../support/child.h"
#include "../support/collect.h"
#include "../support/recording.h"
#include "../support/summary.h"

#include <errno.h>
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
    OPTION(
        TEXT, "output", 'o', run_values, output, "FILE",
        "The Chrome file; the trace gets the same name with .ptrace. Default: TRACE_FILE, else trace.json."),
    OPTION(TEXT, "filter", 0, run_values, filter, "DIRECTIVES",
           "What to record, as in PERF_TRACE_FILTER: nodestore=debug,off"),
    OPTION(FLAG, "log", 0, run_values, log, NULL,
           "Also write a PERF_TRACE line for each finished span to standard error."),
    OPTION(FLAG, "console", 0, run_values, console, NULL,
           "Also show spans and events on standard error as they happen."),
    OPTION_END,
};

static bool folder_is_there(const char *path) {
    struct stat status;
    char *folder = strndup(path, (size_t)(strrchr(path, '/') - path) + 1);
    bool there = folder != NULL && stat(folder, &status) == 0 && S_ISDIR(status.st_mode);
    free(folder);
    return there;
}

static int set_environment(const struct run_values *values, const struct recording *recording) {
    int status = recording_set_environment(recording);
    if (values->filter != NULL)
        status |= setenv("PERF_TRACE_FILTER", values->filter, 1);
    if (values->log)
        status |= setenv("PERF_TRACE_LOG", "1", 1);
    if (values->console)
        status |= setenv("PERF_TRACE_CONSOLE", "1", 1);
    return status;
}

static void tell_no_trace(const char *program, const struct child *child) {
    if (child->signal != 0)
        message_warning("%s was ended by signal %d (%s) and left no trace", program, child->signal,
                        strsignal(child->signal));
    else
        message_warning("%s left no trace", program);
    message_note("is it built with -DPERF_TRACE and linked with libperftrace, and does it reach a span?");
}

static void tell_trace(const char *program, const struct child *child, const struct recording *recording) {
    if (child->signal != 0)
        message_warning("%s was ended by signal %d (%s)", program, child->signal, strsignal(child->signal));
    bool chrome_is_there = access(recording->chrome, F_OK) == 0;
    message_note("trace: %s", recording->native);
    if (chrome_is_there)
        message_note("chrome: %s", recording->chrome);
    struct analysis *model =
        collect_open(&(struct analysis_options){.memory_max = collect_memory(COLLECT_MEMORY_DEFAULT, false)});
    if (model != NULL && collect_input(model, recording->native, COLLECT_MEMORY_DEFAULT) == 0 &&
        analysis_finish(model) == 0) {
        const struct analysis_input *input = &model->inputs[0];
        summary_print(model, stderr);
        if (input->live)
            message_note("a process of it still runs and records");
        else if (!input->finished)
            message_note(
                "the program did not finish its trace; complete the Chrome file with: perftrace convert %s",
                recording->native);
    }
    analysis_close(model);
}

static int run(const struct run_values *values, struct recording *recording, char **arguments) {
    struct child child;
    if (set_environment(values, recording) != 0)
        return message_could_not("out of memory");
    int reason = child_run(&child, arguments, NULL);
    if (reason != 0) {
        message_error("%s: %s", arguments[0], strerror(reason));
        return reason == ENOENT ? CHILD_NOT_FOUND : CHILD_NOT_EXECUTABLE;
    }
    if (recording_find(recording, child.pid))
        tell_trace(arguments[0], &child, recording);
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
    if (operands == 0)
        return message_could_not("name the program to run, after -- and before its arguments");
    argv[1 + operands] = NULL;
    const char *output = values.output != NULL ? values.output : getenv("TRACE_FILE");
    struct recording recording;
    if (recording_make(&recording, output != NULL && *output != '\0' ? output : "trace.json") != 0) {
        message_error("%s", errno != 0 ? strerror(errno) : "out of memory");
        recording_free(&recording);
        return EXIT_COULD_NOT;
    }
    if (!folder_is_there(recording.chrome)) {
        message_error("%s: no such folder", output);
        recording_free(&recording);
        return EXIT_COULD_NOT;
    }
    code = run(&values, &recording, argv + 1);
    recording_free(&recording);
    return code;
}

const struct command command_run = {
    .name = "run",
    .operands = "[options] -- PROGRAM [ARGUMENT...]",
    .summary = "run a program so that it records a trace",
    .details =
        "Runs a program that was built with -DPERF_TRACE and tells it where to record, waits for it, and "
        "says on standard error where the trace is and what is in it. The exit code is the program's own, "
        "128 and the signal's number if a signal ended it, 127 if it was not found and 126 if it could not "
        "be executed. Signals that end perftrace are passed on to the program.",
    .options = run_options,
    .options_first = true,
    .run = run_run,
};
