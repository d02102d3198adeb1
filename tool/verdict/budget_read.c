/* A budget from a file, with its mistakes told. */
#include "budget_file.h"

#include "../support/messages.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char *read_all(const char *path, size_t *length) {
    FILE *file = strcmp(path, "-") == 0 ? stdin : fopen(path, "re");
    char *text = malloc(BUDGET_BYTES_MAX + 1);
    if (file == NULL)
        message_error("%s: %s", path, strerror(errno));
    else if (text == NULL)
        message_error("out of memory");
    if (file == NULL || text == NULL) {
        if (file != NULL && file != stdin)
            fclose(file);
        free(text);
        return NULL;
    }
    errno = 0;
    *length = fread(text, 1, BUDGET_BYTES_MAX + 1, file);
    bool failed = ferror(file) != 0;
    if (failed)
        message_error("%s: %s", path, strerror(errno));
    else if (*length > BUDGET_BYTES_MAX)
        message_error("%s: longer than %d bytes: is this a budget?", path, BUDGET_BYTES_MAX);
    if (file != stdin)
        fclose(file);
    if (!failed && *length <= BUDGET_BYTES_MAX)
        return text;
    free(text);
    return NULL;
}

int budget_read(struct budget_file *budget, const char *path) {
    *budget = (struct budget_file){0};
    size_t length;
    char *text = read_all(path, &length);
    if (text == NULL)
        return -1;
    int status = budget_parse(budget, text, length);
    free(text);
    if (status != 0)
        return message_error("out of memory");
    for (size_t i = 0; i < budget->problem_count && i < BUDGET_TOLD_MAX; i++)
        message_error("%s:%u:%u: %s", path, budget->problems[i].line, budget->problems[i].column,
                      budget->problems[i].message);
    if (budget->problem_count > BUDGET_TOLD_MAX)
        message_error("%s: and %zu more", path, budget->problem_count - BUDGET_TOLD_MAX);
    if (budget->problem_count == 0 && budget->count == 0)
        message_error("%s: there is no promise in it, as \"frame p99 <= 16.6ms\"", path);
    return budget->problem_count == 0 && budget->count > 0 ? 0 : -1;
}
