/* What a check says: values with their units, samples by their names, names that may have been meant. */
#include "check.h"

#include "../support/messages.h"
#include "../support/units.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

static void number_text(double value, char *text, size_t size) {
    if (fabs(value) < 1e15 && fabs(value - round(value)) < 1e-9)
        snprintf(text, size, "%.0f", value);
    else
        snprintf(text, size, "%.4g", value);
}

static void bytes_text(double value, char *text, size_t size) {
    uint64_t magnitude = (uint64_t)(fabs(value) < 1.8e19 ? fabs(value) : 1.8e19);
    snprintf(text, size, "%s%s", value < 0 ? "-" : "", units_bytes(magnitude).text);
}

void check_value_text(const struct promise *promise, double value, char text[CHECK_VALUE_MAX]) {
    if (!isfinite(value)) {
        snprintf(text, CHECK_VALUE_MAX, "unknown");
    } else if (promise->statistic == PROMISE_GROWTH) {
        char amount[UNITS_TEXT_MAX + 2];
        if (promise->subject == PROMISE_MEMORY)
            bytes_text(value * 60, amount, sizeof amount);
        else
            number_text(value * 60, amount, sizeof amount);
        snprintf(text, CHECK_VALUE_MAX, "%s/min", amount);
    } else if (promise->subject == PROMISE_MEMORY) {
        bytes_text(value, text, CHECK_VALUE_MAX);
    } else if (promise_is_time(promise)) {
        snprintf(text, CHECK_VALUE_MAX, "%s", units_duration((uint64_t)(value > 0 ? value : 0)).text);
    } else {
        number_text(value, text, CHECK_VALUE_MAX);
    }
}

void check_samples_name(const struct promise *promise, uint64_t count, struct perftrace_buffer *text) {
    const char *name = promise->subject == PROMISE_COUNTER || promise->subject == PROMISE_MEMORY  ? "value"
                       : promise->subject == PROMISE_FRAME || promise->scope == PROMISE_PER_FRAME ? "frame"
                       : promise->scope == PROMISE_PER_SECOND                                     ? "second"
                       : promise->scope == PROMISE_PER_RUN                                        ? "run"
                                                                                                  : "call";
    perftrace_buffer_text(text, name);
    perftrace_buffer_text(text, count == 1 ? "" : "s");
    if (promise->scope == PROMISE_PER_SPAN) {
        perftrace_buffer_text(text, " of ");
        perftrace_buffer_visible(text, perftrace_text_of(promise->scope_name));
    }
}

/* Whether two names have a word of three letters or more in common. */
static bool share_a_word(const char *one, const char *other) {
    static const char between[] = "_.:- /";
    while (*one != '\0') {
        size_t length = strcspn(one, between);
        for (const char *at = other; length >= 3 && *at != '\0';) {
            size_t of_other = strcspn(at, between);
            if (of_other == length && strncmp(one, at, length) == 0)
                return true;
            at += of_other + (at[of_other] != '\0');
        }
        one += length + (one[length] != '\0');
    }
    return false;
}

enum { NEAREST_MAX = 3 };

void check_nearest(const struct check *check, unsigned kind, const char *name,
                   struct perftrace_buffer *text) {
    const char **names = malloc((check->names.count + 1) * sizeof *names);
    size_t count = 0, found = 0;
    for (uint32_t i = 0; names != NULL && i < check->names.count; i++)
        if (check->names.entries[i].owner == kind)
            names[count++] = text_table_get(&check->names, i).bytes;
    while (names != NULL && found < NEAREST_MAX && count > 0) {
        const char *nearest = message_nearest(name, names, count);
        for (size_t i = 0; nearest == NULL && i < count; i++)
            nearest = share_a_word(name, names[i]) ? names[i] : NULL;
        if (nearest == NULL)
            break;
        perftrace_buffer_text(text, found == 0 ? "; there is " : ", ");
        perftrace_buffer_visible(text, perftrace_text_of(nearest));
        found++;
        for (size_t i = 0; i < count; i++)
            if (names[i] == nearest) {
                names[i] = names[--count];
                break;
            }
    }
    free(names);
}
