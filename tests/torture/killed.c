/* What a killed recorder has left behind: its trace with its rings, the trace after folding, its Chrome file. */
#include "killed.h"

#include "../../core/chrome.h"
#include "../../core/text.h"
#include "../unit/json_check.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* ---- everything that a reader says, as one number -------------------------------------------------- */

struct digest {
    uint64_t hash, items;
    struct lanes_heard *heard;
    struct perftrace_chrome *chrome; /* NULL: not wanted */
};

static void add(struct digest *digest, const void *bytes, size_t length) {
    for (size_t i = 0; i < length; i++)
        digest->hash = (digest->hash ^ ((const unsigned char *)bytes)[i]) * UINT64_C(1099511628211);
}

static void add_number(struct digest *digest, uint64_t number) {
    digest->hash = (digest->hash ^ number) * UINT64_C(0x9e3779b97f4a7c15);
    digest->hash ^= digest->hash >> 32;
}

static void add_values(struct digest *digest, const struct perftrace_value *values, size_t count) {
    add_number(digest, count);
    for (size_t i = 0; i < count; i++) {
        add_number(digest, values[i].type);
        if (values[i].type == PERFTRACE_TYPE_STRING)
            add(digest, values[i].text.bytes, values[i].text.length);
        else
            add_number(digest, values[i].u);
    }
}

static void digest_item(void *context, const struct perftrace_item *item) {
    struct digest *digest = context;
    digest->items++;
    add_number(digest, item->kind);
    add_number(digest, item->time_ns);
    add_number(digest, item->track->id);
    add_number(digest, item->id);
    add_values(digest, item->values, item->value_count);
    if (item->site != NULL)
        add(digest, item->site->name.bytes, item->site->name.length);
    else
        add(digest, item->track->name.bytes, item->track->name.length);
    const struct perftrace_call *call = item->call;
    if (call != NULL) {
        add_number(digest, call->number);
        add_number(digest, call->parent_number);
        add_number(digest, call->elapsed_ns);
        add_number(digest, call->unfinished);
        add_values(digest, call->parameters, call->parameter_count);
        add_values(digest, call->metrics, call->metric_count);
    }
    if (digest->heard != NULL)
        lanes_hear(digest->heard, item);
    if (digest->chrome != NULL && perftrace_chrome_item(digest->chrome, item) < 0)
        torture_check(false, "no memory for Chrome events");
}

/* ---- the Chrome file ------------------------------------------------------------------------------ */

struct comparison {
    struct perftrace_output output;
    char *text;
    const char *at; /* behind the last event that was there */
    bool ended;     /* the file has no more: what the trace has beyond that was never written out */
    bool differs;
    unsigned long events;
};

static const char *skip_blanks(const char *at) {
    return at + strspn(at, " \n");
}

/* Behind the last of the trace's events the file shows what is open, as it stood when that was written. */
static const char *skip_open_spans(const char *at) {
    for (;;) {
        const char *event = skip_blanks(*at == ',' ? at + 1 : at), *end = strchr(event, '\n');
        const char *mark = strstr(event, ",\"args\":{\"unfinished\":true");
        if (*event != '{' || end == NULL || mark == NULL || mark > end)
            return at;
        at = skip_blanks(end[-1] == ',' ? end - 1 : end);
    }
}

static int compare_event(struct perftrace_output *output, const char *text, size_t length) {
    struct comparison *file = (struct comparison *)(void *)output; /* its first member */
    const char *at = skip_blanks(file->at);
    if (file->ended || file->differs)
        return 0;
    file->ended = *at == ']';
    if (*at == ',')
        at = skip_blanks(at + 1);
    if (!file->ended && strncmp(at, text, length) != 0)
        file->ended = *skip_open_spans(at) == ']';
    if (!file->ended && strncmp(at, text, length) != 0) {
        file->differs = true;
        torture_check(false, "trace.json has, after %lu events, %.200s, and the trace %.*s", file->events, at,
                      length > 200 ? 200 : (int)length, text);
    }
    if (!file->ended && !file->differs) {
        file->at = at + length;
        file->events++;
    }
    return 0;
}

static bool start_comparison(struct comparison *file, const struct killed *killed) {
    size_t length = 0;
    *file = (struct comparison){.output.write = compare_event};
    if (!killed->chrome || (access("trace.json", F_OK) != 0 && !killed->begun))
        return false;
    file->text = read_whole_file("trace.json", &length);
    if (!torture_check(file->text != NULL && strlen(file->text) == length &&
                           json_check(file->text, length, NULL),
                       "trace.json is no JSON"))
        return false;
    const char *events = strstr(file->text, "\"traceEvents\":[");
    if (!torture_check(events != NULL, "trace.json has no events"))
        return false;
    file->at = strchr(events, '[') + 1;
    return true;
}

static void end_comparison(struct comparison *file) {
    const char *at = skip_open_spans(skip_blanks(file->at));
    torture_check(file->differs || (*at == ']' && *skip_blanks(at + 1) == '}'),
                  "trace.json has after all %lu events of the trace %.200s", file->events, at);
}

/* ---- the trace ------------------------------------------------------------------------------------ */

static void note_damage(void *context, const struct perftrace_error_info *what) {
    (void)context;
    torture_check(false, "after folding: %s", what->message);
}

/* Reads the folded trace, and compares with it what the Chrome file has. */
static void read_folded(const struct killed *killed, struct digest *digest,
                        struct perftrace_trace_info *info) {
    struct comparison file;
    struct perftrace_reader_options options = {.on_damage = note_damage, .leave_rings = true};
    struct perftrace_reader *reader = perftrace_reader_open("trace.ptrace", &options, NULL);
    if (!torture_check(reader != NULL, "after folding it can't be opened"))
        return;
    bool compare = start_comparison(&file, killed);
    if (compare)
        digest->chrome = perftrace_chrome_open(&(struct perftrace_chrome_options){
            .output = &file.output, .info = perftrace_reader_info(reader), .event_bytes_max = 4000});
    const struct perftrace_item *item;
    while ((item = perftrace_reader_next(reader)) != NULL)
        digest_item(digest, item);
    torture_check(perftrace_reader_error(reader) == NULL, "after folding it can't be read");
    *info = *perftrace_reader_info(reader);
    if (compare)
        end_comparison(&file);
    perftrace_chrome_close(digest->chrome);
    perftrace_reader_close(reader);
    free(file.text);
}

unsigned killed_rings_left(pid_t pid) {
    static time_t start; /* what is older is of others that had the number */
    unsigned count = 0;
    char prefix[64];
    struct stat status;
    if (start == 0)
        start = time(NULL) - 1;
    snprintf(prefix, sizeof prefix, "perftrace-%u-%d-", (unsigned)geteuid(), (int)pid);
    DIR *folder = opendir("/dev/shm");
    for (struct dirent *entry; folder != NULL && (entry = readdir(folder)) != NULL;)
        count += strncmp(entry->d_name, prefix, strlen(prefix)) == 0 &&
                 fstatat(dirfd(folder), entry->d_name, &status, AT_SYMLINK_NOFOLLOW) == 0 &&
                 status.st_ctime >= start;
    if (folder != NULL)
        closedir(folder);
    return count;
}

/* Folds, and checks that nobody sees a difference. */
static void check_folding(const struct killed *killed, const struct torture_trace *before,
                          const struct digest *expected) {
    struct digest after = {0};
    struct perftrace_error_info error = {0};
    struct perftrace_trace_info info = {0};
    int result = perftrace_reader_fold("trace.ptrace", &error);
    torture_check(result >= 0, "folding: %s", error.message);
    torture_check(killed_rings_left(killed->pid) == killed->rings_before, "folding left the ring file");
    read_folded(killed, &after, &info);
    torture_check(after.items == expected->items && after.hash == expected->hash,
                  "%llu items before folding, %llu after it, or others", (unsigned long long)expected->items,
                  (unsigned long long)after.items);
    torture_check(memcmp(info.lost, before->info.lost, sizeof info.lost) == 0, "other losses after folding");
    torture_check(perftrace_reader_fold("trace.ptrace", &error) == 0, "folding twice does something");
}

struct torture_trace killed_check(const struct killed *killed, struct lanes_heard *heard) {
    static struct lanes_heard unwanted;
    struct torture_trace trace = {0};
    struct stat status;
    if (heard == NULL)
        heard = &unwanted;
    memset(heard, 0, sizeof *heard);
    if (!killed->begun && (stat("trace.ptrace", &status) != 0 || status.st_size == 0)) {
        torture_check(killed_rings_left(killed->pid) == killed->rings_before,
                      "a ring file is left, and no trace");
        return trace;
    }
    struct digest digest = {.heard = heard};
    trace = torture_read_intact("trace.ptrace", digest_item, &digest);
    lanes_check(heard, killed->lanes, killed->lane_count, trace.lost, killed->kept);
    check_folding(killed, &trace, &digest);
    torture_check(torture_count_files(".", "trace.") <= 2,
                  "there are files besides trace.ptrace and trace.json");
    return trace;
}
