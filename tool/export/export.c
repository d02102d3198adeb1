/* The table of export formats, and the one loop that drives them. */
#include "export.h"

#include "../support/input.h"
#include "../support/messages.h"
#include "../support/outfile.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define EXPORTER(name) extern const struct exporter export_##name;
#include "list.h"
#undef EXPORTER

const struct exporter *const exporters[] = {
#define EXPORTER(name) &export_##name,
#include "list.h"
#undef EXPORTER
    NULL,
};

const char *const exporter_names[] = {
#define EXPORTER(name) #name,
#include "list.h"
#undef EXPORTER
    NULL,
};

const struct exporter *exporter_for_path(const char *path) {
    const char *dot = strrchr(path, '.');
    for (size_t i = 0; dot != NULL && exporters[i] != NULL; i++)
        if (strcmp(dot, exporters[i]->extension) == 0)
            return exporters[i];
    return NULL;
}

/* One of the inputs. */
struct part {
    struct perftrace_trace_info info; /* of the first: what its times go by */
    int64_t shift_ns;
    struct perftrace_item item; /* a copy, where times are shifted */
    struct perftrace_call call;
};

static int64_t day_ahead(const struct perftrace_trace_info *info) {
    return (int64_t)(info->start_realtime_ns - info->start_monotonic_ns);
}

/* By how much this trace's CLOCK_MONOTONIC is behind the first's. */
static int64_t shift_of(const struct perftrace_trace_info *first, const struct perftrace_trace_info *info) {
    bool same_boot = memcmp(first->boot_id, info->boot_id, sizeof info->boot_id) == 0;
    bool known = first->start_monotonic_ns != 0 && info->start_monotonic_ns != 0;
    return same_boot || !known ? 0 : (int64_t)((uint64_t)day_ahead(info) - (uint64_t)day_ahead(first));
}

static const struct perftrace_item *shift(struct part *part, const struct perftrace_item *item) {
    part->item = *item;
    part->item.time_ns += (uint64_t)part->shift_ns;
    if (item->call != NULL) {
        part->call = *item->call;
        part->call.start_ns += (uint64_t)part->shift_ns;
        part->item.call = &part->call;
    }
    return &part->item;
}

static int export_items(const struct exporter *exporter, void *state, struct input *input, struct part *part,
                        bool first, FILE *file) {
    const struct perftrace_trace_info *info = perftrace_reader_info(input->reader);
    const struct perftrace_item *item;
    int status = 0;
    for (bool begun = false; status == 0 && !ferror(file) && (item = input_next(input)) != NULL;
         begun = true) {
        if (!begun) { /* now it has told who recorded it */
            if (first)
                part->info = *info;
            part->shift_ns = shift_of(&part->info, info);
        }
        status = exporter->item(state, part->shift_ns == 0 ? item : shift(part, item));
    }
    return status;
}

static bool same_file(const char *a, const char *b) {
    struct stat a_status, b_status;
    return strcmp(a, "-") != 0 && strcmp(b, "-") != 0 && stat(a, &a_status) == 0 && stat(b, &b_status) == 0 &&
           a_status.st_dev == b_status.st_dev && a_status.st_ino == b_status.st_ino;
}

static int out_of_memory(const char *name) {
    return message_error("%s: out of memory", name);
}

/* What each of several inputs has in common with those before. */
struct export {
    const struct exporter *exporter;
    void *state; /* the exporter's, once it is open */
    struct export_context context;
    struct part part;
    uint32_t *pids; /* as they are called */
    size_t count;
};

/* A pid that none of those before has: other hosts, and later processes, may have the same. */
static uint32_t free_pid(const struct export *export, uint32_t pid) {
    enum { MADE_UP = 10000000 }; /* more than kernels give */
    for (size_t i = 0; i < export->count; i++)
        if (export->pids[i] == pid) {
            pid += MADE_UP;
            i = (size_t)-1;
        }
    return pid;
}

/* A failure of the exporter or the input leaves its state to be closed. */
static int export_input(struct export *export, struct input *input) {
    const struct perftrace_trace_info *info = perftrace_reader_info(input->reader);
    uint32_t pid = free_pid(export, info->pid);
    bool first = export->count == 0;
    if (!first && !(info->native && export->part.info.native))
        return message_error("%s: only traces can be put together", input->name);
    export->pids[export->count++] = pid;
    export->context.info = info;
    export->context.pid = pid == info->pid ? 0 : pid;
    if (first)
        export->part.info = *info; /* of the texts in it nothing is used: they go with their reader */
    int status = 0;
    if (first)
        export->state = export->exporter->open(&export->context);
    else
        status = export->exporter->next_input(export->state, &export->context);
    if (status != 0 || export->state == NULL)
        return out_of_memory(input->name);
    status = export_items(export->exporter, export->state, input, &export->part, first, export->context.file);
    if (status != 0)
        return out_of_memory(input->name);
    return ferror(export->context.file) ? 0 : input_end(input);
}

/* The first input is open already; all are closed. */
static int export_inputs(struct export *export, struct input *input, char *const *paths, size_t count) {
    int status = 0;
    for (size_t i = 0; status == 0 && i < count; i++) {
        if (i > 0 && input_open(input, paths[i], export->exporter->unwanted, false, 0) != 0) {
            status = -1;
            break;
        }
        status = export_input(export, input);
        if (status == 0 && i + 1 == count && export->exporter->finish(export->state) != 0)
            status = out_of_memory(input->name);
        input_close(input);
    }
    if (export->state != NULL)
        export->exporter->close(export->state);
    export->state = NULL;
    return status;
}

int export_files(const struct exporter *exporter, char *const *input_paths, size_t count,
                 const char *output_path) {
    struct input input;
    struct outfile out;
    for (size_t i = 0; i < count; i++)
        if (same_file(input_paths[i], output_path))
            return message_error("%s: the output would overwrite the input", output_path);
    if (input_open(&input, input_paths[0], exporter->unwanted, false, 0) != 0)
        return -1;
    if (outfile_open(&out, output_path) != 0) {
        input_close(&input);
        return -1;
    }
    struct export export = {.exporter = exporter,
                            .context = {.file = out.file, .terminal = out.terminal},
                            .pids = calloc(count + 1, sizeof *export.pids)};
    int status;
    if (export.pids != NULL) {
        status = export_inputs(&export, &input, input_paths, count);
    } else {
        status = out_of_memory(input.name);
        input_close(&input);
    }
    free(export.pids);
    if (status == 0)
        return outfile_commit(&out);
    outfile_discard(&out);
    return -1;
}
