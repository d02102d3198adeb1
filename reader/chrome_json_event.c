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

/* Which of its members stand most often in an event does not matter: the length and the first letter tell nearly all apart. */
static enum member member_of(const struct perftrace_json_text *key) {
    switch (key->length) {
    case 2:
        return IS(key, "ph")   ? MEMBER_PHASE
               : IS(key, "ts") ? MEMBER_START
               : IS(key, "id") ? MEMBER_ID
                               : MEMBER_OTHER;
    case 3:
        return IS(key, "pid")   ? MEMBER_PID
               : IS(key, "tid") ? MEMBER_TID
               : IS(key, "cat") ? MEMBER_CATEGORY
               : IS(key, "dur") ? MEMBER_DURATION
               : IS(key, "id2") ? MEMBER_ID2
                                : MEMBER_OTHER;
    case 4:
        return IS(key, "name") ? MEMBER_NAME : IS(key, "args") ? MEMBER_ARGS : MEMBER_OTHER;
    case 5:
        return IS(key, "scope") ? MEMBER_SCOPE : MEMBER_OTHER;
    case 7:
        return IS(key, "metrics") ? MEMBER_METRICS : MEMBER_OTHER;
    default:
        return MEMBER_OTHER;
    }
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
    case MEMBER_METRICS:
        event->own = !text->quoted && perftrace_json_integer(text, &event->metrics);
        break;
    default:
        break;
    }
}

/* Makes the list of the args at *at, which is a `{`. */
static enum perftrace_json_step take_args(struct perftrace_json_event *event, const char **at,
                                          const char *end) {
    const char *here = *at + 1;
    struct perftrace_json_argument more, *argument;
    bool first = true;
    int got;
    event->listed = 0;
    event->all_listed = true;
    for (;; event->listed += argument != &more) {
        argument = event->listed < PERFTRACE_JSON_LISTED_ARGS ? &event->list[event->listed] : &more;
        got = perftrace_json_member(&here, end, &first, &argument->key);
        if (got != 1)
            break;
        event->all_listed = argument != &more;
        const char *value = here;
        enum perftrace_json_step step = perftrace_json_scalar(&here, end, &argument->text);
        if (step != PERFTRACE_JSON_FINE) {
            *at = here;
            return step;
        }
        if (argument->text.length == 0 && !argument->text.quoted) {
            argument->text.length = (uint32_t)(here - value);
            argument->text.quoted = true;
        }
    }
    *at = here;
    return got == 0 ? PERFTRACE_JSON_FINE : here >= end ? PERFTRACE_JSON_MORE : PERFTRACE_JSON_WRONG;
}

static void start(struct perftrace_json_event *event) {
    static const struct perftrace_json_text missing = {.bytes = "\0\0\0\0\0\0\0"};
    event->phase = 0;
    event->own = event->local_id = false;
    event->start = event->duration = (struct perftrace_json_ns){0};
    event->name = event->category = event->pid = event->tid = event->id = event->scope = missing;
    event->args = event->args_end = NULL;
    event->metrics = 0;
    event->listed = 0;
    event->all_listed = false;
}

/* The beginning of a member whose name is one of an event's, as it usually stands: the name's first letter is at `at`. *value is
 * where its value begins. */
static inline enum member usual_member(const char *at, const char **value) {
#define STARTS(text) (memcmp(at, text, sizeof(text) - 1) == 0)
#define USUAL(text, member)                                                                                  \
    if (STARTS(text "\":")) {                                                                                \
        *value = at + sizeof(text "\":") - 1;                                                                \
        return member;                                                                                       \
    }
    switch (*at) {
    case 'p':
        USUAL("ph", MEMBER_PHASE)
        USUAL("pid", MEMBER_PID)
        break;
    case 't':
        USUAL("ts", MEMBER_START)
        USUAL("tid", MEMBER_TID)
        break;
    case 'n':
        USUAL("name", MEMBER_NAME)
        break;
    case 'd':
        USUAL("dur", MEMBER_DURATION)
        break;
    case 'c':
        USUAL("cat", MEMBER_CATEGORY)
        break;
    case 'a':
        USUAL("args", MEMBER_ARGS)
        break;
    default:
        break;
    }
    return MEMBER_OTHER;
#undef USUAL
#undef STARTS
}

/* The value of a usual member, as it usually stands, with what follows it. NULL: it is to be read with care. */
static inline const char *usual_value(struct perftrace_json_event *event, enum member member,
                                      const char *at) {
    struct perftrace_json_ns *time = member == MEMBER_START ? &event->start : &event->duration;
    switch (member) {
    case MEMBER_PHASE:
        if (at[0] != '"' || at[1] == '\\' || at[1] == '"' || at[2] != '"')
            return NULL;
        event->phase = at[1];
        return at + 3;
    case MEMBER_START:
    case MEMBER_DURATION:
        at = perftrace_json_short_time(at, &time->ns, &time->whole);
        if (at == NULL || perftrace_json_scalar_bytes[(unsigned char)*at])
            return NULL;
        time->there = true;
        time->wrong = false;
        return at;
    default:
        return NULL;
    }
}

enum perftrace_json_step perftrace_json_event_read(const char **at, const char *end,
                                                   struct perftrace_json_event *event) {
    const char *here = *at + 1;
    struct perftrace_json_text key, text;
    bool first = true;
    int got;
    start(event);
    for (;;) {
        const char *value;
        enum member member = MEMBER_OTHER;
        bool usual = here[0] == ',' ? here[1] == '"' && !first : here[0] == '"' && first;
        if (usual)
            member = usual_member(here + 1 + !first, &value);
        if (member != MEMBER_OTHER) {
            const char *next = usual_value(event, member, value);
            first = false;
            here = next != NULL ? next : perftrace_json_skip_spaces(value, end);
            if (next != NULL)
                continue;
        } else {
            got = perftrace_json_member(&here, end, &first, &key);
            if (got != 1)
                break;
            member = member_of(&key);
        }
        value = here;
        enum perftrace_json_step step;
        if (member == MEMBER_ARGS) {
            event->all_listed = false;
            step = *here == '{' ? take_args(event, &here, end) : perftrace_json_scalar(&here, end, &text);
            event->args = value;
            event->args_end = here;
        } else {
            step = perftrace_json_scalar(&here, end, &text);
        }
        if (step != PERFTRACE_JSON_FINE) {
            *at = here;
            return step;
        }
        if (member != MEMBER_OTHER && member != MEMBER_ARGS)
            take(event, member, &text, value, here);
    }
    *at = here < end ? here : end;
    return got == 0 ? PERFTRACE_JSON_FINE : here >= end ? PERFTRACE_JSON_MORE : PERFTRACE_JSON_WRONG;
}
