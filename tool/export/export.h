/* An export format: items in, a file out. */
#ifndef PERFTRACE_TOOL_EXPORT_H
#define PERFTRACE_TOOL_EXPORT_H

#include "../../include/perftrace_reader.h"

#include <stdio.h>

struct export_context {
    FILE *file;
    bool terminal;                           /* names must be made visible: the bytes go to a terminal */
    const struct perftrace_trace_info *info; /* of the input; grows while it is read */
};

struct exporter {
    const char *name;      /* what --to takes */
    const char *extension; /* of its files, ".csv" */
    const char *summary;   /* one line for help, without a full stop */

    /* Called first; may write a header. The context is borrowed until close. NULL without memory. */
    void *(*open)(const struct export_context *context);
    /* Each item in turn. 0 or -PERFTRACE_ERROR_MEMORY. Failed writes need no report: the caller asks the
     * file. */
    int (*item)(void *state, const struct perftrace_item *item);
    /* After the last item; writes what is left. As item. */
    int (*finish)(void *state);
    /* Frees `state`. */
    void (*close)(void *state);
};

extern const struct exporter *const exporters[]; /* ends with NULL */
extern const char *const exporter_names[];       /* the same, by name; ends with NULL */

/* The one whose extension `path` has, or NULL. */
const struct exporter *exporter_for_path(const char *path);

/* Reads `input_path` and writes `output_path` ("-": standard input, standard output). 0, or -1 after an
 * error message; damage in the input is a warning. */
int export_file(const struct exporter *exporter, const char *input_path, const char *output_path);

#endif
