/* The configuration in force: the caller's, overridden by the environment. */
#include "runtime.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define THREAD_BUFFER_BYTES (8u << 20)
#define PROCESS_BUFFER_BYTES (64u << 20)
#define FLUSH_MS 50u
#define SHUTDOWN_MS 5000u
#define PID_BYTES 32 /* of a path, kept for .PID-NUMBER */

void perftrace_complain(const char *directive, size_t length, const char *reason) {
    char visible[160];
    int count = 0;
    for (size_t i = 0; i < length && count < (int)sizeof visible; i++)
        visible[count++] = directive[i] >= ' ' && directive[i] < 127 ? directive[i] : '?';
    perftrace_say("perftrace: filter directive left out: %.*s (%.50s)\n", count, visible, reason);
}

/* Replaces the extension of path's last component, if it is `from`, by `to`; else appends `to`. */
static bool with_extension(char *out, size_t size, const char *path, const char *from, const char *to) {
    const char *slash = strrchr(path, '/');
    const char *dot = strrchr(slash != NULL ? slash : path, '.');
    size_t stem =
        dot != NULL && (from == NULL || strcmp(dot, from) == 0) ? (size_t)(dot - path) : strlen(path);
    int length = snprintf(out, size, "%.*s%s", (int)stem, path, to);
    return length > 0 && (size_t)length < size - PID_BYTES;
}

static bool ends_in(const char *text, const char *end) {
    size_t length = strlen(text), tail = strlen(end);
    return length > tail && strcmp(text + length - tail, end) == 0;
}

static void override_flag(const char *variable, bool *flag) {
    const char *value = secure_getenv(variable);
    if (value != NULL && *value != '\0')
        *flag = strcmp(value, "0") != 0;
}

/* A child may be forked after the working folder has changed (daemon()), and is to record where its parent does. Where that
 * can't be told, the path stays as it is. */
static void make_absolute(char *path, size_t size) {
    char folder[PATH_MAX];
    const char *rest = strncmp(path, "./", 2) == 0 ? path + 2 : path;
    if (path[0] == '/' || path[0] == '\0' || getcwd(folder, sizeof folder) == NULL || folder[0] != '/')
        return;
    size_t before = strlen(folder), length = strlen(rest);
    if (before + 1 + length >= size - PID_BYTES)
        return;
    memmove(path + before + 1, rest, length + 1);
    memcpy(path, folder, before);
    path[before] = '/';
}

static bool choose_paths(struct perftrace_runtime *runtime, const struct perftrace_config *config,
                         const char *trace_file) {
    char *chrome = runtime->chrome_path, *trace = runtime->trace.path;
    size_t size = sizeof runtime->chrome_path;
    const char *chrome_path = config->chrome_path != NULL ? config->chrome_path : "./trace.json";
    const char *trace_path = config->trace_path;
    if (trace_file != NULL && *trace_file != '\0') {
        trace_path = ends_in(trace_file, ".ptrace") ? trace_file : NULL;
        chrome_path = trace_path == NULL ? trace_file : NULL;
    }
    if (chrome_path == NULL || strcmp(chrome_path, "") == 0)
        return with_extension(chrome, size, trace_path, ".ptrace", ".json") &&
               with_extension(trace, size, trace_path, ".ptrace", ".ptrace");
    bool fits = snprintf(chrome, size, "%s", chrome_path) < (int)size - PID_BYTES;
    if (trace_path != NULL)
        return snprintf(trace, size, "%s", trace_path) < (int)size - PID_BYTES && fits;
    return with_extension(trace, size, chrome_path, NULL, ".ptrace") && fits;
}

static void choose_process_name(struct perftrace_runtime *runtime, const char *given) {
    snprintf(runtime->process_name, sizeof runtime->process_name, "%s",
             given != NULL ? given : program_invocation_short_name);
}

bool perftrace_configure(struct perftrace_runtime *runtime, const struct perftrace_config *given,
                         struct perftrace_filter *filter, const char **why) {
    static const struct perftrace_config defaults = PERFTRACE_CONFIG_DEFAULT;
    struct perftrace_config *config = &runtime->config;
    *config = given != NULL ? *given : defaults;
    if (config->thread_buffer_bytes == 0)
        config->thread_buffer_bytes = THREAD_BUFFER_BYTES;
    if (config->process_buffer_bytes == 0)
        config->process_buffer_bytes = PROCESS_BUFFER_BYTES;
    if (config->flush_ms == 0)
        config->flush_ms = FLUSH_MS;
    if (config->shutdown_ms == 0)
        config->shutdown_ms = SHUTDOWN_MS;
    override_flag("PERF_TRACE_LOG", &config->log_output);
    override_flag("PERF_TRACE_CONSOLE", &config->console_output);
    override_flag("PERF_TRACE_CHROME", &config->chrome_output);
    const char *full = secure_getenv("PERF_TRACE_FULL");
    if (full != NULL && *full != '\0') {
        if (strcmp(full, "wait") == 0)
            config->when_full = PERFTRACE_FULL_WAIT;
        else if (strcmp(full, "overwrite") == 0)
            config->when_full = PERFTRACE_FULL_OVERWRITE;
        else if (strcmp(full, "drop") == 0)
            config->when_full = PERFTRACE_FULL_DROP;
        else
            perftrace_complain(full, strlen(full), "PERF_TRACE_FULL is drop, wait or overwrite");
    }
    if (config->when_full > PERFTRACE_FULL_OVERWRITE) {
        *why = "config.when_full is none of enum perftrace_when_full";
        return false;
    }
    if (config->thread_buffer_bytes < PERFTRACE_SEGMENT_BYTES) {
        *why = "config.thread_buffer_bytes is less than 65536";
        return false;
    }
    if (!choose_paths(runtime, config, secure_getenv("TRACE_FILE"))) {
        *why = "the trace's path is too long";
        return false;
    }
    make_absolute(runtime->chrome_path, sizeof runtime->chrome_path);
    make_absolute(runtime->trace.path, sizeof runtime->trace.path);
    choose_process_name(runtime, config->process_name);
    const char *directives = secure_getenv("PERF_TRACE_FILTER");
    if (directives == NULL)
        directives = secure_getenv("RUST_LOG");
    perftrace_filter_parse(filter, directives != NULL ? directives : config->filter_level,
                           perftrace_complain);
    return true;
}
