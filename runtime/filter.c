/* Filter directives: parsing them, and asking them. Allocates nothing, and knows no locale: it may run in a
 * signal handler. */
#include "filter.h"

#include <string.h>

/* A part of the text being parsed. */
struct part {
    const char *start;
    size_t length;
};

static bool is_blank(char c) {
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static struct part trim(struct part part) {
    while (part.length > 0 && is_blank(part.start[0]))
        part = (struct part){part.start + 1, part.length - 1};
    while (part.length > 0 && is_blank(part.start[part.length - 1]))
        part.length--;
    return part;
}

static bool is_word(struct part part, const char *lower) {
    size_t i = 0;
    for (; i < part.length && lower[i] != '\0'; i++)
        if ((part.start[i] | 0x20) != lower[i]) /* lower[i] is a letter, so only letters pass */
            return false;
    return i == part.length && lower[i] == '\0';
}

/* 0 off … 5 trace, or -1. */
static int level_of(struct part part) {
    static const char *const names[] = {"off", "error", "warn", "info", "debug", "trace"};
    if (part.length == 1 && part.start[0] >= '0' && part.start[0] <= '5')
        return part.start[0] - '0';
    for (int level = 0; level < (int)(sizeof names / sizeof names[0]); level++)
        if (is_word(part, names[level]))
            return level;
    return -1;
}

/* As EnvFilter has it: of a target, only the first character is looked at. */
static bool may_begin_target(char c) {
    return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') || c == '_' || c == '-' ||
           c == ':' || (unsigned char)c >= 0x80;
}

static const char *parse_span(struct part inside, struct perftrace_directive *directive) {
    if (memchr(inside.start, '{', inside.length) != NULL)
        return "fields are not supported";
    if (inside.length == 0)
        return "a span's name is missing";
    if (inside.length >= sizeof directive->span)
        return "too long";
    memcpy(directive->span, inside.start, inside.length);
    return NULL;
}

/* NULL, or what is wrong with it. `part` is trimmed and not empty; *directive is all zeros. */
static const char *parse_directive(struct part part, struct perftrace_directive *directive) {
    int level = level_of(part);
    if (level >= 0) {
        directive->level = (uint8_t)level;
        return NULL;
    }
    const char *at = part.start, *end = part.start + part.length;
    while (at < end && *at != '[' && *at != '=')
        at++;
    struct part target = {part.start, (size_t)(at - part.start)};
    bool named = target.length > 0;
    if (named && (!may_begin_target(target.start[0]) || memchr(target.start, ']', target.length) != NULL ||
                  memchr(target.start, '}', target.length) != NULL))
        return "not a target";
    if (target.length >= sizeof directive->target)
        return "too long";
    memcpy(directive->target, target.start, target.length);
    if (at < end && *at == '[') {
        const char *close = memchr(at, ']', (size_t)(end - at));
        const char *wrong =
            parse_span((struct part){at + 1, (size_t)((close == NULL ? end : close) - at) - 1}, directive);
        if (wrong != NULL || close == NULL)
            return wrong != NULL ? wrong : "] is missing";
        named = true;
        at = close + 1;
    }
    directive->level = 5;
    if (!named || (at < end && *at != '='))
        return "not a directive";
    if (at + 1 >= end) /* `target` and `target=` */
        return NULL;
    level = level_of((struct part){at + 1, (size_t)(end - at) - 1});
    directive->level = (uint8_t)level;
    return level < 0 ? "not a level" : NULL;
}

int perftrace_filter_parse(struct perftrace_filter *filter, const char *text,
                           void (*complain)(const char *directive, size_t length, const char *reason)) {
    filter->count = 0;
    int complaints = 0;
    for (const char *at = text == NULL ? "" : text; *at != '\0';) {
        size_t length = strcspn(at, ",");
        struct part part = trim((struct part){at, length});
        at += length + (at[length] == ',');
        if (part.length == 0)
            continue;
        const char *wrong = "too many directives";
        if (filter->count < PERFTRACE_DIRECTIVES_MAX) {
            struct perftrace_directive *directive = &filter->directives[filter->count];
            memset(directive, 0, sizeof *directive);
            wrong = parse_directive(part, directive);
        }
        if (wrong == NULL) {
            filter->count++;
            continue;
        }
        complaints++;
        if (complain != NULL)
            complain(part.start, part.length, wrong);
    }
    return complaints;
}

bool perftrace_filter_allows(const struct perftrace_filter *filter, const char *target, const char *name,
                             unsigned level) {
    if (level == 0 || filter->count == 0)
        return true;
    size_t best =
        0; /* how specific the one was that decides: 0 none, else 1 + 2 × length of its target + span */
    uint8_t allowed = 0;
    for (size_t i = 0; i < filter->count; i++) {
        const struct perftrace_directive *directive = &filter->directives[i];
        size_t length = strlen(directive->target);
        if (strncmp(target, directive->target, length) != 0)
            continue;
        bool with_span = directive->span[0] != '\0';
        if (with_span && (name == NULL || strcmp(name, directive->span) != 0))
            continue;
        size_t specific = 1 + 2 * length + with_span;
        if (specific >= best) { /* of equals the later */
            best = specific;
            allowed = directive->level;
        }
    }
    return level <= allowed;
}
