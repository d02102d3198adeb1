/* Terminal width, colour and wrapping. */
#include "terminal.h"

#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

const char *const color_choices[] = {"auto", "always", "never", NULL};

bool terminal_color(enum color_choice choice, FILE *file) {
    if (choice != COLOR_AUTO)
        return choice == COLOR_ALWAYS;
    const char *no_color = getenv("NO_COLOR"), *term = getenv("TERM");
    return isatty(fileno(file)) && (no_color == NULL || *no_color == '\0') &&
           (term == NULL || strcmp(term, "dumb") != 0);
}

unsigned terminal_width(FILE *file) {
    enum { NARROWEST = 20, WIDEST = 1000, DEFAULT = 80 };
    struct winsize size = {0};
    unsigned long columns = 0;
    const char *variable = getenv("COLUMNS");
    if (ioctl(fileno(file), TIOCGWINSZ, &size) == 0)
        columns = size.ws_col;
    if (columns == 0 && variable != NULL)
        columns = strtoul(variable, NULL, 10);
    if (columns == 0 || columns > WIDEST)
        return DEFAULT;
    return columns < NARROWEST ? NARROWEST : (unsigned)columns;
}

void terminal_wrap(FILE *file, const char *text, unsigned column, unsigned indent, unsigned width) {
    bool first_word = true;
    while (*text != '\0') {
        unsigned length = (unsigned)strcspn(text, " \n");
        if (column < indent) {
            fprintf(file, "%*s", (int)(indent - column), "");
            column = indent;
        } else if (!first_word && column + 1 + length > width) {
            fprintf(file, "\n%*s", (int)indent, "");
            column = indent;
        } else if (!first_word) {
            fputc(' ', file);
            column++;
        }
        fprintf(file, "%.*s", (int)length, text);
        column += length;
        text += length;
        first_word = false;
        if (*text == '\n') {
            fputc('\n', file);
            column = 0;
            first_word = true;
        }
        if (*text != '\0')
            text++;
    }
    if (column > 0)
        fputc('\n', file);
}
