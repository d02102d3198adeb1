/* Parsing and explaining options. Long options may be given as --name=value or --name value, short ones as
 * -n value or -nvalue; `--` ends the options; a lone `-` is an operand. */
#include "options.h"

#include "../commands/command.h"
#include "messages.h"
#include "terminal.h"
#include "units.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static const struct option help_option = {.name = "help", .letter = 'h', .help = "Show this help and exit."};

static const struct option *find_long(const struct command *command, const char *name, size_t length) {
    for (const struct option *option = command->options; option->name != NULL; option++)
        if (strlen(option->name) == length && memcmp(option->name, name, length) == 0)
            return option;
    return length == strlen("help") && memcmp(name, "help", length) == 0 ? &help_option : NULL;
}

static const struct option *find_letter(const struct command *command, char letter) {
    for (const struct option *option = command->options; option->name != NULL; option++)
        if (option->letter == letter)
            return option;
    return letter == 'h' ? &help_option : NULL;
}

static int unknown_option(const struct command *command, const char *argument) {
    const char *names[32] = {"help"};
    size_t count = 1;
    for (const struct option *option = command->options; option->name != NULL && count < 32; option++)
        names[count++] = option->name;
    char word[64];
    snprintf(word, sizeof word, "%.*s", (int)strcspn(argument, "="), argument);
    const char *nearest = argument[1] == '-' ? message_nearest(word + 2, names, count) : NULL;
    if (nearest != NULL)
        return message_could_not("unknown option %s; did you mean --%s?", word, nearest);
    return message_could_not("unknown option %s; \"perftrace help %s\" lists them", word, command->name);
}

static int store_choice(const struct option *option, const char *text, int *field) {
    size_t count = 0;
    for (; option->choices[count] != NULL; count++) {
        if (strcmp(option->choices[count], text) == 0) {
            *field = (int)count;
            return OPTIONS_PARSED;
        }
    }
    char all[256] = "";
    for (size_t i = 0; i < count; i++)
        snprintf(all + strlen(all), sizeof all - strlen(all), "%s%s", i == 0 ? "" : ", ", option->choices[i]);
    const char *nearest = message_nearest(text, option->choices, count);
    if (nearest != NULL)
        return message_could_not("--%s: no \"%s\"; did you mean %s? (%s)", option->name, text, nearest, all);
    return message_could_not("--%s: no \"%s\"; it is one of %s", option->name, text, all);
}

static int store_item(const struct option *option, const char *text, struct option_list *list) {
    if (*text == '\0')
        return message_could_not("--%s: an empty text is no %s", option->name, option->value);
    if (list->count == OPTION_LIST_MAX)
        return message_could_not("--%s: more than %d of them", option->name, OPTION_LIST_MAX);
    list->items[list->count++] = text;
    return OPTIONS_PARSED;
}

static int store_keys(const struct option *option, char *text, struct option_list *list) {
    for (char *comma; (comma = strchr(text, ',')) != NULL; text = comma + 1) {
        *comma = '\0';
        if (store_item(option, text, list) != OPTIONS_PARSED)
            return EXIT_COULD_NOT;
    }
    return store_item(option, text, list);
}

static int store_quantity(const struct option *option, const char *text, uint64_t *field) {
    const char *why = option->type == OPTION_MS     ? units_parse_ms(text, field)
                      : option->type == OPTION_SIZE ? units_parse_size(text, field)
                                                    : units_parse_time(text, field);
    if (why == NULL)
        return OPTIONS_PARSED;
    return message_could_not("--%s: \"%s\" %s", option->name, text, why);
}

static int store(const struct option *option, char *text, void *values) {
    void *field = (char *)values + option->offset;
    switch (option->type) {
    case OPTION_FLAG:
        *(bool *)field = true;
        return OPTIONS_PARSED;
    case OPTION_TEXT:
        *(const char **)field = text;
        return OPTIONS_PARSED;
    case OPTION_CHOICE:
        return store_choice(option, text, field);
    case OPTION_LIST:
        return store_item(option, text, field);
    case OPTION_KEYS:
        return store_keys(option, text, field);
    case OPTION_TIME:
    case OPTION_MS:
    case OPTION_SIZE:
        return store_quantity(option, text, field);
    case OPTION_NUMBER:
        break;
    }
    char *end;
    errno = 0;
    unsigned long long number = strtoull(text, &end, 10);
    if (*text < '0' || *text > '9' || *end != '\0' || errno != 0)
        return message_could_not("--%s: \"%s\" is not a whole number from 0 on", option->name, text);
    *(uint64_t *)field = number;
    return OPTIONS_PARSED;
}

/* One option at argv[*at], with its value, which may be the next argument: then *at moves on. */
static int parse_option(const struct command *command, char **argv, int *at, void *values) {
    char *argument = argv[*at], *value = NULL;
    const struct option *option;
    if (argument[1] == '-') {
        size_t length = strcspn(argument + 2, "=");
        option = find_long(command, argument + 2, length);
        value = argument[2 + length] == '=' ? argument + 2 + length + 1 : NULL;
    } else {
        option = find_letter(command, argument[1]);
        value = argument[2] != '\0' ? argument + 2 : NULL;
    }
    if (option == NULL || (argument[1] != '-' && option->type == OPTION_FLAG && value != NULL))
        return unknown_option(command, argument);
    if (option == &help_option) {
        options_help(stdout, command);
        return message_finish_stdout(EXIT_FINE);
    }
    if (option->type == OPTION_FLAG && value != NULL)
        return message_could_not("--%s takes no value", option->name);
    if (option->type != OPTION_FLAG && value == NULL) {
        value = argv[*at + 1];
        if (value == NULL)
            return message_could_not("--%s needs a value", option->name);
        ++*at;
    }
    return store(option, value, values);
}

int options_parse(const struct command *command, int argc, char **argv, void *values, int *operand_count) {
    int operands = 0;
    bool options_ended = false;
    for (int at = 1; at < argc; at++) {
        if (!options_ended && strcmp(argv[at], "--") == 0) {
            options_ended = true;
        } else if (!options_ended && argv[at][0] == '-' && argv[at][1] != '\0') {
            int status = parse_option(command, argv, &at, values);
            if (status != OPTIONS_PARSED)
                return status;
        } else {
            argv[1 + operands++] = argv[at];
            options_ended = options_ended || command->options_first;
        }
    }
    *operand_count = operands;
    return OPTIONS_PARSED;
}

/* "--name=VALUE" with its letter. */
static void make_label(const struct option *option, char *label, size_t size) {
    char letter[8] = "    ";
    if (option->letter != '\0')
        snprintf(letter, sizeof letter, "-%c, ", option->letter);
    int used = snprintf(label, size, "%s--%s", letter, option->name);
    if (used < 0 || (size_t)used >= size)
        return;
    if (option->type != OPTION_FLAG && option->type != OPTION_CHOICE)
        snprintf(label + used, size - (size_t)used, "=%s", option->value);
    for (size_t i = 0; option->type == OPTION_CHOICE && option->choices[i] != NULL; i++)
        snprintf(label + strlen(label), size - strlen(label), "%c%s", i == 0 ? '=' : '|', option->choices[i]);
}

static void help_line(FILE *file, const struct option *option, unsigned width) {
    unsigned indent = width < 60 ? 8 : 28;
    char label[128];
    make_label(option, label, sizeof label);
    fprintf(file, "  %s", label);
    unsigned column = 2 + (unsigned)strlen(label);
    if (column + 1 >= indent) {
        fputc('\n', file);
        column = 0;
    }
    terminal_wrap(file, option->help, column, indent, width);
}

void options_help(FILE *file, const struct command *command) {
    unsigned width = terminal_width(file);
    width = width > 100 ? 100 : width;
    fprintf(file, "Usage: perftrace %s %s\n\n", command->name, command->operands);
    terminal_wrap(file, command->details, 0, 0, width);
    if (command->more != NULL)
        command->more(file, width);
    fputs("\nOptions:\n", file);
    for (const struct option *option = command->options; option->name != NULL; option++)
        help_line(file, option, width);
    help_line(file, &help_option, width);
}
