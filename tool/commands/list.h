/* The commands, in the order in which help shows them. A new one: a file with `const struct command
 * command_NAME`, a line here, and its man page. */
COMMAND(run)
COMMAND(info)
COMMAND(convert)
COMMAND(analyze)
COMMAND(check)
COMMAND(diff)
COMMAND(help)
