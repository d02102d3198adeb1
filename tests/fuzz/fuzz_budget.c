/* Budgets -> the parser: what is read once is read again from its own text, and mistakes have a place. */
#include "fuzz.h"

#include "../../tool/verdict/budget_file.h"

#include <stdlib.h>
#include <string.h>

static void check_again(const struct promise *promise, const char *figure) {
    struct budget_file again;
    FUZZ_CHECK(strncmp(promise->text, figure, strlen(figure)) == 0);
    FUZZ_CHECK(budget_parse(&again, promise->text, strlen(promise->text)) == 0);
    FUZZ_CHECK(again.problem_count == 0 && again.count == 1);
    const struct promise *same = &again.promises[0];
    FUZZ_CHECK(strcmp(same->text, promise->text) == 0 && same->subject == promise->subject &&
               same->statistic == promise->statistic && same->scope == promise->scope &&
               same->relation == promise->relation && same->relative == promise->relative &&
               memcmp(&same->limit, &promise->limit, sizeof same->limit) == 0);
    budget_free(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct budget_file budget;
    if (size > BUDGET_BYTES_MAX / 16)
        return 0;
    char *copy = malloc(size + 1);
    FUZZ_CHECK(copy != NULL);
    if (size > 0)
        memcpy(copy, data, size);
    copy[size] = 0;
    FUZZ_CHECK(budget_parse(&budget, copy, size) == 0);
    for (size_t i = 0; i < budget.problem_count && i < BUDGET_TOLD_MAX; i++)
        FUZZ_CHECK(budget.problems[i].line > 0 && budget.problems[i].column > 0 &&
                   budget.problems[i].message[0] != '\0');
    for (size_t i = 0; i < budget.count; i++)
        check_again(&budget.promises[i], budget.promises[i].figure);
    budget_free(&budget);
    free(copy);
    return 0;
}
