/* A strict JSON checker, without recursion: open objects and arrays are a stack of bits. */
#include "json_check.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DEPTH_MAX = 1000 };

struct check {
    const char *at, *end;
    unsigned depth;
    bool in_object[DEPTH_MAX];
};

static void skip_blanks(struct check *check) {
    while (check->at < check->end && memchr(" \t\n\r", *check->at, 4) != NULL)
        check->at++;
}

static bool take(struct check *check, char c) {
    if (check->at == check->end || *check->at != c)
        return false;
    check->at++;
    return true;
}

static bool take_word(struct check *check, const char *word) {
    size_t length = strlen(word);
    if ((size_t)(check->end - check->at) < length || memcmp(check->at, word, length) != 0)
        return false;
    check->at += length;
    return true;
}

static bool take_digits(struct check *check) {
    const char *start = check->at;
    while (check->at < check->end && *check->at >= '0' && *check->at <= '9')
        check->at++;
    return check->at > start;
}

static bool take_number(struct check *check) {
    take(check, '-');
    if (!take(check, '0') && !take_digits(check))
        return false;
    if (take(check, '.') && !take_digits(check))
        return false;
    if (take(check, 'e') || take(check, 'E')) {
        if (!take(check, '+'))
            take(check, '-');
        return take_digits(check);
    }
    return true;
}

static bool take_escape(struct check *check) {
    if (check->at == check->end)
        return false;
    char c = *check->at++;
    if (c != 'u')
        return c != '\0' && strchr("\"\\/bfnrt", c) != NULL;
    for (int i = 0; i < 4; i++, check->at++)
        if (check->at == check->end || *check->at == '\0' ||
            strchr("0123456789abcdefABCDEF", *check->at) == NULL)
            return false;
    return true;
}

/* One character of more than one byte: neither overlong, nor a surrogate, nor beyond U+10FFFF. */
static bool take_utf8(struct check *check) {
    const unsigned char *at = (const unsigned char *)check->at;
    size_t left = (size_t)(check->end - check->at);
    unsigned first = at[0];
    size_t bytes = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
    if (first < 0xc2 || first > 0xf4 || left < bytes)
        return false;
    for (size_t i = 1; i < bytes; i++)
        if ((at[i] & 0xc0) != 0x80)
            return false;
    if ((first == 0xe0 && at[1] < 0xa0) || (first == 0xed && at[1] > 0x9f) ||
        (first == 0xf0 && at[1] < 0x90) || (first == 0xf4 && at[1] > 0x8f))
        return false;
    check->at += bytes;
    return true;
}

static bool take_string(struct check *check) {
    if (!take(check, '"'))
        return false;
    while (check->at < check->end) {
        unsigned char c = (unsigned char)*check->at;
        if (take(check, '"'))
            return true;
        if (c < 0x20)
            return false;
        if (c >= 0x80 ? !take_utf8(check) : (check->at++, c == '\\' && !take_escape(check)))
            return false;
    }
    return false;
}

static bool take_key(struct check *check) {
    skip_blanks(check);
    if (!take_string(check))
        return false;
    skip_blanks(check);
    return take(check, ':');
}

/* A value, or the beginning of one: then *opened. */
static bool take_value(struct check *check, bool *opened) {
    *opened = false;
    skip_blanks(check);
    if (check->at == check->end)
        return false;
    switch (*check->at) {
    case '{':
    case '[':
        if (check->depth == DEPTH_MAX)
            return false;
        check->in_object[check->depth++] = *check->at++ == '{';
        *opened = true;
        return true;
    case '"':
        return take_string(check);
    case 't':
        return take_word(check, "true");
    case 'f':
        return take_word(check, "false");
    case 'n':
        return take_word(check, "null");
    default:
        return take_number(check);
    }
}

static bool check_value(struct check *check) {
    bool opened;
    if (!take_value(check, &opened))
        return false;
    while (check->depth > 0) {
        bool in_object = check->in_object[check->depth - 1];
        skip_blanks(check);
        if (take(check, in_object ? '}' : ']')) {
            check->depth--;
            opened = false;
            continue;
        }
        if (!opened && !take(check, ','))
            return false;
        if (in_object && !take_key(check))
            return false;
        if (!take_value(check, &opened))
            return false;
    }
    skip_blanks(check);
    return check->at == check->end;
}

bool json_check(const char *text, size_t length, size_t *wrong_at) {
    struct check check = {.at = text, .end = text + length};
    bool good = check_value(&check);
    if (!good && wrong_at != NULL)
        *wrong_at = (size_t)(check.at - text);
    return good;
}

char *read_whole_file(const char *path, size_t *length) {
    FILE *file = fopen(path, "rb");
    if (file == NULL)
        return NULL;
    char *text = NULL;
    size_t used = 0, capacity = 0, got;
    do {
        if (capacity - used < 2) {
            capacity = capacity == 0 ? 1 << 16 : capacity * 2;
            char *more = realloc(text, capacity);
            if (more == NULL)
                break;
            text = more;
        }
        got = fread(text + used, 1, capacity - used - 1, file);
        used += got;
    } while (got > 0);
    if (text != NULL)
        text[used] = '\0';
    fclose(file);
    if (length != NULL)
        *length = used;
    return text;
}

bool json_check_file(const char *path) {
    size_t length, wrong_at;
    char *text = read_whole_file(path, &length);
    if (text == NULL) {
        fprintf(stderr, "%s can't be read\n", path);
        return false;
    }
    bool good = json_check(text, length, &wrong_at);
    if (!good) {
        size_t from = wrong_at > 40 ? wrong_at - 40 : 0;
        fprintf(stderr, "%s: not JSON at byte %zu of %zu: …%.*s<here>%.20s\n", path, wrong_at, length,
                (int)(wrong_at - from), text + from, text + wrong_at);
    }
    free(text);
    return good;
}
