/* Running programs in turns. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* vasprintf, nftw, strsignal */
#endif
#include "turns.h"

#include "child.h"
#include "messages.h"
#include "recording.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- the folder ------------------------------------------------------------------------------------------ */

/* As asprintf, but the result is NULL without memory. */
__attribute__((format(printf, 1, 2))) static char *text_of(const char *format, ...) {
    char *text;
    va_list arguments;
    va_start(arguments, format);
    int length = vasprintf(&text, format, arguments);
    va_end(arguments);
    return length >= 0 ? text : NULL;
}

static bool is_empty(const char *folder) {
    DIR *directory = opendir(folder);
    bool empty = directory != NULL;
    for (const struct dirent *entry; empty && (entry = readdir(directory)) != NULL;)
        empty = strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0;
    if (directory != NULL)
        closedir(directory);
    if (directory != NULL)
        errno = ENOTEMPTY;
    return empty;
}

char *turns_folder(const char *wanted) {
    const char *temporary = getenv("TMPDIR");
    char *folder = NULL;
    if (wanted == NULL) {
        folder = text_of("%s/perftrace-XXXXXX", temporary != NULL && *temporary != '\0' ? temporary : "/tmp");
        if (folder != NULL && mkdtemp(folder) != NULL)
            return folder;
    } else if (mkdir(wanted, 0700) == 0 || (errno == EEXIST && is_empty(wanted))) {
        return strdup(wanted);
    }
    message_error("%s: %s", wanted != NULL ? wanted : folder != NULL ? folder : "a folder", strerror(errno));
    free(folder);
    return NULL;
}

static int remove_entry(const char *path, const struct stat *status, int kind, struct FTW *where) {
    (void)status;
    (void)kind;
    (void)where;
    remove(path);
    return 0;
}

void turns_remove(const char *folder) {
    enum { DESCRIPTORS = 16 };
    nftw(folder, remove_entry, DESCRIPTORS, FTW_DEPTH | FTW_PHYS);
}

/* ---- one run --------------------------------------------------------------------------------------------- */

/* The last lines of what a program has written, for people. */
static void tell_output(int file) {
    enum { SHOWN = 1000, LINES = 5 };
    char text[SHOWN + 1];
    off_t end = lseek(file, 0, SEEK_END);
    ssize_t length = pread(file, text, SHOWN, end > SHOWN ? end - SHOWN : 0);
    if (length <= 0)
        return;
    text[length] = '\0';
    char *line = text + length;
    for (int lines = 0; line > text && lines <= LINES; line--)
        lines += line[-1] == '\n' && line < text + length;
    line += line > text ? 2 : 0;
    message_note("the last that it wrote:");
    for (char *rest = line; (line = strsep(&rest, "\n")) != NULL;)
        if (*line != '\0')
            message_note("  %s", line);
}

static void tell_end(const char *what, const char *command, const struct child *child) {
    int number = child->signal != 0 ? child->signal : child->status > 128 ? child->status - 128 : 0;
    if (number != 0 && number < NSIG)
        message_error("%s: \"%s\" was ended by signal %d (%s)", what, command, number, strsignal(number));
    else
        message_error("%s: \"%s\" ended with exit code %d", what, command, child->status);
}

/* After the program's end. 0, or -1 after an error message. */
static int look_at(const char *what, const char *command, const struct child *child,
                   struct recording *recording, int output) {
    if (child->signal != 0 || child->status != 0) {
        tell_end(what, command, child);
        tell_output(output);
        return -1;
    }
    if (recording_find(recording, child->pid))
        return 0;
    return message_error(
        "%s: \"%s\" left no trace; is it built with -DPERF_TRACE and linked with libperftrace, and "
        "does it reach a span?",
        what, command);
}

static int run_program(const char *what, const char *command, const char *output,
                       struct recording *recording) {
    char *arguments[] = {"/bin/sh", "-c", (char *)(uintptr_t)command, NULL};
    struct child child;
    struct child_files files = {-1, -1};
    int status = -1, reason;
    files.input = open("/dev/null", O_RDONLY | O_CLOEXEC);
    files.output = open(output, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (files.input < 0 || files.output < 0 || recording_set_environment(recording) != 0)
        message_error("%s: %s", output, strerror(errno));
    else if ((reason = child_run(&child, arguments, &files)) != 0)
        message_error("%s: %s: %s", what, arguments[0], strerror(reason));
    else if (child.interrupted != 0)
        raise(child.interrupted);
    else
        status = look_at(what, command, &child, recording, files.output);
    if (files.input >= 0)
        close(files.input);
    if (files.output >= 0)
        close(files.output);
    return status;
}

/* ---- all of them ------------------------------------------------------------------------------------------- */

static int run_one(const struct turns *turns, int side, size_t run, struct input_list *list) {
    char *path = text_of("%s/%s/%03zu.json", turns->folder, turns->names[side], run + 1);
    char *output = text_of("%s/%s/%03zu.txt", turns->folder, turns->names[side], run + 1);
    char *what = text_of("--%s, run %zu of %zu", turns->names[side], run + 1, turns->runs);
    struct recording recording = {0};
    int status = -1;
    if (path == NULL || output == NULL || what == NULL || recording_make(&recording, path) != 0)
        message_error("out of memory");
    else
        status = run_program(what, turns->commands[side], output, &recording);
    if (status == 0)
        status = input_list_add(list, recording.native);
    recording_free(&recording);
    free(path);
    free(output);
    free(what);
    return status;
}

static int make_folders(const struct turns *turns) {
    for (int side = 0; side < TURNS_SIDES; side++) {
        char *path = text_of("%s/%s", turns->folder, turns->names[side]);
        if (path == NULL || mkdir(path, 0700) != 0) {
            message_error("%s: %s", path != NULL ? path : turns->folder, strerror(errno));
            free(path);
            return -1;
        }
        free(path);
    }
    return 0;
}

int turns_run(const struct turns *turns, struct input_list lists[TURNS_SIDES]) {
    const bool shows = isatty(STDERR_FILENO) != 0;
    int status = make_folders(turns);
    /* Chrome files would only cost time; what the user has set holds all the same. */
    setenv("PERF_TRACE_CHROME", "0", 0);
    for (size_t run = 0; run < turns->runs && status == 0; run++)
        for (int nth = 0; nth < TURNS_SIDES && status == 0; nth++) {
            int side = run % 2 == 0 ? nth : TURNS_SIDES - 1 - nth;
            if (shows)
                fprintf(stderr, "\rrun %zu of %zu, %s ", run + 1, turns->runs, turns->names[side]);
            status = run_one(turns, side, run, &lists[side]);
        }
    if (shows)
        fputs("\r\033[K", stderr);
    return status;
}
