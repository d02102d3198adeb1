/* The table of export formats, and the one loop that drives them. */
#include "export.h"

#include "../support/input.h"
#include "../support/messages.h"
#include "../support/outfile.h"

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

static int run(const struct exporter *exporter, struct input *input, const struct export_context *context) {
    void *state = exporter->open(context);
    int status = state == NULL ? -PERFTRACE_ERROR_MEMORY : 0;
    const struct perftrace_item *item;
    while (status == 0 && !ferror(context->file) && (item = input_next(input)) != NULL)
        status = exporter->item(state, item);
    if (status == 0)
        status = exporter->finish(state);
    if (state != NULL)
        exporter->close(state);
    if (status != 0)
        message_error("%s: out of memory", input->name);
    return status;
}

static bool same_file(const char *a, const char *b) {
    struct stat a_status, b_status;
    return strcmp(a, "-") != 0 && strcmp(b, "-") != 0 && stat(a, &a_status) == 0 && stat(b, &b_status) == 0 &&
           a_status.st_dev == b_status.st_dev && a_status.st_ino == b_status.st_ino;
}

int export_file(const struct exporter *exporter, const char *input_path, const char *output_path) {
    if (same_file(input_path, output_path)) {
        message_error("%s: the output would overwrite the input", output_path);
        return -1;
    }
    struct input input;
    struct outfile out;
    if (input_open(&input, input_path) != 0)
        return -1;
    if (outfile_open(&out, output_path) != 0) {
        input_close(&input);
        return -1;
    }
    struct export_context context = {out.file, out.terminal, perftrace_reader_info(input.reader)};
    int status = run(exporter, &input, &context);
    if (status == 0 && !ferror(out.file))
        status = input_end(&input);
    input_close(&input);
    if (status == 0)
        return outfile_commit(&out);
    outfile_discard(&out);
    return -1;
}
