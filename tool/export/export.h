/* An export format: items in, a file out. */
#ifndef PERFTRACE_TOOL_EXPORT_H
#define PERFTRACE_TOOL_EXPORT_H

#include "../../include/perftrace_reader.h"

#include <stdio.h>

struct export_context {
    FILE *file;
    bool terminal;                           /* names must be made visible: the bytes go to a terminal */
    const struct perftrace_trace_info *info; /* of the input; grows while it is read */
    uint32_t pid; /* of a process whose pid another one in the file has: what to call it; else 0 */
};

struct exporter {
    const char *name;      /* what --to takes */
    const char *extension; /* of its files, ".csv" */
    const char *summary;   /* one line for help, without a full stop */
    uint32_t unwanted;     /* what it does nothing with, as PERFTRACE_ITEM_BITs */

    /* Called first; may write a header. The context is borrowed until close. NULL without memory. */
    void *(*open)(const struct export_context *context);
    /* Each item in turn. 0 or -PERFTRACE_ERROR_MEMORY. Failed writes need no report: the caller asks the
     * file. */
    int (*item)(void *state, const struct perftrace_item *item);
    /* Before the items of a further input: another trace, whose times and pid go with those of the ones before. As item.
     * NULL: the format takes one input. */
    int (*next_input)(void *state, const struct export_context *context);
    /* After the last item; writes what is left. As item. */
    int (*finish)(void *state);
    /* Frees `state`. */
    void (*close)(void *state);
};

extern const struct exporter *const exporters[]; /* ends with NULL */
extern const char *const exporter_names[];       /* the same, by name; ends with NULL */

/* The one whose extension `path` has, or NULL. */
const struct exporter *exporter_for_path(const char *path);

/* Reads the inputs and writes `output_path` ("-": standard input, standard output). Of several, all are put on the time scale of
 * the first: those of the same boot have it already, others are shifted by their times of day. 0, or -1 after an error
 * message; damage in an input is a warning. */
int export_files(const struct exporter *exporter, char *const *input_paths, size_t count,
                 const char *output_path);

#endif
