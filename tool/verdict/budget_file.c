/* Reading budgets: words of a line, one after the other, with the column of each for whoever mistyped one. */
#include "budget_file.h"

#include "../../analysis/intern.h"
#include "../support/messages.h"
#include "../support/units.h"

#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WORDS_MAX = 32 };

struct word {
    const char *text; /* ended by a zero */
    unsigned column;
    bool quoted;
};

struct line {
    struct budget_file *budget;
    struct word words[WORDS_MAX + 1]; /* the last is empty: the end of the line */
    unsigned count, at, number;
    bool wrong;
};

static const char *const statistics[] = {"max", "min", "mean", "sum",   "count",  "calls",
                                         "p50", "p90", "p99",  "p99.9", "growth", "median"};
#define STATISTICS (sizeof statistics / sizeof *statistics)
static const char *const relations[] = {"<=", "<", ">=", ">"}; /* by enum promise_relation */
static const char *const options[] = {"warmup", "track"};

__attribute__((format(printf, 3, 4))) static void wrong(struct line *line, unsigned column,
                                                        const char *format, ...) {
    struct budget_file *budget = line->budget;
    if (line->wrong)
        return; /* what follows from the first mistake is none */
    line->wrong = true;
    if (budget->problem_count < BUDGET_TOLD_MAX) {
        struct budget_problem *problem = &budget->problems[budget->problem_count];
        problem->line = line->number;
        problem->column = column;
        va_list arguments;
        va_start(arguments, format);
        vsnprintf(problem->message, sizeof problem->message, format, arguments);
        va_end(arguments);
    }
    budget->problem_count++;
}

/* ---- words ------------------------------------------------------------------------------------------- */

static bool is_space(char c) {
    return c == ' ' || c == '\t' || c == '\r' || c == '\v' || c == '\f';
}

/* Columns count characters: bytes that don't go on with one. */
static unsigned column_of(const char *text, size_t at) {
    unsigned column = 1;
    for (size_t i = 0; i < at; i++)
        column += ((unsigned char)text[i] & 0xc0) != 0x80;
    return column;
}

static bool add_word(struct line *line, const char *text, size_t from, size_t end, bool quoted) {
    struct perftrace_text copy;
    if (line->count == WORDS_MAX) {
        wrong(line, column_of(text, from), "more than %d words", WORDS_MAX);
        return true;
    }
    if (!perftrace_arena_text(&line->budget->arena, text + from, end - from, &copy))
        return false;
    line->words[line->count++] = (struct word){copy.bytes, column_of(text, from) - quoted, quoted};
    return true;
}

/* False without memory. A relation is a word of its own, also without space around it. */
static bool split(struct line *line, const char *text, size_t length) {
    size_t at = 0;
    while (at < length && !line->wrong) {
        size_t from = at;
        if (is_space(text[at])) {
            at++;
            continue;
        }
        if (text[at] == '#')
            break;
        if (text[at] == '"') {
            const char *end = memchr(text + at + 1, '"', length - at - 1);
            if (end == NULL) {
                wrong(line, column_of(text, at), "the quotation mark is not closed");
                return true;
            }
            at = (size_t)(end - text) + 1;
            if (!add_word(line, text, from + 1, at - 1, true))
                return false;
            continue;
        }
        if (memchr("<>=", text[at], 3) != NULL)
            while (at < length && memchr("<>=", text[at], 3) != NULL)
                at++;
        else
            while (at < length && !is_space(text[at]) && text[at] != '<' && text[at] != '>' &&
                   !(text[at] == '=' && (at + 1 >= length || is_space(text[at + 1]) || text[at + 1] == '=')))
                at++;
        if (!add_word(line, text, from, at, false))
            return false;
    }
    line->words[line->count] = (struct word){"", column_of(text, at), false};
    return true;
}

static const struct word *here(const struct line *line) {
    return &line->words[line->at < line->count ? line->at : line->count];
}

static bool is(const struct word *word, const char *text) {
    return !word->quoted && strcmp(word->text, text) == 0;
}

static bool take(struct line *line, const char *text) {
    if (!is(here(line), text))
        return false;
    line->at++;
    return true;
}

static int relation_of(const struct word *word) {
    for (int i = 0; i < 4; i++)
        if (is(word, relations[i]))
            return i;
    return -1;
}

static const char *take_name(struct line *line, const char *of) {
    const struct word *word = here(line);
    if (line->at >= line->count || (!word->quoted && relation_of(word) >= 0) ||
        (word->quoted && *word->text == '\0')) {
        wrong(line, word->column, "the name of %s is missing", of);
        return "";
    }
    line->at++;
    return word->text;
}

/* ---- what is measured ---------------------------------------------------------------------------------- */

static bool is_percentile(const struct word *word, double *percentile) {
    char *end;
    if (word->quoted || word->text[0] != 'p' || word->text[1] < '0' || word->text[1] > '9' ||
        strspn(word->text + 1, "0123456789.") != strlen(word->text + 1))
        return false;
    *percentile = strtod(word->text + 1, &end);
    return *end == '\0';
}

static bool is_statistic(const struct word *word) {
    double percentile;
    for (size_t i = 0; i < STATISTICS; i++)
        if (is(word, statistics[i]))
            return true;
    return is_percentile(word, &percentile) || is(word, "self") || is(word, "cpu") || is(word, "wall") ||
           is(word, "time") || is(word, "metric") || is(word, "avg") || is(word, "total") || is(word, "per");
}

static void take_subject(struct line *line, struct promise *promise) {
    const struct word *next = line->count > 1 ? &line->words[1] : &line->words[line->count];
    promise->subject = PROMISE_SPAN;
    if (is(here(line), "redundant") && is(next, "calls")) {
        line->at += 2;
        promise->subject = PROMISE_REDUNDANT;
        promise->measure = PROMISE_CALLS;
        promise->scope = PROMISE_PER_RUN;
    } else if (is(here(line), "memory") && !is_statistic(next) && relation_of(next) < 0) {
        line->at++;
        promise->subject = PROMISE_MEMORY;
        promise->measure = PROMISE_VALUE;
        promise->name = take_name(line, "the pool");
    } else if (is(here(line), "counter") && !is_statistic(next) && relation_of(next) < 0) {
        line->at++;
        promise->subject = PROMISE_COUNTER;
        promise->measure = PROMISE_VALUE;
        promise->name = take_name(line, "the counter");
    } else if (is(here(line), "frame")) {
        line->at++;
        promise->subject = PROMISE_FRAME;
        if (!is_statistic(here(line)) && relation_of(here(line)) < 0 && line->at < line->count)
            promise->name = take_name(line, "the frame");
    } else {
        promise->name = take_name(line, "a span");
    }
}

static void take_measure(struct line *line, struct promise *promise) {
    unsigned column = here(line)->column;
    enum promise_measure had = promise->measure;
    if (take(line, "self"))
        promise->measure = PROMISE_SELF;
    else if (take(line, "cpu"))
        promise->measure = PROMISE_CPU;
    else if (take(line, "wall") || take(line, "time"))
        promise->measure = PROMISE_TIME;
    else if (take(line, "metric")) {
        promise->measure = PROMISE_METRIC;
        promise->metric = take_name(line, "the metric");
    } else if (take(line, "calls") || take(line, "count"))
        promise->measure = PROMISE_CALLS;
    else
        return;
    if (promise->subject != PROMISE_SPAN)
        wrong(line, column, "only spans have that");
    else if (promise->measure == PROMISE_CALLS && had == PROMISE_TIME)
        promise->scope = PROMISE_PER_RUN;
}

static void take_percentile(struct line *line, struct promise *promise, double percentile) {
    const struct word *word = here(line);
    line->at++;
    promise->statistic = PROMISE_PERCENTILE;
    promise->percentile = percentile;
    const char *digits = word->text + 1;
    if (percentile >= 100 && digits[0] == '9' && strchr(digits, '.') == NULL)
        wrong(line, word->column, "there is no percentile above 100; did you mean p%.2s.%s?", digits,
              digits + 2);
    else if (percentile >= 100)
        wrong(line, word->column, "%s: percentiles are between 0 and 100; the largest of all is max",
              word->text);
    else if (percentile <= 0)
        wrong(line, word->column, "%s: percentiles are between 0 and 100; the smallest of all is min",
              word->text);
}

static void take_statistic(struct line *line, struct promise *promise) {
    double percentile;
    unsigned column = here(line)->column;
    if (is_percentile(here(line), &percentile))
        take_percentile(line, promise, percentile);
    else if (take(line, "median"))
        promise->statistic = PROMISE_PERCENTILE, promise->percentile = 50;
    else if (take(line, "max"))
        promise->statistic = PROMISE_MAX;
    else if (take(line, "min"))
        promise->statistic = PROMISE_MIN;
    else if (take(line, "mean") || take(line, "avg"))
        promise->statistic = PROMISE_MEAN;
    else if (take(line, "growth"))
        promise->statistic = PROMISE_GROWTH;
    else if (take(line, "sum") || take(line, "total"))
        promise->scope = promise->scope == PROMISE_PER_CALL ? PROMISE_PER_RUN : promise->scope;
    else
        return;
    bool value = promise->subject == PROMISE_MEMORY || promise->subject == PROMISE_COUNTER;
    if (promise->statistic == PROMISE_GROWTH && !value)
        wrong(line, column, "only \"memory POOL\" and \"counter NAME\" grow");
    if (promise->subject == PROMISE_REDUNDANT)
        wrong(line, column, "redundant calls are only counted: \"redundant calls <= 0\"");
    if (value && promise->scope == PROMISE_PER_RUN)
        wrong(line, column, "of a %s there are max, min, mean, percentiles and growth",
              promise->subject == PROMISE_MEMORY ? "pool" : "counter");
}

static void take_scope(struct line *line, struct promise *promise) {
    unsigned column = here(line)->column;
    if (!take(line, "per"))
        return;
    if (take(line, "frame")) {
        promise->scope = PROMISE_PER_FRAME;
        if (line->at < line->count && relation_of(here(line)) < 0)
            promise->scope_name = take_name(line, "the frame");
    } else if (take(line, "second")) {
        promise->scope = PROMISE_PER_SECOND;
    } else if (take(line, "call")) {
        promise->scope = PROMISE_PER_CALL;
    } else if (take(line, "run")) {
        promise->scope = PROMISE_PER_RUN;
    } else {
        promise->scope = PROMISE_PER_SPAN;
        promise->scope_name = take_name(line, "what it is per (frame, second, call, run, or a span)");
    }
    if (promise->subject != PROMISE_SPAN)
        wrong(line, column, "only figures of spans can be added up per something");
    else if (promise->scope == PROMISE_PER_CALL && promise->measure == PROMISE_CALLS)
        wrong(line, column, "there is one call per call; calls are counted per frame, second, run or span");
}

/* ---- the limit ----------------------------------------------------------------------------------------- */

static bool parse_number(const char *text, double *number) {
    char *end;
    *number = strtod(text, &end);
    return end != text && *end == '\0' && isfinite(*number) && strpbrk(text, "xXpPnN") == NULL;
}

static bool parse_bytes(const char *text, double *bytes) {
    uint64_t whole;
    char number[32];
    size_t digits = strspn(text, "0123456789");
    if (digits > 0 && digits < sizeof number &&
        (text[digits] == '\0' || strcmp(text + digits, "B") == 0 || strcmp(text + digits, "bytes") == 0)) {
        snprintf(number, sizeof number, "%.*s", (int)digits, text);
        text = number;
    }
    if (units_parse_size(text, &whole) != NULL)
        return false;
    *bytes = (double)whole;
    return true;
}

/* "64KiB/min": a value by second. */
static void parse_growth(struct line *line, const struct word *word, struct promise *promise) {
    static const struct {
        const char *name;
        double seconds;
    } periods[] = {{"s", 1},       {"sec", 1},  {"second", 1},  {"min", 60}, {"m", 60},
                   {"minute", 60}, {"h", 3600}, {"hour", 3600}, {"frame", 0}};
    char amount[64];
    const char *slash = strchr(word->text, '/');
    size_t length = slash != NULL ? (size_t)(slash - word->text) : strlen(word->text);
    double value;
    snprintf(amount, sizeof amount, "%.*s", (int)(length < 63 ? length : 63), word->text);
    bool memory = promise->subject == PROMISE_MEMORY;
    if (!(memory ? parse_bytes(amount, &value) : parse_number(amount, &value))) {
        wrong(line, word->column, "\"%s\" is no growth; write it like %s", word->text,
              memory ? "64KiB/min" : "100/min");
        return;
    }
    promise->limit = value;
    if (slash == NULL && !(value > 0) && !(value < 0))
        return;
    for (size_t i = 0; slash != NULL && i + 1 < sizeof periods / sizeof *periods; i++)
        if (strcmp(slash + 1, periods[i].name) == 0) {
            promise->limit = value / periods[i].seconds;
            return;
        }
    wrong(line, word->column + (slash != NULL ? column_of(word->text, length) : 0),
          slash != NULL ? "growth is by s, min or h: %s/min" : "growth is by time: did you mean %s/min?",
          amount);
}

static void parse_limit(struct line *line, const struct word *word, struct promise *promise) {
    uint64_t ns;
    double number;
    size_t digits = strspn(word->text, "0123456789.");
    const char *why;
    if (promise->statistic == PROMISE_GROWTH) {
        parse_growth(line, word, promise);
    } else if (promise_is_time(promise)) {
        why = units_parse_time(word->text, &ns);
        if (why != NULL)
            wrong(line, word->column + (digits < strlen(word->text) ? (unsigned)digits : 0), "\"%s\" %s",
                  word->text, why);
        else
            promise->limit = (double)ns;
    } else if (promise->subject == PROMISE_MEMORY) {
        if (!parse_bytes(word->text, &promise->limit))
            wrong(line, word->column + (unsigned)digits, "\"%s\" is no number of bytes; write it like 64KiB",
                  word->text);
    } else if (parse_number(word->text, &number)) {
        promise->limit = number;
    } else if (digits > 0 && units_parse_time(word->text, &ns) == NULL) {
        wrong(line, word->column + (unsigned)digits,
              "%s is a time, but this is a number of %s; did you mean %.*s?", word->text,
              promise->measure == PROMISE_CALLS ? "calls" : "no unit", (int)digits, word->text);
    } else {
        wrong(line, word->column, "\"%s\" is no number", word->text);
    }
}

/* "+5%": of the baseline. */
static void parse_relative(struct line *line, const struct word *word, struct promise *promise) {
    char number[64];
    size_t length = strlen(word->text);
    if (promise->statistic == PROMISE_GROWTH)
        wrong(line, word->column, "a growth has no share of a baseline; give a limit, as 64KiB/min");
    snprintf(number, sizeof number, "%.*s", (int)(length < 64 ? length - 1 : 63), word->text);
    if (word->text[length - 1] != '%')
        wrong(line, word->column, "\"%s\": what is added to the baseline is a share; did you mean %s%%?",
              word->text, word->text);
    else if (!parse_number(number, &promise->limit) || promise->limit < -100)
        wrong(line, word->column, "\"%s\" is no share; write it like +5%%", word->text);
    promise->limit /= 100;
    promise->relative = true;
}

/* "3 ms": a number, and a unit of letters as a word of its own. */
static bool joins(const struct line *line, const struct word *number) {
    const struct word *unit = here(line);
    return line->at < line->count && strspn(number->text, "0123456789.") == strlen(number->text) &&
           unit->text[0] != '\0' && strchr(unit->text, '=') == NULL && !unit->quoted;
}

static const char *put_words(struct line *line, const struct word *number, const struct word *unit) {
    size_t length = strlen(number->text) + strlen(unit->text) + 1;
    char *text = perftrace_arena_take(&line->budget->arena, length);
    if (text != NULL)
        snprintf(text, length, "%s%s", number->text, unit->text);
    else
        wrong(line, number->column, "out of memory");
    return text;
}

static void take_limit(struct line *line, struct promise *promise) {
    const struct word *word = here(line);
    int relation = relation_of(word);
    if (relation < 0 && (is(word, "=") || is(word, "==") || is(word, "=<") || is(word, "=>"))) {
        wrong(line, word->column, "\"%s\" is no relation; did you mean %s?", word->text,
              is(word, "=>") ? ">=" : "<=");
    } else if (relation < 0 && line->at < line->count) {
        const char *nearest = message_nearest(word->text, statistics, STATISTICS);
        if (nearest != NULL)
            wrong(line, word->column, "unknown word \"%s\"; did you mean %s?", word->text, nearest);
        else
            wrong(line, word->column,
                  "unknown word \"%s\"; a line is NAME [self|cpu|calls] [STATISTIC] [per "
                  "frame|second|run|SPAN] <= LIMIT",
                  word->text);
    } else if (relation < 0) {
        wrong(line, word->column, "the limit is missing: <= and how much");
    }
    if (line->wrong)
        return;
    promise->relation = (enum promise_relation)relation;
    line->at++;
    word = here(line);
    if (line->at >= line->count) {
        wrong(line, word->column, "how much is missing");
        return;
    }
    if (is(word, "=")) {
        wrong(line, word[-1].column, "\"%s =\" is no relation; did you mean %s=?", word[-1].text,
              word[-1].text);
        return;
    }
    line->at++;
    if (joins(line, word)) {
        struct word joined = {put_words(line, word, here(line)), word->column, false};
        line->at++;
        word = &joined;
        if (joined.text != NULL)
            parse_limit(line, word, promise);
        return;
    }
    if (*word->text == '+' || (*word->text == '-' && strchr(word->text, '%') != NULL))
        parse_relative(line, word, promise);
    else if (strchr(word->text, '%') != NULL)
        wrong(line, word->column, "\"%s\": a share is added to the baseline; did you mean +%s?", word->text,
              word->text);
    else
        parse_limit(line, word, promise);
}

static void take_option(struct line *line, struct promise *promise) {
    const struct word *word = here(line);
    const char *equals = strchr(word->text, '='), *value = equals != NULL ? equals + 1 : "";
    size_t length = equals != NULL ? (size_t)(equals - word->text) : strlen(word->text);
    line->at++;
    if (length == 6 && memcmp(word->text, "warmup", 6) == 0 && *value != '\0') {
        char *end;
        errno = 0;
        promise->warmup_samples = strtoull(value, &end, 10);
        if (*value >= '0' && *value <= '9' && *end == '\0' && errno == 0)
            return;
        promise->warmup_samples = 0;
        const char *why = units_parse_time(value, &promise->warmup_ns);
        if (why != NULL)
            wrong(line, word->column + 7, "\"%s\" %s; or a number of samples, as warmup=120", value, why);
        return;
    }
    if (length == 5 && memcmp(word->text, "track", 5) == 0 && *value != '\0') {
        promise->track = value;
        return;
    }
    char name[32];
    snprintf(name, sizeof name, "%.*s", (int)(length < 31 ? length : 31), word->text);
    const char *nearest = message_nearest(name, options, 2);
    if (nearest != NULL)
        wrong(line, word->column, "\"%s\" is no option; did you mean %s=?", word->text, nearest);
    else
        wrong(line, word->column, "\"%s\" is no option; there are warmup=120 (or a time) and track=NAME",
              word->text);
}

/* ---- lines --------------------------------------------------------------------------------------------- */

/* The words from the first to before the last, one space apart; names that need it in quotation marks. */
static const char *put_together(struct line *line, unsigned count) {
    size_t length = 1;
    for (unsigned i = 0; i < count; i++)
        length += strlen(line->words[i].text) + 3;
    char *text = perftrace_arena_take(&line->budget->arena, length), *at = text;
    for (unsigned i = 0; text != NULL && i < count; i++)
        at += sprintf(at, line->words[i].quoted ? "%s\"%s\"" : "%s%s", i > 0 ? " " : "", line->words[i].text);
    return text;
}

static int parse_line(struct budget_file *budget, const char *text, size_t length, unsigned number) {
    struct line line = {.budget = budget, .number = number};
    struct promise promise = {.line = number};
    if (memchr(text, '\0', length) != NULL)
        wrong(&line, 1, "this is no text");
    else if (!split(&line, text, length))
        return -1;
    if (line.wrong || line.count == 0)
        return 0;
    take_subject(&line, &promise);
    take_measure(&line, &promise);
    take_statistic(&line, &promise);
    if (promise.statistic == PROMISE_EVERY && promise.measure == PROMISE_TIME)
        take_measure(&line, &promise); /* "p99 self" is rather said "self p99", but means the same */
    take_scope(&line, &promise);
    unsigned figure_words = line.at;
    take_limit(&line, &promise);
    while (!line.wrong && line.at < line.count)
        take_option(&line, &promise);
    if (line.wrong)
        return 0;
    promise.text = put_together(&line, line.count);
    promise.figure = put_together(&line, figure_words);
    if (promise.text == NULL || promise.figure == NULL ||
        array_reserve((void **)&budget->promises, budget->count, &budget->capacity,
                      sizeof *budget->promises) != 0)
        return -1;
    for (size_t i = 0; i < budget->count; i++)
        if (strcmp(budget->promises[i].text, promise.text) == 0)
            wrong(&line, 1, "the same is promised in line %u", budget->promises[i].line);
    if (budget->count == BUDGET_PROMISES_MAX)
        wrong(&line, 1, "more than %d promises", BUDGET_PROMISES_MAX);
    if (!line.wrong)
        budget->promises[budget->count++] = promise;
    return 0;
}

int budget_parse(struct budget_file *budget, const char *text, size_t length) {
    *budget = (struct budget_file){.arena = {.bytes_max = (size_t)64 << 20}};
    unsigned number = 1;
    for (size_t at = 0; at < length; number++) {
        const char *end = memchr(text + at, '\n', length - at);
        size_t count = end != NULL ? (size_t)(end - text) - at : length - at;
        if (parse_line(budget, text + at, count, number) != 0)
            return -1;
        at += count + 1;
    }
    return 0;
}

void budget_free(struct budget_file *budget) {
    free(budget->promises);
    perftrace_arena_free(&budget->arena);
    *budget = (struct budget_file){0};
}
