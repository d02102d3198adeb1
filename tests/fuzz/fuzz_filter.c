/* Filter directives -> the parser, and what they allow. The input is directives, a target and a name, with a zero after each. */
#include "fuzz.h"

#include "../../runtime/filter.h"

#include <stdlib.h>
#include <string.h>

static int complaints;

static void complain(const char *directive, size_t length, const char *reason) {
    FUZZ_CHECK(length > 0 && memchr(directive, ',', length) == NULL && reason[0] != 0);
    complaints++;
}

static const char *next(const char **at, const char *end) {
    const char *text = *at;
    *at = text + strlen(text) < end ? text + strlen(text) + 1 : end;
    return text;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct perftrace_filter filter, again;
    char *copy = malloc(size + 1);
    FUZZ_CHECK(copy != NULL);
    if (size > 0)
        memcpy(copy, data, size);
    copy[size] = 0;
    const char *at = copy, *end = copy + size;
    const char *directives = next(&at, end), *target = next(&at, end), *name = next(&at, end);
    complaints = 0;
    int wrong = perftrace_filter_parse(&filter, directives, complain);
    FUZZ_CHECK(wrong == complaints && filter.count <= PERFTRACE_DIRECTIVES_MAX);
    FUZZ_CHECK(perftrace_filter_parse(&again, directives, NULL) == wrong && again.count == filter.count);
    bool before = true;
    for (unsigned level = 1; level <= 5;
         level++) { /* what is allowed at a level is so at all that are more important */
        bool allowed = perftrace_filter_allows(&filter, target, name, level);
        FUZZ_CHECK(before || !allowed);
        FUZZ_CHECK(allowed == perftrace_filter_allows(&again, target, name, level));
        before = allowed;
    }
    perftrace_filter_allows(&filter, target, NULL, 3);
    FUZZ_CHECK(perftrace_filter_allows(&filter, target, name, 0));
    free(copy);
    return 0;
}
