/* One PERF_TRACE record of a log -> one call: number|function|parameters|elapsed_ms=N|metrics.
 *
 * Speed is of the essence here: logs are gigabytes. A `|` is put after the last field, so that no loop has
 * to ask where the line ends. A field's name is compared with the one that followed last time, and looked
 * up only if it is another. */
#include "log_line.h"

#include "decimal.h"

#include <string.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

/* More would not fit into 64 bits of nanoseconds. */
#define ELAPSED_MS_MAX (UINT64_MAX / 1000000 - 1)
#define DOUBLE_BYTES_MAX 32u /* none that is written is as long */

/* What is being read: `field` is where the next field starts. */
struct cursor {
    char *field, *end;
    const char *record; /* where it begins, after the mark */
    struct perftrace_log_site *site;
    bool metrics; /* elapsed_ms has passed */
    uint64_t elapsed_ms;
    uint8_t *predicted; /* where the index of the next argument is noted */
};

static bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

/* The next `|` (there is one); *escaped is set if a backslash stands before it. */
static char *find_bar(char *at, bool *escaped) {
    *escaped = false;
#ifdef __SSE2__
    const __m128i bar = _mm_set1_epi8('|'), backslash = _mm_set1_epi8('\\');
    for (;; at += 16) {
        __m128i bytes = _mm_loadu_si128((const __m128i *)(const void *)at);
        unsigned bars = (unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(bytes, bar));
        unsigned backslashes = (unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(bytes, backslash));
        unsigned before = bars ^ (bars - 1); /* the first bar and all bits below; all bits if there is none */
        *escaped |= (backslashes & before) != 0;
        if (bars != 0)
            return at + __builtin_ctz(bars);
    }
#else
    for (; *at != '|'; at++)
        *escaped |= *at == '\\';
    return at;
#endif
}

/* Whether the field that ends in the bar is one that another record cut short: "…elapPERF_TRACE|43|…". A
 * value may end in the mark's letters, but no call number stands after it then. */
static bool is_torn(const struct cursor *cursor, const char *start, const char *bar) {
    if (bar == cursor->end || bar - start < PERFTRACE_LOG_MARK_LENGTH - 1 || bar[-1] != 'E' ||
        !is_digit(bar[1]) ||
        memcmp(bar - (PERFTRACE_LOG_MARK_LENGTH - 1), PERFTRACE_LOG_MARK, PERFTRACE_LOG_MARK_LENGTH) != 0)
        return false;
    const char *at = bar + 1;
    while (is_digit(*at))
        at++;
    return *at == '|';
}

static const char torn[] = "a PERF_TRACE line is cut short by another";
static const char too_many_names[] = "too many different names, or no memory for another";

/* Digits up to the next `|`, which is returned; NULL if it is anything else or more than `max`. 19 digits
 * are as many as surely fit, 20 may. */
static char *read_whole(char *at, uint64_t max, uint64_t *value) {
    uint64_t result = 0;
    char *digits = at;
    for (; is_digit(*at) && at - digits < 19; at++)
        result = result * 10 + (uint64_t)(*at - '0');
    uint64_t last = (uint64_t)(*at - '0');
    if (at - digits == 19 && is_digit(*at) && !__builtin_mul_overflow(result, UINT64_C(10), &result) &&
        !__builtin_add_overflow(result, last, &result))
        at++;
    *value = result;
    return at == digits || *at != '|' || result > max ? NULL : at;
}

static bool is_number(const char *at) {
    const char *digits = at;
    while (is_digit(*at))
        at++;
    return at > digits && *at == '|';
}

/* ---- values --------------------------------------------------------------------------------------- */

/* Up to 15 digits with a point, written as perftrace_buffer_double would: the quotient of two exact doubles
 * is the nearest one. */
static bool read_short_double(const char *at, const char *end, double *value) {
    bool negative = *at == '-';
    at += negative;
    uint64_t digits = 0;
    int count = 0, after_point = -1;
    bool leading_zero = *at == '0';
    if (leading_zero && at[1] != '.')
        return false;
    for (; at < end; at++) {
        if (*at == '.' && after_point < 0)
            after_point = 0;
        else if (!is_digit(*at))
            return false;
        else {
            digits = digits * 10 + (uint64_t)(*at - '0');
            count += digits != 0;
            after_point += after_point >= 0;
            if (count > 15 || after_point > 19)
                return false;
        }
    }
    if (after_point < 1 || end[-1] == '0' || (leading_zero && after_point - count >= 5))
        return false;
    double power = 1;
    while (after_point-- > 0)
        power *= 10;
    *value = (double)digits / power;
    if (negative)
        *value = -*value;
    return true;
}

/* Any number that perftrace_buffer_double writes with exactly these bytes. */
static bool read_double(struct perftrace_log_parser *parser, const char *at, const char *end, double *value) {
    if (read_short_double(at, end, value))
        return true;
    size_t length = (size_t)(end - at);
    if (length >= DOUBLE_BYTES_MAX)
        return false;
    for (size_t i = 0; i < length; i++)
        if (!is_digit(at[i]) && strchr(".e+-", at[i]) == NULL)
            return false;
    if (!perftrace_read_decimal(at, end, value))
        return false;
    parser->scratch.length = 0;
    perftrace_buffer_double(&parser->scratch, *value);
    return !parser->scratch.failed && parser->scratch.length == length &&
           memcmp(parser->scratch.bytes, at, length) == 0;
}

/* The value from `at` to the next `|`, which is returned. Numbers are numbers only when they would be
 * written the same way: "007" and "1.50" stay texts. */
static char *read_value(struct perftrace_log_parser *parser, struct perftrace_value *value, char *at,
                        bool *escaped) {
    char *digits = at + (*at == '-');
    char *bar = digits;
    *escaped = false;
    value->cut = value->null = false;
    if (is_digit(*digits)) {
        uint64_t number = 0;
        for (; is_digit(*bar) && bar - digits < 19; bar++)
            number = number * 10 + (uint64_t)(*bar - '0');
        bool negative = digits != at, zero_first = *digits == '0' && (bar - digits > 1 || negative);
        if (*bar == '|' && !zero_first && number <= (uint64_t)INT64_MAX + negative) {
            value->type = PERFTRACE_TYPE_SIGNED;
            value->i = (int64_t)(negative ? 0 - number : number);
            return bar;
        }
        bool point = *bar == '.' || *bar == 'e';
        bar = find_bar(bar, escaped);
        if (point && read_double(parser, at, bar, &value->d)) {
            value->type = PERFTRACE_TYPE_DOUBLE;
            return bar;
        }
    } else
        bar = find_bar(bar, escaped);
    value->type = PERFTRACE_TYPE_STRING;
    value->text = (struct perftrace_text){at, (size_t)(bar - at)};
    return bar;
}

/* ---- fields --------------------------------------------------------------------------------------- */

/* The bytes after `name` (with its `=`, 7 to 12 bytes) if the field begins with it, else NULL. */
#define AFTER(field, name) (starts_with(field, name, sizeof(name) - 1) ? (field) + sizeof(name) - 1 : NULL)

static inline bool starts_with(const char *field, const char *name, size_t length) {
    return __builtin_memcmp(field, name, length < 7 ? length : 7) == 0 && memcmp(field, name, length) == 0;
}

/* Reads perftrace's own fields. Returns the bar after it, or NULL if the field is not one of them;
 * *why is set if it should be one but makes no sense. */
static char *read_own_field(struct perftrace_log_parser *parser, struct cursor *cursor, const char **why) {
    struct perftrace_call *call = &parser->call;
    char *value, *bar = NULL;
    uint64_t number;
    if (!cursor->metrics) {
        if ((value = AFTER(cursor->field, "elapsed_ms=")) != NULL) {
            bar = read_whole(value, ELAPSED_MS_MAX, &cursor->elapsed_ms);
            if (bar == NULL)
                *why = "elapsed_ms is not a whole number";
            cursor->metrics = true;
            call->elapsed_ns = cursor->elapsed_ms * 1000000;
            call->milliseconds = true;
        } else if (call->caller.bytes == NULL && (value = AFTER(cursor->field, "caller=")) != NULL) {
            bool escaped;
            bar = find_bar(value, &escaped);
            size_t length = (size_t)(bar - value);
            if (is_torn(cursor, value, bar))
                return NULL;
            call->caller = (struct perftrace_text){"unknown", 7};
            if (length == 7 && memcmp(value, "unknown", 7) == 0)
                return bar;
            const struct perftrace_log_site *site = perftrace_log_names_site(&parser->names, value, length);
            if (site == NULL) {
                *why = too_many_names;
                return NULL;
            }
            call->parent_site = &site->info;
            call->caller = site->info.name;
        }
    } else if ((value = AFTER(cursor->field, "elapsed_us=")) != NULL) {
        bar = read_whole(value, UINT64_MAX, &number);
        /* Somebody else's metric of that name would hardly agree. */
        if (bar != NULL && number / 1000 != cursor->elapsed_ms)
            return NULL;
        if (bar != NULL) {
            call->elapsed_ns = number * 1000;
            call->milliseconds = false;
        }
    } else if ((value = AFTER(cursor->field, "parent_call=")) != NULL) {
        bar = read_whole(value, UINT64_MAX, &number);
        if (bar != NULL)
            call->parent_number = number;
        else if (is_number(value))
            parser->remark = "parent_call is larger than any call number: by number the parent is not known";
    } else if ((value = AFTER(cursor->field, "thread=")) != NULL) {
        bar = read_whole(value, UINT32_MAX, &number);
        if (bar != NULL)
            parser->thread = (uint32_t)number;
    }
    return bar;
}

/* Reads the field as an argument whose value starts at `text`; index < 0: its name is still to be looked
 * up. Returns the bar after it, or NULL with *why set. */
static char *read_argument(struct perftrace_log_parser *parser, struct cursor *cursor, int index, char *text,
                           const char **why) {
    size_t used = parser->call.parameter_count + parser->call.metric_count;
    if (used == PERFTRACE_LOG_FIELDS_MAX) {
        *why = "a PERF_TRACE line with more than 1024 fields";
        return NULL;
    }
    struct perftrace_value *value = &parser->values[used];
    bool escaped;
    char *bar = read_value(parser, value, text, &escaped);
    if (value->type == PERFTRACE_TYPE_STRING && is_torn(cursor, cursor->field, bar)) {
        *why = torn;
        return NULL;
    }
    if (index < 0) {
        size_t length = (size_t)(text - cursor->field);
        bool named = length != 0 && text[-1] == '=';
        index = perftrace_log_names_key(&parser->names, cursor->site, cursor->field, length - named,
                                        cursor->metrics, value->type);
        if (index < 0) {
            *why = too_many_names;
            return NULL;
        }
    }
    *cursor->predicted = (uint8_t)index;
    cursor->predicted = &cursor->site->keys[index].next;
    value->argument = &cursor->site->info.arguments[index];
    if (value->type == PERFTRACE_TYPE_STRING) {
        if (escaped)
            value->text.length = perftrace_unescape(text, value->text.length);
        text[value->text.length] = '\0';
    }
    if (cursor->metrics)
        parser->call.metric_count++;
    else
        parser->call.parameter_count++;
    return bar;
}

/* Whether the field is the one that stood here in the last line of this function. */
static inline bool is_predicted(const struct cursor *cursor, const struct perftrace_log_key *key) {
    size_t length = (size_t)key->raw_length + 1;
    return ((perftrace_log_word(cursor->field) ^ key->start) & key->start_mask) == 0 &&
           key->metric == cursor->metrics &&
           (length <= 8 || (length <= (size_t)(cursor->end - cursor->field) &&
                            memcmp(cursor->field + 8, key->raw + 8, length - 8) == 0));
}

/* Reads one field and returns the bar after it, or NULL with *why set. */
static char *read_field(struct perftrace_log_parser *parser, struct cursor *cursor, const char **why) {
    char *field = cursor->field;
    bool was_metrics = cursor->metrics;
    char *bar = read_own_field(parser, cursor, why);
    if (cursor->metrics != was_metrics)
        cursor->predicted = &cursor->site->first[1];
    if (bar != NULL || *why != NULL)
        return bar;
    int predicted = *cursor->predicted;
    if (predicted < cursor->site->info.argument_count) {
        const struct perftrace_log_key *key = &cursor->site->keys[predicted];
        if (is_predicted(cursor, key))
            return read_argument(parser, cursor, predicted, field + key->raw_length + 1, why);
    }
    bool escaped;
    bar = find_bar(field, &escaped);
    if (bar == field) /* nothing between two bars */
        return bar;
    if (is_torn(cursor, field, bar)) {
        *why = torn;
        return NULL;
    }
    char *equals = memchr(field, '=', (size_t)(bar - field));
    return read_argument(parser, cursor, -1, equals == NULL ? bar : equals + 1, why);
}

/* Reads the call number and the function. NULL with *why set, or the bar after the function. */
static char *read_start(struct perftrace_log_parser *parser, struct cursor *cursor,
                        const struct perftrace_log_entry *entry, const char **why) {
    bool escaped;
    char *bar = entry != NULL ? find_bar(cursor->field, &escaped)
                              : read_whole(cursor->field, UINT64_MAX, &parser->call.number);
    if (bar == NULL || bar == cursor->end) {
        *why =
            bar == NULL ? "a PERF_TRACE line without a call number" : "a PERF_TRACE line without a function";
        return NULL;
    }
    char *name = cursor->field = bar + 1;
    bar = find_bar(name, &escaped);
    if (is_torn(cursor, name, bar)) {
        *why = torn;
        return NULL;
    }
    cursor->site = perftrace_log_names_site(&parser->names, name, (size_t)(bar - name));
    if (cursor->site == NULL) {
        *why = too_many_names;
        return NULL;
    }
    cursor->predicted = &cursor->site->first[0];
    return bar;
}

bool perftrace_log_take_metrics(struct perftrace_log_names *names, struct perftrace_log_site *site,
                                const struct perftrace_log_entry *entry, const uint64_t *list,
                                const char *fields, struct perftrace_value *values) {
    const uint64_t *metrics = &list[entry->first_metric];
    if (entry->metric_count > 0 && site->shape != metrics[-1] &&
        !perftrace_log_names_shape(names, site, metrics[-1], fields, entry->metric_count))
        return false;
    perftrace_log_list_metrics(site, entry, metrics, values);
    return true;
}

/* From elapsed_ms on. False: it has to be read. */
static bool take_rest(struct perftrace_log_parser *parser, struct cursor *cursor,
                      const struct perftrace_log_entry *entry, const uint64_t *list) {
    struct perftrace_call *call = &parser->call;
    const char *fields = cursor->record + entry->tail - PERFTRACE_LOG_MARK_LENGTH;
    if (!perftrace_log_take_metrics(&parser->names, cursor->site, entry, list, fields,
                                    parser->values + call->parameter_count))
        return false;
    cursor->metrics = true;
    call->metric_count = entry->metric_count;
    call->parent_number = entry->parent;
    call->elapsed_ns = entry->elapsed_ns;
    call->milliseconds = entry->milliseconds;
    parser->thread = entry->thread;
    return true;
}

/* The bar before elapsed_ms. */
static char *find_rest(char *record, const struct perftrace_log_entry *entry) {
    char *at = record + entry->tail - PERFTRACE_LOG_MARK_LENGTH;
    while (at[-1] != '=')
        at--;
    return at - sizeof "|elapsed_ms";
}

/* Reads the fields behind the bar, and ends the record. `rest`: NULL, or the bar from which on `entry` and `values` tell. */
static const char *read_fields(struct perftrace_log_parser *parser, struct cursor *cursor, char *bar,
                               const char *rest, const struct perftrace_log_entry *entry,
                               const uint64_t *values, const char *why) {
    struct perftrace_call *call = &parser->call;
    while (bar != NULL && bar != cursor->end) {
        if (bar == rest && take_rest(parser, cursor, entry, values))
            break;
        cursor->field = bar + 1;
        bar = read_field(parser, cursor, &why);
    }
    if (why == NULL && !cursor->metrics) {
        cursor->field = cursor->end;
        why = "a PERF_TRACE line without elapsed_ms";
    }
    if (why == NULL && (parser->track == NULL || parser->track->id != parser->thread)) {
        parser->track = perftrace_log_names_track(&parser->names, parser->thread);
        why = parser->track == NULL ? too_many_names : NULL;
    }
    if (why != NULL) {
        parser->stopped = cursor->field;
        return why;
    }
    call->site = &cursor->site->info;
    call->track = parser->track;
    call->metrics = parser->values + call->parameter_count;
    return NULL;
}

const char *perftrace_log_parse(struct perftrace_log_parser *parser, char *at, char *end,
                                const struct perftrace_log_entry *entry, const uint64_t *values) {
    const char *why = NULL;
    struct perftrace_call *call = &parser->call;
    *call =
        (struct perftrace_call){.parameters = parser->values, .number = entry != NULL ? entry->number : 0};
    parser->thread = 0;
    parser->remark = NULL;
    char after = *end;
    *end = '|';
    struct cursor cursor = {.field = at, .end = end, .record = at};
    char *bar = read_start(parser, &cursor, entry, &why), *rest = entry != NULL ? find_rest(at, entry) : NULL;
    why = read_fields(parser, &cursor, bar, rest, entry, values, why);
    if (why != NULL)
        *end = after;
    else if (call->caller.bytes == NULL)
        call->caller = (struct perftrace_text){"unknown", 7};
    return why;
}

const char *perftrace_log_parse_rest(struct perftrace_log_parser *parser, char *at, char *end,
                                     const struct perftrace_log_entry *entry,
                                     struct perftrace_log_site *site) {
    parser->call = (struct perftrace_call){.number = entry->number};
    parser->thread = 0;
    parser->remark = NULL;
    char after = *end;
    *end = '|';
    struct cursor cursor = {.field = at, .end = end, .site = site, .predicted = &site->first[1]};
    const char *why = read_fields(parser, &cursor, find_rest(at, entry), NULL, NULL, NULL, NULL);
    if (why != NULL)
        *end = after;
    return why;
}
