/* The table of commands. */
#include "command.h"

#include "../support/terminal.h"

#include <string.h>

const struct command *const commands[] = {
#define COMMAND(name) &command_##name,
#include "list.h"
#undef COMMAND
    NULL,
};

static const char *const names[] = {
#define COMMAND(name) #name,
#include "list.h"
#undef COMMAND
};

const struct command *command_find(const char *name) {
    for (size_t i = 0; commands[i] != NULL; i++)
        if (strcmp(commands[i]->name, name) == 0)
            return commands[i];
    const char *nearest = message_nearest(name, names, sizeof names / sizeof *names);
    if (nearest != NULL)
        message_error("no command \"%s\"; did you mean %s?", name, nearest);
    else
        message_error("no command \"%s\"; \"perftrace help\" lists them", name);
    return NULL;
}

void command_list(FILE *file) {
    for (size_t i = 0; commands[i] != NULL; i++) {
        fprintf(file, "  %-8s", commands[i]->name);
        terminal_wrap(file, commands[i]->summary, 10, 11, terminal_width(file));
    }
}
