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

/* How an event's pid and tid were read. */
enum { PID_QUICKLY = 1, TID_QUICKLY = 2, IDS_QUICKLY = 3, IDS_WITH_CARE = 4 };

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
        event->ids_taken |= IDS_WITH_CARE;
        break;
    case MEMBER_TID:
        event->tid = *text;
        event->ids_taken |= IDS_WITH_CARE;
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

/* Whether the args at `at`, which is a `{`, have come before; if so, they end at event->args_end. */
static bool have_come(struct perftrace_json_event *event, const char *at, const char *end,
                      struct perftrace_json_seen *seen) {
    event->args_end = at;
    if (seen == NULL || !perftrace_json_seen_pays(seen) ||
        perftrace_json_skip_nested(&event->args_end, end) != PERFTRACE_JSON_FINE ||
        event->args_end - at > PERFTRACE_JSON_SEEN_LENGTH_MAX)
        return false;
    event->hashed = true;
    event->seen = perftrace_json_seen_find(seen, at, (size_t)(event->args_end - at), event->hash);
    return event->seen != NULL;
}

/* The args at *at, of any kind. */
static enum perftrace_json_step take_any_args(struct perftrace_json_event *event, const char **at,
                                              const char *end, struct perftrace_json_seen *seen) {
    const char *first = *at;
    enum perftrace_json_step step = PERFTRACE_JSON_FINE;
    struct perftrace_json_text text;
    event->args = first;
    event->all_listed = event->hashed = false;
    event->listed = 0;
    if (*first != '{') {
        step = perftrace_json_scalar(at, end, &text);
    } else if (first[1] == '}') {
        event->all_listed = true;
        *at = first + 2;
    } else if (have_come(event, first, end, seen)) {
        *at = event->args_end;
    } else {
        step = take_args(event, at, end);
        event->hashed = event->hashed && *at == event->args_end; /* it is of what was read */
    }
    event->args_end = *at;
    return step;
}

/* One after the other: of a whole text the compiler makes a copy of what it has only just written, in halves, which takes long. */
static inline void clear(struct perftrace_json_text *text) {
    text->bytes = "\0\0\0\0\0\0\0";
    text->length = 0;
    text->escaped = text->quoted = false;
}

static void start(struct perftrace_json_event *event) {
    event->phase = 0;
    event->own = event->local_id = false;
    event->ids_taken = 0;
    event->start = event->duration = (struct perftrace_json_ns){0};
    clear(&event->name);
    clear(&event->category);
    clear(&event->pid);
    clear(&event->tid);
    clear(&event->id);
    clear(&event->scope);
    event->args = event->args_end = NULL;
    event->metrics = 0;
    event->listed = 0;
    event->all_listed = event->hashed = false;
}

/* Whether it stands at `at`. */
static inline bool is_id(const struct perftrace_json_id *id, const char *at) {
#if defined(__SSE2__)
    __m128i same = _mm_cmpeq_epi8(_mm_loadu_si128((const __m128i *)(const void *)at),
                                  _mm_loadu_si128((const __m128i *)(const void *)id->bytes));
    return id->length > 0 && (~(unsigned)_mm_movemask_epi8(same) & ((2U << id->length) - 1)) == 0;
#else
    return id->length > 0 && memcmp(at, id->bytes, id->length + 1U) == 0;
#endif
}

/* The id at `at`, if it is a number of a few digits; behind it. NULL: it is none. Mostly it is the last one again, which is `known`;
 * if not, that has changed once more. */
static inline const char *usual_id(const char *at, struct perftrace_json_text *text,
                                   struct perftrace_json_id *known, uint64_t *changes) {
    unsigned digits = known->length;
    if (__builtin_expect(!is_id(known, at), 0)) {
        digits = perftrace_json_digits(at);
        if (digits == 0 || digits > PERFTRACE_JSON_DIGITS ||
            perftrace_json_scalar_bytes[(unsigned char)at[digits]])
            return NULL;
        memcpy(known->bytes, at, sizeof known->bytes);
        known->length = digits;
        ++*changes;
    }
    text->bytes = at;
    text->length = digits;
    text->escaped = text->quoted = false;
    return at + digits;
}

/* By a branch, which is foreseen: a sum would have to be waited for. */
static inline const char *behind_space(const char *at) {
    if (__builtin_expect(*at == ' ', 0))
        at++;
    return at;
}

static inline const char *usual_string(const char *at, struct perftrace_json_text *text, const char *end) {
    return *at == '"' && perftrace_json_string(at + 1, end, text, &at) ? at : NULL;
}

static inline __attribute__((always_inline)) const char *usual_time(const char *at,
                                                                    struct perftrace_json_ns *time) {
    unsigned digits = perftrace_json_digits(at);
    if (digits == 0 || digits > PERFTRACE_JSON_DIGITS)
        return NULL;
    at = perftrace_json_short_time(at, digits, &time->ns, &time->whole);
    if (perftrace_json_scalar_bytes[(unsigned char)*at])
        return NULL;
    time->there = true;
    time->wrong = false;
    return at;
}

static inline const char *usual_phase(const char *at, char *phase) {
    if (at[0] != '"' || at[1] == '\\' || at[1] == '"' || at[2] != '"')
        return NULL;
    *phase = at[1];
    return at + 3;
}

/* A member that nobody needs. */
static inline const char *usual_passed(const char *at) {
    unsigned digits = perftrace_json_digits(at);
    return digits == 0 || perftrace_json_scalar_bytes[(unsigned char)at[digits]] ? NULL : at + digits;
}

/* A member whose name and value are as they usually stand; the name's first letter is at `at`. Behind it, or NULL where it is
 * to be read with care. */
static inline const char *take_usual(struct perftrace_json_event *event, struct perftrace_json_ids *ids,
                                     const char *at, const char *end) {
#define STARTS(text) (memcmp(at, text, sizeof(text) - 1) == 0)
#define VALUE(text) behind_space(at + sizeof(text) - 1)
#define USUAL(text, take, ...)                                                                               \
    if (STARTS(text "\":"))                                                                                  \
        return take(VALUE(text "\":"), __VA_ARGS__);
    switch (*at) {
    case 'p':
        USUAL("ph", usual_phase, &event->phase)
        if (STARTS("pid\":")) {
            event->ids_taken |= PID_QUICKLY;
            return usual_id(VALUE("pid\":"), &event->pid, &ids->pid, &ids->changes);
        }
        break;
    case 't':
        USUAL("ts", usual_time, &event->start)
        if (STARTS("tid\":")) {
            event->ids_taken |= TID_QUICKLY;
            return usual_id(VALUE("tid\":"), &event->tid, &ids->tid, &ids->changes);
        }
        if (STARTS("tts\":"))
            return usual_passed(VALUE("tts\":"));
        if (STARTS("tdur\":"))
            return usual_passed(VALUE("tdur\":"));
        break;
    case 'd':
        USUAL("dur", usual_time, &event->duration)
        break;
    case 'n':
        USUAL("name", usual_string, &event->name, end)
        break;
    case 'c':
        USUAL("cat", usual_string, &event->category, end)
        break;
    default:
        break;
    }
    return NULL;
#undef USUAL
#undef VALUE
#undef STARTS
}

/* A member that is anything, at *at. */
static enum perftrace_json_step take_any(struct perftrace_json_event *event, const char **at, const char *end,
                                         bool *first, struct perftrace_json_seen *seen, bool *over) {
    struct perftrace_json_text key, text;
    int got = perftrace_json_member(at, end, first, &key);
    *over = got == 0;
    if (got != 1)
        return got == 0 ? PERFTRACE_JSON_FINE : *at >= end ? PERFTRACE_JSON_MORE : PERFTRACE_JSON_WRONG;
    enum member member = member_of(&key);
    if (member == MEMBER_ARGS)
        return take_any_args(event, at, end, seen);
    const char *value = *at;
    enum perftrace_json_step step = perftrace_json_scalar(at, end, &text);
    if (step == PERFTRACE_JSON_FINE)
        take(event, member, &text, value, *at);
    return step;
}

enum perftrace_json_step perftrace_json_event_read(const char **at, const char *end,
                                                   struct perftrace_json_ids *ids,
                                                   struct perftrace_json_seen *seen,
                                                   struct perftrace_json_event *event) {
    const char *here = *at; /* the brace, then what is behind a member */
    bool first = true, over = false;
    enum perftrace_json_step step = PERFTRACE_JSON_FINE;
    start(event);
    while (!over && step == PERFTRACE_JSON_FINE) {
        const char *name = behind_space(here + 1), *next = NULL;
        if (*name == '"' && (*here == ',' || first)) {
            if (name[1] == 'a' && memcmp(name + 2, "rgs\":{", 6) == 0) {
                here = name + 7;
                first = false;
                step = take_any_args(event, &here, end, seen);
                continue;
            }
            next = take_usual(event, ids, name + 1, end);
        }
        if (next != NULL) {
            here = next;
            first = false;
        } else if (!first && *here == '}' && here < end) {
            here++;
            over = true;
        } else {
            here += first;
            step = take_any(event, &here, end, &first, seen, &over);
        }
    }
    event->ids = event->ids_taken == IDS_QUICKLY ? ids->changes : 0;
    *at = here < end ? here : end;
    return step;
}
