/* Patterns, and whether a call is one of those that are asked for. */
#include "select.h"

#include "intern.h"

#include <stdlib.h>
#include <string.h>

bool analysis_selects_all(const struct analysis_selection *selection) {
    return selection->functions.count == 0 && selection->callers.count == 0 &&
           selection->threads.count == 0 && selection->since_ns == 0 && selection->until_ns == 0 &&
           selection->min_ns == 0;
}

/* Only the last `*` is ever gone back to: what those before it took can stay as it is. */
bool analysis_pattern_matches(const char *pattern, struct perftrace_text text) {
    const char *after_star = NULL;
    size_t at = 0, taken = 0; /* after_star is tried at text.bytes + taken */
    while (at < text.length) {
        if (*pattern == '*') {
            after_star = ++pattern;
            taken = at;
        } else if (*pattern != '\0' && (*pattern == '?' || *pattern == text.bytes[at])) {
            pattern++;
            at++;
        } else if (after_star != NULL) {
            pattern = after_star;
            at = ++taken;
        } else
            return false;
    }
    while (*pattern == '*')
        pattern++;
    return *pattern == '\0';
}

bool analysis_patterns_match(struct analysis_texts patterns, struct perftrace_text text) {
    for (size_t i = 0; i < patterns.count; i++)
        if (analysis_pattern_matches(patterns.texts[i], text))
            return true;
    return false;
}

static bool is_number(const char *text, uint64_t number) {
    char *end;
    return *text >= '0' && *text <= '9' && strtoull(text, &end, 10) == number && *end == '\0';
}

static bool thread_matches(struct analysis_texts threads, const struct perftrace_track_info *track) {
    for (size_t i = 0; i < threads.count; i++)
        if (is_number(threads.texts[i], track->os_id != 0 ? track->os_id : track->id) ||
            is_number(threads.texts[i], track->id) ||
            (track->name.length > 0 && analysis_pattern_matches(threads.texts[i], track->name)))
            return true;
    return false;
}

enum { FUNCTION_KNOWN = 1, FUNCTION_MATCHES = 2, CALLER_KNOWN = 4, CALLER_MATCHES = 8 };

static bool reserve(struct analysis_selector *selector, uint32_t function) {
    return function < selector->function_capacity ||
           array_grow_zeros(NULL, (void **)&selector->functions, &selector->function_capacity,
                            function < 512 ? 1024 : function + function / 2, sizeof *selector->functions);
}

static bool name_matches(struct analysis_selector *selector, uint32_t function, struct perftrace_text name,
                         struct analysis_texts patterns, uint8_t known, uint8_t matches) {
    uint8_t *state = &selector->functions[function];
    if ((*state & known) == 0)
        *state |= known | (analysis_patterns_match(patterns, name) ? matches : 0);
    return (*state & matches) != 0;
}

int analysis_select(struct analysis_selector *selector, const struct perftrace_call *call,
                    const struct analysis_candidate *candidate) {
    const struct analysis_selection *wanted = &selector->wanted;
    uint32_t function = candidate->function, caller = candidate->caller;
    if (!reserve(selector, function > caller ? function : caller))
        return -PERFTRACE_ERROR_MEMORY;
    if (call->elapsed_ns < wanted->min_ns || candidate->moment_ns < wanted->since_ns ||
        (wanted->until_ns != 0 && candidate->moment_ns >= wanted->until_ns))
        return 0;
    if (wanted->functions.count > 0 && !name_matches(selector, function, candidate->function_name,
                                                     wanted->functions, FUNCTION_KNOWN, FUNCTION_MATCHES))
        return 0;
    if (wanted->callers.count > 0 && !name_matches(selector, caller, candidate->caller_name, wanted->callers,
                                                   CALLER_KNOWN, CALLER_MATCHES))
        return 0;
    return wanted->threads.count == 0 || thread_matches(wanted->threads, call->track);
}

void analysis_selector_free(struct analysis_selector *selector) {
    free(selector->functions);
    selector->functions = NULL;
}
