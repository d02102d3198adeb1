/* The command `perftrace`: finds the command that was asked for and runs it. */
#include "commands/command.h"

#include "../include/perftrace_config.h"

#include <signal.h>
#include <string.h>

static int short_help(void) {
    fputs("Usage: perftrace COMMAND [options] …\n\n", stderr);
    command_list(stderr);
    fputs("\n\"perftrace help COMMAND\" tells more.\n", stderr);
    return EXIT_COULD_NOT;
}

int main(int argc, char **argv) {
    signal(SIGPIPE, SIG_IGN); /* a closed output is an error with a message, not a silent death */
    if (argc < 2)
        return short_help();
    const char *name = argv[1];
    if (strcmp(name, "--version") == 0) {
        puts("perftrace " PERFTRACE_VERSION);
        return message_finish_stdout(EXIT_FINE);
    }
    if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0)
        name = argv[1] = "help";
    if (name[0] == '-') {
        static const char *const options[] = {"--version", "--help"};
        const char *nearest = message_nearest(name, options, 2);
        if (nearest != NULL)
            return message_could_not("unknown option %s; did you mean %s?", name, nearest);
        return message_could_not("unknown option %s; a command comes first, \"perftrace help\" lists them",
                                 name);
    }
    const struct command *command = command_find(name);
    if (command == NULL)
        return EXIT_COULD_NOT;
    message_command(command->name);
    return command->run(argc - 1, argv + 1);
}
