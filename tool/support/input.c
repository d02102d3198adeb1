/* Reading inputs on behalf of commands. */
#include "input.h"

#include "messages.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define WARNINGS_MAX 5u

static void on_damage(void *context, const struct perftrace_error_info *what) {
    struct input *input = context;
    if (input->damages++ >= WARNINGS_MAX)
        return;
    progress_clear(&input->progress);
    if (what->line != 0)
        message_warning("%s: line %" PRIu64 ": %s", input->name, what->line, what->message);
    else if (what->byte_offset != 0 && strstr(what->message, "byte") == NULL)
        message_warning("%s: byte %" PRIu64 ": %s", input->name, what->byte_offset, what->message);
    else /* about the whole of it, or it says where itself */
        message_warning("%s: %s", input->name, what->message);
}

/* What there is to be read, in bytes; 0: unknown. */
static uint64_t size_of(const char *path) {
    struct stat status;
    bool standard_input = strcmp(path, "-") == 0;
    if ((standard_input ? fstat(STDIN_FILENO, &status) : stat(path, &status)) != 0 ||
        !S_ISREG(status.st_mode))
        return 0;
    return (uint64_t)status.st_size;
}

int input_open(struct input *input, const char *path, uint32_t unwanted, bool log_times, size_t bytes_max) {
    *input = (struct input){.name = strcmp(path, "-") == 0 ? "standard input" : path};
    struct perftrace_error_info error = {0};
    struct perftrace_reader_options options = {
        .on_damage = on_damage,
        .context = input,
        .unwanted = unwanted,
        .log_times = log_times,
        .unpack = unpack_open,
        .unpack_context = &input->unpack,
        .bytes_max = bytes_max,
    };
    perftrace_reader_fold(path, NULL); /* where it can't, the reader looks into the rings itself */
    input->reader = perftrace_reader_open(path, &options, &error);
    if (input->reader == NULL) {
        unpack_wait(&input->unpack);
        if (strstr(error.message, input->name) != NULL) /* the reader named the file already */
            return message_error("%s", error.message);
        return message_error("%s: %s", input->name, error.message);
    }
    input->native = perftrace_reader_info(input->reader)->native;
    progress_begin(&input->progress, size_of(path));
    return 0;
}

static void show_progress(struct input *input) {
    uint64_t done = input->unpack.unpacker != NULL ? atomic_load(&input->unpack.packed)
                                                   : perftrace_reader_info(input->reader)->bytes;
    progress_show(&input->progress, done, input->items, input->calls);
}

/* What a logger wrote is when the line was made, which is when the call had ended. */
static uint64_t stamped_start(struct input *input, const struct perftrace_item *item) {
    uint64_t elapsed_ns = item->call->elapsed_ns;
    uint64_t start_ns = item->time_ns > elapsed_ns ? item->time_ns - elapsed_ns : 1;
    if (input->log_first_ns == 0)
        input->log_first_ns = start_ns;
    return start_ns > input->log_first_ns ? start_ns - input->log_first_ns : 0;
}

const struct perftrace_item *input_next(struct input *input) {
    const struct perftrace_item *item = perftrace_reader_next(input->reader);
    if (item != NULL)
        input->calls += item->kind == PERFTRACE_ITEM_SPAN_END || item->kind == PERFTRACE_ITEM_ASYNC_END;
    if (progress_due(&input->progress, ++input->items))
        show_progress(input);
    if (input->native || item == NULL || item->call == NULL)
        return item;
    input->call = *item->call;
    struct log_time time = log_times_add(&input->times, item->call);
    input->call.children_ns = time.children_ns;
    input->log_start_ns = item->time_ns != 0 ? stamped_start(input, item) : time.start_ns;
    input->item = *item;
    input->item.call = &input->call;
    return &input->item;
}

size_t input_calls(struct input *input, struct perftrace_call **calls) {
    size_t count = perftrace_reader_calls(input->reader, calls);
    input->items += count;
    input->calls += count;
    if (progress_due(&input->progress, input->items))
        show_progress(input);
    return count;
}

struct perftrace_trace_info input_info(struct input *input) {
    struct perftrace_trace_info info = *perftrace_reader_info(input->reader);
    unpack_wait(&input->unpack);
    info.damaged |= input->unpack.damage_count > 0;
    return info;
}

bool input_incomplete(const struct perftrace_trace_info *info, char why[INPUT_WHY_MAX]) {
    why[0] = '\0';
    uint64_t lost = 0;
    const char *cause = NULL;
    for (unsigned i = 0; i < PERFTRACE_LOSS_KINDS; i++) {
        lost += info->lost[i];
        if (info->lost[i] > 0 && cause == NULL)
            cause = perftrace_loss_name(i);
    }
    if (lost > 0)
        snprintf(why, INPUT_WHY_MAX, "%" PRIu64 " record%s lost (%s)", lost, lost == 1 ? " was" : "s were",
                 cause != NULL ? cause : "unknown cause");
    else if (info->damaged)
        snprintf(why, INPUT_WHY_MAX, "the input is damaged, and what made no sense was left out");
    else if (info->native && !info->chrome && info->live)
        snprintf(why, INPUT_WHY_MAX, "the program still runs");
    else if (info->native && !info->chrome && !info->finished)
        snprintf(why, INPUT_WHY_MAX, "the program ended without finishing its trace (killed?)");
    return why[0] != '\0';
}

static void tell_unpack_damage(struct input *input) {
    const struct unpack *unpack = &input->unpack;
    unpack_wait(&input->unpack);
    for (unsigned i = 0; i < UNPACK_DAMAGES_MAX && i < unpack->damage_count; i++)
        message_warning("%s: byte %" PRIu64 ": %s", input->name, unpack->damages[i].byte_offset,
                        unpack->damages[i].message);
    if (unpack->damage_count > UNPACK_DAMAGES_MAX)
        message_warning("%s: %" PRIu64 " more places like these", input->name,
                        unpack->damage_count - UNPACK_DAMAGES_MAX);
}

int input_end(struct input *input) {
    progress_clear(&input->progress);
    tell_unpack_damage(input);
    const struct perftrace_trace_info *info = perftrace_reader_info(input->reader);
    const struct perftrace_error_info *error = perftrace_reader_error(input->reader);
    if (input->damages > WARNINGS_MAX)
        message_warning("%s: %" PRIu64 " more places like these", input->name, input->damages - WARNINGS_MAX);
    if (error != NULL)
        return message_error("%s: %s", input->name, error->message);
    if (info->records > 0 || (info->native && input->damages == 0))
        return 0;
    if (info->native || input->unpack.damage_count > 0)
        return message_error("%s: nothing in it could be read", input->name);
    if (info->bytes == 0)
        return message_error("%s: it is empty", input->name);
    if (input->damages > 0)
        return message_error("%s: none of the PERF_TRACE lines in it could be read", input->name);
    return message_error(
        "%s: neither a trace, nor Chrome's trace events, nor a log: no PERF_TRACE line in it", input->name);
}

void input_close(struct input *input) {
    progress_clear(&input->progress);
    log_times_free(&input->times);
    perftrace_reader_close(input->reader);
    unpack_wait(&input->unpack);
    input->reader = NULL;
}

static int add_path(struct input_list *list, const char *folder, const char *name) {
    char **grown = realloc(list->paths, (list->count + 1) * sizeof *grown);
    if (grown == NULL)
        return -1;
    list->paths = grown;
    size_t length = (folder != NULL ? strlen(folder) + 1 : 0) + strlen(name) + 1;
    char *path = malloc(length);
    if (path == NULL)
        return -1;
    bool slash = folder != NULL && folder[strlen(folder) - 1] != '/';
    snprintf(path, length, "%s%s%s", folder != NULL ? folder : "", slash ? "/" : "", name);
    list->paths[list->count++] = path;
    return 0;
}

/* What is left of a name of `length` bytes without the suffix; `length` where it has another one, or nothing before it. */
static size_t without(const char *name, size_t length, const char *suffix) {
    size_t suffix_length = strlen(suffix);
    bool has = length > suffix_length && memcmp(name + length - suffix_length, suffix, suffix_length) == 0;
    return has ? length - suffix_length : length;
}

/* *.ptrace, *.log, and what is left of a log when another is begun: *.log.1, *.log-20250131; each may be packed. Not *.json: beside a trace
 * lies the Chrome file of the same run. */
static int is_input(const struct dirent *entry) {
    const char *name = entry->d_name;
    size_t length = strlen(name), stem;
    if (name[0] == '.')
        return 0;
    length = without(name, length, ".gz");
    length = without(name, length, ".zst");
    if (without(name, length, ".ptrace") < length || without(name, length, ".log") < length)
        return 1;
    for (stem = length; stem > 0 && name[stem - 1] >= '0' && name[stem - 1] <= '9';)
        stem--;
    return stem < length && stem > 0 && (name[stem - 1] == '.' || name[stem - 1] == '-') &&
           without(name, stem - 1, ".log") < stem - 1;
}

static int compare_names(const struct dirent **a, const struct dirent **b) {
    return strcmp((*a)->d_name, (*b)->d_name); /* not alphasort: the order must not depend on the locale */
}

static int no_inputs(const char *folder) {
    return message_error(
        "%s: no traces or logs (*.ptrace, *.log, also *.gz and *.zst of these) in this folder", folder);
}

/* Takes the last path off the list again if a pipe, device or folder has that name: nobody asked for it. */
static void leave_out_special(struct input_list *list) {
    struct stat status;
    char *path = list->paths[list->count - 1];
    if (stat(path, &status) != 0 || S_ISREG(status.st_mode))
        return; /* one that can't be found is told of when it is opened */
    free(path);
    list->count--;
}

static int add_folder(struct input_list *list, const char *folder) {
    struct dirent **entries;
    int count = scandir(folder, &entries, is_input, compare_names);
    if (count < 0)
        return message_error("%s: %s", folder, strerror(errno));
    if (count == 0)
        no_inputs(folder);
    int status = count == 0 ? -1 : 0;
    size_t before = list->count;
    for (int i = 0; i < count; i++) {
        if (status == 0 && add_path(list, folder, entries[i]->d_name) != 0) {
            message_error("out of memory");
            status = -1;
        } else if (status == 0)
            leave_out_special(list);
        free(entries[i]);
    }
    free(entries);
    return count > 0 && status == 0 && list->count == before ? no_inputs(folder) : status;
}

int input_list_add(struct input_list *list, const char *path) {
    return add_path(list, NULL, path) == 0 ? 0 : message_error("out of memory");
}

int input_list_make(struct input_list *list, int operand_count, char **operands) {
    *list = (struct input_list){0};
    int status = 0;
    for (int i = 0; i < operand_count; i++) {
        struct stat kind;
        bool folder = strcmp(operands[i], "-") != 0 && stat(operands[i], &kind) == 0 && S_ISDIR(kind.st_mode);
        if (folder) {
            status = add_folder(list, operands[i]) != 0 ? -1 : status;
        } else if (input_list_add(list, operands[i]) != 0) {
            return -1;
        }
    }
    return status;
}

void input_list_free(struct input_list *list) {
    for (size_t i = 0; i < list->count; i++)
        free(list->paths[i]);
    free(list->paths);
    *list = (struct input_list){0};
}
