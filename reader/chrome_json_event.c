/* One event of Chrome's Trace Event Format. */
#include "chrome_json_event.h"

#include <string.h>

enum member {
    MEMBER_OTHER,
    MEMBER_NAME,
    MEMBER_CATEGORY,
    MEMBER_PHASE,
    MEMBER_START,
    MEMBER_DURATION,
    MEMBER_PID,
    MEMBER_TID,
    MEMBER_ID,
    MEMBER_ID2,
    MEMBER_SCOPE,
    MEMBER_ARGS,
    MEMBER_METRICS,
};

#define IS(text, word)                                                                                       \
    ((text)->length == sizeof(word) - 1 && memcmp((text)->bytes, word, sizeof(word) - 1) == 0)

static enum member member_of(const struct perftrace_json_text *key) {
    if (key->length < 2)
        return MEMBER_OTHER;
    switch (key->bytes[0]) {
    case 'n':
        return IS(key, "name") ? MEMBER_NAME : MEMBER_OTHER;
    case 'c':
        return IS(key, "cat") ? MEMBER_CATEGORY : MEMBER_OTHER;
    case 'p':
        return IS(key, "ph") ? MEMBER_PHASE : IS(key, "pid") ? MEMBER_PID : MEMBER_OTHER;
    case 't':
        return IS(key, "ts") ? MEMBER_START : IS(key, "tid") ? MEMBER_TID : MEMBER_OTHER;
    case 'd':
        return IS(key, "dur") ? MEMBER_DURATION : MEMBER_OTHER;
    case 'i':
        return IS(key, "id") ? MEMBER_ID : IS(key, "id2") ? MEMBER_ID2 : MEMBER_OTHER;
    case 's':
        return IS(key, "scope") ? MEMBER_SCOPE : MEMBER_OTHER;
    case 'a':
        return IS(key, "args") ? MEMBER_ARGS : MEMBER_OTHER;
    case 'm':
        return IS(key, "metrics") ? MEMBER_METRICS : MEMBER_OTHER;
    default:
        return MEMBER_OTHER;
    }
}

int perftrace_json_member(const char **at, const char *end, bool *first, struct perftrace_json_text *key) {
    const char *here = perftrace_json_skip_spaces(*at, end);
    if (*here == ',' && !*first)
        here = perftrace_json_skip_spaces(here + 1, end);
    else if (*here != '}' && !*first) {
        *at = here;
        return -1;
    }
    *first = false;
    *at = here;
    if (*here == '}' && here < end) { /* after a comma, too */
        *at = here + 1;
        return 0;
    }
    if (*here != '"')
        return -1;
    if (!perftrace_json_string(here + 1, end, key, &here)) {
        *at = end;
        return -1;
    }
    here = perftrace_json_skip_spaces(here, end);
    *at = here;
    if (*here != ':')
        return -1;
    *at = perftrace_json_skip_spaces(here + 1, end);
    return 1;
}

static void take_time(struct perftrace_json_ns *time, const struct perftrace_json_text *text) {
    bool null = !text->quoted && IS(text, "null");
    time->there = !null && perftrace_json_time(text, &time->ns, &time->whole);
    time->wrong = !null && !time->there;
}

/* {"local":"0x1"} or {"global":"0x1"} */
static void take_id2(struct perftrace_json_event *event, const char *at, const char *end) {
    struct perftrace_json_text key, id;
    bool first = true;
    at++;
    while (perftrace_json_member(&at, end, &first, &key) == 1) {
        if (perftrace_json_scalar(&at, end, &id) != PERFTRACE_JSON_FINE)
            return;
        event->local_id = IS(&key, "local");
        event->id = id;
    }
}

static void take(struct perftrace_json_event *event, enum member member,
                 const struct perftrace_json_text *text, const char *at, const char *next) {
    switch (member) {
    case MEMBER_NAME:
        event->name = *text;
        break;
    case MEMBER_CATEGORY:
        event->category = *text;
        break;
    case MEMBER_PHASE:
        event->phase = text->quoted && text->length == 1 ? text->bytes[0] : '?';
        break;
    case MEMBER_START:
        take_time(&event->start, text);
        break;
    case MEMBER_DURATION:
        take_time(&event->duration, text);
        break;
    case MEMBER_PID:
        event->pid = *text;
        break;
    case MEMBER_TID:
        event->tid = *text;
        break;
    case MEMBER_ID:
        event->id = *text;
        event->local_id = false;
        break;
    case MEMBER_ID2:
        if (*at == '{')
            take_id2(event, at, next);
        break;
    case MEMBER_SCOPE:
        event->scope = *text;
        break;
    case MEMBER_ARGS:
        event->args = at;
        event->args_end = next;
        break;
    case MEMBER_METRICS:
        event->own = !text->quoted && perftrace_json_integer(text, &event->metrics);
        break;
    default:
        break;
    }
}

enum perftrace_json_step perftrace_json_event_read(const char **at, const char *end,
                                                   struct perftrace_json_event *event) {
    static const struct perftrace_json_text missing = {.bytes = ""};
    const char *here = *at + 1;
    struct perftrace_json_text key, text;
    bool first = true;
    int got;
    *event = (struct perftrace_json_event){.name = missing,
                                           .category = missing,
                                           .pid = missing,
                                           .tid = missing,
                                           .id = missing,
                                           .scope = missing};
    while ((got = perftrace_json_member(&here, end, &first, &key)) == 1) {
        const char *value = here;
        enum perftrace_json_step step = perftrace_json_scalar(&here, end, &text);
        if (step != PERFTRACE_JSON_FINE) {
            *at = here;
            return step;
        }
        enum member member = member_of(&key);
        if (member != MEMBER_OTHER)
            take(event, member, &text, value, here);
    }
    *at = here;
    return got == 0 ? PERFTRACE_JSON_FINE : here >= end ? PERFTRACE_JSON_MORE : PERFTRACE_JSON_WRONG;
}
