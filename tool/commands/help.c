/* perftrace help: what there is, and how to use it; all of it from the tables. */
#include "command.h"

#include "../support/terminal.h"

#include <stddef.h>

struct help_values {
    bool list;
};

static const struct option help_options[] = {
    OPTION(FLAG, "list", 0, help_values, list, NULL,
           "List each command and each of its options, one a line, for scripts."),
    OPTION_END,
};

static void print_inventory(void) {
    for (size_t i = 0; commands[i] != NULL; i++) {
        puts(commands[i]->name);
        for (const struct option *option = commands[i]->options; option->name != NULL; option++)
            printf("%s --%s\n", commands[i]->name, option->name);
    }
}

static int help_run(int argc, char **argv) {
    struct help_values values = {0};
    int operands;
    int status = options_parse(&command_help, argc, argv, &values, &operands);
    if (status != OPTIONS_PARSED)
        return status;
    if (values.list)
        print_inventory();
    for (int i = 0; i < operands; i++) {
        const struct command *command = command_find(argv[1 + i]);
        if (command == NULL)
            return EXIT_COULD_NOT;
        if (i > 0)
            putchar('\n');
        options_help(stdout, command);
    }
    if (operands == 0 && !values.list) {
        unsigned width = terminal_width(stdout);
        puts("Usage: perftrace COMMAND [options] …\n");
        terminal_wrap(stdout, "Records, converts and analyses traces of native programs.", 0, 0, width);
        puts("\nCommands:");
        command_list(stdout);
        putchar('\n');
        terminal_wrap(stdout,
                      "\"perftrace help COMMAND\" tells more. Exit codes: 0 fine, 1 the answer is no, 2 "
                      "could not do it, 3 inconclusive.",
                      0, 0, width);
    }
    return message_finish_stdout(EXIT_FINE);
}

const struct command command_help = {
    .name = "help",
    .operands = "[COMMAND]...",
    .summary = "explain a command and its options",
    .details = "Explains the commands named, or lists all commands.",
    .options = help_options,
    .run = help_run,
};
