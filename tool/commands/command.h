/* A command of the tool: `perftrace NAME …`. */
#ifndef PERFTRACE_TOOL_COMMAND_H
#define PERFTRACE_TOOL_COMMAND_H

#include "../support/messages.h"
#include "../support/options.h"

#include <stdbool.h>

struct command {
    const char *name;
    const char *operands; /* for the usage line: "[options] FILE" */
    const char *summary;  /* one line for the list of commands, without a full stop */
    const char *details;  /* for `help NAME`: sentences, paragraphs apart by an empty line */
    void (*more)(FILE *file, unsigned width); /* prints what `help NAME` says from other lists; or NULL */
    const struct option *options;             /* ends with OPTION_END */
    bool options_first; /* options end at the first operand: the rest belongs to somebody else */

    /* argv[0] is the command's name, argv[argc] is NULL; the array may be changed. Returns an exit code. */
    int (*run)(int argc, char **argv);
};

#define COMMAND(name) extern const struct command command_##name;
#include "list.h"
#undef COMMAND

extern const struct command *const commands[]; /* all of them; ends with NULL */

/* NULL, after an error message with the nearest name, when there is none. */
const struct command *command_find(const char *name);

/* The list of commands, one line each. */
void command_list(FILE *file);

#endif
