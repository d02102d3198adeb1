/* The JSON writer. */
#include "json.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static void indent(struct json *json) {
    fprintf(json->file, "\n%*s", (int)json->depth * 2, "");
}

static void member(struct json *json, const char *key) {
    if (json->has_members)
        fputc(',', json->file);
    if (json->depth > 0)
        indent(json);
    if (key != NULL)
        fprintf(json->file, "\"%s\": ", key);
    json->has_members = true;
}

static void open(struct json *json, const char *key, char bracket) {
    member(json, key);
    fputc(bracket, json->file);
    json->depth++;
    json->has_members = false;
}

static void close(struct json *json, char bracket) {
    json->depth--;
    if (json->has_members)
        indent(json);
    fputc(bracket, json->file);
    json->has_members = true;
    if (json->depth == 0)
        fputc('\n', json->file);
}

void json_object(struct json *json, const char *key) {
    open(json, key, '{');
}

void json_array(struct json *json, const char *key) {
    open(json, key, '[');
}

void json_end_object(struct json *json) {
    close(json, '}');
}

void json_end_array(struct json *json) {
    close(json, ']');
}

void json_text(struct json *json, const char *key, struct perftrace_text text) {
    member(json, key);
    json->scratch.length = 0;
    perftrace_buffer_json(&json->scratch, text, 0);
    if (!json->scratch.failed)
        fwrite(json->scratch.bytes, 1, json->scratch.length, json->file);
}

void json_string(struct json *json, const char *key, const char *text) {
    json_text(json, key, perftrace_text_of(text));
}

/* Many parsers take numbers for doubles: an integer that those can't tell from its neighbours is a string. */
#define INTEGER_MAX 9007199254740992 /* 2^53 */

static void number(struct json *json, uint64_t value) {
    fprintf(json->file, value > INTEGER_MAX ? "\"%" PRIu64 "\"" : "%" PRIu64, value);
}

void json_unsigned(struct json *json, const char *key, uint64_t value) {
    member(json, key);
    number(json, value);
}

void json_row(struct json *json, const uint64_t *values, size_t count) {
    member(json, NULL);
    for (size_t i = 0; i < count; i++) {
        fputs(i == 0 ? "[" : ", ", json->file);
        number(json, values[i]);
    }
    fputs(count == 0 ? "[]" : "]", json->file);
}

void json_signed(struct json *json, const char *key, int64_t value) {
    member(json, key);
    fprintf(json->file, value > INTEGER_MAX || value < -INTEGER_MAX ? "\"%" PRId64 "\"" : "%" PRId64, value);
}

void json_double(struct json *json, const char *key, double value) {
    member(json, key);
    if (isfinite(value))
        fprintf(json->file, "%.17g", value);
    else
        fputs("null", json->file);
}

void json_boolean(struct json *json, const char *key, bool value) {
    member(json, key);
    fputs(value ? "true" : "false", json->file);
}

int json_finish(struct json *json) {
    free(json->scratch.bytes);
    return json->scratch.failed ? -1 : 0;
}

void json_lines(struct json *json, const char *key, const char *lines) {
    json_array(json, key);
    while (lines != NULL && *lines != '\0') {
        size_t length = strcspn(lines, "\n");
        json_text(json, NULL, (struct perftrace_text){lines, length});
        lines += length + (lines[length] == '\n');
    }
    json_end_array(json);
}

const char *json_key(const char *name, char key[JSON_KEY_MAX]) {
    size_t length = 0;
    for (; name[length] != '\0' && length < JSON_KEY_MAX - 1; length++) {
        bool plain =
            (name[length] >= 'a' && name[length] <= 'z') || (name[length] >= '0' && name[length] <= '9');
        key[length] = plain ? name[length] : '_';
    }
    key[length] = '\0';
    return key;
}
