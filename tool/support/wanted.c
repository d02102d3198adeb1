/* What was asked for, held against the names that there are. */
#include "wanted.h"

#include "../../analysis/groups.h"
#include "messages.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NAMES_MAX = 4096 }; /* among which the nearest is looked for */

/* " did you mean X?" of `count` names, or nothing. Lives until the next call. */
static const char *hint(const char *word, const char *const *names, size_t count) {
    static char text[256];
    const char *nearest = message_nearest(word, names, count);
    text[0] = '\0';
    if (nearest != NULL)
        snprintf(text, sizeof text, "; did you mean %s?", nearest);
    return text;
}

static size_t key_names(const struct analysis *model, const char **names) {
    size_t count = 0;
    for (; count < analysis_key_count(model) && count < NAMES_MAX; count++)
        names[count] = analysis_key(model, (uint32_t)count).bytes;
    return count;
}

static bool has_key(const struct analysis *model, const char *pattern, bool exact) {
    for (uint32_t i = 0; i < analysis_key_count(model); i++) {
        struct perftrace_text key = analysis_key(model, i);
        if (exact ? strcmp(key.bytes, pattern) == 0 : analysis_pattern_matches(pattern, key))
            return true;
    }
    return analysis_key_count(model) == ANALYSIS_KEYS_MAX; /* it may be one of those that are not known */
}

/* Functions and callers are of one list. */
static void check_functions(const struct analysis *model, const char **names, const char *option,
                            struct analysis_texts patterns) {
    size_t count = 0;
    for (; count < model->function_count && count < NAMES_MAX; count++)
        names[count] = model->functions[count].name.bytes;
    for (size_t i = 0; i < patterns.count; i++) {
        bool found = false;
        for (uint32_t j = 0; j < model->function_count && !found; j++)
            found = analysis_pattern_matches(patterns.texts[i], model->functions[j].name);
        if (!found)
            message_error("--%s: there is no function \"%s\"%s", option, patterns.texts[i],
                          hint(patterns.texts[i], names, count));
    }
}

int wanted_check(const struct analysis *model) {
    const struct analysis_options *options = &model->options;
    const char **names = malloc(NAMES_MAX * sizeof *names);
    int status = 0;
    if (names == NULL || (model->calls == 0 && model->left_out == 0)) {
        free(names);
        return 0;
    }
    if (model->calls == 0 && model->left_out > 0) {
        check_functions(model, names, "function", options->selection.functions);
        check_functions(model, names, "caller", options->selection.callers);
        message_error("the filters leave out all calls");
        status = -1;
    }
    for (size_t i = 0; i < options->group_by.count && model->calls > 0; i++)
        if (!has_key(model, options->group_by.texts[i], true)) {
            message_error("--group-by: no call has a parameter or metric \"%s\"%s",
                          options->group_by.texts[i],
                          hint(options->group_by.texts[i], names, key_names(model, names)));
            status = -1;
        }
    for (size_t i = 0; i < options->ignored.count && model->calls > 0; i++)
        if (!has_key(model, options->ignored.texts[i], false))
            message_warning("--ignore: no call has a parameter \"%s\"%s", options->ignored.texts[i],
                            hint(options->ignored.texts[i], names, key_names(model, names)));
    free(names);
    return status;
}
