/* strtod, with the point that it takes for one in this locale. */
#define _GNU_SOURCE /* stpcpy */
#include "decimal.h"

#include <langinfo.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

bool perftrace_read_decimal(const char *at, const char *end, double *value) {
    char text[512];
    size_t length = (size_t)(end - at), to = 0;
    if (length >= sizeof text - 8)
        return false;
    const char *radix = nl_langinfo(RADIXCHAR);
    for (size_t i = 0; i < length; i++) {
        if (at[i] == '.' && strlen(radix) + to < sizeof text - length)
            to = (size_t)(stpcpy(text + to, radix) - text);
        else
            text[to++] = at[i];
    }
    text[to] = '\0';
    char *rest;
    *value = strtod(text, &rest);
    return *rest == '\0' && isfinite(*value);
}
