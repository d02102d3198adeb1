/* Names of what a program records, and telling it. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* asprintf */
#endif
#include "recording.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int recording_make(struct recording *recording, const char *output) {
    static const char native_extension[] = ".ptrace";
    *recording = (struct recording){0};
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
        asprintf(&recording->chrome, "%s%s%.*s%s", directory, between, stem, output, extension) < 0)
        recording->chrome = NULL;
    else if (asprintf(&recording->native, "%s%s%.*s%s", directory, between, stem, output, native_extension) <
             0)
        recording->native = NULL;
    free(directory);
    if (recording->native == NULL)
        return -1;
    recording->was_there = stat(recording->native, &recording->before) == 0;
    return 0;
}

int recording_set_environment(const struct recording *recording) {
    return setenv("TRACE_FILE", recording->chrome, 1) | setenv("PERF_TRACE_AUTO", "1", 1);
}

/* Whether the trace is another file than before, or was written since. */
static bool is_new(const struct recording *recording) {
    const struct stat *before = &recording->before;
    struct stat now;
    return stat(recording->native, &now) == 0 &&
           (!recording->was_there || now.st_ino != before->st_ino ||
            now.st_mtim.tv_sec != before->st_mtim.tv_sec || now.st_mtim.tv_nsec != before->st_mtim.tv_nsec);
}

/* 0 or -1. */
static int use_pid_in_names(struct recording *recording, pid_t pid) {
    char *files[] = {recording->chrome, recording->native}, *renamed[2] = {NULL, NULL};
    for (int i = 0; i < 2; i++) {
        char *slash = strrchr(files[i], '/'), *dot = strrchr(slash, '.');
        int stem = dot != NULL ? (int)(dot - files[i]) : (int)strlen(files[i]);
        if (asprintf(&renamed[i], "%.*s.%ld%s", stem, files[i], (long)pid, files[i] + stem) < 0)
            renamed[i] = NULL;
    }
    recording_free(recording);
    *recording = (struct recording){.chrome = renamed[0], .native = renamed[1]};
    return renamed[0] != NULL && renamed[1] != NULL ? 0 : -1;
}

bool recording_find(struct recording *recording, pid_t pid) {
    return is_new(recording) ||
           (use_pid_in_names(recording, pid) == 0 && access(recording->native, F_OK) == 0);
}

void recording_free(struct recording *recording) {
    free(recording->chrome);
    free(recording->native);
    *recording = (struct recording){0};
}
