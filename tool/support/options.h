/* Options from a table: the one table parses them, makes the help text, and is the inventory against which
 * man pages are checked. */
#ifndef PERFTRACE_TOOL_OPTIONS_H
#define PERFTRACE_TOOL_OPTIONS_H

#include <stddef.h>
#include <stdio.h>

struct command;

enum option_type {
    OPTION_FLAG,   /* the field is a bool, set to true */
    OPTION_TEXT,   /* a const char *, pointing into the arguments */
    OPTION_NUMBER, /* a uint64_t, decimal */
    OPTION_CHOICE, /* an int: which of `choices` */
    OPTION_LIST,   /* a struct option_list: may be given several times */
    OPTION_KEYS,   /* a struct option_list: several times, or several between commas */
    OPTION_TIME,   /* a uint64_t, nanoseconds: a decimal number and a unit, "1.5s" */
    OPTION_MS,     /* a uint64_t, nanoseconds: a decimal number of milliseconds */
    OPTION_SIZE,   /* a uint64_t, bytes: a whole number and a unit, "256M" */
};

/* What was given, in order. The texts point into the arguments, which the commas of KEYS are taken out of. */
enum { OPTION_LIST_MAX = 64 };
struct option_list {
    const char *items[OPTION_LIST_MAX];
    size_t count;
};

struct option {
    const char *name; /* without the dashes */
    char letter;      /* 0: none */
    enum option_type type;
    size_t offset;              /* of the field in the command's structure of values */
    const char *value;          /* not FLAG, CHOICE: what stands for it in help, "FILE" */
    const char *const *choices; /* CHOICE: ends with NULL */
    const char *help;
};
/* Rows of a table of options, for `field` of `struct values`; the last row is OPTION_END. */
#define OPTION(kind, name, letter, values, field, value, help)                                               \
    { name, letter, OPTION_##kind, offsetof(struct values, field), value, NULL, help }
#define OPTION_OF(choices, name, letter, values, field, help)                                                \
    { name, letter, OPTION_CHOICE, offsetof(struct values, field), NULL, choices, help }
#define OPTION_COLOR(values)                                                                                 \
    OPTION_OF(color_choices, "color", 0, values, color,                                                      \
              "Whether to use colour. Default: auto, on a terminal only.")
#define OPTION_END                                                                                           \
    { .name = NULL }

/* Parses argv[1…] of `command` into `values` (filled with the defaults before). Operands are moved to the
 * front of argv + 1, in order, and counted. Returns OPTIONS_PARSED, or the exit code when there is nothing more to do: help
 * was asked for and printed, or the arguments are wrong, which was said. */
enum { OPTIONS_PARSED = -1 };
int options_parse(const struct command *command, int argc, char **argv, void *values, int *operand_count);

/* Usage, what the command does, and its options. */
void options_help(FILE *file, const struct command *command);

#endif
