/* What the command says on standard error, and how it ends. */
#ifndef PERFTRACE_TOOL_MESSAGES_H
#define PERFTRACE_TOOL_MESSAGES_H

#include <stddef.h>

/* Exit codes of every command. */
enum exit_code {
    EXIT_FINE = 0,
    EXIT_ANSWER_NO = 1,
    EXIT_COULD_NOT = 2,
    EXIT_INCONCLUSIVE = 3,
};

/* "perftrace COMMAND: …" from here on; the name is borrowed. */
void message_command(const char *name);

/* One line on stderr, with "error: " or "warning: ", or neither; bytes from a file or a name in the arguments that could
 * confuse a terminal are made visible. The result, -1 or EXIT_COULD_NOT, is for whoever ends with that error. */
int message(const char *kind, const char *format, ...) __attribute__((format(printf, 2, 3)));
#define message_error(...) message("error: ", __VA_ARGS__)
#define message_warning(...) message("warning: ", __VA_ARGS__)
#define message_note(...) message("", __VA_ARGS__)
#define message_could_not(...) (message_error(__VA_ARGS__), EXIT_COULD_NOT)

/* The one of `names` (`count` of them) that `word` was probably meant to be, or NULL. */
const char *message_nearest(const char *word, const char *const *names, size_t count);

/* Flushes standard output; EXIT_COULD_NOT, and said, if it could not all be written, else `code`. */
int message_finish_stdout(int code);

#endif
