/* perftrace convert: a trace or a log, or traces put together, in another format. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* asprintf */
#endif
#include "command.h"

#include "../export/export.h"
#include "../support/terminal.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

struct convert_values {
    int to; /* into exporters; -1: not given */
    const char *output;
};

static const struct option convert_options[] = {
    OPTION_OF(exporter_names, "to", 't', convert_values, to,
              "The format. Default: the one whose extension the output has, else chrome."),
    OPTION(TEXT, "output", 'o', convert_values, output, "FILE",
           "Where to write; - is standard output. Default: beside the input, with the format's extension."),
    OPTION_END,
};

/* The last dot of a name of `length` bytes, but for one it begins with; else `length`. */
static size_t stem_of(const char *name, size_t length) {
    const char *dot = memrchr(name, '.', length);
    return dot != NULL && dot != name ? (size_t)(dot - name) : length;
}

/* The input's name with another extension; "-" for standard input. NULL without memory. */
static char *output_beside(const char *input, const char *extension) {
    if (strcmp(input, "-") == 0)
        return strdup("-");
    const char *slash = strrchr(input, '/'), *name = slash != NULL ? slash + 1 : input;
    size_t length = strlen(name), stem = stem_of(name, length);
    if (strcmp(name + stem, ".gz") == 0 || strcmp(name + stem, ".zst") == 0)
        stem = stem_of(name, stem);
    stem += (size_t)(name - input);
    char *path;
    return asprintf(&path, "%.*s%s", (int)stem, input, extension) < 0 ? NULL : path;
}

static int convert_run(int argc, char **argv) {
    struct convert_values values = {.to = -1};
    int operands;
    int code = options_parse(&command_convert, argc, argv, &values, &operands);
    if (code != OPTIONS_PARSED)
        return code;
    if (operands == 0)
        return message_could_not("name a trace or a log, or - for standard input");
    const struct exporter *exporter = values.to >= 0 ? exporters[values.to] : NULL;
    if (exporter == NULL && values.output != NULL)
        exporter = exporter_for_path(values.output);
    if (exporter == NULL)
        exporter = exporters[0];
    if (operands > 1 && exporter->next_input == NULL)
        return message_could_not("the format %s takes one input at a time", exporter->name);
    if (operands > 1 && values.output == NULL)
        return message_could_not("several inputs: name the output with -o");
    char *output =
        values.output != NULL ? strdup(values.output) : output_beside(argv[1], exporter->extension);
    if (output == NULL)
        return message_could_not("out of memory");
    code = export_files(exporter, argv + 1, (size_t)operands, output) == 0 ? EXIT_FINE : EXIT_COULD_NOT;
    if (code == EXIT_FINE && values.output == NULL && strcmp(output, "-") != 0)
        message_note("wrote %s", output);
    free(output);
    return code;
}

static void list_formats(FILE *file, unsigned width) {
    fputs("\nFormats:\n", file);
    for (size_t i = 0; exporters[i] != NULL; i++) {
        fprintf(file, "  %-8s", exporters[i]->name);
        terminal_wrap(file, exporters[i]->summary, 10, 11, width);
    }
}

const struct command command_convert = {
    .name = "convert",
    .operands = "[options] INPUT...",
    .summary = "write a trace or a log in another format",
    .details =
        "Converts a trace (.ptrace), a log or Chrome JSON, or - for standard input. What a killed program "
        "left in its rings is included. The output appears when it is complete; the input is never "
        "overwritten.\n\n"
        "Several traces are put together in one Chrome file, on one time scale: those of one boot of a "
        "machine have the same clock, others are aligned by the time of day at their start. Flows of one "
        "name and id lead from one process to the other.",
    .more = list_formats,
    .options = convert_options,
    .run = convert_run,
};
