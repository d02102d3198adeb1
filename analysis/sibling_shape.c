/* Shapes of questions, by a keyed hash of what they are made of. */
#include "sibling_shape.h"

#include "../core/hash.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define SKELETON_MAX 1024u
#define STATEMENT_MIN 8u /* bytes of the shortest query */

static bool is_digit(char c) {
    return c >= '0' && c <= '9';
}
static bool is_letter(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}
static bool is_space(char c) {
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}
static char lower(char c) {
    return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
}

struct perftrace_text sibling_value(const struct analysis *analysis, uint32_t question, uint32_t index) {
    const struct analysis_question *asked = &analysis->questions[question];
    return analysis_text(analysis, analysis->parameters[asked->first_parameter + index].value);
}

/* ---- names ---------------------------------------------------------------------------------------- */

/* At `at` a word of the name begins: after what is no letter, or a capital after a small letter. */
static bool word_begins(struct perftrace_text name, size_t at) {
    if (at == 0 || !is_letter(name.bytes[at - 1]))
        return true;
    char here = name.bytes[at], before = name.bytes[at - 1];
    return here >= 'A' && here <= 'Z' && before >= 'a' && before <= 'z';
}

static bool has_word(struct perftrace_text name, const char *word, size_t length) {
    for (size_t at = 0; at + length <= name.length; at++) {
        if (!word_begins(name, at) || strncasecmp(name.bytes + at, word, length) != 0)
            continue;
        size_t end = at + length;
        if (end == name.length || !is_letter(name.bytes[end]) || word_begins(name, end))
            return true;
    }
    return false;
}

bool sibling_name_has(struct perftrace_text name, const char *words) {
    while (*words != '\0') {
        size_t length = strcspn(words, " ");
        if (has_word(name, words, length))
            return true;
        words += length + strspn(words + length, " ");
    }
    return false;
}

/* ---- queries' texts ------------------------------------------------------------------------------- */

/* Verbs with which the common query languages and commands begin. */
static const char verbs[] =
    " select insert update delete with replace merge call exec execute pragma "
    "create drop alter begin commit "
    "explain show describe values truncate upsert match query mutation get set "
    "hget hgetall hset mget post "
    "put "
    "patch del scan find aggregate ";

static bool is_verb(const char *word, size_t length) {
    char wanted[16] = " ";
    if (length == 0 || length > sizeof wanted - 3)
        return false;
    for (size_t i = 0; i < length; i++)
        wanted[1 + i] = lower(word[i]);
    wanted[1 + length] = ' ';
    wanted[2 + length] = '\0';
    return strstr(verbs, wanted) != NULL;
}

static bool all_capitals(const char *word, size_t length) {
    for (size_t i = 0; i < length; i++)
        if (word[i] < 'A' || word[i] > 'Z')
            return false;
    return true;
}

bool sibling_is_statement(struct perftrace_text text) {
    size_t at = 0, length = 0;
    if (text.length < STATEMENT_MIN)
        return false;
    while (at < text.length && is_space(text.bytes[at]))
        at++;
    if (text.length - at < STATEMENT_MIN)
        return false;
    if (text.bytes[at] == '{')
        return true;
    while (at + length < text.length && is_letter(text.bytes[at + length]))
        length++;
    if (!is_verb(text.bytes + at, length) || at + length == text.length || !is_space(text.bytes[at + length]))
        return false;
    /* Such words begin names, too: "find me.txt". Only commands are written in capitals, or have such signs or
     * words. */
    return all_capitals(text.bytes + at, length) || memchr(text.bytes, '=', text.length) != NULL ||
           memchr(text.bytes, '*', text.length) != NULL || memchr(text.bytes, '{', text.length) != NULL ||
           memchr(text.bytes, '(', text.length) != NULL ||
           sibling_name_has((struct perftrace_text){text.bytes + at + length, text.length - at - length},
                            "from where into set values table return");
}

struct skeleton {
    char *out;
    size_t length, max;
    bool lists; /* several literals in a row stood between brackets */
};

static void put(struct skeleton *skeleton, char c) {
    if (skeleton->length < skeleton->max)
        skeleton->out[skeleton->length++] = c;
}

/* A literal; "?, ?" becomes "?", so that lists of any length are one. */
static void put_literal(struct skeleton *skeleton) {
    size_t at = skeleton->length;
    while (at > 0 && skeleton->out[at - 1] == ' ')
        at--;
    if (at > 1 && skeleton->out[at - 1] == ',') {
        at--;
        while (at > 0 && skeleton->out[at - 1] == ' ')
            at--;
        if (at > 0 && skeleton->out[at - 1] == '?') {
            skeleton->length = at;
            return;
        }
    }
    put(skeleton, '?');
}

static char last_sign(const struct skeleton *skeleton) {
    size_t at = skeleton->length;
    while (at > 0 && skeleton->out[at - 1] == ' ')
        at--;
    return at > 0 ? skeleton->out[at - 1] : '\0';
}

/* Behind the quote that ends the text begun at `at`; two quotes or one after a backslash end nothing. */
static size_t quoted(struct perftrace_text text, size_t at) {
    char quote = text.bytes[at++];
    for (; at < text.length; at++) {
        if (text.bytes[at] == '\\')
            at++;
        else if (text.bytes[at] == quote) {
            if (at + 1 == text.length || text.bytes[at + 1] != quote)
                return at + 1;
            at++;
        }
    }
    return text.length;
}

/* Double quotes stand around literals where one may stand, and it is no key of JSON. Else around names. */
static bool is_literal(const struct skeleton *skeleton, struct perftrace_text text, size_t end) {
    char before = last_sign(skeleton);
    if (before == '\0' || strchr("=<>(,:[", before) == NULL)
        return false;
    while (end < text.length && is_space(text.bytes[end]))
        end++;
    return end == text.length || (text.bytes[end] != ':' && text.bytes[end] != '.');
}

/* A number, and what hangs on to it: 0x1f, 12.5, 550e8400-e29b. */
static size_t number_end(struct perftrace_text text, size_t at) {
    while (at < text.length && (is_digit(text.bytes[at]) || is_letter(text.bytes[at]) ||
                                text.bytes[at] == '.' || text.bytes[at] == '_' || text.bytes[at] == '-'))
        at++;
    return at;
}

static size_t word_end(struct perftrace_text text, size_t at) {
    while (at < text.length && (is_letter(text.bytes[at]) || is_digit(text.bytes[at]) ||
                                text.bytes[at] == '_' || (unsigned char)text.bytes[at] >= 0x80))
        at++;
    return at;
}

/* A part of a path or a key with a digit in it is a value: "/users/u17", "user:17". */
static bool is_key(const struct skeleton *skeleton, struct perftrace_text text, size_t at, size_t end) {
    if (skeleton->length == 0 || strchr("/:", skeleton->out[skeleton->length - 1]) == NULL)
        return false;
    for (; at < end; at++)
        if (is_digit(text.bytes[at]))
            return true;
    return false;
}

size_t sibling_skeleton(struct perftrace_text text, char *out, size_t max) {
    struct skeleton skeleton = {.out = out, .max = max};
    for (size_t at = 0; at < text.length && skeleton.length < max;) {
        char c = text.bytes[at];
        size_t end = at + 1;
        if (is_space(c)) {
            if (skeleton.length > 0 && out[skeleton.length - 1] != ' ')
                put(&skeleton, ' ');
        } else if (c == '\'' || c == '"') {
            end = quoted(text, at);
            if (c == '\'' || is_literal(&skeleton, text, end))
                put_literal(&skeleton);
            else
                for (size_t i = at; i < end; i++)
                    put(&skeleton, lower(text.bytes[i]));
        } else if (is_digit(c)) {
            end = number_end(text, at);
            put_literal(&skeleton);
        } else if (is_letter(c) || c == '_' || (unsigned char)c >= 0x80) {
            end = word_end(text, at);
            if (is_key(&skeleton, text, at, end))
                put_literal(&skeleton);
            else
                for (size_t i = at; i < end; i++)
                    put(&skeleton, lower(text.bytes[i]));
        } else
            put(&skeleton, c);
        at = end;
    }
    return skeleton.length;
}

/* ---- lists and numbers ---------------------------------------------------------------------------- */

/* How many parts there are between commas and semicolons; 0 where one of them is empty or holds spaces. */
static unsigned count_parts(const char *at, const char *end) {
    unsigned parts = 0;
    while (at <= end) {
        const char *stop = at;
        while (stop < end && *stop != ',' && *stop != ';')
            stop++;
        while (at < stop && is_space(*at))
            at++;
        const char *last = stop;
        while (last > at && is_space(last[-1]))
            last--;
        if (at == last)
            return 0;
        bool quotes = *at == '"' || *at == '\'';
        for (; at < last; at++)
            if (is_space(*at) && !quotes)
                return 0;
        parts++;
        at = stop + 1;
    }
    return parts;
}

/* How many whole numbers there are, with nothing but spaces between them; 0 where there is anything else. */
static unsigned count_numbers(const char *at, const char *end) {
    unsigned numbers = 0;
    while (at < end) {
        if (!is_digit(*at))
            return 0;
        while (at < end && is_digit(*at))
            at++;
        numbers++;
        if (at < end && !is_space(*at++))
            return 0;
    }
    return numbers;
}

static bool list_in_statement(struct perftrace_text text) {
    for (size_t at = 0; at + 4 < text.length; at++) {
        if (text.bytes[at] != '(')
            continue;
        size_t before = at;
        while (before > 0 && is_space(text.bytes[before - 1]))
            before--;
        bool in = before >= 3 && strncasecmp(text.bytes + before - 2, "in", 2) == 0 &&
                  !is_letter(text.bytes[before - 3]);
        bool any = before >= 3 && strncasecmp(text.bytes + before - 3, "any", 3) == 0;
        bool next_row = before >= 1 && text.bytes[before - 1] == ',';
        if (next_row && before >= 2 && text.bytes[before - 2] == ')')
            return true; /* VALUES (…), (…) */
        const char *close = memchr(text.bytes + at, ')', text.length - at);
        if ((in || any) && close != NULL &&
            memchr(text.bytes + at, ',', (size_t)(close - text.bytes) - at) != NULL)
            return true;
    }
    return false;
}

bool sibling_is_list(struct perftrace_text text, bool statement) {
    if (statement)
        return list_in_statement(text);
    const char *at = text.bytes, *end = text.bytes + text.length;
    bool brackets = text.length > 2 && strchr("[({", *at) != NULL && strchr("])}", end[-1]) != NULL;
    at += brackets;
    end -= brackets;
    if (memchr(at, ',', (size_t)(end - at)) == NULL && memchr(at, ';', (size_t)(end - at)) == NULL)
        return count_numbers(at, end) >= 3;
    unsigned parts = count_parts(at, end);
    return parts >= 3 || (brackets && parts >= 2);
}

static const char *read_number(const char *at, const char *end, int64_t *value) {
    bool negative = at < end && *at == '-';
    const char *digits = at + negative;
    uint64_t number = 0;
    for (at = digits; at < end && is_digit(*at) && at - digits < 18; at++)
        number = number * 10 + (uint64_t)(*at - '0');
    *value = negative ? -(int64_t)number : (int64_t)number;
    return at == digits ? NULL : at;
}

bool sibling_number(struct perftrace_text text, int64_t *value, int64_t *end) {
    const char *stop = text.bytes + text.length;
    const char *at = read_number(text.bytes, stop, value);
    if (at == NULL)
        return false;
    *end = *value;
    if (at == stop)
        return true;
    if (stop - at > 2 && at[0] == '.' && at[1] == '.')
        at += 2;
    else if (*at == '-' || *at == ':')
        at++;
    else
        return false;
    return at < stop && is_digit(*at) && read_number(at, stop, end) == stop && *end > *value;
}

bool sibling_number_in(struct perftrace_text text, struct perftrace_text other, int64_t *value) {
    size_t at = 0;
    while (at < text.length && at < other.length && text.bytes[at] == other.bytes[at])
        at++;
    while (at > 0 && is_digit(text.bytes[at - 1]))
        at--;
    const char *stop = text.bytes + text.length;
    const char *end = read_number(text.bytes + at, stop, value);
    return end != NULL && (end == stop || !is_letter(*end)) && (at == 0 || !is_letter(text.bytes[at - 1]));
}

int64_t sibling_limit(struct perftrace_text text) {
    for (size_t at = 0; at + 6 < text.length; at++) {
        if (lower(text.bytes[at]) != 'l' || strncasecmp(text.bytes + at, "limit ", 6) != 0)
            continue;
        int64_t limit;
        return read_number(text.bytes + at + 6, text.bytes + text.length, &limit) != NULL ? limit : 0;
    }
    return 0;
}

/* ---- shapes --------------------------------------------------------------------------------------- */

static uint64_t hash_shape(const struct sibling_shapes *shapes, const struct analysis *analysis,
                           uint32_t question, struct sibling_shape *shape) {
    const struct analysis_question *asked = &analysis->questions[question];
    *shape = (struct sibling_shape){.function = asked->function, .parameter_count = asked->parameter_count};
    uint64_t hash =
        perftrace_hash_number(shapes->key, (uint64_t)asked->function << 32 | asked->parameter_count);
    for (uint32_t i = 0; i < asked->parameter_count; i++) {
        hash = perftrace_hash_number(hash, analysis->parameters[asked->first_parameter + i].name);
        struct perftrace_text value = sibling_value(analysis, question, i);
        if (!sibling_is_statement(value))
            continue;
        char skeleton[SKELETON_MAX];
        size_t length = sibling_skeleton(value, skeleton, sizeof skeleton);
        shape->statements |= UINT64_C(1) << i;
        hash = perftrace_hash_text(hash, skeleton, length);
    }
    return hash;
}

/* Questions of one function mostly have the same parameters: whether this one has those of the last. */
static bool is_like(const struct analysis *analysis, const struct sibling_shape_last *last,
                    uint32_t question) {
    const struct analysis_question *asked = &analysis->questions[question];
    const struct analysis_question *other = &analysis->questions[last->question];
    if (last->shape == 0 || last->function != asked->function ||
        other->parameter_count != asked->parameter_count)
        return false;
    const struct analysis_parameter *mine = &analysis->parameters[asked->first_parameter];
    const struct analysis_parameter *others = &analysis->parameters[other->first_parameter];
    for (uint32_t i = 0; i < asked->parameter_count; i++)
        if (mine[i].name != others[i].name || sibling_is_statement(analysis_text(analysis, mine[i].value)))
            return false;
    return true;
}

static uint32_t shape_of(struct sibling_shapes *shapes, const struct analysis *analysis, uint32_t question) {
    if (analysis->questions[question].parameter_count > SIBLING_PARAMETERS_MAX)
        return SIBLING_SHAPE_NONE;
    uint32_t function = analysis->questions[question].function;
    struct sibling_shape_last *last = &shapes->last[function % SIBLING_SHAPES_LAST];
    if (is_like(analysis, last, question))
        return last->shape - 1;
    struct sibling_shape shape;
    uint64_t hash = hash_shape(shapes, analysis, question, &shape);
    uint32_t known = shapes->table.count;
    if (array_reserve((void **)&shapes->shapes, known, &shapes->capacity, sizeof *shapes->shapes) != 0)
        return SIBLING_SHAPE_NONE;
    uint32_t number = pair_table_add(&shapes->table, hash);
    if (number == INTERN_NONE)
        return SIBLING_SHAPE_NONE;
    if (number == known)
        shapes->shapes[number] = shape;
    if (shape.statements == 0)
        *last = (struct sibling_shape_last){function, question, number + 1};
    return number;
}

static bool make_room(struct sibling_shapes *shapes, struct analysis *analysis, uint32_t question) {
    uint32_t wanted = shapes->questions == 0 ? 1024 : shapes->questions;
    while (wanted <= question && wanted < UINT32_MAX / 2)
        wanted *= 2;
    return wanted > question && array_grow_zeros(&analysis->budget, (void **)&shapes->of_question,
                                                 &shapes->questions, wanted, sizeof *shapes->of_question);
}

uint32_t sibling_hints(struct sibling_shapes *shapes, const struct analysis *analysis, uint32_t question,
                       uint32_t number, uint32_t parameter) {
    struct sibling_shape *shape = &shapes->shapes[number];
    if (shape->hinted == parameter + 1)
        return shape->hints;
    const struct analysis_question *asked = &analysis->questions[question];
    struct perftrace_text name =
        analysis_text(analysis, analysis->parameters[asked->first_parameter + parameter].name);
    struct perftrace_text function = analysis->functions[asked->function].name;
    bool key = sibling_name_has(name, "id ids key name uuid");
    uint32_t hints = 0;
    if (sibling_name_has(name, "offset skip cursor token after since before continuation last") ||
        (!key && sibling_name_has(name, "page pages pageno start from next position marker chunk batch")))
        hints |= SIBLING_HINT_PAGE;
    if ((shape->statements >> parameter & 1) != 0 &&
        sibling_name_has(sibling_value(analysis, question, parameter), "offset"))
        hints |= SIBLING_HINT_PAGE;
    if (!key && sibling_name_has(name, "attempt attempts retry retries try tries"))
        hints |= SIBLING_HINT_ATTEMPT;
    if (!key && sibling_name_has(name, "tick ticks poll seq sequence iteration iter round cycle attempt n"))
        hints |= SIBLING_HINT_TICK;
    if (sibling_name_has(name, "now time timestamp ts since"))
        hints |= SIBLING_HINT_TIME;
    if (sibling_name_has(function, "poll heartbeat ping wait watch"))
        hints |= SIBLING_HINT_POLL;
    if (sibling_name_has(function, "status check tick state"))
        hints |= SIBLING_HINT_CHECK;
    shape->hinted = parameter + 1;
    shape->hints = hints;
    return hints;
}

uint32_t sibling_make_shape(struct sibling_shapes *shapes, struct analysis *analysis, uint32_t question) {
    if (question >= shapes->questions && !make_room(shapes, analysis, question)) {
        shapes->refused++;
        return SIBLING_SHAPE_NONE;
    }
    uint32_t shape = shape_of(shapes, analysis, question);
    shapes->of_question[question] = shape + 1; /* SIBLING_SHAPE_NONE becomes 0, and is asked for again */
    return shape;
}

void sibling_shapes_free(struct sibling_shapes *shapes) {
    pair_table_free(&shapes->table);
    free(shapes->shapes);
    free(shapes->of_question);
    sibling_paths_free(&shapes->paths);
    *shapes = (struct sibling_shapes){0};
}
