/* What standard output is connected to: its width, and whether colours may be used. */
#ifndef PERFTRACE_TOOL_TERMINAL_H
#define PERFTRACE_TOOL_TERMINAL_H

#include <stdbool.h>
#include <stdio.h>

enum color_choice { COLOR_AUTO, COLOR_ALWAYS, COLOR_NEVER };
extern const char *const color_choices[]; /* by enum color_choice; NULL ends it */

/* With COLOR_AUTO: on a terminal, unless NO_COLOR is set or TERM is "dumb". */
bool terminal_color(enum color_choice choice, FILE *file);

/* Columns: of the terminal, else COLUMNS, else 80; at least 20. */
unsigned terminal_width(FILE *file);

/* `text` in lines of at most `width` columns, each after `indent` spaces; `column` is where the cursor
 * stands already. Ends with a newline; newlines in the text stay. */
void terminal_wrap(FILE *file, const char *text, unsigned column, unsigned indent, unsigned width);

#define STYLE_BOLD "\033[1m"
#define STYLE_RESET "\033[0m"

#endif
